import { unitShares } from './apportion.js';
import type { OrderState, OrderStatus } from './order-state.js';
import { type PaymentSums, totalSums } from './payment.js';

/**
 * What an order costs, what was paid for it, and so what is to pay or to give back: the one place where the two meet. Whatever changes what
 * an order costs (a return, an allowance, a change of the order) belongs into {@link costOf} and nowhere else; whatever moves money
 * belongs into `PaymentSums`. All amounts in minor units.
 */
export interface CostedLine {
  readonly quantity: number;
  readonly cancelled: number;
  readonly returned: number;
  readonly amount: bigint;
  readonly discount: bigint;
  readonly tax: bigint;
}

export interface Costs {
  readonly status: OrderStatus;
  readonly lines: Iterable<CostedLine>;
  /** Credited beyond the frozen shares. */
  readonly allowance: bigint;
}

/** An order that has ended and delivered nothing: whatever was paid for it is to be given back. */
export const endedEmpty = (status: OrderStatus): boolean =>
  status === 'rejected' || status === 'expired' || status === 'cancelled';

/**
 * The frozen shares of the units that are neither cancelled (the last of a line) nor returned (the first of those that were shipped), less
 * allowances. Never below zero: what is credited beyond that was not paid here, and cannot be given back here; the ledger has it.
 */
export const costOf = ({ status, lines, allowance }: Costs): bigint => {
  if (endedEmpty(status)) return 0n;
  let cost = -allowance;
  for (const { quantity, cancelled, returned, amount, discount, tax } of lines) {
    const share = (total: bigint): bigint => unitShares(total, quantity, returned, quantity - cancelled);
    cost += share(amount) - share(discount) + share(tax);
  }
  return cost > 0n ? cost : 0n;
};

export interface OrderBalance extends PaymentSums {
  /** What it costs now. */
  readonly cost: bigint;
  /** To pay: what it costs and nobody has paid, or has taken back. */
  readonly due: bigint;
  /** To give back: what was paid and it does not cost. */
  readonly overpaid: bigint;
}

export const balanceOf = (cost: bigint, sums: PaymentSums): OrderBalance => {
  const left = cost - (sums.captured - sums.refunded - sums.chargedBack);
  return { ...sums, cost, due: left > 0n ? left : 0n, overpaid: left < 0n ? -left : 0n };
};

export const balanceOfOrder = ({ status, lines, allowance, payments }: OrderState): OrderBalance =>
  balanceOf(costOf({ status, lines: lines.values(), allowance }), totalSums(payments));

/** Whether what was captured and what is authorised cover what it costs. */
export const isCovered = (state: OrderState): boolean => {
  const { due, authorised } = balanceOfOrder(state);
  return due <= authorised;
};
