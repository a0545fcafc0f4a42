import { describe, expect, test } from '@jest/globals';
import { VIOLATION_CODES } from '../../src/audit/violations.js';
import { foldOf, type Written, wrongWith } from './written-log.js';

/** A sound order of 3 units for 10.00 with 1.00 off and 0.50 tax: each test breaks one thing. */
const ORDER = 'order-web~1';
const STOCK = 'stock-main~A';
const COUPON = 'coupon-TEN';
const LEDGER = 'settlement-web~2026-01';
const channel: Written = [
  'channel-web',
  'ChannelConfigured',
  { name: 'Web', timeZone: 'Europe/London', currencies: ['GBP'], sources: ['main'], confirm: 'auto' },
];
const received = (quantity: number): Written => [STOCK, 'StockReceived', { receiptId: 'r', quantity }];
const line = {
  lineId: 'l1',
  kind: 'goods',
  sku: 'A',
  quantity: 3,
  unitPrice: '3.333',
  amount: '10.00',
  tax: '0.50',
};
const placed = (changes: object = {}, more: object = {}): Written => [
  ORDER,
  'OrderPlaced',
  {
    channel: 'web',
    externalId: '1',
    placedAt: '2026-01-15T11:00:00Z',
    currency: 'GBP',
    lines: [{ ...line, ...changes }],
    coupons: ['TEN'],
    confirm: 'auto',
    sources: ['main'],
    contentHash: 'h',
    ...more,
  },
];
const hold = { holdId: 'web~1', quantity: 3 };
const held: Written = [STOCK, 'StockHeld', hold];
const allocations = [{ sku: 'A', location: 'main', quantity: 3, refused: [] }];
const shares = [{ lineId: 'l1', amount: '1.00' }];
const reserved = (amount = '1.00'): Written => [
  ORDER,
  'OrderReserved',
  { allocations, discounts: [{ code: 'TEN', amount, shares }] },
];
const confirmed: Written = [ORDER, 'OrderConfirmed', {}];
const unit = { lineId: 'l1', kind: 'goods', sku: 'A', location: 'main' };
/** All three units, and the first one, with their shares. */
const all = { ...unit, quantity: 3, amount: '10.00', discount: '1.00', tax: '0.50' };
const first = { ...unit, quantity: 1, amount: '3.34', discount: '0.34', tax: '0.17' };
const shipped = (units: object = all, shipmentId = 's1'): Written => [
  ORDER,
  'OrderShipped',
  { shipmentId, channel: 'web', currency: 'GBP', lines: [units] },
];
const completed: Written = [ORDER, 'OrderCompleted', {}];
const captured: Written = [STOCK, 'StockCaptured', hold];
const returned = (units: object = first, returnId = 'b'): Written => [
  ORDER,
  'OrderReturned',
  { returnId, channel: 'web', currency: 'GBP', reason: 'broken', lines: [units], allowance: '0.00' },
];
const restocked: Written = [STOCK, 'StockReturned', { returnId: 'web~1/b', quantity: 1 }];
const heldBack = (blocks: readonly string[], lines?: readonly string[]): Written => [
  ORDER,
  'OrderHeld',
  {
    holdId: 'h',
    holdType: 'fraud',
    blocks,
    role: 'finance',
    reason: 'odd',
    ...(lines === undefined ? {} : { lines }),
  },
];
const released: Written = [
  ORDER,
  'OrderHoldResolved',
  { holdId: 'h', outcome: 'released', reason: 'looked at' },
];
const cancelledUnits = (more: object, quantity = 1): Written => [
  ORDER,
  'OrderLinesCancelled',
  { cancellationId: 'c', reason: 'no', lines: [{ lineId: 'l1', quantity }], ...more },
];
const fromMain = (quantity: number) => [{ round: 1, sku: 'A', location: 'main', quantity }];
/** Two of three are held, the third lacks. */
const partly = (short: readonly object[]): Written[] => [
  channel,
  received(2),
  placed(),
  [STOCK, 'StockHeld', { holdId: 'web~1', quantity: 2 }],
  [
    ORDER,
    'OrderReserved',
    {
      allocations: [{ sku: 'A', location: 'main', quantity: 2, refused: [] }],
      discounts: [{ code: 'TEN', amount: '1.00', shares }],
      short,
    },
  ],
];
const one = { sku: 'A', quantity: 1, code: 'insufficient_stock', asked: [] };
const round = (number: number): Written => [ORDER, 'OrderAllocated', { round: number, allocations: [] }];
const proposed: Written = [
  ORDER,
  'OrderChangeProposed',
  { changeId: 'c', reason: 'r', actions: [{ kind: 'reduce', lineId: 'l1', quantity: 1 }] },
];
/** The last of three units goes: 3.33 less 0.33 with 0.16 tax. */
const changed = (more: object = {}): Written => [
  ORDER,
  'OrderChangeConfirmed',
  {
    changeId: 'c',
    version: 2,
    channel: 'web',
    currency: 'GBP',
    cancelled: [{ lineId: 'l1', quantity: 1 }],
    added: [],
    difference: '-3.16',
    released: fromMain(1),
    short: [],
    lacking: [],
    ...more,
  },
];
const addedLine = {
  lineId: 'l2',
  kind: 'charge',
  sku: 'POST',
  quantity: 1,
  unitPrice: '1.00',
  amount: '1.00',
  tax: '0.00',
  lineNo: 1,
  discount: '0.00',
};
const requested = (quantity: number, returnId = 'q'): Written => [
  ORDER,
  'OrderReturnRequested',
  { returnId, reason: 'broken', lines: [{ lineId: 'l1', sku: 'A', quantity }] },
];
const authorised: Written = [ORDER, 'OrderReturnAuthorised', { returnId: 'q', creditOn: 'inspection' }];
const came = (quantity: number): Written => [
  ORDER,
  'OrderReturnReceived',
  { returnId: 'q', location: 'main', lines: [{ lineId: 'l1', quantity }] },
];
const looked = (quantity: number, outcome: string): Written => [
  ORDER,
  'OrderReturnInspected',
  { returnId: 'q', lines: [{ lineId: 'l1', quantity, outcome }] },
];
const allowed = (amount: string, more: object = {}): Written => [
  ORDER,
  'OrderAllowanceGranted',
  { allowanceId: 'a', channel: 'web', currency: 'GBP', amount, reason: 'a scratch', ...more },
];
const exchanged = (credit: string, exchangeId = 'e'): Written => [
  ORDER,
  'OrderExchangeAgreed',
  {
    exchangeId,
    returnId: 'b',
    newOrderId: 'web~1-x1',
    channel: 'web',
    currency: 'GBP',
    credit,
    order: {
      externalId: '1-x1',
      placedAt: '2026-01-15T11:00:00Z',
      lines: [{ lineId: 'l1', kind: 'goods', sku: 'A', quantity: 1, unitPrice: '3.17', tax: '0.00' }],
      coupons: [],
      confirm: 'auto',
      sources: ['main'],
      contentHash: 'x',
    },
  },
];
const settled = (changes: object): Written => [
  ORDER,
  'OrderExchangeSettled',
  {
    exchangeId: 'e',
    currency: 'GBP',
    charged: '3.17',
    carried: '3.17',
    toPay: '0.00',
    toGiveBack: '0.00',
    ...changes,
  },
];
const money = { paymentId: 'p', currency: 'GBP' };
const card = { channel: 'web', tender: { kind: 'card' } };
const moneyAuthorised = (amount: string): Written => [
  ORDER,
  'OrderPaymentAuthorised',
  { ...money, amount, tender: { kind: 'card' } },
];
const paid = (more: object = {}): Written => [
  ORDER,
  'OrderPaymentCaptured',
  { ...money, ...card, amount: '10.00', captureId: 'c', requested: false, ...more },
];
const captured10 = paid();
const refunded = (amount: string): Written => [
  ORDER,
  'OrderPaymentRefunded',
  { ...money, ...card, amount, refundId: 'r', requested: false, reason: 'x' },
];
const chargedBack = (more: object = {}): Written => [
  ORDER,
  'OrderPaymentChargedBack',
  { ...money, ...card, amount: '10.00', chargebackId: 'b', reason: 'x', ...more },
];
const due = (amount: string): Written => [ORDER, 'OrderRefundDue', { currency: 'GBP', amount }];
const upToReserved = [channel, received(5), placed(), held, reserved()];
const upToReservedUnpaid = [channel, received(5), placed({}, { confirm: 'payment' }), held, reserved()];
const upToConfirmed = [...upToReserved, confirmed];
const sound = [...upToConfirmed, shipped(), captured, completed, returned(), restocked];
const atStock = (returnId: string): Written => [
  STOCK,
  'StockReturned',
  { returnId: `web~1/${returnId}`, quantity: 1 },
];
const placedFor = (orderId: string): Written => {
  const [, type, data] = placed();
  const exchangeOf = { orderId, exchangeId: 'e', returnId: 'b', credit: '3.17' };
  return ['order-web~1-x1', type, { ...(data as object), externalId: '1-x1', coupons: [], exchangeOf }];
};
const gone = [...upToConfirmed, shipped(), captured, completed];
/** The world goes on: whatever was left behind is now too old. */
const later: Written = ['location-main', 'LocationConfigured', { name: 'Main' }, 61];

