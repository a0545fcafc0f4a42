/**
 * The read models are kept in sets. A set is a schema with the tables of all projections and the events that are parked, a
 * checkpoint, and which versions built it (`runtime.projections`):
 *
 *   next --(switch)--> live --(switch)--> previous --(switch back)--> live;  next, previous --(drop)--> gone
 *
 * Everybody reads `live` by the search path, so a set becomes live by a new name of its schema. `next` is being built, `previous`
 * was live before; there is never more than one of the two, so the disk has room for two sets and not for three.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LIVE_CHECKPOINT } from './checkpoint.js';
import { type Database, DatabaseUnavailable, type Queryable } from './database.js';

export const MODEL_SETS = [LIVE_CHECKPOINT, 'next', 'previous'] as const;
/** Also the name of the set's checkpoint. */
export type ModelSet = (typeof MODEL_SETS)[number];
export type StandbySet = Exclude<ModelSet, typeof LIVE_CHECKPOINT>;

/** Held by who writes to the live set. */
export const LIVE_LEASE = 'projections:live';
/** Held by who builds, switches or drops the sets beside it. */
export const REBUILD_LEASE = 'projections:rebuild';

export const schemaOf = (set: ModelSet): string => (set === 'live' ? 'read_model' : `read_model_${set}`);

/** The same database, in whose transactions unqualified names mean the tables of this set. */
export const inSet = (db: Database, set: ModelSet): Database =>
  set === 'live'
    ? db
    : {
        query: (sql, parameters, name) => db.query(sql, parameters, name),
        stream: (sql, parameters, options) => db.stream(sql, parameters, options),
        listen: (channel, onNotify) => db.listen(channel, onNotify),
        close: () => db.close(),
        transaction: (work, options) =>
          db.transaction(async (tx) => {
            await readFrom(tx, set);
            return work(tx);
          }, options),
      };

/** Until the end of the transaction, unqualified names mean the tables of this set. */
export const readFrom = async (tx: Queryable, set: ModelSet): Promise<void> => {
  await tx.query(`SET LOCAL search_path = ${schemaOf(set)}`);
};

/**
 * Keeps the set what it is until the transaction ends: for those who look at more than one statement's worth of it, or with a
 * snapshot, for tables are found by name and not by snapshot. Costs nobody anything but who wants to change it.
 */
export const holdSet = async (tx: Queryable, set: ModelSet): Promise<void> => {
  await tx.query(`LOCK TABLE runtime.projections IN ${set === 'live' ? 'ACCESS SHARE' : 'ROW SHARE'} MODE`);
};

/** Whoever starts meanwhile waits as long, behind us. */
const LOCK_TIMEOUT_MS = 2_000;
const RETRY_PAUSE_MS = 500;

/** Waits for those who hold the set (of the live one: any set), then keeps them off until the transaction ends. */
export const lockSet = async (tx: Queryable, set: ModelSet): Promise<void> => {
  await tx.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  // EXCLUSIVE lets those go on who hold the live one: an audit of it does, for minutes.
  const mode = set === 'live' ? 'ACCESS EXCLUSIVE' : 'EXCLUSIVE';
  await tx.query(`LOCK TABLE runtime.projections IN ${mode} MODE`).catch((cause: unknown) => {
    if (!(cause instanceof DatabaseUnavailable) || cause.reason !== 'timeout') throw cause;
    throw new DatabaseUnavailable('timeout', 'somebody holds the read models, such as an audit', { cause });
  });
};

export interface Patience {
  readonly signal?: AbortSignal;
  /** Something failed and is tried again. */
  onRetry?(error: unknown): void;
}

/** A transaction that changes which tables a set has; repeated for as long as others hold it. */
export const changeSet = async <Result>(
  db: Database,
  set: ModelSet,
  { signal, onRetry }: Patience,
  work: (tx: Queryable) => Promise<Result>,
): Promise<Result> => {
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await db.transaction(async (tx) => {
        await lockSet(tx, set);
        return work(tx);
      });
    } catch (error) {
      const waited =
        error instanceof DatabaseUnavailable && (error.reason === 'timeout' || error.reason === 'conflict');
      if (!waited) throw error;
      onRetry?.(error);
      await delay(RETRY_PAUSE_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
};
