import { createTrialProvider } from '../../src/adapters/payments/trial-provider.js';
import { channel } from '../../src/domain/channel.js';
import { consignment } from '../../src/domain/consignment.js';
import { coupon } from '../../src/domain/coupon.js';
import { location } from '../../src/domain/location.js';
import type { PlaceOrder } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import type { House } from '../../src/main.js';
import { consignmentIdOf } from '../../src/processes/consignment-process.js';
import { createExchangeProcess } from '../../src/processes/exchange-process.js';
import { createLedger } from '../../src/processes/ledger.js';
import { createPaymentProcess } from '../../src/processes/payment-process.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { type LineInput, place } from '../support/orders.js';
import { payEverything } from '../support/payments.js';
import {
  allowance,
  authorise,
  back,
  creditReturn,
  exchange,
  inspect,
  receiveReturn,
  refuseReturn,
  requestReturn,
  units,
} from '../support/returns.js';
import { OVER_100, resolveReview, review, rule } from '../support/reviews.js';
import { tradeInParts } from './in-parts.js';

const DUE = '2026-03-31T23:15:00Z';

let commands = 0;
const context = (effectiveAt = '2026-03-31T22:30:00.000Z'): CommandContext => {
  commands += 1;
  const id = `every-kind-${commands}`;
  return { commandId: id, correlationId: id, actor: 'test', effectiveAt };
};

