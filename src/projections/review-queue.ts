import type { BlockableStep, HoldType, ResolverRole } from '../domain/review.js';
import type { Queryable } from '../runtime/database.js';
import { ANY_TEXT, MOMENT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';

/** A review as people read it. */
export interface ReviewView {
  readonly orderId: string;
  readonly channel: string;
  readonly holdId: string;
  readonly holdType: HoldType;
  readonly blocks: readonly BlockableStep[];
  readonly role: ResolverRole;
  /** The whole order when null. */
  readonly lines: readonly string[] | null;
  readonly reason: string;
  readonly rule: { readonly id: string; readonly version: number } | null;
  readonly heldBy: string;
  readonly heldAt: Date;
  /** Null while it is open. */
  readonly resolution: {
    readonly outcome: 'released' | 'rejected' | 'lapsed';
    readonly reason: string;
    readonly by: string;
    readonly at: Date;
  } | null;
}

interface Row {
  readonly order_id: string;
  readonly channel: string;
  readonly hold_id: string;
  readonly hold_type: HoldType;
  readonly blocks: readonly BlockableStep[];
  readonly role: ResolverRole;
  readonly lines: readonly string[] | null;
  readonly reason: string;
  readonly rule_id: string | null;
  readonly rule_version: number | null;
  readonly held_by: string;
  readonly held_at: Date;
  readonly held_us: bigint;
  readonly outcome: 'released' | 'rejected' | 'lapsed' | null;
  readonly resolution: string | null;
  readonly resolved_by: string | null;
  readonly resolved_at: Date | null;
}

const toView = (row: Omit<Row, 'held_us'>): ReviewView => ({
  orderId: row.order_id,
  channel: row.channel,
  holdId: row.hold_id,
  holdType: row.hold_type,
  blocks: row.blocks,
  role: row.role,
  lines: row.lines,
  reason: row.reason,
  rule: row.rule_id === null ? null : { id: row.rule_id, version: row.rule_version ?? 0 },
  heldBy: row.held_by,
  heldAt: row.held_at,
  resolution:
    row.outcome === null || row.resolved_at === null
      ? null
      : {
          outcome: row.outcome,
          reason: row.resolution ?? '',
          by: row.resolved_by ?? '',
          at: row.resolved_at,
        },
});

/** All that is given must hold. */
export interface ReviewFilter {
  /** Open ones when absent. */
  readonly state?: 'open' | 'resolved' | undefined;
  readonly holdType?: string | undefined;
  readonly channel?: string | undefined;
  readonly role?: string | undefined;
  /** Put before. */
  readonly heldBefore?: Date | undefined;
}

const whereOf = (filter: ReviewFilter): { parameters: unknown[]; conditions: string[] } => {
  const parameters: unknown[] = [];
  const conditions = [filter.state === 'resolved' ? 'outcome IS NOT NULL' : 'outcome IS NULL'];
  for (const [column, value] of [
    ['hold_type =', filter.holdType],
    ['channel =', filter.channel],
    ['role =', filter.role],
    ['held_at <', filter.heldBefore],
  ] as const) {
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(`${column} $${parameters.length}`);
  }
  return { parameters, conditions };
};

const LIST = 'reviews';
const MICROSECONDS = '(extract(epoch FROM held_at) * 1000000)::bigint';

/** The work queue: the oldest first. Throws {@link InvalidCursor}. */
export const listReviews = async (
  db: Queryable,
  filter: ReviewFilter & PageRequest = {},
): Promise<Page<ReviewView>> => {
  const size = pageSize(filter);
  const { parameters, conditions } = whereOf(filter);
  const after = readCursor(LIST, filter, [MOMENT, ANY_TEXT, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, order, hold] = [2, 1, 0].map((back) => `$${parameters.length - back}`);
    conditions.push(
      `(held_at, order_id, hold_id) > (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${order}, ${hold})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<Row>(
    `SELECT *, ${MICROSECONDS} AS held_us FROM reviews WHERE ${conditions.join(' AND ')}
     ORDER BY held_at, order_id, hold_id LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(LIST, rows, size, (row) => [`${row.held_us}`, row.order_id, row.hold_id], toView);
};

export interface ReviewCount {
  readonly channel: string;
  readonly holdType: HoldType;
  readonly role: ResolverRole;
  readonly count: number;
  readonly oldest: Date;
}

/** How much waits, for whom, and since when. */
export const countReviews = async (
  db: Queryable,
  filter: Omit<ReviewFilter, 'state'> = {},
): Promise<readonly ReviewCount[]> => {
  const { parameters, conditions } = whereOf(filter);
  const { rows } = await db.query<{
    channel: string;
    hold_type: HoldType;
    role: ResolverRole;
    count: bigint;
    oldest: Date;
  }>(
    `SELECT channel, hold_type, role, count(*) AS count, min(held_at) AS oldest FROM reviews
     WHERE ${conditions.join(' AND ')} GROUP BY channel, hold_type, role ORDER BY channel, hold_type, role`,
    parameters,
  );
  return rows.map(({ hold_type, count, ...row }) => ({ ...row, holdType: hold_type, count: Number(count) }));
};

/** SQL for the reviews of a row of `orders`, in the order they were put: JSON for {@link reviewsIn}, null when there are none. */
export const REVIEWS_OF_ORDER = `(
  SELECT json_agg(review ORDER BY held_at, hold_id) FROM reviews AS review WHERE review.order_id = orders.order_id)`;

type JsonRow = Omit<Row, 'held_at' | 'resolved_at' | 'held_us'> & {
  readonly held_at: string;
  readonly resolved_at: string | null;
};

export const reviewsIn = (json: readonly JsonRow[] | null): ReviewView[] =>
  (json ?? []).map((row) =>
    toView({
      ...row,
      held_at: new Date(row.held_at),
      resolved_at: row.resolved_at === null ? null : new Date(row.resolved_at),
    }),
  );
export type ReviewsJson = Parameters<typeof reviewsIn>[0];
