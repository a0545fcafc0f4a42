import { SERVER_SETTINGS } from '../../src/adapters/postgres/server-settings.js';
import type { Queryable } from '../../src/runtime/database.js';

/** Orders that {@link fillTables} writes. */
export const MANY_ORDERS = 20_000;

/**
 * Rows of many orders without their events: for plans, which look at how much there is and not at what it means. Most are over, one
 * channel has most of them, one SKU is in a third, one location has most goods.
 */
const FILL = `
INSERT INTO channels (channel, name, time_zone, currencies, sources, confirm, revision, position, effective_at, recorded_at)
SELECT channel, channel, 'Asia/Tokyo', '{GBP}', '{main}', 'auto', 0, 0, now(), now()
FROM unnest('{web,shop,b2b,phone}'::text[]) AS channel;

INSERT INTO orders (order_id, channel, external_id, status, customer_id, currency, placed_at, expires_at, confirm, coupons,
  line_count, goods_total, charge_total, voucher_total, discount_total, tax_total, shipped_total, returned_total,
  allowance_total, units, shipped_units, cancelled_units, returned_units, revision, position, effective_at, recorded_at,
  shortage, handover, priority, guest, gift)
SELECT channel || '~' || n, channel, n, status, 'c' || n % 3000, 'GBP',
  timestamptz '2026-11-27 12:00Z' - n * interval '7 minutes', NULL, 'auto', '{}',
  2, 100, 0, 0, 0, 0, 0, 0, 0, 2, CASE status WHEN 'completed' THEN 2 ELSE 0 END, 0, 0, 3, n, now(), now(),
  'all-or-nothing', 'later', 5, false, false
FROM (
  SELECT n, CASE WHEN n % 10 < 7 THEN 'web' ELSE (ARRAY['shop', 'b2b', 'phone'])[n % 3 + 1] END AS channel,
    CASE WHEN n % 50 = 0 THEN 'confirmed' WHEN n % 97 = 0 THEN 'reserved' WHEN n % 1009 = 0 THEN 'placed'
      WHEN n % 11 = 0 THEN 'cancelled' ELSE 'completed' END AS status
  FROM generate_series(1, ${MANY_ORDERS}) AS n) AS made;

INSERT INTO order_lines (order_id, line_id, line_no, kind, sku, location, currency, quantity, unit_price, amount, discount, tax,
  shipped, cancelled, returned)
SELECT order_id, line_no, line_no, 'goods',
  CASE WHEN (position + line_no) % 3 = 0 THEN 'POPULAR' ELSE 'S' || (position * 7 + line_no) % 2000 END,
  CASE WHEN position % 20 = 0 THEN 'store-' || position % 9 ELSE 'main' END, 'GBP', 1, 1, 50, 0, 0, shipped_units / 2, 0, 0
FROM orders, generate_series(0, 1) AS line_no;

INSERT INTO order_allocations (order_id, sku, location, held)
SELECT order_id, sku, location, count(*) FROM order_lines JOIN orders USING (order_id)
WHERE status IN ('confirmed', 'reserved') GROUP BY order_id, sku, location;

INSERT INTO order_search (order_id, words)
SELECT order_id, array_to_tsvector(ARRAY[order_id, external_id, customer_id, 'popular', 's' || position * 7 % 2000]) FROM orders;

INSERT INTO reviews (order_id, hold_id, channel, hold_type, blocks, role, reason, held_by, held_at, outcome, position)
SELECT order_id, 'h', channel, (ARRAY['fraud', 'price', 'address'])[(position % 3)::int + 1], '{ship}', (ARRAY['finance', 'channel'])[(position % 2)::int + 1],
  'x', 'x', placed_at, CASE WHEN position % 40 = 0 THEN NULL ELSE 'released' END, position
FROM orders WHERE position % 10 = 0;

INSERT INTO order_splits (order_id, split_id, line_id, line_no, priority, split_by, split_at, quantity, shipped, cancelled, undone,
  revision)
SELECT order_id, 's', '0', 0, 1, 'x', placed_at, 1, shipped_units / 2, 0, false, 3 FROM orders WHERE position % 4 = 0;

INSERT INTO returns (order_id, return_id, channel, state, reason, location, requested_units, received_units, accepted_units,
  damaged_units, missing_units, refused_units, lines, opened_by, opened_at, position)
SELECT order_id, 'r', channel, CASE WHEN position < 400 THEN 'requested' WHEN position % 500 = 0 THEN 'refused' ELSE 'credited' END, 'x',
  CASE WHEN position % 20 = 0 THEN 'store-' || position % 9 ELSE 'main' END, 1, 1, 1, 0, 0, 0, '[]', 'x', placed_at, position
FROM orders WHERE status = 'completed' AND position % 2 = 0;

INSERT INTO order_changes (order_id, change_id, channel, status, reason, actions, proposed_by, proposed_at, position)
SELECT order_id, 'c', channel, CASE WHEN position % 10 = 0 THEN 'proposed' ELSE 'confirmed' END, 'x', '[]', 'x', placed_at, position
FROM orders WHERE position % 5 = 0;

INSERT INTO refunds_due (order_id, channel, currency, amount, since, position, touched_at)
SELECT order_id, channel, 'GBP', 100, placed_at, position, now() FROM orders WHERE position % 4 = 0;

INSERT INTO deadlines (kind, order_id, due_at, open_units)
SELECT 'order-expiry', order_id, placed_at + interval '1 hour', 2 FROM orders WHERE status = 'reserved'`;

const TABLES = [
  'channels',
  'orders',
  'order_lines',
  'order_allocations',
  'order_search',
  'order_splits',
  'reviews',
  'returns',
  'order_changes',
  'refunds_due',
  'deadlines',
];

/** Fills the (empty) tables, and lets PostgreSQL look at them. */
export const fillTables = async (db: Queryable): Promise<void> => {
  await db.query(FILL);
  for (const table of TABLES) await db.query(`VACUUM ANALYZE ${table}`);
};

/** How it plans where its files are on an SSD: as docs/guides/production.md says. Of its own accord PostgreSQL plans for a disk. */
const PLANNER_SETTINGS = ['random_page_cost', 'jit', 'max_parallel_workers_per_gather'];
export const planForSolidState = async (db: Queryable): Promise<void> => {
  for (const name of PLANNER_SETTINGS) await db.query(`SET ${name} = ${SERVER_SETTINGS[name]}`);
};

/** The plans of what is asked through it, instead of the answers. */
export const planning = (db: Queryable): { readonly db: Queryable; readonly plans: string[] } => {
  const plans: string[] = [];
  return {
    plans,
    db: {
      query: async <Row>(sql: string, parameters?: readonly unknown[]) => {
        const { rows } = await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, parameters);
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
        return { rows: [] as Row[], rowCount: 0 };
      },
    },
  };
};
