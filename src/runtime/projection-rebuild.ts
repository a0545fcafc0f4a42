import { BatchApplier } from './batch-applier.js';
import {
  type Checkpoint,
  claimCheckpoint,
  LIVE_CHECKPOINT,
  resetCheckpoint,
  SteppedDown,
} from './checkpoint.js';
import type { Database } from './database.js';
import type { EventStore, LogPosition } from './event-store.js';
import { type Lease, tryAcquireLease } from './leases.js';
import type { EventDecoder } from './parked.js';
import type { Projection } from './projection.js';
import { type AppliedBatch, newInbox, pump } from './projection-pump.js';
import { recreateTables } from './projection-tables.js';

export interface RebuildOptions {
  readonly db: Database;
  readonly store: Pick<EventStore, 'readAll'>;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  readonly holder: string;
  readonly name?: string;
  readonly signal?: AbortSignal;
  onBatch?(batch: AppliedBatch): void;
  /** Something failed and is tried again. */
  onRetry?(error: unknown): void;
  onProgress?(progress: { readonly events: number; readonly position: LogPosition }): void;
}

/** Someone else runs the projections and must be stopped first. */
export class LeaseHeld extends Error {
  readonly code = 'lease_held';
  constructor(name: string) {
    super(`another process runs the projections (lease ${name}); stop it first`);
    this.name = 'LeaseHeld';
  }
}

export const categoriesOf = (projections: readonly Projection[]): string[] => [
  ...new Set(projections.flatMap(({ categories }) => categories)),
];

export const leaseName = (name: string): string => `projections:${name}`;

/** Empty tables and a checkpoint at the start of the log, in one transaction. */
export const startOver = (
  db: Database,
  projections: readonly Projection[],
  checkpoint: Checkpoint,
): Promise<Checkpoint> =>
  db.transaction(async (tx) => {
    const reset = await resetCheckpoint(tx, checkpoint);
    await recreateTables(tx, projections);
    await tx.query('DELETE FROM runtime.parked_events');
    return reset;
  });

/** Replays the log into empty tables under a lease that is held. Strict: throws `ProjectionFailed`. */
export const replay = async (
  options: Omit<RebuildOptions, 'signal'>,
  lease: Lease,
  signal: AbortSignal,
): Promise<{ checkpoint: Checkpoint; events: number }> => {
  const { db, store, codec, projections, name = LIVE_CHECKPOINT } = options;
  const claimed = await claimCheckpoint(db, name, lease.epoch);
  const applier = new BatchApplier({
    db,
    projections,
    checkpoint: await startOver(db, projections, claimed),
    strict: true,
    signal,
    ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
  });
  let events = 0;
  const categories = categoriesOf(projections);
  const open = (stop: AbortSignal) => store.readAll({ categories, signal: AbortSignal.any([signal, stop]) });
  await pump(open, newInbox(codec), applier, (batch) => {
    events += batch.events;
    options.onBatch?.(batch);
    options.onProgress?.({ events, position: batch.position });
  });
  signal.throwIfAborted();
  return { checkpoint: applier.checkpoint, events };
};

/**
 * Drops the tables of all projections, makes them again and replays the log up to its present end, under the lease. Whoever
 * reads meanwhile finds tables that are not complete, and `?after=` waits. Killed half-way, the next runner goes on from there.
 * Throws {@link LeaseHeld}, `ProjectionFailed` (the rebuild is strict), {@link SteppedDown}.
 */
export const rebuildProjections = async (
  options: RebuildOptions,
): Promise<{ readonly events: number; readonly position: LogPosition; readonly seconds: number }> => {
  const { db, name = LIVE_CHECKPOINT, holder, signal } = options;
  const startedAt = performance.now();
  const lease = await tryAcquireLease(db, { name: leaseName(name), holder });
  if (lease === undefined) throw new LeaseHeld(leaseName(name));
  try {
    const either = signal === undefined ? lease.lost : AbortSignal.any([signal, lease.lost]);
    const { checkpoint, events } = await replay(options, lease, either);
    return { events, position: checkpoint.position, seconds: (performance.now() - startedAt) / 1_000 };
  } catch (error) {
    if (lease.lost.aborted) throw new SteppedDown(leaseName(name));
    throw error;
  } finally {
    await lease.release();
  }
};
