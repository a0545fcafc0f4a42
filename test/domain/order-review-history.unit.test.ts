import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { isEnded, type OrderState } from '../../src/domain/order-state.js';
import { type BlockableStep, openReviews, reviewsBlocking } from '../../src/domain/review.js';
import { asRecorded, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';
import { resolveReview, review, rule } from '../support/reviews.js';

/** Orders with reviews by rule and by hand, put and resolved by anybody at any time, between everything else. */
const KEEP_UNTIL = DUE_AT;
const RULES = [
  rule('all', { kind: 'amount', currency: 'GBP', over: '0.00' }),
  rule('line', { kind: 'quantity', over: 2, sku: 'A' }, { blocks: ['confirm', 'ship'] }),
  rule('ship', { kind: 'first-order' }, { blocks: ['ship'], role: 'warehouse' }),
];
const lineId = fc.constantFrom('1', '2', 'p');
const holdId = fc.constantFrom('h1', 'h2', 'rule:all', 'rule:line', 'rule:ship');
const lines = fc.option(
  fc.array(fc.record({ lineId, quantity: fc.constantFrom(1, 1, 3) }), { minLength: 1, maxLength: 2 }),
  {
    nil: undefined,
  },
);
const id = fc.nat({ max: 5 }).map(String);
const named = (asked: { lineId: string; quantity: number }[] | undefined) =>
  asked === undefined ? {} : { lines: asked };

const put: fc.Arbitrary<OrderCommand> = fc
  .tuple(
    fc.constantFrom('h1', 'h2', 'h3'),
    fc.constantFrom<BlockableStep[][]>(['confirm'], ['ship'], ['confirm', 'ship']),
    fc.option(fc.array(lineId, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  )
  .map(([hold, blocks, on]) =>
    review(hold, {
      blocks,
      ...(on === undefined ? {} : { lines: on }),
    }),
  );
const resolve: fc.Arbitrary<OrderCommand> = fc
  .tuple(
    holdId,
    fc.constantFrom<'released' | 'rejected'>('released', 'released', 'released', 'rejected'),
    fc.constantFrom('admin', 'finance', 'warehouse'),
  )
  .map(([hold, outcome, role]) => resolveReview(hold, outcome, { role }));
const ship: fc.Arbitrary<OrderCommand> = fc
  .tuple(id, lines)
  .map(([shipmentId, asked]) => ({ type: 'ship', shipmentId, ...named(asked) }));
const cancel: fc.Arbitrary<OrderCommand> = fc
  .tuple(id, lines)
  .map(([cancellationId, asked]) => ({ type: 'cancel', cancellationId, reason: '', ...named(asked) }));
const confirm = fc.constant<OrderCommand>({ type: 'confirm' });
const expire = fc.constant<OrderCommand>({ type: 'expire', dueAt: KEEP_UNTIL });
const later = fc.oneof(
  { weight: 4, arbitrary: put },
  { weight: 8, arbitrary: resolve },
  { weight: 5, arbitrary: ship },
  { weight: 2, arbitrary: cancel },
  { weight: 2, arbitrary: confirm },
  { weight: 1, arbitrary: expire },
);

const aHistory = fc
  .record({
    rules: fc.subarray(RULES),
    confirm: fc.constantFrom('auto' as const, 'explicit' as const),
    early: fc.array(fc.oneof(put, resolve), { maxLength: 2 }),
    late: fc.array(later, { minLength: 3, maxLength: 25 }),
  })
  .map(({ rules, confirm: policy, early, late }): readonly OrderCommand[] => {
    const command = place(
      [
        { lineId: '1', sku: 'A', quantity: 3 },
        { lineId: '2', sku: 'B', quantity: 1 },
        { lineId: 'p', kind: 'charge', sku: 'POST' },
      ],
      { confirm: policy, ...(rules.length === 0 ? {} : { review: { rules, keepUntil: KEEP_UNTIL } }) },
    );
    return [command, ...early, reserve(command), ...late];
  });

const run = (
  commands: readonly OrderCommand[],
  check: (event: OrderEvent, before: OrderState) => void = () => {},
  after: (state: OrderState) => void = () => {},
) => {
  let state = order.initialState;
  const log: OrderEvent[] = [];
  const accepted: OrderCommand[] = [];
  for (const command of commands) {
    const decision = order.decide(command, state);
    if (isRejection(decision)) continue;
    for (const event of decision) {
      check(event, state);
      log.push(asRecorded(event));
      state = order.evolve(state, event);
    }
    if (decision.length > 0) accepted.push(command);
    after(state);
  }
  return { state, log, accepted };
};
const RUNS = { numRuns: 400 };

test('no order is confirmed and no unit shipped while a review blocks it, whatever happens in whatever order', () => {
  let steps = 0;
  fc.assert(
    fc.property(aHistory, (commands) => {
      run(commands, (event, before) => {
        if (event.type === 'OrderConfirmed') {
          steps += 1;
          expect(reviewsBlocking(before.reviews, 'confirm')).toEqual([]);
        }
        if (event.type !== 'OrderShipped') return;
        steps += 1;
        for (const { held } of reviewsBlocking(before.reviews, 'ship')) {
          expect(held.lines).toBeDefined();
          for (const { lineId: moved } of event.data.lines) expect(held.lines).not.toContain(moved);
        }
      });
    }),
    RUNS,
  );
  expect(steps).toBeGreaterThan(RUNS.numRuns / 4);
});

test('every review ends once: an order that has ended has none open, and one that confirms itself never waits for nothing', () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(aHistory, (commands) => {
      const ended = new Set<string>();
      run(
        commands,
        (event, before) => {
          // The end of an order is its last event, but for returns: a review that ends with it ends before it.
          if (event.type.startsWith('OrderHeld')) expect(isEnded(before.status)).toBe(false);
          if (event.type !== 'OrderHoldResolved') return;
          expect(isEnded(before.status)).toBe(false);
          expect(ended.has(event.data.holdId)).toBe(false);
          ended.add(event.data.holdId);
          outcomes.add(event.data.outcome);
        },
        (state) => {
          const open = openReviews(state.reviews);
          if (isEnded(state.status)) expect(open).toEqual([]);
          expect(open.length + ended.size).toBe(state.reviews.size);
          const waits = state.status === 'reserved' && state.placed?.confirm === 'auto';
          if (waits) expect(reviewsBlocking(state.reviews, 'confirm')).not.toEqual([]);
        },
      );
    }),
    RUNS,
  );
  expect([...outcomes].sort()).toEqual(['lapsed', 'rejected', 'released']);
});

test('what was decided once yields nothing when it comes again, and replay gives the state that was decided on', () => {
  fc.assert(
    fc.property(aHistory, (commands) => {
      const { state, log, accepted } = run(commands);
      expect(run(commands.flatMap((command) => [command, command])).log).toEqual(log);
      expect(stateOf(order, log)).toEqual(state);
      for (const command of accepted) {
        const again = order.decide(command, state);
        // A confirmation is known by the state alone, so it may be refused by what came after it.
        if (isRejection(again)) expect([command.type, again.code]).toEqual(['confirm', 'wrong_status']);
        else expect(again).toEqual([]);
      }
    }),
    RUNS,
  );
});
