import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import type { ExchangeEvent } from './exchange-events.js';
import { type ChangeEvent, changeEvents } from './order-change-events.js';
import {
  allocation,
  destination,
  HANDOVERS,
  LINE_KINDS,
  lacking,
  line,
  priority,
  releasedUnits,
  requestedDelivery,
  SHORTAGE_POLICIES,
  short,
} from './order-parts.js';
import { type PaymentEvent, paymentEvents } from './payment-events.js';
import { type ReturnEvent, returnEvents } from './return-events.js';
import { type ReviewEvent, reviewEvents } from './review.js';
import { amountText, currency, quantity, recordedId, signedAmountText } from './schemas.js';
import { settlementRate } from './settlement-rate.js';
import { type SplitEvent, splitEvents, splitUnits } from './split.js';
import { taxShare } from './tax.js';

export * from './order-parts.js';

/**
 * The facts of an order. Amounts are decimal strings of the order's currency. Every event that moves goods or money carries
 * the frozen shares of its units, so that the ledger, refunds and reports read them and compute nothing again.
 */
/** Confirmed at once, by a command, or once it is paid. */
export const CONFIRM_POLICIES = ['auto', 'explicit', 'payment'] as const;

const placed = z.object({
  channel: recordedId,
  externalId: recordedId,
  placedAt: z.iso.datetime(),
  currency,
  customerId: recordedId.optional(),
  destination: destination.optional(),
  /** In which other currency it is settled, and at which rate. */
  settlement: settlementRate.optional(),
  lines: z.array(line).min(1),
  coupons: z.array(recordedId),
  confirm: z.enum(CONFIRM_POLICIES),
  /** When the order expires unless it was confirmed; never when absent. */
  expiresAt: z.iso.datetime().optional(),
  /** Locations that could deliver when it was placed, best first. */
  sources: z.array(recordedId),
  /** All or nothing when absent. */
  shortage: z.enum(SHORTAGE_POLICIES).optional(),
  /** Later when absent. */
  handover: z.enum(HANDOVERS).optional(),
  /** A guest has no account, though there may be an id; a member when absent and there is one. */
  guest: z.boolean().optional(),
  gift: z.boolean().optional(),
  requestedDelivery: requestedDelivery.optional(),
  priority: priority.optional(),
  /** Who advised the customer, or entered the order: an id. */
  assistedBy: recordedId.optional(),
  /** sha-256 of what the channel sent: the same order again is a repeat, another one under its id a conflict. */
  contentHash: z.string(),
  /** Placed for a return of another order of the channel: that much of it is paid by the credit of the return. */
  exchangeOf: z
    .object({ orderId: recordedId, exchangeId: recordedId, returnId: recordedId, credit: amountText })
    .optional(),
});

/** What the new order of an exchange is made of. */
export { placed as orderPlaced };

const discount = z.object({
  code: recordedId,
  amount: amountText,
  shares: z.array(z.object({ lineId: recordedId, amount: amountText })),
});
const reserved = z.object({
  allocations: z.array(allocation),
  discounts: z.array(discount),
  /** Absent when there is none. */
  short: z.array(lacking).optional(),
});
const allocated = z.object({
  /** The first one is the reservation's. */
  round: z.int().min(2),
  /** None: the round came to nothing, and whatever it held is let go. */
  allocations: z.array(allocation),
});
const sourcesExtended = z.object({ locations: z.array(recordedId).min(1), reason: z.string() });

const ended = z.object({ code: z.string(), detail: z.string(), sku: z.string().optional() });

/** Units of a line with the shares frozen to them. What the customer pays for them: amount - discount + tax. */
const units = z.object({
  lineId: recordedId,
  kind: z.enum(LINE_KINDS),
  sku: recordedId,
  account: z.string().optional(),
  quantity,
  amount: amountText,
  discount: amountText,
  tax: amountText,
  /** Share of each part of the tax, where the line has parts; they sum to `tax`. */
  taxes: z.array(taxShare).optional(),
  /** Goods only: the stock they leave or return to; none for what was sold without being held. */
  location: recordedId.optional(),
});

