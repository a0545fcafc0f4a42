import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import { shortUnits, stillHeld } from '../../src/domain/order-allocations.js';
import type { Allocation, OrderEvent } from '../../src/domain/order-events.js';
import { given, stateOf } from '../support/decider-spec.js';
import { place } from '../support/orders.js';
import { capture } from '../support/payments.js';
import { resolveReview, review } from '../support/reviews.js';

const history = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};
const at = (location: string, quantity: number, sku = 'A'): Allocation => ({
  sku,
  location,
  quantity,
  refused: [],
});
const reserve = (...allocations: Allocation[]): OrderCommand => ({
  type: 'reserve',
  allocations,
  coupons: [],
});
const allocate = (round: number, ...allocations: Allocation[]): OrderCommand => ({
  type: 'allocate',
  round,
  allocations,
});
/** Five of A in two lines, one of B. */
const wanting = (shortage: PlaceOrder['shortage'], more: Partial<PlaceOrder> = {}): PlaceOrder =>
  place(
    [
      { lineId: '1', sku: 'A', quantity: 3, unitPrice: '2.00' },
      { lineId: '2', sku: 'A', quantity: 2, unitPrice: '1.00' },
      { lineId: '3', sku: 'B', quantity: 1, unitPrice: '9.00' },
    ],
    { confirm: 'auto', ...(shortage === undefined ? {} : { shortage }), ...more },
  );
const b = at('main', 1, 'B');
const lack = (quantity: number) => [{ sku: 'A', quantity, code: 'insufficient_stock', asked: [] }];
const heldOf = (events: readonly OrderEvent[]) =>
  stateOf(order, events).allocations.map((one) => [one.location, one.sku, stillHeld(one)]);

describe('what is short when an order is reserved', () => {
  test('all or nothing: is not reserved, so that the process rejects it', () => {
    given(order, ...history(wanting('all-or-nothing')))
      .when(reserve(at('main', 4), b))
      .thenRejected('insufficient_stock', { sku: 'A' });
    given(order, ...history(wanting(undefined)))
      .when(reserve(at('main', 4), b))
      .thenRejected('insufficient_stock', { sku: 'A' });
  });

  test('ship what you can: the rest is cancelled in the same append, the last lines first', () => {
    const state = given(order, ...history(wanting('ship-available')))
      .when(reserve(at('main', 2), b))
      .thenEvents(
        { type: 'OrderReserved', data: { allocations: [at('main', 2), b], discounts: [], short: lack(3) } },
        {
          type: 'OrderLinesCancelled',
          data: {
            cancellationId: 'shortage:all',
            reason: 'insufficient_stock',
            lines: [
              { lineId: '1', quantity: 1 },
              { lineId: '2', quantity: 2 },
            ],
            short: [{ sku: 'A', quantity: 3 }],
          },
        },
        { type: 'OrderConfirmed', data: {} },
      );
    expect(shortUnits(state).size).toBe(0);
  });

  test('ship what you can, and nothing can be: is rejected', () => {
    given(order, ...history(wanting('ship-available')))
      .when(reserve())
      .thenRejected('insufficient_stock');
  });

  test.each(['backorder', 'shortfall'] as const)('%s: is confirmed and waits for stock', (shortage) => {
    const state = given(order, ...history(wanting(shortage)))
      .when({
        ...reserve(at('main', 2), at('shop', 1), b),
        lacking: [{ sku: 'A', code: 'why', asked: ['main'] }],
      } as OrderCommand)
      .thenEvents(
        {
          type: 'OrderReserved',
          data: {
            allocations: [at('main', 2), at('shop', 1), b],
            discounts: [],
            short: [{ sku: 'A', quantity: 2, code: 'why', asked: ['main'] }],
          },
        },
        { type: 'OrderConfirmed', data: {} },
      );
    expect([...shortUnits(state)]).toEqual([['A', 2]]);
  });

  test('never is what is held more than is wanted: of holds that do not all fit the largest are kept', () => {
    const kept = (...allocations: Allocation[]) => {
      const log = history(wanting('backorder'), reserve(...allocations, b));
      const held = stateOf(order, log).allocations.filter(({ sku }) => sku === 'A');
      return [held.map((one) => [one.location, one.quantity]), shortUnits(stateOf(order, log)).get('A') ?? 0];
    };
    expect(kept(at('main', 5), at('shop', 5))).toEqual([[['main', 5]], 0]);
    expect(kept(at('main', 3), at('shop', 5))).toEqual([[['shop', 5]], 0]);
    expect(kept(at('main', 3), at('shop', 4), at('east', 1))).toEqual([
      [
        ['shop', 4],
        ['east', 1],
      ],
      0,
    ]);
    expect(kept(at('main', 6))).toEqual([[], 5]);
    given(order, ...history(wanting('all-or-nothing')))
      .when(reserve(at('main', 6), b))
      .thenRejected('insufficient_stock', { sku: 'A' });
  });

  test('a marketplace order is never rejected, not even when nothing is there', () => {
    const state = given(order, ...history(wanting('shortfall')))
      .when(reserve())
      .thenEvents(
        {
          type: 'OrderReserved',
          data: {
            allocations: [],
            discounts: [],
            short: [...lack(5), { sku: 'B', quantity: 1, code: 'insufficient_stock', asked: [] }],
          },
        },
        { type: 'OrderConfirmed', data: {} },
      );
    expect(state.status).toBe('confirmed');
    given(order)
      .when(wanting('shortfall', { coupons: ['TEN'] }))
      .thenRejected('coupons_not_accepted');
  });
});

