import type { LogBatch, LogPosition, RecordedEvent, StoredEvent } from './event-store.js';
import type { EventDecoder } from './parked.js';

/** An event on its way into the tables. One that this build cannot read has an `error` instead of `recorded`. */
export interface PendingEvent {
  readonly stored: StoredEvent;
  readonly recorded?: RecordedEvent;
  readonly error?: unknown;
}

export interface PendingBatch {
  readonly events: readonly PendingEvent[];
  /** Where the checkpoint is once these are in. */
  readonly position: LogPosition;
  readonly bytes: number;
  /** True when the log has nothing more for now. */
  readonly caughtUp: boolean;
}

/** How large an event is in memory, roughly and fast: only the order of magnitude bounds a batch. */
export const approximateBytes = (value: unknown): number => {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let bytes = 16;
  if (Array.isArray(value)) for (const item of value) bytes += approximateBytes(item);
  // for...in instead of Object.values: no array per object; JSON has no inherited keys.
  else for (const key in value) bytes += 16 + approximateBytes((value as Record<string, unknown>)[key]);
  return bytes;
};

/**
 * Between the subscription and the transaction: decoded events wait here, in order, while the transaction before them runs, so
 * that batches are as large as the load makes them. Bounded by events and by bytes: `add` waits while it is full.
 */
export class EventInbox {
  private queue: { events: PendingEvent[]; sizes: number[] } = { events: [], sizes: [] };
  private bytes = 0;
  private position: LogPosition | undefined;
  private caughtUp = false;
  ended = false;
  private failure: { readonly error: unknown } | undefined;
  private wakeTaker: () => void = () => undefined;
  private wakeAdder: () => void = () => undefined;

  constructor(
    private readonly codec: EventDecoder,
    private readonly limits: { readonly maxEvents: number; readonly maxBytes: number },
  ) {}

  get size(): number {
    return this.queue.events.length;
  }

  private get full(): boolean {
    return this.size >= this.limits.maxEvents || this.bytes >= this.limits.maxBytes;
  }

  /** Decodes and takes in a batch; resolves when there is room for another. */
  async add(batch: LogBatch): Promise<void> {
    for (const stored of batch.events) {
      const size = approximateBytes(stored.data);
      this.queue.events.push(this.decode(stored));
      this.queue.sizes.push(size);
      this.bytes += size;
    }
    this.position = batch.position;
    this.caughtUp = batch.caughtUp;
    this.wakeTaker();
    while (this.full && !this.ended) {
      await new Promise<void>((done) => {
        this.wakeAdder = done;
      });
    }
  }

  private decode(stored: StoredEvent): PendingEvent {
    try {
      return { stored, recorded: this.codec.decode(stored) };
    } catch (error) {
      return { stored, error: error ?? new Error('undecodable') };
    }
  }

  /** No more will come: `take` gives what is there, then throws `error` or, without one, gives undefined. */
  end(error?: unknown): void {
    if (error !== undefined) this.failure ??= { error };
    this.ended = true;
    this.wakeTaker();
    this.wakeAdder();
  }

  /** Forgets everything and ends: for a consumer that gives up. */
  abandon(): void {
    this.queue = { events: [], sizes: [] };
    this.position = undefined;
    this.end();
  }

  /** The next events, as many as are there up to the limits (at least one), or only a new position. Undefined at the end. */
  async take(maxEvents: number, maxBytes: number): Promise<PendingBatch | undefined> {
    while (this.size === 0 && this.position === undefined && !this.ended) {
      await new Promise<void>((done) => {
        this.wakeTaker = done;
      });
    }
    const { events, sizes } = this.queue;
    let count = 0;
    let bytes = 0;
    while (
      count < events.length &&
      count < maxEvents &&
      (count === 0 || bytes + (sizes[count] ?? 0) <= maxBytes)
    ) {
      bytes += sizes[count] ?? 0;
      count += 1;
    }
    const last = events[count - 1];
    if (count < events.length && last !== undefined) {
      this.queue = { events: events.slice(count), sizes: sizes.slice(count) };
      this.bytes -= bytes;
      if (!this.full) this.wakeAdder();
      return { events: events.slice(0, count), position: last.stored.position, bytes, caughtUp: false };
    }
    const { position, caughtUp } = this;
    if (position === undefined) {
      if (this.failure !== undefined) throw this.failure.error;
      return undefined;
    }
    this.queue = { events: [], sizes: [] };
    this.bytes = 0;
    this.position = undefined;
    this.wakeAdder();
    return { events, position, bytes, caughtUp };
  }
}
