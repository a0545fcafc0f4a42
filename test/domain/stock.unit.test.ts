import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import type { HoldTarget } from '../../src/domain/hold.js';
import {
  availableToSell,
  ON_HAND_MAX,
  type StockCommand,
  type StockEvent,
  type StockState,
  stock,
} from '../../src/domain/stock.js';
import { asRecorded, given, stateOf } from '../support/decider-spec.js';

const received = (receiptId: string, quantity: number): StockEvent => ({
  type: 'StockReceived',
  data: { receiptId, quantity },
});
const held = (holdId: string, quantity: number): StockEvent => ({
  type: 'StockHeld',
  data: { holdId, quantity },
});
const captured = (holdId: string, quantity: number): StockEvent => ({
  type: 'StockCaptured',
  data: { holdId, quantity },
});
const released = (holdId: string, quantity: number, reason = 'why'): StockEvent => ({
  type: 'StockReleased',
  data: { holdId, quantity, reason },
});
const adjusted = (adjustmentId: string, delta: number): StockEvent => ({
  type: 'StockAdjusted',
  data: { adjustmentId, delta, reason: 'count' },
});
const hold = (holdId: string, quantity: number): StockCommand => ({ type: 'hold', holdId, quantity });
const settle = (holdId: string, captured: number, released: HoldTarget['released'] = 0): StockCommand => ({
  type: 'settle',
  holdId,
  target: { captured, released },
  reason: 'why',
});
const adjust = (adjustmentId: string, delta: number, expectedOnHand?: number): StockCommand => ({
  type: 'adjust',
  adjustmentId,
  delta,
  reason: 'count',
  ...(expectedOnHand === undefined ? {} : { expectedOnHand }),
});

describe('receiving', () => {
  test('puts units on hand, with the reason where one is given', () => {
    const state = given(stock)
      .when({ type: 'receive', receiptId: 'r1', quantity: 5, reason: 'opening' })
      .thenEvents({ type: 'StockReceived', data: { receiptId: 'r1', quantity: 5, reason: 'opening' } });
    expect(availableToSell(state)).toBe(5);
  });

  test('the same receipt twice is one receipt', () => {
    given(stock, received('r1', 5)).when({ type: 'receive', receiptId: 'r1', quantity: 5 }).thenNothing();
  });

  test('another quantity under a receipt that is recorded is refused', () => {
    given(stock, received('r1', 5))
      .when({ type: 'receive', receiptId: 'r1', quantity: 6 })
      .thenRejected('id_reused', { id: 'receipt:r1' });
  });

  test('stops where sums would no longer be exact', () => {
    const almost: StockState = { ...stock.initialState, onHand: ON_HAND_MAX - 1 };
    const receive = (quantity: number) => stock.decide({ type: 'receive', receiptId: 'r', quantity }, almost);
    expect(receive(1)).toHaveLength(1);
    expect(receive(2)).toMatchObject({ code: 'too_much_stock' });
    expect(stock.decide(adjust('a', 2), almost)).toMatchObject({ code: 'too_much_stock' });
    expect(stock.decide({ type: 'return', returnId: 'b', quantity: 2 }, almost)).toMatchObject({
      code: 'too_much_stock',
    });
  });
});

