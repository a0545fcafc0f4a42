import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIVE_CHECKPOINT, readCheckpoint } from './checkpoint.js';
import { type Database, DatabaseUnavailable, type Queryable } from './database.js';
import type { RecordedEvent, StoredEvent } from './event-store.js';
import { holdSet } from './model-sets.js';
import type { Projection } from './projection.js';
import { changedSince } from './projection-tables.js';

/** How events are read; the codec is one. Throws for an event that this build cannot read. */
export interface EventDecoder {
  decode(stored: StoredEvent): RecordedEvent;
}

/** Parked events of one stream that are applied again together. */
const REPLAY_BATCH_EVENTS = 1_000;
const ERROR_MAX_CHARACTERS = 4_000;

export interface EventToPark {
  readonly stored: StoredEvent;
  /** Why it cannot be applied; absent for one that only waits behind another of its stream. */
  readonly error?: unknown;
}

export interface ParkedStream {
  readonly stream: string;
  readonly events: number;
  /** Of the event that failed. */
  readonly revision: number;
  readonly type: string;
  readonly error: string;
  readonly parkedAt: Date;
}

/** A parked stream fails again; it stays as it was. */
export class StillParked extends Error {
  readonly code = 'still_parked';
  constructor(
    readonly stream: string,
    options: { cause: unknown },
  ) {
    super(`stream ${stream} cannot be applied yet: ${describe(options.cause)}`, options);
    this.name = 'StillParked';
  }
}

const describe = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  const text = typeof code === 'string' ? `${code}: ${message}` : message;
  // PostgreSQL text cannot hold NUL.
  return text.replaceAll('\0', '').slice(0, ERROR_MAX_CHARACTERS);
};

/** What PostgreSQL says to the statements after one that failed. */
const IN_FAILED_TRANSACTION = '25P02';

const isAftermath = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === IN_FAILED_TRANSACTION;

/** Larger batches let others have a turn of the event loop between two projections. */
const TOGETHER_MAX_EVENTS = 500;

/**
 * Every projection gets its part of the events, in log order, through the same transaction. They own different tables, so none
 * waits for the statements of another: all are sent together. Throws the error that the others are the aftermath of.
 */
export const applyToAll = async (
  projections: readonly Projection[],
  events: readonly RecordedEvent[],
  tx: Queryable,
): Promise<void> => {
  const byCategory = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const list = byCategory.get(event.category);
    if (list === undefined) byCategory.set(event.category, [event]);
    else list.push(event);
  }
  const applying: Promise<void>[] = [];
  for (const projection of projections) {
    const parts = projection.categories.filter((category) => byCategory.has(category));
    if (parts.length === 0) continue;
    const wanted = new Set(parts);
    const own =
      parts.length === byCategory.size
        ? events
        : parts.length === 1 && parts[0] !== undefined
          ? (byCategory.get(parts[0]) ?? [])
          : events.filter(({ category }) => wanted.has(category));
    const applied = projection.apply(own, tx);
    // Looked at below; until then a rejection has nobody.
    applied.catch(() => undefined);
    applying.push(applied);
    if (events.length > TOGETHER_MAX_EVENTS) await nextTurn();
  }
  const failures = (await Promise.allSettled(applying)).filter((one) => one.status === 'rejected');
  const first = failures.find(({ reason }) => !isAftermath(reason)) ?? failures[0];
  if (first !== undefined) throw first.reason;
};

// `parked_events` is a table of the set that the transaction reads and writes: what that set lacks (model-sets.ts).

export const readParkedStreams = async (db: Queryable): Promise<Set<string>> => {
  const { rows } = await db.query<{ stream: string }>('SELECT DISTINCT stream FROM parked_events');
  return new Set(rows.map(({ stream }) => stream));
};