const SALE = [
  { account: 'receivable', amount: '9.50' },
  { account: 'sales', amount: '-10.00' },
  { account: 'discounts', amount: '1.00' },
  { account: 'tax', amount: '-0.50' },
];
/** The entry of the shipment, at revision 3 of its order and the place of its event in the log. */
const posted = (index: number, changes: object = {}, stream = LEDGER): Written => [
  stream,
  'EntryPosted',
  {
    entryId: `${ORDER}@3`,
    party: 'web',
    month: '2026-01',
    kind: 'sale',
    cause: {
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      type: 'OrderShipped',
      stream: ORDER,
      revision: 3,
      commit: '1',
      prepare: '1',
    },
    effectiveAt: '2026-01-15T11:00:00Z',
    effectiveDay: '2026-01-15',
    currency: 'GBP',
    reference: { orderId: 'web~1', shipmentId: 's1' },
    postings: SALE,
    ...changes,
  },
];
const SHIPPED_AT = 6;
const soldAndPosted = [...upToConfirmed, shipped(), captured, completed, posted(SHIPPED_AT)];
const byHand = (adjustmentId: string, amount = '-1.00'): Written =>
  posted(0, {
    cause: undefined,
    adjustmentId,
    kind: 'adjustment',
    postings: [
      { account: 'bad_debt', amount: '1.00' },
      { account: 'receivable', amount },
    ],
  });

