import { type Decision, type Rejection, reject } from './decider.js';
import { exponentOf, formatAmount, lineAmount, parseAmount } from './money.js';
import type { PlaceOrder } from './order-commands.js';
import type { OrderEvent, OrderLineData, OrderPlaced } from './order-events.js';
import type { OrderState } from './order-state.js';
import { reviewsByRule } from './review-rules.js';
import { QUANTITY_MAX } from './schemas.js';
import { spelledTaxes, sumOfTaxes } from './tax.js';

/** Limits of one order. */
export const LINES_MAX = 2_000;
/** What its lines come to with tax, in whole units of its currency: so far every sum in minor units is a bigint of PostgreSQL. */
export const ORDER_TOTAL_MAX = 10n ** 12n;

/** The total of an order's lines, in minor units, as far as it is too much for an order. */
export const tooLarge = (total: bigint, currency: string): Rejection | undefined =>
  total > ORDER_TOTAL_MAX * 10n ** BigInt(exponentOf(currency) ?? 0)
    ? reject('amount_too_large', `an order comes to at most ${ORDER_TOTAL_MAX} ${currency}`)
    : undefined;

/**
 * The order with what the channel's rules hold it for. One that waits for a review to be confirmed keeps its stock at least
 * until `keepUntil`: an order that confirms itself gets a deadline by that, one that has a deadline gets the later one.
 */
const reviewed = (placed: OrderPlaced['data'], { review }: Pick<PlaceOrder, 'review'>): OrderEvent[] => {
  if (review === undefined) return [{ type: 'OrderPlaced', data: placed }];
  const { rules, keepUntil, ...facts } = review;
  const held = reviewsByRule(rules, placed, facts);
  const waits = held.some(({ data }) => data.blocks.includes('confirm'));
  const { confirm, expiresAt } = placed;
  const longer =
    expiresAt === undefined ? confirm !== 'explicit' : Date.parse(keepUntil) > Date.parse(expiresAt);
  const data = waits && longer ? { ...placed, expiresAt: keepUntil } : placed;
  return [{ type: 'OrderPlaced', data }, ...held];
};

/** Prices the lines, each rounded once; refuses what could not be held, written or refunded later. */
export const decidePlace = (
  { type: _, lines, review, ...rest }: PlaceOrder,
  state: OrderState,
): Decision<OrderEvent> => {
  if (state.placed !== undefined) {
    return state.placed.contentHash === rest.contentHash
      ? []
      : reject('order_exists', 'the channel has sent another order under this id');
  }
  if (lines.length > LINES_MAX) return reject('too_many_lines', `an order has at most ${LINES_MAX} lines`);
  if (new Set(lines.map(({ lineId }) => lineId)).size < lines.length) {
    return reject('duplicate_line', 'two lines have the same id');
  }
  if (new Set(rest.coupons).size < rest.coupons.length) {
    return reject('duplicate_coupon', 'a coupon is given once');
  }
  if (rest.shortage === 'shortfall' && rest.coupons.length > 0) {
    return reject(
      'coupons_not_accepted',
      'an order that may not be rejected takes no coupons: one could be refused',
    );
  }
  const perSku = new Map<string, number>();
  for (const { sku, quantity } of lines) perSku.set(sku, (perSku.get(sku) ?? 0) + quantity);
  // A hold is for all lines of a SKU together and must be as writable as one line.
  for (const [sku, quantity] of perSku) {
    if (quantity > QUANTITY_MAX) {
      return reject('too_many_units', `an order has at most ${QUANTITY_MAX} units of a SKU`, { sku });
    }
  }
  if (rest.settlement?.currency === rest.currency) {
    return reject('invalid_rate', 'a settlement currency is another one than that of the order');
  }
  let total = 0n;
  const priced: OrderLineData[] = [];
  for (const line of lines) {
    const amount = lineAmount(line.unitPrice, line.quantity, rest.currency);
    const tax = parseAmount(line.tax, rest.currency);
    const sum = line.taxes === undefined ? tax : sumOfTaxes(line.taxes, rest.currency);
    if (amount === undefined || tax === undefined || sum === undefined) {
      return reject('invalid_amount', `line ${line.lineId}: not an amount of ${rest.currency}`, {
        lineId: line.lineId,
      });
    }
    if (sum !== tax) {
      return reject('tax_mismatch', `line ${line.lineId}: the parts of its tax do not come to it`, {
        lineId: line.lineId,
      });
    }
    total += amount + tax;
    priced.push({
      // Before the spread, see docs/adr/0019.
      amount: formatAmount(amount, rest.currency),
      ...line,
      ...(line.taxes === undefined ? {} : { taxes: spelledTaxes(line.taxes, rest.currency) }),
      tax: formatAmount(tax, rest.currency),
    });
  }
  // Every later amount of the order (discount, refund) is at most its total, so this one check keeps them all writable.
  const excess = tooLarge(total, rest.currency);
  if (excess !== undefined) return excess;
  return reviewed({ lines: priced, ...rest }, review === undefined ? {} : { review });
};
