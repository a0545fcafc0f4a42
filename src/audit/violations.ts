/** Something in the log that cannot be: the books are wrong, whatever the tables say. */
export interface Violation {
  readonly code: ViolationCode;
  readonly stream: string;
  readonly detail: string;
}

export const VIOLATION_CODES = {
  undecodable_event: 'an event that this build cannot read',
  unknown_event: 'an event of a type that does not belong to its stream',
  orphan_event: 'an event of an order that was never placed',
  event_after_end: 'an event after the end of its order',
  blocked_step: 'an order confirmed or shipped though a review blocked it',
  wrong_review: 'a review put or resolved twice, or resolved and never put',
  review_left_open: 'a review that stays open though its order is over',
  placed_twice: 'an order placed again',
  wrong_line_amount: 'a line whose amount is not unit price x quantity',
  wrong_discount: 'a discount that is not the sum of its shares, or more than its line',
  wrong_share: 'units shipped or returned for another amount than their frozen share',
  wrong_tax: 'a line whose tax is not the sum of its parts',
  wrong_rate: 'goods moved at another settlement rate than their order has',
  wrong_location: 'goods shipped from where they were not allocated',
  released_unheld: 'units let go of where the order has none',
  wrong_allocation: 'an order reserved with more or fewer units than held and lacking together',
  wrong_release: 'more or fewer units let go than are not wanted any more',
  wrong_round: 'rounds of holds that are not closed one after the other',
  not_short: 'units taken from what lacks, that did not',
  line_twice: 'a line added under an id that the order has',
  wrong_change: 'a change that does not add up',
  wrong_version: 'versions of an order that do not count up',
  wrong_difference: 'a change that says another difference than its lines',
  unknown_line: 'units of a line that the order does not have',
  wrong_split: 'units shipped apart that are not of their split, or a split undone or cut wrongly',
  wrong_consignment: 'a consignment that says something else than its orders',
  more_than_ordered: 'more shipped and cancelled than ordered, or more returned than shipped',
  more_refunded_than_paid: 'more given back than was paid, and nobody said why',
  wrong_return: 'a return with a step out of order, units that nobody has, or an allowance granted twice',
  wrong_exchange: 'an exchange that carries what its return did not give, or a new order that was not agreed',
  wrong_payment: 'a payment fact that cannot be: of no payment, twice, or of more than was authorised',
  more_refunded_than_captured: 'more given back of a payment than came by it, and nobody says so',
  wrong_refund_due: 'another amount due to the customer than what was paid beyond the costs',
  confirmed_unpaid: 'an order that waits for its payment and was confirmed without',
  negative_stock: 'less than nothing on hand',
  oversold: 'more held than on hand',
  hold_reused: 'a hold that ended was held again',
  hold_overdrawn: 'more captured and released than was held',
  reserved_without_hold: 'an order reserved without the hold it names',
  hold_leaked: 'a hold that stays open though its order is over',
  hold_without_order: 'a hold that belongs to no order',
  stock_not_captured: 'goods that left with an order and not from stock',
  goods_not_restocked: 'goods that came back and are not in stock',
  coupon_overused: 'a coupon held and redeemed more often than it may be',
  unbalanced_entry: 'a ledger entry that does not sum to zero',
  trial_balance: 'debits and credits of a currency that differ',
  entry_without_cause: 'a ledger entry that follows from nothing',
  cause_posted_twice: 'an event with two ledger entries',
  cause_out_of_order: 'ledger entries in another order than what they follow from',
  cause_skipped: 'an event without a ledger entry though later ones have theirs',
  wrong_entry: 'a ledger entry that says something else than its event',
  adjustment_twice: 'an adjustment posted twice',
} as const;
export type ViolationCode = keyof typeof VIOLATION_CODES;

export const VIOLATIONS_KEPT = 100;

/** Keeps the first {@link VIOLATIONS_KEPT} and counts the rest. */
export class Violations {
  readonly first: Violation[] = [];
  count = 0;

  add(code: ViolationCode, stream: string, detail: string): void {
    this.count += 1;
    if (this.first.length < VIOLATIONS_KEPT) this.first.push({ code, stream, detail });
  }
}
