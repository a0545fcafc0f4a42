import type {
  OrderExchangeAgreed,
  OrderExchangeEnded,
  OrderExchangeSettled,
} from '../domain/exchange-events.js';
import { amountOf } from '../domain/money.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/** One row per exchange of an order, open or over. It is written twice in its life. Amounts are minor units of its currency. */
const create = `
CREATE TABLE exchanges (
  order_id     text COLLATE "C" NOT NULL,
  exchange_id  text COLLATE "C" NOT NULL,
  channel      text COLLATE "C" NOT NULL,
  return_id    text COLLATE "C" NOT NULL,
  new_order_id text COLLATE "C" NOT NULL,
  currency     text COLLATE "C" NOT NULL,
  credit       bigint NOT NULL,
  -- agreed, settled, ended
  state        text COLLATE "C" NOT NULL,
  -- Once settled.
  charged      bigint,
  to_pay       bigint,
  to_give_back bigint,
  -- Once ended: owed in money again, and why.
  owed         bigint,
  code         text,
  detail       text,
  agreed_by    text NOT NULL,
  agreed_at    timestamptz NOT NULL,
  over_at      timestamptz,
  -- Of its last event.
  position     bigint NOT NULL,
  PRIMARY KEY (order_id, exchange_id)
);
CREATE INDEX exchanges_open ON exchanges (agreed_at, order_id) WHERE state = 'agreed';
`;

const INSERT = `
INSERT INTO exchanges (order_id, exchange_id, state, charged, to_pay, to_give_back, owed, code, detail, over_at, position,
  channel, return_id, new_order_id, currency, credit, agreed_by, agreed_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
  $9::text[], $10::timestamptz[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[],
  $17::text[], $18::timestamptz[])`;

const UPDATE = `
UPDATE exchanges SET state = change.state, charged = change.charged, to_pay = change.to_pay,
  to_give_back = change.to_give_back, owed = change.owed, code = change.code, detail = change.detail,
  over_at = change.over_at, position = change.position
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
  $9::text[], $10::timestamptz[], $11::bigint[]) AS change
  (order_id, exchange_id, state, charged, to_pay, to_give_back, owed, code, detail, over_at, position)
WHERE exchanges.order_id = change.order_id AND exchanges.exchange_id = change.exchange_id`;

interface Change {
  readonly orderId: string;
  readonly exchangeId: string;
  agreed?: { readonly data: OrderExchangeAgreed['data']; readonly by: string; readonly at: string };
  settled?: OrderExchangeSettled['data'];
  ended?: OrderExchangeEnded['data'];
  overAt?: string;
  position: bigint;
}

const collapse = (events: readonly RecordedEvent[]): Change[] => {
  const changes = new Map<string, Change>();
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event, streamId: orderId, metadata, position } = recorded;
    if (
      event.type !== 'OrderExchangeAgreed' &&
      event.type !== 'OrderExchangeSettled' &&
      event.type !== 'OrderExchangeEnded'
    )
      continue;
    const { exchangeId } = event.data;
    const key = `${orderId}\0${exchangeId}`;
    const change: Change = changes.get(key) ?? { orderId, exchangeId, position: 0n };
    changes.set(key, change);
    change.position = position.commit;
    if (event.type === 'OrderExchangeAgreed') {
      change.agreed = { data: event.data, by: metadata.actor, at: metadata.effectiveAt };
      continue;
    }
    change.overAt = metadata.effectiveAt;
    if (event.type === 'OrderExchangeSettled') change.settled = event.data;
    else change.ended = event.data;
  }
  return [...changes.values()];
};

const stateOf = ({ settled, ended }: Change): string =>
  settled !== undefined ? 'settled' : ended !== undefined ? 'ended' : 'agreed';

const minor = (amount: string | undefined, currency: string | undefined): string | null =>
  amount === undefined || currency === undefined ? null : `${amountOf(amount, currency)}`;

const changeColumns = (rows: readonly Change[]): string[] => [
  texts(rows.map(({ orderId }) => orderId)),
  texts(rows.map(({ exchangeId }) => exchangeId)),
  texts(rows.map(stateOf)),
  texts(rows.map(({ settled }) => minor(settled?.charged, settled?.currency))),
  texts(rows.map(({ settled }) => minor(settled?.toPay, settled?.currency))),
  texts(rows.map(({ settled }) => minor(settled?.toGiveBack, settled?.currency))),
  texts(rows.map(({ ended }) => minor(ended?.owed, ended?.currency))),
  texts(rows.map(({ ended }) => ended?.code)),
  texts(rows.map(({ ended }) => ended?.detail)),
  texts(rows.map(({ overAt }) => overAt)),
  numbers(rows.map(({ position }) => position)),
];

type Agreed = Change & Required<Pick<Change, 'agreed'>>;

const agreedColumns = (rows: readonly Agreed[]): string[] => [
  texts(rows.map(({ agreed }) => agreed.data.channel)),
  texts(rows.map(({ agreed }) => agreed.data.returnId)),
  texts(rows.map(({ agreed }) => agreed.data.newOrderId)),
  texts(rows.map(({ agreed }) => agreed.data.currency)),
  numbers(rows.map(({ agreed: { data } }) => amountOf(data.credit, data.currency))),
  texts(rows.map(({ agreed }) => agreed.by)),
  texts(rows.map(({ agreed }) => agreed.at)),
];

const isAgreed = (change: Change): change is Agreed => change.agreed !== undefined;

export const exchanges: Projection = {
  name: 'exchanges',
  version: 2,
  categories: ['order'],
  tables: ['exchanges'],
  create,
  async apply(events, tx) {
    const changes = collapse(events);
    const agreed = changes.filter(isAgreed);
    if (agreed.length > 0) {
      await tx.query(INSERT, [...changeColumns(agreed), ...agreedColumns(agreed)], 'exchanges.insert');
    }
    const over = changes.filter((change) => !isAgreed(change));
    if (over.length === 0) return;
    const { rowCount } = await tx.query(UPDATE, changeColumns(over), 'exchanges.update');
    if (rowCount < over.length) throw new Error('the end of an exchange that was never agreed');
  },
};

/**
 * Orders with an exchange that somebody can carry on: its new order has come to an end, or was never placed, or is another one of the
 * same id that is older. One that waits for its new order is left alone, however long that takes.
 */
export const openExchanges = async (
  db: Queryable,
  olderThanMs: number,
  limit: number,
): Promise<readonly string[]> => {
  const { rows } = await db.query<{ order_id: string }>(
    `SELECT DISTINCT order_id FROM (
       SELECT e.order_id FROM exchanges e LEFT JOIN orders o ON o.order_id = e.new_order_id
       WHERE e.state = 'agreed' AND e.agreed_at <= now() - $1 * interval '1 millisecond'
         AND (o.order_id IS NULL OR o.status NOT IN ('placed', 'reserved', 'confirmed') OR o.position < e.position)
       ORDER BY e.agreed_at LIMIT $2) AS open`,
    [olderThanMs, limit],
    'exchanges.open',
  );
  return rows.map(({ order_id }) => order_id);
};
