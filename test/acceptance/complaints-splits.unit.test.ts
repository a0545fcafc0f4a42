import { describe, expect, test } from '@jest/globals';
import { consignment } from '../../src/domain/consignment.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { PlaceOrder } from '../../src/domain/order-commands.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { consignmentIdOf } from '../../src/processes/consignment-process.js';
import { given, run, type World } from '../support/consignment-world.js';
import { type LineInput, place } from '../support/orders.js';
import { context, done, type Step } from '../support/process-spec.js';

/**
 * What users of other systems complain about when orders are split, cancelled or reserved line by line, with the numbers that come out
 * here. Each is named after its thread (docs/coverage.md).
 */

const received = (sku: string, quantity: number): Step<World> =>
  done(stock, stockIdOf('main', sku), { type: 'receive', receiptId: `r ${sku}`, quantity });
const ordered = (id: string, lines: readonly LineInput[], more: Partial<PlaceOrder> = {}): Step<World> =>
  run(id, place(lines, { externalId: id, confirm: 'auto', sources: ['main'], ...more }));

const stockOf = async ({ bus }: World, sku: string) => {
  const { onHand, holds } = (await bus.load(stock, stockIdOf('main', sku))).state;
  return { onHand, held: holds.held, available: onHand - holds.held };
};
const statusOf = async ({ bus }: World, id: string) =>
  (await bus.load(order, orderIdOf('web', id))).state.status;
const advance =
  (id: string): Step<World> =>
  ({ orders }) =>
    orders.advance(orderIdOf('web', id), context());

describe('Solidus 5669: backordered units become on hand when splitting', () => {
  const MUG = (quantity: number) => ({ lineId: '1', sku: 'MUG', quantity });
  const split: OrderCommand = { type: 'split', splitId: 'later', lines: [{ lineId: '1', quantity: 2 }] };
  const begun = [received('MUG', 5), ordered('1', [MUG(3)])];

  test('a split is no movement of stock: 5 on hand, 3 held and 2 available before it and after it', async () => {
    const world = await given(...begun)
      .when(run('1', split))
      .thenEvents({ 'order-web~1': ['OrderSplit'] });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 3, available: 2 });
    await ordered('too-many', [MUG(3)])(world);
    expect(await statusOf(world, 'too-many')).toBe('rejected');
    await ordered('as-many', [MUG(2)])(world);
    expect(await statusOf(world, 'as-many')).toBe('confirmed');
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 5, available: 0 });
  });

  test('each parcel takes from stock what is in it: 5, then 4, then 2', async () => {
    const world = await given(...begun, run('1', split))
      .when(run('1', { type: 'ship', shipmentId: 'rest' }))
      .thenEvents({
        'order-web~1': ['OrderShipped'],
        'stock-main~MUG': [{ type: 'StockCaptured', data: { holdId: 'web~1', quantity: 1 } }],
      });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 4, held: 2, available: 2 });
    await run('1', { type: 'ship', shipmentId: 'apart', splitId: 'later' })(world);
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 2, held: 0, available: 2 });
    expect(await statusOf(world, '1')).toBe('completed');
  });

  test('an undo moves none either, and a cancelled split gives back its 2', async () => {
    const undo: OrderCommand = { type: 'undo-split', splitId: 'later', reason: 'one parcel' };
    const undone = await given(...begun, run('1', split))
      .when(run('1', undo))
      .thenEvents({ 'order-web~1': ['OrderSplitUndone'] });
    expect(await stockOf(undone, 'MUG')).toEqual({ onHand: 5, held: 3, available: 2 });
    const cancel: OrderCommand = {
      type: 'cancel',
      cancellationId: 'c',
      reason: 'x',
      lines: [{ lineId: '1', quantity: 3 }],
    };
    const cancelled = await given(...begun, run('1', split), run('1', { type: 'ship', shipmentId: 'rest' }))
      .when(run('1', { ...cancel, lines: [{ lineId: '1', quantity: 2 }] }))
      .thenEvents({
        'order-web~1': ['OrderLinesCancelled', 'OrderCompleted'],
        'stock-main~MUG': [
          { type: 'StockReleased', data: { holdId: 'web~1', quantity: 2, reason: 'completed' } },
        ],
      });
    expect(await stockOf(cancelled, 'MUG')).toEqual({ onHand: 4, held: 0, available: 4 });
  });
});

describe('Medusa 16825: an order is left behind when the reservation beside it fails', () => {
  const lines = [
    { lineId: '1', sku: 'MUG', quantity: 2 },
    { lineId: '2', sku: 'CUP', quantity: 1 },
  ];
  const placing = given(received('MUG', 5)).when(ordered('1', lines));

  test('it is rejected with its reason, and of the 2 MUG that were held none is', async () => {
    const world = await placing.thenEvents({
      'order-web~1': ['OrderPlaced', 'OrderRejected'],
      'stock-main~MUG': [
        { type: 'StockHeld', data: { holdId: 'web~1', quantity: 2 } },
        { type: 'StockReleased', data: { holdId: 'web~1', quantity: 2, reason: 'rejected' } },
      ],
    });
    const { rejection } = (await world.bus.load(order, 'web~1')).state;
    expect(rejection).toMatchObject({ code: 'insufficient_stock', sku: 'CUP' });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 0, available: 5 });
  });

  test('whoever dies wherever: no order without an outcome, no hold without an order', async () => {
    const deaths = await placing.thenCutAnywhere({
      advance: advance('1'),
      outcome: async (world) => [await statusOf(world, '1'), await stockOf(world, 'MUG')],
      always: async (world) => {
        expect(await statusOf(world, '1')).toBe('rejected');
        expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 0, available: 5 });
      },
    });
    expect(deaths).toBe(4 + 1);
  });
});