const cancelled = z.object({
  cancellationId: recordedId,
  reason: z.string(),
  lines: z.array(z.object({ lineId: recordedId, quantity })).min(1),
  /** Which holds they are let go of; absent when every SKU has one hold only and lacks nothing. */
  released: z.array(releasedUnits).optional(),
  /** Units that nothing held. */
  short: z.array(short).optional(),
  /** Of these, units that were split off. */
  splits: z.array(splitUnits).min(1).optional(),
});
const shipped = z.object({
  shipmentId: recordedId,
  channel: recordedId,
  currency,
  settlement: settlementRate.optional(),
  lines: z.array(units).min(1),
  /** The delivery group that it ships; the rest of the order when absent. */
  splitId: recordedId.optional(),
});
const returned = z.object({
  returnId: recordedId,
  channel: recordedId,
  currency,
  settlement: settlementRate.optional(),
  /** The credit note it belongs to, where there is one. */
  note: recordedId.optional(),
  reason: z.string(),
  lines: z.array(units).min(1),
  /** Credited beyond the frozen shares; negative where less was credited. */
  allowance: signedAmountText,
  /** Why more was given back than the order charged; absent where it was not. */
  goodwill: z.string().optional(),
});
const nothing = z.object({});

export const orderEvents = [
  defineEvent({ type: 'OrderPlaced', version: 1, schema: placed }),
  defineEvent({ type: 'OrderReserved', version: 1, schema: reserved }),
  defineEvent({ type: 'OrderSourcesExtended', version: 1, schema: sourcesExtended }),
  defineEvent({ type: 'OrderAllocated', version: 1, schema: allocated }),
  defineEvent({ type: 'OrderConfirmed', version: 1, schema: nothing }),
  defineEvent({ type: 'OrderRejected', version: 1, schema: ended }),
  defineEvent({ type: 'OrderExpired', version: 1, schema: z.object({ dueAt: z.iso.datetime() }) }),
  defineEvent({ type: 'OrderLinesCancelled', version: 1, schema: cancelled }),
  defineEvent({ type: 'OrderShipped', version: 1, schema: shipped }),
  defineEvent({ type: 'OrderReturned', version: 1, schema: returned }),
  defineEvent({ type: 'OrderCompleted', version: 1, schema: nothing }),
  ...reviewEvents,
  ...changeEvents,
  ...returnEvents,
  ...paymentEvents,
  ...splitEvents,
];

export type OrderUnits = z.infer<typeof units>;
export type Discount = z.infer<typeof discount>;
export type ConfirmPolicy = (typeof CONFIRM_POLICIES)[number];
export type OrderPlaced = DomainEvent<'OrderPlaced', z.infer<typeof placed>>;
export type OrderReserved = DomainEvent<'OrderReserved', z.infer<typeof reserved>>;
export type OrderAllocated = DomainEvent<'OrderAllocated', z.infer<typeof allocated>>;
export type OrderLinesCancelled = DomainEvent<'OrderLinesCancelled', z.infer<typeof cancelled>>;
export type OrderShipped = DomainEvent<'OrderShipped', z.infer<typeof shipped>>;
export type OrderReturned = DomainEvent<'OrderReturned', z.infer<typeof returned>>;
export type OrderEvent =
  | OrderPlaced
  | OrderReserved
  | DomainEvent<'OrderSourcesExtended', z.infer<typeof sourcesExtended>>
  | OrderAllocated
  | DomainEvent<'OrderConfirmed', z.infer<typeof nothing>>
  | DomainEvent<'OrderRejected', z.infer<typeof ended>>
  | DomainEvent<'OrderExpired', { dueAt: string }>
  | OrderLinesCancelled
  | OrderShipped
  | OrderReturned
  | DomainEvent<'OrderCompleted', z.infer<typeof nothing>>
  | ReviewEvent
  | ChangeEvent
  | ReturnEvent
  | ExchangeEvent
  | PaymentEvent
  | SplitEvent;
