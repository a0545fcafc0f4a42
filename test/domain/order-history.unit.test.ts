import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { unitShares } from '../../src/domain/apportion.js';
import type { CouponTerms } from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import { amountOf } from '../../src/domain/money.js';
import { type LineQuantity, type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import { shortUnits, stillHeld } from '../../src/domain/order-allocations.js';
import type { OrderEvent, OrderUnits } from '../../src/domain/order-events.js';
import { isEnded, type OrderLine, type OrderState, openUnits } from '../../src/domain/order-state.js';
import { asRecorded, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';

/** Orders and what may befall them: every command with any quantity, sensible or not, in any order, ids used again. */
const line = fc.record({
  kind: fc.constantFrom('goods', 'goods', 'goods', 'charge', 'voucher'),
  sku: fc.constantFrom('A', 'B', 'a&b=1'),
  quantity: fc.integer({ min: 1, max: 7 }),
  unitPrice: fc.integer({ min: 0, max: 99_999_999 }).map((n) => (n / 1e6).toFixed(6)),
  tax: fc.nat({ max: 500 }).map(String),
});
const terms: fc.Arbitrary<CouponTerms> = fc
  .oneof(
    fc.nat({ max: 1000 }).map((n) => ({ kind: 'percent' as const, percent: (n / 10).toFixed(1) })),
    fc.nat({ max: 200 }).map((n) => ({ kind: 'amount' as const, amount: String(n), currency: 'GBP' })),
  )
  .map((discount) => ({ limit: 1, discount }));

const id = fc.nat({ max: 8 }).map(String);
const asked: fc.Arbitrary<LineQuantity[] | undefined> = fc.option(
  fc.array(
    fc.record({
      lineId: fc.constantFrom('l0', 'l0', 'l0', 'l1', 'l&=2', 'l3'),
      quantity: fc.constantFrom(1, 1, 2, 3),
    }),
    { maxLength: 2 },
  ),
  { nil: undefined, freq: 8 },
);
const optional = <Key extends string, Value>(key: Key, value: Value | undefined) =>
  value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
const location = fc.constantFrom(undefined, undefined, undefined, undefined, 'main', 'shop');

const REFUSE: OrderCommand = { type: 'refuse', code: 'why', detail: '' };
const later: fc.Arbitrary<OrderCommand> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<OrderCommand>({ type: 'expire', dueAt: DUE_AT }) },
  { weight: 1, arbitrary: fc.constant(REFUSE) },
  { weight: 2, arbitrary: fc.constant<OrderCommand>({ type: 'confirm' }) },
  {
    weight: 3,
    arbitrary: fc.tuple(id, asked).map(
      ([cancellationId, lines]): OrderCommand => ({
        type: 'cancel',
        cancellationId,
        reason: '',
        ...optional('lines', lines),
      }),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(id, asked, location).map(
      ([shipmentId, lines, from]): OrderCommand => ({
        type: 'ship',
        shipmentId,
        ...optional('lines', lines),
        ...optional('location', from),
      }),
    ),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(id, asked, location, fc.option(fc.nat({ max: 99 }).map(String), { nil: undefined, freq: 2 }))
      .map(
        ([returnId, lines, to, credited]): OrderCommand => ({
          type: 'return',
          returnId,
          reason: '',
          lines: lines ?? [],
          ...optional('location', to),
          ...optional('credited', credited),
        }),
      ),
  },
);

const SHORTAGES = [undefined, undefined, 'ship-available', 'backorder', 'backorder', 'shortfall'] as const;
const changeId = fc.constantFrom('c1', 'c1', 'c2');
const changing: fc.Arbitrary<OrderCommand> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.nat({ max: 3 }),
        fc.array(
          fc.record({
            sku: fc.constantFrom('A', 'B'),
            location: fc.constantFrom('main', 'shop'),
            quantity: fc.integer({ min: 1, max: 4 }),
          }),
          { maxLength: 2 },
        ),
      )
      .map(
        ([round, held]): OrderCommand => ({
          type: 'allocate',
          round: round + 1,
          allocations: held.map((one) => ({ ...one, refused: [] })),
        }),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        changeId,
        fc.constantFrom('l0', 'l0', 'l1'),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0, 1, 2, 3),
      )
      .map(
        ([of, lineId, quantity, what]): OrderCommand => ({
          type: 'propose-change',
          changeId: of,
          reason: '',
          actions: [
            ...(what === 0 || what === 3 ? [{ kind: 'reduce', lineId, quantity } as const] : []),
            ...(what === 1
              ? [
                  {
                    kind: 'reprice',
                    lineId,
                    newLineId: `${lineId}'`,
                    unitPrice: '0.37',
                    tax: '1',
                    reason: 'x',
                  } as const,
                ]
              : []),
            ...(what >= 2
              ? [
                  {
                    kind: 'add',
                    line: { lineId: 'more', kind: 'goods', sku: 'A', quantity, unitPrice: '1.1', tax: '0' },
                  } as const,
                ]
              : []),
          ],
        }),
      ),
  },
  { weight: 3, arbitrary: changeId.map((of): OrderCommand => ({ type: 'confirm-change', changeId: of })) },
  {
    weight: 2,
    arbitrary: fc.tuple(changeId, fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 3 })).map(
      ([of, round, quantity]): OrderCommand => ({
        type: 'confirm-change',
        changeId: of,
        round,
        allocations: [{ sku: 'A', location: 'shop', quantity, refused: [] }],
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: changeId.map((of): OrderCommand => ({ type: 'decline-change', changeId: of, reason: '' })),
  },
);
const anything = fc.oneof({ weight: 2, arbitrary: later }, { weight: 1, arbitrary: changing });

const currency = fc.constantFrom('GBP', 'JPY', 'KWD');
const anOrder = fc
  .tuple(
    fc.array(line, { minLength: 1, maxLength: 4 }),
    fc.array(terms, { maxLength: 2 }),
    currency,
    fc.constantFrom<PlaceOrder['confirm'][]>('auto', 'explicit'),
    fc.constantFrom(...SHORTAGES),
    fc.constantFrom(undefined, undefined, 'at-once' as const),
    fc.nat({ max: 3 }),
  )
  .map(([lines, given, code, confirm, shortage, handover, lacking]) => {
    // A shop that may not reject an order takes no coupons.
    const coupons = shortage === 'shortfall' ? [] : given;
    const named = lines.map((each, index) => ({ ...each, lineId: ['l0', 'l1', 'l&=2', 'l3'][index] ?? '' }));
    const codes = coupons.map((_, index) => `C${index}`);
    const command = place(named, {
      currency: code,
      coupons: codes,
      confirm,
      ...(shortage === undefined ? {} : { shortage }),
      ...(handover === undefined ? {} : { handover }),
    });
    const taken = coupons.map((one, index) => ({ code: `C${index}`, terms: one }));
    const whole = reserve(command, taken, { B: 'shop' }) as OrderCommand & { type: 'reserve' };
    const allocations = whole.allocations
      .map((one) => ({ ...one, quantity: one.quantity - (shortage === undefined ? 0 : lacking) }))
      .filter(({ quantity }) => quantity > 0);
    return { command, reservation: { ...whole, allocations } };
  });
// Most histories get past their reservation, or little would be tested behind it.
const aHistory = fc
  .tuple(
    anOrder,
    fc.array(anything, { maxLength: 3 }),
    fc.array(anything, { minLength: 5, maxLength: 25 }),
    fc.nat({ max: 9 }),
  )
  .map(([{ command, reservation }, early, late, dice]) => ({
    placed: command,
    commands: [
      command,
      ...(dice === 0 ? [REFUSE] : []),
      reservation,
      ...(dice < 4 ? early : [{ type: 'confirm' } as const]),
      ...late,
    ],
  }));

interface Run {
  readonly state: OrderState;
  readonly log: readonly OrderEvent[];
  readonly accepted: readonly OrderCommand[];
}

const run = (
  commands: readonly OrderCommand[],
  check: (after: OrderState, before: OrderState) => void = () => {},
): Run => {
  let state = order.initialState;
  const log: OrderEvent[] = [];
  const accepted: OrderCommand[] = [];
  for (const command of commands) {
    const decision = order.decide(command, state);
    if (isRejection(decision)) continue;
    const before = state;
    for (const event of decision) {
      log.push(asRecorded(event));
      state = order.evolve(state, event);
      if (state.status === 'cancelled') for (const each of state.lines.values()) expect(each.shipped).toBe(0);
    }
    if (decision.length > 0) accepted.push(command);
    check(state, before);
  }
  return { state, log, accepted };
};

type Value = { readonly amount: bigint; readonly discount: bigint; readonly tax: bigint };
const NOTHING: Value = { amount: 0n, discount: 0n, tax: 0n };
const paid = ({ amount, discount, tax }: Value): bigint => amount - discount + tax;

/** What the log says was shipped or returned of each line, in units and money. */
const moved = (log: readonly OrderEvent[], type: 'OrderShipped' | 'OrderReturned', code: string) => {
  const byLine = new Map<string, Value & { readonly quantity: number }>();
  const add = ({ lineId, quantity, ...units }: OrderUnits): void => {
    const before = byLine.get(lineId) ?? { quantity: 0, ...NOTHING };
    byLine.set(lineId, {
      quantity: before.quantity + quantity,
      amount: before.amount + amountOf(units.amount, code),
      discount: before.discount + amountOf(units.discount, code),
      tax: before.tax + amountOf(units.tax, code),
    });
  };
  for (const event of log) {
    if (event.type === 'OrderShipped' && type === event.type) event.data.lines.forEach(add);
    if (event.type === 'OrderReturned' && type === event.type) event.data.lines.forEach(add);
  }
  return byLine;
};
const totalPaid = (byLine: ReadonlyMap<string, Value>): bigint =>
  [...byLine.values()].reduce((sum, value) => sum + paid(value), 0n);

/** Every open unit is held somewhere or known to be short, and nothing is held twice. */
const expectHeldOrShort = (state: OrderState): void => {
  if (state.round === 0) return;
  const short = shortUnits(state);
  for (const sku of new Set([...state.lines.values()].map((each) => each.sku))) {
    const open = [...state.lines.values()].reduce(
      (sum, each) => sum + (each.kind === 'goods' && each.sku === sku ? openUnits(each) : 0),
      0,
    );
    const here = state.allocations.filter((one) => one.sku === sku);
    for (const one of here) expect(stillHeld(one)).toBeGreaterThanOrEqual(0);
    expect(here.reduce((sum, one) => sum + stillHeld(one), 0) + (short.get(sku) ?? 0)).toBe(open);
  }
};

const RUNS = { numRuns: 400 };

test('whatever happens to an order, no line has more units than were ordered, and no end is undone', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(aHistory, ({ commands }) => {
      run(commands, (state, before) => {
        seen.add(state.status);
        for (const each of state.lines.values()) {
          expect(openUnits(each)).toBeGreaterThanOrEqual(0);
          expect(openUnits(each) + each.shipped + each.cancelled).toBe(each.quantity);
          expect(each.returned).toBeLessThanOrEqual(each.shipped);
          for (const counter of ['shipped', 'cancelled', 'returned'] as const) {
            expect(each[counter]).toBeGreaterThanOrEqual(before.lines.get(each.lineId)?.[counter] ?? 0);
          }
          expect(each.discount <= each.amount).toBe(true);
        }
        if (isEnded(before.status)) expect(state.status).toBe(before.status);
        expectHeldOrShort(state);
        const lines = [...state.lines.values()];
        const nothingOpen = lines.every((each) => openUnits(each) === 0);
        const anyShipped = lines.some((each) => each.shipped > 0);
        expect(state.status === 'completed').toBe(nothingOpen && anyShipped);
        expect(state.status === 'cancelled').toBe(nothingOpen && !anyShipped);
        if (anyShipped) expect(state.wasConfirmed).toBe(true);
      });
    }),
    RUNS,
  );
  // The property is worth something only if the histories get everywhere.
  for (const status of ['placed', 'reserved', 'confirmed', 'completed', 'cancelled', 'rejected', 'expired']) {
    expect(seen).toContain(status);
  }
});

