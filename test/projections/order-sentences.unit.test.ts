import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { exchangeEvents } from '../../src/domain/exchange-events.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { type OrderEvent, orderEvents } from '../../src/domain/order-events.js';
import { sentenceOf } from '../../src/projections/order-sentences.js';
import { LISTED_MAX } from '../../src/projections/sentence-words.js';
import { place, reserve } from '../support/orders.js';
import { resolveReview, review, rule } from '../support/reviews.js';

/** What the commands come to, each event as its sentence. */
const told = (...commands: readonly OrderCommand[]): { type: string; text: string }[] => {
  let state = order.initialState;
  return commands.flatMap((command) => {
    const decision = order.decide(command, state);
    if ('code' in decision) throw new Error(`${command.type}: ${decision.code}`);
    return decision.map((event) => {
      const text = sentenceOf(event, state);
      state = order.evolve(state, event);
      return { type: event.type, text };
    });
  });
};
const last = (...commands: readonly OrderCommand[]): string | undefined => told(...commands).at(-1)?.text;

const MUGS = place(
  [
    { lineId: '1', sku: 'MUG', quantity: 3, unitPrice: '5.00', tax: '1.00' },
    { lineId: '2', sku: 'CUP', quantity: 2, unitPrice: '2.50' },
    { lineId: '3', kind: 'charge', sku: 'POST', unitPrice: '4.00' },
  ],
  { coupons: ['TEN'] },
);
const TERMS = { discount: { kind: 'percent', percent: '10' }, limit: 9 } as const;
const RESERVED = reserve(MUGS, [{ code: 'TEN', terms: TERMS }], { CUP: 'berlin' });
const CONFIRMED = [MUGS, RESERVED, { type: 'confirm' }] as const;
const SHIPPED = [...CONFIRMED, { type: 'ship', shipmentId: 's1' }] as const;
const back = (quantity: number, credited?: string): OrderCommand => ({
  type: 'return',
  returnId: 'r1',
  reason: 'broken',
  note: 'C7',
  lines: [{ lineId: '1', quantity }],
  ...(credited === undefined ? {} : { credited }),
});
const BIG = rule('big', { kind: 'amount', currency: 'GBP', over: '10.00' }, { version: 2 });
const HELD = place([{ lineId: '1', sku: 'MUG', quantity: 3, unitPrice: '5.00' }], {
  review: { rules: [BIG], keepUntil: '2026-01-17T12:00:00Z' },
});
const APART = { type: 'split', splitId: 'later', lines: [{ lineId: '1', quantity: 2 }] } as const;
const LAPSED = { type: 'cancel', cancellationId: 'x', reason: 'changed mind' } as const;

const confirmedState = CONFIRMED.reduce((state, command) => {
  const decision = order.decide(command, state);
  if ('code' in decision) throw new Error(decision.code);
  return decision.reduce(order.evolve, state);
}, order.initialState);
/** Of an event of a confirmed order, as its data says. */
const says = (event: OrderEvent): string => sentenceOf(event, confirmedState);
/** Holds a whole order; said of the golden example below. */
const AGREED = 'OrderExchangeAgreed';
const pounds = { currency: 'GBP', amount: '4.00' };
const card = { kind: 'card', reference: 'ch_1' } as const;
const money = { ...pounds, paymentId: 'p', channel: 'web', tender: card };

