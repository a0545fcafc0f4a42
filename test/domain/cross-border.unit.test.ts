import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { order, type PlaceOrder } from '../../src/domain/order.js';
import type { OrderEvent, OrderUnits } from '../../src/domain/order-events.js';
import { settlement } from '../../src/domain/settlement.js';
import { bookingOf } from '../../src/domain/settlement-entry.js';
import { TAX_KINDS, type TaxPart } from '../../src/domain/tax.js';
import { given } from '../support/decider-spec.js';
import { place } from '../support/orders.js';
import { isCause, live, type OrderLife, undo } from './settlement-orders.js';

/** Duties and taxes of lines, and the currency that an order is settled in, through the order and its ledger. */
const RATE = { currency: 'EUR', rate: '1.1555', source: 'ECB', asOf: '2026-01-15T00:00:00Z' };
const DUTY_AND_VAT: TaxPart[] = [
  { kind: 'duty', country: 'GB', rate: '0.1', amount: '10.00' },
  { kind: 'vat', name: 'UK VAT', amount: '20.00' },
];
const three = (more: Partial<PlaceOrder['lines'][number]> = {}, of: Partial<PlaceOrder> = {}) =>
  place([{ lineId: '1', quantity: 3, unitPrice: '33.33', tax: '30.00', taxes: DUTY_AND_VAT, ...more }], of);

const unitsIn = (events: readonly OrderEvent[], type: string): OrderUnits[] =>
  events.flatMap((event) => (isCause(event) && event.type === type ? event.data.lines : []));
const taxesOf = (units: readonly OrderUnits[]) =>
  units.map(({ tax, taxes }) => [tax, ...(taxes ?? []).map(({ amount }) => amount)]);
const life = (placed: PlaceOrder, ...moves: OrderLife['moves']): OrderLife => ({
  placed,
  percent: undefined,
  moves,
});
const move = (type: 'ship' | 'return', quantity: number) => ({ type, line: 1, quantity }) as const;

/** What the entries of these events come to, by account; in the other currency too. */
const balances = (events: readonly OrderEvent[]) => {
  const own = new Map<string, bigint>();
  const other = new Map<string, bigint>();
  events.filter(isCause).forEach((event, index) => {
    const booking = bookingOf(event, 'web~1');
    const entry = {
      ...booking,
      month: '2026-01',
      effectiveAt: '2026-01-15T12:00:00Z',
      effectiveDay: '2026-01-15',
    };
    const at = `${index + 1}`;
    const cause = {
      id: at,
      type: event.type,
      stream: 'order-web~1',
      revision: index,
      commit: at,
      prepare: at,
    };
    const decision = settlement.decide({ type: 'post', cause, after: null, entry }, settlement.initialState);
    if (!Array.isArray(decision)) throw new Error('refused');
    const { postings, settlement: settled } = decision[0].data;
    let [sum, sumOther] = [0n, 0n];
    postings.forEach(({ account, amount }: { account: string; amount: string }, line: number) => {
      const minor = BigInt(amount.replace('.', ''));
      const otherMinor = BigInt((settled?.amounts[line] ?? '0').replace('.', ''));
      sum += minor;
      sumOther += otherMinor;
      own.set(account, (own.get(account) ?? 0n) + minor);
      other.set(account, (other.get(account) ?? 0n) + otherMinor);
    });
    expect([sum, sumOther]).toEqual([0n, 0n]);
  });
  return { own, other };
};

describe('duty and VAT on 3 units that do not divide', () => {
  const { events } = live(
    life(three(), move('ship', 1), move('ship', 2), move('return', 1), move('return', 1), move('return', 1)),
  );

  test('are shipped with each unit by their own shares, and the tax of a unit is what these come to', () => {
    expect(taxesOf(unitsIn(events, 'OrderShipped'))).toEqual([
      ['10.01', '3.34', '6.67'],
      ['19.99', '6.66', '13.33'],
    ]);
  });

  test('partial returns give back each exactly', () => {
    expect(taxesOf(unitsIn(events, 'OrderReturned'))).toEqual([
      ['10.01', '3.34', '6.67'],
      ['10.00', '3.33', '6.67'],
      ['9.99', '3.33', '6.66'],
    ]);
    const { own } = balances(events);
    expect([own.get('receivable'), own.get('tax:duty'), own.get('tax:vat'), own.get('tax')]).toEqual([
      0n,
      0n,
      0n,
      undefined,
    ]);
  });

  test('are posted to an account of each kind; a line without parts goes to tax as ever', () => {
    const both = place([
      { lineId: '1', quantity: 3, unitPrice: '33.33', tax: '30.00', taxes: DUTY_AND_VAT },
      { lineId: '2', sku: 'B', quantity: 1, unitPrice: '5.00', tax: '1.00' },
    ]);
    const { own } = balances(undo(live(life(both))).filter(({ type }) => type === 'OrderShipped'));
    expect(Object.fromEntries(own)).toEqual({
      receivable: 13_599n,
      sales: -10_499n,
      'tax:duty': -1_000n,
      'tax:vat': -2_000n,
      tax: -100n,
    });
  });

  test('of a line of two taxes of one kind, one posting', () => {
    const taxes: TaxPart[] = [
      { kind: 'vat', country: 'DE', amount: '10.00' },
      { kind: 'vat', country: 'FR', amount: '20.00' },
    ];
    const { own } = balances(live(life(three({ taxes }), move('ship', 3))).events);
    expect(own.get('tax:vat')).toBe(-3_000n);
  });
});

