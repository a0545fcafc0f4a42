import { DateTime } from 'luxon';
import { BAD_DEBT_CODE } from './codes.js';
import { decimalsOf, MAX_PRICE_DECIMALS, normalizeDecimal } from './money.js';

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
/** The retailer's clock: InvoiceDate is local time here. */
export const TIME_ZONE = 'Europe/London';

export const MAX_QUANTITY_UNITS = 1_000_000;
export const MAX_PRICE_POUNDS = 1_000_000;
export const MAX_CODE_CHARS = 64;
export const MAX_DESCRIPTION_CHARS = 500;
const MAX_DETAIL_CHARS = 120;
const MAX_REMEMBERED_STRINGS = 1_000_000;

/** `''` sale or stock movement, `'C'` credit note, `'A'` ledger adjustment. */
export type InvoiceLetter = '' | 'C' | 'A';

/** One good row of the file. Its strings are shared between rows that have the same. */
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

const INVOICE_PATTERN = /^([A-Za-z]*)(\d{1,12})$/;
const QUANTITY_PATTERN = /^[+-]?\d{1,15}$/;
const CUSTOMER_PATTERN = /^(\d{1,12})(?:\.0)?$/;
const TIME_PATTERN = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in a code is what is looked for
const UNPRINTABLE_PATTERN = /[\u0000-\u001f\u007f\ufffd]/;

type Checked<T> = { readonly value: T } | { readonly reason: BadRowReason };
type Time = { readonly at: string; readonly instant: string };

function checkPrice(text: string): Checked<string> {
  const value = normalizeDecimal(text);
  if (value === undefined) return { reason: 'bad_price' };
  if (decimalsOf(text) > MAX_PRICE_DECIMALS) return { reason: 'price_too_precise' };
  if (Math.abs(Number(value)) > MAX_PRICE_POUNDS) return { reason: 'price_over_limit' };
  return { value };
}

function checkTime(text: string): Checked<Time> {
  const match = TIME_PATTERN.exec(text);
  if (match === null) return { reason: 'bad_date' };
  const at = `${match[1] ?? ''}T${match[2] ?? ''}${match[3] ?? ':00'}`;
  const moment = DateTime.fromISO(at, { zone: TIME_ZONE });
  const instant = moment.toUTC().toISO();
  if (instant === null) return { reason: 'bad_date' };
  // luxon moves a time inside the spring gap an hour on; nobody's clock ever showed it
  if (moment.toFormat("yyyy-MM-dd'T'HH:mm:ss") !== at) return { reason: 'nonexistent_local_time' };
  return { value: { at, instant } };
}

/** The last `limit` distinct results of a pure function, so that equal texts give the very same value. */
function remembered<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    if (known.size >= MAX_REMEMBERED_STRINGS) known.clear();
    const value = compute(text);
    known.set(text, value);
    return value;
  };
}

/**
 * A function that turns the fields of data row `row` into a row or says why it cannot. It remembers the strings it
 * has seen, so that a year of rows shares them; what it returns depends on its arguments alone.
 */
export function createRowParser(): (row: number, fields: readonly string[]) => Row | BadRow {
  const share = remembered((text) => text);
  const priceOf = remembered(checkPrice);
  const timeOf = remembered(checkTime);

  return (row, fields) => {
    if (fields.length !== COLUMNS.length) {
      return badRow(row, 'wrong_column_count', `${fields.length} columns instead of ${COLUMNS.length}`);
    }
    const [
      invoiceText = '',
      sku = '',
      description = '',
      units = '',
      time = '',
      price = '',
      who = '',
      country = '',
    ] = fields;
    if (invoiceText === '') return badRow(row, 'missing_invoice', '');
    const parsed = INVOICE_PATTERN.exec(invoiceText);
    if (parsed === null) return badRow(row, 'bad_invoice_number', invoiceText);
    const letter = parsed[1] ?? '';
    if (letter !== '' && letter !== 'C' && letter !== 'A') {
      return badRow(row, 'unknown_invoice_letter', invoiceText);
    }
    const invoice = share(invoiceText);
    const bad = (reason: BadRowReason, detail: string) => badRow(row, reason, detail, invoice);

    if (sku === '') return bad('missing_sku', '');
    if (sku.length > MAX_CODE_CHARS || UNPRINTABLE_PATTERN.test(sku)) return bad('bad_sku', sku);
    if (description.length > MAX_DESCRIPTION_CHARS) return bad('description_too_long', description);
    if (!QUANTITY_PATTERN.test(units)) return bad('bad_quantity', units);
    const quantity = Number(units);
    if (quantity === 0) return bad('zero_quantity', units);
    if (Math.abs(quantity) > MAX_QUANTITY_UNITS) return bad('quantity_over_limit', units);
    const at = timeOf(time);
    if ('reason' in at) return bad(at.reason, time);
    const unitPrice = priceOf(price);
    if ('reason' in unitPrice) return bad(unitPrice.reason, price);
    if (letter !== 'A' && unitPrice.value.startsWith('-')) return bad('negative_price', price);
    const customer = who === '' ? undefined : CUSTOMER_PATTERN.exec(who)?.[1];
    if (customer === undefined && who !== '') return bad('bad_customer', who);
    if (country === '') return bad('missing_country', '');

    if (letter === 'C' && quantity > 0) return bad('credit_quantity_not_negative', units);
    if (letter === '' && quantity < 0 && unitPrice.value !== '0') return bad('write_off_with_price', price);
    if (letter === 'A' && sku !== BAD_DEBT_CODE) return bad('unknown_adjustment_code', sku);
    if (letter !== 'A' && sku === BAD_DEBT_CODE) return bad('bad_debt_outside_adjustment', invoice);
    return {
      row,
      invoice,
      letter,
      sku: share(sku),
      description: share(description),
      quantity,
      at: at.value.at,
      instant: at.value.instant,
      unitPrice: unitPrice.value,
      customer: customer === undefined ? undefined : share(customer),
      country: share(country),
    };
  };
}