test('Vendure, Medusa, WooCommerce: refunds never pass what was charged, and a full return after any partial ones is all of it', () => {
  let returns = 0;
  fc.assert(
    fc.property(aHistory, ({ commands, placed }) => {
      const code = placed.currency;
      const { state, log } = run(commands);
      const charged = totalPaid(moved(log, 'OrderShipped', code));
      for (let cut = 1; cut <= log.length; cut += 1) {
        const part = log.slice(0, cut);
        const [out, back] = [moved(part, 'OrderShipped', code), moved(part, 'OrderReturned', code)];
        expect(totalPaid(back) <= totalPaid(out)).toBe(true);
        for (const [lineId, value] of back) {
          const sent = out.get(lineId) ?? { quantity: 0, ...NOTHING };
          expect(value.quantity <= sent.quantity && paid(value) <= paid(sent) && paid(value) >= 0n).toBe(
            true,
          );
        }
      }
      returns += log.filter(({ type }) => type === 'OrderReturned').length;
      const rest = [...state.lines.values()]
        .map(({ lineId, shipped, returned }) => ({ lineId, quantity: shipped - returned }))
        .filter(({ quantity }) => quantity > 0);
      if (rest.length === 0) return;
      const decision = order.decide({ type: 'return', returnId: 'rest', reason: '', lines: rest }, state);
      if (isRejection(decision)) throw new Error(decision.code);
      const all = moved([...log, ...decision], 'OrderReturned', code);
      expect(totalPaid(all)).toBe(charged);
      expect(all).toEqual(moved(log, 'OrderShipped', code));
    }),
    RUNS,
  );
  expect(returns).toBeGreaterThan(RUNS.numRuns / 10);
});

