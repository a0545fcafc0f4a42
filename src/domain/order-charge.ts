import { unitShares } from './apportion.js';
import { amountOf } from './money.js';
import type { OrderUnits } from './order-events.js';
import type { OrderLine, OrderState } from './order-state.js';
import { perLine } from './per-line.js';
import { taxOfUnits } from './tax.js';

/** What of an order says how much it charged and gave back. */
export type Money = Pick<OrderState, 'placed' | 'lines' | 'afterSales'>;

const currencyOf = ({ placed }: Pick<OrderState, 'placed'>): string => placed?.currency ?? '';

/** What the customer pays for the first units of a line. Mostly that is none or all of them, and an order may have a thousand lines. */
export const paidForFirst = (line: OrderLine, units: number, currency: string): bigint => {
  const { amount, discount, tax, quantity } = line;
  if (units === 0) return 0n;
  if (units === quantity) return amount - discount + tax;
  return (
    unitShares(amount, quantity, 0, units) -
    unitShares(discount, quantity, 0, units) +
    taxOfUnits(line, currency, 0, units)
  );
};

/** What the customer pays for what was shipped. */
export const chargedOf = (state: Pick<OrderState, 'placed' | 'lines'>): bigint => {
  const currency = currencyOf(state);
  let sum = 0n;
  for (const line of state.lines.values()) sum += paidForFirst(line, line.shipped, currency);
  return sum;
};

/** What may still be given back, by whatever path: never more than was charged. Below zero after a recorded goodwill. */
export const leftToCredit = (state: Money): bigint => {
  const currency = currencyOf(state);
  let left = -state.afterSales.beyondShares;
  for (const line of state.lines.values()) {
    left += paidForFirst(line, line.shipped, currency) - paidForFirst(line, line.returned, currency);
  }
  return left;
};

/** An amount, or what is left when that is less. */
export const dueFor = (shares: bigint, left: bigint): bigint => {
  if (shares <= left) return shares;
  return left > 0n ? left : 0n;
};

/**
 * What the allowances of lines take off when units of these come back, by line: as much as what the customer keeps of the line is too little
 * for. So a line gives back what was charged for it, whether its allowance or its return came first.
 */
export const takenOff = (state: Money, units: readonly OrderUnits[]): ReadonlyMap<string, bigint> => {
  const currency = currencyOf(state);
  const taken = new Map<string, bigint>();
  if (state.afterSales.openAllowances.size === 0) return taken;
  for (const [lineId, quantity] of perLine(units)) {
    const line = state.lines.get(lineId);
    const open = state.afterSales.openAllowances.get(lineId);
    if (line === undefined || open === undefined) continue;
    const after = paidForFirst(line, line.returned + quantity, currency);
    const lacks = open - (paidForFirst(line, line.shipped, currency) - after);
    const share = after - paidForFirst(line, line.returned, currency);
    if (lacks > 0n) taken.set(lineId, dueFor(lacks, share));
  }
  return taken;
};

/** What units are credited where nobody says an amount. */
export const dueForUnits = (state: Money, units: readonly OrderUnits[]): bigint => {
  let due = paidFor(units, currencyOf(state));
  for (const less of takenOff(state, units).values()) due -= less;
  return dueFor(due, leftToCredit(state));
};

export const paidFor = (lines: readonly OrderUnits[], currency: string): bigint =>
  lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    0n,
  );