describe('an order in parts', () => {
  const waiting = history(wanting('backorder'), reserve(at('main', 2), at('shop', 1), b));

  test('ships from each location what is held there, with the shares of its units', () => {
    const ship = { type: 'ship', shipmentId: 's', location: 'shop' } as const;
    const units = (lineId: string, location: string, quantity: number, amount: string) => ({
      lineId,
      kind: 'goods' as const,
      sku: 'A',
      quantity,
      amount,
      discount: '0.00',
      tax: '0.00',
      location,
    });
    const data = { shipmentId: 's', channel: 'web', currency: 'GBP' };
    given(order, ...waiting)
      .when(ship)
      .thenEvents({ type: 'OrderShipped', data: { ...data, lines: [units('1', 'shop', 1, '2.00')] } });
    const all = given(order, ...waiting)
      .when({ type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 3 }] })
      .thenEvents({
        type: 'OrderShipped',
        data: { ...data, lines: [units('1', 'main', 2, '4.00'), units('1', 'shop', 1, '2.00')] },
      });
    expect(all.lines.get('1')?.shipped).toBe(3);
    given(order, ...waiting)
      .when({
        type: 'ship',
        shipmentId: 's',
        lines: [
          { lineId: '1', quantity: 3 },
          { lineId: '2', quantity: 1 },
        ],
      })
      .thenRejected('not_allocated', { lineId: '2', allocated: 0 });
  });

  test('gets what it lacks in rounds; a closed round stays as it is, and holds that do not fit come to nothing', () => {
    const got = allocate(2, at('shop', 2));
    const filled = given(order, ...waiting)
      .when(got)
      .thenEvents({ type: 'OrderAllocated', data: { round: 2, allocations: [at('shop', 2)] } });
    expect(shortUnits(filled).size).toBe(0);
    given(order, ...waiting)
      .when(allocate(3, at('shop', 2)))
      .thenNothing();
    given(order, ...waiting)
      .when(allocate(1, at('shop', 2)))
      .thenNothing();
    given(order, ...waiting)
      .when(allocate(2, at('shop', 3)))
      .thenEvents({ type: 'OrderAllocated', data: { round: 2, allocations: [] } });
  });

  test('lets go of what is short first, then of the last allocation', () => {
    const cancel = (quantity: number): OrderCommand => ({
      type: 'cancel',
      cancellationId: 'c',
      reason: 'no',
      lines: [{ lineId: '1', quantity }],
    });
    const three = given(order, ...waiting)
      .when(cancel(3))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: {
          cancellationId: 'c',
          reason: 'no',
          lines: [{ lineId: '1', quantity: 3 }],
          released: [{ round: 1, sku: 'A', location: 'shop', quantity: 1 }],
          short: [{ sku: 'A', quantity: 2 }],
        },
      });
    expect(three.allocations.map(stillHeld)).toEqual([2, 0, 1]);
    expect(heldOf(waiting)).toEqual([
      ['main', 'A', 2],
      ['shop', 'A', 1],
      ['main', 'B', 1],
    ]);
  });

  test('takes another location by hand, once', () => {
    const extend = { type: 'extend-sources', locations: ['outlet', 'main'], reason: 'found' } as const;
    const state = given(order, ...waiting)
      .when(extend)
      .thenEvents({ type: 'OrderSourcesExtended', data: { locations: ['outlet'], reason: 'found' } });
    expect(state.sources).toEqual(['main', 'shop', 'outlet']);
  });
});

