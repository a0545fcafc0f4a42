import { describe, expect, test } from '@jest/globals';
import { coupon } from '../../src/domain/coupon.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import { createPaymentProcess, type PaymentProcess } from '../../src/processes/payment-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { fakeProvider } from '../support/fake-provider.js';
import { type LineInput, place } from '../support/orders.js';
import { capture, refund, requestRefund, start } from '../support/payments.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** What users of other systems complain about, with their numbers, named after their threads; and what comes out here. */
const ORDER = orderIdOf('web', '1001');
const psp = fakeProvider();
interface Shop {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly payments: PaymentProcess;
}
const { given } = processSpec<Shop>(({ bus }) => {
  const orders = createOrderProcess(bus);
  return { bus, orders, payments: createPaymentProcess({ bus, orders, providers: [psp.provider] }) };
});
const received = (sku: string, quantity: number) =>
  done(stock, stockIdOf('main', sku), { type: 'receive', receiptId: 'r', quantity });
const pay =
  (...commands: readonly OrderCommand[]) =>
  async ({ payments }: Shop): Promise<string[]> => {
    const outcomes: string[] = [];
    for (const command of commands) {
      const answer = await payments.execute(ORDER, command, context());
      outcomes.push(answer.status === 'rejected' ? answer.rejection.code : 'ok');
    }
    return outcomes;
  };
const ordered = (lines: readonly LineInput[], more: Parameters<typeof place>[1] = {}) =>
  pay(place(lines, { confirm: 'payment', ...more }));
const stateOf = async ({ bus }: Shop) => (await bus.load(order, ORDER)).state;
const ship = { type: 'ship', shipmentId: 's' } as const;
const back = (quantity: number, returnId = 't'): OrderCommand => ({
  type: 'return',
  returnId,
  reason: 'no longer wanted',
  lines: [{ lineId: '1', quantity }],
});

describe('Vendure 3065: the money was captured, the stock went to zero meanwhile, and the order was stuck', () => {
  const mug = [{ lineId: '1', sku: 'MUG', unitPrice: '24.00' }];

  test('captured before its stock could be held, it is rejected, and all of it is due back', async () => {
    const placing = place(mug, { confirm: 'payment' });
    const world = await given(received('MUG', 1), async ({ bus }) => {
      // The last one goes to somebody else between the capture and the reservation.
      await bus.execute(order, ORDER, placing, context());
      await bus.execute(order, ORDER, capture('24.00'), context());
      await bus.execute(
        stock,
        stockIdOf('main', 'MUG'),
        { type: 'hold', holdId: 'them', quantity: 1 },
        context(),
      );
    })
      .when(({ orders }) => orders.advance(ORDER, context()))
      .thenEvents({ 'order-web~1001': ['OrderRejected', 'OrderRefundDue'] });
    const state = await stateOf(world);
    expect([state.status, state.refundDue]).toEqual(['rejected', 2_400n]);
    const outcomes = await pay(refund('24.00'))(world);
    expect([outcomes, (await stateOf(world)).refundDue]).toEqual([['ok'], 0n]);
  });

  test('captured after it expired, the money is recorded and due back; a new order can be paid', async () => {
    const due = { type: 'expire', dueAt: '2026-01-15T12:15:00Z' } as const;
    const world = await given(received('MUG', 1), ordered(mug), pay(start('24.00'), due))
      .when(pay(capture('24.00')))
      .thenEvents({ 'order-web~1001': ['OrderPaymentCaptured', 'OrderRefundDue'] });
    expect((await stateOf(world)).status).toBe('expired');
    const again = place(mug, { confirm: 'payment', externalId: '1002', contentHash: 'other' });
    const other = orderIdOf('web', '1002');
    await world.payments.execute(other, again, context());
    const paid = await world.payments.execute(other, capture('24.00'), context());
    expect(paid.state.status).toBe('confirmed');
  });
});

test('Saleor 11069: a payment under way holds units, and nothing else: others are served meanwhile', async () => {
  const world = await given(received('MUG', 2), ordered([{ lineId: '1', sku: 'MUG', unitPrice: '24.00' }]))
    .when(pay(start('24.00')))
    .thenEvents({ 'order-web~1001': ['OrderPaymentStarted'] });
  const buy = (externalId: string) =>
    world.orders.execute(
      orderIdOf('web', externalId),
      place([{ lineId: '1', sku: 'MUG', unitPrice: '24.00' }], {
        confirm: 'auto',
        externalId,
        contentHash: externalId,
      }),
      context(),
    );
  expect((await buy('1002')).state.status).toBe('confirmed');
  expect((await buy('1003')).state.rejection).toMatchObject({ code: 'insufficient_stock' });
  expect(await pay(capture('24.00'))(world)).toEqual(['ok']);
  expect((await stateOf(world)).status).toBe('confirmed');
});

test('Medusa 9261: a refund for no return at all, as an appeasement, by part and up to what was paid', async () => {
  const world = await given(
    received('SHIRT', 1),
    ordered([{ lineId: '1', sku: 'SHIRT', unitPrice: '60.00' }]),
    pay(start('60.00', { provider: 'psp' })),
    pay({ type: 'request-capture', paymentId: 'p', captureId: 'c', amount: '60.00' }, ship),
  )
    .when(pay(requestRefund('10.00', 'sorry')))
    .thenEvents({ 'order-web~1001': ['OrderRefundRequested', 'OrderPaymentRefunded'] });
  expect(await pay(requestRefund('50.01', 'more'), requestRefund('50.00', 'rest'))(world)).toEqual([
    'exceeds_captured',
    'ok',
  ]);
  expect(balanceOfOrder(await stateOf(world))).toMatchObject({ captured: 6_000n, refunded: 6_000n });
});

