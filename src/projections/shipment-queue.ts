import type { Queryable } from '../runtime/database.js';
import { ANY_TEXT, INTEGER, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';

/** An order that a location can ship now. */
export interface WaitingShipment {
  readonly orderId: string;
  readonly channel: string;
  readonly externalId: string;
  readonly customerId: string | null;
  readonly location: string;
  readonly placedAt: Date;
  readonly confirmedAt: Date | null;
  /** Goods that are open there and not held back by a review: lines, and units of them. */
  readonly lines: number;
  readonly units: number;
  /** Whether something of the order has gone out before. */
  readonly begun: boolean;
}

/**
 * SQL for lines that can be shipped, of `orders` joined with `order_lines AS line`: open goods of confirmed orders that no review holds
 * back. It costs what is confirmed and open, by the index on the status of orders.
 */
export const SHIPPABLE = `
  orders.status = 'confirmed' AND line.kind = 'goods' AND line.location IS NOT NULL
  AND line.quantity > line.shipped + line.cancelled
  AND NOT EXISTS (SELECT FROM reviews WHERE reviews.order_id = orders.order_id AND reviews.outcome IS NULL
    AND 'ship' = ANY (reviews.blocks) AND (reviews.lines IS NULL OR line.line_id = ANY (reviews.lines)))`;

export interface ShipmentFilter extends PageRequest {
  readonly location: string;
  readonly channel?: string | undefined;
}

interface Row {
  readonly order_id: string;
  readonly channel: string;
  readonly external_id: string;
  readonly customer_id: string | null;
  readonly placed_at: Date;
  readonly placed_us: bigint;
  readonly confirmed_at: Date | null;
  readonly shipped_units: bigint;
  readonly lines: bigint;
  readonly units: bigint;
}

/** What a location has to ship, the oldest order first. Throws {@link InvalidCursor}. */
export const listShipments = async (
  db: Queryable,
  filter: ShipmentFilter,
): Promise<Page<WaitingShipment>> => {
  const { location, channel } = filter;
  const list = `shipments ${JSON.stringify([location, channel ?? null])}`;
  const size = pageSize(filter);
  const parameters: unknown[] = [location];
  const conditions: string[] = [];
  if (channel !== undefined) {
    parameters.push(channel);
    conditions.push(`AND orders.channel = $${parameters.length}`);
  }
  const after = readCursor(list, filter, [INTEGER, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, id] = [`$${parameters.length - 1}`, `$${parameters.length}`];
    conditions.push(
      `AND (orders.placed_at, orders.order_id) > (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${id})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<Row>(
    `SELECT orders.order_id, orders.channel, external_id, customer_id, placed_at, confirmed_at, shipped_units,
       (extract(epoch FROM placed_at) * 1000000)::bigint AS placed_us, here.lines, here.units
     FROM orders JOIN LATERAL (
       SELECT count(*) AS lines, sum(line.quantity - line.shipped - line.cancelled) AS units
       FROM order_lines AS line
       WHERE line.order_id = orders.order_id AND line.location = $1 AND ${SHIPPABLE}) AS here ON here.lines > 0
     WHERE orders.status = 'confirmed' ${conditions.join(' ')}
     ORDER BY orders.placed_at, orders.order_id LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(
    list,
    rows,
    size,
    (row) => [`${row.placed_us}`, row.order_id],
    (row) => ({
      orderId: row.order_id,
      channel: row.channel,
      externalId: row.external_id,
      customerId: row.customer_id,
      location,
      placedAt: row.placed_at,
      confirmedAt: row.confirmed_at,
      lines: Number(row.lines),
      units: Number(row.units),
      begun: row.shipped_units > 0n,
    }),
  );
};
