import type { Queryable } from './database.js';
import type { LogPosition } from './event-store.js';

/** Of the set of read models that people read; see model-sets.ts. */
export const LIVE_CHECKPOINT = 'live';
/** Every commit of a checkpoint notifies here; see {@link parseCheckpointNotice}. */
export const CHECKPOINT_CHANNEL = 'holdfast_checkpoint';

export interface Checkpoint {
  readonly name: string;
  /** Of the lease under which it may be moved. */
  readonly epoch: bigint;
  /** Everything up to and including here is in the tables or parked. */
  readonly position: LogPosition;
  /** The last event delivered; the position may be further, over events nobody handles. */
  readonly event: LogPosition;
  readonly eventRecordedAt?: Date;
  /** Positions of two generations do not compare: a rebuild starts a new one. */
  readonly generation: number;
  /** Differs from what the runner remembers when somebody else changed the parked streams. */
  readonly parkedRevision: number;
}

/** Somebody else holds the lease now: what was about to be written has been rolled back. */
export class SteppedDown extends Error {
  readonly code = 'stepped_down';
  constructor(what: string) {
    super(`another process has taken over ${what}`);
    this.name = 'SteppedDown';
  }
}

interface Row {
  epoch: bigint;
  commit_position: bigint;
  prepare_position: bigint;
  event_commit: bigint;
  event_prepare: bigint;
  event_recorded_at: Date | null;
  generation: number;
  parked_revision: number;
}

const COLUMNS =
  'epoch, commit_position, prepare_position, event_commit, event_prepare, event_recorded_at, generation, parked_revision';

const toCheckpoint = (name: string, row: Row): Checkpoint => ({
  name,
  epoch: row.epoch,
  position: { commit: row.commit_position, prepare: row.prepare_position },
  event: { commit: row.event_commit, prepare: row.event_prepare },
  ...(row.event_recorded_at === null ? {} : { eventRecordedAt: row.event_recorded_at }),
  generation: row.generation,
  parkedRevision: row.parked_revision,
});

/** Undefined where the projections have never run. `lock` keeps everybody from moving it until the transaction ends. */
export const readCheckpoint = async (
  db: Queryable,
  name = LIVE_CHECKPOINT,
  options: { readonly lock?: boolean } = {},
): Promise<Checkpoint | undefined> => {
  const lock = options.lock === true ? ' FOR UPDATE' : '';
  const { rows } = await db.query<Row>(
    `SELECT ${COLUMNS} FROM runtime.checkpoints WHERE name = $1${lock}`,
    [name],
    options.lock === true ? 'checkpoint.lock' : 'checkpoint.read',
  );
  return rows[0] === undefined ? undefined : toCheckpoint(name, rows[0]);
};

/** Makes the checkpoint move under this epoch only. Throws {@link SteppedDown} when a later holder has claimed it. */
export const claimCheckpoint = async (db: Queryable, name: string, epoch: bigint): Promise<Checkpoint> => {
  const { rows } = await db.query<Row>(
    `INSERT INTO runtime.checkpoints AS c (name, epoch) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch WHERE c.epoch <= excluded.epoch
     RETURNING ${COLUMNS}`,
    [name, epoch],
  );
  if (rows[0] === undefined) throw new SteppedDown(`checkpoint ${name}`);
  return toCheckpoint(name, rows[0]);
};

const ADVANCE = `
WITH moved AS (
  UPDATE runtime.checkpoints
  SET commit_position = $5, prepare_position = $6, event_commit = $7, event_prepare = $8,
      event_recorded_at = $9, updated_at = now()
  WHERE name = $1 AND epoch = $2 AND commit_position = $3 AND prepare_position = $4
  RETURNING generation, parked_revision
)
SELECT parked_revision, pg_notify('${CHECKPOINT_CHANNEL}', $1 || ' ' || generation || ' ' || $5::bigint || ' ' || $6::bigint)
FROM moved`;

