import { CURRENCIES, exponentOf } from '../domain/money.js';
import { ENTRY_KINDS } from '../domain/settlement.js';
import type { Projection } from '../runtime/projection.js';
import type { ReportingColumn, ReportingView } from '../runtime/reporting-views.js';

/**
 * What people with BI tools read: the read models in plain words, amounts as decimals. Columns are only ever added. No personal data:
 * the tables below have none.
 */
const DEFAULT_DECIMALS = 2;

/** Decimals of the currency in that column. */
const decimalsOf = (of: string): string =>
  `(CASE ${CURRENCIES.flatMap((code) => {
    const decimals = exponentOf(code) ?? DEFAULT_DECIMALS;
    return decimals === DEFAULT_DECIMALS ? [] : [`WHEN ${of} = '${code}' THEN ${decimals}`];
  }).join(' ')} ELSE ${DEFAULT_DECIMALS} END)`;

const column = (name: string, comment: string, sql = name): ReportingColumn => ({ name, comment, sql });
/** Minor units as a decimal of the currency in that column. */
const amountIn = (of: string, name: string, comment: string): ReportingColumn =>
  column(name, comment, `round(${name} / power(10::numeric, ${decimalsOf(of)}), ${decimalsOf(of)})`);
const amount = (name: string, comment: string): ReportingColumn => amountIn('currency', name, comment);

const channel = column('channel', 'Where the order comes from.');
const currency = column('currency', 'ISO 4217; of all amounts of the row.');
const orderId = column('order_id', 'Channel and external id, as the API has it.');
const sku = column('sku', 'Stock keeping unit.');
const location = column('location', 'Where the goods are.');
const entryKind = column('kind', `${ENTRY_KINDS.slice(0, -1).join(', ')} or ${ENTRY_KINDS.at(-1)}.`);

const orders: ReportingView = {
  name: 'orders',
  comment: 'One row per order. Amounts are of the lines as placed, but for shipped, returned and allowance.',
  from: 'orders',
  columns: [
    orderId,
    channel,
    column('external_id', "The channel's own id of the order."),
    column('status', 'placed, reserved, confirmed, completed, cancelled, rejected or expired.'),
    column('customer_id', 'An id and nothing more; null for a guest.'),
    column('country', 'Where it goes to, ISO 3166 alpha-2.'),
    column('region', 'Where it goes to, as the channel sent it.'),
    column('placed_at', 'When the customer placed it.'),
    column('confirmed_at', 'When it was confirmed; null when it never was.'),
    column('rejection_code', 'Why it was rejected; null when it was not.'),
    currency,
    amount('goods_total', 'Goods before discount and tax.'),
    amount('charge_total', 'Postage, fees and the like.'),
    amount('voucher_total', 'Vouchers that were sold.'),
    amount('discount_total', 'What coupons took off.'),
    amount('tax_total', 'Tax as the channel states it.'),
    amount('total', 'What the customer was to pay.'),
    amount('shipped_total', 'What the customer pays for what was shipped.'),
    amount('returned_total', 'What was given back for what came back.'),
    amount('allowance_total', 'Credited beyond that; negative where less was credited.'),
    column('units', 'Units of lines of every kind.'),
    column('shipped_units', 'Of them shipped.'),
    column('cancelled_units', 'Of them cancelled.'),
    column('returned_units', 'Of those shipped, returned.'),
  ],
};

const orderLines: ReportingView = {
  name: 'order_lines',
  comment: 'One row per line of an order. Amounts are of the whole line as placed.',
  from: 'order_lines',
  columns: [
    orderId,
    column('line_id', 'Of the line within its order.'),
    column('kind', 'goods, charge or voucher.'),
    sku,
    column(
      'location',
      'Where the stock of goods is or was held; null until reserved, and where it was at several places.',
      'CASE WHEN also_at IS NULL THEN location END',
    ),
    column('quantity', 'Units ordered.'),
    column('unit_price', 'Price of one unit, up to 6 decimals.'),
    currency,
    amount('amount', 'Unit price times quantity, rounded once; without tax.'),
    amount('discount', 'What coupons took off.'),
    amount('tax', 'Tax as the channel states it.'),
    column('shipped', 'Units shipped.'),
    column('cancelled', 'Units cancelled.'),
    column('returned', 'Units returned.'),
  ],
};

