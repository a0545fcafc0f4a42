/** The columns of the file, in their order. */
export const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;
/** UnitPrice is in this currency. */
export const CURRENCY = 'GBP';
/** The retailer's clock: InvoiceDate is local time here. */
export const TIME_ZONE = 'Europe/London';

export const MAX_QUANTITY_UNITS = 1_000_000;
export const MAX_PRICE_POUNDS = 1_000_000;
export const MAX_CODE_CHARS = 64;
export const MAX_DESCRIPTION_CHARS = 500;
const MAX_DETAIL_CHARS = 120;

/** `''` sale or stock movement, `'C'` credit note, `'A'` ledger adjustment. */
export type InvoiceLetter = '' | 'C' | 'A';

/** One good row of the file. Its strings, but for the description, are shared between rows that have the same. */
export interface Row {
  /** Number of the data row, from 1; the header is not counted. */
  readonly row: number;
  /** Invoice number as written, letter included. */
  readonly invoice: string;
  readonly letter: InvoiceLetter;
  /** Stock code, case sensitive. */
  readonly sku: string;
  readonly description: string;
  /** Whole units, never 0; negative in credit notes and write-offs. */
  readonly quantity: number;
  /** Local time of the retailer, `YYYY-MM-DDTHH:mm:ss`. */
  readonly at: string;
  /** The same moment as an ISO instant in UTC. */
  readonly instant: string;
  /** Pounds, a decimal of up to six places in its shortest form; negative only in ledger adjustments. */
  readonly unitPrice: string;
  /** Customer number without the `.0` of the file. */
  readonly customer: string | undefined;
  readonly country: string;
}

/** Why a row cannot be taken. */
export type BadRowReason =
  | 'unreadable_record'
  | 'line_too_long'
  | 'wrong_column_count'
  | 'missing_invoice'
  | 'unknown_invoice_letter'
  | 'bad_invoice_number'
  | 'missing_sku'
  | 'bad_sku'
  | 'description_too_long'
  | 'bad_quantity'
  | 'zero_quantity'
  | 'quantity_over_limit'
  | 'bad_price'
  | 'price_too_precise'
  | 'price_over_limit'
  | 'negative_price'
  | 'bad_date'
  | 'nonexistent_local_time'
  | 'bad_customer'
  | 'missing_country'
  | 'credit_quantity_not_negative'
  | 'write_off_with_price'
  | 'bad_debt_outside_adjustment'
  | 'unknown_adjustment_code'
  | 'customer_differs_in_invoice'
  | 'country_differs_in_invoice';

/** A row that was not taken: its number, a stable code, and the offending text. */
export interface BadRow {
  readonly row: number;
  readonly reason: BadRowReason;
  readonly detail: string;
  /** The invoice the row names, where that could be read: the row keeps its line number there. */
  readonly invoice?: string;
}

/** Tells a bad row from a good one. */
export function isBadRow(row: Row | BadRow): row is BadRow {
  return 'reason' in row;
}

/** A bad row with its detail cut to a length that is safe to print. */
export function badRow(row: number, reason: BadRowReason, detail: string, invoice?: string): BadRow {
  const short = detail.length > MAX_DETAIL_CHARS ? `${detail.slice(0, MAX_DETAIL_CHARS)}…` : detail;
  return invoice === undefined ? { row, reason, detail: short } : { row, reason, detail: short, invoice };
}
