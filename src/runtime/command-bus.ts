import type { Decider, DomainEvent, Rejection } from '../domain/decider.js';
import type { LogPosition, RecordedEvent, Revision } from './event-store.js';

/** What travels with a command into the metadata of its events. */
export interface CommandContext {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly actor: string;
  readonly channel?: string;
  /** ISO 8601, UTC: when it happened in the world. */
  readonly effectiveAt: string;
  /**
   * Set for commands that come with an idempotency key: sha-256 of the request. The stream then remembers the id
   * (its last {@link COMMAND_WINDOW}); a repeat answers as before, the same id with another hash is `idempotency_key_reused`.
   */
  readonly requestHash?: string;
}

/** How many command ids a stream remembers beside its state (design 4). */
export const COMMAND_WINDOW = 1_000;

/** A stream's state as of `revision`, reached at `position`. */
export interface Loaded<State> {
  readonly state: State;
  readonly revision: Revision;
  readonly position: LogPosition;
}

export type CommandResult<Event extends DomainEvent, State> = Loaded<State> &
  (
    | { readonly status: 'accepted'; readonly events: readonly Event[]; readonly replayed: boolean }
    | { readonly status: 'rejected'; readonly rejection: Rejection }
  );

/**
 * Runs commands: one writer per stream, bounded mailboxes, batches, cached states (design 4).
 * Throws `CommandQueueFull` or `EventStoreUnavailable` (both retriable) and nothing else for expected trouble.
 */
export interface CommandBus {
  execute<Command, Event extends DomainEvent, State>(
    decider: Decider<Command, Event, State>,
    id: string,
    command: Command,
    context: CommandContext,
  ): Promise<CommandResult<Event, State>>;
  /**
   * The state of a stream. A cached one may be `maxAgeMs` old (default 0: events past it are read first).
   */
  load<Command, Event extends DomainEvent, State>(
    decider: Decider<Command, Event, State>,
    id: string,
    options?: { readonly maxAgeMs?: number },
  ): Promise<Loaded<State>>;
  /** The recorded events of one stream from the start, for histories and `asOf` / `knownAt` reads. */
  history<Event extends DomainEvent>(category: string, id: string): AsyncIterable<RecordedEvent<Event>>;
  /** Finishes what is queued, then refuses everything. */
  close(): Promise<void>;
}