test('what was shipped carries exactly the shares of its units; with what was cancelled and is open it is the whole line', () => {
  fc.assert(
    fc.property(aHistory, ({ commands, placed }) => {
      const { state, log } = run(commands);
      const shipped = moved(log, 'OrderShipped', placed.currency);
      const share = (
        each: OrderLine,
        part: 'amount' | 'discount' | 'tax',
        from: number,
        to: number,
      ): bigint => unitShares(each[part], each.quantity, from, to);
      const shares = log.flatMap((event) => {
        if (event.type === 'OrderReserved') return event.data.discounts.flatMap((one) => one.shares);
        if (event.type !== 'OrderChangeConfirmed') return [];
        return event.data.added.map(({ lineId, discount }) => ({ lineId, amount: discount }));
      });
      for (const each of state.lines.values()) {
        const frozen = shares.filter(({ lineId }) => lineId === each.lineId);
        expect(each.discount).toBe(
          frozen.reduce((sum, { amount }) => sum + amountOf(amount, placed.currency), 0n),
        );
        const value = shipped.get(each.lineId) ?? { quantity: 0, ...NOTHING };
        const cancelledFrom = each.quantity - each.cancelled;
        for (const part of ['amount', 'discount', 'tax'] as const) {
          expect(value[part]).toBe(share(each, part, 0, each.shipped));
          const open = share(each, part, each.shipped, cancelledFrom);
          const cancelled = share(each, part, cancelledFrom, each.quantity);
          expect(value[part] + open + cancelled).toBe(each[part]);
        }
      }
    }),
    RUNS,
  );
});

