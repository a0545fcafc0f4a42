import { amountOf } from '../domain/money.js';
import type { OrderEvent, OrderUnits } from '../domain/order-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { isOf } from './event-of.js';

/** Totals of the lines as placed. */
export interface Placed {
  readonly data: (OrderEvent & { type: 'OrderPlaced' })['data'];
  readonly amounts: Readonly<Record<'goods' | 'charge' | 'voucher', bigint>>;
  readonly tax: bigint;
  readonly units: number;
}

/** What the events of one batch do to one order: what `placed` sets, what else adds up or replaces. Minor units. */
export interface OrderChange {
  placed?: Placed;
  status?: string;
  rejection?: (OrderEvent & { type: 'OrderRejected' })['data'];
  confirmedAt?: string;
  /** A deadline that a payment asks for, as far as it is later than the one that is. */
  expiresAt?: string;
  discount: bigint;
  shipped: bigint;
  returned: bigint;
  allowance: bigint;
  shippedUnits: number;
  cancelledUnits: number;
  returnedUnits: number;
  last: RecordedEvent;
}

const placedOf = (data: Placed['data']): Placed => {
  const amounts = { goods: 0n, charge: 0n, voucher: 0n };
  let tax = 0n;
  let units = 0;
  for (const line of data.lines) {
    amounts[line.kind] += amountOf(line.amount, data.currency);
    tax += amountOf(line.tax, data.currency);
    units += line.quantity;
  }
  return { data, amounts, tax, units };
};

const paid = (lines: readonly OrderUnits[], currency: string): bigint =>
  lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    0n,
  );

const unitsOf = (lines: readonly { readonly quantity: number }[]): number =>
  lines.reduce((sum, { quantity }) => sum + quantity, 0);

/** `currency` finds that of an order placed before this batch, where an event does not carry it. */
const evolve = (
  change: OrderChange,
  event: OrderEvent,
  effectiveAt: string,
  currency: () => string,
): void => {
  switch (event.type) {
    case 'OrderPlaced':
      change.placed = placedOf(event.data);
      change.status = 'placed';
      break;
    case 'OrderReserved':
      for (const { amount } of event.data.discounts) change.discount += amountOf(amount, currency());
      change.status = 'reserved';
      break;
    case 'OrderConfirmed':
      change.status = 'confirmed';
      change.confirmedAt = effectiveAt;
      break;
    case 'OrderRejected':
      change.status = 'rejected';
      change.rejection = event.data;
      break;
    case 'OrderExpired':
      change.status = 'expired';
      break;
    case 'OrderCompleted':
      change.status = 'completed';
      break;
    case 'OrderLinesCancelled':
      change.cancelledUnits += unitsOf(event.data.lines);
      if (change.cancelledUnits === change.placed?.units) change.status = 'cancelled';
      break;
    case 'OrderShipped':
      change.shipped += paid(event.data.lines, event.data.currency);
      change.shippedUnits += unitsOf(event.data.lines);
      break;
    case 'OrderReturned':
      change.returned += paid(event.data.lines, event.data.currency);
      change.allowance += amountOf(event.data.allowance, event.data.currency);
      change.returnedUnits += unitsOf(event.data.lines);
      break;
    case 'OrderPaymentStarted':
      extend(change, event.data.expiresAt);
      break;
  }
};

/** An order that is placed in the same batch is written with it; of one that was placed before, the row knows what it has. */
const extend = (change: OrderChange, until: string | undefined): void => {
  if (until === undefined) return;
  const before = change.expiresAt ?? change.placed?.data.expiresAt;
  if (change.placed !== undefined && before === undefined) return;
  if (before === undefined || Date.parse(until) > Date.parse(before)) change.expiresAt = until;
};

const nothingYet = (last: RecordedEvent): OrderChange => ({
  discount: 0n,
  shipped: 0n,
  returned: 0n,
  allowance: 0n,
  shippedUnits: 0,
  cancelledUnits: 0,
  returnedUnits: 0,
  last,
});

/** Folds a batch per order. Throws where `currencyOf` does not know an order. */
export const collapseOrders = (
  events: readonly RecordedEvent[],
  currencyOf: (orderId: string) => string,
): Map<string, OrderChange> => {
  const changes = new Map<string, OrderChange>();
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const orderId = recorded.streamId;
    const change = changes.get(orderId) ?? nothingYet(recorded);
    changes.set(orderId, change);
    change.last = recorded;
    evolve(
      change,
      recorded.event,
      recorded.metadata.effectiveAt,
      () => change.placed?.data.currency ?? currencyOf(orderId),
    );
  }
  return changes;
};

/** Orders of which the batch has a discount but not the placement, which says the currency. */
export const discountedBefore = (events: readonly RecordedEvent[]): string[] => {
  const placed = new Set<string>();
  const found: string[] = [];
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event, streamId } = recorded;
    if (event.type === 'OrderPlaced') placed.add(streamId);
    if (event.type === 'OrderReserved' && event.data.discounts.length > 0 && !placed.has(streamId)) {
      found.push(streamId);
    }
  }
  return found;
};
