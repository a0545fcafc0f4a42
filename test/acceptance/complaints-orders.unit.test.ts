import { describe, expect, test } from '@jest/globals';
import { coupon } from '../../src/domain/coupon.js';
import { type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import { shortUnits } from '../../src/domain/order-allocations.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { type LineInput, place } from '../support/orders.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** What users of other systems complained about, with numbers, and what happens here. Sources: field notes §2. */
interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}
const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));
const receive = (location: string, sku: string, quantity: number, receiptId = 'r'): Step<World> =>
  done(stock, stockIdOf(location, sku), { type: 'receive', receiptId, quantity });
const open =
  (id: string, lines: readonly LineInput[], more: Partial<PlaceOrder> = {}): Step<World> =>
  ({ orders }) =>
    orders.execute(
      orderIdOf('web', id),
      place(lines, { externalId: id, confirm: 'auto', contentHash: id, ...more }),
      context(),
    );
const act =
  (id: string, command: OrderCommand): Step<World> =>
  ({ orders }) =>
    orders.execute(orderIdOf('web', id), command, context());
const stateOf = async ({ bus }: World, id: string) => (await bus.load(order, orderIdOf('web', id))).state;
const levelOf = async ({ bus }: World, location: string, sku: string) => {
  const { onHand, holds } = (await bus.load(stock, stockIdOf(location, sku))).state;
  return { onHand, held: holds.held };
};
/** Whoever comes after these steps. */
const worldAfter = (...steps: readonly Step<World>[]): Promise<World> =>
  given(...steps)
    .when(async () => undefined)
    .thenEvents({});

describe('stock', () => {
  test('Medusa 16502: two lines of one SKU are checked together, 2 + 2 of 3 are not sold', async () => {
    const lines = [
      { lineId: '1', sku: 'A', quantity: 2 },
      { lineId: '2', sku: 'A', quantity: 2 },
    ];
    const world = await worldAfter(receive('main', 'A', 3), open('1', lines));
    expect((await stateOf(world, '1')).rejection).toMatchObject({ code: 'insufficient_stock', sku: 'A' });
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 0 });
  });

  test('Medusa 16825: two orders for one unit, one is rejected and none is an orphan', async () => {
    const one = [{ lineId: '1', sku: 'A', quantity: 1 }];
    const world = await worldAfter(receive('main', 'A', 1), (w) =>
      Promise.all([open('1', one)(w), open('2', one)(w)]),
    );
    const outcomes = [(await stateOf(world, '1')).status, (await stateOf(world, '2')).status];
    expect(outcomes.sort()).toEqual(['confirmed', 'rejected']);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 1, held: 1 });
  });

  test('Saleor 17657: an order allocated 2 at one location and 3 at another is allocated 5, not the last 3', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      receive('shop', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 6 }], { shortage: 'backorder' }),
    );
    const state = await stateOf(world, '1');
    expect(state.allocations.map(({ location, quantity }) => [location, quantity])).toEqual([
      ['main', 2],
      ['shop', 3],
    ]);
    expect([...shortUnits(state)]).toEqual([['A', 1]]);
  });

  test('Saleor 17170: what is short of one location does not hide what another has', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5 }], { shortage: 'backorder', sources: ['main'] }),
      receive('shop', 'A', 4),
      open('2', [{ lineId: '1', sku: 'A', quantity: 4 }], { sources: ['main', 'shop'] }),
    );
    expect((await stateOf(world, '2')).status).toBe('confirmed');
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 2, held: 2 });
    expect(await levelOf(world, 'shop', 'A')).toEqual({ onHand: 4, held: 4 });
  });

  test('Saleor 8931: a cancellation of 4 of 5 lets go of exactly 4, wherever they are held', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      receive('shop', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5 }], { shortage: 'backorder' }),
      act('1', { type: 'cancel', cancellationId: 'c', reason: 'no', lines: [{ lineId: '1', quantity: 4 }] }),
    );
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 2, held: 1 });
    expect(await levelOf(world, 'shop', 'A')).toEqual({ onHand: 3, held: 0 });
  });

  test('Odoo 62139: a hold and its counter cannot drift: units held on hand cannot be counted away under it', async () => {
    const world = await worldAfter(
      receive('main', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 2 }]),
    );
    const count = { type: 'adjust', adjustmentId: 'a', delta: -2, reason: 'count' } as const;
    expect(await world.bus.execute(stock, stockIdOf('main', 'A'), count, context())).toMatchObject({
      status: 'rejected',
      rejection: { code: 'below_held' },
    });
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 2 });
  });
});

