import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { type ReviewEvent, reviewEvents } from './review.js';
import { amountText, currency, quantity, recordedId, STORABLE_TEXT, signedAmountText } from './schemas.js';
import { type SplitEvent, splitEvents, splitUnits } from './split.js';

/**
 * The facts of an order. Amounts are decimal strings of the order's currency. Every event that moves goods or money carries
 * the frozen shares of its units, so that the ledger, refunds and reports read them and compute nothing again.
 */
export const LINE_KINDS = ['goods', 'charge', 'voucher'] as const;

export const destination = z.object({
  country: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code'),
  region: z.string().max(100).regex(STORABLE_TEXT).optional(),
  postalCode: z.string().max(20).regex(STORABLE_TEXT).optional(),
});

const line = z.object({
  lineId: recordedId,
  kind: z.enum(LINE_KINDS),
  sku: recordedId,
  /** Where a charge or voucher line goes in the ledger; its SKU when absent. */
  account: z.string().optional(),
  quantity,
  unitPrice: amountText,
  /** Unit price x quantity, rounded half to even once; without tax. */
  amount: amountText,
  /** Tax of the whole line as the channel states it. */
  tax: amountText,
});

const placed = z.object({
  channel: recordedId,
  externalId: recordedId,
  placedAt: z.iso.datetime(),
  currency,
  customerId: recordedId.optional(),
  destination: destination.optional(),
  lines: z.array(line).min(1),
  coupons: z.array(recordedId),
  confirm: z.enum(['auto', 'explicit']),
  /** When the order expires unless it was confirmed; never when absent. */
  expiresAt: z.iso.datetime().optional(),
  /** Locations that could deliver when it was placed, best first. */
  sources: z.array(recordedId),
  /** sha-256 of what the channel sent: the same order again is a repeat, another one under its id a conflict. */
  contentHash: z.string(),
});

const allocation = z.object({
  sku: recordedId,
  location: recordedId,
  quantity,
  /** What was asked before and said no, and why: the decision explained. */
  refused: z.array(z.object({ location: recordedId, code: z.string() })),
});
const discount = z.object({
  code: recordedId,
  amount: amountText,
  shares: z.array(z.object({ lineId: recordedId, amount: amountText })),
});
const reserved = z.object({ allocations: z.array(allocation), discounts: z.array(discount) });

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
  /** Goods only: the stock they leave or return to. */
  location: recordedId.optional(),
});

const cancelled = z.object({
  cancellationId: recordedId,
  reason: z.string(),
  lines: z.array(z.object({ lineId: recordedId, quantity })).min(1),
  /** Of these, units that were split off. */
  splits: z.array(splitUnits).min(1).optional(),
});
const shipped = z.object({
  shipmentId: recordedId,
  channel: recordedId,
  currency,
  lines: z.array(units).min(1),
  /** The delivery group that it ships; the rest of the order when absent. */
  splitId: recordedId.optional(),
});
const returned = z.object({
  returnId: recordedId,
  channel: recordedId,
  currency,
  /** The credit note it belongs to, where there is one. */
  note: recordedId.optional(),
  reason: z.string(),
  lines: z.array(units).min(1),
  /** Credited beyond the frozen shares; negative where less was credited. */
  allowance: signedAmountText,
});
const nothing = z.object({});

export const orderEvents = [
  defineEvent({ type: 'OrderPlaced', version: 1, schema: placed }),
  defineEvent({ type: 'OrderReserved', version: 1, schema: reserved }),
  defineEvent({ type: 'OrderConfirmed', version: 1, schema: nothing }),
  defineEvent({ type: 'OrderRejected', version: 1, schema: ended }),
  defineEvent({ type: 'OrderExpired', version: 1, schema: z.object({ dueAt: z.iso.datetime() }) }),
  defineEvent({ type: 'OrderLinesCancelled', version: 1, schema: cancelled }),
  defineEvent({ type: 'OrderShipped', version: 1, schema: shipped }),
  defineEvent({ type: 'OrderReturned', version: 1, schema: returned }),
  defineEvent({ type: 'OrderCompleted', version: 1, schema: nothing }),
  ...reviewEvents,
  ...splitEvents,
];

export type OrderLineData = z.infer<typeof line>;
export type OrderUnits = z.infer<typeof units>;
export type Allocation = z.infer<typeof allocation>;
export type Discount = z.infer<typeof discount>;
export type Destination = z.infer<typeof destination>;
export type OrderPlaced = DomainEvent<'OrderPlaced', z.infer<typeof placed>>;
export type OrderReserved = DomainEvent<'OrderReserved', z.infer<typeof reserved>>;
export type OrderLinesCancelled = DomainEvent<'OrderLinesCancelled', z.infer<typeof cancelled>>;
export type OrderShipped = DomainEvent<'OrderShipped', z.infer<typeof shipped>>;
export type OrderReturned = DomainEvent<'OrderReturned', z.infer<typeof returned>>;
export type OrderEvent =
  | OrderPlaced
  | OrderReserved
  | DomainEvent<'OrderConfirmed', z.infer<typeof nothing>>
  | DomainEvent<'OrderRejected', z.infer<typeof ended>>
  | DomainEvent<'OrderExpired', { dueAt: string }>
  | OrderLinesCancelled
  | OrderShipped
  | OrderReturned
  | DomainEvent<'OrderCompleted', z.infer<typeof nothing>>
  | ReviewEvent
  | SplitEvent;
