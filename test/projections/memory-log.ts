import { type Decider, type DomainEvent, isRejection } from '../../src/domain/decider.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { CommandBus, CommandContext, CommandResult, Loaded } from '../../src/runtime/command-bus.js';
import { type LogPosition, NO_STREAM, type RecordedEvent } from '../../src/runtime/event-store.js';

const START = Date.parse('2026-01-15T12:00:00Z');
const codec = createCodec(allEventDefinitions);

/** Nobody is left to append: what a process that died looks like from outside. */
export class Died extends Error {}

/**
 * A log and the commands on it, in memory: what projections and processes need to be tested with each other without a server. Events
 * go through the real codec, as JSON text.
 */
export class MemoryLog implements CommandBus {
  readonly events: RecordedEvent[] = [];
  /** Appends that are left until everything throws {@link Died}. */
  appendsLeft = Number.POSITIVE_INFINITY;

  /** Another log with the same events. */
  fork(): MemoryLog {
    const copy = new MemoryLog();
    copy.events.push(...this.events);
    return copy;
  }

  private streamOf(stream: string): RecordedEvent[] {
    return this.events.filter((event) => event.stream === stream);
  }

  private now(): LogPosition {
    return this.events.at(-1)?.position ?? { commit: 0n, prepare: 0n };
  }

  async load<Command, Event extends DomainEvent, State>(
    decider: Decider<Command, Event, State>,
    id: string,
  ): Promise<Loaded<State>> {
    const events = this.streamOf(`${decider.category}-${id}`);
    return {
      state: events.reduce((state, { event }) => decider.evolve(state, event as Event), decider.initialState),
      revision: events.at(-1)?.revision ?? NO_STREAM,
      position: this.now(),
    };
  }

  async execute<Command, Event extends DomainEvent, State>(
    decider: Decider<Command, Event, State>,
    id: string,
    command: Command,
    context: CommandContext,
  ): Promise<CommandResult<Event, State>> {
    const before = await this.load(decider, id);
    const decision = decider.decide(command, before.state);
    if (isRejection(decision)) return { ...before, status: 'rejected', rejection: decision };
    if (decision.length > 0) {
      if (this.appendsLeft <= 0) throw new Died();
      this.appendsLeft -= 1;
    }
    const commit = BigInt(this.events.length + 1) * 100n;
    decision.forEach((event, index) => {
      const encoded = codec.encode(event, {
        commandId: context.commandId,
        $correlationId: context.correlationId,
        $causationId: context.commandId,
        actor: context.actor,
        effectiveAt: context.effectiveAt,
      });
      this.events.push(
        codec.decode({
          ...encoded,
          data: JSON.parse(JSON.stringify(encoded.data)),
          stream: `${decider.category}-${id}`,
          revision: before.revision + 1 + index,
          // Events of one append may share their commit position.
          position: { commit, prepare: commit + BigInt(index) },
          recordedAt: new Date(START + this.events.length),
        }),
      );
    });
    const after = await this.load(decider, id);
    return { ...after, status: 'accepted', events: decision, replayed: false };
  }

  // Not needed here.
  async *history(): AsyncGenerator<never> {}
  async close(): Promise<void> {}
}
