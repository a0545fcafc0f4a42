import type { Decider, DomainEvent } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import { CommandWindow } from './command-window.js';
import {
  type EventStore,
  LOG_START,
  type LogPosition,
  NO_STREAM,
  type RecordedEvent,
  type Revision,
} from './event-store.js';
import { sizeBound, weightOf } from './size-bound.js';

const STREAM_BYTES = 1_000;
const COMMAND_BYTES = 400;

/** Counts arrivals of commands and starts of reads, so that "read after it arrived" needs no clock. */
export interface Ticks {
  now: number;
}

/**
 * What is known of one stream: state, revision, position and command window, as of the last event folded. Starts as if the
 * stream did not exist; that is a guess until `verifiedAt` says otherwise, and an append at revision -1 tests it.
 *
 * Invariants: (state, revision, position, window) are changed together, synchronously, and never go back;
 * `verifiedAt` is the tick at which a read or append *started* that proved them current.
 */
export class StreamCache {
  state: unknown;
  revision: Revision = NO_STREAM;
  position: LogPosition = LOG_START;
  window = new CommandWindow();
  verifiedAt = -1;
  verifiedAtMs = Number.NEGATIVE_INFINITY;
  #weight = 0;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** Counts resets: a read that began before one must not fold onto the state after it. */
  #epoch = 0;

  constructor(
    readonly stream: string,
    readonly decider: Decider<unknown, DomainEvent, unknown>,
    private readonly parts: {
      readonly store: EventStore;
      readonly codec: EventCodec;
      readonly ticks: Ticks;
      readonly nowMs: () => number;
    },
  ) {
    this.state = decider.initialState;
  }

  /** About how many bytes this holds in memory: states are made of the events' data. */
  get weight(): number {
    return STREAM_BYTES + this.#weight + this.window.size * COMMAND_BYTES;
  }

  /**
   * Folds the events past the revision known, in a read that starts after this call. Callers share reads: at most one
   * runs and one waits. Throws `EventStoreUnavailable` or `UndecodableEvent`; what was folded before stays.
   */
  refresh(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.refresh();
      });
    return this.#next;
  }

  /** Our own append: the events are known, so nothing is read. A refresh may have folded some of them already. */
  advance(state: unknown, revision: Revision, position: LogPosition, weight: number): void {
    if (revision <= this.revision) return;
    this.#weight += weight;
    this.state = state;
    this.revision = revision;
    this.position = position;
  }

  verified(tick: number, atMs: number): void {
    if (tick > this.verifiedAt) this.verifiedAt = tick;
    if (atMs > this.verifiedAtMs) this.verifiedAtMs = atMs;
  }

  /** Forgets everything: the log turned out to be shorter than what was known. */
  reset(): void {
    this.#epoch += 1;
    this.#weight = 0;
    this.state = this.decider.initialState;
    this.revision = NO_STREAM;
    this.position = LOG_START;
    this.window = new CommandWindow();
    this.verifiedAt = -1;
    this.verifiedAtMs = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<void> {
    const { store, codec, ticks, nowMs } = this.parts;
    const tick = ticks.now;
    const atMs = nowMs();
    const epoch = this.#epoch;
    for await (const batch of store.readStream(this.stream, this.revision + 1)) {
      if (epoch !== this.#epoch) return;
      for (const stored of batch) {
        if (stored.revision > this.revision) this.#fold(codec.decode(stored));
      }
    }
    if (epoch === this.#epoch) this.verified(tick, atMs);
  }

  #fold(recorded: RecordedEvent): void {
    this.state = this.decider.evolve(this.state, recorded.event);
    this.revision = recorded.revision;
    this.position = recorded.position;
    this.#weight += weightOf(sizeBound(recorded.event.data));
    this.window.fold(recorded);
  }
}