const issued: Written = [COUPON, 'CouponIssued', { discount: { kind: 'percent', percent: '10' }, limit: 1 }];
const couponHold = (holdId: string): Written => [COUPON, 'CouponHeld', { holdId, quantity: 1 }];

test('sound books have no violations, before and after everything is posted', () => {
  expect(wrongWith([...sound, later])).toEqual([]);
  const reviewed = [...upToReserved, heldBack(['confirm']), released, confirmed];
  const otherLine = heldBack(['ship'], ['l2']);
  expect(wrongWith([...reviewed, shipped(first)])).toEqual([]);
  expect(wrongWith([...upToConfirmed, otherLine, shipped(first)])).toEqual([]);
  expect(
    wrongWith([...upToConfirmed, proposed, changed({ added: [addedLine], difference: '-2.16' })]),
  ).toEqual([]);
  const short = [{ sku: 'A', quantity: 1 }];
  expect(wrongWith([...partly([one]), round(2), round(3), cancelledUnits({ short })])).toEqual([]);
  const inFull = [...upToReservedUnpaid, moneyAuthorised('9.50'), confirmed];
  const said = chargedBack({ excess: '10.00' });
  expect(wrongWith([...inFull, paid({ amount: '9.50' }), due('0.00')])).toEqual([]);
  const lapsed: Written = [ORDER, 'OrderPaymentFailed', { paymentId: 'p', code: 'expired', reason: 'x' }];
  const anew = [moneyAuthorised('9.50'), lapsed, moneyAuthorised('9.50')];
  expect(wrongWith([...upToReservedUnpaid, ...anew, confirmed])).toEqual([]);
  expect(wrongWith([...upToReservedUnpaid, ...anew, lapsed, confirmed])).toContain('confirmed_unpaid');
  expect(
    wrongWith([...upToConfirmed, captured10, due('0.50'), refunded('10.00'), said, due('0.00')]),
  ).toEqual([]);
  expect(wrongWith([...soldAndPosted, byHand('a1'), byHand('a2'), later])).toEqual([]);
});

