import type { Decider, DomainEvent } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import { CommandWindow } from './command-window.js';
import {
  type EventStore,
  type EventToAppend,
  LOG_START,
  type LogPosition,
  NO_STREAM,
  type Revision,
  type StoredEvent,
} from './event-store.js';
import { sizeBound, weightOf } from './size-bound.js';
import { type Snapshot, SnapshotPace, type Snapshots } from './snapshots.js';

const STREAM_BYTES = 1_000;
const COMMAND_BYTES = 400;

/** Counts arrivals of commands and starts of reads, so that "read after it arrived" needs no clock. */
export interface Ticks {
  now: number;
}

/**
 * The store gave another event than the next one of the stream. Deciding on that could sell what is sold, so nothing is decided: a
 * store that does this is damaged.
 */
export class BrokenStream extends Error {
  readonly code = 'broken_stream';
  constructor(stream: string, revision: Revision, got: StoredEvent) {
    super(`${stream}@${revision} was asked for, and ${got.stream}@${got.revision} came`);
    this.name = 'BrokenStream';
  }
}

/** Where a state came from that was not known before. */
export type LoadSource = 'start' | 'snapshot';

export interface StreamCacheParts {
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly ticks: Ticks;
  readonly nowMs: () => number;
  readonly snapshots?: Snapshots | undefined;
  /** A stream that was not known has been loaded. */
  readonly onLoad?: ((category: string, source: LoadSource, foldedEvents: number) => void) | undefined;
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
  /** Id of the event at `revision`. */
  #eventId = '';
  #folded = 0;
  #pace: SnapshotPace | undefined;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** Counts resets: a read that began before one must not fold onto the state after it. */
  #epoch = 0;

  constructor(
    readonly stream: string,
    readonly decider: Decider<unknown, DomainEvent, unknown>,
    private readonly parts: StreamCacheParts,
  ) {
    this.#pace = this.#newPace();
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

  /** Our own append: its events are known, so nothing is read. A refresh may have folded some of them already. */
  advance(
    to: {
      readonly state: unknown;
      readonly revision: Revision;
      readonly weight: number;
      readonly events: readonly EventToAppend[];
    },
    position: LogPosition,
  ): void {
    if (to.revision <= this.revision) return;
    this.#weight += to.weight;
    this.#eventId = to.events.at(-1)?.id ?? '';
    this.state = to.state;
    this.revision = to.revision;
    this.position = position;
    this.#pace?.reached(this.revision, () => this.#snapshot());
  }

  verified(tick: number, atMs: number): void {
    if (tick > this.verifiedAt) this.verifiedAt = tick;
    if (atMs > this.verifiedAtMs) this.verifiedAtMs = atMs;
  }

  /** Forgets everything: the log turned out to be shorter than what was known. */
  reset(): void {
    this.#epoch += 1;
    this.#weight = 0;
    this.#pace = this.#newPace();
    this.state = this.decider.initialState;
    this.revision = NO_STREAM;
    this.position = LOG_START;
    this.window = new CommandWindow();
    this.verifiedAt = -1;
    this.verifiedAtMs = Number.NEGATIVE_INFINITY;
  }

  async #read(): Promise<void> {
    const { ticks, nowMs, snapshots, onLoad } = this.parts;
    const tick = ticks.now;
    const atMs = nowMs();
    const epoch = this.#epoch;
    const wasUnknown = this.revision === NO_STREAM;
    this.#folded = 0;
    const isLong = await this.#foldOn(epoch, snapshots?.limits.lookAfterEvents);
    const jumped = isLong && (await this.#jump(epoch));
    if (isLong && !jumped) await this.#foldOn(epoch);
    if (epoch !== this.#epoch) return;
    this.verified(tick, atMs);
    if (wasUnknown || jumped) onLoad?.(this.decider.category, jumped ? 'snapshot' : 'start', this.#folded);
    this.#pace?.reached(this.revision, () => this.#snapshot());
  }

  /** Folds what is past the revision known, to the end, or until it has folded `enough` events: then true. */
  async #foldOn(epoch: number, enough = Number.POSITIVE_INFINITY): Promise<boolean> {
    for await (const batch of this.parts.store.readStream(this.stream, this.revision + 1)) {
      if (epoch !== this.#epoch) return false;
      this.#fold(batch);
      if (this.#folded >= enough) return true;
    }
    return false;
  }

  /**
   * Goes on from the stream's snapshot to the end. False, with nothing folded, when there is none that is ahead, or when the log has
   * not the event that it was taken at.
   */
  async #jump(epoch: number): Promise<boolean> {
    const { store, snapshots } = this.parts;
    const found = await snapshots?.find(this.stream, this.decider.stateVersion);
    if (found === undefined || found.snapshot.revision <= this.revision) return false;
    const { snapshot, bytes } = found;
    let proven = false;
    for await (const batch of store.readStream(this.stream, snapshot.revision)) {
      if (epoch !== this.#epoch) return true;
      if (!proven) {
        if (batch[0]?.revision !== snapshot.revision || batch[0].id !== snapshot.eventId) break;
        proven = true;
        this.#restore(snapshot);
      }
      this.#fold(batch);
    }
    if (proven) this.#pace?.known(snapshot.revision, bytes);
    else snapshots?.discard(snapshot);
    return proven;
  }

  #restore({ state, revision, eventId, position, commands, weight }: Snapshot): void {
    // Our own append may have been further meanwhile.
    if (revision <= this.revision) return;
    this.state = state;
    this.revision = revision;
    this.position = position;
    this.window = new CommandWindow();
    for (const [id, command] of commands) this.window.remember(id, command);
    this.#eventId = eventId;
    this.#weight = weight;
  }

  #snapshot(): Snapshot {
    const { stream, decider, state, revision, position } = this;
    const commands = [...this.window.entries()];
    const version = decider.stateVersion;
    return {
      stream,
      version,
      revision,
      position,
      state,
      commands,
      eventId: this.#eventId,
      weight: this.#weight,
    };
  }

  #newPace(): SnapshotPace | undefined {
    return this.parts.snapshots && new SnapshotPace(this.parts.snapshots);
  }

  #fold(batch: readonly StoredEvent[]): void {
    for (const stored of batch) {
      if (stored.revision <= this.revision) continue;
      if (stored.revision > this.revision + 1 || stored.stream !== this.stream)
        throw new BrokenStream(this.stream, this.revision + 1, stored);
      const recorded = this.parts.codec.decode(stored);
      this.state = this.decider.evolve(this.state, recorded.event);
      this.revision = recorded.revision;
      this.position = recorded.position;
      this.#eventId = recorded.id;
      this.#weight += weightOf(sizeBound(recorded.event.data));
      this.window.fold(recorded);
      this.#folded += 1;
    }
  }
}