/** Of what comes later in the life of an order. */
const LATER: readonly (readonly [event: OrderEvent, says: string])[] = [
  [
    { type: 'OrderSourcesExtended', data: { locations: ['outlet'], reason: 'found' } },
    'outlet may deliver, too: found',
  ],
  [
    {
      type: 'OrderAllocated',
      data: { round: 2, allocations: [{ sku: 'MUG', location: 'outlet', quantity: 1, refused: [] }] },
    },
    'held in round 2: 1 MUG in outlet',
  ],
  [{ type: 'OrderAllocated', data: { round: 3, allocations: [] } }, 'round 3 of holds came to nothing'],
  [
    {
      type: 'OrderChangeProposed',
      data: {
        changeId: 'c',
        reason: 'called',
        actions: [
          { kind: 'reduce', lineId: '1', quantity: 2 },
          {
            kind: 'add',
            line: { lineId: '4', kind: 'goods', sku: 'JUG', quantity: 1, unitPrice: '9.00', tax: '0' },
          },
          { kind: 'reprice', lineId: '2', newLineId: '5', unitPrice: '2.00', tax: '0', reason: 'shelf' },
          { kind: 'address', destination: { country: 'FR' } },
        ],
      },
    },
    'change c proposed (2 of 3 MUG less, 1 JUG more at 9.00, CUP at 2.00: shelf and another address in FR): called',
  ],
  [
    {
      type: 'OrderChangeConfirmed',
      data: {
        changeId: 'c',
        version: 2,
        channel: 'web',
        currency: 'GBP',
        cancelled: [{ lineId: '1', quantity: 2 }],
        added: [
          {
            lineId: '4',
            kind: 'goods',
            sku: 'JUG',
            quantity: 1,
            unitPrice: '9.00',
            amount: '9.00',
            tax: '0.00',
            lineNo: 3,
            discount: '0.00',
          },
        ],
        destination: { country: 'FR' },
        difference: '-1.00',
        released: [],
        short: [],
        lacking: [{ sku: 'JUG', quantity: 1, code: 'insufficient_stock', asked: [] }],
      },
    },
    'change c confirmed, version 2: 2 of 3 MUG off, 1 JUG at 9.00 on and to an address in FR, 1.00 GBP less, 1 JUG not held yet',
  ],
  [
    { type: 'OrderChangeDeclined', data: { changeId: 'c', reason: 'too late' } },
    'change c declined: too late',
  ],
  [
    {
      type: 'OrderReturnRequested',
      data: { returnId: 'r', reason: 'small', lines: [{ lineId: '1', sku: 'MUG', quantity: 2 }] },
    },
    'return r of 2 of 3 MUG requested: small',
  ],
  [
    { type: 'OrderReturnAuthorised', data: { returnId: 'r', creditOn: 'inspection', note: 'in its box' } },
    'return r authorised, credited with its inspection: in its box',
  ],
  [{ type: 'OrderReturnRefused', data: { returnId: 'r', reason: 'late' } }, 'return r refused: late'],
  [
    {
      type: 'OrderReturnReceived',
      data: { returnId: 'r', location: 'shop', lines: [{ lineId: '1', quantity: 2 }] },
    },
    'return r received in shop: 2 of 3 MUG',
  ],
  [
    {
      type: 'OrderReturnInspected',
      data: {
        returnId: 'r',
        lines: [
          { lineId: '1', quantity: 1, outcome: 'resaleable' },
          { lineId: '1', quantity: 1, outcome: 'damaged' },
        ],
      },
    },
    'return r inspected: 1 of 3 MUG resaleable and 1 of 3 MUG damaged',
  ],
  [
    {
      type: 'OrderAllowanceGranted',
      data: { allowanceId: 'a', channel: 'web', ...pounds, reason: 'scratch', lineId: '1' },
    },
    '4.00 GBP given back on MUG without a return, as a: scratch',
  ],
  [
    {
      type: 'OrderPaymentStarted',
      data: { ...pounds, paymentId: 'p', tender: card, expiresAt: '2026-01-15T13:00:00Z' },
    },
    'payment p of 4.00 GBP by card (ch_1) started, until 2026-01-15T13:00:00Z',
  ],
  [
    { type: 'OrderPaymentAuthorised', data: { ...pounds, paymentId: 'p', tender: card } },
    'payment p: 4.00 GBP authorised by card (ch_1)',
  ],
  [
    { type: 'OrderPaymentFailed', data: { paymentId: 'p', code: 'declined', reason: 'no funds' } },
    'payment p failed (declined): no funds',
  ],
  [
    { type: 'OrderVoidRequested', data: { paymentId: 'p', reason: 'expired' } },
    'payment p shall be let go: expired',
  ],
  [{ type: 'OrderPaymentVoided', data: { paymentId: 'p', reason: 'expired' } }, 'payment p let go: expired'],
  [
    { type: 'OrderCaptureRequested', data: { ...pounds, paymentId: 'p', captureId: 'c' } },
    'payment p: 4.00 GBP shall be captured',
  ],
  [
    { type: 'OrderPaymentCaptured', data: { ...money, captureId: 'c', requested: true } },
    'payment p: 4.00 GBP captured by card (ch_1)',
  ],
  [
    {
      type: 'OrderCaptureFailed',
      data: { ...pounds, paymentId: 'p', captureId: 'c', code: 'gone', reason: '' },
    },
    'payment p: the capture of 4.00 GBP failed (gone)',
  ],
  [
    { type: 'OrderRefundRequested', data: { ...pounds, paymentId: 'p', refundId: 'f', reason: 'back' } },
    'payment p: 4.00 GBP shall be refunded: back',
  ],
  [
    { type: 'OrderPaymentRefunded', data: { ...money, refundId: 'f', requested: true, reason: 'back' } },
    'payment p: 4.00 GBP refunded by card (ch_1): back',
  ],
  [
    {
      type: 'OrderRefundFailed',
      data: { ...pounds, paymentId: 'p', refundId: 'f', code: 'gone', reason: 'closed' },
    },
    'payment p: the refund of 4.00 GBP failed (gone): closed',
  ],
  [
    { type: 'OrderPaymentChargedBack', data: { ...money, chargebackId: 'b', reason: 'fraud' } },
    'payment p: 4.00 GBP charged back: fraud',
  ],
  [{ type: 'OrderRefundDue', data: pounds }, '4.00 GBP due to the customer of web'],
  [
    { type: 'OrderRefundDue', data: { currency: 'GBP', amount: '0.00' } },
    'nothing is due to the customer any more',
  ],
  [
    {
      type: 'OrderExchangeSettled',
      data: {
        exchangeId: 'x',
        currency: 'GBP',
        charged: '5.00',
        carried: '4.00',
        toPay: '1.00',
        toGiveBack: '0.00',
      },
    },
    'exchange x settled: 4.00 of 5.00 GBP carried, 1.00 to pay',
  ],
  [
    {
      type: 'OrderExchangeEnded',
      data: { exchangeId: 'x', code: 'rejected', detail: 'none left', currency: 'GBP', owed: '4.00' },
    },
    'exchange x ended (rejected), 4.00 GBP owed in money again: none left',
  ],
];

