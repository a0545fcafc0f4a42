import type { OrderUnits } from '../domain/order-events.js';
import { checkTaxes, hasRightTax } from './fold-taxes.js';
import type { FoldedLine, FoldedOrder, Of } from './folded-order.js';
import { carriedByFirst, minorOf, priceTimes } from './money.js';
import type { Violations } from './violations.js';

interface Units {
  readonly lineId: string;
  readonly quantity: number;
}

/** A line as it was placed, or added later; its amount must be what its price makes. */
export const addLine = (
  order: FoldedOrder,
  data: Of<'OrderPlaced'>['lines'][number],
  violations: Violations,
): FoldedLine => {
  const stream = `order-${order.id}`;
  const { lineId, kind, sku, account, quantity, unitPrice, amount, tax, taxes } = data;
  const { currency } = order.placed;
  if (order.lines.has(lineId)) violations.add('line_twice', stream, lineId);
  const line: FoldedLine = {
    order,
    lineId,
    index: order.lines.size,
    kind,
    sku,
    account,
    quantity,
    unitPrice,
    amount: minorOf(amount, currency),
    tax: minorOf(tax, currency),
    taxes,
    discount: 0n,
    shipped: 0,
    cancelled: 0,
    returned: 0,
    location: undefined,
    alsoAt: undefined,
  };
  checkTaxes(line, currency, violations);
  if (line.amount !== priceTimes(unitPrice, quantity, currency)) {
    violations.add('wrong_line_amount', stream, `${lineId}: ${quantity} x ${unitPrice} is ${amount}`);
  }
  order.lines.set(lineId, line);
  return line;
};

/** Lines say where their SKU was held first, and where else. */
export const locateLines = (order: FoldedOrder): void => {
  const first = new Map<string, string>();
  const others = new Map<string, string[]>();
  for (const { sku, location } of order.allocations.at.values()) {
    if (first.has(sku)) others.set(sku, [...(others.get(sku) ?? []), location]);
    else first.set(sku, location);
  }
  for (const line of order.lines.values()) {
    if (line.kind !== 'goods') continue;
    line.location ??= first.get(line.sku);
    line.alsoAt = others.get(line.sku);
  }
};

/** What a reservation takes off each line, and that the shares of a discount are all of it. */
export const discountLines = (
  order: FoldedOrder,
  discounts: Of<'OrderReserved'>['discounts'],
  violations: Violations,
): void => {
  const stream = `order-${order.id}`;
  const { currency } = order.placed;
  for (const { code, amount, shares } of discounts) {
    let sum = 0n;
    for (const share of shares) {
      const line = order.lines.get(share.lineId);
      const minor = minorOf(share.amount, currency);
      sum += minor;
      if (line === undefined) {
        violations.add('unknown_line', stream, share.lineId);
        continue;
      }
      line.discount += minor;
      if (line.discount > line.amount) violations.add('wrong_discount', stream, `${code}: ${line.lineId}`);
    }
    if (sum !== minorOf(amount, currency)) {
      violations.add('wrong_discount', stream, `${code}: ${amount}`);
    }
  }
};

/** Units that move: never more than there are. */
export const countUnits = (
  order: FoldedOrder,
  counter: 'shipped' | 'cancelled' | 'returned',
  moved: readonly Units[],
  violations: Violations,
): void => {
  for (const { lineId, quantity } of moved) {
    const line = order.lines.get(lineId);
    if (line === undefined) {
      violations.add('unknown_line', `order-${order.id}`, lineId);
      continue;
    }
    line[counter] += quantity;
    if (line.shipped + line.cancelled > line.quantity || line.returned > line.shipped) {
      violations.add('more_than_ordered', `order-${order.id}`, `${lineId}: ${counter} ${quantity}`);
    }
  }
};

/** Units go out, and come back, from the front: those after `before` must carry exactly their part of the line. */
export const checkShares = (
  order: FoldedOrder,
  counter: 'shipped' | 'returned',
  moved: readonly OrderUnits[],
  violations: Violations,
): void => {
  const { currency } = order.placed;
  /** Units of the line that this event has named before. */
  const before = new Map<string, number>();
  for (const { lineId, quantity, ...given } of moved) {
    const line = order.lines.get(lineId);
    if (line === undefined) continue;
    const from = before.get(lineId) ?? line[counter];
    const to = from + quantity;
    before.set(lineId, to);
    if (to > line.quantity) continue;
    const share = (total: bigint): bigint =>
      carriedByFirst(total, line.quantity, to) - carriedByFirst(total, line.quantity, from);
    const right =
      minorOf(given.amount, currency) === share(line.amount) &&
      minorOf(given.discount, currency) === share(line.discount) &&
      hasRightTax(line, given, currency, from, to);
    if (!right) {
      violations.add('wrong_share', `order-${order.id}`, `${lineId}: ${counter} ${quantity}`);
    }
  }
};

/** The goods among what is named, by SKU. */
export const goodsOf = (order: FoldedOrder, named: readonly Units[]): { sku: string; quantity: number }[] => {
  return named.flatMap(({ lineId, quantity }) => {
    const line = order.lines.get(lineId);
    return line?.kind === 'goods' ? [{ sku: line.sku, quantity }] : [];
  });
};
