import { type Decider, type DomainEvent, isRejection, type Rejection, reject } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import type { CommandContext } from './command-bus.js';
import type { CommandWindow, RememberedCommand } from './command-window.js';
import {
  type EventMetadata,
  type EventToAppend,
  LOG_START,
  type LogPosition,
  type Revision,
} from './event-store.js';
import { sizeBound, weightOf } from './size-bound.js';

/** An append is at most 1 MiB (the server's default); what the server adds per event must fit as well. */
export const APPEND_SIZE_MAX_BYTES = 1_048_576 - 65_536;
/** Id, type, lengths and field tags of one event on the wire, generously. */
const EVENT_OVERHEAD_BYTES = 128;

export interface Waiting {
  readonly command: unknown;
  readonly context: CommandContext;
  /** The runner's tick when it came in: what was verified at or after this tick was verified for it. */
  readonly arrival: number;
}

/** What one command of a batch comes to, if the batch is appended (or needs no append). */
export type Answer = { readonly state: unknown; readonly revision: Revision } & (
  | { readonly kind: 'accepted'; readonly events: readonly DomainEvent[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Its id is in the window, or in the batch appended before this one. */
  | { readonly kind: 'remembered'; readonly remembered: RememberedCommand }
  /** Its id came earlier in this very batch. */
  | { readonly kind: 'twin'; readonly events: readonly DomainEvent[] }
  | { readonly kind: 'failed'; readonly error: unknown }
);

/** What a batch is decided on. */
export interface Base {
  readonly state: unknown;
  readonly revision: Revision;
}

type AnyDecider = Decider<unknown, DomainEvent, unknown>;
type NewCommand = { -readonly [Key in keyof RememberedCommand]: RememberedCommand[Key] } & {
  readonly events: readonly DomainEvent[];
};

const KEY_REUSED = reject('idempotency_key_reused', 'this key came before with another request');

export const metadataOf = (context: CommandContext): Omit<EventMetadata, 'schemaVersion'> => ({
  commandId: context.commandId,
  $correlationId: context.correlationId,
  $causationId: context.causationId ?? context.commandId,
  actor: context.actor,
  ...(context.channel === undefined ? undefined : { channel: context.channel }),
  effectiveAt: context.effectiveAt,
  ...(context.requestHash === undefined ? undefined : { requestHash: context.requestHash }),
});

const sizeOf = (event: EventToAppend): number =>
  Buffer.byteLength(JSON.stringify(event.data)) +
  Buffer.byteLength(JSON.stringify(event.metadata)) +
  2 * event.type.length +
  EVENT_OVERHEAD_BYTES;

const sumOf = (events: readonly EventToAppend[]): number =>
  events.reduce((sum, event) => sum + sizeOf(event), 0);

/**
 * Commands decided in turn over the same evolving state, without I/O: what to append, and what to answer once that has
 * happened. A command that is rejected, or whose decision throws, leaves the state to the others as it was.
 */
export class BatchPlan {
  /** One per command taken, in order. */
  readonly answers: Answer[] = [];
  readonly events: EventToAppend[] = [];
  /** At most what `events` take in an append; exact once it matters. */
  bytes = 0;
  #exact = false;
  /** What the state may have grown by, see {@link StreamCache}. */
  weight = 0;
  state: unknown;
  revision: Revision;
  /** Commands of this batch to remember. Their position is known after the append, see {@link appended}. */
  readonly #commands = new Map<string, NewCommand>();

  constructor(
    private readonly decider: AnyDecider,
    private readonly codec: EventCodec,
    private readonly window: CommandWindow,
    readonly base: Base,
    /** The batch that this one is decided ahead of: its commands are not in the window yet. */
    private previous?: BatchPlan,
  ) {
    this.state = base.state;
    this.revision = base.revision;
  }

  /** A plan for the batch that follows when this one is appended. */
  next(): BatchPlan {
    const { state, revision } = this;
    return new BatchPlan(this.decider, this.codec, this.window, { state, revision }, this);
  }

  /** The previous batch is in the window now; without this each would keep all before it. */
  detach(): void {
    this.previous = undefined;
  }

  /** Takes commands until one does not fit into an append any more; returns how many. */
  extend(batch: readonly Waiting[]): number {
    let taken = 0;
    for (const { command, context } of batch) {
      const answer = this.#repeated(context) ?? this.#decide(command, context);
      if (answer === undefined) break;
      this.answers.push(answer);
      taken += 1;
    }
    return taken;
  }

  /** Gives the commands to remember their position and yields them. */
  *appended(position: LogPosition): Iterable<readonly [string, RememberedCommand]> {
    for (const [id, command] of this.#commands) {
      command.position = position;
      yield [id, command];
    }
  }

  private command(commandId: string): NewCommand | undefined {
    return this.#commands.get(commandId);
  }

  #repeated({ commandId, requestHash }: CommandContext): Answer | undefined {
    if (requestHash === undefined) return undefined;
    const { state, revision } = this;
    const twin = this.#commands.get(commandId);
    const before = twin ?? this.previous?.command(commandId) ?? this.window.get(commandId);
    if (before === undefined) return undefined;
    if (before.requestHash !== requestHash)
      return { kind: 'rejected', rejection: KEY_REUSED, state, revision };
    return twin === undefined
      ? { kind: 'remembered', remembered: before, state, revision }
      : { kind: 'twin', events: twin.events, state, revision: twin.last };
  }

  /** Undefined when its events do not fit. */
  #decide(command: unknown, context: CommandContext): Answer | undefined {
    const { decider, codec, state, revision } = this;
    try {
      const decision = decider.decide(command, state);
      if (isRejection(decision)) return { kind: 'rejected', rejection: decision, state, revision };
      if (decision.length === 0) return { kind: 'accepted', events: decision, state, revision };
      const metadata = metadataOf(context);
      const perEvent = sizeBound(metadata) + EVENT_OVERHEAD_BYTES;
      const encoded: EventToAppend[] = [];
      let bytes = 0;
      let weight = 0;
      let next = state;
      for (const event of decision) {
        const written = codec.encode(event, metadata);
        encoded.push(written);
        const dataBytes = sizeBound(written.data);
        weight += weightOf(dataBytes);
        bytes += this.#exact ? sizeOf(written) : dataBytes + perEvent + 2 * written.type.length;
        // The encoded data, not the decider's, so that this state equals one folded from the log.
        next = decider.evolve(next, { type: written.type, data: written.data });
      }
      if (!this.#exact && this.bytes + bytes > APPEND_SIZE_MAX_BYTES) {
        this.#exact = true;
        this.bytes = sumOf(this.events);
        bytes = sumOf(encoded);
      }
      if (bytes > APPEND_SIZE_MAX_BYTES) {
        const rejection = reject(
          'append_too_large',
          `its events are larger than ${APPEND_SIZE_MAX_BYTES} bytes`,
        );
        return { kind: 'rejected', rejection, state, revision };
      }
      if (this.bytes + bytes > APPEND_SIZE_MAX_BYTES) return undefined;
      this.state = next;
      this.revision += encoded.length;
      this.bytes += bytes;
      this.weight += weight;
      for (const event of encoded) this.events.push(event);
      const { commandId, requestHash } = context;
      if (requestHash !== undefined) {
        const span = { first: revision + 1, last: this.revision, position: LOG_START };
        this.#commands.set(commandId, { requestHash, events: decision, ...span });
      }
      return { kind: 'accepted', events: decision, state: next, revision: this.revision };
    } catch (error) {
      return { kind: 'failed', error, state, revision };
    }
  }
}
