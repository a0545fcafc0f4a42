import { amountOf, formatAmount } from '../domain/money.js';
import type { OrderAllowanceGranted } from '../domain/return-events.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/** One row per refund without a return. Written once. */
const create = `
CREATE TABLE order_allowances (
  order_id     text COLLATE "C" NOT NULL,
  allowance_id text COLLATE "C" NOT NULL,
  channel      text COLLATE "C" NOT NULL,
  -- Minor units.
  currency     text COLLATE "C" NOT NULL,
  amount       bigint NOT NULL,
  -- The whole order when null.
  line_id      text COLLATE "C",
  reason       text NOT NULL,
  granted_by   text NOT NULL,
  granted_at   timestamptz NOT NULL,
  position     bigint NOT NULL,
  PRIMARY KEY (order_id, allowance_id)
);
`;

const INSERT = `
INSERT INTO order_allowances (order_id, allowance_id, channel, currency, amount, line_id, reason, granted_by, granted_at,
  position)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
  $9::timestamptz[], $10::bigint[])`;

interface Granted {
  readonly recorded: RecordedEvent;
  readonly data: OrderAllowanceGranted['data'];
}

const grantedIn = (events: readonly RecordedEvent[]): Granted[] =>
  events.flatMap((recorded) =>
    isOf(recorded, 'order') && recorded.event.type === 'OrderAllowanceGranted'
      ? [{ recorded, data: recorded.event.data }]
      : [],
  );

export const allowances: Projection = {
  name: 'allowances',
  version: 1,
  categories: ['order'],
  tables: ['order_allowances'],
  create,
  async apply(events, tx) {
    const rows = grantedIn(events);
    if (rows.length === 0) return;
    await tx.query(
      INSERT,
      [
        texts(rows.map(({ recorded }) => recorded.streamId)),
        texts(rows.map(({ data }) => data.allowanceId)),
        texts(rows.map(({ data }) => data.channel)),
        texts(rows.map(({ data }) => data.currency)),
        numbers(rows.map(({ data }) => amountOf(data.amount, data.currency))),
        texts(rows.map(({ data }) => data.lineId)),
        texts(rows.map(({ data }) => data.reason)),
        texts(rows.map(({ recorded }) => recorded.metadata.actor)),
        texts(rows.map(({ recorded }) => recorded.metadata.effectiveAt)),
        numbers(rows.map(({ recorded }) => recorded.position.commit)),
      ],
      'allowances.insert',
    );
  },
};

/** An allowance as people read it. */
export interface AllowanceView {
  readonly allowanceId: string;
  /** Decimal string of `currency`. */
  readonly amount: string;
  readonly currency: string;
  /** The whole order when null. */
  readonly lineId: string | null;
  readonly reason: string;
  readonly grantedBy: string;
  readonly grantedAt: Date;
}

interface Row {
  readonly allowance_id: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly line_id: string | null;
  readonly reason: string;
  readonly granted_by: string;
  readonly granted_at: Date;
}

/** In the order they were granted. */
export const allowancesOf = async (db: Queryable, orderId: string): Promise<readonly AllowanceView[]> => {
  const { rows } = await db.query<Row>(
    'SELECT * FROM order_allowances WHERE order_id = $1 ORDER BY position, allowance_id',
    [orderId],
    'allowances.of-order',
  );
  return rows.map((row) => ({
    allowanceId: row.allowance_id,
    amount: formatAmount(row.amount, row.currency),
    currency: row.currency,
    lineId: row.line_id,
    reason: row.reason,
    grantedBy: row.granted_by,
    grantedAt: row.granted_at,
  }));
};
