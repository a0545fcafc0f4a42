import { amountOf } from '../domain/money.js';
import { PRIORITY_DEFAULT } from '../domain/order-events.js';
import { isGuest, requestedDays } from '../domain/order-state.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { booleans, numbers, texts } from './columns.js';
import {
  collapseOrders,
  discountedBefore,
  type MoreOfOrder,
  type OrderChange,
  type Placed,
} from './order-changes.js';

/**
 * One row per order. Amounts are minor units of the row's currency. What changes only ever adds up or is replaced, so a batch is
 * folded per order in memory and written as one insert and one update, and no row is read first.
 *
 * Four lists that people page through, four indexes with the time of placement behind; all change with the insert only, except
 * that on `status`.
 */
const create = `
CREATE TABLE orders (
  order_id         text COLLATE "C" PRIMARY KEY,
  channel          text COLLATE "C" NOT NULL,
  external_id      text COLLATE "C" NOT NULL,
  -- placed, reserved, confirmed, completed, cancelled, rejected, expired
  status           text COLLATE "C" NOT NULL,
  customer_id      text COLLATE "C",
  currency         text COLLATE "C" NOT NULL,
  country          text,
  region           text,
  postal_code      text,
  placed_at        timestamptz NOT NULL,
  expires_at       timestamptz,
  confirmed_at     timestamptz,
  -- auto, explicit
  confirm          text NOT NULL,
  coupons          text[] NOT NULL,
  -- all-or-nothing, ship-available, backorder, shortfall
  shortage         text NOT NULL,
  -- later, at-once
  handover         text NOT NULL,
  -- 0 is first served.
  priority         integer NOT NULL,
  priority_reason  text,
  requested_from   date,
  requested_to     date,
  guest            boolean NOT NULL,
  gift             boolean NOT NULL,
  assisted_by      text,
  -- Placed for an exchange: the order whose goods came back, its exchange, and the credit of it that pays for this one.
  exchanged_order_id text COLLATE "C",
  exchange_id      text COLLATE "C",
  exchange_credit  bigint,
  -- 1 as placed; one more with every change that was confirmed.
  version          integer NOT NULL DEFAULT 1,
  line_count       integer NOT NULL,
  -- What the lines come to before discount and tax, by their kind.
  goods_total      bigint NOT NULL,
  charge_total     bigint NOT NULL,
  voucher_total    bigint NOT NULL,
  discount_total   bigint NOT NULL,
  tax_total        bigint NOT NULL,
  total            bigint GENERATED ALWAYS AS (goods_total + charge_total + voucher_total - discount_total + tax_total)
                   STORED,
  -- What the customer pays for the units shipped, and gets back for those returned; beyond that, allowances.
  shipped_total    bigint NOT NULL,
  returned_total   bigint NOT NULL,
  allowance_total  bigint NOT NULL,
  -- Units of lines of every kind.
  units            bigint NOT NULL,
  shipped_units    bigint NOT NULL,
  cancelled_units  bigint NOT NULL,
  returned_units   bigint NOT NULL,
  rejection_code   text,
  rejection_detail text,
  rejection_sku    text,
  -- Of its last event: revision, place in the log, when it happened, when it was recorded.
  revision         bigint NOT NULL,
  position         bigint NOT NULL,
  effective_at     timestamptz NOT NULL,
  recorded_at      timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX orders_by_time ON orders (placed_at, order_id);
CREATE INDEX orders_by_channel ON orders (channel, placed_at, order_id);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at, order_id) WHERE customer_id IS NOT NULL;
-- With the channel, so that counting reads no row.
CREATE INDEX orders_by_status ON orders (status, placed_at, order_id) INCLUDE (channel);
`;

const INSERT = `
INSERT INTO orders (order_id, status, discount_total, shipped_total, returned_total, allowance_total, shipped_units,
  cancelled_units, returned_units, confirmed_at, rejection_code, rejection_detail, rejection_sku, revision, position,
  effective_at, recorded_at,
  channel, external_id, customer_id, currency, country, region, postal_code, placed_at, expires_at, confirm, coupons,
  line_count, goods_total, charge_total, voucher_total, tax_total, units, shortage, handover, priority, priority_reason,
  requested_from, requested_to, guest, gift, assisted_by, exchanged_order_id, exchange_id, exchange_credit)
SELECT c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17,
  p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11::text[], p12, p13, p14, p15, p16, p17, p18, p19, p20, p21, p22, p23, p24,
  p25, p26, p27, p28, p29
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
  $16::timestamptz[], $17::timestamptz[],
  $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::timestamptz[],
  $26::timestamptz[], $27::text[], $28::text[], $29::integer[], $30::bigint[], $31::bigint[], $32::bigint[],
  $33::bigint[], $34::bigint[], $35::text[], $36::text[], $37::integer[], $38::text[], $39::date[], $40::date[],
  $41::boolean[], $42::boolean[], $43::text[], $44::text[], $45::text[], $46::bigint[]) AS row
  (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17,
   p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p20, p21, p22, p23, p24, p25, p26,
   p27, p28, p29)`;

