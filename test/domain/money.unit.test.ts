import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  AMOUNT_DIGITS_MAX,
  amountOf,
  divideHalfEven,
  exponentOf,
  formatAmount,
  isCurrency,
  lineAmount,
  parseAmount,
  parseDecimal,
} from '../../src/domain/money.js';
import { amountText, signedAmountText } from '../../src/domain/schemas.js';

const CURRENCIES = ['JPY', 'GBP', 'KWD', 'CLF', 'MGA'] as const;
const anyCurrency = fc.constantFrom(...CURRENCIES);
/** What can be written in every currency: 15 digits before the point, and some have none behind it. */
const anyMinor = fc.bigInt({ min: 1n - 10n ** 15n, max: 10n ** 15n - 1n });

describe('money', () => {
  test.each([
    ['JPY', 0, 1234n, '1234'],
    ['GBP', 2, 1234n, '12.34'],
    ['GBP', 2, 5n, '0.05'],
    ['GBP', 2, 0n, '0.00'],
    ['GBP', 2, -5n, '-0.05'],
    ['KWD', 3, 1234n, '1.234'],
    ['CLF', 4, 1n, '0.0001'],
    ['JPY', 0, -7n, '-7'],
  ])('%s has %i decimals: %s minor units are written %s', (currency, exponent, minor, text) => {
    expect(exponentOf(currency)).toBe(exponent);
    expect(formatAmount(minor, currency)).toBe(text);
    expect(parseAmount(text, currency)).toBe(minor);
  });

  test('ariary and ouguiya have the two decimals of ISO 4217, though their coins are fifths', () => {
    expect(exponentOf('MGA')).toBe(2);
    expect(exponentOf('MRU')).toBe(2);
  });

  test('whatever is written can be read back, and the schemas accept it', () => {
    fc.assert(
      fc.property(anyMinor, anyCurrency, (minor, currency) => {
        const text = formatAmount(minor, currency);
        expect(amountOf(text, currency)).toBe(minor);
        expect(signedAmountText.safeParse(text).success).toBe(true);
        if (minor >= 0n) expect(amountText.safeParse(text).success).toBe(true);
      }),
    );
  });

  test('fewer decimals than the currency has are filled up, more are refused and never rounded', () => {
    expect(parseAmount('12', 'GBP')).toBe(1200n);
    expect(parseAmount('12.3', 'GBP')).toBe(1230n);
    expect(parseAmount('12.345', 'GBP')).toBeUndefined();
    expect(parseAmount('12.340', 'GBP')).toBeUndefined();
    expect(parseAmount('1.0', 'JPY')).toBeUndefined();
    expect(parseAmount('1.2345', 'KWD')).toBeUndefined();
  });

  test.each([
    '',
    ' 1',
    '1 ',
    '1\n',
    '1.',
    '.5',
    '+1',
    '--1',
    '1e3',
    '1,5',
    '0x1',
    'NaN',
    'Infinity',
    '١',
    '1.2.3',
    `1${'0'.repeat(AMOUNT_DIGITS_MAX)}`,
  ])('%j is no amount', (text) => {
    expect(parseAmount(text, 'GBP')).toBeUndefined();
    expect(amountText.safeParse(text).success).toBe(false);
    expect(() => amountOf(text, 'GBP')).toThrow(RangeError);
  });

  test('the largest amount that can be written can be read', () => {
    const largest = 10n ** BigInt(AMOUNT_DIGITS_MAX + 2) - 1n;
    const written = (minor: bigint) => signedAmountText.safeParse(formatAmount(minor, 'GBP')).success;
    expect([written(largest), written(-largest), written(largest + 1n)]).toEqual([true, true, false]);
    expect(parseAmount(formatAmount(largest, 'GBP'), 'GBP')).toBe(largest);
  });

  test('a code that ISO 4217 does not know has no decimals, and asking for its amounts is a bug', () => {
    expect(isCurrency('GBP')).toBe(true);
    for (const code of ['gbp', 'XXXX', '', '__proto__', 'toString']) expect(isCurrency(code)).toBe(false);
    expect(exponentOf('QQQ')).toBeUndefined();
    expect(() => formatAmount(1n, 'QQQ')).toThrow(RangeError);
    expect(() => parseAmount('1', 'QQQ')).toThrow(RangeError);
  });

  test.each([
    [5n, 10n, 0n],
    [15n, 10n, 2n],
    [25n, 10n, 2n],
    [35n, 10n, 4n],
    [26n, 10n, 3n],
    [24n, 10n, 2n],
    [-5n, 10n, 0n],
    [-15n, 10n, -2n],
    [-25n, 10n, -2n],
    [-26n, 10n, -3n],
    [7n, 1n, 7n],
    [1n, 3n, 0n],
    [2n, 3n, 1n],
  ])('%s / %s rounds half to even to %s', (numerator, denominator, expected) => {
    expect(divideHalfEven(numerator, denominator)).toBe(expected);
  });

  test('rounding is off by half a unit at most, and symmetric around zero', () => {
    fc.assert(
      fc.property(anyMinor, fc.bigInt({ min: 1n, max: 10n ** 9n }), (numerator, denominator) => {
        const rounded = divideHalfEven(numerator, denominator);
        const twiceOff = 2n * (rounded * denominator - numerator);
        expect(twiceOff <= denominator && twiceOff >= -denominator).toBe(true);
        expect(divideHalfEven(-numerator, denominator)).toBe(-rounded);
      }),
    );
  });

  test('a line is rounded once, not per unit: 3 at 0.335 are 1.00, not 1.02', () => {
    expect(lineAmount('0.335', 3, 'GBP')).toBe(100n);
    expect(lineAmount('0.125', 1, 'GBP')).toBe(12n);
    expect(lineAmount('0.135', 1, 'GBP')).toBe(14n);
    expect(lineAmount('0.000001', 1_000_000, 'GBP')).toBe(100n);
    expect(lineAmount('0.5', 3, 'JPY')).toBe(2n);
    expect(lineAmount('0.0005', 3, 'KWD')).toBe(2n);
  });

  test('a unit price has six decimals at most', () => {
    expect(lineAmount('0.1234567', 1, 'GBP')).toBeUndefined();
    expect(lineAmount('one', 1, 'GBP')).toBeUndefined();
    expect(parseDecimal('1.5', 6)).toBe(1_500_000n);
  });
});
