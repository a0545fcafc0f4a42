import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { apportion, unitShares } from '../../src/domain/apportion.js';

const sum = (numbers: readonly bigint[]): bigint => numbers.reduce((a, b) => a + b, 0n);
const amount = fc.bigInt({ min: 0n, max: 10n ** 12n });
const weights = fc
  .array(fc.oneof(fc.constant(0n), fc.constant(1n), amount), { minLength: 1, maxLength: 30 })
  .filter((all) => sum(all) > 0n);

describe('apportion', () => {
  test('the largest remainders get what is left, ties go to the earlier one', () => {
    expect(apportion(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
    expect(apportion(10n, [1n, 2n, 4n])).toEqual([1n, 3n, 6n]);
    expect(apportion(1n, [1n, 5n, 1n])).toEqual([0n, 1n, 0n]);
    expect(apportion(2n, [0n, 1n, 0n, 1n, 1n])).toEqual([0n, 1n, 0n, 1n, 0n]);
  });

  test('the shares sum to the total and each is off its ideal by less than one unit', () => {
    fc.assert(
      fc.property(amount, weights, (total, over) => {
        const shares = apportion(total, over);
        const all = sum(over);
        expect(sum(shares)).toBe(total);
        shares.forEach((share, index) => {
          const off = share * all - total * (over[index] ?? 0n);
          expect(off < all && off > -all).toBe(true);
          expect(share >= 0n).toBe(true);
        });
      }),
    );
  });

  test('whoever has the larger remainder never gets less of what is left', () => {
    fc.assert(
      fc.property(amount, weights, (total, over) => {
        const all = sum(over);
        const shares = apportion(total, over);
        const parts = over.map((weight, index) => ({
          rest: (total * weight) % all,
          extra: (shares[index] ?? 0n) - (total * weight) / all,
        }));
        const lucky = parts.filter(({ extra }) => extra === 1n).map(({ rest }) => rest);
        const others = parts.filter(({ extra }) => extra === 0n).map(({ rest }) => rest);
        for (const rest of lucky) for (const other of others) expect(rest >= other).toBe(true);
      }),
    );
  });

  test('a total of no more than the weights never takes more from one than it weighs', () => {
    fc.assert(
      fc.property(weights, fc.nat({ max: 1000 }), (over, permille) => {
        const shares = apportion((sum(over) * BigInt(permille)) / 1000n, over);
        shares.forEach((share, index) => {
          expect(share <= (over[index] ?? 0n)).toBe(true);
        });
      }),
    );
  });

  test('Saleor: a voucher of 10.00 over three equal lines drifts by 0.01; here it does not', () => {
    expect(apportion(1000n, [999n, 999n, 999n])).toEqual([334n, 333n, 333n]);
  });

  test('there is nothing to spread over no weight, and no negative numbers', () => {
    expect(apportion(0n, [])).toEqual([]);
    expect(apportion(0n, [0n, 0n])).toEqual([0n, 0n]);
    expect(() => apportion(1n, [])).toThrow(RangeError);
    expect(() => apportion(1n, [0n])).toThrow(RangeError);
    expect(() => apportion(-1n, [1n])).toThrow(RangeError);
    expect(() => apportion(1n, [2n, -1n])).toThrow(RangeError);
  });
});

describe('unit shares', () => {
  const split = fc
    .tuple(amount, fc.integer({ min: 1, max: 1000 }))
    .chain(([total, quantity]) =>
      fc.tuple(
        fc.constant(total),
        fc.constant(quantity),
        fc.uniqueArray(fc.integer({ min: 0, max: quantity }), { maxLength: 12 }),
      ),
    );

  test('any partition of the units sums to the total', () => {
    fc.assert(
      fc.property(split, ([total, quantity, cuts]) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), quantity];
        const shares = bounds
          .slice(1)
          .map((to, index) => unitShares(total, quantity, bounds[index] ?? 0, to));
        expect(sum(shares)).toBe(total);
        for (const share of shares) expect(share >= 0n).toBe(true);
      }),
    );
  });

  test('it is the largest remainder over equal weights', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 50 }), (total, quantity) => {
        const ones = Array.from({ length: quantity }, (_, unit) =>
          unitShares(total, quantity, unit, unit + 1),
        );
        expect(ones).toEqual(
          apportion(
            total,
            ones.map(() => 1n),
          ),
        );
      }),
    );
  });

  test('a discount of no more than the amount never exceeds it on any unit', () => {
    fc.assert(
      fc.property(
        amount,
        fc.integer({ min: 1, max: 60 }),
        fc.nat({ max: 1000 }),
        (total, quantity, permille) => {
          const discount = (total * BigInt(permille)) / 1000n;
          for (let unit = 0; unit < quantity; unit += 1) {
            const paid =
              unitShares(total, quantity, unit, unit + 1) - unitShares(discount, quantity, unit, unit + 1);
            expect(paid >= 0n).toBe(true);
          }
        },
      ),
    );
  });

  test.each([
    [-1, 1],
    [0, 4],
    [2, 1],
  ])('units %i to %i of 3 do not exist', (from, to) => {
    expect(() => unitShares(10n, 3, from, to)).toThrow(RangeError);
  });
});
