import { formatAmount } from '../domain/money.js';
import type { ReturnStatus } from '../domain/order-return-state.js';
import type { Queryable } from '../runtime/database.js';
import { ANY_TEXT, MOMENT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import type { ReturnLineRow } from './return-row.js';

/** A return as people read it. Amounts are decimal strings of `currency`. */
export interface ReturnView {
  readonly orderId: string;
  readonly returnId: string;
  readonly channel: string;
  readonly state: ReturnStatus;
  readonly reason: string;
  readonly instructions: string | null;
  readonly refusal: string | null;
  readonly location: string | null;
  readonly note: string | null;
  /** Over all lines. Accepted units are credited; damaged ones are among them. */
  readonly units: Readonly<Record<Units, number>>;
  readonly lines: readonly Readonly<ReturnLineRow>[];
  /** Null until it is credited. */
  readonly credit: {
    readonly currency: string;
    readonly credited: string;
    readonly allowance: string;
    readonly goodwill: string | null;
  } | null;
  readonly openedBy: string;
  readonly openedAt: Date;
  readonly authorisedAt: Date | null;
  readonly receivedAt: Date | null;
  readonly inspectedAt: Date | null;
  readonly creditedAt: Date | null;
  readonly refusedAt: Date | null;
}

type Units = 'requested' | 'received' | 'accepted' | 'damaged' | 'missing' | 'refused';

type Row = {
  readonly [name in `${Units}_units`]: bigint;
} & {
  readonly order_id: string;
  readonly return_id: string;
  readonly channel: string;
  readonly state: ReturnStatus;
  readonly reason: string;
  readonly instructions: string | null;
  readonly refusal: string | null;
  readonly location: string | null;
  readonly note: string | null;
  readonly currency: string | null;
  readonly credited: bigint | null;
  readonly allowance: bigint | null;
  readonly goodwill: string | null;
  readonly lines: readonly ReturnLineRow[];
  readonly opened_by: string;
  readonly opened_at: Date;
  readonly opened_us: bigint;
  readonly authorised_at: Date | null;
  readonly received_at: Date | null;
  readonly inspected_at: Date | null;
  readonly credited_at: Date | null;
  readonly refused_at: Date | null;
};

const toView = (row: Omit<Row, 'opened_us'>): ReturnView => ({
  orderId: row.order_id,
  returnId: row.return_id,
  channel: row.channel,
  state: row.state,
  reason: row.reason,
  instructions: row.instructions,
  refusal: row.refusal,
  location: row.location,
  note: row.note,
  units: {
    requested: Number(row.requested_units),
    received: Number(row.received_units),
    accepted: Number(row.accepted_units),
    damaged: Number(row.damaged_units),
    missing: Number(row.missing_units),
    refused: Number(row.refused_units),
  },
  lines: row.lines,
  credit:
    row.currency === null || row.credited === null
      ? null
      : {
          currency: row.currency,
          credited: formatAmount(row.credited, row.currency),
          allowance: formatAmount(row.allowance ?? 0n, row.currency),
          goodwill: row.goodwill,
        },
  openedBy: row.opened_by,
  openedAt: row.opened_at,
  authorisedAt: row.authorised_at,
  receivedAt: row.received_at,
  inspectedAt: row.inspected_at,
  creditedAt: row.credited_at,
  refusedAt: row.refused_at,
});

/** All that is given must hold. */
export interface ReturnFilter {
  /** `open` is all that somebody has to go on with; all returns when absent. */
  readonly state?: ReturnStatus | 'open' | undefined;
  readonly channel?: string | undefined;
  readonly location?: string | undefined;
  /** Requested, or recorded without a request, before. */
  readonly openedBefore?: Date | undefined;
}

const OPEN = `state IN ('requested', 'authorised', 'received', 'inspected')`;

const whereOf = ({ state, ...filter }: ReturnFilter): { parameters: unknown[]; conditions: string[] } => {
  const parameters: unknown[] = [];
  const conditions = state === 'open' ? [OPEN] : ['true'];
  for (const [column, value] of [
    ['state =', state === 'open' ? undefined : state],
    ['channel =', filter.channel],
    ['location =', filter.location],
    ['opened_at <', filter.openedBefore],
  ] as const) {
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(`${column} $${parameters.length}`);
  }
  return { parameters, conditions };
};

const LIST = 'returns';

/** The oldest first. Throws {@link InvalidCursor}. */
export const listReturns = async (
  db: Queryable,
  filter: ReturnFilter & PageRequest = {},
): Promise<Page<ReturnView>> => {
  const size = pageSize(filter);
  const { parameters, conditions } = whereOf(filter);
  const after = readCursor(LIST, filter, [MOMENT, ANY_TEXT, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, order, id] = [2, 1, 0].map((back) => `$${parameters.length - back}`);
    conditions.push(
      `(opened_at, order_id, return_id) > (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${order}, ${id})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<Row>(
    `SELECT *, (extract(epoch FROM opened_at) * 1000000)::bigint AS opened_us FROM returns
     WHERE ${conditions.join(' AND ')} ORDER BY opened_at, order_id, return_id LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(LIST, rows, size, (row) => [`${row.opened_us}`, row.order_id, row.return_id], toView);
};

/** All returns of one order, the oldest first. */
export const returnsOf = async (db: Queryable, orderId: string): Promise<readonly ReturnView[]> => {
  const { rows } = await db.query<Row>(
    'SELECT * FROM returns WHERE order_id = $1 ORDER BY opened_at, return_id',
    [orderId],
    'returns.of-order',
  );
  return rows.map(toView);
};

export interface ReturnCount {
  readonly channel: string;
  readonly state: ReturnStatus;
  readonly location: string | null;
  readonly count: number;
  readonly units: number;
  readonly oldest: Date;
}

/** How many returns wait, in which state, where, and since when. Of those that somebody has to go on with. */
export const countReturns = async (
  db: Queryable,
  filter: Omit<ReturnFilter, 'state'> = {},
): Promise<readonly ReturnCount[]> => {
  const { parameters, conditions } = whereOf({ ...filter, state: 'open' });
  const { rows } = await db.query<{
    channel: string;
    state: ReturnStatus;
    location: string | null;
    count: bigint;
    units: bigint;
    oldest: Date;
  }>(
    `SELECT channel, state, location, count(*) AS count, sum(requested_units)::bigint AS units, min(opened_at) AS oldest
     FROM returns WHERE ${conditions.join(' AND ')}
     GROUP BY channel, state, location ORDER BY channel, state, location`,
    parameters,
  );
  return rows.map(({ count, units, ...row }) => ({ ...row, count: Number(count), units: Number(units) }));
};