/**
 * Moves the checkpoint from `from` by compare-and-set and locks its row until the transaction ends, so it comes first in it.
 * Throws {@link SteppedDown} when it is not there any more. Returns the checkpoint as it will be once committed.
 */
export const advanceCheckpoint = async (
  tx: Queryable,
  from: Checkpoint,
  to: { readonly position: LogPosition; readonly event?: LogPosition; readonly eventRecordedAt?: Date },
): Promise<Checkpoint> => {
  const event = to.event ?? from.event;
  const eventRecordedAt = to.eventRecordedAt ?? from.eventRecordedAt;
  const { rows } = await tx.query<{ parked_revision: number }>(
    ADVANCE,
    [
      from.name,
      from.epoch,
      from.position.commit,
      from.position.prepare,
      to.position.commit,
      to.position.prepare,
      event.commit,
      event.prepare,
      eventRecordedAt ?? null,
    ],
    'checkpoint.advance',
  );
  if (rows[0] === undefined) throw new SteppedDown(`checkpoint ${from.name}`);
  return {
    ...from,
    position: to.position,
    event,
    ...(eventRecordedAt === undefined ? {} : { eventRecordedAt }),
    parkedRevision: rows[0].parked_revision,
  };
};

/** Back to the start of the log in a new generation, for a rebuild. */
export const resetCheckpoint = async (tx: Queryable, from: Checkpoint): Promise<Checkpoint> => {
  const { rows } = await tx.query<Row>(
    `WITH reset AS (
       UPDATE runtime.checkpoints
       SET commit_position = 0, prepare_position = 0, event_commit = 0, event_prepare = 0, event_recorded_at = NULL,
           generation = generation + 1, parked_revision = parked_revision + 1, updated_at = now()
       WHERE name = $1 AND epoch = $2
       RETURNING *
     )
     SELECT ${COLUMNS}, pg_notify('${CHECKPOINT_CHANNEL}', name || ' ' || generation || ' 0 0') FROM reset`,
    [from.name, from.epoch],
  );
  if (rows[0] === undefined) throw new SteppedDown(`checkpoint ${from.name}`);
  return toCheckpoint(from.name, rows[0]);
};

/**
 * Writes a checkpoint as it is given, whoever had it before: for the transaction that changes which set is live, which holds the
 * leases and locks that make that safe. Those who wait for its position hear of it.
 */
export const putCheckpoint = async (tx: Queryable, checkpoint: Checkpoint): Promise<void> => {
  const { name, epoch, position, event, eventRecordedAt, generation, parkedRevision } = checkpoint;
  await tx.query(
    `INSERT INTO runtime.checkpoints (name, ${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (name) DO UPDATE
     SET (${COLUMNS}, updated_at) = ($2, $3, $4, $5, $6, $7, $8, $9, now())`,
    [
      name,
      epoch,
      position.commit,
      position.prepare,
      event.commit,
      event.prepare,
      eventRecordedAt ?? null,
      generation,
      parkedRevision,
    ],
  );
  await tx.query('SELECT pg_notify($1, $2)', [
    CHECKPOINT_CHANNEL,
    `${name} ${generation} ${position.commit} ${position.prepare}`,
  ]);
};

export const deleteCheckpoint = async (tx: Queryable, name: string): Promise<void> => {
  await tx.query('DELETE FROM runtime.checkpoints WHERE name = $1', [name]);
};

/** What a NOTIFY on {@link CHECKPOINT_CHANNEL} says; undefined for anything else. */
export const parseCheckpointNotice = (
  payload: string,
): { name: string; generation: number; position: LogPosition } | undefined => {
  const [name, generation, commit, prepare] = payload.split(' ');
  if (name === undefined || generation === undefined || commit === undefined || prepare === undefined) return;
  return {
    name,
    generation: Number(generation),
    position: { commit: BigInt(commit), prepare: BigInt(prepare) },
  };
};
