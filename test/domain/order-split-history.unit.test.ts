import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { amountText, carriedByFirst } from '../../src/audit/money.js';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { isEnded, type OrderState, openUnits } from '../../src/domain/order-state.js';
import { openApart } from '../../src/domain/split.js';
import { asRecorded, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';
import { resolveReview, review } from '../support/reviews.js';

/** Orders split, shipped, cancelled, undone, held and returned by anybody, in any order. */
const lineId = fc.constantFrom('1', '1', '2', 'p');
const lines = fc.option(
  fc.array(fc.record({ lineId, quantity: fc.constantFrom(1, 1, 2) }), { minLength: 1, maxLength: 2 }),
  { nil: undefined },
);
const id = fc.nat({ max: 9 }).map(String);
const splitId = fc.constantFrom('a', 'b', 'c');
const named = (asked: { lineId: string; quantity: number }[] | undefined) =>
  asked === undefined ? {} : { lines: asked };

const later: fc.Arbitrary<OrderCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(splitId, fc.constantFrom('1', '1', '2'), fc.constantFrom(1, 2, 3))
      .map(([split, line, quantity]) => ({
        type: 'split' as const,
        splitId: split,
        lines: [{ lineId: line, quantity }],
      })),
  },
  {
    weight: 2,
    arbitrary: splitId.map((split) => ({ type: 'undo-split' as const, splitId: split, reason: '' })),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(id, fc.option(splitId, { nil: undefined }), lines, fc.constantFrom(undefined, 'main', 'shop'))
      .map(([shipmentId, split, asked, location]) => ({
        type: 'ship' as const,
        shipmentId,
        ...(split === undefined ? {} : { splitId: split }),
        ...(location === undefined ? {} : { location }),
        ...named(asked),
      })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, lines).map(([cancellationId, asked]) => ({
      type: 'cancel' as const,
      cancellationId,
      reason: '',
      ...named(asked ?? [{ lineId: '1', quantity: 1 }]),
    })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, lineId).map(([returnId, line]) => ({
      type: 'return' as const,
      returnId,
      reason: '',
      lines: [{ lineId: line, quantity: 1 }],
    })),
  },
  { weight: 1, arbitrary: fc.constant(review('h', { blocks: ['ship'], lines: ['1'] })) },
  { weight: 1, arbitrary: fc.constantFrom(resolveReview('h', 'released'), resolveReview('h', 'rejected')) },
  { weight: 1, arbitrary: fc.constant<OrderCommand>({ type: 'confirm' }) },
);

const aHistory = fc
  .record({
    confirm: fc.constantFrom('auto' as const, 'auto' as const, 'explicit' as const),
    late: fc.array(later, { minLength: 8, maxLength: 30, size: 'max' }),
  })
  .map(({ confirm, late }): readonly OrderCommand[] => {
    const command = place(
      [
        { lineId: '1', sku: 'A', quantity: 7, unitPrice: '1.4285', tax: '0.33' },
        { lineId: '2', sku: 'B', quantity: 3, unitPrice: '0.10' },
        { lineId: 'p', kind: 'charge', sku: 'POST' },
      ],
      { confirm, coupons: ['TEN'], ...(confirm === 'auto' ? {} : { expiresAt: DUE_AT }) },
    );
    const terms = { discount: { kind: 'percent', percent: '10' }, limit: 1 } as const;
    return [command, reserve(command, [{ code: 'TEN', terms }], { B: 'shop' }), ...late];
  });

const run = (
  commands: readonly OrderCommand[],
  check: (state: OrderState, event: OrderEvent, before: OrderState) => void,
) => {
  let state = order.initialState;
  const log: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, state);
    if (isRejection(decision)) continue;
    for (const event of decision) {
      const before = state;
      log.push(asRecorded(event));
      state = order.evolve(state, event);
      check(state, event, before);
    }
  }
  return { state, log };
};
const RUNS = { numRuns: 600 };

test('ordered = open + cancelled + shipped, and no more is apart than is open, whatever is split and shipped', () => {
  const seen = { splits: 0, apart: 0, undone: 0, cancelledApart: 0 };
  fc.assert(
    fc.property(aHistory, (commands) => {
      const { state, log } = run(commands, (after, event, before) => {
        for (const line of after.lines.values()) {
          const open = openUnits(line);
          expect(open).toBeGreaterThanOrEqual(0);
          expect(line.quantity).toBe(open + line.cancelled + line.shipped);
          expect(openApart(after.splits, line.lineId)).toBeLessThanOrEqual(open);
        }
        for (const { lines: ofSplit, undone } of after.splits.values()) {
          for (const { quantity, shipped, cancelled } of ofSplit.values()) {
            expect(shipped + cancelled).toBeLessThanOrEqual(quantity);
            if (undone) expect(shipped).toBe(0);
          }
        }
        if (event.type === 'OrderSplit') seen.splits += 1;
        if (event.type === 'OrderSplitUndone') seen.undone += 1;
        if (event.type === 'OrderLinesCancelled' && event.data.splits !== undefined) seen.cancelledApart += 1;
        if (event.type !== 'OrderShipped') return;
        const { splitId: of, lines: moved } = event.data;
        if (of !== undefined) seen.apart += 1;
        for (const { lineId: line, kind, quantity } of moved) {
          if (kind !== 'goods') continue;
          // What is of no split ships without one, and what is of one ships with it.
          const change = openApart(before.splits, line) - openApart(after.splits, line);
          expect(change).toBe(of === undefined ? 0 : quantity);
        }
      });
      expect(stateOf(order, log)).toEqual(state);
      if (isEnded(state.status)) for (const line of state.lines.values()) expect(openUnits(line)).toBe(0);
    }),
    RUNS,
  );
  expect(seen.splits).toBeGreaterThan(RUNS.numRuns / 2);
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(20);
});

test('splits move no money: every unit ships for the share it was frozen with, in the order of the parcels', () => {
  let checked = 0;
  fc.assert(
    fc.property(aHistory, (commands) => {
      const { state, log } = run(commands, () => undefined);
      const gone = new Map<string, number>();
      for (const event of log) {
        for (const one of event.type === 'OrderShipped' ? event.data.lines : []) {
          const line = state.lines.get(one.lineId);
          const from = gone.get(one.lineId) ?? 0;
          gone.set(one.lineId, from + one.quantity);
          if (line === undefined) throw new Error('no such line');
          const share = (total: bigint): string =>
            amountText(
              carriedByFirst(total, line.quantity, from + one.quantity) -
                carriedByFirst(total, line.quantity, from),
              'GBP',
            );
          expect([one.amount, one.discount, one.tax]).toEqual([
            share(line.amount),
            share(line.discount),
            share(line.tax),
          ]);
          checked += 1;
        }
      }
    }),
    RUNS,
  );
  expect(checked).toBeGreaterThan(RUNS.numRuns / 2);
});
