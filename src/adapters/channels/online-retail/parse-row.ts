import { DateTime } from 'luxon';
import { BAD_DEBT_CODE } from './codes.js';
import { decimalsOf, MAX_PRICE_DECIMALS, normalizeDecimal } from './money.js';
import {
  type BadRow,
  type BadRowReason,
  badRow,
  COLUMNS,
  MAX_CODE_CHARS,
  MAX_DESCRIPTION_CHARS,
  MAX_PRICE_POUNDS,
  MAX_QUANTITY_UNITS,
  type Row,
  TIME_ZONE,
} from './row.js';

const MAX_REMEMBERED_STRINGS = 1_000_000;

const INVOICE_PATTERN = /^([A-Za-z]*)(\d{1,12})$/;
const QUANTITY_PATTERN = /^[+-]?\d{1,15}$/;
const CUSTOMER_PATTERN = /^(\d{1,12})(?:\.0)?$/;
const TIME_PATTERN = /^(\d{4}-\d{2}-\d{2})[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
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

/** Milliseconds since 1970 at which a local hour (`YYYY-MM-DDTHH`) began. */
function checkHour(hour: string): Checked<number> {
  const moment = DateTime.fromISO(hour, { zone: TIME_ZONE });
  if (!moment.isValid) return { reason: 'bad_date' };
  // luxon moves a time inside the spring gap an hour on; nobody's clock ever showed it
  if (moment.toFormat("yyyy-MM-dd'T'HH") !== hour) return { reason: 'nonexistent_local_time' };
  return { value: moment.toMillis() };
}

function checkTime(text: string, hourOf: typeof checkHour): Checked<Time> {
  const match = TIME_PATTERN.exec(text);
  if (match === null) return { reason: 'bad_date' };
  const [, date = '', hour = '', minute = '', second = '00'] = match;
  // London's clock only ever changed on the hour, so that an hour has one offset; asking per hour is ten times faster
  const began = hourOf(`${date}T${hour}`);
  if ('reason' in began) return began;
  const moment = new Date(began.value + Number(minute) * 60_000 + Number(second) * 1_000);
  return { value: { at: `${date}T${hour}:${minute}:${second}`, instant: moment.toISOString() } };
}

/** Remembers what a pure function answered, so that equal texts give the very same value. */
function remembered<T extends string | object>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  let lastText: string | undefined;
  let lastValue: T | undefined;
  return (text) => {
    // rows of one invoice follow each other and repeat most of their fields
    if (text === lastText && lastValue !== undefined) return lastValue;
    let value = known.get(text);
    if (value === undefined) {
      if (known.size >= MAX_REMEMBERED_STRINGS) known.clear();
      value = compute(text);
      known.set(text, value);
    }
    lastText = text;
    lastValue = value;
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
  const hourOf = remembered(checkHour);
  const timeOf = remembered((text) => checkTime(text, hourOf));

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
      description,
      quantity,
      at: at.value.at,
      instant: at.value.instant,
      unitPrice: unitPrice.value,
      customer: customer === undefined ? undefined : share(customer),
      country: share(country),
    };
  };
}