test('a command decided once yields nothing when it comes again, at once or at any later time', () => {
  fc.assert(
    fc.property(aHistory, ({ commands }) => {
      const repeatsNow = run(commands.flatMap((command) => [command, command]));
      const { state, log, accepted } = run(commands);
      expect(repeatsNow.log).toEqual(log);
      for (const command of accepted) {
        const again = order.decide(command, state);
        // A confirmation of what was cancelled meanwhile is refused; everything else is known by its id and is nothing.
        if (isRejection(again)) expect([command.type, again.code]).toEqual(['confirm', 'wrong_status']);
        else expect(again).toEqual([]);
      }
    }),
    RUNS,
  );
});

test('a state replayed from the log is the state that was decided on, and no event changed an earlier state', () => {
  fc.assert(
    fc.property(aHistory, ({ commands }) => {
      const states: { readonly state: OrderState; readonly written: string }[] = [];
      const written = (state: OrderState): string =>
        JSON.stringify(state, (_, value: unknown) => {
          if (typeof value === 'bigint') return `${value}n`;
          return value instanceof Map ? [...value] : value;
        });
      const { state, log } = run(commands, (after) => {
        states.push({ state: after, written: written(after) });
      });
      for (const event of log) expect(asRecorded(event)).toEqual(event);
      expect(stateOf(order, log)).toEqual(state);
      for (const { state: earlier, written: then } of states) expect(written(earlier)).toBe(then);
    }),
    RUNS,
  );
});