/** Of every type of event: what it says of an order whose numbers one can count. */
const SENTENCES: readonly (readonly [type: OrderEvent['type'], says: string, told: string | undefined])[] = [
  [
    'OrderPlaced',
    'placed on web as 1001: 3 MUG, 2 CUP and 1 POST for 25.00 GBP, with coupon TEN; waits for its confirmation until 2026-01-15T12:15:00Z',
    last(MUGS),
  ],
  [
    'OrderReserved',
    'reserved: 3 MUG in main and 2 CUP in berlin; coupon TEN takes off 2.00 GBP',
    last(MUGS, RESERVED),
  ],
  ['OrderConfirmed', 'confirmed', last(...CONFIRMED)],
  [
    'OrderRejected',
    'rejected (insufficient_stock): 1 of 3 MUG left',
    last(MUGS, { type: 'refuse', code: 'insufficient_stock', detail: '1 of 3 MUG left' }),
  ],
  [
    'OrderExpired',
    'expired: it was not confirmed by 2026-01-15T12:15:00Z',
    last(MUGS, RESERVED, { type: 'expire', dueAt: '2026-01-15T12:15:00Z' }),
  ],
  [
    'OrderLinesCancelled',
    '1 of 3 MUG and 2 of 2 CUP cancelled: late',
    last(...CONFIRMED, {
      type: 'cancel',
      cancellationId: 'c',
      reason: 'late',
      lines: [
        { lineId: '1', quantity: 1 },
        { lineId: '2', quantity: 2 },
      ],
    }),
  ],
  [
    'OrderLinesCancelled',
    '3 of 3 MUG, 2 of 2 CUP and 1 of 1 POST cancelled, and with it the order',
    last(...CONFIRMED, { type: 'cancel', cancellationId: 'c', reason: '' }),
  ],
  [
    'OrderShipped',
    '2 of 3 MUG and 1 of 1 POST shipped from main as shipment s1',
    last(...CONFIRMED, { type: 'ship', shipmentId: 's1', lines: [{ lineId: '1', quantity: 2 }] }),
  ],
  [
    'OrderShipped',
    '3 of 3 MUG from main, 2 of 2 CUP from berlin and 1 of 1 POST shipped as shipment s1',
    told(...SHIPPED).at(-2)?.text,
  ],
  ['OrderCompleted', 'complete: nothing of it is open any more', last(...SHIPPED)],
  [
    'OrderReturned',
    '1 of 3 MUG returned to main as return r1 (credit note C7), 4.84 GBP credited: broken',
    last(...SHIPPED, back(1)),
  ],
  [
    'OrderReturned',
    '1 of 3 MUG returned to main as return r1 (credit note C7), 5.00 GBP credited, 0.16 GBP more than was paid: broken',
    last(...SHIPPED, back(1, '5.00')),
  ],
  [
    'OrderReturned',
    '1 of 3 MUG returned to main as return r1 (credit note C7), 4.00 GBP credited, 0.84 GBP less than was paid: broken',
    last(...SHIPPED, back(1, '4.00')),
  ],
  [
    'OrderHeld',
    'held for fraud by rule big (version 2): 15.00 GBP is over 10.00; blocks confirmation',
    last(HELD),
  ],
  [
    'OrderHeld',
    'CUP held for address by hand: no house number; blocks confirmation and shipment',
    last(
      MUGS,
      RESERVED,
      review('adr', {
        holdType: 'address',
        blocks: ['confirm', 'ship'],
        lines: ['2'],
        reason: 'no house number',
      }),
    ),
  ],
  [
    'OrderHoldResolved',
    'released from the hold for fraud (rule:big): paid by wire',
    last(HELD, resolveReview('rule:big', 'released', { reason: 'paid by wire' })),
  ],
  [
    'OrderHoldResolved',
    'rejected by the hold for fraud (rule:big): looked at',
    told(HELD, reserve(HELD), resolveReview('rule:big', 'rejected')).at(-2)?.text,
  ],
  [
    'OrderHoldResolved',
    'the hold for fraud (rule:big) lapsed: cancelled',
    told(HELD, reserve(HELD), LAPSED).at(-2)?.text,
  ],
  [
    'OrderSplit',
    '2 of 3 MUG and 1 of 2 CUP split off as later, wanted on 2026-12-24, with priority 2',
    last(...CONFIRMED, {
      type: 'split',
      splitId: 'later',
      lines: [
        { lineId: '1', quantity: 2 },
        { lineId: '2', quantity: 1 },
      ],
      requestedDate: '2026-12-24',
      priority: 2,
    }),
  ],
  ['OrderSplit', '2 of 3 MUG split off as later', last(...CONFIRMED, APART)],
  [
    'OrderSplitUndone',
    'split later undone: one parcel after all',
    last(...CONFIRMED, APART, { type: 'undo-split', splitId: 'later', reason: 'one parcel after all' }),
  ],
  [
    'OrderShipped',
    '2 of 3 MUG and 1 of 1 POST shipped from main as shipment s1 of split later',
    last(...CONFIRMED, APART, { type: 'ship', shipmentId: 's1', splitId: 'later' }),
  ],
];