describe('Medusa 13091 and 13972: a difference of half a cent keeps the order from being refunded', () => {
  test('13972: three for 10.00 with tax come back one by one, and nothing is left outstanding', async () => {
    // 3 x 3.335 is 10.005: rounded once, to 10.00, when it was placed.
    const lines = [{ lineId: '1', sku: 'CUP', quantity: 3, unitPrice: '3.335', tax: '1.99' }];
    const world = await given(received('CUP', 3), ordered(lines), pay(capture('11.99'), ship))
      .when(pay(back(1, 'a'), refund('4.01', 'ra')))
      .thenEvents({
        'order-web~1001': ['OrderReturned', 'OrderRefundDue', 'OrderPaymentRefunded', 'OrderRefundDue'],
        'stock-main~CUP': ['StockReturned'],
      });
    for (const [returnId, share] of [
      ['b', '3.99'],
      ['c', '3.99'],
    ] as const) {
      await pay(back(1, returnId))(world);
      expect(await pay(refund(share, `r${returnId}`))(world)).toEqual(['ok']);
      expect((await stateOf(world)).refundDue).toBe(0n);
    }
    const { cost, captured, refunded, due, overpaid } = balanceOfOrder(await stateOf(world));
    expect([cost, captured, refunded, due, overpaid]).toEqual([0n, 1_199n, 1_199n, 0n, 0n]);
  });

  test('13091: what is due back is a whole amount of the currency, and exactly that can be refunded', async () => {
    const lines = [{ lineId: '1', sku: 'CUP', quantity: 7, unitPrice: '0.714', tax: '0.333' }];
    const yen = [{ lineId: '1', sku: 'CUP', quantity: 7, unitPrice: '14.285', tax: '3' }];
    const ofYen = await given(received('CUP', 7))
      .when(ordered(yen, { currency: 'JPY' }))
      .thenEvents({
        'order-web~1001': ['OrderPlaced', 'OrderReserved'],
        'stock-main~CUP': ['StockHeld'],
      });
    // Half a cent of tax is no amount: it is refused when it comes, not when it shall go back.
    const other = orderIdOf('web', '1002');
    const placing = place(lines, { externalId: '1002', confirm: 'payment' });
    const refused = await ofYen.payments.execute(other, placing, context());
    expect(refused).toMatchObject({ status: 'rejected', rejection: { code: 'invalid_amount' } });
    await pay(capture('103'), ship, back(2))(ofYen);
    const { refundDue } = await stateOf(ofYen);
    // 100 over 7 units: the first two carry 15 each, and of the 3 of tax 1 each.
    expect(refundDue).toBe(32n);
    expect(await pay(refund('32.5'), refund('32'))(ofYen)).toEqual(['invalid_amount', 'ok']);
    expect((await stateOf(ofYen)).refundDue).toBe(0n);
  });
});

test('WooCommerce 64668: a refund of 179.26 on an order of 179.25 is refused; 179.25 is all there is', async () => {
  const lines = [{ lineId: '1', sku: 'LAMP', quantity: 3, unitPrice: '49.791667', tax: '29.87' }];
  const world = await given(received('LAMP', 3), ordered(lines))
    .when(pay(capture('179.25'), ship))
    .thenEvents({
      'order-web~1001': ['OrderPaymentCaptured', 'OrderConfirmed', 'OrderShipped', 'OrderCompleted'],
      'stock-main~LAMP': ['StockCaptured'],
    });
  expect(await pay(refund('179.26'))(world)).toEqual(['exceeds_captured']);
  expect(await pay(back(3))(world)).toEqual(['ok']);
  expect((await stateOf(world)).refundDue).toBe(17_925n);
  expect(await pay(refund('179.26', 'x'), refund('179.25', 'x'), refund('0.01', 'y'))(world)).toEqual([
    'exceeds_captured',
    'ok',
    'exceeds_captured',
  ]);
});

describe('Vendure 890 and 2393: the refund of a discounted order is what was paid for it', () => {
  const tenth = done(coupon, 'TENTH', {
    type: 'issue',
    terms: { discount: { kind: 'percent', percent: '10' }, limit: 1 },
  });
  // 3 x 33.33 is 99.99; a tenth of it is 10.00, rounded once; 89.99 was paid.
  const three = [{ lineId: '1', sku: 'JAR', quantity: 3, unitPrice: '33.33' }];
  const paid = [
    received('JAR', 3),
    tenth,
    ordered(three, { coupons: ['TENTH'] }),
    pay(capture('89.99')),
  ] as const;

  const shopAfter = (...steps: readonly Step<Shop>[]): Promise<Shop> =>
    given(...steps)
      .when(async () => undefined)
      .thenEvents({});

  test('cancelled as a whole, 89.99 is due back and not 99.99', async () => {
    const world = await shopAfter(...paid, pay({ type: 'cancel', cancellationId: 'c', reason: 'no' }));
    expect((await stateOf(world)).refundDue).toBe(8_999n);
    expect(await pay(refund('90.00', 'all'), refund('89.99', 'rest'))(world)).toEqual([
      'exceeds_captured',
      'ok',
    ]);
  });

  test('cancelled unit by unit, the parts add up to the same 89.99', async () => {
    const one = (cancellationId: string): OrderCommand => ({
      type: 'cancel',
      cancellationId,
      reason: 'no',
      lines: [{ lineId: '1', quantity: 1 }],
    });
    const world = await shopAfter(...paid, pay(one('a'), one('b'), one('c')));
    expect((await stateOf(world)).refundDue).toBe(8_999n);
  });
});