/** A small history in which every kind of event, and every end of an order, comes up at least once. */
export const tradeEverything = async ({ bus, orders, returns, consignments, db }: House): Promise<void> => {
  const configure = (id: string, timeZone: string, currency: string) =>
    bus.execute(
      channel,
      id,
      {
        type: 'configure',
        settings: {
          name: `Channel "${id}"`,
          timeZone,
          currencies: [currency],
          sources: ['main', 'shop'],
          confirm: 'auto',
          expiresInSeconds: 900,
        },
      },
      context(),
    );
  for (const id of ['main', 'shop']) {
    const settings = { name: `${id}, \\ {x}`, country: 'GB' };
    await bus.execute(location, id, { type: 'configure', settings }, context());
  }
  await configure('web', 'Europe/Paris', 'GBP');
  await configure('web', 'Europe/London', 'GBP');
  await configure('jp', 'Asia/Tokyo', 'JPY');
  for (const [code, discount] of [
    ['TEN', { kind: 'percent', percent: '10' }],
    ['FIVE', { kind: 'amount', amount: '5.00', currency: 'GBP' }],
  ] as const) {
    const terms = { discount, limit: 3, channels: ['web', 'jp'], validUntil: '2027-01-01T00:00:00Z' };
    await bus.execute(coupon, code, { type: 'issue', terms }, context());
  }
  const atStock = (at: string, sku: string) => ({
    receive: (quantity: number) =>
      bus.execute(
        stock,
        stockIdOf(at, sku),
        { type: 'receive', receiptId: `opening ${sku}`, quantity, reason: 'opening, "all"' },
        context(),
      ),
    adjust: (delta: number) =>
      bus.execute(
        stock,
        stockIdOf(at, sku),
        { type: 'adjust', adjustmentId: `count ${sku}`, delta, reason: 'count' },
        context(),
      ),
  });
  for (const sku of ['A', 'B', 'a~b "c"']) await atStock('main', sku).receive(20);
  await atStock('shop', 'D').receive(5);
  await atStock('main', 'B').adjust(-2);

  const open = (
    channelId: string,
    externalId: string,
    lines: readonly LineInput[],
    more: Partial<PlaceOrder> = {},
  ) =>
    orders.execute(
      orderIdOf(channelId, externalId),
      place(lines, {
        channel: channelId,
        externalId,
        customerId: 'c-1',
        destination: { country: 'GB', region: 'Kent', postalCode: 'TN1' },
        placedAt: '2026-03-31T22:00:00.123456Z',
        expiresAt: DUE,
        contentHash: externalId,
        ...more,
      }),
      context(),
    );
  const web = (externalId: string) => orderIdOf('web', externalId);

  await open(
    'web',
    'returned',
    [
      { lineId: 'l1', sku: 'A', quantity: 3, unitPrice: '3.333', tax: '0.50' },
      { lineId: 'l2', sku: 'D', quantity: 2, unitPrice: '0', tax: '0.00' },
      { lineId: 'l3', kind: 'charge', sku: 'POST', account: 'postage', unitPrice: '4.00' },
      { lineId: 'l4', kind: 'voucher', sku: 'GIFT', quantity: 2, unitPrice: '10.00' },
    ],
    { confirm: 'auto', coupons: ['TEN', 'FIVE'] },
  );
  await orders.execute(web('returned'), { type: 'ship', shipmentId: 's1' }, context());
  const broken = { type: 'return', reason: 'broken', note: 'C 1' } as const;
  const one = [{ lineId: 'l1', quantity: 1 }];
  await orders.execute(web('returned'), { ...broken, returnId: 'r/1', lines: one }, context());
  await orders.execute(
    web('returned'),
    { ...broken, returnId: 'r2', lines: one, credited: '9.99', location: 'shop' },
    context('2026-04-02T08:00:00Z'),
  );

  await open('web', 'partly', [
    { lineId: 'l1', sku: 'B', quantity: 5, unitPrice: '1.25', tax: '0.01' },
    { lineId: 'l2', sku: 'a~b "c"', quantity: 2, unitPrice: '7.00' },
  ]);
  await orders.execute(web('partly'), { type: 'confirm' }, context());
  const some = [{ lineId: 'l1', quantity: 2 }];
  await orders.execute(web('partly'), { type: 'ship', shipmentId: 's1', lines: some }, context());
  await orders.execute(
    web('partly'),
    { type: 'cancel', cancellationId: 'k1', reason: 'late', lines: [{ lineId: 'l1', quantity: 1 }] },
    context(),
  );

  await open('web', 'rejected', [{ lineId: 'l1', sku: 'A', quantity: 1_000 }], { coupons: ['TEN'] });
  await open('web', 'expired', [{ lineId: 'l1', sku: 'A' }], { coupons: ['TEN'] });
  await orders.execute(web('expired'), { type: 'expire', dueAt: DUE }, context());
  await open('web', 'cancelled', [{ lineId: 'l1', sku: 'A' }], { confirm: 'auto', coupons: ['TEN'] });
  await orders.execute(web('cancelled'), { type: 'cancel', cancellationId: 'k', reason: 'no' }, context());
  await open('web', 'waiting', [{ lineId: 'l1', sku: 'A', quantity: 2 }], { coupons: ['FIVE'] });
  const { version: _, ...big } = OVER_100;
  await bus.execute(channel, 'web', { type: 'set-review-rules', keepSeconds: 900, rules: [big] }, context());
  const onLine = rule('D', { kind: 'quantity', over: 0, sku: 'D' }, { blocks: ['confirm', 'ship'] });
  const held = { confirm: 'auto', review: { rules: [OVER_100, onLine], keepUntil: DUE } } as const;
  await open('web', 'held', [{ lineId: 'l1', sku: 'D', unitPrice: '100.01' }], held);
  await orders.execute(web('held'), resolveReview('rule:big', 'released'), context('2026-04-01T08:00:00Z'));
  await open('web', 'refused', [{ lineId: 'l1', sku: 'D', unitPrice: '100.01' }], held);
  await orders.execute(web('refused'), review('by "hand"', { blocks: ['ship'] }), context());
  await orders.execute(web('refused'), resolveReview('rule:D', 'rejected'), context());
  // Duty and VAT that do not divide by the units, settled in euros.
  const duties = [
    { kind: 'duty', country: 'GB', rate: '0.1', amount: '1.00' },
    { kind: 'vat', name: 'UK "VAT"', amount: '2.00' },
  ] as const;
  const inEuros = { currency: 'EUR', rate: '1.1555', source: 'ECB', asOf: '2026-03-31T14:00:00Z' };
  await open(
    'web',
    'abroad',
    [{ lineId: 'l1', sku: 'A', quantity: 3, unitPrice: '3.333', tax: '3.00', taxes: [...duties] }],
    { currency: 'USD', confirm: 'auto', settlement: inEuros },
  );
  await orders.execute(web('abroad'), { type: 'ship', shipmentId: 's1', lines: one }, context());
  await orders.execute(web('abroad'), { type: 'ship', shipmentId: 's2' }, context());
  await orders.execute(web('abroad'), back('r1', one), context());
  await bus.execute(
    channel,
    'web',
    { type: 'set-rates', table: { currency: 'EUR', required: false, rates: [] } },
    context(),
  );
  await open('jp', 'yen', [{ lineId: 'l1', sku: 'B', quantity: 3, unitPrice: '33.5', tax: '1' }], {
    currency: 'JPY',
    confirm: 'auto',
  });
  await orders.execute(orderIdOf('jp', 'yen'), { type: 'ship', shipmentId: 's1' }, context());

  await tradeInParts({ bus, orders });

  const sent = async (externalId: string, quantity: number): Promise<string> => {
    const line = { lineId: 'l1', sku: 'B', quantity, unitPrice: '6.00', tax: '0.10' };
    await open('web', externalId, [line], { confirm: 'auto' });
    await orders.execute(web(externalId), { type: 'ship', shipmentId: 's1' }, context());
    return web(externalId);
  };
  const asked = await sent('asked', 4);
  for (const command of [
    requestReturn('q "1"', [units('l1', 3)], 'too, "small"'),
    authorise('q "1"', { creditOn: 'command', note: 'in its "box"' }),
    receiveReturn('q "1"', [units('l1', 3)], 'shop'),
    inspect('q "1"', ['l1', 1, 'resaleable'], ['l1', 1, 'damaged'], ['l1', 1, 'missing']),
    creditReturn('q "1"', { note: 'C 3', credited: '10.00' }),
    requestReturn('q2', [units('l1', 1)]),
    refuseReturn('q2', 'after, "30" days'),
    back('q3', [units('l1', 1)], { credited: '30.00', goodwill: 'it was "late"' }),
  ]) {
    const { status } = await orders.execute(asked, command, context('2026-04-03T08:00:00.123456Z'));
    if (status === 'rejected') throw new Error(`${command.type} was refused`);
  }
  const scratched = await sent('scratched', 1);
  const given = allowance('a "1"', '1.00', { lineId: 'l1', reason: 'a, "scratch"' });
  await orders.execute(scratched, given, context());
  const exchanges = createExchangeProcess(bus, orders);
  const swapped = await sent('swapped', 3);
  for (const [index, sku] of ['A', 'none', 'A'].entries()) {
    const returnId = `r${index}`;
    await orders.execute(swapped, back(returnId, [units('l1', 1)]), context());
    const lines = [
      { lineId: 'l1', kind: 'goods', sku, quantity: 1, unitPrice: '7.00', tax: '0.00' },
    ] as const;
    const order = { lines, sources: ['main'], placedAt: '2026-03-31T22:00:00.123456Z' };
    await exchanges.agree(swapped, exchange(`e "${index}"`, returnId, order), context());
  }
  await orders.execute(web('swapped-x1'), { type: 'ship', shipmentId: 's1' }, context());
  await exchanges.advance(swapped, context('2026-04-01T08:00:00Z'));

  await configure('kiosk', 'Europe/Dublin', 'EUR');
  const payments = createPaymentProcess({ bus, orders, providers: [createTrialProvider(db)] });
  await payEverything({ bus, payments }, (externalId, more) =>
    open('kiosk', externalId, [{ lineId: 'l1', sku: 'B', unitPrice: '10.00' }], { currency: 'EUR', ...more }),
  );

  // Orders of one customer, of a channel and at a location of their own: one is split, three are asked to leave together, one does not.
  await configure('eu', 'Europe/Berlin', 'EUR');
  await bus.execute(location, 'north', { type: 'configure', settings: { name: 'North' } }, context());
  await atStock('north', 'E').receive(9);
  const eu = (externalId: string) => orderIdOf('eu', externalId);
  const leaving = ['m1', 'm2', 'm3'];
  for (const externalId of leaving) {
    const lines = [{ lineId: 'l1', sku: 'E', quantity: 3 }];
    await open('eu', externalId, lines, {
      currency: 'EUR',
      confirm: 'auto',
      sources: ['north'],
      customerId: 'c "m"',
    });
  }
  const apart = { type: 'split', lines: [{ lineId: 'l1', quantity: 2 }] } as const;
  const wanted = { requestedDate: '2026-12-24', priority: 2 };
  await orders.execute(eu('m1'), { ...apart, ...wanted, splitId: 'later "x"' }, context());
  await orders.execute(eu('m2'), { ...apart, splitId: 's' }, context());
  await orders.execute(eu('m2'), { type: 'undo-split', splitId: 's', reason: 'one, "parcel"' }, context());
  const together = { channel: 'eu', consignmentId: 'k 1', location: 'north', customerId: 'c "m"' };
  const plan = { ...together, orders: leaving.map(eu) };
  await bus.execute(consignment, consignmentIdOf('eu', 'k 1'), { type: 'plan', plan }, context());
  await orders.execute(eu('m3'), { type: 'cancel', cancellationId: 'k', reason: 'late' }, context());
  await consignments.advance(consignmentIdOf('eu', 'k 1'), context());
  const gone = {
    type: 'ship',
    shipmentId: 's',
    splitId: 'later "x"',
    lines: [{ lineId: 'l1', quantity: 1 }],
  } as const;
  await orders.execute(eu('m1'), gone, context());
  await orders.execute(eu('m1'), { type: 'cancel', cancellationId: 'k', reason: 'late' }, context());

  const line = { channel: 'web', note: 'C 2', quantity: 1, currency: 'GBP', reason: 'no receipt' } as const;
  await returns.record(
    { ...line, lineId: '1', kind: 'goods', sku: 'A', amount: '2.5', location: 'main', customerId: 'c-2' },
    context(),
  );
  await returns.record({ ...line, lineId: '2', kind: 'charge', sku: 'POST', amount: '4.00' }, context());
  await createLedger(bus).adjustReceivable(
    {
      adjustmentId: 'bad 1',
      channel: 'web',
      currency: 'GBP',
      reason: 'gone',
      document: 'letter 7',
      amount: '-1.00',
      account: 'bad_debt',
    },
    context(),
  );
};

