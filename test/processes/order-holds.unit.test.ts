import { describe, test } from '@jest/globals';
import { coupon } from '../../src/domain/coupon.js';
import type { PlaceOrder } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { place } from '../support/orders.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** What becomes of the holds of an order that is not held at once, from one place. */
const ORDER = orderIdOf('web', '1001');

interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}
const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));

const backorder = (more: Partial<PlaceOrder> = {}, lines = [{ lineId: '1', sku: 'A', quantity: 5 }]) =>
  place(lines, { shortage: 'backorder', confirm: 'auto', ...more });
const receive = (location: string, sku: string, quantity: number): Step<World> =>
  done(stock, stockIdOf(location, sku), { type: 'receive', receiptId: 'r', quantity });
const run =
  (command: Parameters<OrderProcess['execute']>[1]): Step<World> =>
  ({ orders }) =>
    orders.execute(ORDER, command, context());

describe('the coupon of an order that waits for stock', () => {
  const issued = done(coupon, 'TEN', {
    type: 'issue',
    terms: { discount: { kind: 'percent', percent: '10' }, limit: 1 },
  });
  const cancel = run({ type: 'cancel', cancellationId: 'x', reason: 'no' });

  test('is given back when it is cancelled, though nothing was held', async () => {
    await given(issued, run(backorder({ coupons: ['TEN'] })))
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponGivenBack'] });
  });

  test('is given back with the units that lack, where what was held was cancelled before', async () => {
    const lines = [
      { lineId: '1', sku: 'A', quantity: 3 },
      { lineId: '2', sku: 'B', quantity: 2 },
    ];
    const held = [{ lineId: '1', quantity: 3 }];
    await given(
      issued,
      receive('main', 'A', 3),
      run(backorder({ coupons: ['TEN'] }, lines)),
      run({ type: 'cancel', cancellationId: 'w', reason: 'no', lines: held }),
    )
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponGivenBack'] });
  });

  test('is let go where the order was never confirmed', async () => {
    await given(issued, run(backorder({ coupons: ['TEN'], confirm: 'explicit' })))
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponReleased'] });
  });
});