describe('the timeline in words', () => {
  test.each(SENTENCES)('%s: %s', (_, said, text) => {
    expect(text).toBe(said);
  });

  test.each(LATER.map(([event, said]) => [event.type, said, says(event)] as const))(
    '%s: %s',
    (_, said, text) => {
      expect(text).toBe(said);
    },
  );

  test('has a sentence for every type of event of an order', () => {
    const types = [
      ...new Set<string>([...SENTENCES.map(([type]) => type), ...LATER.map(([{ type }]) => type), AGREED]),
    ].sort();
    expect(types).toEqual([...orderEvents, ...exchangeEvents].map(({ type }) => type).sort());
  });

  test('says something of every event ever written, whatever came before it', () => {
    const golden = new URL('../runtime/golden/events.json', import.meta.url);
    const written = JSON.parse(readFileSync(golden, 'utf8')) as OrderEvent[];
    const ofOrders = written.filter(({ type }) =>
      [...orderEvents, ...exchangeEvents].some((one) => one.type === type),
    );
    expect(ofOrders.length).toBeGreaterThanOrEqual(orderEvents.length);
    let state = order.initialState;
    for (const event of ofOrders) {
      for (const before of [state, order.initialState]) {
        expect([event.type, sentenceOf(event, before)]).toEqual([event.type, expect.stringMatching(/\w{4}/)]);
      }
      state = order.evolve(state, event);
    }
  });

  test('says why a location was passed over', () => {
    const one = place([{ lineId: '1', sku: 'MUG' }]);
    const allocations = [
      {
        sku: 'MUG',
        location: 'shop',
        quantity: 1,
        refused: [{ location: 'main', code: 'insufficient_stock' }],
      },
    ];
    expect(last(one, { type: 'reserve', allocations, coupons: [] })).toBe(
      'reserved: 1 MUG in shop (main said insufficient_stock)',
    );
  });

  test('names a few lines of many and counts the others', () => {
    const lines = Array.from({ length: LISTED_MAX + 7 }, (_, index) => ({
      lineId: `${index}`,
      sku: `S${index}`,
    }));
    expect(last(place(lines))).toContain(': 1 S0, 1 S1, 1 S2, 1 S3, 1 S4 and 7 more for 12.00 GBP;');
  });
});
