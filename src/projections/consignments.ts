import type { ConsignmentEvent, ConsignmentPlan } from '../domain/consignment.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/** Consignments, and one row per order of each: waiting, shipped, or dropped with the order's "no". */
const create = `
CREATE TABLE consignments (
  stream_id      text COLLATE "C" PRIMARY KEY,
  channel        text COLLATE "C" NOT NULL,
  consignment_id text COLLATE "C" NOT NULL,
  location       text COLLATE "C" NOT NULL,
  customer_id    text COLLATE "C" NOT NULL,
  closed         boolean NOT NULL,
  planned_at     timestamptz NOT NULL,
  revision       bigint NOT NULL,
  position       bigint NOT NULL,
  effective_at   timestamptz NOT NULL,
  recorded_at    timestamptz NOT NULL,
  -- Not from the log: when this row was written, or handed to somebody to follow up.
  touched_at     timestamptz NOT NULL
);
CREATE INDEX consignments_open ON consignments (touched_at) WHERE NOT closed;
CREATE TABLE consignment_orders (
  stream_id text COLLATE "C" NOT NULL,
  order_id  text COLLATE "C" NOT NULL,
  -- Place in the plan, from 0.
  order_no  integer NOT NULL,
  -- waiting, shipped, dropped
  outcome   text COLLATE "C" NOT NULL,
  units     bigint,
  code      text,
  detail    text,
  PRIMARY KEY (stream_id, order_id)
);
`;

const INSERT = `
INSERT INTO consignments (stream_id, channel, consignment_id, location, customer_id, planned_at, closed, revision, position,
  effective_at, recorded_at, touched_at)
SELECT c1, c2, c3, c4, c5, c6, c7::boolean, c8, c9, c10, c11, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bigint[], $9::bigint[],
  $10::timestamptz[], $11::timestamptz[]) AS row (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11)`;
const UPDATE = `
UPDATE consignments SET closed = closed OR change.over::boolean, revision = change.revision, position = change.position,
  effective_at = change.effective_at, recorded_at = change.recorded_at, touched_at = now()
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[]) AS change
  (stream_id, over, revision, position, effective_at, recorded_at)
WHERE consignments.stream_id = change.stream_id`;
const INSERT_ORDERS = `
INSERT INTO consignment_orders (stream_id, order_id, order_no, outcome)
SELECT stream_id, order_id, order_no, 'waiting' FROM unnest($1::text[], $2::text[], $3::integer[]) AS row
  (stream_id, order_id, order_no)`;
const UPDATE_ORDERS = `
UPDATE consignment_orders SET outcome = change.outcome, units = change.units::bigint, code = change.code, detail = change.detail
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS change
  (stream_id, order_id, outcome, units, code, detail)
WHERE consignment_orders.stream_id = change.stream_id AND consignment_orders.order_id = change.order_id`;

interface Change {
  planned?: { readonly plan: ConsignmentPlan; readonly at: string };
  closed: boolean;
  last: RecordedEvent;
}

type Outcome = Extract<ConsignmentEvent, { type: 'ConsignmentOrderShipped' | 'ConsignmentOrderDropped' }>;

export const consignments: Projection = {
  name: 'consignments',
  version: 1,
  categories: ['consignment'],
  tables: ['consignments', 'consignment_orders'],
  create,
  async apply(events, tx) {
    const changes = new Map<string, Change>();
    const outcomes: { readonly id: string; readonly event: Outcome }[] = [];
    for (const recorded of events) {
      if (!isOf(recorded, 'consignment')) continue;
      const { streamId: id, event, metadata } = recorded;
      const change: Change = changes.get(id) ?? { closed: false, last: recorded };
      changes.set(id, change);
      change.last = recorded;
      if (event.type === 'ConsignmentPlanned') {
        change.planned = { plan: event.data, at: metadata.effectiveAt };
      } else if (event.type === 'ConsignmentClosed') change.closed = true;
      else outcomes.push({ id, event });
    }
    await write(changes, tx);
    if (outcomes.length === 0) return;
    await tx.query(
      UPDATE_ORDERS,
      [
        texts(outcomes.map(({ id }) => id)),
        texts(outcomes.map(({ event }) => event.data.orderId)),
        texts(
          outcomes.map(({ event }) => (event.type === 'ConsignmentOrderShipped' ? 'shipped' : 'dropped')),
        ),
        texts(outcomes.map(({ event }) => ('units' in event.data ? `${event.data.units}` : null))),
        texts(outcomes.map(({ event }) => ('code' in event.data ? event.data.code : null))),
        texts(outcomes.map(({ event }) => ('detail' in event.data ? event.data.detail : null))),
      ],
      'consignments.outcomes',
    );
  },
};

const placeColumns = (rows: readonly Change[]): string[] => [
  texts(rows.map(({ closed }) => `${closed}`)),
  numbers(rows.map(({ last }) => last.revision)),
  numbers(rows.map(({ last }) => last.position.commit)),
  texts(rows.map(({ last }) => last.metadata.effectiveAt)),
  texts(rows.map(({ last }) => last.recordedAt.toISOString())),
];

const write = async (
  changes: ReadonlyMap<string, Change>,
  tx: Parameters<Projection['apply']>[1],
): Promise<void> => {
  const all = [...changes];
  const made = all.flatMap(([id, change]) =>
    change.planned === undefined ? [] : [{ id, change, ...change.planned }],
  );
  const later = all.filter(([, { planned }]) => planned === undefined);
  if (made.length > 0) {
    await tx.query(
      INSERT,
      [
        texts(made.map(({ id }) => id)),
        texts(made.map(({ plan }) => plan.channel)),
        texts(made.map(({ plan }) => plan.consignmentId)),
        texts(made.map(({ plan }) => plan.location)),
        texts(made.map(({ plan }) => plan.customerId)),
        texts(made.map(({ at }) => at)),
        ...placeColumns(made.map(({ change }) => change)),
      ],
      'consignments.insert',
    );
    const orders = made.flatMap(({ id, plan }) => plan.orders.map((orderId, no) => ({ id, orderId, no })));
    await tx.query(
      INSERT_ORDERS,
      [
        texts(orders.map(({ id }) => id)),
        texts(orders.map(({ orderId }) => orderId)),
        numbers(orders.map(({ no }) => no)),
      ],
      'consignments.orders',
    );
  }
  if (later.length === 0) return;
  const columns = [texts(later.map(([id]) => id)), ...placeColumns(later.map(([, change]) => change))];
  const { rowCount } = await tx.query(UPDATE, columns, 'consignments.update');
  if (rowCount < later.length) throw new Error('an event of a consignment that was never planned');
};
