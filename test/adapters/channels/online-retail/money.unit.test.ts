import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { amountPence, normalizeDecimal } from '../../../../src/adapters/channels/online-retail/money.js';

describe('line amounts', () => {
  test.each([
    ['0.001', 3, 0n],
    ['0.005', 1, 0n],
    ['0.015', 1, 2n],
    ['0.025', 1, 2n],
    ['0.025001', 1, 3n],
    ['0.005', -1, 0n],
    ['0.015', -1, -2n],
    ['-11062.06', 1, -1_106_206n],
    ['38970', 1, 3_897_000n],
    ['1.04', 80_995, 8_423_480n],
  ])('%s times %d is %d pence, rounded half even', (price, quantity, pence) => {
    expect(amountPence(price, quantity)).toBe(pence);
  });

  test('a refund is the exact negative of its sale', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.integer({ min: 1, max: 1_000_000 }), (micros, quantity) => {
        const price = normalizeDecimal((micros / 1e6).toFixed(6)) ?? '';
        expect(amountPence(price, -quantity)).toBe(-amountPence(price, quantity));
      }),
    );
  });
});

describe('decimals', () => {
  test.each([
    ['17.0', '17'],
    ['2.50', '2.5'],
    ['0.0', '0'],
    ['-0.00', '0'],
    ['007.10', '7.1'],
    ['-1.250', '-1.25'],
    ['1e3', undefined],
    ['.5', undefined],
    ['5.', undefined],
    ['1,000', undefined],
    [' 1', undefined],
    ['', undefined],
  ])('%p is written %p', (text, expected) => {
    expect(normalizeDecimal(text)).toBe(expected);
  });
});