const apart = (quantity: number, splitId = 'a'): Written => [
  ORDER,
  'OrderSplit',
  { splitId, lines: [{ lineId: 'l1', quantity }] },
];
const undone: Written = [ORDER, 'OrderSplitUndone', { splitId: 'a', reason: 'x' }];
const shippedAs = (splitId: string, shipment: Written): Written => [
  ORDER,
  'OrderShipped',
  { ...(shipment[2] as object), splitId },
];
const CONSIGNMENT = 'consignment-web~k';
const consigned = (orders = ['web~1', 'web~2']): Written => [
  CONSIGNMENT,
  'ConsignmentPlanned',
  { channel: 'web', consignmentId: 'k', location: 'main', customerId: 'c', orders },
];
const wentAlong = (units: number, orderId = 'web~1'): Written => [
  CONSIGNMENT,
  'ConsignmentOrderShipped',
  { orderId, units },
];
const droppedOut: Written = [
  CONSIGNMENT,
  'ConsignmentOrderDropped',
  { orderId: 'web~2', code: 'wrong_status', detail: 'x' },
];
const closed = (shippedOrders: number, dropped: number): Written => [
  CONSIGNMENT,
  'ConsignmentClosed',
  { shipped: shippedOrders, dropped },
];
const together = [...upToConfirmed, shipped(first, 'consignment:k'), consigned()];

test('an order split, and one that leaves with another, are sound', () => {
  const split = [...upToConfirmed, apart(1), undone, apart(1, 'b')];
  expect(wrongWith([...split, shippedAs('b', shipped(first))])).toEqual([]);
  expect(wrongWith([...together, wentAlong(1), droppedOut, closed(1, 1)])).toEqual([]);
});

test('a change that nobody had answered when the order was over can still be declined', () => {
  const proposed: Written = [
    ORDER,
    'OrderChangeProposed',
    { changeId: 'c', reason: 'x', actions: [{ kind: 'reduce', lineId: 'l1', quantity: 1 }] },
  ];
  const declined: Written = [ORDER, 'OrderChangeDeclined', { changeId: 'c', reason: 'too late' }];
  const [before, after] = [upToConfirmed, sound.slice(upToConfirmed.length)];
  expect(wrongWith([...before, proposed, ...after, declined])).toEqual([]);
});

test('a split that was undone when its order was over, as one could be once, is sound', () => {
  const cancelled = cancelledUnits({ splits: [{ splitId: 'a', lineId: 'l1', quantity: 1 }] }, 3);
  expect(wrongWith([...upToConfirmed, apart(1), cancelled])).toEqual([]);
  expect(wrongWith([...upToConfirmed, apart(1), cancelled, undone])).toEqual([]);
});

const without = (log: readonly Written[], gone: Written): Written[] => log.filter((one) => one !== gone);

