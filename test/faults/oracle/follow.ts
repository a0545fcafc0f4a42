import type { Held, Holders } from './holders.js';
import { isOver, type OrderFold } from './order-fold.js';
import { openUnits } from './order-units.js';

/** What of an order is still to come elsewhere: each line goes away by itself in a house that is whole. */
export const leftOf = (
  stream: string,
  order: OrderFold,
  holders: Holders,
  held: ReadonlyMap<string, Held> = new Map(),
): string[] => {
  const left: string[] = [];
  if (order.status === 'placed') left.push(`${stream} has no outcome`);
  if (order.status === 'reserved') left.push(`${stream} is reserved and not yet expired`);
  for (const [at, hold] of held) {
    const follows = at.startsWith('coupon-') ? couponFollows(at, order, hold) : stockFollows(at, order, hold);
    if (!follows) left.push(`${at} does not follow ${stream} (${order.status}): ${JSON.stringify(hold)}`);
    else if (isOver(order) && hold.captured + hold.released < hold.held)
      left.push(`${at} still holds for ${stream}, which is ${order.status}`);
  }
  for (const [key, units] of order.back) {
    const back = holders.restocked.get(key) ?? 0;
    if (back !== units) left.push(`${key}: ${back} of ${units} are back`);
  }
  return [...left, ...couldHave(stream, order, holders)];
};

/** Redeemed once the order was confirmed, given back when it was cancelled whole after that, else let go. */
const couponFollows = (stream: string, order: OrderFold, hold: Held): boolean => {
  const redeems = order.confirmed && order.coupons.includes(stream.slice('coupon-'.length));
  if (!redeems) return hold.captured === 0 && hold.released === hold.held;
  return hold.captured === 1 && hold.givenBack === (order.status === 'cancelled' ? 1 : 0);
};

/** Captured what left from here, released what the order let go of and what it never kept; all of it where it came to nothing. */
const stockFollows = (stream: string, order: OrderFold, { held, captured, released }: Held): boolean => {
  const here = order.allocations.filter(({ stock }) => stock === stream);
  const kept = here.reduce((sum, { quantity }) => sum + quantity, 0);
  const letGo = here.reduce((sum, one) => sum + one.released, 0);
  const shipped = order.shippedFrom.get(stream) ?? 0;
  const nothing = order.status === 'rejected' || order.status === 'expired';
  return captured === shipped && released === (nothing ? held - shipped : letGo + held - kept);
};

/** Units that an order waits for, though they are there: stock comes, and somebody gives it to who waits. */
const couldHave = (stream: string, order: OrderFold, holders: Holders): string[] => {
  const { placed, lines, allocations, shippedFrom, sources } = order;
  const waits = placed.shortage === 'backorder' || placed.shortage === 'shortfall';
  if (!waits || isOver(order)) return [];
  const lacks = new Map<string, number>();
  const add = (sku: string, units: number): void => void lacks.set(sku, (lacks.get(sku) ?? 0) + units);
  for (const line of lines.values()) if (line.kind === 'goods') add(line.sku, openUnits(line));
  for (const { sku, quantity, released } of allocations) add(sku, released - quantity);
  for (const [stock, units] of shippedFrom) add(stock.slice(stock.indexOf('~') + 1), units);
  return [...lacks].flatMap(([sku, units]) =>
    sources
      .filter((location) => units > 0 && holders.available(`stock-${location}~${sku}`) > 0)
      .map((location) => `${stream} lacks ${units} of ${sku}, and ${location} has some`),
  );
};

/** What can never be: an order that was given what nothing held, or one that is over and held up. */
export const impossibleIn = (
  stream: string,
  order: OrderFold,
  { holds }: Holders,
  wrong: (code: string, detail: string) => void,
): void => {
  const id = stream.slice('order-'.length);
  for (const { round, stock, quantity } of order.allocations) {
    const hold = holds.get(stock)?.get(round === 1 ? id : `${id}/${round}`);
    if (hold?.held !== quantity)
      wrong('reserved_without_hold', `${stream} round ${round} at ${stock}: ${hold?.held} of ${quantity}`);
  }
  if (isOver(order) && order.parts.openReviews.length > 0)
    wrong('review_left_open', `${stream}: ${order.parts.openReviews.join(', ')}`);
};

/** An exchange and its new order know of each other, and end together. */
export const exchangesOf = (
  stream: string,
  order: OrderFold,
  orders: ReadonlyMap<string, OrderFold>,
  wrong: (code: string, detail: string) => void,
): string[] => {
  const id = stream.slice('order-'.length);
  const of = order.placed.exchangeOf as { orderId: string; exchangeId: string } | undefined;
  if (of !== undefined) {
    const agreed = orders.get(`order-${of.orderId}`)?.afterSales.exchanges.get(of.exchangeId);
    if (agreed?.newOrderId !== id)
      wrong('exchange_unagreed', `${stream} for ${of.exchangeId} of ${of.orderId}`);
  }
  return [...order.afterSales.exchanges].flatMap(([exchangeId, { newOrderId, over }]) => {
    const next = orders.get(`order-${newOrderId}`);
    const isItsOwn =
      (next?.placed.exchangeOf as { exchangeId?: string } | undefined)?.exchangeId === exchangeId;
    const ended = next === undefined || !isItsOwn || isOver(next);
    if (over && !ended) wrong('exchange_early', `${stream}: ${exchangeId} is over, ${newOrderId} is not`);
    return over || !ended
      ? []
      : [`${stream}: exchange ${exchangeId} goes on, ${newOrderId} is ${next?.status}`];
  });
};
