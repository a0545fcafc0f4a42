import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import { amountOf } from '../../src/domain/money.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { chargedOf, leftToCredit } from '../../src/domain/order-charge.js';
import type { OrderEvent, OrderUnits } from '../../src/domain/order-events.js';
import { returnableUnits } from '../../src/domain/order-return-state.js';
import { asRecorded, stateOf } from '../support/decider-spec.js';
import { aHistory, type History, run } from '../support/return-histories.js';
import { back, creditReturn, refuseReturn, wholeReturn } from '../support/returns.js';

const paid = (lines: readonly OrderUnits[]): bigint =>
  lines.reduce(
    (sum, { amount: value, discount, tax }) =>
      sum + amountOf(value, 'GBP') - amountOf(discount, 'GBP') + amountOf(tax, 'GBP'),
    0n,
  );

/** Of the events alone: charged, given back by returns, given back without. */
const money = (log: readonly OrderEvent[]) => {
  let charged = 0n;
  let returned = 0n;
  let granted = 0n;
  for (const event of log) {
    if (event.type === 'OrderShipped') charged += paid(event.data.lines);
    if (event.type === 'OrderReturned') {
      returned += paid(event.data.lines) + amountOf(event.data.allowance, 'GBP');
    }
    if (event.type === 'OrderAllowanceGranted') granted += amountOf(event.data.amount, 'GBP');
  }
  return { charged, returned, granted };
};

const RUNS = { numRuns: 1_000 };
const OPEN = ['requested', 'authorised', 'received', 'inspected'];

test('whatever is asked back in whatever order: returned, refused and under an open request is at most what was shipped', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(aHistory, (history) => {
      run(history, (state) => {
        for (const each of state.lines.values()) {
          expect(each.returned).toBeLessThanOrEqual(each.shipped);
          expect(returnableUnits(state.afterSales, each)).toBeGreaterThanOrEqual(0);
        }
        for (const { status } of state.afterSales.requests.values()) seen.add(status);
        for (const { status } of state.afterSales.exchanges.values()) seen.add(`exchange ${status}`);
      });
    }),
    RUNS,
  );
  // The property is worth something only if the histories get everywhere.
  expect([...seen].sort()).toEqual(
    [
      ...OPEN,
      'closed',
      'credited',
      'refused',
      'exchange agreed',
      'exchange settled',
      'exchange ended',
    ].sort(),
  );
});

test('credited and granted is never more than charged, after any event, by any path', () => {
  let given = 0;
  fc.assert(
    fc.property(aHistory, (history) => {
      const { state, log } = run(history);
      for (let cut = 1; cut <= log.length; cut += 1) {
        const { charged, returned, granted } = money(log.slice(0, cut));
        expect(returned + granted <= charged).toBe(true);
        expect(returned >= 0n).toBe(true);
      }
      const { charged, returned, granted } = money(log);
      expect(chargedOf(state)).toBe(charged);
      expect(leftToCredit(state)).toBe(charged - returned - granted);
      if (returned > 0n && granted > 0n) given += 1;
    }),
    RUNS,
  );
  expect(given).toBeGreaterThan(RUNS.numRuns / 20);
});

/** Credits that nobody bargained about: no amounts said, no units refused. */
const asPaid = (history: History): History => ({
  ...history,
  steps: history.steps.map((next) => (state) => {
    const command = next(state);
    if (command.type === 'return' || command.type === 'credit-return') {
      const { credited: _, ...rest } = command;
      return rest;
    }
    if (command.type === 'inspect-return') {
      const lines = command.lines.map((one) =>
        one.outcome === 'refused' ? { ...one, outcome: 'damaged' as const } : one,
      );
      return { ...command, lines };
    }
    return command.type === 'refuse-return' ? { type: 'confirm' } : command;
  }),
});

