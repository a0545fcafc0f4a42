import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CouponTerms } from '../../src/domain/coupon.js';
import { discountLines } from '../../src/domain/discount.js';
import { amountOf } from '../../src/domain/money.js';
import type { OrderLine } from '../../src/domain/order-state.js';
import { aLine, type LineInput } from '../support/orders.js';

const orderLine = ({ amount, ...line }: LineInput & { readonly amount: bigint }): OrderLine => ({
  ...aLine(line),
  amount,
  tax: 0n,
  discount: 0n,
  shipped: 0,
  cancelled: 0,
  returned: 0,
});
const goods = (...amounts: bigint[]): OrderLine[] =>
  amounts.map((amount, index) => orderLine({ lineId: String(index + 1), amount }));
const percent = (text: string): CouponTerms => ({ discount: { kind: 'percent', percent: text }, limit: 1 });
const off = (amount: string, currency = 'GBP'): CouponTerms => ({
  discount: { kind: 'amount', amount, currency },
  limit: 1,
});
const coded = (...terms: CouponTerms[]) => terms.map((one, index) => ({ code: `C${index + 1}`, terms: one }));
const GBP = 'GBP';

describe('coupons on an order', () => {
  test('an amount is spread over the goods in proportion and sums to itself', () => {
    const [discount] = discountLines(goods(1000n, 1000n, 1000n), coded(off('10.00')), GBP);
    expect(discount).toEqual({
      code: 'C1',
      amount: '10.00',
      shares: [
        { lineId: '1', amount: '3.34' },
        { lineId: '2', amount: '3.33' },
        { lineId: '3', amount: '3.33' },
      ],
    });
  });

  test('a percentage is of the whole order, rounded half to even once', () => {
    expect(discountLines(goods(125n), coded(percent('10')), GBP)[0]?.amount).toBe('0.12');
    expect(discountLines(goods(135n), coded(percent('10')), GBP)[0]?.amount).toBe('0.14');
    expect(discountLines(goods(5n, 5n, 5n, 5n), coded(percent('10')), GBP)[0]?.amount).toBe('0.02');
    expect(discountLines(goods(1_000_000n), coded(percent('0.0001')), GBP)[0]?.amount).toBe('0.01');
  });

  test('the second takes from what the first has left', () => {
    const [first, second] = discountLines(goods(10_000n), coded(percent('10'), percent('10')), GBP);
    expect([first?.amount, second?.amount]).toEqual(['10.00', '9.00']);
  });

  test('an amount above what is left takes what is left, and the next one nothing', () => {
    const [first, second, third] = discountLines(
      goods(300n, 200n),
      coded(off('4.00'), off('4.00'), off('4.00')),
      GBP,
    );
    expect([first?.amount, second?.amount, third?.amount]).toEqual(['4.00', '1.00', '0.00']);
    expect(third?.shares).toEqual([]);
  });

  test('charges and vouchers are never discounted', () => {
    const lines = [
      orderLine({ lineId: '1', amount: 1000n }),
      orderLine({ lineId: '2', kind: 'charge', amount: 500n }),
      orderLine({ lineId: '3', kind: 'voucher', amount: 500n }),
    ];
    expect(discountLines(lines, coded(percent('100')), GBP)).toEqual([
      { code: 'C1', amount: '10.00', shares: [{ lineId: '1', amount: '10.00' }] },
    ]);
    expect(discountLines(lines.slice(1), coded(off('5.00')), GBP)).toEqual([
      { code: 'C1', amount: '0.00', shares: [] },
    ]);
  });

  test('free goods carry no share', () => {
    expect(discountLines(goods(0n, 100n), coded(off('0.50')), GBP)[0]?.shares).toEqual([
      { lineId: '2', amount: '0.50' },
    ]);
    expect(discountLines(goods(0n), coded(off('0.50')), GBP)[0]?.amount).toBe('0.00');
  });

  test('Medusa #12226: 100 % off leaves exactly nothing', () => {
    const lines = goods(1n, 333n, 99_999n);
    const [discount] = discountLines(lines, coded(percent('100')), GBP);
    expect(discount?.amount).toBe('1003.33');
    expect(discount?.shares.map(({ amount }) => amount)).toEqual(['0.01', '3.33', '999.99']);
  });

  test('Vendure #2995: an amount that no quantity divides is spread without loss', () => {
    const [discount] = discountLines(goods(999n, 999n, 999n), coded(off('1', 'GBP')), GBP);
    expect(discount?.shares.map(({ amount }) => amount)).toEqual(['0.34', '0.33', '0.33']);
  });

  test('whatever coupons come in whatever order: their shares sum to them, no line goes below zero', () => {
    const currency = fc.constantFrom('GBP', 'JPY', 'KWD');
    const terms = fc.oneof(
      fc.integer({ min: 0, max: 1_000_000 }).map((n) => percent((n / 10_000).toFixed(4))),
      fc.nat({ max: 50_000 }).map((n) => off(String(n))),
    );
    const amounts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 7n }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(amounts, fc.array(terms, { maxLength: 5 }), currency, (each, coupons, code) => {
        const lines = goods(...each);
        const left = new Map(lines.map(({ lineId, amount }) => [lineId, amount]));
        const discounts = discountLines(lines, coded(...coupons), code);
        expect(discounts).toHaveLength(coupons.length);
        for (const { amount, shares } of discounts) {
          let sum = 0n;
          for (const { lineId, amount: share } of shares) {
            sum += amountOf(share, code);
            left.set(lineId, (left.get(lineId) ?? 0n) - amountOf(share, code));
          }
          expect(sum).toBe(amountOf(amount, code));
          for (const rest of left.values()) expect(rest >= 0n).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