describe('holding', () => {
  test('promises what is available and leaves it on hand', () => {
    const state = given(stock, received('r1', 5)).when(hold('o1', 5)).thenEvents(held('o1', 5));
    expect(state.onHand).toBe(5);
    expect(availableToSell(state)).toBe(0);
  });

  test('an unseen SKU is insufficient stock', () => {
    given(stock).when(hold('o1', 1)).thenRejected('insufficient_stock', { available: 0 });
  });

  test('Medusa #16569: what others hold is not available, however the holds come in', () => {
    given(stock, received('r1', 5), held('o1', 3))
      .when(hold('o2', 3))
      .thenRejected('insufficient_stock', { available: 2 });
    given(stock, received('r1', 5), held('o1', 3)).when(hold('o2', 2)).thenEvents(held('o2', 2));
  });

  test('the same hold twice is one hold, even with nothing left', () => {
    given(stock, received('r1', 5), held('o1', 5)).when(hold('o1', 5)).thenNothing();
  });

  test('another quantity under an open hold is a conflict', () => {
    given(stock, received('r1', 5), held('o1', 2))
      .when(hold('o1', 3))
      .thenRejected('hold_conflict', { holdId: 'o1' });
  });

  test('an ended hold never comes back, released or captured', () => {
    given(stock, received('r1', 5), held('o1', 2), released('o1', 2))
      .when(hold('o1', 2))
      .thenRejected('hold_ended', { holdId: 'o1' });
    given(stock, received('r1', 5), held('o1', 2), captured('o1', 2))
      .when(hold('o1', 2))
      .thenRejected('hold_ended', { holdId: 'o1' });
  });
});

describe('settling a hold', () => {
  const base = [received('r1', 9), held('o1', 5)] as const;

  test('captures what was shipped, from on hand and from held', () => {
    const state = given(stock, ...base)
      .when(settle('o1', 2))
      .thenEvents(captured('o1', 2));
    expect([state.onHand, state.holds.held, availableToSell(state)]).toEqual([7, 3, 4]);
  });

  test('releases what is not wanted any more, and only the promise', () => {
    const state = given(stock, ...base)
      .when(settle('o1', 0, 'rest'))
      .thenEvents(released('o1', 5));
    expect([state.onHand, state.holds.held]).toEqual([9, 0]);
  });

  test('captures and releases in one go', () => {
    given(stock, ...base)
      .when(settle('o1', 2, 'rest'))
      .thenEvents(captured('o1', 2), released('o1', 3));
  });

  test('gives no more than was held', () => {
    given(stock, ...base)
      .when(settle('o1', 6))
      .thenRejected('exceeds_hold', { holdId: 'o1' });
  });

  test('Vendure #1557: letting go of what was never held changes nothing, so nothing becomes negative', () => {
    given(stock, ...base)
      .when(settle('other', 0, 'rest'))
      .thenNothing();
  });

  test('shipping what was never held, or was let go of, is refused', () => {
    given(stock, ...base)
      .when(settle('other', 1))
      .thenRejected('hold_ended', { holdId: 'other' });
    given(stock, ...base, released('o1', 5))
      .when(settle('o1', 1))
      .thenRejected('hold_ended', { holdId: 'o1' });
  });

  test('Medusa #12401: releasing twice, late and again never makes reserved negative', () => {
    const history = [...base, captured('o1', 2), released('o1', 3)];
    for (const late of [settle('o1', 0, 'rest'), settle('o1', 2, 3), settle('o1', 1, 'rest')]) {
      given(stock, ...history)
        .when(late)
        .thenNothing();
    }
    expect(stateOf(stock, history).holds.held).toBe(0);
  });
});

describe('goods that come back', () => {
  test('are on hand again, once per return', () => {
    const back: StockEvent = { type: 'StockReturned', data: { returnId: 'b1', quantity: 2 } };
    const command: StockCommand = { type: 'return', returnId: 'b1', quantity: 2 };
    const state = given(stock).when(command).thenEvents(back);
    expect(state.onHand).toBe(2);
    given(stock, back).when(command).thenNothing();
    given(stock, back)
      .when({ ...command, quantity: 1 })
      .thenRejected('id_reused', { id: 'return:b1' });
  });

  test('a receipt, a return and an adjustment may share an id', () => {
    given(stock, received('x', 1), adjusted('x', 3))
      .when({ type: 'return', returnId: 'x', quantity: 2 })
      .thenEvents({ type: 'StockReturned', data: { returnId: 'x', quantity: 2 } });
  });
});

