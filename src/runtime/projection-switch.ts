/**
 * Makes another set of read models the live one, while everybody goes on: readers by the search path, commands, and the runner of
 * the live set up to the instant itself.
 *
 *   1. The builder follows the log to its end, so that little is missing.
 *   2. One transaction locks the checkpoint of the live set: its runner stands still, readers do not.
 *   3. What is missing up to there is applied to the other set, on another connection, within {@link STANDSTILL_MS};
 *      else all is rolled back, and 1.
 *   4. The schemas change names, and with them tables and parked events; checkpoints and versions change rows. The lease of the
 *      live set is revoked: its runner can write nothing more under its epoch, steps down, and begins anew with what is there now.
 *
 * Guarantees: the live position never goes back; its generation goes up, so those who wait for a position hear of it at once. A
 * query finds every table at any time. One that was being planned at that very instant may read tables of both sets: both are at
 * the same position, and the runner pauses before it writes on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Checkpoint,
  deleteCheckpoint,
  LIVE_CHECKPOINT,
  putCheckpoint,
  readCheckpoint,
  SteppedDown,
} from './checkpoint.js';
import { type Database, DatabaseUnavailable, type Queryable } from './database.js';
import { comparePositions, type LogPosition } from './event-store.js';
import { revokeLease } from './leases.js';
import { LIVE_LEASE, lockSet, type Patience, type StandbySet, schemaOf } from './model-sets.js';
import type { SetBuilder } from './projection-build.js';
import { exchangeViews } from './reporting-views.js';

/** For so long the live set may stand still. */
const STANDSTILL_MS = 2_000;
/** A turn of the builder as short as this leaves little to the instant itself. */
const CLOSE_MS = 200;
/** Where more is appended than can be built, waiting for a short turn is waiting for ever. */
const TURNS_MAX = 10;
const RETRY_PAUSE_MS = 500;
/** A name that a schema has within the transaction only. */
const LEAVING = 'read_model_leaving';

/** The other set was too far behind to be made live within the limit. It is tried again. */
export class TooFarBehind extends Error {
  readonly code = 'too_far_behind';
  constructor(position: LogPosition, live: LogPosition) {
    super(`at ${position.commit}, the live read models at ${live.commit}: tried again`);
    this.name = 'TooFarBehind';
  }
}

export interface SwitchOptions extends Patience {
  readonly db: Database;
  readonly from: StandbySet;
  /** Of the other set, under the rebuild lease. */
  readonly builder: SetBuilder;
  readonly epoch: bigint;
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly standstillMs?: number;
}

/** Resolves with the new live checkpoint once the other set is live. Repeats until it is, or the signal aborts. */
export const makeLive = async (options: SwitchOptions): Promise<Checkpoint> => {
  const { db, builder, signal, onRetry } = options;
  let tried: Checkpoint | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      // A COMMIT whose answer was lost may have happened.
      if (tried !== undefined && (await readCheckpoint(db))?.generation === tried.generation) return tried;
      tried = undefined;
      await comeClose(builder);
      return await db.transaction(async (tx) => {
        await lockSet(tx, 'live');
        const live = await lockLive(tx);
        const reached = await bringUp(options, live.position);
        tried = await exchange(tx, options, live, reached);
        return tried;
      });
    } catch (error) {
      const passes =
        error instanceof TooFarBehind || (error instanceof DatabaseUnavailable && error.reason !== 'closed');
      if (!passes) throw error;
      onRetry?.(error);
      await delay(RETRY_PAUSE_MS, undefined, { signal });
    }
  }
};

const comeClose = async (builder: SetBuilder): Promise<void> => {
  for (let turn = 1; turn <= TURNS_MAX; turn += 1) {
    const startedAt = performance.now();
    await builder.catchUp();
    if (performance.now() - startedAt <= CLOSE_MS) return;
  }
};

const lockLive = async (tx: Queryable): Promise<Checkpoint> => {
  // Nobody may have run yet.
  await tx.query('INSERT INTO runtime.checkpoints (name, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING', [
    LIVE_CHECKPOINT,
  ]);
  const live = await readCheckpoint(tx, LIVE_CHECKPOINT, { lock: true });
  if (live === undefined) throw new SteppedDown('the live read models');
  return live;
};

/** Up to where the other set has everything: at least `live`. */
const bringUp = async (
  { builder, standstillMs = STANDSTILL_MS }: SwitchOptions,
  live: LogPosition,
): Promise<LogPosition> => {
  const isBehind = () => comparePositions(builder.checkpoint.position, live) < 0;
  // A log read to its end has nothing more before `live`, even if its last event is not ours to see and the position is lower.
  const complete = !isBehind() || (await builder.catchUp(AbortSignal.timeout(standstillMs)));
  const { position } = builder.checkpoint;
  if (!isBehind()) return position;
  if (complete) return live;
  throw new TooFarBehind(position, live);
};

const exchange = async (
  tx: Queryable,
  { from, epoch, holder }: SwitchOptions,
  live: Checkpoint,
  position: LogPosition,
): Promise<Checkpoint> => {
  const other = await readCheckpoint(tx, from, { lock: true });
  if (other?.epoch !== epoch) throw new SteppedDown(`the ${from} read models`);
  await tx.query(`ALTER SCHEMA ${schemaOf('live')} RENAME TO ${LEAVING}`);
  await tx.query(`ALTER SCHEMA ${schemaOf(from)} RENAME TO ${schemaOf('live')}`);
  await tx.query(`ALTER SCHEMA ${LEAVING} RENAME TO ${schemaOf('previous')}`);
  await exchangeViews(tx, from);
  await tx.query(
    `UPDATE runtime.projections SET model_set = CASE model_set WHEN 'live' THEN 'previous' ELSE 'live' END
     WHERE model_set IN ('live', $1)`,
    [from],
  );
  if (from === 'next') await deleteCheckpoint(tx, from);
  await putCheckpoint(tx, { ...live, name: 'previous', epoch });
  const now: Checkpoint = {
    ...other,
    name: LIVE_CHECKPOINT,
    epoch: await revokeLease(tx, { name: LIVE_LEASE, holder }),
    position,
    generation: live.generation + 1,
    parkedRevision: live.parkedRevision + 1,
  };
  await putCheckpoint(tx, now);
  return now;
};
