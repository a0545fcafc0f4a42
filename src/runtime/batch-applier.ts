/**
 * Puts batches of events into the tables of all projections, each in one transaction with the checkpoint.
 *
 *   batch --(committed)--> done
 *         --(PostgreSQL unavailable)--> the checkpoint is read again: committed after all, or tried again, for ever
 *         --(fails twice)--> its halves, down to the one event that fails
 *   event --(fails three times)--> its stream is parked, in the transaction that moves the checkpoint over it;
 *                                  strict: ProjectionFailed
 *
 * Invariants: what is in the tables is what is in the log up to the checkpoint, without the parked events. The checkpoint
 * moves only forward, only under our epoch. Events of a parked stream park behind it in their order.
 * Limits: PARKED_STREAMS_MAX; beyond it not the events are poison but the program, and it must stop.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { advanceCheckpoint, type Checkpoint, readCheckpoint, SteppedDown } from './checkpoint.js';
import { type Database, DatabaseUnavailable } from './database.js';
import type { PendingBatch, PendingEvent } from './event-inbox.js';
import { comparePositions, type LogPosition, type RecordedEvent } from './event-store.js';
import { applyToAll, type EventToPark, parkEvents, readParkedStreams } from './parked.js';
import type { Projection } from './projection.js';

const BATCH_ATTEMPTS_MAX = 2;
const EVENT_ATTEMPTS_MAX = 3;
const ATTEMPT_PAUSE_MS = 50;
const UNAVAILABLE_PAUSE_FIRST_MS = 50;
const UNAVAILABLE_PAUSE_MAX_MS = 2_000;
export const PARKED_STREAMS_MAX = 1_000;

/** A strict run met an event that it cannot apply. Nothing after it has been applied. */
export class ProjectionFailed extends Error {
  readonly code = 'projection_failed';
  constructor(
    readonly stream: string,
    readonly revision: number,
    readonly type: string,
    options: { cause: unknown },
  ) {
    const { cause } = options;
    super(
      `cannot apply ${type} (${stream}, revision ${revision}): ${cause instanceof Error ? cause.message : String(cause)}`,
      options,
    );
    this.name = 'ProjectionFailed';
  }
}

/** So many streams are parked that the program must be wrong, not the events. */
export class TooManyParked extends Error {
  readonly code = 'too_many_parked';
  constructor(streams: number, options: { cause: unknown }) {
    super(`${streams} streams are parked: the projections stop before the rest follows`, options);
    this.name = 'TooManyParked';
  }
}

export interface ApplierOptions {
  readonly db: Database;
  readonly projections: readonly Projection[];
  readonly checkpoint: Checkpoint;
  /** Throw {@link ProjectionFailed} instead of parking. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  readonly parkedStreamsMax?: number;
  onParked?(event: PendingEvent, error: unknown): void;
  onRetry?(error: unknown): void;
}

export class BatchApplier {
  private parked = new Set<string>();
  private parkedKnown = false;

  constructor(private readonly options: ApplierOptions) {
    this.checkpoint = options.checkpoint;
  }

  /** As committed. */
  checkpoint: Checkpoint;

