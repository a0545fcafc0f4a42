import type { Queryable } from '../runtime/database.js';
import { WAITING_CHANGE } from './change-proposals.js';
import { isLate, waitingShipments } from './shipment-queue.js';

/**
 * What waits for somebody, in queues. To add one, add it to {@link WORK_QUEUES}: nothing else has to know.
 *
 * `sql` gives a row per part of the queue: `part` (jsonb: what it is a part by, `{}` where it has none), `count`, `units` (null where
 * they mean nothing) and `oldest`. `$1` is the time (timestamptz), `$2` the only channel to count or null. A part's path is
 * `list` with the part as its query: who follows it finds what was counted.
 */
export interface WorkQueueDefinition {
  /** Stable. */
  readonly name: string;
  readonly about: string;
  readonly list: string;
  readonly sql: string;
}

const ofChannel = (column: string): string => `($2::text IS NULL OR ${column} = $2)`;
const ordersBy = (status: string): string => `
  SELECT '{}'::jsonb AS part, count(*) AS count, NULL::bigint AS units, min(placed_at) AS oldest
  FROM orders WHERE status = '${status}' AND ${ofChannel('channel')} HAVING count(*) > 0`;

const shipments = `
  SELECT jsonb_build_object('location', location) AS part, count(*) AS count, sum(units)::bigint AS units,
    min(placed_at) AS oldest
  FROM (${waitingShipments()}) AS waiting`;

export const WORK_QUEUES: readonly WorkQueueDefinition[] = [
  {
    name: 'reviews',
    about: 'Reviews that wait for somebody of a role to resolve them',
    list: '/v1/reviews',
    sql: `
      SELECT jsonb_build_object('holdType', hold_type, 'role', role) AS part, count(*) AS count,
        NULL::bigint AS units, min(held_at) AS oldest
      FROM reviews WHERE outcome IS NULL AND ${ofChannel('channel')} GROUP BY hold_type, role`,
  },
  {
    name: 'reservation',
    about: 'Orders that were placed and have no outcome yet',
    list: '/v1/orders?status=placed',
    sql: ordersBy('placed'),
  },
  {
    name: 'confirmation',
    about: 'Orders that are reserved and wait for their confirmation',
    list: '/v1/orders?status=reserved',
    sql: ordersBy('reserved'),
  },
  {
    name: 'overdue',
    about: 'Orders that wait for their confirmation though their deadline is over',
    list: '/v1/orders?overdue=true',
    sql: `
      SELECT '{}'::jsonb AS part, count(*) AS count, NULL::bigint AS units, min(due_at) AS oldest
      FROM deadlines JOIN orders USING (order_id)
      WHERE kind = 'order-expiry' AND due_at < $1 AND ${ofChannel('channel')} HAVING count(*) > 0`,
  },
  {
    name: 'shipments',
    about: 'What a location can ship of confirmed orders',
    list: '/v1/work-queues/shipments',
    sql: `
      ${shipments} WHERE ${ofChannel('waiting.channel')} GROUP BY location`,
  },
  {
    name: 'late',
    about: 'What a location can ship of confirmed orders, and was wanted on a day that is over',
    list: '/v1/work-queues/shipments?late=true',
    sql: `
      ${shipments} WHERE ${isLate('$1')} AND ${ofChannel('waiting.channel')} GROUP BY location`,
  },
  {
    name: 'backorders',
    about: 'Units that nothing holds: they wait for stock, or were sold already',
    list: '/v1/backorders',
    sql: `
      SELECT jsonb_build_object('kind', shortage) AS part, count(*) AS count, sum(quantity)::bigint AS units,
        min(since) AS oldest
      FROM backorders JOIN orders USING (order_id) WHERE ${ofChannel('channel')} GROUP BY shortage`,
  },
  {
    name: 'changes',
    about: 'Changes of open orders that were proposed and neither confirmed nor declined',
    list: '/v1/order-changes',
    sql: `
      SELECT '{}'::jsonb AS part, count(*) AS count, NULL::bigint AS units, min(proposed_at) AS oldest
      FROM order_changes WHERE ${WAITING_CHANGE} AND ${ofChannel('channel')} HAVING count(*) > 0`,
  },
  {
    name: 'returns',
    about: 'Returns on their way, by what was done last',
    list: '/v1/returns',
    sql: `
      SELECT jsonb_build_object('state', state) AS part, count(*) AS count, sum(requested_units)::bigint AS units,
        min(opened_at) AS oldest
      FROM returns WHERE state IN ('requested', 'authorised', 'received', 'inspected') AND ${ofChannel('channel')}
      GROUP BY state`,
  },
  {
    name: 'refunds',
    about: 'Orders that more was paid for than they cost',
    list: '/v1/payments/refunds-due',
    sql: `
      SELECT '{}'::jsonb AS part, count(*) AS count, NULL::bigint AS units, min(since) AS oldest
      FROM refunds_due WHERE ${ofChannel('channel')} HAVING count(*) > 0`,
  },
];

export interface WorkQueuePart {
  /** What it is a part by: `{ location: 'main' }`. */
  readonly of: Readonly<Record<string, string>>;
  readonly count: number;
  readonly units: number | null;
  readonly oldest: Date;
  /** Of the list with exactly these. */
  readonly path: string;
}

export interface WorkQueue {
  readonly name: string;
  readonly about: string;
  /** Path of the list behind it. */
  readonly list: string;
  /** Over its parts; an order may be in several. */
  readonly count: number;
  readonly oldest: Date | null;
  /** By name; empty when nothing waits. */
  readonly parts: readonly WorkQueuePart[];
}

interface Row {
  readonly queue: string;
  readonly part: Readonly<Record<string, string>>;
  readonly count: bigint;
  readonly units: bigint | null;
  readonly oldest: Date;
}

const pathOf = (list: string, query: Readonly<Record<string, string>>): string => {
  const more = new URLSearchParams(query).toString();
  return more === '' ? list : `${list}${list.includes('?') ? '&' : '?'}${more}`;
};

const STATEMENT = `${WORK_QUEUES.map(
  ({ name, sql }) => `SELECT '${name}' AS queue, part, count, units, oldest FROM (${sql}) AS "${name}"`,
).join(' UNION ALL ')} ORDER BY 1, 2`;

/** All queues, of one moment. It costs what waits, whatever was done before. */
export const workQueues = async (
  db: Queryable,
  now: Date,
  channel?: string,
): Promise<readonly WorkQueue[]> => {
  const { rows } = await db.query<Row>(STATEMENT, [now, channel ?? null], 'work-queues');
  return WORK_QUEUES.map(({ name, about, list }) => {
    const parts = rows
      .filter(({ queue }) => queue === name)
      .map(({ part, count, units, oldest }) => ({
        of: part,
        count: Number(count),
        units: units === null ? null : Number(units),
        oldest,
        path: pathOf(list, channel === undefined ? part : { ...part, channel }),
      }));
    return {
      name,
      about,
      list,
      count: parts.reduce((sum, { count }) => sum + count, 0),
      oldest: parts.reduce<Date | null>(
        (oldest, part) => (oldest === null || part.oldest < oldest ? part.oldest : oldest),
        null,
      ),
      parts,
    };
  });
};