const CASES: readonly (readonly [keyof typeof VIOLATION_CODES, string, readonly Written[]])[] = [
  [
    'undecodable_event',
    'an event whose data its schema refuses',
    [[STOCK, 'StockReceived', { quantity: 0 }]],
  ],
  ['unknown_event', 'an event of another kind of stream', [[STOCK, 'OrderConfirmed', {}]]],
  ['orphan_event', 'a confirmation of what was never placed', [confirmed]],
  ['event_after_end', 'a confirmation after the end', [...sound, confirmed]],
  ['blocked_step', 'an order confirmed under a review', [...upToReserved, heldBack(['confirm']), confirmed]],
  ['blocked_step', 'goods gone under a review', [...upToConfirmed, heldBack(['ship']), shipped(first)]],
  [
    'blocked_step',
    'a line gone under a review of it',
    [...upToConfirmed, heldBack(['ship'], ['l1']), shipped(first)],
  ],
  ['wrong_review', 'a review resolved twice', [...upToReserved, heldBack(['confirm']), released, released]],
  ['wrong_review', 'a review that nobody put', [...upToReserved, released]],
  ['wrong_review', 'a review put twice', [...upToReserved, heldBack(['ship']), heldBack(['ship'])]],
  ['wrong_split', 'more apart than is open', [...upToConfirmed, apart(2), apart(2, 'b')]],
  ['wrong_split', 'the same split again', [...upToConfirmed, apart(1), apart(1)]],
  [
    'wrong_split',
    'more shipped of a split than it has',
    [...upToConfirmed, apart(1), shippedAs('a', shipped(all))],
  ],
  ['wrong_split', 'a split that nobody made, shipped', [...upToConfirmed, shippedAs('a', shipped(first))]],
  ['wrong_split', 'goods of a split gone with the rest', [...upToConfirmed, apart(3), shipped(first)]],
  [
    'wrong_split',
    'a split undone after it was shipped',
    [...upToConfirmed, apart(2), shippedAs('a', shipped(first)), undone],
  ],
  ['wrong_split', 'a split undone that nobody made', [...upToConfirmed, undone]],
  ['wrong_consignment', 'planned again', [...together, consigned()]],
  ['wrong_consignment', 'an order that shipped fewer units', [...together, wentAlong(2)]],
  [
    'wrong_consignment',
    'an order that shipped otherwise',
    [...upToConfirmed, shipped(first), consigned(), wentAlong(1)],
  ],
  ['wrong_consignment', 'an order that is not of it', [...together, wentAlong(1, 'web~3')]],
  ['wrong_consignment', 'an outcome twice', [...together, wentAlong(1), wentAlong(1)]],
  ['wrong_consignment', 'closed too early', [...together, wentAlong(1), closed(1, 0)]],
  ['wrong_consignment', 'an outcome of what was never planned', [droppedOut]],
  [
    'wrong_consignment',
    'an outcome after its end',
    [...together, wentAlong(1), droppedOut, closed(1, 1), droppedOut],
  ],
  [
    'review_left_open',
    'a review of an order that has expired',
    [...upToReserved, heldBack(['confirm']), [ORDER, 'OrderExpired', { dueAt: '2026-01-15T11:15:00Z' }]],
  ],
  ['wrong_payment', 'a refund of a payment that nobody made', [...upToConfirmed, refunded('1.00')]],
  ['wrong_payment', 'the same capture twice', [...upToConfirmed, captured10, captured10]],
  [
    'wrong_payment',
    'authorised again while it is',
    [...upToConfirmed, moneyAuthorised('9.50'), moneyAuthorised('9.50')],
  ],
  ['wrong_payment', 'more captured than authorised', [...upToConfirmed, moneyAuthorised('9.99'), captured10]],
  ['wrong_payment', 'an answer to a request that nobody made', [...upToConfirmed, paid({ requested: true })]],
  [
    'more_refunded_than_captured',
    'a penny more given back than came',
    [...upToConfirmed, captured10, refunded('10.01')],
  ],
  [
    'more_refunded_than_captured',
    'the same given back twice, and nobody says so',
    [...upToConfirmed, captured10, refunded('10.00'), chargedBack()],
  ],
  ['wrong_refund_due', 'a penny less due than is', [...upToConfirmed, captured10, due('0.49')]],
  [
    'confirmed_unpaid',
    'an order confirmed a penny short',
    [...upToReservedUnpaid, moneyAuthorised('9.49'), confirmed],
  ],
  ['placed_twice', 'an order placed again', [placed(), placed()]],
  ['wrong_line_amount', 'an amount off by a penny', [placed({ amount: '10.01' })]],
  [
    'wrong_line_amount',
    'a half rounded up to odd',
    [placed({ unitPrice: '0.005', quantity: 1, amount: '0.01' })],
  ],
  [
    'wrong_discount',
    'a discount that is not the sum of its shares',
    [received(5), placed(), held, reserved('1.01')],
  ],
  ['wrong_share', 'a penny moved between units', [...upToConfirmed, shipped({ ...first, amount: '3.33' })]],
  [
    'wrong_share',
    'the second unit for what the first one cost',
    [...upToConfirmed, shipped(first), shipped({ ...first }, 's2')],
  ],
  ['wrong_location', 'goods from elsewhere', [...upToConfirmed, shipped({ ...all, location: 'shop' })]],
  ['wrong_allocation', 'a unit neither held nor lacking', partly([])],
  [
    'not_short',
    'a unit given up that was held',
    [...upToConfirmed, cancelledUnits({ short: [{ sku: 'A', quantity: 1 }] })],
  ],
  [
    'released_unheld',
    'more let go than is there',
    [...partly([one]), cancelledUnits({ released: fromMain(3) }, 3)],
  ],
  [
    'wrong_release',
    'less let go than is not wanted',
    [...upToConfirmed, cancelledUnits({ released: fromMain(1) }, 2)],
  ],
  ['wrong_round', 'a round left out', [...partly([one]), round(3)]],
  [
    'line_twice',
    'a line added again',
    [...upToConfirmed, proposed, changed({ added: [{ ...addedLine, lineId: 'l1' }], difference: '-2.16' })],
  ],
  [
    'wrong_change',
    'a line that is free by more than it costs',
    [
      ...upToConfirmed,
      proposed,
      changed({ added: [{ ...addedLine, discount: '1.01' }], difference: '-3.17' }),
    ],
  ],
  ['wrong_version', 'a version left out', [...upToConfirmed, proposed, changed({ version: 3 })]],
  ['wrong_difference', 'a penny more', [...upToConfirmed, proposed, changed({ difference: '-3.15' })]],
  ['unknown_line', 'a line that was never ordered', [...upToConfirmed, shipped({ ...all, lineId: 'l2' })]],
  [
    'negative_stock',
    'a count below nothing',
    [received(1), [STOCK, 'StockAdjusted', { adjustmentId: 'a', delta: -2, reason: 'x' }]],
  ],
  ['oversold', 'a hold on what is not there', [received(2), placed(), held]],
  ['hold_reused', 'a hold taken twice', [received(9), placed(), held, held]],
  ['hold_overdrawn', 'more captured than held', [received(9), placed(), held, captured, captured]],
  [
    'reserved_without_hold',
    'a reservation without its hold',
    without([received(5), placed(), reserved()], held),
  ],
  [
    'hold_leaked',
    'a hold left by an expired order',
    [
      received(5),
      placed(),
      held,
      reserved(),
      [ORDER, 'OrderExpired', { dueAt: '2026-01-15T11:15:00Z' }],
      later,
    ],
  ],
  ['hold_without_order', 'a hold of nobody', [received(5), held, later]],
  ['stock_not_captured', 'goods gone and still held', [...upToConfirmed, shipped(first), later]],
  ['goods_not_restocked', 'goods that never came back', [...without(sound, restocked), later]],
  ['coupon_overused', 'a coupon for one given to two', [issued, couponHold('web~1'), couponHold('web~2')]],
  ['unbalanced_entry', 'an entry by hand that does not balance', [channel, byHand('a1', '-0.99')]],
  ['entry_without_cause', 'an entry of no event', [channel, posted(0)]],
  ['entry_without_cause', 'an entry of nothing at all', [channel, posted(0, { cause: undefined })]],
  ['adjustment_twice', 'an adjustment posted again', [channel, byHand('a1'), byHand('a1')]],
  ['wrong_entry', 'another kind', [...soldAndPosted.slice(0, -1), posted(SHIPPED_AT, { kind: 'return' })]],
  [
    'wrong_entry',
    'another party',
    [...soldAndPosted.slice(0, -1), posted(SHIPPED_AT, { party: 'shop' }, 'settlement-shop~2026-01')],
  ],
  [
    'wrong_entry',
    'a day of another time zone',
    [...soldAndPosted.slice(0, -1), posted(SHIPPED_AT, { effectiveDay: '2026-01-14' })],
  ],
  [
    'wrong_entry',
    'a stream of another month',
    [...soldAndPosted.slice(0, -1), posted(SHIPPED_AT, {}, 'settlement-web~2026-02')],
  ],
  [
    'wrong_entry',
    'postings that balance and are not those of the shipment',
    [
      ...soldAndPosted.slice(0, -1),
      posted(SHIPPED_AT, {
        postings: [
          { account: 'receivable', amount: '9.51' },
          { account: 'sales', amount: '-9.51' },
        ],
      }),
    ],
  ],
  ['wrong_return', 'a step before the one it follows', [...gone, requested(1), came(1)]],
  ['wrong_return', 'a step of nothing that was requested', [...gone, authorised]],
  ['wrong_return', 'units asked back twice', [...gone, requested(2), requested(2, 'q2')]],
  ['wrong_return', 'more received than requested', [...gone, requested(1), authorised, came(2)]],
  [
    'wrong_return',
    'an inspection of other units than came',
    [...gone, requested(2), authorised, came(2), looked(1, 'missing')],
  ],
  [
    'wrong_return',
    'units credited that were not accepted',
    [...gone, requested(1), authorised, came(1), looked(1, 'missing'), returned(first, 'q'), atStock('q')],
  ],
  [
    'wrong_return',
    'units returned that were refused before',
    [...gone, requested(3), authorised, came(3), looked(3, 'refused'), returned(), restocked],
  ],
  ['wrong_return', 'an allowance granted again', [...gone, allowed('0.01'), allowed('0.01')]],
  ['wrong_exchange', 'more carried than came back', [...sound, exchanged('3.18')]],
  ['wrong_exchange', 'credit carried twice', [...sound, exchanged('3.17'), exchanged('0.01', 'f')]],
  [
    'wrong_exchange',
    'credit carried that went back in money',
    [...sound, captured10, due('3.67'), refunded('3.67'), due('0.00'), exchanged('0.01')],
  ],
  ['wrong_exchange', 'a difference that is none', [...sound, exchanged('3.17'), settled({ toPay: '0.01' })]],
  ['wrong_exchange', 'an end of none', [...sound, settled({})]],
  ['wrong_exchange', 'a new order that nobody agreed to', [placedFor('web~1')]],
];

