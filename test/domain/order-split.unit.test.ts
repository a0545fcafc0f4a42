import { describe, expect, test } from '@jest/globals';
import { order } from '../../src/domain/order.js';
import type { OrderCommand } from '../../src/domain/order-commands.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { openUnits } from '../../src/domain/order-state.js';
import { openApart, SPLITS_MAX } from '../../src/domain/split.js';
import { given, stateOf } from '../support/decider-spec.js';
import { place, reserve } from '../support/orders.js';
import { review } from '../support/reviews.js';

/** 6 MUG for 10.00 with 1.00 off, 2 CUP at another location, and postage. */
const PLACE = place(
  [
    { lineId: '1', sku: 'MUG', quantity: 6, unitPrice: '1.6667', tax: '0.60' },
    { lineId: '2', sku: 'CUP', quantity: 2, unitPrice: '1.00' },
    { lineId: 'p', kind: 'charge', sku: 'POST', unitPrice: '4.00' },
  ],
  { coupons: ['TEN'] },
);
const terms = { discount: { kind: 'amount', amount: '1.00', currency: 'GBP' }, limit: 1 } as const;
const RESERVE = reserve(PLACE, [{ code: 'TEN', terms }], { CUP: 'shop' });

const run = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const log: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, log));
    if ('code' in decision) throw new Error(`${command.type}: ${decision.code}`);
    log.push(...decision);
  }
  return log;
};
const reserved = run(PLACE, RESERVE);
const confirmed = run(PLACE, RESERVE, { type: 'confirm' });
const split = (splitId: string, quantity: number, more: object = {}): OrderCommand => ({
  type: 'split',
  splitId,
  lines: [{ lineId: '1', quantity }],
  ...more,
});
const undo = (splitId: string): OrderCommand => ({ type: 'undo-split', splitId, reason: 'one parcel' });
const ship = (shipmentId: string, more: object = {}): OrderCommand => ({ type: 'ship', shipmentId, ...more });
const then = (...commands: readonly OrderCommand[]) => run(PLACE, RESERVE, { type: 'confirm' }, ...commands);
const unitsOf = (event: OrderEvent | undefined): Record<string, number> =>
  event?.type === 'OrderShipped'
    ? Object.fromEntries(event.data.lines.map(({ lineId, quantity }) => [lineId, quantity]))
    : {};

describe('a split', () => {
  test('puts open units apart, with a day and a priority of their own', () => {
    const state = given(order, ...confirmed)
      .when({
        type: 'split',
        splitId: 'later',
        lines: [
          { lineId: '1', quantity: 1 },
          { lineId: '2', quantity: 2 },
          { lineId: '1', quantity: 1 },
        ],
        requestedDate: '2026-12-24',
        priority: 2,
      })
      .thenEvents({
        type: 'OrderSplit',
        data: {
          splitId: 'later',
          lines: [
            { lineId: '1', quantity: 2 },
            { lineId: '2', quantity: 2 },
          ],
          requestedDate: '2026-12-24',
          priority: 2,
        },
      });
    expect([openApart(state.splits, '1'), openApart(state.splits, '2')]).toEqual([2, 2]);
  });

  test('is possible before the order is confirmed, and of what no other split has', () => {
    given(order, ...reserved)
      .when(split('a', 6))
      .thenEvents({
        type: 'OrderSplit',
        data: { splitId: 'a', lines: [{ lineId: '1', quantity: 6 }] },
      });
    given(order, ...then(split('a', 4)))
      .when(split('b', 3))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 2 });
  });

  test('the same again is nothing, also after it was undone; other content under its id is a conflict', () => {
    const history = then(split('a', 2, { priority: 1 }));
    given(order, ...history)
      .when(split('a', 2, { priority: 1 }))
      .thenNothing();
    given(order, ...history)
      .when(split('a', 2))
      .thenRejected('id_reused');
    given(order, ...history)
      .when(split('a', 3, { priority: 1 }))
      .thenRejected('id_reused');
    given(order, ...then(split('a', 2), undo('a')))
      .when(split('a', 2))
      .thenNothing();
  });

  test.each<[string, OrderCommand, string]>([
    [
      'a line that is none',
      { type: 'split', splitId: 'a', lines: [{ lineId: '9', quantity: 1 }] },
      'unknown_line',
    ],
    ['a charge', { type: 'split', splitId: 'a', lines: [{ lineId: 'p', quantity: 1 }] }, 'not_goods'],
    ['more than is open', split('a', 7), 'exceeds_open_quantity'],
    ['no line', { type: 'split', splitId: 'a', lines: [] }, 'nothing_open'],
  ])('of %s is refused', (_, command, code) => {
    given(order, ...confirmed)
      .when(command)
      .thenRejected(code);
  });

  test('of an order that is not reserved, or is over, is refused', () => {
    given(order, ...run(PLACE))
      .when(split('a', 1))
      .thenRejected('wrong_status');
    given(order, ...then(ship('s')))
      .when(split('a', 1))
      .thenRejected('wrong_status');
  });

  test('of an order that was split too often is refused', () => {
    const many = Array.from({ length: SPLITS_MAX }, (_, n) => [split(`s${n}`, 1), undo(`s${n}`)]).flat();
    given(order, ...then(...many))
      .when(split('more', 1))
      .thenRejected('too_many_splits');
  });
});

