import { amountOf } from '../domain/money.js';
import type { OrderChangeConfirmed } from '../domain/order-change-events.js';
import type { Destination, OrderEvent, OrderUnits } from '../domain/order-events.js';
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
  /** What changes of the order add to what was placed; undefined when there was none. */
  more: MoreOfOrder | undefined;
  last: RecordedEvent;
}

export interface MoreOfOrder {
  readonly amounts: Record<'goods' | 'charge' | 'voucher', bigint>;
  tax: bigint;
  units: number;
  lines: number;
  version: number;
  destination: Destination | undefined;
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

const addMore = (change: OrderChange, data: OrderChangeConfirmed['data']): void => {
  change.more ??= {
    amounts: { goods: 0n, charge: 0n, voucher: 0n },
    tax: 0n,
    units: 0,
    lines: 0,
    version: 1,
    destination: undefined,
  };
  const { more } = change;
  for (const line of data.added) {
    more.amounts[line.kind] += amountOf(line.amount, data.currency);
    more.tax += amountOf(line.tax, data.currency);
    more.units += line.quantity;
    more.lines += 1;
    change.discount += amountOf(line.discount, data.currency);
  }
  more.version = data.version;
  more.destination = data.destination ?? more.destination;
  change.cancelledUnits += unitsOf(data.cancelled);
};

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
      if (
        change.placed !== undefined &&
        change.cancelledUnits === change.placed.units + (change.more?.units ?? 0)
      ) {
        change.status = 'cancelled';
      }
      break;
    case 'OrderChangeConfirmed':
      addMore(change, event.data);
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
    case 'OrderAllowanceGranted':
      change.allowance += amountOf(event.data.amount, event.data.currency);
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
  more: undefined,
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
