import fc from 'fast-check';
import type { CouponTerms } from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { INSPECTION_OUTCOMES, type InspectionOutcome } from '../../src/domain/return-events.js';
import { place, reserve } from './orders.js';
import {
  allowance,
  authorise,
  back,
  creditReturn,
  exchange,
  refuseReturn,
  requestReturn,
  type Units,
} from './returns.js';

/** Orders that were shipped in parts, and whatever may be asked back and given back of them, in any order, ids used again. */
const LINE_IDS = ['l0', 'l1', 'l2', 'l3'];
const line = fc.record({
  kind: fc.constantFrom('goods', 'goods', 'goods', 'charge'),
  quantity: fc.integer({ min: 1, max: 5 }),
  unitPrice: fc.integer({ min: 0, max: 9_999_999 }).map((n) => (n / 1e6).toFixed(6)),
  tax: fc.nat({ max: 300 }).map(String),
});
const terms: fc.Arbitrary<CouponTerms> = fc
  .oneof(
    fc.nat({ max: 1000 }).map((n) => ({ kind: 'percent' as const, percent: (n / 10).toFixed(1) })),
    fc.nat({ max: 20 }).map((n) => ({ kind: 'amount' as const, amount: String(n), currency: 'GBP' })),
  )
  .map((discount) => ({ limit: 1, discount }));

const id = fc.nat({ max: 3 }).map((n) => `r${n}`);
const few = fc.constantFrom(1, 1, 2, 3);
const some = fc.array(
  fc.record({ lineId: fc.constantFrom('l0', 'l0', 'l0', 'l1', 'l1', 'l2', 'l3'), quantity: few }),
  {
    minLength: 1,
    maxLength: 3,
  },
);
const amount = fc.nat({ max: 30 }).map(String);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });

/** What to do with the return of an id: a step makes of the state what it needs, so that steps often fit. */
export type Step = (state: OrderState) => OrderCommand;
const onward = (
  returnId: string,
  lines: Units,
  less: number,
  outcomes: readonly InspectionOutcome[],
): Step => {
  const receive: Step = ({ afterSales }) => ({
    type: 'receive-return',
    returnId,
    location: less === 1 ? 'shop' : 'main',
    lines: [...(afterSales.requests.get(returnId)?.lines ?? [])].map(([lineId, { requested }]) => ({
      lineId,
      quantity: Math.max(1, requested - less),
    })),
  });
  const look: Step = ({ afterSales }) => ({
    type: 'inspect-return',
    returnId,
    lines: [...(afterSales.requests.get(returnId)?.lines ?? [])].flatMap(([lineId, { received }]) =>
      Array.from({ length: received }, (_, index) => ({
        lineId,
        quantity: 1,
        outcome: outcomes[index % outcomes.length] ?? 'resaleable',
      })),
    ),
  });
  return (state) => {
    switch (state.afterSales.requests.get(returnId)?.status) {
      case undefined:
        return requestReturn(returnId, lines);
      case 'requested':
        return authorise(returnId, less === 2 ? { creditOn: 'command' } : {});
      case 'authorised':
        return receive(state);
      case 'received':
        return look(state);
      default:
        return creditReturn(returnId);
    }
  };
};
const outcomes = fc.array(fc.constantFrom(...INSPECTION_OUTCOMES, 'resaleable' as const), {
  minLength: 1,
  maxLength: 4,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.tuple(id, some, fc.nat({ max: 2 }), outcomes).map((given) => onward(...given)),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(id, some).map(
      ([one, lines]): Step =>
        () =>
          requestReturn(one, lines),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(id, fc.constantFrom(undefined, 'command' as const)).map(
      ([one, creditOn]): Step =>
        () =>
          authorise(one, creditOn === undefined ? {} : { creditOn }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, maybe(amount)).map(
      ([one, credited]): Step =>
        () =>
          creditReturn(one, credited === undefined ? {} : { credited }),
    ),
  },
  {
    weight: 1,
    arbitrary: id.map(
      (one): Step =>
        () =>
          refuseReturn(one),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, some, maybe(amount)).map(
      ([one, lines, credited]): Step =>
        () =>
          back(one, lines, credited === undefined ? {} : { credited }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, amount, maybe(fc.constantFrom(...LINE_IDS))).map(
      ([one, given, lineId]): Step =>
        () =>
          allowance(one, given, lineId === undefined ? {} : { lineId }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, id, maybe(amount)).map(
      ([one, of, credit]): Step =>
        () =>
          exchange(one, of, {}, credit === undefined ? {} : { credit }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, amount).map(
      ([exchangeId, charged]): Step =>
        () => ({ type: 'settle-exchange', exchangeId, charged }),
    ),
  },
  {
    weight: 3,
    arbitrary: id.map(
      (exchangeId): Step =>
        () => ({ type: 'end-exchange', exchangeId, code: 'cancelled', detail: '' }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, maybe(some)).map(
      ([shipmentId, lines]): Step =>
        () => ({
          type: 'ship',
          shipmentId,
          ...(lines === undefined ? {} : { lines }),
        }),
    ),
  },
);

export const aHistory = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 4 }),
  coupons: fc.array(terms, { maxLength: 2 }),
  steps: fc.array(step, { minLength: 8, maxLength: 40, size: 'max' }),
  shipsAll: fc.boolean(),
});
export type History = typeof aHistory extends fc.Arbitrary<infer One> ? One : never;

export interface Run {
  readonly state: OrderState;
  readonly log: readonly OrderEvent[];
  readonly accepted: readonly OrderCommand[];
}

/** With `check` after every decision. The order is confirmed; it ships when a step says so, the first line at once. */
export const run = (
  { lines, coupons, steps, shipsAll }: History,
  check: (after: OrderState) => void = () => {},
): Run => {
  const named = lines.map((each, index) => ({ ...each, lineId: LINE_IDS[index] ?? '' }));
  const codes = coupons.map((_, index) => `C${index}`);
  const placed = place(named, { coupons: codes });
  const reservation = reserve(
    placed,
    coupons.map((one, index) => ({ code: codes[index] ?? '', terms: one })),
  );
  const first: OrderCommand = {
    type: 'ship',
    shipmentId: 'first',
    ...(shipsAll ? {} : { lines: [{ lineId: 'l0', quantity: 1 }] }),
  };
  let state = order.initialState;
  const log: OrderEvent[] = [];
  const accepted: OrderCommand[] = [];
  const setUp: Step[] = [placed, reservation, { type: 'confirm' } as const, first].map(
    (command) => () => command,
  );
  for (const next of [...setUp, ...steps]) {
    const command = next(state);
    const decision = order.decide(command, state);
    if (isRejection(decision)) continue;
    for (const event of decision) {
      log.push(event);
      state = order.evolve(state, event);
    }
    if (decision.length > 0) accepted.push(command);
    check(state);
  }
  return { state, log, accepted };
};