describe('Medusa 16502: two lines that share one inventory item are checked each for itself', () => {
  const two = (first: number, second: number): readonly LineInput[] => [
    { lineId: '1', sku: 'MUG', quantity: first },
    { lineId: '2', sku: 'MUG', quantity: second },
  ];

  test('3 and 3 of 5 are 6, and refused', async () => {
    const world = await given(received('MUG', 5))
      .when(ordered('1', two(3, 3)))
      .thenEvents({ 'order-web~1': ['OrderPlaced', 'OrderRejected'] });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 0, available: 5 });
  });

  test('3 and 2 of 5 are one hold of 5', async () => {
    const world = await given(received('MUG', 5))
      .when(ordered('1', two(3, 2)))
      .thenEvents({
        'order-web~1': ['OrderPlaced', 'OrderReserved', 'OrderConfirmed'],
        'stock-main~MUG': [{ type: 'StockHeld', data: { holdId: 'web~1', quantity: 5 } }],
      });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 5, held: 5, available: 0 });
  });

  test('a split and a shipment that name a line twice have it summed as well', async () => {
    const twice = [
      { lineId: '1', quantity: 2 },
      { lineId: '1', quantity: 2 },
    ];
    const asked = given(received('MUG', 5), ordered('1', two(3, 2))).when(async ({ orders }) => {
      for (const command of [
        { type: 'split', splitId: 's', lines: twice },
        { type: 'ship', shipmentId: 's', lines: twice },
      ] as const) {
        const answer = await orders.execute('web~1', command, context());
        expect(answer).toMatchObject({ status: 'rejected', rejection: { code: 'exceeds_open_quantity' } });
      }
    });
    await asked.thenEvents({});
  });
});

describe('Vendure 1557: a cancellation before the payment gives back what was never taken', () => {
  const MUG = (quantity: number) => [{ lineId: '1', sku: 'MUG', quantity }];
  const waits = { confirm: 'explicit' } as const;
  const cancel: OrderCommand = { type: 'cancel', cancellationId: 'c', reason: 'changed mind' };
  const begun = [received('MUG', 10), ordered('paid', MUG(4)), ordered('unpaid', MUG(3), waits)];

  test('of 10 on hand and 7 held, it gives back its own 3, once', async () => {
    const world = await given(...begun)
      .when(run('unpaid', cancel))
      .thenEvents({
        'order-web~unpaid': ['OrderLinesCancelled'],
        'stock-main~MUG': [
          { type: 'StockReleased', data: { holdId: 'web~unpaid', quantity: 3, reason: 'cancelled' } },
        ],
      });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 10, held: 4, available: 6 });
    for (const again of [run('unpaid', cancel), advance('unpaid')]) await again(world);
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 10, held: 4, available: 6 });
  });

  test('of an order that got nothing, it gives back nothing', async () => {
    const asked = given(...begun, ordered('refused', MUG(9), waits)).when(async (world) => {
      const answer = await world.orders.execute('web~refused', cancel, context());
      expect(answer).toMatchObject({ status: 'rejected', rejection: { code: 'wrong_status' } });
      expect(await stockOf(world, 'MUG')).toEqual({ onHand: 10, held: 7, available: 3 });
    });
    await asked.thenEvents({});
  });

  test('and an order that was to leave with others takes only itself out of their parcel', async () => {
    const of = { customerId: 'c1', destination: { country: 'GB' } };
    const ids = ['a', 'b', 'c'];
    const key = consignmentIdOf('web', 'k');
    const plan = {
      channel: 'web',
      consignmentId: 'k',
      location: 'main',
      customerId: 'c1',
      orders: ids.map((id) => orderIdOf('web', id)),
    };
    const world = await given(
      received('MUG', 10),
      ...ids.map((id) => ordered(id, MUG(2), of)),
      done(consignment, key, { type: 'plan', plan }),
      run('b', cancel),
    )
      .when(({ consignments }) => consignments.advance(key, context()))
      .thenEvents({
        'order-web~a': ['OrderShipped', 'OrderCompleted'],
        'order-web~c': ['OrderShipped', 'OrderCompleted'],
        'stock-main~MUG': ['StockCaptured', 'StockCaptured'],
        'consignment-web~k': [
          'ConsignmentOrderShipped',
          'ConsignmentOrderDropped',
          'ConsignmentOrderShipped',
          { type: 'ConsignmentClosed', data: { shipped: 2, dropped: 1 } },
        ],
      });
    expect(await stockOf(world, 'MUG')).toEqual({ onHand: 6, held: 0, available: 6 });
  });
});
