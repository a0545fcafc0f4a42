import { lineAmount, UNIT_PRICE_DECIMALS_MAX } from '../../../domain/money.js';
import { CURRENCY } from './row.js';

const PRICE_PATTERN = /^(-?)(\d+)(?:\.(\d+))?$/;
/** Most decimals a unit price may have. */
export const MAX_PRICE_DECIMALS = UNIT_PRICE_DECIMALS_MAX;

/**
 * The shortest way to write a decimal (`'17.0'` becomes `'17'`, `'-0.00'` becomes `'0'`), so that equal prices are
 * equal strings; `undefined` when the text is not a plain decimal (no exponent, no thousands separator, no spaces).
 */
export function normalizeDecimal(text: string): string | undefined {
  const match = PRICE_PATTERN.exec(text);
  if (match === null) return undefined;
  const whole = (match[2] ?? '').replace(/^0+(?=\d)/, '');
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const magnitude = fraction === '' ? whole : `${whole}.${fraction}`;
  return magnitude === '0' ? '0' : `${match[1] ?? ''}${magnitude}`;
}

/** How many digits a decimal has behind its point, as written. */
export function decimalsOf(text: string): number {
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

/**
 * What a line is worth in pence, by the rule that an order's line has: so that a plan and the log cannot differ. Throws on a
 * price that no row has (the parser takes decimals of at most six places only).
 */
export function amountPence(unitPrice: string, quantity: number): bigint {
  const pence = lineAmount(unitPrice, quantity, CURRENCY);
  if (pence === undefined) throw new RangeError(`not a unit price: ${unitPrice}`);
  return pence;
}
