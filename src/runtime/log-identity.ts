import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '../domain/decider.js';
import { SYSTEM_LOG_CATEGORY, SYSTEM_LOG_ID } from '../domain/system-log.js';
import { LIVE_CHECKPOINT, readCheckpoint } from './checkpoint.js';
import type { Database } from './database.js';
import {
  comparePositions,
  type EventMetadata,
  type EventStore,
  type EventToAppend,
  LOG_START,
  NO_STREAM,
  type RecordedEvent,
  type StoredEvent,
} from './event-store.js';

const STREAM = `${SYSTEM_LOG_CATEGORY}-${SYSTEM_LOG_ID}`;

/** The database was built from another log, or from more of this one than there is: nothing may be served from it. */
export class LogMismatch extends Error {
  readonly code = 'log_mismatch';
  constructor(reason: string) {
    super(`the log and the database do not belong together: ${reason}`);
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
 * Makes sure that this database was built from this log, and returns the log's identity. A new log is given one; a database that
 * remembers none takes the log's. Call it before anything reads or writes.
 * Throws {@link LogMismatch} (`log_mismatch`) when the log is another, or ends before what the database has read of it.
 */
export const ensureLogIdentity = async (
  store: Pick<EventStore, 'append' | 'readStream' | 'readEnd'>,
  db: Database,
  codec: Codec,
  options: { readonly checkpoint?: string } = {},
): Promise<string> => {
  const { rows } = await db.query<{ log_id: string }>('SELECT log_id FROM runtime.log_identity');
  const remembered = rows[0]?.log_id;
  let logId = await readLogId(store, codec);
  if (remembered !== undefined) {
    if (logId !== remembered) {
      throw new LogMismatch(`the database is of log ${remembered}, this one is ${logId ?? 'new and empty'}`);
    }
    const [checkpoint, end = LOG_START] = await Promise.all([
      readCheckpoint(db, options.checkpoint ?? LIVE_CHECKPOINT),
      store.readEnd(),
    ]);
    if (checkpoint !== undefined && comparePositions(end, checkpoint.event) < 0) {
      throw new LogMismatch(
        `the database has read up to ${checkpoint.event.commit}, the log ends at ${end.commit}`,
      );
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
