import { describe, expect, test } from '@jest/globals';
import { checkOnce } from './once.js';
import { checkProvider } from './provider.js';
import { foldShop } from './shop.js';
import { codes, logOf, ORDER, STOCK, type Written } from './written.js';

/** What was promised about changes, reviews, splits, payments, returns, exchanges and consignments, each broken once by hand. */
const on = (type: string, data: Record<string, unknown> = {}): Written => [ORDER, type, data];
const goods = { lineId: '1', kind: 'goods', sku: 'A', quantity: 2 };
const placed = on('OrderPlaced', { channel: 'web', lines: [goods], sources: ['east'] });
const received: Written = [STOCK, 'StockReceived', { receiptId: 'r', quantity: 5 }];
const held: Written = [STOCK, 'StockHeld', { holdId: 'web~1', quantity: 2 }];
const allocations = [{ sku: 'A', location: 'east', quantity: 2 }];
const BEFORE = [received, placed, held, on('OrderReserved', { allocations })] as const;
const CONFIRMED = [...BEFORE, on('OrderConfirmed')] as const;
const money = (amount: string) => ({ amount, discount: '0.00', tax: '0.00' });
const unitsFor = (quantity: number, amount: string) => [
  { lineId: '1', kind: 'goods', sku: 'A', location: 'east', quantity, ...money(amount) },
];
const ship = (quantity: number, more: Record<string, unknown> = {}): Written =>
  on('OrderShipped', { shipmentId: `s${quantity}`, lines: unitsFor(quantity, `${quantity}.00`), ...more });
const SHIPPED = [...CONFIRMED, ship(2), on('OrderCompleted')] as const;
const posted = (index: number): Written => [
  'settlement-web~2026-11',
  'EntryPosted',
  { entryId: `e${index}`, cause: { id: `event-${index}` }, postings: [] },
];
const SETTLED = [...SHIPPED, [STOCK, 'StockCaptured', { holdId: 'web~1', quantity: 2 }], posted(5)] as const;

const wrongIn = (...events: readonly Written[]): string[] => codes(foldShop(logOf(...events)).violations);
const leftIn = (...events: readonly Written[]): string[] => foldShop(logOf(...events)).unsettled;

const review = (blocks: string[], lines?: string[]): Written =>
  on('OrderHeld', { holdId: 'h', blocks, ...(lines === undefined ? {} : { lines }) });
const split = on('OrderSplit', { splitId: 'd', lines: [{ lineId: '1', quantity: 1 }] });
const undone = on('OrderSplitUndone', { splitId: 'd' });
const pay = (type: string, amount?: string, more: Record<string, unknown> = {}): Written =>
  on(`Order${type}`, { paymentId: 'p', ...(amount === undefined ? {} : { amount }), ...more });
const started = pay('PaymentStarted', '2.00', { provider: 'trial' });
const authorised = pay('PaymentAuthorised', '2.00');
const captured = (amount: string, more = {}) => pay('PaymentCaptured', amount, { captureId: 'k', ...more });
const refunded = (amount: string, more = {}) => pay('PaymentRefunded', amount, { refundId: 'f', ...more });
const step = (name: string): Written => on(`OrderReturn${name}`, { returnId: 'q' });
const returned = (returnId: string, quantity: number, allowance = '0.00', more = {}): Written => {
  const lines = unitsFor(quantity, `${quantity}.00`).map(({ location: _, ...line }) => line);
  return on('OrderReturned', { returnId, lines, allowance, ...more });
};
const agreed = (exchangeId: string, credit = '1.00'): Written =>
  on('OrderExchangeAgreed', { exchangeId, returnId: 'r1', newOrderId: 'web~2', credit });
const ended = on('OrderExchangeEnded', { exchangeId: 'x' });
const settled = on('OrderExchangeSettled', { exchangeId: 'x' });
const exchangeOf = { orderId: 'web~1', exchangeId: 'x' };
const next = (type: string, data: Record<string, unknown> = {}): Written => ['order-web~2', type, data];
const newOrder = next('OrderPlaced', { lines: [goods], exchangeOf });
const WITH = 'consignment-web~c';
const planned: Written = [WITH, 'ConsignmentPlanned', { consignmentId: 'c', orders: ['web~1', 'web~2'] }];
const outcome = (type: string, orderId: string): Written => [WITH, `ConsignmentOrder${type}`, { orderId }];