test.each(['over the counter', 'by request'])(
  'a full return %s gives back exactly what was paid, whatever partial ones and allowances came before',
  (way) => {
    let partial = 0;
    fc.assert(
      fc.property(aHistory, (history) => {
        const { state: before, log } = run(asPaid(history));
        let state = before;
        const all = [...log];
        const decide = (command: OrderCommand): void => {
          const decision = order.decide(command, state);
          if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
          for (const event of decision) state = order.evolve(state, event);
          all.push(...decision);
        };
        // Whoever has an open request ends it first.
        for (const [returnId, { status, lines }] of state.afterSales.requests) {
          if (status === 'requested' || status === 'authorised') decide(refuseReturn(returnId));
          if (status === 'inspected') decide(creditReturn(returnId));
          if (status !== 'received') continue;
          const found = [...lines].flatMap(([lineId, { received: quantity }]) =>
            quantity === 0 ? [] : [{ lineId, quantity, outcome: 'resaleable' as const }],
          );
          decide({ type: 'inspect-return', returnId, lines: found });
          if (state.afterSales.requests.get(returnId)?.status === 'inspected') decide(creditReturn(returnId));
        }
        const rest = [...state.lines.values()]
          .map(({ lineId, kind, shipped, returned }) => ({ lineId, kind, quantity: shipped - returned }))
          .filter(({ quantity }) => quantity > 0);
        if (
          rest.some(({ lineId, quantity }) => {
            const each = state.lines.get(lineId);
            return each !== undefined && returnableUnits(state.afterSales, each) !== quantity;
          })
        )
          throw new Error('units are kept by nobody');
        const units = rest.map(({ lineId, quantity }) => ({ lineId, quantity }));
        const goods = rest.filter(({ kind }) => kind === 'goods');
        if (rest.length > 0 && (way === 'over the counter' || goods.length === 0))
          decide(back('rest', units));
        else if (rest.length > 0) {
          const [request, let_, receive] = wholeReturn('rest', units);
          for (const command of [request, let_, receive]) if (command !== undefined) decide(command);
          decide({
            type: 'inspect-return',
            returnId: 'rest',
            lines: goods.map(({ lineId, quantity }) => ({ lineId, quantity, outcome: 'resaleable' })),
          });
        }
        const { charged, returned, granted } = money(all);
        expect(returned + granted).toBe(charged);
        if (granted > 0n && log.some(({ type }) => type === 'OrderReturned')) partial += 1;
      }),
      RUNS,
    );
    expect(partial).toBeGreaterThan(RUNS.numRuns / 20);
  },
);

test('every return is open or over, once: its steps come in their order, and its units are all accounted for', () => {
  fc.assert(
    fc.property(aHistory, (history) => {
      const { state, log } = run(history);
      for (const [returnId, { status, lines }] of state.afterSales.requests) {
        const steps = log.filter(({ data }) => (data as { returnId?: string }).returnId === returnId);
        const types = steps.map(({ type }) => type).filter((type) => !type.startsWith('OrderExchange'));
        expect(new Set(types).size).toBe(types.length);
        expect(types[0]).toBe('OrderReturnRequested');
        const isOver =
          types.includes('OrderReturnRefused') || types.includes('OrderReturned') || status === 'closed';
        expect(OPEN.includes(status)).toBe(!isOver);
        for (const units of lines.values()) {
          expect(units.received).toBeLessThanOrEqual(units.requested);
          if (types.includes('OrderReturnInspected')) {
            expect(units.resaleable + units.damaged + units.missing + units.refused).toBe(units.received);
          }
        }
      }
    }),
    RUNS,
  );
});

test('no credit is carried to more than one new order, and what an exchange owes is what it carried', () => {
  fc.assert(
    fc.property(aHistory, (history) => {
      const { state, log } = run(history);
      for (const [returnId, { shares, allowance: beyond }] of state.afterSales.credits) {
        let carried = 0n;
        for (const one of state.afterSales.exchanges.values()) {
          if (one.returnId === returnId && one.status !== 'ended') carried += one.credit;
        }
        expect(carried <= shares + beyond).toBe(true);
      }
      for (const { type, data } of log) {
        if (type !== 'OrderExchangeSettled') continue;
        const [charged, carried, toPay] = [data.charged, data.carried, data.toPay].map((one) =>
          amountOf(one, 'GBP'),
        );
        expect((carried ?? 0n) + (toPay ?? 0n)).toBe(charged);
        expect(data.toPay === '0.00' || data.toGiveBack === '0.00').toBe(true);
      }
    }),
    RUNS,
  );
});

test('a replay gives the same, and deciding anything twice changes nothing, at once or later', () => {
  fc.assert(
    fc.property(aHistory, (history) => {
      const { state, log, accepted } = run(history);
      for (const event of log) expect(asRecorded(event)).toEqual(event);
      expect(stateOf(order, log)).toEqual(state);
      let soFar = order.initialState;
      for (const command of accepted) {
        const decision = order.decide(command, soFar);
        if (isRejection(decision)) throw new Error(decision.code);
        soFar = decision.reduce(order.evolve, soFar);
        expect(order.decide(command, soFar)).toEqual([]);
        expect(order.decide(command, state)).toEqual([]);
      }
      expect(soFar).toEqual(state);
    }),
    { numRuns: 400 },
  );
});