const stock: ReportingView = {
  name: 'stock',
  comment: 'One row per SKU and location, as it is now.',
  from: 'stock_levels',
  columns: [
    sku,
    location,
    column('on_hand', 'Units that are there.'),
    column('held', 'Of them promised to orders.'),
    column('available', 'On hand less held.'),
    column('changed_at', 'Effective time of the last movement.', 'effective_at'),
  ],
};

const stockMovements: ReportingView = {
  name: 'stock_movements',
  comment: 'Every change of a stock or of what is held of it.',
  from: 'stock_movements',
  columns: [
    sku,
    location,
    column('kind', 'received, held, captured, released, returned or adjusted.'),
    column('quantity', 'Units; signed for an adjustment only.'),
    column('cause_id', 'Receipt, order, return or adjustment that it belongs to.'),
    column('effective_at', 'When it happened.'),
    column('recorded_at', 'When it was recorded.'),
  ],
};

const ledgerDays: ReportingView = {
  name: 'ledger_days',
  comment: 'What a day moved, by party and account. A balance is the sum up to a day.',
  from: 'ledger_days',
  columns: [
    column('party', 'Channel.'),
    column('day', "Day of the party's time zone."),
    column('account', 'Account of the chart.'),
    entryKind,
    currency,
    amount('debit', 'Sum of its debits.'),
    amount('credit', 'Sum of its credits.'),
    amount('amount', 'Debit less credit.'),
  ],
};

const ledgerPostings: ReportingView = {
  name: 'ledger_postings',
  comment: 'Every posting with its entry; the postings of an entry sum to zero.',
  from: 'ledger_entries JOIN ledger_postings USING (commit_position, prepare_position)',
  columns: [
    column('entry_id', 'Of the entry.'),
    column('party', 'Channel.'),
    column('month', 'Period it was posted to, YYYY-MM.'),
    column('day', "Day of the party's time zone.", 'effective_day'),
    entryKind,
    column('order_id', 'The order it follows from; null where there is none.'),
    column('note', 'Credit note; null where there is none.'),
    column('account', 'Account of the chart.'),
    currency,
    amount('amount', 'Debit positive, credit negative.'),
    column('settlement_currency', 'That its order is settled in; null where that is no other one.'),
    amountIn('settlement_currency', 'settlement_amount', 'The same in the settlement currency.'),
    column('recorded_at', 'When the log had it.'),
  ],
};

const coupons: ReportingView = {
  name: 'coupons',
  comment: 'One row per coupon code.',
  from: 'coupons',
  columns: [
    column('code', 'The code.'),
    column('usage_limit', 'How often it may be redeemed.'),
    column('held', 'Held by orders without an outcome.'),
    column('redeemed', 'Redeemed, less what was given back.'),
    column('available', 'What is left.'),
  ],
};

const reviews: ReportingView = {
  name: 'reviews',
  comment: 'One row per review of an order, open or resolved.',
  from: 'reviews',
  columns: [
    orderId,
    column('hold_id', 'Of the review within its order.'),
    channel,
    column('hold_type', 'review, price, credit, fraud, address or payment.'),
    column('role', 'Of the key that may resolve it.'),
    column('rule_id', 'The rule that put it; null when somebody did.'),
    column('held_at', 'When it was put.'),
    column('outcome', 'released, rejected or lapsed; null while it is open.'),
    column('resolved_at', 'When it ended; null while it is open.'),
  ],
};

const freshness: ReportingView = {
  name: 'freshness',
  comment: 'One row: how far these views are.',
  from: `runtime.checkpoints WHERE name = 'live'`,
  columns: [
    column('position', 'Place in the log that they have reached.', 'commit_position'),
    column('event_recorded_at', 'When the last event that they have was recorded.'),
    column('updated_at', 'When they moved last.'),
  ],
};

/** By the projection that makes the table. */
const VIEWS: Readonly<Record<string, readonly ReportingView[]>> = {
  orders: [orders],
  order_lines: [orderLines],
  stock_levels: [stock],
  stock_movements: [stockMovements],
  ledger: [ledgerDays, ledgerPostings],
  coupons: [coupons],
  reviews: [reviews, freshness],
};

export const withReporting = (projections: readonly Projection[]): readonly Projection[] =>
  projections.map((projection) => {
    const reporting = VIEWS[projection.name];
    return reporting === undefined ? projection : { ...projection, reporting };
  });
