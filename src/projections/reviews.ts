import type { OrderHeld, OrderHoldResolved } from '../domain/review.js';
import { splitId } from '../domain/stream-id.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/**
 * One row per review of an order, open or resolved: the work queue, and what the page of an order shows. A review is written twice
 * in its life, so the queue is an index over the rows that nobody resolved.
 */
const create = `
CREATE TABLE reviews (
  order_id     text COLLATE "C" NOT NULL,
  hold_id      text COLLATE "C" NOT NULL,
  channel      text COLLATE "C" NOT NULL,
  -- review, price, credit, fraud, address, payment
  hold_type    text COLLATE "C" NOT NULL,
  -- confirm, ship
  blocks       text[] NOT NULL,
  -- Of the API key that may resolve it: admin, channel, warehouse, finance
  role         text COLLATE "C" NOT NULL,
  -- The whole order when null.
  lines        text[],
  reason       text NOT NULL,
  -- Put by hand when null.
  rule_id      text COLLATE "C",
  rule_version integer,
  held_by      text NOT NULL,
  held_at      timestamptz NOT NULL,
  -- released, rejected, lapsed; open when null
  outcome      text COLLATE "C",
  resolution   text,
  resolved_by  text,
  resolved_at  timestamptz,
  -- Of its last event.
  position     bigint NOT NULL,
  PRIMARY KEY (order_id, hold_id)
);
CREATE INDEX reviews_by_time ON reviews (held_at, order_id, hold_id);
CREATE INDEX reviews_by_channel ON reviews (channel, held_at, order_id, hold_id);
CREATE INDEX reviews_open ON reviews (held_at, order_id, hold_id) WHERE outcome IS NULL;
-- Orders that wait for a review of a type or a role.
CREATE INDEX reviews_open_by_type ON reviews (hold_type, role, order_id) WHERE outcome IS NULL;
`;

const INSERT = `
INSERT INTO reviews (order_id, hold_id, channel, hold_type, blocks, role, lines, reason, rule_id, rule_version, held_by,
  held_at, outcome, resolution, resolved_by, resolved_at, position)
SELECT c1, c2, c3, c4, c5::text[], c6, c7::text[], c8, c9, c10::integer, c11, c12, c13, c14, c15, c16, c17
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
  $17::bigint[]) AS row (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17)`;

const RESOLVE = `
UPDATE reviews SET outcome = change.outcome, resolution = change.resolution, resolved_by = change.resolved_by,
  resolved_at = change.resolved_at, position = change.position
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[]) AS change
  (order_id, hold_id, outcome, resolution, resolved_by, resolved_at, position)
WHERE reviews.order_id = change.order_id AND reviews.hold_id = change.hold_id`;

interface Fact<Data> {
  readonly orderId: string;
  readonly data: Data;
  readonly by: string;
  readonly at: string;
  readonly position: bigint;
}
interface Put extends Fact<OrderHeld['data']> {
  resolved?: Fact<OrderHoldResolved['data']>;
}

const factOf = <Data>({ streamId, metadata, position }: RecordedEvent, data: Data): Fact<Data> => ({
  orderId: streamId,
  data,
  by: metadata.actor,
  at: metadata.effectiveAt,
  position: position.commit,
});

/** Reviews put in this batch, with their end where that is in it too, and ends of those put before. */
const collapse = (events: readonly RecordedEvent[]) => {
  const put = new Map<string, Put>();
  const resolved: Fact<OrderHoldResolved['data']>[] = [];
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event, streamId } = recorded;
    if (event.type === 'OrderHeld') {
      put.set(`${streamId}\0${event.data.holdId}`, factOf(recorded, event.data));
    } else if (event.type === 'OrderHoldResolved') {
      const before = put.get(`${streamId}\0${event.data.holdId}`);
      if (before === undefined) resolved.push(factOf(recorded, event.data));
      else before.resolved = factOf(recorded, event.data);
    }
  }
  return { put: [...put.values()], resolved };
};

const putColumns = (rows: readonly Put[]): string[] => [
  texts(rows.map(({ orderId }) => orderId)),
  texts(rows.map(({ data }) => data.holdId)),
  texts(rows.map(({ orderId }) => splitId(orderId)[0])),
  texts(rows.map(({ data }) => data.holdType)),
  texts(rows.map(({ data }) => texts(data.blocks))),
  texts(rows.map(({ data }) => data.role)),
  texts(rows.map(({ data }) => (data.lines === undefined ? null : texts(data.lines)))),
  texts(rows.map(({ data }) => data.reason)),
  texts(rows.map(({ data }) => data.rule?.id)),
  texts(rows.map(({ data }) => data.rule?.version.toString())),
  texts(rows.map(({ by }) => by)),
  texts(rows.map(({ at }) => at)),
  texts(rows.map(({ resolved }) => resolved?.data.outcome)),
  texts(rows.map(({ resolved }) => resolved?.data.reason)),
  texts(rows.map(({ resolved }) => resolved?.by)),
  texts(rows.map(({ resolved }) => resolved?.at)),
  numbers(rows.map(({ position, resolved }) => resolved?.position ?? position)),
];

const applyReviews = async (events: readonly RecordedEvent[], tx: Queryable): Promise<void> => {
  const { put, resolved } = collapse(events);
  if (put.length > 0) await tx.query(INSERT, putColumns(put), 'reviews.insert');
  if (resolved.length === 0) return;
  const { rowCount } = await tx.query(
    RESOLVE,
    [
      texts(resolved.map(({ orderId }) => orderId)),
      texts(resolved.map(({ data }) => data.holdId)),
      texts(resolved.map(({ data }) => data.outcome)),
      texts(resolved.map(({ data }) => data.reason)),
      texts(resolved.map(({ by }) => by)),
      texts(resolved.map(({ at }) => at)),
      numbers(resolved.map(({ position }) => position)),
    ],
    'reviews.resolve',
  );
  if (rowCount < resolved.length) throw new Error('the end of a review that was never put');
};

export const reviews: Projection = {
  name: 'reviews',
  version: 3,
  categories: ['order'],
  tables: ['reviews'],
  create,
  apply: applyReviews,
};