describe('an order is refused', () => {
  test.each([
    ['tax_mismatch', 'parts that come to less than the tax', { tax: '30.01' }],
    ['tax_mismatch', 'parts of no tax', { tax: '0.00' }],
    [
      'invalid_amount',
      'a part that is no amount of the currency',
      { taxes: [{ kind: 'duty', amount: '30.001' }] },
    ],
  ] as const)('%s: %s', (code, _, more) => {
    const asked = three(more as Partial<PlaceOrder['lines'][number]>);
    given(order).when(asked).thenRejected(code);
  });

  test('invalid_rate: settled in its own currency', () => {
    given(order)
      .when(three({}, { settlement: { ...RATE, currency: 'GBP' } }))
      .thenRejected('invalid_rate');
  });
});

describe('an order that is settled in another currency', () => {
  const settled = three({}, { settlement: RATE });
  const shippedAndBack = live(life(settled, move('ship', 3), move('return', 3))).events;

  test('says so with everything that moves money, and each entry says what its postings come to', () => {
    for (const event of shippedAndBack.filter(isCause)) {
      expect(event.data).toMatchObject({ settlement: RATE });
    }
    // 129.99 at 1.1555 is 150.203..., once; the credits are its parts by largest remainder.
    const { other } = balances(
      shippedAndBack.slice(
        0,
        shippedAndBack.findIndex(({ type }) => type === 'OrderReturned'),
      ),
    );
    expect(Object.fromEntries(other)).toEqual({
      receivable: 15_020n,
      sales: -11_554n,
      'tax:duty': -1_155n,
      'tax:vat': -2_311n,
    });
  });

  test('comes to nothing in both when all of it comes back at once', () => {
    const { own, other } = balances(shippedAndBack);
    expect([own.get('receivable'), other.get('receivable')]).toEqual([0n, 0n]);
    expect([other.get('tax:duty'), other.get('tax:vat')]).toEqual([0n, 0n]);
  });

  test('one that is not has nothing of it in any event', () => {
    const { events } = live(life(three(), move('ship', 3)));
    expect(JSON.stringify(events)).not.toContain('settlement');
  });
});

const aLine = fc.record({
  quantity: fc.integer({ min: 1, max: 6 }),
  unitPrice: fc.integer({ min: 0, max: 9_999 }).map((n) => `${n}`),
  parts: fc.array(fc.record({ kind: fc.constantFrom(...TAX_KINDS), minor: fc.nat(9_999) }), { maxLength: 4 }),
});
const moves = fc.array(
  fc.record({
    type: fc.constantFrom('ship' as const, 'return' as const),
    line: fc.integer({ min: 1, max: 3 }),
    quantity: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 10 },
);

test('whatever is shipped and returned in whatever parts, in the end every tax of every kind is given back, and both currencies balance', () => {
  const lives = fc.record({
    lines: fc.array(aLine, { minLength: 1, maxLength: 3 }),
    moves,
    euros: fc.boolean(),
  });
  fc.assert(
    fc.property(lives, ({ lines, moves: some, euros }) => {
      const placed = place(
        lines.map(({ quantity, unitPrice, parts }, index) => {
          const taxes = parts.map(({ kind, minor }): TaxPart => ({ kind, amount: `${minor}` }));
          const tax = `${parts.reduce((sum, { minor }) => sum + minor, 0)}`;
          return { lineId: `${index + 1}`, quantity, unitPrice, tax, ...(taxes.length > 0 ? { taxes } : {}) };
        }),
        { currency: 'JPY', ...(euros ? { settlement: RATE } : {}) },
      );
      const events = undo(live({ placed, percent: undefined, moves: some }));
      for (const unit of [...unitsIn(events, 'OrderShipped'), ...unitsIn(events, 'OrderReturned')]) {
        if (unit.taxes === undefined) continue;
        expect(unit.taxes.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(unit.tax));
      }
      const { own } = balances(events);
      for (const [account, minor] of own) {
        if (account.startsWith('tax') || account === 'receivable')
          expect([account, minor]).toEqual([account, 0n]);
      }
    }),
    { numRuns: 1_000 },
  );
});