  /**
   * What the tables have already is skipped. Throws {@link SteppedDown}, {@link ProjectionFailed}, {@link TooManyParked}, or the
   * signal's reason.
   */
  async apply(batch: Pick<PendingBatch, 'events' | 'position'>): Promise<void> {
    const { position } = batch;
    const reached = this.checkpoint.position;
    if (comparePositions(position, reached) <= 0) return;
    const [first] = batch.events;
    const events =
      first === undefined || comparePositions(first.stored.position, reached) > 0
        ? batch.events
        : batch.events.filter(({ stored }) => comparePositions(stored.position, reached) > 0);
    const attempts = events.length > 1 ? BATCH_ATTEMPTS_MAX : EVENT_ATTEMPTS_MAX;
    let failure: unknown;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const outcome = await this.tryCommit(events, position);
      if (outcome === undefined) return;
      failure = outcome.error;
      // A statement that takes too long for its limit is shorter with half the events.
      if (failure instanceof DatabaseUnavailable) break;
      this.options.onRetry?.(failure);
      await delay(ATTEMPT_PAUSE_MS * attempt, undefined, { signal: this.options.signal });
    }
    const [only] = events;
    if (events.length > 1) {
      const half = events.length >> 1;
      const left = events.slice(0, half);
      await this.apply({ events: left, position: left.at(-1)?.stored.position ?? position });
      await this.apply({ events: events.slice(half), position });
    } else if (only !== undefined) {
      await this.giveUp(only, position, failure);
    } else {
      throw failure;
    }
  }

  private async giveUp(event: PendingEvent, position: LogPosition, error: unknown): Promise<void> {
    const { stream, revision, type } = event.stored;
    if (this.options.strict) throw new ProjectionFailed(stream, revision, type, { cause: error });
    const { parkedStreamsMax = PARKED_STREAMS_MAX } = this.options;
    if (this.parked.size >= parkedStreamsMax) throw new TooManyParked(this.parked.size, { cause: error });
    const outcome = await this.tryCommit([{ stored: event.stored, error }], position);
    if (outcome !== undefined) throw outcome.error;
  }

  /**
   * One transaction, repeated while PostgreSQL is away. Undefined once committed; else what the events failed with, and then
   * nothing of it is in the tables.
   */
  private async tryCommit(
    events: readonly PendingEvent[],
    position: LogPosition,
  ): Promise<{ readonly error: unknown } | undefined> {
    let pause = UNAVAILABLE_PAUSE_FIRST_MS;
    for (;;) {
      this.options.signal.throwIfAborted();
      try {
        await this.commit(events, position);
        return undefined;
      } catch (error) {
        if (
          error instanceof SteppedDown ||
          error instanceof TooManyParked ||
          error instanceof ProjectionFailed
        ) {
          if (error instanceof SteppedDown && (await this.isCommitted(position))) return undefined;
          throw error;
        }
        if (!(error instanceof DatabaseUnavailable)) return { error };
        if (error.reason === 'closed') throw error;
        if (error.reason === 'timeout' && events.length > 1) return { error };
        this.options.onRetry?.(error);
        await delay(pause, undefined, { signal: this.options.signal });
        pause = Math.min(pause * 2, UNAVAILABLE_PAUSE_MAX_MS);
      }
    }
  }

  /** A COMMIT whose answer was lost may have happened: then the compare-and-set fails although nobody took over. */
  private async isCommitted(position: LogPosition): Promise<boolean> {
    const { db } = this.options;
    const now = await readCheckpoint(db, this.checkpoint.name);
    if (now?.epoch !== this.checkpoint.epoch || now.generation !== this.checkpoint.generation) return false;
    if (comparePositions(now.position, position) !== 0) return false;
    this.checkpoint = now;
    this.parkedKnown = false;
    return true;
  }

  private async commit(events: readonly PendingEvent[], position: LogPosition): Promise<void> {
    const { db, projections, strict } = this.options;
    const last = events.at(-1)?.stored;
    let next = this.checkpoint;
    let parked = this.parked;
    const poison: PendingEvent[] = [];
    await db.transaction(async (tx) => {
      next = await advanceCheckpoint(tx, this.checkpoint, {
        position,
        ...(last === undefined ? {} : { event: last.position, eventRecordedAt: last.recordedAt }),
      });
      if (!this.parkedKnown || next.parkedRevision !== this.checkpoint.parkedRevision) {
        parked = await readParkedStreams(tx);
      }
      poison.length = 0;
      const good: RecordedEvent[] = [];
      const park: EventToPark[] = [];
      for (const event of events) {
        const { stored, recorded, error } = event;
        if (parked.has(stored.stream)) park.push({ stored, ...(error === undefined ? {} : { error }) });
        else if (recorded !== undefined) good.push(recorded);
        else {
          if (strict)
            throw new ProjectionFailed(stored.stream, stored.revision, stored.type, { cause: error });
          if (parked.size >= (this.options.parkedStreamsMax ?? PARKED_STREAMS_MAX)) {
            throw new TooManyParked(parked.size, { cause: error });
          }
          parked = new Set(parked).add(stored.stream);
          park.push({ stored, error });
          poison.push(event);
        }
      }
      if (good.length > 0) await applyToAll(projections, good, tx);
      await parkEvents(tx, park);
    });
    this.checkpoint = next;
    this.parked = parked;
    this.parkedKnown = true;
    for (const event of poison) this.options.onParked?.(event, event.error);
  }
}