/** The same order with its tax in parts, and settled in euros. */
const PARTS = [
  { kind: 'duty', amount: '0.20' },
  { kind: 'vat', amount: '0.30' },
];
const RATE = { currency: 'EUR', rate: '2', source: 'bank', asOf: '2026-01-15T00:00:00Z' };
const placedAs = (data: object): readonly Written[] =>
  upToConfirmed.map((one) =>
    one[1] === 'OrderPlaced' ? [ORDER, 'OrderPlaced', { ...(one[2] as object), ...data }] : one,
  );
const inParts = placedAs({ lines: [{ ...line, taxes: PARTS }] });
const settledIn = (rate: object | undefined): Written => {
  const [stream, type, data] = shipped();
  return [stream, type, rate === undefined ? data : { ...(data as object), settlement: rate }];
};
const inEuros = [...placedAs({ settlement: RATE }), settledIn(RATE), captured, completed];
const settledFor = (...amounts: string[]): Written =>
  posted(SHIPPED_AT, { settlement: { ...RATE, amounts } });

const CROSS_BORDER: readonly (readonly [string, string, readonly Written[]])[] = [
  [
    'wrong_tax',
    'parts that do not come to the tax',
    placedAs({ lines: [{ ...line, taxes: PARTS.slice(1) }] }),
  ],
  ['wrong_share', 'units without the parts of their tax', [...inParts, shipped()]],
  [
    'wrong_share',
    'a penny moved between duty and VAT',
    [
      ...inParts,
      shipped({
        ...all,
        taxes: [
          { kind: 'duty', amount: '0.21' },
          { kind: 'vat', amount: '0.29' },
        ],
      }),
    ],
  ],
  [
    'wrong_share',
    'the tax of a unit spread as one, and not as the sum of its parts',
    [
      ...inParts,
      shipped({
        ...first,
        tax: '0.18',
        taxes: [
          { kind: 'duty', amount: '0.07' },
          { kind: 'vat', amount: '0.10' },
        ],
      }),
    ],
  ],
  [
    'wrong_rate',
    'goods shipped without the rate of their order',
    [...placedAs({ settlement: RATE }), settledIn(undefined)],
  ],
  ['wrong_rate', 'at another rate', [...placedAs({ settlement: RATE }), settledIn({ ...RATE, rate: '2.1' })]],
  ['wrong_entry', 'an entry that says nothing of its settlement', [...inEuros, posted(SHIPPED_AT)]],
  [
    'wrong_entry',
    'a cent moved between postings',
    [...inEuros, settledFor('19.00', '-20.01', '2.01', '-1.00')],
  ],
];

