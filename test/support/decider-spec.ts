import { expect } from '@jest/globals';
import { type Decider, type DomainEvent, isRejection } from '../../src/domain/decider.js';
import type { EventDefinition } from '../../src/domain/event-definition.js';
import { allEventDefinitions } from '../../src/domain/events.js';

/**
 * Given what has happened, when a command comes, then these facts, this "no", or nothing:
 *
 *     given(stock, received('r1', 5)).when(hold('o1', 2)).thenEvents(held('o1', 2))
 *     given(stock).when(hold('o1', 2)).thenRejected('insufficient_stock')
 *     given(stock, received('r1', 5)).when(receive('r1', 5)).thenNothing()
 *
 * `thenEvents` also checks what must hold for every decision: the events are JSON that their schemas accept, and the same
 * command decided once more, after them, yields nothing. (Not called `then`: an object with a `then` is taken for a promise.)
 */
export interface Outcome<Event extends DomainEvent, State> {
  /** These events, in this order; returns the state after them for closer looks. */
  thenEvents(...expected: readonly Event[]): State;
  /** A rejection with this code, and with these details where given. */
  thenRejected(code: string, details?: Readonly<Record<string, unknown>>): void;
  thenNothing(): void;
}

export interface Given<Command, Event extends DomainEvent, State> {
  when(command: Command): Outcome<Event, State>;
}

const readerOf =
  (definitions: readonly EventDefinition[]) =>
  <Event extends DomainEvent>(event: Event): Event => {
    const definition = definitions.find(({ type }) => type === event.type);
    if (definition === undefined) throw new Error(`no event ${event.type} is defined`);
    return { ...event, data: definition.schema.parse(JSON.parse(JSON.stringify(event.data))) };
  };

/** What the log would give back for an event: through the schema of its type and through JSON. Throws when it is refused. */
export const asRecorded = readerOf(allEventDefinitions);

/** The state after these events. */
export const stateOf = <Command, Event extends DomainEvent, State>(
  decider: Decider<Command, Event, State>,
  events: readonly Event[],
): State => events.reduce<State>((state, event) => decider.evolve(state, event), decider.initialState);

/** `given` for deciders whose events are among these. */
export const deciderSpec = (definitions: readonly EventDefinition[]) => {
  const read = readerOf(definitions);
  return {
    given: <Command, Event extends DomainEvent, State>(
      decider: Decider<Command, Event, State>,
      ...history: readonly Event[]
    ): Given<Command, Event, State> => ({
      when(command) {
        const decision = decider.decide(command, stateOf(decider, history.map(read)));
        return {
          thenEvents(...expected) {
            expect(decision).toEqual(expected);
            const next = stateOf(decider, [...history, ...expected].map(read));
            expect(decider.decide(command, next)).toEqual([]);
            return next;
          },
          thenRejected(code, details) {
            if (!isRejection(decision)) throw new Error(`not rejected but ${JSON.stringify(decision)}`);
            expect(decision.code).toBe(code);
            expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
            expect(decision.message).not.toBe('');
            if (details !== undefined) expect(decision.details).toEqual(details);
          },
          thenNothing() {
            expect(decision).toEqual([]);
          },
        };
      },
    }),
  };
};

/** For the deciders of the house. */
export const { given } = deciderSpec(allEventDefinitions);
