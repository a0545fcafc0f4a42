import type { OrderStatus } from '../domain/order-state.js';
import type { HoldType } from '../domain/review.js';
import type { Queryable } from '../runtime/database.js';
import { conditionsOf, type OrderFilter, whereOf } from './order-filter.js';

/** How many orders there are; `byHoldType` counts those with an open review of the type, so an order may be in several. */
export interface OrderCounts {
  readonly total: number;
  readonly byStatus: readonly { readonly status: OrderStatus; readonly count: number }[];
  readonly byChannel: readonly { readonly channel: string; readonly count: number }[];
  readonly byHoldType: readonly { readonly holdType: HoldType; readonly count: number }[];
}

interface CountRow {
  readonly status: OrderStatus | null;
  readonly channel: string | null;
  readonly hold_type: HoldType | null;
  readonly count: bigint;
}

const summed = <Key extends string>(rows: readonly (readonly [Key, bigint])[]): [Key, number][] => {
  const sums = new Map<Key, bigint>();
  for (const [key, count] of rows) sums.set(key, (sums.get(key) ?? 0n) + count);
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, count]) => [key, Number(count)]);
};

/**
 * Exact, and of one moment. Without a filter, or with one by status, channel or time, it reads an index and no row: 25 ns an order or
 * so. With another one it reads the orders that match.
 */
export const countOrdersBy = async (db: Queryable, filter: OrderFilter = {}): Promise<OrderCounts> => {
  const { parameters, conditions } = conditionsOf(filter);
  const { rows } = await db.query<CountRow>(
    `SELECT orders.status, orders.channel, NULL AS hold_type, count(*) AS count
     FROM orders${whereOf(conditions)} GROUP BY orders.status, orders.channel
     UNION ALL
     SELECT NULL, NULL, reviews.hold_type, count(DISTINCT reviews.order_id)
     FROM reviews JOIN orders ON orders.order_id = reviews.order_id
     ${whereOf(['reviews.outcome IS NULL', ...conditions])} GROUP BY reviews.hold_type`,
    parameters,
  );
  const orders = rows.flatMap(({ status, channel, count }) =>
    status === null || channel === null ? [] : [{ status, channel, count }],
  );
  const held = rows.flatMap(({ hold_type, count }): [HoldType, bigint][] =>
    hold_type === null ? [] : [[hold_type, count]],
  );
  return {
    total: Number(orders.reduce((sum, { count }) => sum + count, 0n)),
    byStatus: summed(orders.map(({ status, count }) => [status, count])).map(([status, count]) => ({
      status,
      count,
    })),
    byChannel: summed(orders.map(({ channel, count }) => [channel, count])).map(([channel, count]) => ({
      channel,
      count,
    })),
    byHoldType: summed(held).map(([holdType, count]) => ({ holdType, count })),
  };
};

/** Where one age class ends and the next begins, in hours since the placement. */
export const AGE_CLASS_HOURS = [1, 24, 72, 168, 720] as const;

/** Open orders of one age class, state and channel. */
export interface OrderAges {
  /** Placed at least so many hours ago, and fewer than `belowHours`; the oldest class has no end. */
  readonly fromHours: number;
  readonly belowHours: number | null;
  readonly status: 'placed' | 'reserved' | 'confirmed';
  readonly channel: string;
  readonly count: number;
  readonly oldest: { readonly orderId: string; readonly placedAt: Date };
}

/** Over the index by status: it costs what is open, whatever has ended. A confirmed order has open units, or it would be complete. */
const AGES = `
SELECT class, status, channel, count(*) AS count, min(placed_at) AS placed_at,
  (array_agg(order_id ORDER BY placed_at, order_id))[1] AS order_id
FROM (
  SELECT status, channel, placed_at, order_id,
    width_bucket(extract(epoch FROM $1::timestamptz - placed_at), ARRAY[${AGE_CLASS_HOURS.map((hours) => hours * 3_600)}]::numeric[]) AS class
  FROM orders WHERE status IN ('placed', 'reserved', 'confirmed') AND ($2::text IS NULL OR channel = $2)) AS open
GROUP BY class, status, channel ORDER BY class DESC, status, channel`;

/** Open orders by age, the oldest class first. */
export const orderAges = async (
  db: Queryable,
  now: Date,
  channel?: string,
): Promise<readonly OrderAges[]> => {
  const { rows } = await db.query<{
    class: number;
    status: OrderAges['status'];
    channel: string;
    count: bigint;
    placed_at: Date;
    order_id: string;
  }>(AGES, [now, channel ?? null], 'orders.ages');
  return rows.map((row) => ({
    fromHours: AGE_CLASS_HOURS[row.class - 1] ?? 0,
    belowHours: AGE_CLASS_HOURS[row.class] ?? null,
    status: row.status,
    channel: row.channel,
    count: Number(row.count),
    oldest: { orderId: row.order_id, placedAt: row.placed_at },
  }));
};