test('an order that is shipped, paid, returned in part and exchanged right has nothing wrong and nothing left', () => {
  const log = [
    ...SETTLED,
    started,
    authorised,
    pay('CaptureRequested', '2.00', { captureId: 'k' }),
    captured('2.00', { requested: true }),
    posted(12),
    ...['Requested', 'Authorised', 'Received', 'Inspected'].map(step),
    returned('q', 1),
    posted(18),
  ] as const;
  expect([...checkOnce(logOf(...log)), ...foldShop(logOf(...log)).violations]).toEqual([]);
  expect(leftIn(...log)).toEqual([]);
});

describe('of what can never be, it sees', () => {
  test.each<[code: string, ...events: Written[]]>([
    ['blocked_step', ...BEFORE, review(['confirm']), on('OrderConfirmed')],
    ['blocked_step', ...CONFIRMED, review(['ship']), ship(1)],
    ['blocked_step', ...CONFIRMED, review(['ship'], ['1']), ship(1)],
    ['resolved_unheld', placed, on('OrderHoldResolved', { holdId: 'h' })],
    ['review_left_open', ...BEFORE, review(['confirm']), on('OrderExpired')],
    ['completed_early', ...CONFIRMED, ship(1), on('OrderCompleted')],
    ['more_than_shipped', ...SHIPPED, returned('r1', 2), returned('r2', 1)],
    ['reserved_without_hold', ...BEFORE, on('OrderAllocated', { round: 2, allocations })],
    ['split_wrong', ...CONFIRMED, split, ship(2, { splitId: 'd' })],
    ['split_wrong', ...CONFIRMED, split, undone, ship(1, { splitId: 'd' })],
    ['split_wrong', ...CONFIRMED, split, ship(1, { splitId: 'd' }), undone],
    ['split_taken', ...CONFIRMED, split, ship(2)],
    ['unknown_payment', placed, refunded('1.00')],
    ['captured_unauthorised', placed, authorised, captured('2.01')],
    ['refunded_uncaptured', placed, captured('2.00'), refunded('2.01')],
    ['paid_back_twice', placed, captured('2.00'), refunded('2.00'), pay('PaymentChargedBack', '0.01')],
    ['never_asked', placed, authorised, captured('2.00', { requested: true })],
    ['never_asked', placed, captured('2.00'), refunded('1.00', { requested: true })],
    ['return_step', ...SHIPPED, step('Requested'), step('Received')],
    ['return_step', ...SHIPPED, step('Requested'), step('Authorised'), returned('q', 1)],
    ['return_step', ...SHIPPED, step('Requested'), step('Refused'), step('Authorised')],
    ['more_than_charged', ...SHIPPED, returned('r1', 2, '0.01')],
    ['more_than_charged', ...SHIPPED, on('OrderAllowanceGranted', { amount: '2.01' })],
    ['credit_twice', ...SHIPPED, returned('r1', 1), agreed('x'), agreed('y', '0.01')],
    ['exchange_over', ...SHIPPED, returned('r1', 1), agreed('x'), settled, ended],
    ['exchange_early', ...SHIPPED, returned('r1', 1), agreed('x'), newOrder, settled],
    ['exchange_unagreed', ...SHIPPED, newOrder],
    ['consignment_outcome', planned, outcome('Shipped', 'web~1'), outcome('Dropped', 'web~1')],
    ['consignment_unlike_order', ...SHIPPED, planned, outcome('Shipped', 'web~1')],
    [
      'consignment_unlike_order',
      ...CONFIRMED,
      ship(2, { shipmentId: 'consignment:c' }),
      planned,
      outcome('Dropped', 'web~1'),
    ],
    ['event_after_end', placed, on('OrderRejected'), split],
  ])('%s', (code, ...events) => {
    expect(wrongIn(...events)).toContain(code);
  });

  test('nothing where money moves after an order has ended, goodwill is said, or an ended exchange is carried again', () => {
    expect(wrongIn(placed, on('OrderRejected'), captured('2.00'), refunded('2.00'))).toEqual([]);
    expect(wrongIn(...SHIPPED, returned('r1', 2, '1.00', { goodwill: 'sorry' }))).toEqual([]);
    expect(wrongIn(...SHIPPED, returned('r1', 1), agreed('x'), ended, agreed('y'))).toEqual([]);
    expect(
      wrongIn(
        placed,
        captured('2.00'),
        refunded('2.00'),
        pay('PaymentChargedBack', '2.00', { excess: '2.00' }),
      ),
    ).toEqual([]);
  });
});

