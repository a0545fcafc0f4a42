import type { Dice } from '../../../src/cli/demo/random.js';
import { LOCATIONS, SKUS } from './shop.js';
import type { Send } from './talk.js';

/** Goods that come. */
export const receive = (send: Send, dice: Dice, id: string) => {
  const location = dice.pick(LOCATIONS);
  const sku = dice.pick(SKUS);
  return send('receive', {
    path: `/v1/locations/${location}/receipts`,
    body: { receiptId: id, sku, quantity: dice.between(4, 16) },
    key: undefined,
    stream: `stock-${location}~${sku}`,
    eventType: 'StockReceived',
    businessId: id,
  });
};

/** Somebody counts, and finds less or more. */
export const adjust = (send: Send, dice: Dice, id: string) => {
  const location = dice.pick(LOCATIONS);
  const sku = dice.pick(SKUS);
  return send('adjust', {
    path: `/v1/locations/${location}/adjustments`,
    body: { adjustmentId: id, sku, delta: dice.chance(0.7) ? -dice.between(1, 3) : 2, reason: 'counted' },
    key: `${id}-key`,
    stream: `stock-${location}~${sku}`,
    eventType: 'StockAdjusted',
    businessId: id,
  });
};

const COUPON_LIMIT = 6;
export const couponOf = (round: number): string => `OFF-${round}`;

export const issueCoupon = (send: Send, round: number) => {
  const code = couponOf(round);
  const discount = { kind: 'amount', amount: '3.00', currency: 'EUR' };
  return send('issue', {
    path: '/v1/coupons',
    body: { code, discount, limit: COUPON_LIMIT },
    key: undefined,
    stream: `coupon-${code}`,
    eventType: 'CouponIssued',
    businessId: '',
  });
};