/** Parks events in the caller's transaction; one that is parked already stays as it is. */
export const parkEvents = async (tx: Queryable, events: readonly EventToPark[]): Promise<void> => {
  if (events.length === 0) return;
  const column = <Value>(value: (event: StoredEvent) => Value) => events.map(({ stored }) => value(stored));
  await tx.query(
    `INSERT INTO parked_events (stream, revision, event_id, type, data, metadata, commit_position,
       prepare_position, recorded_at, error)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::json[], $6::json[], $7::bigint[],
       $8::bigint[], $9::timestamptz[], $10::text[])
     ON CONFLICT DO NOTHING`,
    [
      column(({ stream }) => stream),
      column(({ revision }) => revision),
      column(({ id }) => id),
      column(({ type }) => type),
      column(({ data }) => JSON.stringify(data) ?? null),
      column(({ metadata }) => JSON.stringify(metadata)),
      column(({ position }) => position.commit),
      column(({ position }) => position.prepare),
      column(({ recordedAt }) => recordedAt),
      events.map(({ error }) => (error === undefined ? null : describe(error))),
    ],
  );
};

/** What is parked and why, oldest first. */
export const listParked = async (db: Queryable): Promise<readonly ParkedStream[]> => {
  const { rows } = await db.query<{
    stream: string;
    events: number;
    revision: bigint;
    type: string;
    error: string | null;
    parked_at: Date;
  }>(
    `SELECT DISTINCT ON (stream) stream, (count(*) OVER (PARTITION BY stream))::int AS events, revision, type, error, parked_at
     FROM parked_events ORDER BY stream, revision`,
  );
  return rows
    .map(({ stream, events, revision, type, error, parked_at }) => ({
      stream,
      events,
      revision: Number(revision),
      type,
      error: error ?? '',
      parkedAt: parked_at,
    }))
    .sort((a, b) => a.parkedAt.getTime() - b.parkedAt.getTime());
};

interface ParkedRow {
  stream: string;
  revision: bigint;
  event_id: string;
  type: string;
  data: unknown;
  metadata: Record<string, unknown>;
  commit_position: bigint;
  prepare_position: bigint;
  recorded_at: Date;
}

const toStored = (row: ParkedRow): StoredEvent => ({
  id: row.event_id,
  type: row.type,
  data: row.data,
  metadata: row.metadata,
  stream: row.stream,
  revision: Number(row.revision),
  position: { commit: row.commit_position, prepare: row.prepare_position },
  recordedAt: row.recorded_at,
});

export interface ReplayOptions {
  readonly db: Database;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  readonly stream: string;
  readonly checkpoint?: string;
}

/**
 * Applies a parked stream's events in their order and lets the stream go on, all in one transaction; the runner, here or in another
 * process, waits for that long and then follows. Returns how many events it were, 0 when the stream is not parked.
 * Throws {@link StillParked} and changes nothing when one of them still fails, `ProjectionsChanged` where other versions have built
 * the tables.
 */
export const replayParked = ({
  db,
  codec,
  projections,
  stream,
  checkpoint = LIVE_CHECKPOINT,
}: ReplayOptions): Promise<number> =>
  db.transaction(async (tx) => {
    await holdSet(tx, 'live');
    const changed = await changedSince(tx, projections);
    if (changed !== undefined) throw changed;
    // Nobody moves the checkpoint meanwhile, so no event of the stream can be parked behind our back.
    await readCheckpoint(tx, checkpoint, { lock: true });
    const { rows } = await tx.query<ParkedRow>('DELETE FROM parked_events WHERE stream = $1 RETURNING *', [
      stream,
    ]);
    if (rows.length === 0) return 0;
    rows.sort((a, b) => Number(a.revision - b.revision));
    try {
      const events = rows.map((row) => codec.decode(toStored(row)));
      for (let from = 0; from < events.length; from += REPLAY_BATCH_EVENTS) {
        await applyToAll(projections, events.slice(from, from + REPLAY_BATCH_EVENTS), tx);
      }
    } catch (cause) {
      if (cause instanceof DatabaseUnavailable) throw cause;
      throw new StillParked(stream, { cause });
    }
    await tx.query('UPDATE runtime.checkpoints SET parked_revision = parked_revision + 1 WHERE name = $1', [
      checkpoint,
    ]);
    return rows.length;
  });
