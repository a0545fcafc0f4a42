import * as currencies from 'dinero.js/currencies';

/**
 * Money is integer minor units (bigint) beside an ISO 4217 code; in JSON it is a decimal string with exactly the
 * currency's decimals. A unit price is not money: it is a decimal string of up to 6 places (design 3).
 */
const DECIMAL_BASE = 10;
/** ISO 4217 gives MGA and MRU two decimals, though their coins are fifths, which is what the package describes. */
const FIFTHS_DECIMALS = 2;
const exponents: ReadonlyMap<string, number> = new Map(
  Object.values(currencies).map(({ code, base, exponent }) => [
    code,
    base === DECIMAL_BASE ? exponent : FIFTHS_DECIMALS,
  ]),
);

/** Digits that an amount may have before the point: what is written can always be read again. */
export const AMOUNT_DIGITS_MAX = 15;

export const UNIT_PRICE_DECIMALS_MAX = 6;

/** Decimals of a currency, or undefined for a code that ISO 4217 does not know. */
export const exponentOf = (currency: string): number | undefined => exponents.get(currency);

/** All that ISO 4217 knows here. */
export const CURRENCIES: readonly string[] = [...exponents.keys()];

export const isCurrency = (code: string): boolean => exponents.has(code);

const requireExponent = (currency: string): number => {
  const exponent = exponents.get(currency);
  if (exponent === undefined) throw new RangeError(`unknown currency ${currency}`);
  return exponent;
};

/** `formatAmount(1234n, 'GBP')` is `12.34`; with 0 decimals there is no point. */
export const formatAmount = (minor: bigint, currency: string): string => {
  const exponent = requireExponent(currency);
  if (exponent === 0) return minor.toString();
  const negative = minor < 0n;
  const digits = (negative ? -minor : minor).toString().padStart(exponent + 1, '0');
  const cut = digits.length - exponent;
  return `${negative ? '-' : ''}${digits.slice(0, cut)}.${digits.slice(cut)}`;
};

/** `parseAmount('12.34', 'GBP')` is `1234n`; undefined when it is no decimal or has more places than the currency. */
export const parseAmount = (text: string, currency: string): bigint | undefined =>
  parseDecimal(text, requireExponent(currency));

/** A decimal string as an integer of `decimals` places; undefined when it does not fit exactly. */
export const parseDecimal = (text: string, decimals: number): bigint | undefined => {
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const fraction = match[3] ?? '';
  if (fraction.length > decimals) return undefined;
  const magnitude = BigInt((match[2] ?? '') + fraction.padEnd(decimals, '0'));
  return match[1] === '-' ? -magnitude : magnitude;
};

/** An amount this code wrote itself: a malformed one is a bug, not input. */
export const amountOf = (text: string, currency: string): bigint => {
  const minor = parseAmount(text, currency);
  if (minor === undefined) throw new RangeError(`not an amount of ${currency}: ${text}`);
  return minor;
};

/** `numerator / denominator` rounded half to even; the denominator is positive. */
export const divideHalfEven = (numerator: bigint, denominator: bigint): bigint => {
  let quotient = numerator / denominator;
  let rest = numerator % denominator;
  if (rest < 0n) {
    rest += denominator;
    quotient -= 1n;
  }
  const twice = rest * 2n;
  if (twice > denominator || (twice === denominator && quotient % 2n !== 0n)) quotient += 1n;
  return quotient;
};

/** Unit price x quantity in minor units, rounded half to even once; undefined when the price is no decimal of 6 places. */
export const lineAmount = (unitPrice: string, quantity: number, currency: string): bigint | undefined => {
  const price = parseDecimal(unitPrice, UNIT_PRICE_DECIMALS_MAX);
  if (price === undefined) return undefined;
  const scale = 10n ** BigInt(UNIT_PRICE_DECIMALS_MAX - requireExponent(currency));
  return divideHalfEven(price * BigInt(quantity), scale);
};
