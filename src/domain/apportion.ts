/**
 * Apportionment: spreading an amount so that the shares always add up to it again. Frozen where it happens; every refund,
 * commission and rebate reads the shares and computes nothing of its own (design 3).
 */

/**
 * Spreads `total` over the weights by largest remainder; ties go to the earlier one. Shares sum to `total` exactly and differ
 * from the ideal by less than one minor unit. All weights zero: everything is zero and nothing may be spread.
 */
export const apportion = (total: bigint, weights: readonly bigint[]): bigint[] => {
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (total < 0n || weights.some((w) => w < 0n)) throw new RangeError('apportion takes no negative numbers');
  if (sum === 0n) {
    if (total !== 0n) throw new RangeError('nothing to apportion over');
    return weights.map(() => 0n);
  }
  const shares = weights.map((weight) => (total * weight) / sum);
  let left = total - shares.reduce((a, b) => a + b, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, rest: (total * weight) % sum }))
    .sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1));
  for (const { index } of byRemainder) {
    if (left === 0n) break;
    shares[index] = (shares[index] ?? 0n) + 1n;
    left -= 1n;
  }
  return shares;
};

/**
 * What units `from` (inclusive) to `to` (exclusive) of a line of `quantity` units carry of `total`. Equal weights make
 * largest remainder simple: the first `total mod quantity` units carry one minor unit more. Any partition of the
 * units sums to `total`, so no order of partial returns can give back more or less than was paid.
 */
export const unitShares = (total: bigint, quantity: number, from: number, to: number): bigint => {
  if (from < 0 || to > quantity || from > to)
    throw new RangeError(`no units ${from} to ${to} of ${quantity}`);
  const upTo = (units: number): bigint => {
    const base = total / BigInt(quantity);
    const more = total % BigInt(quantity);
    const count = BigInt(units);
    return base * count + (count < more ? count : more);
  };
  return upTo(to) - upTo(from);
};