describe('what comes back without a place', () => {
  const back = (
    returnId: string,
    lines: Readonly<Record<string, number>>,
    location?: string,
  ): OrderCommand => ({
    type: 'return',
    returnId,
    reason: 'x',
    lines: Object.entries(lines).map(([lineId, quantity]) => ({ lineId, quantity })),
    ...(location === undefined ? {} : { location }),
  });
  const returned = (events: readonly OrderEvent[], command: OrderCommand) => {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(decision.code);
    return decision.flatMap((event) =>
      event.type === 'OrderReturned'
        ? event.data.lines.map((line) => [line.lineId, line.location, line.quantity, line.amount])
        : [],
    );
  };
  const shipAll: OrderCommand = { type: 'ship', shipmentId: 's' };
  const reserved = [wanting('backorder'), reserve(at('main', 3), at('shop', 2), b)];

  test('goes to where it was shipped from, with the shares of its units, and no more than was', () => {
    const sent = history(...reserved, shipAll);
    expect(returned(sent, back('r', { '1': 3, '2': 2, '3': 1 }))).toEqual([
      ['1', 'main', 3, '6.00'],
      ['2', 'shop', 2, '2.00'],
      ['3', 'main', 1, '9.00'],
    ]);
    const first = history(...reserved, shipAll, back('r1', { '2': 2 }));
    expect(returned(first, back('r2', { '1': 3 }))).toEqual([
      ['1', 'main', 1, '2.00'],
      ['1', 'shop', 2, '4.00'],
    ]);
    given(order, ...first)
      .when(back('r1', { '2': 2 }))
      .thenNothing();
  });

  test('is not what came back to a place that was named', () => {
    const named = history(
      ...reserved,
      shipAll,
      back('r1', { '1': 1 }, 'main'),
      back('r2', { '1': 1 }, 'outlet'),
    );
    expect(returned(named, back('r3', { '1': 1, '2': 2 }))).toEqual([
      ['1', 'main', 1, '2.00'],
      ['2', 'main', 1, '1.00'],
      ['2', 'shop', 1, '1.00'],
    ]);
    given(order, ...named)
      .when(back('r1', { '1': 1 }, 'shop'))
      .thenRejected('id_reused');
  });

  test('is what was shipped, wherever else units are held', () => {
    const shop: OrderCommand = { ...shipAll, location: 'shop' };
    expect(returned(history(...reserved, shop), back('r', { '1': 1 }))).toEqual([['1', 'shop', 1, '2.00']]);
  });

  test('goes nowhere where it was sold without being held', () => {
    const till = place([{ lineId: '1', sku: 'A', quantity: 3, unitPrice: '2.00' }], {
      confirm: 'auto',
      handover: 'at-once',
      shortage: 'shortfall',
    });
    expect(returned(history(till, reserve(at('main', 1))), back('r', { '1': 3 }))).toEqual([
      ['1', 'main', 1, '2.00'],
      ['1', undefined, 2, '4.00'],
    ]);
  });
});

describe('a till', () => {
  test('is placed, reserved, confirmed and shipped in one append after its placement', () => {
    const till = place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '2.00' }], {
      confirm: 'auto',
      handover: 'at-once',
      shortage: 'shortfall',
    });
    const state = given(order, ...history(till))
      .when(reserve(at('main', 1)))
      .thenEvents(
        {
          type: 'OrderReserved',
          data: { allocations: [at('main', 1)], discounts: [], short: lack(1) },
        },
        { type: 'OrderConfirmed', data: {} },
        {
          type: 'OrderShipped',
          data: {
            shipmentId: 'handover:all',
            channel: 'web',
            currency: 'GBP',
            lines: [
              {
                lineId: '1',
                kind: 'goods',
                sku: 'A',
                quantity: 1,
                amount: '2.00',
                discount: '0.00',
                tax: '0.00',
                location: 'main',
              },
              {
                lineId: '1',
                kind: 'goods',
                sku: 'A',
                quantity: 1,
                amount: '2.00',
                discount: '0.00',
                tax: '0.00',
              },
            ],
          },
        },
        { type: 'OrderCompleted', data: {} },
      );
    expect(shortUnits(state).size).toBe(0);
  });

  const till = (confirm: PlaceOrder['confirm']) =>
    place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '2.00' }], { confirm, handover: 'at-once' });
  const release: OrderCommand = resolveReview('h', 'released');
  const [explicit, payment, auto] = [till('explicit'), till('payment'), till('auto')];
  const hold = review('h', { blocks: ['ship'] });
  const holdPart = review('h', { blocks: ['ship'], lines: ['1'] });
  test.each<[string, readonly OrderCommand[], OrderCommand]>([
    ['by hand', [explicit, reserve(at('main', 2))], { type: 'confirm' }],
    ['by its payment', [payment, reserve(at('main', 2))], capture('4.00')],
    ['with what was paid before', [payment, capture('4.00')], reserve(at('main', 2))],
    ['by the release of a review', [auto, review('h'), reserve(at('main', 2))], release],
    ['before a review of its shipment is released', [auto, hold, reserve(at('main', 2))], release],
    ['and a line was held', [explicit, holdPart, reserve(at('main', 2)), { type: 'confirm' }], release],
  ])('is shipped in the moment it is confirmed %s', (_, before, last) => {
    const log = history(...before);
    expect(stateOf(order, log).status).not.toBe('completed');
    const decision = order.decide(last, stateOf(order, log));
    if ('code' in decision) throw new Error(decision.code);
    expect(decision.slice(-2).map(({ type }) => type)).toEqual(['OrderShipped', 'OrderCompleted']);
    given(order, ...log, ...decision)
      .when(last)
      .thenNothing();
  });

  test('keeps what was split off, and what a review still holds', () => {
    const apart: OrderCommand = { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 1 }] };
    const all: OrderCommand = { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 2 }] };
    const types = (...commands: readonly OrderCommand[]): string[] =>
      history(explicit, reserve(at('main', 2)), ...commands, { type: 'confirm' }).map(({ type }) => type);
    expect(types(apart).slice(-2)).toEqual(['OrderConfirmed', 'OrderShipped']);
    expect(types(all).at(-1)).toBe('OrderConfirmed');
    expect(types(hold).at(-1)).toBe('OrderConfirmed');
  });
});