/** Every type of event there is, but for the log's own. */
export const EVERY_TYPE = [
  'ChannelConfigured',
  'ConsignmentClosed',
  'ConsignmentOrderDropped',
  'ConsignmentOrderShipped',
  'ConsignmentPlanned',
  'CouponGivenBack',
  'CouponHeld',
  'CouponIssued',
  'CouponRedeemed',
  'CouponReleased',
  'EntryPosted',
  'BlindReturnRecorded',
  'LocationConfigured',
  'OrderAllocated',
  'OrderChangeConfirmed',
  'OrderChangeDeclined',
  'OrderChangeProposed',
  'OrderAllowanceGranted',
  'OrderCaptureFailed',
  'OrderCaptureRequested',
  'OrderCompleted',
  'OrderConfirmed',
  'OrderExchangeAgreed',
  'OrderExchangeEnded',
  'OrderExchangeSettled',
  'OrderExpired',
  'OrderHeld',
  'OrderHoldResolved',
  'OrderLinesCancelled',
  'OrderPaymentAuthorised',
  'OrderPaymentCaptured',
  'OrderPaymentChargedBack',
  'OrderPaymentFailed',
  'OrderPaymentRefunded',
  'OrderPaymentStarted',
  'OrderPaymentVoided',
  'OrderPlaced',
  'OrderRefundDue',
  'OrderRefundFailed',
  'OrderRefundRequested',
  'OrderRejected',
  'OrderReserved',
  'OrderReturnAuthorised',
  'OrderReturnInspected',
  'OrderReturnReceived',
  'OrderReturnRefused',
  'OrderReturnRequested',
  'OrderReturned',
  'OrderShipped',
  'OrderSourcesExtended',
  'OrderVoidRequested',
  'OrderSplit',
  'OrderSplitUndone',
  'StockAdjusted',
  'StockCaptured',
  'StockHeld',
  'StockReceived',
  'StockReleased',
  'StockReturned',
] as const;