describe('changes', () => {
  const ten = done(coupon, 'FORTY', {
    type: 'issue',
    terms: { discount: { kind: 'percent', percent: '40' }, limit: 9 },
  });
  const change = (...actions: (OrderCommand & { type: 'propose-change' })['actions']): Step<World>[] => [
    act('1', { type: 'propose-change', changeId: 'c', reason: 'called', actions }),
    act('1', { type: 'confirm-change', changeId: 'c' }),
  ];

  test('Vendure 5127: 40 % off 10 units at 10.00 stays 4.00 a unit when 9 of them are taken off', async () => {
    const world = await worldAfter(
      receive('main', 'A', 10),
      ten,
      open('1', [{ lineId: '1', sku: 'A', quantity: 10, unitPrice: '10.00' }], { coupons: ['FORTY'] }),
      ...change({ kind: 'reduce', lineId: '1', quantity: 9 }),
      act('1', { type: 'ship', shipmentId: 's' }),
    );
    const history = [];
    for await (const { event } of world.bus.history('order', orderIdOf('web', '1'))) history.push(event);
    const shipped = history.find(({ type }) => type === 'OrderShipped');
    expect(shipped?.data).toMatchObject({ lines: [{ quantity: 1, amount: '10.00', discount: '4.00' }] });
    const changed = history.find(({ type }) => type === 'OrderChangeConfirmed');
    expect(changed?.data).toMatchObject({ difference: '-54.00' });
  });

  test('Vendure 4811: a discount of 10.00 over two lines is not spread again when one of them goes', async () => {
    const world = await worldAfter(
      receive('main', 'A', 1),
      receive('main', 'B', 1),
      done(coupon, 'TEN', {
        type: 'issue',
        terms: { discount: { kind: 'amount', amount: '10.00', currency: 'GBP' }, limit: 1 },
      }),
      open(
        '1',
        [
          { lineId: '1', sku: 'A', unitPrice: '75.00' },
          { lineId: '2', sku: 'B', unitPrice: '25.00' },
        ],
        { coupons: ['TEN'] },
      ),
      act('1', { type: 'cancel', cancellationId: 'c', reason: 'no', lines: [{ lineId: '2', quantity: 1 }] }),
    );
    expect((await stateOf(world, '1')).lines.get('1')?.discount).toBe(750n);
  });

  test('Medusa 11645: the difference of an edit is a fact, and adds up over many of them', async () => {
    const world = await worldAfter(
      receive('main', 'A', 9),
      receive('main', 'B', 9),
      open('1', [{ lineId: '1', sku: 'A', quantity: 3, unitPrice: '3.33' }]),
      ...change(
        {
          kind: 'add',
          line: { lineId: '2', kind: 'goods', sku: 'B', quantity: 2, unitPrice: '0.005', tax: '0.01' },
        },
        { kind: 'reduce', lineId: '1', quantity: 1 },
      ),
    );
    const { lines, version } = await stateOf(world, '1');
    expect(version).toBe(2);
    // 2 x 0.005 is 0.01 exactly, with 0.01 tax; 9.99 was for three.
    const owed = [...lines.values()].reduce(
      (sum, { amount, tax, quantity, cancelled }) =>
        sum + ((amount + tax) * BigInt(quantity - cancelled)) / BigInt(quantity),
      0n,
    );
    expect(owed).toBe(666n + 2n);
  });

  test('Solidus 2141: what is added is held, shipped and paid for like everything else', async () => {
    const world = await worldAfter(
      receive('main', 'A', 9),
      open('1', [{ lineId: '1', sku: 'A', quantity: 1, unitPrice: '3.00' }]),
      ...change({
        kind: 'add',
        line: { lineId: '2', kind: 'goods', sku: 'A', quantity: 4, unitPrice: '2.50', tax: '0' },
      }),
      act('1', { type: 'ship', shipmentId: 's' }),
    );
    expect((await stateOf(world, '1')).status).toBe('completed');
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 4, held: 0 });
  });

  test('Medusa 11703: units that were not shipped stay held for the order through any change of it', async () => {
    const world = await worldAfter(
      receive('main', 'A', 5),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5, unitPrice: '3.00' }]),
      act('1', { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 2 }] }),
      ...change({
        kind: 'reprice',
        lineId: '1',
        newLineId: '2',
        unitPrice: '2.00',
        tax: '0',
        reason: 'shelf',
      }),
    );
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 3 });
  });
});

test('IBM 553315: resolving a review that was never put makes none', async () => {
  const world = await worldAfter(receive('main', 'A', 1), open('1', [{ lineId: '1', sku: 'A' }]));
  const resolve = {
    type: 'resolve-review',
    holdId: 'no',
    outcome: 'released',
    reason: 'x',
    role: 'admin',
  } as const;
  expect(await world.orders.execute(orderIdOf('web', '1'), resolve, context())).toMatchObject({
    rejection: { code: 'unknown_review' },
  });
  expect((await stateOf(world, '1')).reviews.size).toBe(0);
});
