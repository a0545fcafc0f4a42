import type { LineKind } from './codes.js';
import type { BadRow } from './row.js';

/** When something happened: local time of the retailer (`YYYY-MM-DDTHH:mm:ss`) and the same instant in UTC. */
export interface Timed {
  readonly at: string;
  readonly instant: string;
}

/** One row of an invoice as a line of its order. */
export interface PlannedLine {
  /** Position among all rows of its invoice, from `'1'`; a bad row keeps its number. */
  readonly lineId: string;
  readonly row: number;
  readonly kind: LineKind;
  /** The account of a charge or voucher; `undefined` for goods. */
  readonly account: string | undefined;
  readonly sku: string;
  /** Units, positive. */
  readonly quantity: number;
  /** Pounds; `'0'` for a free line. */
  readonly unitPrice: string;
}

/** An invoice with at least one sold row. `row` and time are its first row's. */
export interface PlannedOrder extends Timed {
  readonly type: 'order';
  readonly row: number;
  readonly externalId: string;
  readonly customer: string | undefined;
  readonly country: string;
  readonly lines: readonly PlannedLine[];
}

/** What one credit line gives back of one order line. */
export interface CreditPart {
  readonly externalId: string;
  readonly lineId: string;
  readonly quantity: number;
  /** Pence of the credit that fall on this part; the parts sum to the credit's. */
  readonly pence: bigint;
}

/** One line of a credit note. Quantity and pence are positive: what is taken back and given back. */
export interface PlannedCredit extends Timed {
  readonly type: 'credit';
  readonly row: number;
  /** Unique and stable: note and line number, `C536379-1`. */
  readonly id: string;
  readonly note: string;
  readonly lineNumber: number;
  readonly customer: string | undefined;
  readonly country: string;
  readonly kind: LineKind;
  readonly account: string | undefined;
  readonly sku: string;
  readonly description: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly pence: bigint;
  /** `matched` returns order lines; otherwise goods come back blind, and a charge or voucher is reversed. */
  readonly disposition: 'matched' | 'blind_return' | 'charge_reversal';
  /** The order lines of a match, first in first out; empty otherwise. */
  readonly parts: readonly CreditPart[];
  /** External ids of the orders that must have been shipped before, each once. */
  readonly dependsOn: readonly string[];
}

/** Stock that went or appeared without a sale. Goods only. */
export interface PlannedAdjustment extends Timed {
  readonly type: 'adjustment';
  readonly row: number;
  /** Unique and stable: invoice and line number. */
  readonly id: string;
  readonly adjustment: 'write_off' | 'find';
  readonly sku: string;
  /** Units on hand by which stock changes: negative for a write-off, positive for a find. */
  readonly delta: number;
  /** The row's description, or `unspecified` where it has none. */
  readonly reason: string;
}

/** A ledger adjustment for bad debt. */
export interface PlannedBadDebt extends Timed {
  readonly type: 'bad_debt';
  readonly row: number;
  readonly id: string;
  readonly description: string;
  /** As the file has it: negative is debt written off, positive its reversal. */
  readonly pence: bigint;
}

export type PlanItem = PlannedOrder | PlannedCredit | PlannedAdjustment | PlannedBadDebt;

/** A good row that moves neither stock nor money: a code that is not goods, free, on an invoice that sold nothing. */
export interface RowWithoutEffect extends Timed {
  readonly row: number;
  readonly id: string;
  readonly adjustment: 'write_off' | 'find';
  readonly sku: string;
  readonly delta: number;
}

export interface Plan {
  /** Data rows read, good and bad. */
  readonly rows: number;
  /** Receipts to make before anything else: each goods SKU's total outflow, in order of its first appearance. */
  readonly opening: readonly { readonly sku: string; readonly quantity: number }[];
  /** The earliest moment of any good row, for the opening stock; `undefined` when no row is good. */
  readonly startsAt: Timed | undefined;
  /** Everything that happened, in the row order of each item's first row. */
  readonly items: readonly PlanItem[];
  readonly withoutEffect: readonly RowWithoutEffect[];
  readonly bad: readonly BadRow[];
}
