import { describe, expect, test } from '@jest/globals';
import { channel } from '../../src/domain/channel.js';
import { coupon } from '../../src/domain/coupon.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import { sumsOf } from '../../src/domain/payment.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import { createPaymentProcess, type PaymentProcess } from '../../src/processes/payment-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { fakeProvider } from '../support/fake-provider.js';
import { place } from '../support/orders.js';
import { capture, chargeBack, requestRefund, start } from '../support/payments.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** Payments through a provider that is outside: whatever dies between the order and the provider, the money moves once. */
const ORDER = orderIdOf('web', '1001');

interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly payments: PaymentProcess;
}

const worldWith = (
  { provider }: ReturnType<typeof fakeProvider>,
  troubles: unknown[] = [],
  timeoutMs = 5_000,
) =>
  processSpec<World>(({ bus }) => {
    const orders = createOrderProcess(bus);
    const onTrouble = (error: unknown) => troubles.push(error);
    return {
      bus,
      orders,
      payments: createPaymentProcess({ bus, orders, providers: [provider], onTrouble, timeoutMs }),
    };
  });

const placing = place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '12.50' }], { confirm: 'payment' });
/** Takes nothing off, and is redeemed by whatever confirms the order. */
const withCoupon = { ...placing, coupons: ['FREE'] };
const issued = done(coupon, 'FREE', {
  type: 'issue',
  terms: { discount: { kind: 'percent', percent: '0' }, limit: 1 },
});
const pay =
  (command: OrderCommand): Step<World> =>
  ({ payments }) =>
    payments.execute(ORDER, command, context());
const run =
  (command: OrderCommand): Step<World> =>
  ({ orders }) =>
    orders.execute(ORDER, command, context());
const byCard = start('25.00', { provider: 'psp' });
const captureAll = { type: 'request-capture', paymentId: 'p', captureId: 'c', amount: '25.00' } as const;
const cancelAll = { type: 'cancel', cancellationId: 'k', reason: 'changed their mind' } as const;
const ship = { type: 'ship', shipmentId: 's' } as const;
const stocked = done(stock, stockIdOf('main', 'A'), { type: 'receive', receiptId: 'r', quantity: 9 });
const settings = (refunds?: 'automatic') =>
  done(channel, 'web', {
    type: 'configure',
    settings: {
      name: 'Web',
      timeZone: 'Europe/London',
      currencies: ['GBP'],
      sources: ['main'],
      confirm: 'payment',
      ...(refunds === undefined ? {} : { refunds }),
    },
  });
const placed = [settings(), stocked, run(placing)] as const;
/** What the watchdog does for an order of which anything was left. */
const advance: Step<World> = async ({ orders, payments }) => {
  await orders.advance(ORDER, context());
  await payments.advance(ORDER, context());
};
const placedWithCoupon = [settings(), stocked, issued, run(withCoupon)] as const;
const outcome = async (world: World) => {
  const { status, payments, refundDue } = await stateOf(world);
  const { redeemed, holds } = (await world.bus.load(coupon, 'FREE')).state;
  const { onHand, holds: stockHolds } = (await world.bus.load(stock, stockIdOf('main', 'A'))).state;
  return { status, payments, refundDue, redeemed, held: holds.held, onHand, kept: stockHolds.held };
};
const stateOf = async ({ bus }: Pick<World, 'bus'>) => (await bus.load(order, ORDER)).state;
/** What the order says has moved is what its provider says it moved. */
const sameAsProvider =
  ({ done: moved }: ReturnType<typeof fakeProvider>): Step<World> =>
  async (world) => {
    const total = (kind: string): bigint =>
      [...moved.values()]
        .filter((one) => one.kind === kind)
        .reduce((sum, { amount }) => sum + BigInt(amount.replace('.', '')), 0n);
    const { captured, refunded } = balanceOfOrder(await stateOf(world));
    expect([captured, refunded]).toEqual([total('capture'), total('refund')]);
  };