describe('adjusting', () => {
  test('adds finds and takes off losses', () => {
    given(stock, received('r1', 5)).when(adjust('a1', 2)).thenEvents(adjusted('a1', 2));
    given(stock, received('r1', 5)).when(adjust('a1', -5)).thenEvents(adjusted('a1', -5));
  });

  test('the same adjustment twice is one, whatever lies there now', () => {
    given(stock, received('r1', 5), adjusted('a1', -3)).when(adjust('a1', -3)).thenNothing();
    given(stock, received('r1', 5), adjusted('a1', -3))
      .when(adjust('a1', -3, 5))
      .thenNothing();
    given(stock, received('r1', 5), adjusted('a1', -3)).when(adjust('a1', 3)).thenRejected('id_reused');
  });

  test('never takes more than lies there', () => {
    given(stock, received('r1', 5))
      .when(adjust('a1', -6))
      .thenRejected('insufficient_on_hand', { onHand: 5 });
  });

  test('Odoo #62139: on hand is not lowered below what is promised', () => {
    given(stock, received('r1', 5), held('o1', 4))
      .when(adjust('a1', -2))
      .thenRejected('below_held', { held: 4 });
    given(stock, received('r1', 5), held('o1', 4)).when(adjust('a1', -1)).thenEvents(adjusted('a1', -1));
  });

  test('can be made to fail when somebody else was faster', () => {
    given(stock, received('r1', 5))
      .when(adjust('a1', -1, 4))
      .thenRejected('stale_on_hand', { onHand: 5 });
    given(stock, received('r1', 5))
      .when(adjust('a1', -1, 5))
      .thenEvents(adjusted('a1', -1));
  });
});

const id = fc.constantFrom('1', '2', '3', '4', '5', '6');
const few = fc.integer({ min: 1, max: 9 });
const command: fc.Arbitrary<StockCommand> = fc.oneof(
  fc.record({ type: fc.constant('receive' as const), receiptId: id, quantity: few }),
  fc.record({ type: fc.constant('return' as const), returnId: id, quantity: few }),
  fc.record({ type: fc.constant('hold' as const), holdId: id, quantity: few }),
  fc.record({
    type: fc.constant('settle' as const),
    holdId: id,
    target: fc.record({
      captured: fc.nat({ max: 6 }),
      released: fc.oneof(fc.nat({ max: 6 }), fc.constant('rest' as const)),
    }),
    reason: fc.constant('why'),
  }),
  fc.record({
    type: fc.constant('adjust' as const),
    adjustmentId: id,
    delta: fc.integer({ min: -9, max: 9 }).filter((delta) => delta !== 0),
    reason: fc.constant('count'),
  }),
);

const deltaOf = (event: StockEvent): number => {
  switch (event.type) {
    case 'StockReceived':
    case 'StockReturned':
      return event.data.quantity;
    case 'StockAdjusted':
      return event.data.delta;
    case 'StockCaptured':
      return -event.data.quantity;
    default:
      return 0;
  }
};

test('Odoo, Magento: whatever happens to a stock in whatever order, its numbers never drift from its history', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      let state = stock.initialState;
      const log: StockEvent[] = [];
      for (const asked of commands) {
        const decision = stock.decide(asked, state);
        if (isRejection(decision)) continue;
        for (const event of decision) {
          log.push(asRecorded(event));
          state = stock.evolve(state, event);
        }
        expect(stock.decide(asked, state)).toEqual([]);
        expect(state.onHand).toBeGreaterThanOrEqual(0);
        expect(state.holds.held).toBeGreaterThanOrEqual(0);
        expect(state.holds.held).toBeLessThanOrEqual(state.onHand);
      }
      expect(state.onHand).toBe(log.reduce((sum, event) => sum + deltaOf(event), 0));
      const replayed = stateOf(stock, log);
      expect(JSON.stringify(replayed)).toBe(JSON.stringify(state));
    }),
    { numRuns: 200 },
  );
});
