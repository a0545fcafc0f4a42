/**
 * Keeps the read models up to date: one `$all` subscription, all live projections, one transaction per batch, one checkpoint
 * (design 5).
 *
 *   waiting --(lease)--> catching up --> live --(lease lost | SteppedDown)--> waiting
 *   any --(signal)--> stopped;  any --(ProjectionsChanged | TooManyParked | a store that refuses)--> run() throws
 *
 * While one batch is in its transaction the next ones arrive and are decoded, so batches are small when live and large in a
 * catch-up without any clock. At most one transaction is open. See batch-applier.ts for what makes it safe.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BatchApplier, ProjectionFailed, TooManyParked } from './batch-applier.js';
import {
  type Checkpoint,
  claimCheckpoint,
  LIVE_CHECKPOINT,
  resetCheckpoint,
  SteppedDown,
} from './checkpoint.js';
import { type Database, DatabaseUnavailable } from './database.js';
import { EventInbox } from './event-inbox.js';
import { type EventStore, EventStoreUnavailable, type LogBatch, type LogPosition } from './event-store.js';
import { acquireLease, type Lease, tryAcquireLease } from './leases.js';
import type { EventDecoder } from './parked.js';
import type { Projection } from './projection.js';
import { ProjectionsChanged, projectionChanges, recreateTables } from './projection-tables.js';

/** One transaction. More than this brings nothing: the cost per event is flat from about a thousand on. */
export const BATCH_MAX_EVENTS = 4_000;
export const BATCH_MAX_BYTES = 8 * 1024 * 1024;
/** Decoded and waiting while a transaction runs. */
const INBOX_MAX_EVENTS = 8_000;
const INBOX_MAX_BYTES = 16 * 1024 * 1024;
const RESUBSCRIBE_PAUSE_MS = 500;
const RETAKE_PAUSE_MS = 200;

export type RunnerState = 'waiting' | 'catching_up' | 'live' | 'stopped';

export interface RunnerStatus {
  readonly state: RunnerState;
  readonly position: LogPosition | undefined;
  /** Received and not yet in the tables: a lower bound of the lag. */
  readonly pendingEvents: number;
  /** How old the last applied event was when more are waiting; 0 when live with nothing waiting. */
  readonly lagSeconds: number;
  readonly appliedEvents: number;
}

export interface AppliedBatch {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
  /** From when the last event was recorded to when it could be read; 0 for a batch without events. */
  readonly lagSeconds: number;
  readonly position: LogPosition;
  readonly caughtUp: boolean;
}

export interface RunnerEvents {
  onState?(state: RunnerState): void;
  onBatch?(batch: AppliedBatch): void;
  onParked?(stream: string, revision: number, type: string, error: unknown): void;
  /** Something failed and is tried again. */
  onRetry?(error: unknown): void;
}

export interface ProjectionRunnerOptions extends RunnerEvents {
  readonly db: Database;
  readonly store: Pick<EventStore, 'subscribeAll' | 'readAll'>;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  /** Who holds the lease, for people: host and process. */
  readonly holder: string;
  readonly name?: string;
  /** What to do when the tables were built by other versions: stop with {@link ProjectionsChanged}, or build them again. */
  readonly whenChanged?: 'refuse' | 'rebuild';
  readonly parkedStreamsMax?: number;
}

export interface ProjectionRunner {
  /** Resolves after `signal`; throws what needs a person: ProjectionsChanged, TooManyParked, ProjectionFailed. */
  run(signal: AbortSignal): Promise<void>;
  readonly status: RunnerStatus;
}