const scenarios: Record<string, { before: Step<World>[]; cut: Step<World>; ends: string }> = {
  'start a payment: authorised and confirmed': { before: [], cut: pay(byCard), ends: 'confirmed' },
  capture: { before: [pay(byCard)], cut: pay(captureAll), ends: 'confirmed' },
  'refund without a return': {
    before: [pay(byCard), pay(captureAll), run(ship)],
    cut: pay(requestRefund('3.00')),
    ends: 'completed',
  },
  'void what is authorised': {
    before: [pay(byCard)],
    cut: pay({ type: 'request-void', paymentId: 'p', reason: 'fraud' }),
    ends: 'confirmed',
  },
  'cancel an order that is authorised': { before: [pay(byCard)], cut: pay(cancelAll), ends: 'cancelled' },
  'cancel an order that is captured, refunded by itself': {
    before: [settings('automatic'), pay(byCard), pay(captureAll)],
    cut: pay(cancelAll),
    ends: 'cancelled',
  },
  'two payments of an order, and a part of it goes back by itself': {
    before: [
      settings('automatic'),
      pay(start('20.00', { provider: 'psp' })),
      pay({ ...captureAll, amount: '20.00' }),
      pay(start('5.00', { provider: 'psp', paymentId: 'q' })),
      pay({ ...captureAll, paymentId: 'q', amount: '5.00' }),
      run(ship),
    ],
    cut: pay({
      type: 'return',
      returnId: 't',
      reason: 'broken',
      lines: [{ lineId: '1', quantity: 2 }],
      credited: '22.00',
    }),
    ends: 'completed',
  },
};

describe.each(Object.entries(scenarios))('%s', (_, { before, cut, ends }) => {
  test('cut after every append ends as without, and the provider did everything once', async () => {
    const psp = fakeProvider();
    const always: Step<World> = async (world) => {
      expect((await stateOf(world)).status).toBe(ends);
      // Also over all the worlds that died: each asked under the same ids, so the provider did it once for all.
      await sameAsProvider(psp)(world);
    };
    const happening = worldWith(psp)
      .given(...placedWithCoupon, ...before)
      .when(cut);
    expect(await happening.thenCutAnywhere({ advance, always, outcome })).toBeGreaterThan(1);
  });

  test('two processes at once end as one does', async () => {
    const psp = fakeProvider();
    const always = sameAsProvider(psp);
    await worldWith(psp)
      .given(...placedWithCoupon, ...before)
      .when(cut)
      .thenTwoAtOnce({ advance, outcome, always });
  });
});

test('what is asked is a fact before the provider is asked, and its answer is one after', async () => {
  const psp = fakeProvider();
  await worldWith(psp)
    .given(...placed)
    .when(pay(byCard))
    .thenEvents({
      'order-web~1001': ['OrderPaymentStarted', 'OrderPaymentAuthorised', 'OrderConfirmed'],
    });
  const world = await worldWith(psp)
    .given(...placed, pay(byCard), pay(captureAll))
    .when(pay(requestRefund('3.00')))
    .thenEvents({ 'order-web~1001': ['OrderRefundRequested', 'OrderPaymentRefunded'] });
  const payment = (await stateOf(world)).payments.get('p');
  expect(payment?.tender.reference).toBe('ref web~1001/p/authorise');
  expect(psp.calls).toContain('web~1001/p/refund/r');
});

test('an outcome that is not known yet is asked for again, under the same id, until it is known', async () => {
  const psp = fakeProvider({ silent: new Map([['authorise', 2]]) });
  const world = await worldWith(psp)
    .given(...placed)
    .when(pay(byCard))
    .thenEvents({ 'order-web~1001': ['OrderPaymentStarted'] });
  await advance(world);
  expect((await stateOf(world)).status).toBe('reserved');
  await advance(world);
  expect((await stateOf(world)).status).toBe('confirmed');
  expect(new Set(psp.calls)).toEqual(new Set(['web~1001/p/authorise']));
});

test('trouble with the provider is told, and leaves the payment as it was asked', async () => {
  const psp = fakeProvider();
  const troubles: unknown[] = [];
  const broken = {
    ...psp,
    provider: { ...psp.provider, authorise: () => Promise.reject(new Error('no line')) },
  };
  const world = await worldWith(broken, troubles)
    .given(...placed)
    .when(pay(byCard))
    .thenEvents({ 'order-web~1001': ['OrderPaymentStarted'] });
  expect(troubles).toEqual([new Error('no line')]);
  expect((await stateOf(world)).payments.get('p')?.stage).toBe('started');
});