describe('of what must follow, it sees that', () => {
  const backorder = on('OrderPlaced', { shortage: 'backorder', lines: [goods], sources: ['east'] });
  const lacking = [on('OrderReserved', { allocations: [] }), on('OrderConfirmed')] as const;
  const automatic: Written = ['channel-web', 'ChannelConfigured', { refunds: 'automatic' }];
  const due = pay('RefundDue', '1.00');

  test.each<[what: string, left: string, ...events: Written[]]>([
    ['a provider does not answer', 'provider of p has not', placed, started],
    ['a void is not done', 'provider of p has not', placed, started, authorised, pay('VoidRequested')],
    [
      'a capture is not done',
      'provider of p has not',
      placed,
      started,
      authorised,
      pay('CaptureRequested', '1.00', { captureId: 'k' }),
    ],
    [
      'a refund is not done',
      'provider of p has not',
      placed,
      started,
      authorised,
      captured('1.00'),
      pay('RefundRequested', '1.00', { refundId: 'f' }),
    ],
    ['what is due is not asked back', '100 minor units', automatic, placed, started, captured('1.00'), due],
    ['a payment has no entry', 'no ledger entry', placed, captured('1.00')],
    [
      'an allowance has no entry',
      'no ledger entry',
      ...SHIPPED,
      on('OrderAllowanceGranted', { amount: '1.00' }),
    ],
    ['stock that came is not given to who waits', 'and east has some', received, backorder, ...lacking],
    [
      'a hold of a later round is kept',
      'does not follow',
      ...SETTLED,
      [STOCK, 'StockHeld', { holdId: 'web~1/2', quantity: 1 }],
    ],
    [
      'units that a change let go of stay held',
      'does not follow',
      ...CONFIRMED,
      on('OrderChangeConfirmed', {
        cancelled: [{ lineId: '1', quantity: 1 }],
        released: [{ round: 1, sku: 'A', location: 'east', quantity: 1 }],
      }),
    ],
    [
      'an exchange goes on without its order',
      'exchange x goes on',
      ...SHIPPED,
      returned('r1', 1),
      agreed('x'),
    ],
    [
      'an exchange goes on after its order',
      'exchange x goes on',
      ...SHIPPED,
      returned('r1', 1),
      agreed('x'),
      newOrder,
      next('OrderRejected'),
    ],
    ['a consignment is not closed', 'is not closed', planned, outcome('Shipped', 'web~1')],
  ])('%s', (_, left, ...events) => {
    expect(leftIn(...events)).toEqual(expect.arrayContaining([expect.stringContaining(left)]));
  });

  test('nothing where nobody promised it: another asks back by hand, or nothing is there', () => {
    expect(leftIn(placed, started, captured('1.00'), due).join()).not.toContain('minor units');
    expect(leftIn(backorder, ...lacking)).toEqual([]);
  });
});

test('money that moved at the provider is held against the log: forgotten, otherwise, or never asked for', () => {
  const id = 'web~1/p/capture/k';
  const call = { id, amount: '2.00', status: 'done' };
  const asked = logOf(placed, started, authorised, captured('2.00', { requested: true }));
  const failed = logOf(placed, pay('CaptureFailed', '2.00', { captureId: 'k' }));
  expect(checkProvider([call], asked)).toEqual([]);
  expect(checkProvider([], logOf(placed, captured('2.00', { requested: false })))).toEqual([]);
  expect(codes(checkProvider([call], logOf(placed)))).toEqual(['provider_forgotten']);
  expect(codes(checkProvider([{ ...call, amount: '2.01' }], asked))).toEqual(['provider_unlike_log']);
  expect(codes(checkProvider([call], failed))).toEqual(['provider_unlike_log']);
  expect(codes(checkProvider([], asked))).toEqual(['provider_not_asked']);
});
