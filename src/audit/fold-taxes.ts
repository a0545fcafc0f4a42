import type { OrderPlaced, OrderUnits } from '../domain/order-events.js';
import type { FoldedLine, FoldedOrder } from './folded-order.js';
import { amountText, carriedByFirst, decimalsOf, minorOf } from './money.js';
import type { Violations } from './violations.js';

type Rate = OrderPlaced['data']['settlement'];

/** The parts of a line's tax come to it. */
export const checkTaxes = (line: FoldedLine, currency: string, violations: Violations): void => {
  if (line.taxes === undefined) return;
  let sum = 0n;
  for (const { amount } of line.taxes) sum += minorOf(amount, currency);
  if (sum !== line.tax) violations.add('wrong_tax', `order-${line.order.id}`, line.lineId);
};

/** What the first units of a line carry of its tax: of each part by itself, where it has parts. */
export const taxOfFirst = ({ taxes, tax, quantity }: FoldedLine, currency: string, units: number): bigint =>
  taxes === undefined
    ? carriedByFirst(tax, quantity, units)
    : taxes.reduce((sum, { amount }) => sum + carriedByFirst(minorOf(amount, currency), quantity, units), 0n);

/** Units carry their share of each part of the tax, and of the tax what these come to. */
export const hasRightTax = (
  { taxes, tax, quantity }: FoldedLine,
  given: Pick<OrderUnits, 'tax' | 'taxes'>,
  currency: string,
  from: number,
  to: number,
): boolean => {
  const share = (total: bigint): bigint =>
    carriedByFirst(total, quantity, to) - carriedByFirst(total, quantity, from);
  if (taxes === undefined) {
    return given.taxes === undefined && minorOf(given.tax, currency) === share(tax);
  }
  let sum = 0n;
  const right = taxes.map(({ kind, name, country, amount }) => {
    const minor = share(minorOf(amount, currency));
    sum += minor;
    return [kind, name, country, amountText(minor, currency)];
  });
  const found = given.taxes?.map(({ kind, name, country, amount }) => [kind, name, country, amount]);
  return JSON.stringify(found) === JSON.stringify(right) && minorOf(given.tax, currency) === sum;
};

const rateText = (rate: Rate): string =>
  rate === undefined ? 'none' : [rate.currency, rate.rate, rate.source, rate.asOf].join(' ');

/** Whatever moves money of an order says the rate that the order was placed with. */
export const checkRate = (order: FoldedOrder, rate: Rate, violations: Violations): void => {
  if (rateText(rate) === rateText(order.placed.settlement)) return;
  violations.add('wrong_rate', `order-${order.id}`, rateText(rate));
};

const RATE_DECIMALS = 12;

/** Units of the other currency, in its minor units, half to even. */
const convert = (minor: bigint, from: string, to: string, rate: string): bigint => {
  const [whole = '', part = ''] = rate.split('.');
  const exact = minor * BigInt(whole + part.padEnd(RATE_DECIMALS, '0')) * 10n ** BigInt(decimalsOf(to));
  const unit = 10n ** BigInt(RATE_DECIMALS + decimalsOf(from));
  const floor = exact / unit;
  const above = (exact % unit) * 2n;
  return above > unit || (above === unit && floor % 2n === 1n) ? floor + 1n : floor;
};

/** `total` over what the postings of one side weigh: each its floor, then one more to the largest remainders, earlier ones first. */
const spread = (total: bigint, weights: readonly bigint[]): bigint[] => {
  const all = weights.reduce((sum, weight) => sum + weight, 0n);
  if (all === 0n) return weights.map(() => 0n);
  const floors = weights.map((weight) => (total * weight) / all);
  const missing = Number(total - floors.reduce((sum, one) => sum + one, 0n));
  const remainders = weights.map((weight, at) => ({ at, rest: (total * weight) % all }));
  remainders.sort((a, b) => (b.rest > a.rest ? 1 : b.rest < a.rest ? -1 : a.at - b.at));
  for (const { at } of remainders.slice(0, missing)) floors[at] = (floors[at] ?? 0n) + 1n;
  return floors;
};

/** What an entry must say of its settlement; undefined where its order has none. */
export const settlementText = (
  postings: readonly { readonly amount: string }[],
  currency: string,
  rate: Rate,
): string | undefined => {
  if (rate === undefined) return undefined;
  const minors = postings.map(({ amount }) => minorOf(amount, currency));
  const sides = [1n, -1n].map((sign) => minors.map((minor) => (minor * sign > 0n ? minor * sign : 0n)));
  const [debits = [], credits = []] = sides;
  const total = convert(
    debits.reduce((sum, one) => sum + one, 0n),
    currency,
    rate.currency,
    rate.rate,
  );
  const [debit, credit] = [spread(total, debits), spread(total, credits)];
  const amounts = minors.map((_, at) => amountText((debit[at] ?? 0n) - (credit[at] ?? 0n), rate.currency));
  return `${rateText(rate)}: ${amounts.join(' ')}`;
};