describe('the audit finds across borders', () => {
  test.each(CROSS_BORDER)('%s: %s', (code, _, log) => {
    expect(new Set(wrongWith(log))).toEqual(new Set([code]));
  });

  test('nothing where parts, shares and rates are right', () => {
    const right = [
      { kind: 'duty', amount: '0.20' },
      { kind: 'vat', amount: '0.30' },
    ];
    expect(wrongWith([...inParts, shipped({ ...all, taxes: right })])).toEqual([]);
    expect(wrongWith([...inEuros, settledFor('19.00', '-20.00', '2.00', '-1.00')])).toEqual([]);
  });
});

describe('the audit finds', () => {
  test.each(CASES)('%s: %s', (code, _, log) => {
    expect(new Set(wrongWith(log))).toEqual(new Set([code]));
  });

  test('more_than_ordered: more shipped than ordered, of which nothing can have a share', () => {
    expect(wrongWith([...upToConfirmed, shipped(), shipped(all, 's2')])).toContain('more_than_ordered');
  });

  test('more_refunded_than_paid: everything given back twice', () => {
    const back = { ...all };
    const log = [...sound.slice(0, -2), returned(back), returned(back, 'b2')];
    expect(wrongWith(log)).toEqual(['more_than_ordered', 'more_refunded_than_paid']);
  });

  test('more_refunded_than_paid: by an allowance, unless a return said why', () => {
    expect(wrongWith([...gone, allowed('9.50')])).toEqual([]);
    expect(wrongWith([...gone, allowed('9.51')])).toEqual(['more_refunded_than_paid']);
    expect(wrongWith([...sound, allowed('6.34', { lineId: 'l1' })])).toContain('more_refunded_than_paid');
    expect(wrongWith([...sound, allowed('6.33', { lineId: 'l1' })])).toEqual([]);
    const [stream, type, data] = returned();
    const generous = { ...(data as object), allowance: '7.00' };
    expect(wrongWith([...gone, [stream, type, generous], restocked])).toEqual(['more_refunded_than_paid']);
    const said: Written = [stream, type, { ...generous, goodwill: 'a year late' }];
    expect(wrongWith([...gone, said, restocked])).toEqual([]);
    expect(wrongWith([...gone, said, restocked, allowed('0.01')])).toEqual(['more_refunded_than_paid']);
  });

  test('nothing in a return and an exchange as they should be', () => {
    const whole = [...gone, requested(1), authorised, came(1), looked(1, 'resaleable')];
    expect(wrongWith([...whole, returned(first, 'q'), atStock('q')])).toEqual([]);
    expect(wrongWith([...sound, exchanged('3.17'), settled({})])).toEqual([]);
    expect(wrongWith([...sound, exchanged('3.17'), placedFor('web~1')])).toEqual([]);
  });

  test('cause_posted_twice and cause_out_of_order: an entry posted again', () => {
    expect(wrongWith([...soldAndPosted, posted(SHIPPED_AT)])).toEqual([
      'cause_posted_twice',
      'cause_out_of_order',
    ]);
  });

  test('cause_skipped: a shipment that a later return has overtaken, while one at the end just waits', () => {
    const log = [...upToConfirmed, shipped(), captured, completed, returned(), restocked];
    const refund = posted(9, {
      entryId: `${ORDER}@5`,
      kind: 'return',
      cause: {
        id: '00000000-0000-4000-8000-000000000009',
        type: 'OrderReturned',
        stream: ORDER,
        revision: 5,
        commit: '1',
        prepare: '1',
      },
      postings: [
        { account: 'receivable', amount: '-3.17' },
        { account: 'returns', amount: '3.34' },
        { account: 'discounts', amount: '-0.34' },
        { account: 'tax', amount: '0.17' },
      ],
    });
    expect(wrongWith([...log, refund])).toEqual(['cause_skipped']);
    expect(foldOf(log).ledger.unposted()).toBe(2);
    expect(foldOf([...log, posted(SHIPPED_AT)]).ledger.unposted()).toBe(1);
  });

  test('no leak while the order ended less than a minute ago', () => {
    const expired: Written = [ORDER, 'OrderExpired', { dueAt: '2026-01-15T11:15:00Z' }, 2];
    expect(wrongWith([received(5), placed(), held, reserved(), expired, later])).toEqual([]);
  });

  test('every code that it knows, somewhere in this file', () => {
    const elsewhere = [
      'more_than_ordered',
      'more_refunded_than_paid',
      'cause_posted_twice',
      'cause_out_of_order',
      'cause_skipped',
      // Follows from an unbalanced entry; see the audit's own test.
      'trial_balance',
    ];
    expect([...new Set([...CASES, ...CROSS_BORDER].map(([code]) => code).concat(elsewhere))].sort()).toEqual(
      Object.keys(VIOLATION_CODES).sort(),
    );
  });
});
