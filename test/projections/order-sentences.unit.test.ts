import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { type OrderEvent, orderEvents } from '../../src/domain/order-events.js';
import { LISTED_MAX, sentenceOf } from '../../src/projections/order-sentences.js';
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
  test.each(SENTENCES)('%s: %s', (_, says, text) => {
    expect(text).toBe(says);
  });

  test('has a sentence for every type of event of an order', () => {
    const types = [...new Set(SENTENCES.map(([type]) => type))].sort();
    expect(types).toEqual(orderEvents.map(({ type }) => type).sort());
  });

  test('says something of every event ever written, whatever came before it', () => {
    const golden = new URL('../runtime/golden/events.json', import.meta.url);
    const written = JSON.parse(readFileSync(golden, 'utf8')) as OrderEvent[];
    const ofOrders = written.filter(({ type }) => orderEvents.some((one) => one.type === type));
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
