import { apportion } from './apportion.js';
import type { CouponTerms } from './coupon.js';
import { amountOf, divideHalfEven, formatAmount, parseDecimal } from './money.js';
import type { Discount } from './order-events.js';
import type { OrderLine } from './order-state.js';

const PERCENT_DECIMALS = 4;

/** What the terms take off `base` minor units: never more than there is. */
const amountOff = ({ discount }: CouponTerms, base: bigint, currency: string): bigint => {
  if (discount.kind === 'amount') {
    const off = amountOf(discount.amount, currency);
    return off < base ? off : base;
  }
  const percent = parseDecimal(discount.percent, PERCENT_DECIMALS) ?? 0n;
  return divideHalfEven(base * percent, 100n * 10n ** BigInt(PERCENT_DECIMALS));
};

/**
 * Takes coupons off the goods of an order, one after the other, each from what the earlier ones left, spread over the lines by
 * largest remainder. Charges and vouchers are never discounted.
 */
export const discountLines = (
  lines: readonly OrderLine[],
  coupons: readonly { readonly code: string; readonly terms: CouponTerms }[],
  currency: string,
): Discount[] => {
  const goods = lines.filter(({ kind }) => kind === 'goods');
  const left = goods.map(({ amount }) => amount);
  return coupons.map(({ code, terms }) => {
    const base = left.reduce((sum, amount) => sum + amount, 0n);
    const off = amountOff(terms, base, currency);
    const shares = apportion(off, left);
    shares.forEach((share, index) => {
      left[index] = (left[index] ?? 0n) - share;
    });
    return {
      code,
      amount: formatAmount(off, currency),
      shares: goods.flatMap(({ lineId }, index) => {
        const share = shares[index] ?? 0n;
        return share === 0n ? [] : [{ lineId, amount: formatAmount(share, currency) }];
      }),
    };
  });
};
