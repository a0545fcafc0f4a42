import { formatAmount } from '../domain/money.js';
import type { OrderBalance } from '../domain/order-balance.js';
import type { TaxPart } from '../domain/tax.js';
import type { Queryable } from '../runtime/database.js';
import { ANY_TEXT, MOMENT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import { conditionsOf, fingerprintOf, type OrderFilter, whereOf } from './order-filter.js';
import { SPLITS_OF_ORDER, type SplitView } from './order-splits.js';
import { DAYS, type OrderRow, type OrderSummary, toSummary } from './order-summary.js';
import {
  balanceOfRows,
  PAYMENTS_OF_ORDER,
  type PaymentRow,
  type PaymentsJson,
  paymentsIn,
} from './payment-pages.js';
import { REVIEWS_OF_ORDER, type ReviewsJson, type ReviewView, reviewsIn } from './review-queue.js';

export type { OrderFilter } from './order-filter.js';

/** A line as people read it. Amounts are those of the whole line as placed, decimal strings of the order's currency. */
export interface OrderLineView {
  readonly lineId: string;
  readonly kind: 'goods' | 'charge' | 'voucher';
  readonly sku: string;
  readonly account: string | null;
  /** Where its stock is held; null until reserved, and for what is not goods. */
  readonly location: string | null;
  readonly quantity: number;
  /** As the channel sent it: up to 6 decimals. */
  readonly unitPrice: string;
  readonly amount: string;
  readonly discount: string;
  readonly tax: string;
  /** What the tax is made of; null where the channel did not say. */
  readonly taxes: readonly TaxPart[] | null;
  readonly shipped: number;
  readonly cancelled: number;
  readonly returned: number;
}

export interface OrderView extends OrderSummary {
  readonly lines: readonly OrderLineView[];
  /** What blocks it or did. */
  readonly reviews: readonly ReviewView[];
  /** Units that nothing holds. */
  readonly short: readonly { readonly sku: string; readonly quantity: number }[];
  readonly payments: readonly PaymentRow[];
  readonly balance: OrderBalance;
  /** Units that ship apart, or did. */
  readonly splits: readonly SplitView[];
}

interface LineRow {
  readonly line_id: string;
  readonly kind: 'goods' | 'charge' | 'voucher';
  readonly sku: string;
  readonly account: string | null;
  readonly location: string | null;
  readonly quantity: number;
  readonly unit_price: string;
  readonly amount: bigint;
  readonly discount: bigint;
  readonly tax: bigint;
  readonly taxes: string | null;
  readonly shipped: number;
  readonly cancelled: number;
  readonly returned: number;
}

const taxesIn = ({ taxes }: Pick<LineRow, 'taxes'>): TaxPart[] | null =>
  taxes === null ? null : (JSON.parse(taxes) as TaxPart[]);

const toLine = (row: LineRow, currency: string): OrderLineView => {
  const money = (minor: bigint): string => formatAmount(minor, currency);
  return {
    lineId: row.line_id,
    kind: row.kind,
    sku: row.sku,
    account: row.account,
    location: row.location,
    quantity: row.quantity,
    unitPrice: row.unit_price,
    amount: money(row.amount),
    discount: money(row.discount),
    tax: money(row.tax),
    taxes: taxesIn(row),
    shipped: row.shipped,
    cancelled: row.cancelled,
    returned: row.returned,
  };
};

const SHORT_OF_ORDER = `(
  SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity) ORDER BY sku) FROM backorders
  WHERE backorders.order_id = orders.order_id)`;

/**
 * What exchanges carried from an order; see domain/order-balance.ts. What one carried to it is in its row: an exchange that names an order
 * need not be the one that the order was placed for.
 */
const CARRIED_AWAY = `(
  SELECT sum(least(credit, coalesce(charged, credit)))::bigint FROM exchanges
  WHERE exchanges.order_id = orders.order_id AND state <> 'ended')`;
interface Carried {
  readonly carried_away: bigint | null;
}

/** One statement, so that all of an order is of the same moment; what is not a line is with the first line. */
const FIND = `
SELECT orders.*, ${DAYS}, line.*, CASE WHEN line_no = 0 THEN ${REVIEWS_OF_ORDER} END AS reviews,
  CASE WHEN line_no = 0 THEN ${SHORT_OF_ORDER} END AS short,
  CASE WHEN line_no = 0 THEN ${PAYMENTS_OF_ORDER} END AS payments,
  CASE WHEN line_no = 0 THEN ${CARRIED_AWAY} END AS carried_away,
  CASE WHEN line_no = 0 THEN ${SPLITS_OF_ORDER} END AS splits
FROM orders
JOIN LATERAL (
  SELECT line_id, kind, sku, account, location, quantity, unit_price, amount, discount, tax, taxes, shipped, cancelled,
    returned, line_no
  FROM order_lines WHERE order_lines.order_id = orders.order_id
) AS line ON true
WHERE orders.order_id = $1 ORDER BY line_no`;

/** One order with its lines in the order the channel sent them; undefined when there is none. */
export const findOrder = async (db: Queryable, orderId: string): Promise<OrderView | undefined> => {
  const { rows } = await db.query<
    OrderRow &
      LineRow & {
        reviews: ReviewsJson;
        short: OrderView['short'] | null;
        payments: PaymentsJson;
        splits: readonly SplitView[] | null;
      } & Carried
  >(FIND, [orderId], 'orders.find');
  const [first] = rows;
  if (first === undefined) return undefined;
  const lines = rows.map((row) => toLine(row, first.currency));
  const payments = paymentsIn(first.payments);
  const balance = balanceOfRows(
    {
      status: first.status,
      lines: rows.map((row) => ({ ...row, taxes: taxesIn(row) ?? undefined })),
      currency: first.currency,
      allowance: first.allowance_total,
      carriedAway: first.carried_away ?? 0n,
      carriedIn: first.exchange_credit ?? 0n,
    },
    payments,
  );
  return {
    ...toSummary(first),
    lines,
    reviews: reviewsIn(first.reviews),
    payments,
    balance,
    short: first.short ?? [],
    splits: first.splits ?? [],
  };
};

const MICROSECONDS = `(extract(epoch FROM orders.placed_at) * 1000000)::bigint`;

/**
 * Orders by time of placement, the newest first; the id breaks ties. A cursor belongs to the filter it was made with. Throws
 * {@link InvalidCursor}.
 */
export const listOrders = async (
  db: Queryable,
  { cursor, limit, ...filter }: OrderFilter & PageRequest = {},
): Promise<Page<OrderSummary>> => {
  const list = `orders ${fingerprintOf(filter)}`;
  const size = pageSize({ limit });
  const { parameters, conditions } = conditionsOf(filter);
  const after = readCursor(list, { cursor }, [MOMENT, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, id] = [`$${parameters.length - 1}`, `$${parameters.length}`];
    conditions.push(
      `(orders.placed_at, orders.order_id) < (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${id})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<OrderRow>(
    `SELECT orders.*, ${DAYS}, ${MICROSECONDS} AS placed_us FROM orders${whereOf(conditions)}
     ORDER BY orders.placed_at DESC, orders.order_id DESC LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(list, rows, size, (row) => [`${row.placed_us}`, row.order_id], toSummary);
};

export const isKnownOrder = async (db: Queryable, orderId: string): Promise<boolean> =>
  (await db.query('SELECT 1 FROM orders WHERE order_id = $1', [orderId], 'orders.known')).rows.length > 0;

/** Whether an order of this customer was ever confirmed. */
export const wasEverConfirmed = async (db: Queryable, customerId: string): Promise<boolean> => {
  const { rows } = await db.query(
    'SELECT 1 FROM orders WHERE customer_id = $1 AND confirmed_at IS NOT NULL LIMIT 1',
    [customerId],
    'orders.customer-known',
  );
  return rows.length > 0;
};

/** Orders of each status. */
export const countOrders = async (db: Queryable): Promise<Readonly<Record<string, number>>> => {
  const { rows } = await db.query<{ status: string; orders: bigint }>(
    'SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status',
    [],
    'orders.count',
  );
  return Object.fromEntries(rows.map(({ status, orders }) => [status, Number(orders)]));
};
