import { BatchApplier } from './batch-applier.js';
import { type Checkpoint, claimCheckpoint, deleteCheckpoint, resetCheckpoint } from './checkpoint.js';
import type { Database, Queryable } from './database.js';
import type { PendingEvent } from './event-inbox.js';
import type { EventStore, LogPosition } from './event-store.js';
import { changeSet, inSet, type ModelSet, type Patience, type StandbySet } from './model-sets.js';
import type { EventDecoder } from './parked.js';
import type { Projection } from './projection.js';
import { newInbox, pump } from './projection-pump.js';
import { dropSetTables, isBuiltBy, recreateTables } from './projection-tables.js';

export interface BuildOptions extends Patience {
  readonly db: Database;
  readonly store: Pick<EventStore, 'readAll'>;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  /** After every batch. `events`: applied by this process since it opened the set. */
  onProgress?(progress: { readonly events: number; readonly position: LogPosition }): void;
}

/** A set of read models, opened to bring it up to date from the log. */
export interface SetBuilder {
  /** As committed. */
  readonly checkpoint: Checkpoint;
  readonly events: number;
  /**
   * Applies what the log has now, or as much of it as can be read until `stop`; whether it was all. Throws `ProjectionFailed`,
   * `SteppedDown`, the reason of the builder's signal, and what the log throws.
   */
  catchUp(stop?: AbortSignal): Promise<boolean>;
}

export const categoriesOf = (projections: readonly Projection[]): string[] => [
  ...new Set(projections.flatMap(({ categories }) => categories)),
];

/**
 * Empty tables and a checkpoint at the start of the log, in one transaction. One that starts the next set drops the previous one
 * in it: there is room for two.
 */
export const startOver = (
  db: Database,
  projections: readonly Projection[],
  checkpoint: Checkpoint,
  set: ModelSet,
  patience: Patience = {},
): Promise<Checkpoint> =>
  changeSet(inSet(db, set), set, patience, async (tx) => {
    if (set === 'next') await dropSet(tx, 'previous');
    const reset = await resetCheckpoint(tx, checkpoint);
    await recreateTables(tx, projections, set);
    return reset;
  });

/** Tables, parked events and checkpoint. */
export const dropSet = async (tx: Queryable, set: StandbySet): Promise<void> => {
  await dropSetTables(tx, set);
  await deleteCheckpoint(tx, set);
};

export interface OpenSet {
  readonly set: ModelSet;
  /** Of the lease under which it may be written. */
  readonly epoch: bigint;
  readonly signal: AbortSignal;
  /** Empty it first, whatever is there; else only what another version has built. */
  readonly fresh?: boolean;
  /** What to do with an event that cannot be applied; strict, and `ProjectionFailed` is thrown, when absent. */
  onParked?(event: PendingEvent, error: unknown): void;
}

/** Opens a set where it was left, or empty. What is half built goes on, if the same versions build it. */
export const openSet = async (options: BuildOptions, opened: OpenSet): Promise<SetBuilder> => {
  const { db, store, codec, projections, onRetry, onProgress } = options;
  const { set, epoch, signal, fresh = false, onParked } = opened;
  const claimed = await claimCheckpoint(db, set, epoch);
  const goesOn = !fresh && (await isBuiltBy(db, projections, set));
  const applier = new BatchApplier({
    db: inSet(db, set),
    projections,
    checkpoint: goesOn ? claimed : await startOver(db, projections, claimed, set, { ...options, signal }),
    strict: onParked === undefined,
    signal,
    ...(onParked === undefined ? {} : { onParked }),
    ...(onRetry === undefined ? {} : { onRetry: (error: unknown) => onRetry(error) }),
  });
  const categories = categoriesOf(projections);
  let events = 0;
  return {
    get checkpoint() {
      return applier.checkpoint;
    },
    get events() {
      return events;
    },
    async catchUp(stop) {
      const either = stop === undefined ? signal : AbortSignal.any([signal, stop]);
      const open = (ended: AbortSignal) =>
        store.readAll({
          after: applier.checkpoint.position,
          categories,
          signal: AbortSignal.any([either, ended]),
        });
      await pump(open, newInbox(codec), applier, (batch) => {
        events += batch.events;
        onProgress?.({ events, position: batch.position });
      });
      signal.throwIfAborted();
      return !either.aborted;
    },
  };
};
