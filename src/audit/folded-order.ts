import type { OrderEvent, OrderUnits } from '../domain/order-events.js';
import type { FoldedAllocations } from './fold-allocations.js';
import type { FoldedChange } from './fold-changes.js';
import type { FoldedPayments } from './fold-payments.js';
import type { FoldedReturns } from './fold-returns.js';
import type { FoldedReviews } from './fold-reviews.js';
import type { FoldedSplits } from './fold-splits.js';
import { minorOf } from './money.js';
import type { Place } from './place.js';

/** The data of one type of order event. */
export type Of<Type extends OrderEvent['type']> = Extract<OrderEvent, { type: Type }>['data'];

/** Amounts in minor units, of the whole line as placed. */
export interface FoldedLine {
  readonly order: FoldedOrder;
  readonly lineId: string;
  /** Place in the order, from 0. */
  readonly index: number;
  readonly kind: 'goods' | 'charge' | 'voucher';
  readonly sku: string;
  readonly account: string | undefined;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly amount: bigint;
  readonly tax: bigint;
  /** What the tax is made of, as recorded; undefined where the channel did not say. */
  readonly taxes: Of<'OrderPlaced'>['lines'][number]['taxes'];
  discount: bigint;
  shipped: number;
  cancelled: number;
  returned: number;
  location: string | undefined;
  alsoAt: readonly string[] | undefined;
}

export type FoldedStatus =
  | 'placed'
  | 'reserved'
  | 'confirmed'
  | 'completed'
  | 'cancelled'
  | 'rejected'
  | 'expired';

export interface FoldedOrder {
  readonly id: string;
  placed: Omit<Of<'OrderPlaced'>, 'lines' | 'sources' | 'contentHash'>;
  version: number;
  /** By change id. */
  changes: Map<string, FoldedChange> | undefined;
  readonly lines: Map<string, FoldedLine>;
  status: FoldedStatus;
  confirmed: boolean;
  confirmedAt: string | undefined;
  rejection: Of<'OrderRejected'> | undefined;
  /** Recorded time of the event that ended it. */
  endedAtMs: number | undefined;
  /** What is paid for the units shipped, given back for those returned, and credited beyond. Minor units. */
  charged: bigint;
  credited: bigint;
  allowance: bigint;
  /** What held it back; undefined for an order that nothing ever did. */
  reviews: FoldedReviews | undefined;
  readonly allocations: FoldedAllocations;
  /** What was asked back and given back; undefined for an order of which nothing ever was. */
  returns: FoldedReturns | undefined;
  /** When it expires: as placed, or later for a payment. */
  expiresAt: string | undefined;
  /** Undefined for an order that nobody ever began to pay. */
  payments: FoldedPayments | undefined;
  /** Credit notes that it is found by; undefined for an order that has none. */
  notes: Set<string> | undefined;
  /** Units that ship apart; undefined for an order that was never split. */
  splits: FoldedSplits | undefined;
  last: Place;
}

/** Money given back, by whatever it was given. */
export interface FoldedCredit {
  readonly channel: string;
  readonly note: string;
  readonly currency: string;
  readonly at: string;
  readonly units: number;
  readonly amount: bigint;
}

/** What the customer pays for units. */
export const netOf = ({ amount, discount, tax }: OrderUnits, currency: string): bigint =>
  minorOf(amount, currency) - minorOf(discount, currency) + minorOf(tax, currency);
