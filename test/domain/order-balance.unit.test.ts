import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { unitShares } from '../../src/domain/apportion.js';
import { balanceOf, type CostedLine, costOf } from '../../src/domain/order-balance.js';
import { NO_SUMS } from '../../src/domain/payment.js';

const GBP = { currency: 'GBP', carriedAway: 0n, carriedIn: 0n };
/** Three units for 10.00, less 1.00, with 0.50 tax: 9.50. */
const line: CostedLine = { quantity: 3, cancelled: 0, returned: 0, amount: 1_000n, discount: 100n, tax: 50n };
const cost = (
  more: Partial<CostedLine> = {},
  allowance = 0n,
  status: Parameters<typeof costOf>[0]['status'] = 'confirmed',
) => costOf({ ...GBP, status, lines: [{ ...line, ...more }], allowance });

describe('what an order costs', () => {
  test('is what its units carry that are neither cancelled nor came back', () => {
    expect(cost()).toBe(950n);
    // The last unit carries 3.33 - 0.33 + 0.16, the first 3.34 - 0.34 + 0.17.
    expect(cost({ cancelled: 1 })).toBe(950n - 316n);
    expect(cost({ returned: 1 })).toBe(950n - 317n);
    expect(cost({ returned: 3 })).toBe(0n);
  });

  test('is less by what was allowed, and never less than nothing', () => {
    expect(cost({}, 200n)).toBe(750n);
    expect(cost({}, -50n)).toBe(1_000n);
    expect(cost({ returned: 3 }, 1n)).toBe(0n);
  });

  test('is nothing where it has ended empty', () => {
    for (const status of ['rejected', 'expired', 'cancelled'] as const)
      expect(cost({}, -5n, status)).toBe(0n);
    expect(cost({}, 0n, 'completed')).toBe(950n);
  });

  test('has its parts of tax each by itself', () => {
    const taxes = ['0.25', '0.25'].map((amount) => ({ kind: 'vat' as const, amount }));
    // Each part gives the first unit 0.09, together one penny more than 0.50 in one.
    expect(cost({ returned: 1, taxes })).toBe(950n - 318n);
    expect(cost({ taxes })).toBe(950n);
  });

  test('an exchange carried away counts as spent, and pays the new order at most what that came to', () => {
    const of = (more: Partial<Parameters<typeof costOf>[0]>) =>
      costOf({ ...GBP, status: 'completed', lines: [line], allowance: 0n, ...more });
    expect(of({ lines: [{ ...line, returned: 3 }], carriedAway: 950n })).toBe(950n);
    // What was credited beyond it pays for what is carried, and is no debt.
    expect(of({ lines: [{ ...line, returned: 3 }], allowance: 200n, carriedAway: 1_150n })).toBe(950n);
    expect(of({ lines: [{ ...line, returned: 3 }], allowance: 200n, carriedAway: 50n })).toBe(0n);
    expect(of({ carriedIn: 500n })).toBe(450n);
    expect(of({ carriedIn: 2_000n })).toBe(0n);
    // What comes back of it was paid by the credit, and is owed.
    expect(of({ carriedIn: 2_000n, lines: [{ ...line, returned: 1 }] })).toBe(-317n);
  });

  test('and what was taken off it come to the whole, in whatever parts', () => {
    const aLine = fc
      .tuple(fc.integer({ min: 1, max: 30 }), fc.nat({ max: 30 }), fc.nat({ max: 30 }))
      .map(([quantity, a, b]) => {
        const cancelled = Math.min(a, quantity);
        return { quantity, cancelled, returned: Math.min(b, quantity - cancelled) };
      });
    fc.assert(
      fc.property(
        aLine,
        fc.bigInt({ min: 0n, max: 99_999n }),
        fc.bigInt({ min: 0n, max: 9_999n }),
        (units, amount, tax) => {
          const { quantity, cancelled, returned } = units;
          const off = (total: bigint): bigint =>
            unitShares(total, quantity, 0, returned) +
            unitShares(total, quantity, quantity - cancelled, quantity);
          const left = costOf({
            ...GBP,
            status: 'confirmed',
            lines: [{ ...units, amount, discount: 0n, tax }],
            allowance: 0n,
          });
          expect(left + off(amount) + off(tax)).toBe(amount + tax);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('the balance', () => {
  test('is to pay or to give back, never both', () => {
    expect(balanceOf(950n, NO_SUMS)).toMatchObject({ due: 950n, overpaid: 0n });
    expect(balanceOf(950n, { ...NO_SUMS, captured: 950n })).toMatchObject({ due: 0n, overpaid: 0n });
    expect(balanceOf(0n, { ...NO_SUMS, captured: 950n, refunded: 400n })).toMatchObject({
      due: 0n,
      overpaid: 550n,
    });
  });

  test('owes again what a bank took back, and what went back twice besides', () => {
    const twice = { ...NO_SUMS, captured: 950n, refunded: 950n, chargedBack: 950n, excess: 950n };
    expect(balanceOf(950n, twice).due).toBe(1_900n);
  });
});
