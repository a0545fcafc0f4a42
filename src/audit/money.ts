import * as currencies from 'dinero.js/currencies';

/**
 * The audit's own arithmetic of money, so that a mistake in the product's is not repeated here. Amounts are integer minor units;
 * only the table of ISO 4217 comes from the same package.
 */
const decimals: ReadonlyMap<string, number> = new Map(
  // MGA and MRU have coins of a fifth, but ISO 4217 writes them with two decimals.
  Object.values(currencies).map(({ code, base, exponent }) => [code, base === 10 ? exponent : 2]),
);

const UNIT_PRICE_DECIMALS = 6;

/** Decimals of a currency. Throws RangeError for a code that ISO 4217 does not know. */
export const decimalsOf = (currency: string): number => {
  const found = decimals.get(currency);
  if (found === undefined) throw new RangeError(`unknown currency ${currency}`);
  return found;
};

const scaled = (text: string, places: number): bigint => {
  const point = text.indexOf('.');
  if (point < 0) return BigInt(text + '0'.repeat(places));
  const missing = places - (text.length - point - 1);
  if (missing < 0) throw new RangeError(`${text} has more than ${places} decimals`);
  return BigInt(text.slice(0, point) + text.slice(point + 1) + '0'.repeat(missing));
};

/** `minorOf('-12.3', 'GBP')` is `-1230n`. Throws RangeError for what is not an amount of the currency. */
export const minorOf = (text: string, currency: string): bigint =>
  text === '0.00' ? 0n : scaled(text, decimalsOf(currency));

/** `amountText(-1230n, 'GBP')` is `-12.30`. */
export const amountText = (minor: bigint, currency: string): string => {
  const places = decimalsOf(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  return `${minor < 0n ? '-' : ''}${whole}${places === 0 ? '' : `.${digits.slice(-places)}`}`;
};

/** Unit price (at most 6 decimals) x quantity, rounded once, half to even. */
export const priceTimes = (unitPrice: string, quantity: number, currency: string): bigint => {
  const exact = scaled(unitPrice, UNIT_PRICE_DECIMALS) * BigInt(quantity);
  const step = 10n ** BigInt(UNIT_PRICE_DECIMALS - decimalsOf(currency));
  const floor = exact / step;
  const above = (exact % step) * 2n;
  if (above < step) return floor;
  return above > step || floor % 2n === 1n ? floor + 1n : floor;
};

/** What the first `units` of a line's units carry of its amount: as even as it goes, the odd minor units on the first ones. */
export const carriedByFirst = (amount: bigint, quantity: number, units: number): bigint => {
  if (units === quantity) return amount;
  if (units === 0) return 0n;
  const count = BigInt(units);
  const odd = amount % BigInt(quantity);
  return (amount / BigInt(quantity)) * count + (count < odd ? count : odd);
};