describe('what was split off', () => {
  test('stays behind when the rest ships, and ships when its split is named', () => {
    const rest = then(split('a', 2), ship('s1'));
    expect(unitsOf(rest.at(-1))).toEqual({ 1: 4, 2: 2, p: 1 });
    const all = then(split('a', 2), ship('s1'), ship('s2', { splitId: 'a' }));
    expect(unitsOf(all.at(-2))).toEqual({ 1: 2 });
    expect(all.at(-2)).toMatchObject({ data: { splitId: 'a' } });
    expect(all.at(-1)?.type).toBe('OrderCompleted');
    given(order, ...rest)
      .when(ship('s2'))
      .thenRejected('nothing_open');
  });

  test('is not taken by a shipment of the rest that names lines, nor the rest by one of the split', () => {
    const history = then(split('a', 2));
    const lines = (quantity: number) => ({ lines: [{ lineId: '1', quantity }] });
    given(order, ...history)
      .when(ship('s', lines(5)))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 4 });
    given(order, ...history)
      .when(ship('s', { splitId: 'a', ...lines(3) }))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 2 });
    given(order, ...history)
      .when(ship('s', { splitId: 'b' }))
      .thenRejected('unknown_split');
  });

  test('has shipments of its own: the same id for another split, or for the rest, is a conflict', () => {
    const history = then(split('a', 2), split('b', 1), ship('s1', { splitId: 'a' }), ship('s2'));
    given(order, ...history)
      .when(ship('s1', { splitId: 'a' }))
      .thenNothing();
    given(order, ...history)
      .when(ship('s2'))
      .thenNothing();
    for (const other of [ship('s1'), ship('s1', { splitId: 'b' }), ship('s2', { splitId: 'b' })]) {
      given(order, ...history)
        .when(other)
        .thenRejected('id_reused');
    }
  });

  test('carries the charges when it is the first to go', () => {
    expect(unitsOf(then(split('a', 2), ship('s1', { splitId: 'a' })).at(-1))).toEqual({ 1: 2, p: 1 });
  });

  test('ships in parts, and from the location it is at', () => {
    const both: OrderCommand = {
      type: 'split',
      splitId: 'a',
      lines: [
        { lineId: '1', quantity: 3 },
        { lineId: '2', quantity: 1 },
      ],
    };
    const history = then(both, ship('s1', { splitId: 'a', location: 'shop' }));
    expect(unitsOf(history.at(-1))).toEqual({ 2: 1, p: 1 });
    given(order, ...history)
      .when(ship('s2', { splitId: 'a', location: 'shop' }))
      .thenRejected('nothing_open');
    const some = then(
      both,
      ship('s1', { splitId: 'a', lines: [{ lineId: '1', quantity: 2 }] }),
      ship('s2', { splitId: 'a' }),
    );
    expect(unitsOf(some.at(-1))).toEqual({ 1: 1, 2: 1 });
  });

  test('waits for a review like the rest', () => {
    given(order, ...then(split('a', 2), review('h', { blocks: ['ship'], lines: ['1'] })))
      .when(ship('s', { splitId: 'a' }))
      .thenRejected('order_held');
  });

  test('changes no share: the shipments of a split order come to the cent of one that was not', () => {
    const sums = (log: readonly OrderEvent[]) =>
      log
        .flatMap((event) => (event.type === 'OrderShipped' ? event.data.lines : []))
        .filter(({ lineId }) => lineId === '1')
        .map(({ quantity, amount, discount, tax }) => [quantity, amount, discount, tax]);
    // 10.00, 0.83 and 0.60 over six units, from the front, whichever group the parcel is of.
    expect(sums(then(ship('s1')))).toEqual([[6, '10.00', '0.83', '0.60']]);
    expect(sums(then(split('a', 2), ship('s1', { splitId: 'a' }), ship('s2')))).toEqual([
      [2, '3.34', '0.28', '0.20'],
      [4, '6.66', '0.55', '0.40'],
    ]);
    expect(sums(then(split('a', 4), ship('s1'), ship('s2', { splitId: 'a' })))).toEqual([
      [2, '3.34', '0.28', '0.20'],
      [4, '6.66', '0.55', '0.40'],
    ]);
  });
});