export interface RebuildOptions extends RunnerEvents {
  readonly db: Database;
  readonly store: Pick<EventStore, 'readAll'>;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  readonly holder: string;
  readonly name?: string;
  readonly signal?: AbortSignal;
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

const categoriesOf = (projections: readonly Projection[]): string[] => [
  ...new Set(projections.flatMap(({ categories }) => categories)),
];

const leaseName = (name: string): string => `projections:${name}`;

/** Empty tables and a checkpoint at the start of the log, in one transaction. */
const startOver = (
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

/** Moves batches from the log into the tables until `open`'s source ends. Whatever fails on either side ends both. */
const pump = async (
  open: (stop: AbortSignal) => AsyncIterable<LogBatch>,
  inbox: EventInbox,
  applier: BatchApplier,
  onBatch: (batch: AppliedBatch) => void,
): Promise<void> => {
  const stop = new AbortController();
  const reading = (async () => {
    try {
      for await (const batch of open(stop.signal)) {
        await inbox.add(batch);
        if (inbox.ended) return;
      }
      inbox.end();
    } catch (error) {
      inbox.end(error);
    }
  })();
  try {
    for (;;) {
      const batch = await inbox.take(BATCH_MAX_EVENTS, BATCH_MAX_BYTES);
      if (batch === undefined) return;
      const startedAt = performance.now();
      await applier.apply(batch);
      const last = batch.events.at(-1);
      onBatch({
        events: batch.events.length,
        bytes: batch.bytes,
        seconds: (performance.now() - startedAt) / 1_000,
        lagSeconds:
          last === undefined ? 0 : Math.max(0, Date.now() - last.stored.recordedAt.getTime()) / 1_000,
        position: batch.position,
        caughtUp: batch.caughtUp,
      });
    }
  } finally {
    stop.abort();
    inbox.abandon();
    await reading;
  }
};

const newInbox = (codec: EventDecoder): EventInbox =>
  new EventInbox(codec, { maxEvents: INBOX_MAX_EVENTS, maxBytes: INBOX_MAX_BYTES });

/** Replays the log into empty tables under a lease that is held. Strict: throws {@link ProjectionFailed}. */
const replay = async (
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
 * Throws {@link LeaseHeld}, {@link ProjectionFailed} (the rebuild is strict), {@link SteppedDown}.
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

class Runner implements ProjectionRunner {
  private state: RunnerState = 'stopped';
  private inbox: EventInbox | undefined;
  private applier: BatchApplier | undefined;
  private appliedEvents = 0;

  constructor(private readonly options: ProjectionRunnerOptions) {}

  get status(): RunnerStatus {
    const checkpoint = this.applier?.checkpoint;
    const pendingEvents = this.inbox?.size ?? 0;
    const behind = this.state === 'catching_up' || pendingEvents > 0;
    const lastMs = checkpoint?.eventRecordedAt?.getTime();
    return {
      state: this.state,
      position: checkpoint?.position,
      pendingEvents,
      lagSeconds: behind && lastMs !== undefined ? Math.max(0, Date.now() - lastMs) / 1_000 : 0,
      appliedEvents: this.appliedEvents,
    };
  }

  private enter(state: RunnerState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onState?.(state);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { db, name = LIVE_CHECKPOINT, holder } = this.options;
    try {
      while (!signal.aborted) {
        this.enter('waiting');
        const lease = await acquireLease(db, { name: leaseName(name), holder, signal });
        if (lease === undefined) return;
        try {
          await this.serve(lease, AbortSignal.any([signal, lease.lost]));
        } catch (error) {
          if (signal.aborted) return;
          const passes =
            lease.lost.aborted ||
            error instanceof SteppedDown ||
            error instanceof EventStoreUnavailable ||
            (error instanceof DatabaseUnavailable && error.reason !== 'closed');
          if (!passes) throw error;
          this.options.onRetry?.(error);
          await delay(RETAKE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
        } finally {
          await lease.release();
        }
      }
    } finally {
      this.enter('stopped');
    }
  }

  /** Under one lease, until the signal or trouble. */
  private async serve(lease: Lease, signal: AbortSignal): Promise<void> {
    const { db, store, codec, projections, parkedStreamsMax, ...report } = this.options;
    this.enter('catching_up');
    const applier = new BatchApplier({
      db,
      projections,
      checkpoint: await this.prepareTables(lease, signal),
      strict: false,
      signal,
      ...(parkedStreamsMax === undefined ? {} : { parkedStreamsMax }),
      onParked: ({ stored }, error) => report.onParked?.(stored.stream, stored.revision, stored.type, error),
      onRetry: (error) => report.onRetry?.(error),
    });
    this.applier = applier;
    const categories = categoriesOf(projections);
    while (!signal.aborted) {
      this.inbox = newInbox(codec);
      const open = (stop: AbortSignal) =>
        store.subscribeAll({
          after: applier.checkpoint.position,
          categories,
          signal: AbortSignal.any([signal, stop]),
        });
      await pump(open, this.inbox, applier, (batch) => {
        this.appliedEvents += batch.events;
        report.onBatch?.(batch);
        if (batch.caughtUp) this.enter('live');
      });
      // A subscription ends only by its signal; should it end by itself, it is opened again where the checkpoint is.
      if (!signal.aborted) await delay(RESUBSCRIBE_PAUSE_MS, undefined, { signal });
    }
  }

  private async prepareTables(lease: Lease, signal: AbortSignal): Promise<Checkpoint> {
    const { db, projections, name = LIVE_CHECKPOINT, whenChanged = 'refuse' } = this.options;
    const claimed = await claimCheckpoint(db, name, lease.epoch);
    const changes = await projectionChanges(db, projections);
    if (changes === undefined) return startOver(db, projections, claimed);
    if (changes.length === 0) return claimed;
    if (whenChanged === 'refuse') throw new ProjectionsChanged(changes);
    return (await replay(this.options, lease, signal)).checkpoint;
  }
}

/** See the head of this file. */
export const createProjectionRunner = (options: ProjectionRunnerOptions): ProjectionRunner =>
  new Runner(options);

export { ProjectionFailed, ProjectionsChanged, SteppedDown, TooManyParked };