test('a provider that does not answer keeps nobody waiting for ever, and is asked again', async () => {
  const psp = fakeProvider();
  const troubles: unknown[] = [];
  const silent = { ...psp, provider: { ...psp.provider, authorise: () => new Promise<never>(() => {}) } };
  await worldWith(silent, troubles, 20)
    .given(...placed)
    .when(pay(byCard))
    .thenEvents({ 'order-web~1001': ['OrderPaymentStarted'] });
  expect(troubles).toMatchObject([{ code: 'provider_silent' }]);
});

test('what a provider declines fails, and the order waits for another payment', async () => {
  const world = await worldWith(fakeProvider({ declines: ['authorise'] }))
    .given(...placed)
    .when(pay(byCard))
    .thenEvents({ 'order-web~1001': ['OrderPaymentStarted', 'OrderPaymentFailed'] });
  const { status, payments } = await stateOf(world);
  expect([status, payments.get('p')?.failure?.code]).toEqual(['reserved', 'no']);
});

test('a refund that failed is left to a person: nobody asks for ever', async () => {
  const psp = fakeProvider({ declines: ['refund'] });
  const world = await worldWith(psp)
    .given(...placed, settings('automatic'), pay(byCard), pay(captureAll))
    .when(pay(cancelAll))
    .thenEvents({
      'order-web~1001': [
        'OrderLinesCancelled',
        'OrderRefundDue',
        'OrderRefundRequested',
        'OrderRefundFailed',
      ],
      'stock-main~A': ['StockReleased'],
    });
  await advance(world);
  expect(psp.calls.filter((id) => id.includes('/refund/'))).toHaveLength(1);
  expect((await stateOf(world)).refundDue).toBe(2_500n);
});

test('a refund that a person called as those that are asked for by themselves does not stand in their way', async () => {
  const psp = fakeProvider();
  const world = await worldWith(psp)
    .given(
      ...placed,
      settings('automatic'),
      pay(byCard),
      pay(captureAll),
      pay(requestRefund('5.00', 'due-2')),
    )
    .when(pay(cancelAll))
    .thenEvents({
      'order-web~1001': [
        'OrderLinesCancelled',
        'OrderRefundDue',
        'OrderRefundRequested',
        'OrderPaymentRefunded',
        'OrderRefundDue',
      ],
      'stock-main~A': ['StockReleased'],
    });
  const { refunds } = (await world.bus.load(order, ORDER)).state.payments.get('p') ?? {};
  expect([...(refunds ?? [])].map(([id, { amount, status }]) => [id, amount, status])).toEqual([
    ['due-2', 500n, 'done'],
    ['due-3', 2_000n, 'done'],
  ]);
});

test('without the policy nothing is asked back by itself', async () => {
  await worldWith(fakeProvider())
    .given(...placed, pay(byCard), pay(captureAll))
    .when(pay(cancelAll))
    .thenEvents({
      'order-web~1001': ['OrderLinesCancelled', 'OrderRefundDue'],
      'stock-main~A': ['StockReleased'],
    });
});

test('money told from outside is not asked of a provider', async () => {
  const psp = fakeProvider();
  await worldWith(psp)
    .given(...placed, settings('automatic'), pay(capture('30.00')))
    .when(pay(cancelAll))
    .thenEvents({
      'order-web~1001': ['OrderLinesCancelled', 'OrderRefundDue'],
      'stock-main~A': ['StockReleased'],
    });
  expect(psp.calls).toEqual([]);
});

test('a bank that takes the money while a refund is on its way: both are recorded, and what went twice is said', async () => {
  const silent = new Map([['refund', 1]]);
  const world = await worldWith(fakeProvider({ silent }))
    .given(
      ...placed,
      pay(byCard),
      pay(captureAll),
      run(ship),
      pay(requestRefund('20.00')),
      pay(chargeBack('25.00')),
    )
    .when(advance)
    .thenEvents({});
  const payment = (await stateOf(world)).payments.get('p');
  if (payment === undefined) throw new Error('no payment');
  expect(sumsOf(payment)).toMatchObject({ refunded: 2_000n, chargedBack: 2_500n, excess: 2_000n });
});