describe('a cancellation', () => {
  const cancel = (quantity: number): OrderCommand => ({
    type: 'cancel',
    cancellationId: 'c',
    reason: 'x',
    lines: [{ lineId: '1', quantity }],
  });

  test('takes from the rest first, then from the youngest split, and says so', () => {
    given(order, ...then(split('a', 2), split('b', 3)))
      .when(cancel(5))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: {
          cancellationId: 'c',
          reason: 'x',
          lines: [{ lineId: '1', quantity: 5 }],
          splits: [
            { splitId: 'b', lineId: '1', quantity: 3 },
            { splitId: 'a', lineId: '1', quantity: 1 },
          ],
        },
      });
  });

  test('of the rest leaves the splits alone', () => {
    const state = given(order, ...then(split('a', 2)))
      .when(cancel(4))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'x', lines: [{ lineId: '1', quantity: 4 }] },
      });
    expect(openApart(state.splits, '1')).toBe(2);
    expect([...state.lines.values()].map(openUnits)).toEqual([2, 2, 1]);
  });
});

describe('an undo', () => {
  test('gives the units back to the rest, once', () => {
    const state = given(order, ...then(split('a', 2)))
      .when(undo('a'))
      .thenEvents({ type: 'OrderSplitUndone', data: { splitId: 'a', reason: 'one parcel' } });
    expect(openApart(state.splits, '1')).toBe(0);
    expect(unitsOf(then(split('a', 2), undo('a'), ship('s')).at(-2))).toEqual({ 1: 6, 2: 2, p: 1 });
  });

  test('is refused once something of it was shipped, and of a split that is none', () => {
    const lines = [{ lineId: '1', quantity: 1 }];
    given(order, ...then(split('a', 2), ship('s', { splitId: 'a', lines })))
      .when(undo('a'))
      .thenRejected('split_shipped');
    given(order, ...confirmed)
      .when(undo('a'))
      .thenRejected('unknown_split');
  });

  test('is refused once the order is over, except where it was done before', () => {
    given(order, ...then(split('a', 2), { type: 'cancel', cancellationId: 'c', reason: 'x' }))
      .when(undo('a'))
      .thenRejected('wrong_status', { status: 'cancelled' });
    given(order, ...then(split('a', 2), undo('a'), ship('s')))
      .when(undo('a'))
      .thenNothing();
  });

  test('leaves nothing that could be shipped as the split', () => {
    given(order, ...then(split('a', 2), undo('a')))
      .when(ship('s', { splitId: 'a' }))
      .thenRejected('nothing_open');
  });
});
