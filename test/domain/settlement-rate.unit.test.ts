import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rateText, type SettlementRate, settledAmounts } from '../../src/domain/settlement-rate.js';

const at = (rate: string, currency = 'EUR'): SettlementRate => ({
  currency,
  rate,
  source: 'bank',
  asOf: '2026-11-27T00:00:00Z',
});

describe('an entry in another currency', () => {
  test('is converted once, half to even, and balances', () => {
    // 3 x 10.00 GBP at 1.1555 would be three times 11.56 (half up) or 11.55; the whole is 34.665, to even 34.66.
    expect(settledAmounts([3000n, -1000n, -1000n, -1000n], 'GBP', at('1.1555'))).toEqual([
      3466n,
      -1156n,
      -1155n,
      -1155n,
    ]);
    expect(settledAmounts([10n, -10n], 'GBP', at('0.25'))).toEqual([2n, -2n]);
    expect(settledAmounts([30n, -30n], 'GBP', at('0.25'))).toEqual([8n, -8n]);
  });

  test('of other decimals', () => {
    expect(settledAmounts([12_345n, -12_345n], 'GBP', at('190.5', 'JPY'))).toEqual([23_517n, -23_517n]);
    expect(settledAmounts([500n, -500n], 'JPY', at('0.00525', 'GBP'))).toEqual([262n, -262n]);
    expect(settledAmounts([1n, -1n], 'GBP', at('0.000000000001'))).toEqual([0n, 0n]);
  });

  test('that posts nothing comes to nothing', () => {
    expect(settledAmounts([], 'GBP', at('2'))).toEqual([]);
  });
});

test('balances always, whatever the rate and the postings, and the other way round it is the same the other way round', () => {
  const rate = fc
    .tuple(fc.nat(999), fc.bigInt({ min: 1n, max: 10n ** 12n - 1n }))
    .map(([whole, part]) => `${whole}.${part.toString().padStart(12, '0')}`);
  const legs = fc.array(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), { maxLength: 12 });
  fc.assert(
    fc.property(rate, legs, fc.constantFrom('EUR', 'JPY', 'BHD'), (text, some, currency) => {
      const minors = [...some, -some.reduce((sum, minor) => sum + minor, 0n)];
      const settled = settledAmounts(minors, 'GBP', at(text, currency));
      expect(settled.reduce((sum, minor) => sum + minor, 0n)).toBe(0n);
      const back = settledAmounts(
        minors.map((minor) => -minor),
        'GBP',
        at(text, currency),
      );
      expect(back).toEqual(settled.map((minor) => -minor));
      settled.forEach((minor, index) => {
        const from = minors[index] ?? 0n;
        expect(minor === 0n || minor > 0n === from > 0n).toBe(true);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('a rate is a positive decimal of up to 12 places', () => {
  for (const text of ['1', '0.000000000001', '999999999999.5'])
    expect(rateText.safeParse(text).success).toBe(true);
  for (const text of ['0', '0.0', '-1', '1e3', '1.0000000000001', '', '.5', '1,5']) {
    expect(rateText.safeParse(text).success).toBe(false);
  }
});