/** An order is cancelled by its last unit, and no event says so: the arithmetic of domain/order-state.ts, per row. */
const UPDATE = `
UPDATE orders SET
  status = CASE
    WHEN change.cancelled_units > 0 AND orders.cancelled_units + change.cancelled_units = orders.units THEN 'cancelled'
    ELSE coalesce(change.status, orders.status) END,
  discount_total = orders.discount_total + change.discount_total,
  shipped_total = orders.shipped_total + change.shipped_total,
  returned_total = orders.returned_total + change.returned_total,
  allowance_total = orders.allowance_total + change.allowance_total,
  shipped_units = orders.shipped_units + change.shipped_units,
  cancelled_units = orders.cancelled_units + change.cancelled_units,
  returned_units = orders.returned_units + change.returned_units,
  confirmed_at = coalesce(change.confirmed_at, orders.confirmed_at),
  rejection_code = coalesce(change.rejection_code, orders.rejection_code),
  rejection_detail = coalesce(change.rejection_detail, orders.rejection_detail),
  rejection_sku = coalesce(change.rejection_sku, orders.rejection_sku),
  revision = change.revision, position = change.position,
  effective_at = change.effective_at, recorded_at = change.recorded_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
  $16::timestamptz[], $17::timestamptz[]) AS change
  (order_id, status, discount_total, shipped_total, returned_total, allowance_total, shipped_units, cancelled_units,
   returned_units, confirmed_at, rejection_code, rejection_detail, rejection_sku, revision, position, effective_at,
   recorded_at)
WHERE orders.order_id = change.order_id`;

/** What changes of orders add. Before {@link UPDATE}, which compares units. */
const ADD = `
UPDATE orders SET
  goods_total = goods_total + more.goods, charge_total = charge_total + more.charge,
  voucher_total = voucher_total + more.voucher, tax_total = tax_total + more.tax, units = orders.units + more.units,
  line_count = line_count + more.lines, version = more.version,
  country = CASE WHEN more.country IS NULL THEN orders.country ELSE more.country END,
  region = CASE WHEN more.country IS NULL THEN orders.region ELSE more.region END,
  postal_code = CASE WHEN more.country IS NULL THEN orders.postal_code ELSE more.postal_code END
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::integer[], $8::integer[],
  $9::text[], $10::text[], $11::text[]) AS more
  (order_id, goods, charge, voucher, tax, units, lines, version, country, region, postal_code)
WHERE orders.order_id = more.order_id`;

const moreColumns = (rows: readonly (MoreOfOrder & { readonly orderId: string })[]): string[] => [
  texts(rows.map(({ orderId }) => orderId)),
  numbers(rows.map(({ amounts }) => amounts.goods)),
  numbers(rows.map(({ amounts }) => amounts.charge)),
  numbers(rows.map(({ amounts }) => amounts.voucher)),
  numbers(rows.map(({ tax }) => tax)),
  numbers(rows.map(({ units }) => units)),
  numbers(rows.map(({ lines }) => lines)),
  numbers(rows.map(({ version }) => version)),
  texts(rows.map(({ destination }) => destination?.country)),
  texts(rows.map(({ destination }) => destination?.region)),
  texts(rows.map(({ destination }) => destination?.postalCode)),
];

/** A payment makes a deadline later, and never makes one. */
const EXTEND = `
UPDATE orders SET expires_at = change.expires_at
FROM unnest($1::text[], $2::timestamptz[]) AS change (order_id, expires_at)
WHERE orders.order_id = change.order_id AND orders.expires_at < change.expires_at`;

const changeColumns = (orderIds: readonly string[], rows: readonly OrderChange[]): string[] => [
  texts(orderIds),
  texts(rows.map(({ status }) => status)),
  numbers(rows.map(({ discount }) => discount)),
  numbers(rows.map(({ shipped }) => shipped)),
  numbers(rows.map(({ returned }) => returned)),
  numbers(rows.map(({ allowance }) => allowance)),
  numbers(rows.map(({ shippedUnits }) => shippedUnits)),
  numbers(rows.map(({ cancelledUnits }) => cancelledUnits)),
  numbers(rows.map(({ returnedUnits }) => returnedUnits)),
  texts(rows.map(({ confirmedAt }) => confirmedAt)),
  texts(rows.map(({ rejection }) => rejection?.code)),
  texts(rows.map(({ rejection }) => rejection?.detail)),
  texts(rows.map(({ rejection }) => rejection?.sku)),
  numbers(rows.map(({ last }) => last.revision)),
  numbers(rows.map(({ last }) => last.position.commit)),
  texts(rows.map(({ last }) => last.metadata.effectiveAt)),
  texts(rows.map(({ last }) => last.recordedAt.toISOString())),
];

