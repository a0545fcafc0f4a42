import type { Queryable } from '../runtime/database.js';
import { BY_RANK, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import { whereOf } from './order-filter.js';

/** What a location can ship of an order now: a delivery group of its own, or what is in none. */
export interface WaitingShipment {
  readonly orderId: string;
  readonly channel: string;
  readonly externalId: string;
  readonly customerId: string | null;
  readonly location: string;
  /** The group that ships apart; null for the rest of the order. */
  readonly splitId: string | null;
  /** `YYYY-MM-DD` */
  readonly requestedDate: string | null;
  /** 1 is the most urgent. */
  readonly priority: number;
  readonly placedAt: Date;
  readonly confirmedAt: Date | null;
  /** Goods that are held there, to go and not held back by a review: lines, and units of them. */
  readonly lines: number;
  readonly units: number;
  /** Whether something of the order has gone out before. */
  readonly begun: boolean;
}

/**
 * SQL for what is open of confirmed orders and no review holds back, with how many units of the SKU are to go `before` it: the most urgent
 * group first, the earlier day, the earlier line.
 */
const openParts = (where: string): string => `
SELECT orders.order_id, orders.channel, orders.placed_at, line.sku, line.location AS first, part.split_id, part.units,
  coalesce(part.requested_date, orders.requested_to) AS requested_date, coalesce(part.priority, orders.priority) AS priority,
  sum(part.units) OVER (PARTITION BY orders.channel, orders.order_id, line.sku
    ORDER BY coalesce(part.priority, orders.priority), coalesce(part.requested_date, orders.requested_to), part.split_id,
      line.line_no) - part.units AS before
FROM orders JOIN order_lines AS line ON line.order_id = orders.order_id JOIN LATERAL (
  SELECT split_id, requested_date, priority, quantity - shipped - cancelled AS units
  FROM order_splits AS split WHERE split.order_id = line.order_id AND split.line_id = line.line_id AND NOT undone
  UNION ALL
  SELECT NULL, NULL, NULL, line.quantity - line.shipped - line.cancelled - coalesce(sum(quantity - shipped - cancelled), 0)::integer
  FROM order_splits AS split WHERE split.order_id = line.order_id AND split.line_id = line.line_id AND NOT undone
) AS part ON part.units > 0
WHERE orders.status = 'confirmed' AND line.kind = 'goods' AND line.location IS NOT NULL
  AND line.quantity > line.shipped + line.cancelled${where}
  AND NOT EXISTS (SELECT FROM reviews WHERE reviews.order_id = orders.order_id AND reviews.outcome IS NULL
    AND 'ship' = ANY (reviews.blocks) AND (reviews.lines IS NULL OR line.line_id = ANY (reviews.lines)))`;

/** Units of the SKU that are held at places before this one: where it was held first, then by name. Nearly always there is one. */
const HELD_BEFORE = `
  SELECT CASE WHEN place.location = part.first THEN 0 ELSE (
    SELECT coalesce(sum(other.held), 0) FROM order_allocations AS other
    WHERE other.order_id = part.order_id AND other.sku = part.sku
      AND (other.location = part.first OR other.location < place.location)) END AS before`;

/**
 * SQL for all that can be shipped, by order, location and delivery group: units that a location holds and that are to go. What an order
 * has to ship and what is held for it are laid side by side, so each unit is at one place: the most urgent group gets what is held where
 * the SKU was held first, and what nothing holds is at the end and nowhere. It costs what is confirmed and open, by the index on the
 * status of orders; with `location`, of which it is SQL too, what has anything there.
 */
export const waitingShipments = (location?: string): string => {
  const there = `
  AND EXISTS (SELECT FROM order_allocations AS here WHERE here.order_id = line.order_id AND here.sku = line.sku
    AND here.location = ${location})`;
  return `
SELECT part.order_id, channel, placed_at, place.location, split_id, requested_date, priority, count(*) AS lines,
  sum(least(part.before + part.units, held.before + place.held) - greatest(part.before, held.before))::bigint AS units
FROM (${openParts(location === undefined ? '' : there)}) AS part
JOIN order_allocations AS place ON place.order_id = part.order_id AND place.sku = part.sku${
    location === undefined ? '' : ` AND place.location = ${location}`
  }
JOIN LATERAL (${HELD_BEFORE}) AS held ON held.before < part.before + part.units AND part.before < held.before + place.held
GROUP BY part.order_id, channel, placed_at, place.location, split_id, requested_date, priority`;
};

/** SQL for whether the day a shipment of {@link waitingShipments} is wanted is over where its channel is; `at` is the time. */
export const isLate = (at: string): string => `waiting.requested_date < (${at}::timestamptz AT TIME ZONE
  coalesce((SELECT time_zone FROM channels WHERE channels.channel = waiting.channel), 'UTC'))::date`;

export interface ShipmentFilter extends PageRequest {
  readonly location: string;
  readonly channel?: string | undefined;
  /** Only what was wanted on a day that was over then. */
  readonly lateAt?: Date | undefined;
}

interface Row {
  readonly order_id: string;
  readonly channel: string;
  readonly external_id: string;
  readonly customer_id: string | null;
  readonly split_id: string | null;
  readonly requested_date: string | null;
  readonly priority: number;
  readonly placed_at: Date;
  readonly placed_us: bigint;
  readonly confirmed_at: Date | null;
  readonly shipped_units: bigint;
  readonly lines: bigint;
  readonly units: bigint;
}

/** What a location has to ship: the most urgent first, then by the age of the order. Throws {@link InvalidCursor}. */
export const listShipments = async (
  db: Queryable,
  filter: ShipmentFilter,
): Promise<Page<WaitingShipment>> => {
  const { location, channel, lateAt } = filter;
  const list = `shipments ${JSON.stringify([location, channel ?? null, lateAt !== undefined])}`;
  const size = pageSize(filter);
  const parameters: unknown[] = [];
  const parameter = (value: unknown): string => {
    parameters.push(value);
    return `$${parameters.length}`;
  };
  const shipments = waitingShipments(parameter(location));
  const conditions: string[] = [];
  if (channel !== undefined) conditions.push(`waiting.channel = ${parameter(channel)}`);
  if (lateAt !== undefined) conditions.push(isLate(parameter(lateAt)));
  const after = readCursor(list, filter, BY_RANK);
  if (after !== undefined) {
    const [priority, time, order, split] = after.map(parameter);
    const moment = `timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond'`;
    conditions.push(
      `(waiting.priority, waiting.placed_at, waiting.order_id, coalesce(waiting.split_id, '')) > (${priority}::integer, ${moment}, ${order}, ${split})`,
    );
  }
  const { rows } = await db.query<Row>(
    `SELECT waiting.*, external_id, customer_id, confirmed_at, shipped_units,
       (extract(epoch FROM waiting.placed_at) * 1000000)::bigint AS placed_us
     FROM (${shipments}) AS waiting JOIN orders ON orders.order_id = waiting.order_id${whereOf(conditions)}
     ORDER BY waiting.priority, waiting.placed_at, waiting.order_id, coalesce(waiting.split_id, '') LIMIT ${parameter(size + 1)}`,
    parameters,
  );
  const keyOf = (row: Row): string[] => [
    `${row.priority}`,
    `${row.placed_us}`,
    row.order_id,
    row.split_id ?? '',
  ];
  return toPage(list, rows, size, keyOf, (row) => ({
    orderId: row.order_id,
    channel: row.channel,
    externalId: row.external_id,
    customerId: row.customer_id,
    location,
    splitId: row.split_id,
    requestedDate: row.requested_date,
    priority: row.priority,
    placedAt: row.placed_at,
    confirmedAt: row.confirmed_at,
    lines: Number(row.lines),
    units: Number(row.units),
    begun: row.shipped_units > 0n,
  }));
};
