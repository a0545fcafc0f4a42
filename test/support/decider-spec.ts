import { expect } from '@jest/globals';
import { type Decider, type Decision, type DomainEvent, isRejection } from '../../src/domain/decider.js';

/**
 * Tests a decider in its own words, without any machinery:
 *
 *     given(stock, [{ type: 'StockReceived', data: {...} }])
 *       .when({ type: 'hold', holdId: 'h1', quantity: 2 })
 *       .thenEvents([{ type: 'StockHeld', data: { holdId: 'h1', quantity: 2 } }]);
 *     given(stock, []).when({ type: 'hold', ... }).thenRejected('insufficient_stock');
 *     given(stock, []).when(a).and(b).thenState((state) => expect(state.onHand).toBe(2));
 *
 * `when` evolves the state by what it yields, so that commands can follow each other with `and`; the checks look at the last
 * decision. A step that is followed by another must not be rejected.
 */
export const given = <Command, Event extends DomainEvent, State>(
  decider: Decider<Command, Event, State>,
  events: readonly Event[],
) => {
  const start = events.reduce((state, event) => decider.evolve(state, event), decider.initialState);
  return { when: (command: Command) => step(decider, start, command), state: start };
};

const step = <Command, Event extends DomainEvent, State>(
  decider: Decider<Command, Event, State>,
  before: State,
  command: Command,
) => {
  const decision: Decision<Event> = decider.decide(command, before);
  const after = isRejection(decision)
    ? before
    : decision.reduce((state, event) => decider.evolve(state, event), before);
  return {
    decision,
    state: after,
    /** Exactly these events, in this order; `[]` for "nothing new". */
    thenEvents(expected: readonly Event[]) {
      expect(decision).toEqual(expected);
      return this;
    },
    /** Rejected with this code (and, where given, these details). */
    thenRejected(code: string, details?: Readonly<Record<string, unknown>>) {
      expect(decision).toMatchObject(details === undefined ? { code } : { code, details });
      return this;
    },
    thenState(check: (state: State) => void) {
      check(after);
      return this;
    },
    and(next: Command) {
      if (isRejection(decision)) throw new Error(`rejected before the next step: ${decision.code}`);
      return step(decider, after, next);
    },
  };
};