const placedColumns = (rows: readonly Placed[]): string[] => [
  texts(rows.map(({ data }) => data.channel)),
  texts(rows.map(({ data }) => data.externalId)),
  texts(rows.map(({ data }) => data.customerId)),
  texts(rows.map(({ data }) => data.currency)),
  texts(rows.map(({ data }) => data.destination?.country)),
  texts(rows.map(({ data }) => data.destination?.region)),
  texts(rows.map(({ data }) => data.destination?.postalCode)),
  texts(rows.map(({ data }) => data.placedAt)),
  texts(rows.map(({ data }) => data.expiresAt)),
  texts(rows.map(({ data }) => data.confirm)),
  texts(rows.map(({ data }) => texts(data.coupons))),
  numbers(rows.map(({ data }) => data.lines.length)),
  numbers(rows.map(({ amounts }) => amounts.goods)),
  numbers(rows.map(({ amounts }) => amounts.charge)),
  numbers(rows.map(({ amounts }) => amounts.voucher)),
  numbers(rows.map(({ tax }) => tax)),
  numbers(rows.map(({ units }) => units)),
  texts(rows.map(({ data }) => data.shortage ?? 'all-or-nothing')),
  texts(rows.map(({ data }) => data.handover ?? 'later')),
  numbers(rows.map(({ data }) => data.priority?.level ?? PRIORITY_DEFAULT)),
  texts(rows.map(({ data }) => data.priority?.reason)),
  texts(rows.map(({ data }) => requestedDays(data)?.from)),
  texts(rows.map(({ data }) => requestedDays(data)?.to)),
  booleans(rows.map(({ data }) => isGuest(data))),
  booleans(rows.map(({ data }) => data.gift === true)),
  texts(rows.map(({ data }) => data.assistedBy)),
  texts(rows.map(({ data }) => data.exchangeOf?.orderId)),
  texts(rows.map(({ data }) => data.exchangeOf?.exchangeId)),
  texts(rows.map(({ data: { exchangeOf: of, currency } }) => of && `${amountOf(of.credit, currency)}`)),
];

const currenciesOf = async (
  events: readonly RecordedEvent[],
  tx: Queryable,
): Promise<(orderId: string) => string> => {
  const orderIds = discountedBefore(events);
  const known = new Map<string, string>();
  if (orderIds.length > 0) {
    const { rows } = await tx.query<{ order_id: string; currency: string }>(
      'SELECT order_id, currency FROM orders WHERE order_id = ANY($1::text[])',
      [texts(orderIds)],
      'orders.currencies',
    );
    for (const { order_id, currency } of rows) known.set(order_id, currency);
  }
  return (orderId) => {
    const currency = known.get(orderId);
    if (currency === undefined) throw new Error(`order ${orderId} was reserved but never placed`);
    return currency;
  };
};

export const orders: Projection = {
  name: 'orders',
  version: 3,
  categories: ['order'],
  tables: ['orders'],
  create,
  async apply(events, tx) {
    const insertIds: string[] = [];
    const inserts: OrderChange[] = [];
    const placed: Placed[] = [];
    const updateIds: string[] = [];
    const updates: OrderChange[] = [];
    const changes = collapseOrders(events, await currenciesOf(events, tx));
    for (const [orderId, change] of changes) {
      if (change.placed === undefined) {
        updateIds.push(orderId);
        updates.push(change);
      } else {
        insertIds.push(orderId);
        inserts.push(change);
        placed.push(
          change.expiresAt === undefined
            ? change.placed
            : { ...change.placed, data: { ...change.placed.data, expiresAt: change.expiresAt } },
        );
      }
    }
    if (inserts.length > 0) {
      await tx.query(
        INSERT,
        [...changeColumns(insertIds, inserts), ...placedColumns(placed)],
        'orders.insert',
      );
    }
    const more = [...changes].flatMap(([orderId, change]) =>
      change.more === undefined ? [] : [{ orderId, ...change.more }],
    );
    if (more.length > 0) await tx.query(ADD, moreColumns(more), 'orders.add');
    if (updates.length === 0) return;
    const { rowCount } = await tx.query(UPDATE, changeColumns(updateIds, updates), 'orders.update');
    if (rowCount < updates.length) throw new Error('an event of an order that was never placed');
    const later = updates.flatMap(({ expiresAt }, at) => (expiresAt === undefined ? [] : [at]));
    if (later.length === 0) return;
    const columns = [
      texts(later.map((at) => updateIds[at])),
      texts(later.map((at) => updates[at]?.expiresAt)),
    ];
    await tx.query(EXTEND, columns, 'orders.extend');
  },
};
