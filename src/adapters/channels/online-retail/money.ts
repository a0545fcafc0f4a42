const PRICE_PATTERN = /^(-?)(\d+)(?:\.(\d+))?$/;
/** Most decimals a unit price may have. */
export const MAX_PRICE_DECIMALS = 6;
const MICROS_PER_PENNY = 10n ** BigInt(MAX_PRICE_DECIMALS - 2);

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

function micros(price: string): bigint {
  const point = price.indexOf('.');
  if (point < 0) return BigInt(price) * 10n ** BigInt(MAX_PRICE_DECIMALS);
  return BigInt(price.slice(0, point) + price.slice(point + 1).padEnd(MAX_PRICE_DECIMALS, '0'));
}

/**
 * What a line is worth in pence: unit price (pounds, a decimal of at most six places) times quantity, rounded half
 * even once. The sign follows price and quantity, so a refund is the exact negative of its sale.
 */
export function amountPence(unitPrice: string, quantity: number): bigint {
  const exact = micros(unitPrice) * BigInt(quantity);
  const pence = exact / MICROS_PER_PENNY;
  const rest = exact % MICROS_PER_PENNY;
  const twice = 2n * (rest < 0n ? -rest : rest);
  if (twice < MICROS_PER_PENNY || (twice === MICROS_PER_PENNY && pence % 2n === 0n)) return pence;
  return exact < 0n ? pence - 1n : pence + 1n;
}

/**
 * Splits an amount in proportion to quantities, in their order. Shares always sum to the amount; where every unit is
 * worth the same whole number of pence each share is exactly its units' worth.
 */
export function apportion(pence: bigint, quantities: readonly number[]): bigint[] {
  const total = BigInt(quantities.reduce((sum, quantity) => sum + quantity, 0));
  let taken = 0n;
  let given = 0n;
  return quantities.map((quantity) => {
    taken += BigInt(quantity);
    const share = (pence * taken) / total - given;
    given += share;
    return share;
  });
}
