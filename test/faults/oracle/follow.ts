import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Violation } from '../history.js';
import { count, type Data, dataOf, rows, text } from './raw-log.js';

/** An order as its own stream tells it, and what must follow from it elsewhere. */
export interface OrderFold {
  status: string;
  confirmed: boolean;
  readonly coupons: readonly string[];
  readonly lines: Map<string, OrderedLine>;
  /** Location by SKU. */
  readonly at: Map<string, string>;
  /** Units that shall be back, by stock and return. */
  readonly back: Map<string, number>;
}

interface OrderedLine {
  readonly sku: string;
  readonly kind: string;
  readonly quantity: number;
  shipped: number;
  cancelled: number;
}

/** A hold of one order at one stock or coupon, in units. */
export interface Held {
  held: number;
  captured: number;
  released: number;
  givenBack: number;
}

export interface Elsewhere {
  /** By stream of stock or coupon, then order id. */
  readonly holds: ReadonlyMap<string, ReadonlyMap<string, Held>>;
  /** Units put back, by stock and return. */
  readonly restocked: ReadonlyMap<string, number>;
}

type Wrong = (code: string, detail?: string) => void;

export const placedOrder = (data: Data): OrderFold => ({
  status: 'placed',
  confirmed: false,
  coupons: (data.coupons as string[] | undefined) ?? [],
  lines: new Map(
    rows(data.lines).map(({ lineId, sku, kind, quantity }) => [
      text(lineId),
      { sku: text(sku), kind: text(kind), quantity: count(quantity), shipped: 0, cancelled: 0 },
    ]),
  ),
  at: new Map(),
  back: new Map(),
});

/** One event of an order's stream. What needs an entry in the ledger is added to `causes`. */
export const foldOrder = (order: OrderFold, event: StoredEvent, wrong: Wrong, causes: Set<string>): void => {
  const data = dataOf(event);
  if (['rejected', 'expired', 'cancelled'].includes(order.status)) wrong('event_after_end');
  const move = (from: string | undefined, to: string): void => {
    if (from !== undefined && order.status !== from) wrong('wrong_order', order.status);
    order.status = to;
  };
  switch (event.type) {
    case 'OrderReserved':
      move('placed', 'reserved');
      for (const { sku, location } of rows(data.allocations)) order.at.set(text(sku), text(location));
      break;
    case 'OrderConfirmed':
      move('reserved', 'confirmed');
      order.confirmed = true;
      break;
    case 'OrderRejected':
      move(undefined, 'rejected');
      break;
    case 'OrderExpired':
      move('reserved', 'expired');
      break;
    case 'OrderCompleted':
      move(undefined, 'completed');
      break;
    case 'OrderLinesCancelled':
    case 'OrderShipped': {
      const counter = event.type === 'OrderShipped' ? 'shipped' : 'cancelled';
      for (const { lineId, quantity } of rows(data.lines)) {
        const line = order.lines.get(text(lineId));
        if (line === undefined) {
          wrong('unknown_line', text(lineId));
          continue;
        }
        line[counter] += count(quantity);
        if (line.shipped + line.cancelled > line.quantity) wrong('more_than_ordered');
      }
      if (counter === 'shipped') causes.add(event.id);
      else if ([...order.lines.values()].every((line) => line.cancelled === line.quantity))
        order.status = 'cancelled';
      break;
    }
    case 'OrderReturned': {
      causes.add(event.id);
      const id = `${event.stream.slice('order-'.length)}/${text(data.returnId)}`;
      for (const { sku, location, quantity } of rows(data.lines)) {
        if (location === undefined) continue;
        const key = `stock-${text(location)}~${text(sku)} ${id}`;
        order.back.set(key, (order.back.get(key) ?? 0) + count(quantity));
      }
      break;
    }
    default:
  }
};

/** What of this order is still to come: each line goes away by itself in a house that is whole. */
export const leftOf = (stream: string, order: OrderFold, { holds, restocked }: Elsewhere): string[] => {
  const id = stream.slice('order-'.length);
  const left: string[] = [];
  if (order.status === 'placed') left.push(`${stream} has no outcome`);
  if (order.status === 'reserved') left.push(`${stream} is reserved and not yet expired`);
  for (const [at, owners] of holds) {
    const hold = owners.get(id);
    if (hold === undefined) continue;
    const follows = at.startsWith('coupon-') ? couponFollows(at, order, hold) : stockFollows(at, order, hold);
    if (!follows) left.push(`${at} does not follow ${stream} (${order.status}): ${JSON.stringify(hold)}`);
  }
  for (const [key, units] of order.back) {
    if (restocked.get(key) !== units) left.push(`${key}: ${restocked.get(key) ?? 0} of ${units} are back`);
  }
  return left;
};

/** Redeemed once the order was confirmed, given back when it was cancelled whole after that, else let go. */
const couponFollows = (stream: string, order: OrderFold, hold: Held): boolean => {
  const redeems = order.confirmed && order.coupons.includes(stream.slice('coupon-'.length));
  if (!redeems) return hold.captured === 0 && hold.released === hold.held;
  return hold.captured === 1 && hold.givenBack === (order.status === 'cancelled' ? 1 : 0);
};

/** Captured what was shipped, released what was cancelled, and all of it where the order is over or never came to be. */
const stockFollows = (stream: string, order: OrderFold, hold: Held): boolean => {
  const [location = '', sku = ''] = stream.slice('stock-'.length).split('~');
  const lines = [...order.lines.values()].filter((line) => line.kind === 'goods' && line.sku === sku);
  const isHere = order.at.get(sku) === location && lines.length > 0;
  const captured = isHere ? lines.reduce((sum, { shipped }) => sum + shipped, 0) : 0;
  const isOver = order.status === 'rejected' || order.status === 'expired' || !isHere;
  const released = isOver ? hold.held - captured : lines.reduce((sum, { cancelled }) => sum + cancelled, 0);
  return hold.captured === captured && hold.released === released;
};

/** What can never be: reserved where nothing was held. */
export const reservedWithoutHold = (
  stream: string,
  order: OrderFold,
  { holds }: Pick<Elsewhere, 'holds'>,
): Violation[] => {
  const id = stream.slice('order-'.length);
  return [...order.at]
    .filter(([sku, location]) => holds.get(`stock-${location}~${sku}`)?.has(id) !== true)
    .map(([sku, location]) => ({
      code: 'reserved_without_hold',
      detail: `${stream} at ${location}~${sku}`,
    }));
};
