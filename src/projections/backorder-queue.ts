import type { Queryable } from '../runtime/database.js';
import { BY_RANK, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';

/** Units of an order that nothing holds, as people read it. */
export interface BackorderView {
  readonly orderId: string;
  readonly channel: string;
  readonly sku: string;
  readonly quantity: number;
  /** Why the last location refused. */
  readonly code: string;
  /** Locations that may deliver it. */
  readonly locations: readonly string[];
  /** `backorder`: promised when stock comes. `shortfall`: sold, and somebody's work. */
  readonly kind: string;
  /** 0 is first served. */
  readonly priority: number;
  readonly since: Date;
  readonly placedAt: Date;
}

/** All that is given must hold. */
export interface BackorderFilter {
  readonly kind?: string | undefined;
  readonly channel?: string | undefined;
  readonly sku?: string | undefined;
}

interface Row {
  readonly order_id: string;
  readonly channel: string;
  readonly sku: string;
  readonly quantity: bigint;
  readonly code: string;
  readonly asked: readonly string[];
  readonly shortage: string;
  readonly priority: number;
  readonly since: Date;
  readonly placed_at: Date;
  readonly placed_us: bigint;
}

const LIST = 'backorders';

/** Those who are served first come first. Throws {@link InvalidCursor}. */
export const listBackorders = async (
  db: Queryable,
  filter: BackorderFilter & PageRequest = {},
): Promise<Page<BackorderView>> => {
  const size = pageSize(filter);
  const parameters: unknown[] = [];
  const conditions = ['true'];
  for (const [column, value] of [
    ['shortage', filter.kind],
    ['channel', filter.channel],
    ['sku', filter.sku],
  ] as const) {
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(`${column} = $${parameters.length}`);
  }
  const after = readCursor(LIST, filter, BY_RANK);
  if (after !== undefined) {
    parameters.push(...after);
    const [level, time, order, sku] = [3, 2, 1, 0].map((back) => `$${parameters.length - back}`);
    conditions.push(
      `(priority, placed_at, order_id, sku) >
         (${level}::integer, timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${order}, ${sku})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<Row>(
    `SELECT order_id, channel, sku, quantity, code, asked, shortage, priority, since, placed_at,
       (extract(epoch FROM placed_at) * 1000000)::bigint AS placed_us
     FROM backorders JOIN orders USING (order_id) WHERE ${conditions.join(' AND ')}
     ORDER BY priority, placed_at, order_id, sku LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(
    LIST,
    rows,
    size,
    (row) => [`${row.priority}`, `${row.placed_us}`, row.order_id, row.sku],
    (row) => ({
      orderId: row.order_id,
      channel: row.channel,
      sku: row.sku,
      quantity: Number(row.quantity),
      code: row.code,
      locations: row.asked,
      kind: row.shortage,
      priority: row.priority,
      since: row.since,
      placedAt: row.placed_at,
    }),
  );
};

/** A try that got nothing is not made again before. */
const TRY_AGAIN_AFTER = "interval '2 seconds'";

/**
 * Takes orders that lack something of which there is some now, those that are served first. The stock decides: another may have been
 * quicker.
 */
export const takeFillableOrders = async (db: Queryable, limit: number): Promise<readonly string[]> => {
  const { rows } = await db.query<{ order_id: string }>(
    `WITH fillable AS (
       SELECT order_id, min(priority) AS priority, min(placed_at) AS placed_at FROM backorders
       JOIN orders USING (order_id)
       WHERE (tried_at IS NULL OR tried_at < now() - ${TRY_AGAIN_AFTER}) AND EXISTS (
         SELECT FROM stock_levels AS level
         WHERE level.sku = backorders.sku AND level.available > 0 AND level.location = ANY(backorders.asked))
       GROUP BY order_id ORDER BY 2, 3, 1 LIMIT $1),
     taken AS (
       UPDATE backorders SET tried_at = now() FROM fillable WHERE backorders.order_id = fillable.order_id)
     SELECT order_id FROM fillable ORDER BY priority, placed_at, order_id`,
    [limit],
    'backorders.take',
  );
  return rows.map(({ order_id }) => order_id);
};
