import type { CouponTerms } from './coupon.js';
import type { ChangeAction } from './order-change-events.js';
import type { Allocation, LackingUnits, OrderLineData, OrderPlaced } from './order-events.js';
import type { PaymentCommand } from './order-payment-commands.js';
import type { ExchangeCommand, ReturnCommand } from './order-return-commands.js';
import type { BlockableStep, HoldType, ResolverRole } from './review.js';
import type { CustomerFacts, ReviewRule } from './review-rules.js';
import type { OrderSplit } from './split.js';

/** Units of a line, as a request names them. */
export interface LineQuantity {
  readonly lineId: string;
  readonly quantity: number;
}

export type PlaceOrder = Omit<OrderPlaced['data'], 'lines'> & {
  readonly type: 'place';
  readonly lines: readonly Omit<OrderLineData, 'amount'>[];
  /** The channel's rules, where it has any, and what they need to know. */
  readonly review?: CustomerFacts & {
    readonly rules: readonly ReviewRule[];
    /** Until when a held order keeps its stock (ISO 8601). */
    readonly keepUntil: string;
  };
};

export type OrderCommand =
  /** Once per channel and external id; the same content again yields nothing, other content is `order_exists`. */
  | PlaceOrder
  /** Its holds are there: freezes the discounts, and confirms where the policy says so. */
  | {
      readonly type: 'reserve';
      readonly allocations: readonly Allocation[];
      readonly coupons: readonly { readonly code: string; readonly terms: CouponTerms }[];
      /** Of SKUs that lack units: why, and who was asked. */
      readonly lacking?: readonly Omit<LackingUnits, 'quantity'>[];
    }
  /** Locations beyond those it was placed with may deliver; those it has already make no difference. */
  | { readonly type: 'extend-sources'; readonly locations: readonly string[]; readonly reason: string }
  /**
   * Closes a round of holds for units that are short. Holds that do not fit any more come to nothing, and a round that is closed stays
   * as it is. Rejection: `too_many_rounds`.
   */
  | { readonly type: 'allocate'; readonly round: number; readonly allocations: readonly Allocation[] }
  /** A hold was refused for good. */
  | { readonly type: 'refuse'; readonly code: string; readonly detail: string; readonly sku?: string }
  | { readonly type: 'confirm' }
  /** The deadline of an order that waits for confirmation has passed. Nothing for one without a deadline or before it. */
  | { readonly type: 'expire'; readonly dueAt: string }
  /** Takes back units that were not shipped; all of them when no lines are named. */
  | {
      readonly type: 'cancel';
      readonly cancellationId: string;
      readonly reason: string;
      readonly lines?: readonly LineQuantity[];
    }
  /**
   * Ships units of a confirmed order; all that are open (at that location) when no lines are named. Charges and vouchers
   * go out with the first shipment. Of a split when one is named, else of what was not split off.
   */
  | {
      readonly type: 'ship';
      readonly shipmentId: string;
      readonly splitId?: string;
      readonly location?: string;
      readonly lines?: readonly LineQuantity[];
    }
  /**
   * Takes shipped units back for their frozen shares, or for `credited` (decimal string) where that was agreed. More than is left
   * of what was charged is `exceeds_paid`, unless `goodwill` says why.
   */
  | {
      readonly type: 'return';
      readonly returnId: string;
      readonly reason: string;
      readonly lines: readonly LineQuantity[];
      readonly note?: string;
      readonly credited?: string;
      /** Where the goods go; where they came from when absent. */
      readonly location?: string;
      readonly goodwill?: string;
    }
  /** Once per change id. Rejections: those of what it would do, `too_many_changes`, `order_held` for a line under review. */
  | {
      readonly type: 'propose-change';
      readonly changeId: string;
      readonly reason: string;
      readonly actions: readonly ChangeAction[];
    }
  /** Rejections: as for the proposal, `insufficient_stock`, `change_resolved`, `allocation_changed` (try again). */
  | {
      readonly type: 'confirm-change';
      readonly changeId: string;
      /** Holds of the next round for what it adds; the order process makes them. */
      readonly round?: number;
      readonly allocations?: readonly Allocation[];
      readonly lacking?: readonly Omit<LackingUnits, 'quantity'>[];
    }
  | { readonly type: 'decline-change'; readonly changeId: string; readonly reason: string }
  /** Blocks steps of the order, or of lines of it, until somebody with that role resolves it. Once per hold id. */
  | {
      readonly type: 'review';
      readonly holdId: string;
      readonly holdType: HoldType;
      readonly blocks: readonly BlockableStep[];
      readonly role: ResolverRole;
      readonly lines?: readonly string[];
      readonly reason: string;
    }
  /** `role` is that of who resolves it. Rejected: the open units of what it is on are cancelled. */
  | {
      readonly type: 'resolve-review';
      readonly holdId: string;
      readonly outcome: 'released' | 'rejected';
      readonly reason: string;
      readonly role: string;
    }
  /** Puts units that are open, and in no group, into a delivery group that ships apart. Once per split id. */
  | {
      readonly type: 'split';
      readonly splitId: string;
      readonly lines: readonly LineQuantity[];
      readonly requestedDate?: OrderSplit['data']['requestedDate'];
      readonly priority?: OrderSplit['data']['priority'];
    }
  /** Gives them back to the rest, while none of them was shipped. */
  | { readonly type: 'undo-split'; readonly splitId: string; readonly reason: string }
  | ReturnCommand
  | ExchangeCommand
  | PaymentCommand;
