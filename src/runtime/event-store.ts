import type { DomainEvent } from '../domain/decider.js';

/** A place in the whole log. Opaque to everything but comparison; `commit` decides, `prepare` breaks ties. */
export interface LogPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export const LOG_START: LogPosition = { commit: 0n, prepare: 0n };

export const comparePositions = (a: LogPosition, b: LogPosition): number => {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  if (a.prepare !== b.prepare) return a.prepare < b.prepare ? -1 : 1;
  return 0;
};

/** Revision of a stream's last event, from 0; {@link NO_STREAM} where there is none. */
export type Revision = number;
export const NO_STREAM: Revision = -1;

/** An event as it goes over the wire: `data` and `metadata` are JSON values. `id` is a UUID. */
export interface EventToAppend {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An event as the store gives it back. `stream` is without the namespace. */
export interface StoredEvent extends EventToAppend {
  readonly stream: string;
  readonly revision: Revision;
  readonly position: LogPosition;
  readonly recordedAt: Date;
}

export type AppendOutcome =
  | { readonly ok: true; readonly revision: Revision; readonly position: LogPosition }
  /** The stream was elsewhere; nothing was written. `actual` is where, {@link NO_STREAM} where it does not exist. */
  | { readonly ok: false; readonly actual: Revision };

export interface ReadAllOptions {
  /** Exclusive; from the start when absent. */
  readonly after?: LogPosition;
  /** Only streams of these categories (a server-side prefix filter on namespace and category). */
  readonly categories: readonly string[];
  /**
   * Of those, only events of these types. A subscription then filters at the server by type instead of by name: for a reader that
   * wants few of many.
   */
  readonly types?: readonly string[];
  readonly signal?: AbortSignal;
}

/** One step of a `$all` read or subscription: events in log order, and how far the log has been searched. */
export interface LogBatch {
  readonly events: readonly StoredEvent[];
  /** Everything up to and including here has been delivered or does not match. */
  readonly position: LogPosition;
  /** True when the subscription had, at this moment, nothing more to deliver. */
  readonly caughtUp: boolean;
}

/**
 * The only door to the log. One implementation, over `@eventstore/db-client`. Stream names are given without namespace.
 * Throws {@link EventStoreUnavailable} (retriable) when an outcome stays unknown past the deadline; never guesses.
 */
export interface EventStore {
  /** Appends atomically (at most 1 MiB) if the stream is at `expected`. A retry of the same frozen batch is safe. */
  append(
    stream: string,
    events: readonly EventToAppend[],
    expected: Revision | 'any',
  ): Promise<AppendOutcome>;
  /** Events of a stream from `from` (inclusive) in batches; nothing when it does not exist. */
  readStream(stream: string, from: Revision): AsyncIterable<readonly StoredEvent[]>;
  /** The last event of a stream, or undefined. */
  readLast(stream: string): Promise<StoredEvent | undefined>;
  /** Reads the log forwards up to its present end. */
  readAll(options: ReadAllOptions): AsyncIterable<LogBatch>;
  /** Follows the log for ever, resubscribing by itself; ends when `signal` aborts. Backpressured by the consumer. */
  subscribeAll(options: ReadAllOptions): AsyncIterable<LogBatch>;
  /** The last event in the log of these categories, or undefined: where "now" is. */
  readEnd(): Promise<LogPosition | undefined>;
  close(): Promise<void>;
}

/** Retriable: an append may or may not have happened (a retry by the same command id finds out). */
export class EventStoreUnavailable extends Error {
  readonly code = 'event_store_unavailable';
  readonly retriable = true;
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EventStoreUnavailable';
  }
}

/** The store said no for good: too large, no permission, a deleted stream. Trying again changes nothing. */
export class EventStoreRefused extends Error {
  constructor(
    readonly code: 'append_too_large' | 'event_store_refused',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'EventStoreRefused';
  }
}

/** Who asked for it, when it happened, and what it follows from. Written beside each event. */
export interface EventMetadata {
  readonly commandId: string;
  readonly $correlationId: string;
  readonly $causationId: string;
  /** From the API key, or the name of the process; never from a request body. */
  readonly actor: string;
  readonly channel?: string;
  /** When it happened in the world (ISO 8601, UTC); recorded time is the store's. */
  readonly effectiveAt: string;
  /** Present where the command may be repeated by its id: sha-256 of the request. */
  readonly requestHash?: string;
  /** Version of the event's schema. */
  readonly schemaVersion: number;
}

/** A decoded event: what deciders evolve on, projections read, the audit folds. */
export interface RecordedEvent<Event extends DomainEvent = DomainEvent> {
  readonly event: Event;
  readonly id: string;
  readonly stream: string;
  readonly category: string;
  /** The stream's name after the first dash. */
  readonly streamId: string;
  readonly revision: Revision;
  readonly position: LogPosition;
  readonly recordedAt: Date;
  readonly metadata: EventMetadata;
}
