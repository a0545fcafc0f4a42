import { type Decider, type DomainEvent, isRejection, type Rejection, reject } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import type { CommandContext } from './command-bus.js';
import type { CommandWindow, RememberedCommand } from './command-window.js';
import type { EventMetadata, EventToAppend, Revision } from './event-store.js';

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
  | { readonly kind: 'accepted'; readonly events: readonly DomainEvent[]; readonly first: Revision }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Its id is in the window: recorded long ago. */
  | { readonly kind: 'remembered'; readonly remembered: RememberedCommand }
  /** Its id came earlier in this very batch. */
  | { readonly kind: 'twin'; readonly events: readonly DomainEvent[] }
  | { readonly kind: 'failed'; readonly error: unknown }
);

export interface Plan {
  /** One answer per command that was decided, in order; the rest did not fit and waits for the next batch. */
  readonly answers: readonly Answer[];
  readonly events: readonly EventToAppend[];
  readonly bytes: number;
  readonly state: unknown;
}

export interface Base {
  readonly state: unknown;
  readonly revision: Revision;
  readonly window: CommandWindow;
}

type AnyDecider = Decider<unknown, DomainEvent, unknown>;

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

/**
 * Decides commands in turn over the same evolving state, without I/O. A command that is rejected, or whose decision throws,
 * leaves the state to the others as it was. Stops before the command whose events would make the append too large.
 */
export const decideBatch = (
  decider: AnyDecider,
  codec: EventCodec,
  base: Base,
  batch: readonly Waiting[],
): Plan => {
  const answers: Answer[] = [];
  const events: EventToAppend[] = [];
  const twins = new Map<string, { readonly requestHash: string; readonly answer: Answer }>();
  let { state, revision } = base;
  let bytes = 0;

  const repeatOf = ({ commandId, requestHash }: CommandContext): Answer | undefined => {
    if (requestHash === undefined) return undefined;
    const twin = twins.get(commandId);
    const remembered = twin === undefined ? base.window.get(commandId) : undefined;
    const before = twin ?? remembered;
    if (before === undefined) return undefined;
    if (before.requestHash !== requestHash) {
      return { kind: 'rejected', rejection: KEY_REUSED, state, revision };
    }
    if (remembered !== undefined) return { kind: 'remembered', remembered, state, revision };
    return twin?.answer.kind === 'accepted'
      ? { kind: 'twin', events: twin.answer.events, state, revision: twin.answer.revision }
      : undefined;
  };

  for (const { command, context } of batch) {
    const repeat = repeatOf(context);
    if (repeat !== undefined) {
      answers.push(repeat);
      continue;
    }
    try {
      const decision = decider.decide(command, state);
      if (isRejection(decision)) {
        answers.push({ kind: 'rejected', rejection: decision, state, revision });
        continue;
      }
      const first = revision + 1;
      if (decision.length === 0) {
        answers.push({ kind: 'accepted', events: decision, first, state, revision });
        continue;
      }
      const metadata = metadataOf(context);
      const encoded = decision.map((event) => codec.encode(event, metadata));
      const size = encoded.reduce((sum, event) => sum + sizeOf(event), 0);
      if (size > APPEND_SIZE_MAX_BYTES) {
        const rejection = reject(
          'append_too_large',
          `its events are larger than ${APPEND_SIZE_MAX_BYTES} bytes`,
        );
        answers.push({ kind: 'rejected', rejection, state, revision });
        continue;
      }
      if (bytes + size > APPEND_SIZE_MAX_BYTES) break;
      let next = state;
      // The encoded data, not the decider's, so that this state equals one folded from the log.
      for (const { type, data } of encoded) next = decider.evolve(next, { type, data });
      state = next;
      revision += encoded.length;
      bytes += size;
      events.push(...encoded);
      const answer: Answer = { kind: 'accepted', events: decision, first, state, revision };
      answers.push(answer);
      if (context.requestHash !== undefined) {
        twins.set(context.commandId, { requestHash: context.requestHash, answer });
      }
    } catch (error) {
      answers.push({ kind: 'failed', error, state, revision });
    }
  }
  return { answers, events, bytes, state };
};
