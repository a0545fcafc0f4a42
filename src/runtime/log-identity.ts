import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '../domain/decider.js';
import { SYSTEM_LOG_CATEGORY, SYSTEM_LOG_ID } from '../domain/system-log.js';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import type { Database } from './database.js';
import {
  comparePositions,
  type EventMetadata,
  type EventStore,
  EventStoreRefused,
  type EventToAppend,
  LOG_START,
  NO_STREAM,
  type RecordedEvent,
  type StoredEvent,
} from './event-store.js';
import { MODEL_SETS } from './model-sets.js';

const STREAM = `${SYSTEM_LOG_CATEGORY}-${SYSTEM_LOG_ID}`;

const WAY_OUT =
  'restore the log that the database was built from, or a newer backup of it; or give this log an empty database, which is built from it';

/** The database was built from another log, or from more of this one than there is: nothing may be served from it. */
export class LogMismatch extends Error {
  readonly code = 'log_mismatch';
  constructor(reason: string) {
    super(`the log and the database do not belong together: ${reason}. Either ${WAY_OUT}`);
    this.name = 'LogMismatch';
  }
}

interface Codec {
  encode(event: DomainEvent, metadata: Omit<EventMetadata, 'schemaVersion'>): EventToAppend;
  decode(stored: StoredEvent): RecordedEvent;
}

const readLogId = async (
  store: Pick<EventStore, 'readStream'>,
  codec: Codec,
): Promise<string | undefined> => {
  for await (const batch of store.readStream(STREAM, 0)) {
    const [first] = batch;
    if (first === undefined) continue;
    const { event } = codec.decode(first);
    const logId = (event.data as { logId?: unknown }).logId;
    if (event.type !== 'LogCreated' || typeof logId !== 'string') {
      throw new LogMismatch(`${STREAM} begins with ${event.type}`);
    }
    return logId;
  }
  return undefined;
};

const createLog = async (store: Pick<EventStore, 'append' | 'readStream'>, codec: Codec): Promise<string> => {
  const logId = randomUUID();
  const commandId = randomUUID();
  const metadata = {
    commandId,
    $correlationId: commandId,
    $causationId: commandId,
    actor: 'holdfast',
    effectiveAt: new Date().toISOString(),
  };
  const outcome = await store.append(
    STREAM,
    [codec.encode({ type: 'LogCreated', data: { logId } }, metadata)],
    NO_STREAM,
  );
  if (outcome.ok) return logId;
  // Another process was faster: its identity is the log's.
  const theirs = await readLogId(store, codec);
  if (theirs === undefined) throw new LogMismatch(`${STREAM} exists and is empty`);
  return theirs;
};

/**
 * Whether the event that the database has read last is in the log, at its place and from its time. It is not in a log that was restored
 * from an older backup and written to since: that one may be as long, and has the same identity.
 */
const hasLastEvent = async (
  store: Pick<EventStore, 'readAll'>,
  { event, eventRecordedAt }: Checkpoint,
  categories: readonly string[],
): Promise<boolean> => {
  if (eventRecordedAt === undefined) return true;
  // A read is of what comes after a place; between this one and the event there is nothing.
  const after = { commit: event.commit, prepare: event.prepare - 1n };
  try {
    for await (const { events } of store.readAll({ after, categories })) {
      const [found] = events;
      if (found === undefined) continue;
      const sameTime = found.recordedAt.getTime() === eventRecordedAt.getTime();
      return sameTime && comparePositions(found.position, event) === 0;
    }
  } catch (error) {
    // The end could be read, so it is the place that is refused: no event begins there.
    if (!(error instanceof EventStoreRefused)) throw error;
  }
  return false;
};

/**
 * Makes sure that this database was built from this log, and returns the log's identity. A new log is given one; a database that
 * remembers none takes the log's. Call it before anything reads or writes.
 * Throws {@link LogMismatch} (`log_mismatch`) when the log is another, ends before what the database has read of it, or has gone another
 * way since. `categories`: those that the checkpoint's projections read.
 */
export const ensureLogIdentity = async (
  store: Pick<EventStore, 'append' | 'readStream' | 'readAll' | 'readEnd'>,
  db: Database,
  codec: Codec,
  categories: readonly string[],
): Promise<string> => {
  const { rows } = await db.query<{ log_id: string }>('SELECT log_id FROM runtime.log_identity');
  const remembered = rows[0]?.log_id;
  let logId = await readLogId(store, codec);
  if (remembered !== undefined) {
    if (logId !== remembered) {
      throw new LogMismatch(`the database is of log ${remembered}, this one is ${logId ?? 'new and empty'}`);
    }
    const checkpoints = await Promise.all(MODEL_SETS.map((set) => readCheckpoint(db, set)));
    // Asked after them: all of them may be moving.
    const end = (await store.readEnd()) ?? LOG_START;
    for (const checkpoint of checkpoints) {
      if (checkpoint === undefined) continue;
      if (comparePositions(end, checkpoint.event) < 0) {
        throw new LogMismatch(
          `the database has read up to ${checkpoint.event.commit}, the log ends at ${end.commit}`,
        );
      }
      if (!(await hasLastEvent(store, checkpoint, categories))) {
        throw new LogMismatch(
          `the event that the database has read at ${checkpoint.event.commit} is not there; the log was written to after an older backup of it was restored`,
        );
      }
    }
    return logId;
  }
  logId ??= await createLog(store, codec);
  await db.query('INSERT INTO runtime.log_identity (log_id) VALUES ($1) ON CONFLICT DO NOTHING', [logId]);
  const { rows: kept } = await db.query<{ log_id: string }>('SELECT log_id FROM runtime.log_identity');
  const winner = kept[0]?.log_id;
  if (winner !== logId)
    throw new LogMismatch(`the database is of log ${winner ?? 'none'}, this one is ${logId}`);
  return logId;
};
