import { unitShares } from './apportion.js';
import { amountOf } from './money.js';
import type { OrderState, OrderStatus } from './order-state.js';
import { type PaymentSums, totalSums } from './payment.js';
import { type TaxPart, taxOfUnits } from './tax.js';

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
  readonly taxes?: readonly TaxPart[] | undefined;
}

export interface Costs {
  readonly status: OrderStatus;
  readonly lines: Iterable<CostedLine>;
  readonly currency: string;
  /** Credited beyond the frozen shares. */
  readonly allowance: bigint;
  /** Of what this order gave back: what exchanges carried to other orders, so that it is not owed in money. */
  readonly carriedAway: bigint;
  /** The credit of the exchange that this order is the new one of; zero for any other. */
  readonly carriedIn: bigint;
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** An order that has ended and delivered nothing: whatever was paid for it is to be given back. */
export const endedEmpty = (status: OrderStatus): boolean =>
  status === 'rejected' || status === 'expired' || status === 'cancelled';

/**
 * The frozen shares of the units that are neither cancelled (the last of a line) nor returned (the first of those that were shipped), less
 * allowances, and what exchanges carried to other orders (`spent`): below zero where more was credited than was charged. Beside it what an
 * exchange carried to this one and so paid (`credit`).
 */
const partsOf = (costs: Costs): { readonly spent: bigint; readonly credit: bigint } => {
  const { status, lines, currency, allowance, carriedAway, carriedIn } = costs;
  if (endedEmpty(status)) return { spent: 0n, credit: 0n };
  let spent = carriedAway - allowance;
  let placed = 0n;
  for (const line of lines) {
    const { quantity, cancelled, returned, amount, discount } = line;
    const paid = (from: number): bigint => {
      const share = (total: bigint): bigint => unitShares(total, quantity, from, quantity - cancelled);
      return share(amount) - share(discount) + taxOfUnits(line, currency, from, quantity - cancelled);
    };
    spent += paid(returned);
    if (carriedIn > 0n) placed += paid(0);
  }
  // A credit covers what the new order came to, whatever came back of it since; the rest of it is the old order's to give back.
  return { spent, credit: smaller(carriedIn, placed) };
};

/**
 * What an order costs. What was spent is never below zero: what is credited beyond that was not paid here, and cannot be given back here in
 * money; the ledger has it. But it may be carried to another order, which is then no debt of this one.
 */
export const costOf = (costs: Costs): bigint => {
  const { spent, credit } = partsOf(costs);
  return (spent > 0n ? spent : 0n) - credit;
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

/** What exchanges carried from an order to new ones; what a new one did not need is owed in money. */
const carriedAwayOf = ({ afterSales: { exchanges } }: OrderState): bigint => {
  let sum = 0n;
  for (const { status, credit, charged } of exchanges.values()) {
    if (status !== 'ended') sum += charged === undefined ? credit : smaller(credit, charged);
  }
  return sum;
};

const costsOf = (state: OrderState): Costs => {
  const { status, lines, placed, afterSales } = state;
  const currency = placed?.currency ?? '';
  const credit = placed?.exchangeOf?.credit;
  return {
    status,
    lines: lines.values(),
    currency,
    allowance: afterSales.beyondShares,
    carriedAway: carriedAwayOf(state),
    carriedIn: credit === undefined ? 0n : amountOf(credit, currency),
  };
};

export const balanceOfOrder = (state: OrderState): OrderBalance =>
  balanceOf(costOf(costsOf(state)), totalSums(state.payments));

/**
 * How much of what an order gave back is still here to be carried to another one: neither spent, nor given back in money or asked to be.
 * Undefined for an order that is not paid here: it waits for no payment and none came, so it is on account.
 */
export const leftToSpend = (state: OrderState): bigint | undefined => {
  const { captured, refunded, chargedBack, refundRequested } = totalSums(state.payments);
  if (state.placed?.confirm !== 'payment' && captured === 0n) return undefined;
  const { spent, credit } = partsOf(costsOf(state));
  const left = captured - refunded - chargedBack - refundRequested + credit - spent;
  return left > 0n ? left : 0n;
};

/** Whether what was captured and what is authorised cover what it costs. */
export const isCovered = (state: OrderState): boolean => {
  const { due, authorised } = balanceOfOrder(state);
  return due <= authorised;
};
