import { createHash } from 'node:crypto';
import type { OrderStatus } from '../domain/order-state.js';
import type { HoldType, ResolverRole } from '../domain/review.js';
import { joinId, orderIdOf } from '../domain/stream-id.js';
import { questionOf } from './order-search.js';

/** Which orders. All that is given must hold. */
export interface OrderFilter {
  readonly status?: OrderStatus | undefined;
  readonly channel?: string | undefined;
  readonly customerId?: string | undefined;
  readonly externalId?: string | undefined;
  /** Of a line of any kind. */
  readonly sku?: string | undefined;
  /** Where goods of it are or were held, first or later. */
  readonly location?: string | undefined;
  /** Of one review that is open. */
  readonly holdType?: HoldType | 'any' | undefined;
  readonly holdRole?: ResolverRole | undefined;
  /** Each of its words begins a word that the order is known by (order-search.ts). */
  readonly text?: string | undefined;
  /**
   * When it was placed: from inclusive, to exclusive. A text is a day, `YYYY-MM-DD`, in the time zone of the order's channel; both
   * days count whole.
   */
  readonly placedFrom?: Date | string | undefined;
  readonly placedTo?: Date | string | undefined;
  /** Waits for its confirmation, and its deadline was before. */
  readonly overdueAt?: Date | undefined;
}

/** Conditions over `orders`, and their parameters. */
export interface Conditions {
  readonly parameters: unknown[];
  readonly conditions: string[];
}

/** The channels that have orders, one step of an index each. */
const CHANNELS = `
  WITH RECURSIVE known (channel) AS (
    SELECT min(channel) FROM orders
    UNION ALL
    SELECT (SELECT min(next.channel) FROM orders AS next WHERE next.channel > known.channel) FROM known
    WHERE known.channel IS NOT NULL)
  SELECT channel FROM known WHERE channel IS NOT NULL`;

const zoneOf = (channel: string): string =>
  `coalesce((SELECT time_zone FROM channels WHERE channels.channel = ${channel}), 'UTC')`;

/**
 * Only what is asked for is in the statement: the planner then picks the index that fits. What is not a column of `orders` is a
 * list of orders by an index of its table.
 */
export const conditionsOf = (filter: OrderFilter): Conditions => {
  const parameters: unknown[] = [];
  const conditions: string[] = [];
  const parameter = (value: unknown): string => {
    parameters.push(value);
    return `$${parameters.length}`;
  };
  const where = (value: unknown, condition: (at: string) => string): void => {
    if (value !== undefined) conditions.push(condition(parameter(value)));
  };
  const { channel, externalId, holdType, holdRole, text } = filter;

  where(filter.status, (at) => `orders.status = ${at}`);
  where(channel, (at) => `orders.channel = ${at}`);
  where(filter.customerId, (at) => `orders.customer_id = ${at}`);
  // Its id says channel and external id, so neither needs an index on rows that change often.
  if (externalId !== undefined && channel !== undefined) {
    where(orderIdOf(channel, externalId), (at) => `orders.order_id = ${at}`);
  } else if (externalId !== undefined) {
    where(joinId(externalId), (at) => {
      const ids = `SELECT channel || '~' || ${at} FROM (${CHANNELS}) AS each`;
      return `orders.order_id = ANY (ARRAY(${ids}))`;
    });
  }
  where(filter.sku, (at) => `orders.order_id IN (SELECT order_id FROM order_lines WHERE sku = ${at})`);
  where(filter.location, (at) => {
    const there = `location = ${at} OR also_at @> ARRAY[${at}]`;
    return `orders.order_id IN (SELECT order_id FROM order_lines WHERE ${there})`;
  });
  if (holdType !== undefined || holdRole !== undefined) {
    const open = ['outcome IS NULL'];
    if (holdType !== undefined && holdType !== 'any') open.push(`hold_type = ${parameter(holdType)}`);
    if (holdRole !== undefined) open.push(`role = ${parameter(holdRole)}`);
    conditions.push(`orders.order_id IN (SELECT order_id FROM reviews WHERE ${open.join(' AND ')})`);
  }
  if (text !== undefined) {
    const question = questionOf(text);
    if (question === undefined) conditions.push('false');
    else {
      const at = `${parameter(question)}::tsquery`;
      conditions.push(`orders.order_id IN (SELECT order_id FROM order_search WHERE words @@ ${at})`);
    }
  }
  where(filter.overdueAt, (at) => {
    const due = `SELECT order_id FROM deadlines WHERE kind = 'order-expiry' AND due_at < ${at}`;
    return `orders.order_id IN (${due})`;
  });

  const when = (bound: Date | string | undefined, sign: '>=' | '<'): void => {
    if (bound === undefined) return;
    if (typeof bound !== 'string') {
      where(bound, (at) => `orders.placed_at ${sign} ${at}`);
      return;
    }
    const day = `${parameter(bound)}::date`;
    const edge = sign === '<' ? `(${day} + 1)` : day;
    const startIn = (zone: string): string => `${edge}::timestamp AT TIME ZONE ${zone}`;
    if (channel !== undefined) {
      conditions.push(`orders.placed_at ${sign} ${startIn(zoneOf(parameter(channel)))}`);
      return;
    }
    // Every zone has begun its day a day later than UTC at most: what the index can tell.
    const anywhere = `(${edge} ${sign === '<' ? '+' : '-'} 1)::timestamp AT TIME ZONE 'UTC'`;
    conditions.push(`orders.placed_at ${sign} ${anywhere}`);
    conditions.push(`orders.placed_at ${sign} ${startIn(zoneOf('orders.channel'))}`);
  };
  when(filter.placedFrom, '>=');
  when(filter.placedTo, '<');
  return { parameters, conditions };
};

/** ` WHERE ...`, or nothing. */
export const whereOf = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;

/** Different for different filters: a cursor is good for the one it was made with. */
export const fingerprintOf = ({ overdueAt, ...filter }: OrderFilter): string => {
  const given = Object.entries({ ...filter, overdue: overdueAt === undefined ? undefined : true })
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(given)).digest('base64url').slice(0, 16);
};
