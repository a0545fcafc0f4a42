import type { Queryable } from '../runtime/database.js';
import type { Abandoned } from './holds.js';

/**
 * Open orders of one customer and destination that could leave a location together. A hint: the orders decide, which also know to
 * which address of the customer each goes.
 */
export interface ConsignmentCandidate {
  readonly channel: string;
  readonly customerId: string;
  readonly country: string;
  readonly region: string | null;
  readonly postalCode: string | null;
  /** Ids, the oldest first; at most {@link CANDIDATE_ORDERS_MAX}. */
  readonly orders: readonly string[];
  readonly units: number;
  readonly oldest: Date;
}

/** In one answer. */
export const CANDIDATES_MAX = 200;
export const CANDIDATE_ORDERS_MAX = 50;

interface CandidateRow {
  readonly channel: string;
  readonly customer_id: string;
  readonly country: string;
  readonly region: string | null;
  readonly postal_code: string | null;
  readonly orders: readonly string[];
  readonly units: bigint;
  readonly oldest: Date;
}

/**
 * Over the confirmed orders, by the index on status: those that have all of their goods held at the location. Units in groups of their own
 * ship apart, so they are not counted.
 */
const CANDIDATES = `
SELECT channel, customer_id, country, region, postal_code, min(placed_at) AS oldest, sum(left_to_ship.units)::bigint AS units,
  (array_agg(order_id ORDER BY placed_at, order_id))[1:${CANDIDATE_ORDERS_MAX}] AS orders
FROM orders JOIN LATERAL (
  SELECT sum(units) AS units, bool_and(EXISTS (
    SELECT FROM order_allocations AS place WHERE place.order_id = orders.order_id AND place.sku = of_sku.sku
      AND place.location = $1 AND place.held >= of_sku.units)) AS here
  FROM (
    SELECT line.sku, sum(line.quantity - line.shipped - line.cancelled - apart.units) AS units
    FROM order_lines AS line, LATERAL (
      SELECT coalesce(sum(split.quantity - split.shipped - split.cancelled), 0) AS units FROM order_splits AS split
      WHERE split.order_id = line.order_id AND split.line_id = line.line_id AND NOT split.undone) AS apart
    WHERE line.order_id = orders.order_id AND line.kind = 'goods'
      AND line.quantity - line.shipped - line.cancelled > apart.units
    GROUP BY line.sku) AS of_sku) AS left_to_ship ON left_to_ship.here
WHERE status = 'confirmed' AND customer_id IS NOT NULL AND country IS NOT NULL
  AND ($2::text IS NULL OR channel = $2)
  AND NOT EXISTS (SELECT FROM reviews WHERE reviews.order_id = orders.order_id AND outcome IS NULL AND 'ship' = ANY (blocks))
GROUP BY channel, customer_id, country, region, postal_code HAVING count(*) > 1
ORDER BY min(placed_at), channel, customer_id LIMIT ${CANDIDATES_MAX}`;

/** Who has two orders or more to be merged at a location, the longest waiting first. */
export const consignmentCandidates = async (
  db: Queryable,
  location: string,
  channel?: string,
): Promise<readonly ConsignmentCandidate[]> => {
  const { rows } = await db.query<CandidateRow>(
    CANDIDATES,
    [location, channel ?? null],
    'consignments.candidates',
  );
  return rows.map(({ customer_id, postal_code, units, ...row }) => ({
    ...row,
    customerId: customer_id,
    postalCode: postal_code,
    units: Number(units),
  }));
};

/**
 * Ids of consignments that nobody has moved for a while and that are not closed. Taking starts the age anew, so that one that cannot be
 * closed does not stand before the others.
 */
export const takeOpenConsignments = async (
  db: Queryable,
  { olderThanMs, limit }: Abandoned,
): Promise<readonly string[]> => {
  const { rows } = await db.query<{ stream_id: string }>(
    `WITH left_over AS (
       SELECT stream_id FROM consignments WHERE NOT closed AND touched_at <= now() - $1 * interval '1 millisecond'
       ORDER BY touched_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     UPDATE consignments SET touched_at = now() FROM left_over WHERE consignments.stream_id = left_over.stream_id
     RETURNING consignments.stream_id`,
    [olderThanMs, limit],
    'consignments.take',
  );
  return rows.map(({ stream_id }) => stream_id);
};

/** A consignment as people read it. */
export interface ConsignmentView {
  readonly id: string;
  readonly channel: string;
  readonly consignmentId: string;
  readonly location: string;
  readonly customerId: string;
  readonly closed: boolean;
  readonly plannedAt: Date;
  readonly orders: readonly {
    readonly orderId: string;
    readonly outcome: 'waiting' | 'shipped' | 'dropped';
    readonly units: number | null;
    readonly code: string | null;
    readonly detail: string | null;
  }[];
}

interface Row {
  readonly stream_id: string;
  readonly channel: string;
  readonly consignment_id: string;
  readonly location: string;
  readonly customer_id: string;
  readonly closed: boolean;
  readonly planned_at: Date;
  readonly orders: ConsignmentView['orders'];
}

const FIND = `
SELECT *, (
  SELECT json_agg(json_build_object('orderId', order_id, 'outcome', outcome, 'units', units, 'code', code, 'detail', detail)
    ORDER BY order_no)
  FROM consignment_orders WHERE consignment_orders.stream_id = consignments.stream_id) AS orders
FROM consignments WHERE stream_id = $1`;

/** Undefined when it was never planned. */
export const findConsignment = async (db: Queryable, id: string): Promise<ConsignmentView | undefined> => {
  const { rows } = await db.query<Row>(FIND, [id], 'consignments.find');
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    id: row.stream_id,
    channel: row.channel,
    consignmentId: row.consignment_id,
    location: row.location,
    customerId: row.customer_id,
    closed: row.closed,
    plannedAt: row.planned_at,
    orders: row.orders,
  };
};
