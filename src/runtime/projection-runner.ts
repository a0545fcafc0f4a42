/**
 * Keeps the read models up to date: one `$all` subscription, all live projections, one transaction per batch, one checkpoint
 * (design 5).
 *
 *   rebuilding --(own read models are live)--> waiting --(lease)--> catching up --> live --(lease lost | SteppedDown)--> waiting
 *   any --(signal)--> stopped;  any --(ProjectionsChanged | TooManyParked | a store that refuses)--> run() throws
 *
 * While one batch is in its transaction the next ones arrive and are decoded, so batches are small when live and large in a
 * catch-up without any clock. At most one transaction is open. See batch-applier.ts for what makes it safe.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BatchApplier } from './batch-applier.js';
import { type Checkpoint, claimCheckpoint, LIVE_CHECKPOINT, SteppedDown } from './checkpoint.js';
import { type Database, DatabaseUnavailable } from './database.js';
import type { EventInbox } from './event-inbox.js';
import { type EventStore, EventStoreUnavailable, type LogPosition } from './event-store.js';
import { acquireLease, LEASE_POLL_MS, type Lease } from './leases.js';
import { LIVE_LEASE } from './model-sets.js';
import type { EventDecoder } from './parked.js';
import type { Projection } from './projection.js';
import { categoriesOf, startOver } from './projection-build.js';
import { type AppliedBatch, newInbox, pump } from './projection-pump.js';
import { upgradeProjections } from './projection-rebuild.js';
import { changedSince, installedVersions } from './projection-tables.js';

const RESUBSCRIBE_PAUSE_MS = 500;
const RETAKE_PAUSE_MS = 200;

export type RunnerState = 'rebuilding' | 'waiting' | 'catching_up' | 'live' | 'stopped';

export interface RunnerStatus {
  readonly state: RunnerState;
  readonly position: LogPosition | undefined;
  /** Received and not yet in the tables: a lower bound of the lag. */
  readonly pendingEvents: number;
  /** How old the last applied event was when more are waiting; 0 when live with nothing waiting. */
  readonly lagSeconds: number;
  readonly appliedEvents: number;
}

/** What an operator may want to hear about. */
export interface RunnerEvents {
  onState?(state: RunnerState): void;
  onBatch?(batch: AppliedBatch): void;
  onParked?(stream: string, revision: number, type: string, error: unknown): void;
  /** Something failed and is tried again. */
  onRetry?(error: unknown): void;
  /** While it rebuilds, after every batch: events applied so far, and where they end. */
  onRebuild?(progress: { readonly events: number; readonly position: LogPosition }): void;
}

export interface ProjectionRunnerOptions extends RunnerEvents {
  readonly db: Database;
  readonly store: Pick<EventStore, 'subscribeAll' | 'readAll'>;
  readonly codec: EventDecoder;
  readonly projections: readonly Projection[];
  /** Who holds the lease, for people: host and process. */
  readonly holder: string;
  /**
   * What to do when the tables were built by other versions: stop with `ProjectionsChanged`; or, before it serves for the
   * first time and from lower to higher versions only, build its own beside them and switch. Once it has served, somebody who
   * puts others in their place means it.
   */
  readonly whenChanged?: 'refuse' | 'rebuild';
  readonly parkedStreamsMax?: number;
}

export interface ProjectionRunner {
  /** Resolves after `signal`; throws what needs a person: ProjectionsChanged, TooManyParked, ProjectionFailed. */
  run(signal: AbortSignal): Promise<void>;
  readonly status: RunnerStatus;
}

class Runner implements ProjectionRunner {
  private state: RunnerState = 'stopped';
  private inbox: EventInbox | undefined;
  private applier: BatchApplier | undefined;
  private appliedEvents = 0;
  private hasServed = false;

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
    const { db, holder } = this.options;
    try {
      while (!signal.aborted) {
        let lease: Lease | undefined;
        try {
          await this.makeTablesOurs(signal);
          this.enter('waiting');
          lease = await acquireLease(db, { name: LIVE_LEASE, holder, signal });
          if (lease === undefined) return;
          await this.serve(lease, AbortSignal.any([signal, lease.lost]));
        } catch (error) {
          if (signal.aborted) return;
          const passes =
            lease?.lost.aborted === true ||
            error instanceof SteppedDown ||
            error instanceof EventStoreUnavailable ||
            (error instanceof DatabaseUnavailable && error.reason !== 'closed');
          if (!passes) throw error;
          this.options.onRetry?.(error);
          const pauseMs = lease === undefined ? LEASE_POLL_MS : RETAKE_PAUSE_MS;
          await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        } finally {
          await lease?.release();
        }
      }
    } finally {
      this.enter('stopped');
    }
  }

  /** Without the lease: whoever holds it goes on serving meanwhile. */
  private async makeTablesOurs(signal: AbortSignal): Promise<void> {
    const { db, projections, whenChanged, onRebuild } = this.options;
    const changed = await changedSince(db, projections);
    if (changed === undefined) return;
    if (whenChanged !== 'rebuild' || this.hasServed) throw changed;
    this.enter('rebuilding');
    await upgradeProjections({
      ...this.options,
      signal,
      ...(onRebuild === undefined ? {} : { onProgress: onRebuild }),
    });
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
    const { db, projections } = this.options;
    const claimed = await claimCheckpoint(db, LIVE_CHECKPOINT, lease.epoch);
    // Only now can nobody put others in their place without our knowing.
    const changed = await changedSince(db, projections);
    if (changed !== undefined) throw changed;
    this.hasServed = true;
    const exist = (await installedVersions(db, 'live')).length > 0;
    return exist ? claimed : startOver(db, projections, claimed, 'live', { ...this.options, signal });
  }
}

/** See the head of this file. */
export const createProjectionRunner = (options: ProjectionRunnerOptions): ProjectionRunner =>
  new Runner(options);
