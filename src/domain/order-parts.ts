import { z } from 'zod';
import { amountText, quantity, recordedId, STORABLE_TEXT } from './schemas.js';
import { TAXES_MAX, taxPart } from './tax.js';

/** What the events of an order are made of. */

/**
 * What becomes of units that no location can hold when the order is placed.
 *
 * `all-or-nothing`: the order is rejected, and every SKU comes whole from one location. `ship-available`: they are cancelled at once.
 * `backorder`: they wait for stock. `shortfall`: they are sold already and wait too, as somebody's work.
 */
export const SHORTAGE_POLICIES = ['all-or-nothing', 'ship-available', 'backorder', 'shortfall'] as const;
/** `at-once`: the customer leaves with the goods, so that the order is shipped in the moment it is confirmed. */
export const HANDOVERS = ['later', 'at-once'] as const;
/** 0 is first served. */
export const PRIORITY_LEVEL_MAX = 9;
/** Of an order that says nothing. */
export const PRIORITY_DEFAULT = 5;

export const LINE_KINDS = ['goods', 'charge', 'voucher'] as const;

export const destination = z.object({
  country: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code'),
  region: z.string().max(100).regex(STORABLE_TEXT).optional(),
  postalCode: z.string().max(20).regex(STORABLE_TEXT).optional(),
  /** Of an address that the vault keeps of the customer: an id, never the address. */
  deliveryAddressId: recordedId.optional(),
});

export const line = z.object({
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
  /** What the tax is made of, where the channel says so; they sum to it. */
  taxes: z.array(taxPart).min(1).max(TAXES_MAX).optional(),
});

/** Who comes before whom when stock is scarce, and why. */
export const priority = z.object({
  level: z.int().min(0).max(PRIORITY_LEVEL_MAX),
  reason: z.string().min(1).max(200).regex(STORABLE_TEXT),
});
/** Days, as the customer named them. */
export const requestedDelivery = z.object({ from: z.iso.date().optional(), to: z.iso.date().optional() });

export const allocation = z.object({
  sku: recordedId,
  location: recordedId,
  quantity,
  /** What was asked before and said no, and why: the decision explained. */
  refused: z.array(z.object({ location: recordedId, code: z.string() })),
});
/** Units that nothing holds, why the last location refused, and which locations may deliver them. */
export const lacking = z.object({ sku: recordedId, quantity, code: z.string(), asked: z.array(recordedId) });
export const short = z.object({ sku: recordedId, quantity });
/** Units that are let go of the allocation of a round. */
export const releasedUnits = z.object({
  round: z.int().min(1),
  sku: recordedId,
  location: recordedId,
  quantity,
});

export type OrderLineData = z.infer<typeof line>;
export type Allocation = z.infer<typeof allocation>;
export type Destination = z.infer<typeof destination>;
export type LackingUnits = z.infer<typeof lacking>;
export type ShortUnits = z.infer<typeof short>;
export type ReleasedUnits = z.infer<typeof releasedUnits>;
