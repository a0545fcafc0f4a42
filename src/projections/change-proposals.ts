import type { OrderChangeConfirmed, OrderChangeProposed } from '../domain/order-change-events.js';
import { splitId } from '../domain/stream-id.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { ANY_TEXT, MOMENT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import { isOf } from './event-of.js';

/** Changes of orders: what was proposed, and what became of it. */
const create = `
CREATE TABLE order_changes (
  order_id    text COLLATE "C" NOT NULL,
  change_id   text COLLATE "C" NOT NULL,
  channel     text COLLATE "C" NOT NULL,
  -- proposed, confirmed, declined
  status      text COLLATE "C" NOT NULL,
  reason      text NOT NULL,
  -- JSON as recorded.
  actions     text NOT NULL,
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL,
  -- Confirmed: the version it made of the order, and what the customer has to pay more (negative: less), as a decimal string.
  version     integer,
  difference  text,
  currency    text,
  -- Declined: why.
  declined    text,
  resolved_by text,
  resolved_at timestamptz,
  -- Of its last event.
  position    bigint NOT NULL,
  PRIMARY KEY (order_id, change_id)
);
CREATE INDEX order_changes_open ON order_changes (proposed_at, order_id, change_id) WHERE status = 'proposed';
CREATE INDEX order_changes_open_by_channel ON order_changes (channel, proposed_at, order_id, change_id)
  WHERE status = 'proposed';
`;

const INSERT = `
INSERT INTO order_changes (order_id, change_id, channel, status, reason, actions, proposed_by, proposed_at, position)
SELECT c1, c2, c3, 'proposed', c4, c5, c6, c7, c8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[]) AS row
  (c1, c2, c3, c4, c5, c6, c7, c8)`;

const RESOLVE = `
UPDATE order_changes SET status = change.status, version = change.version::integer, difference = change.difference,
  currency = change.currency, declined = change.declined, resolved_by = change.resolved_by,
  resolved_at = change.resolved_at, position = change.position
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
  $10::bigint[]) AS change
  (order_id, change_id, status, version, difference, currency, declined, resolved_by, resolved_at, position)
WHERE order_changes.order_id = change.order_id AND order_changes.change_id = change.change_id`;

interface Fact<Data> {
  readonly recorded: RecordedEvent;
  readonly data: Data;
}
type Resolution = { readonly changeId: string } & (
  | { readonly status: 'confirmed'; readonly confirmed: OrderChangeConfirmed['data'] }
  | { readonly status: 'declined'; readonly reason: string }
);

const collapse = (events: readonly RecordedEvent[]) => {
  const proposed: Fact<OrderChangeProposed['data']>[] = [];
  const resolved: Fact<Resolution>[] = [];
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event } = recorded;
    if (event.type === 'OrderChangeProposed') proposed.push({ recorded, data: event.data });
    else if (event.type === 'OrderChangeConfirmed') {
      const { data } = event;
      resolved.push({ recorded, data: { changeId: data.changeId, status: 'confirmed', confirmed: data } });
    } else if (event.type === 'OrderChangeDeclined') {
      resolved.push({ recorded, data: { ...event.data, status: 'declined' } });
    }
  }
  return { proposed, resolved };
};

const confirmedIn = ({ data }: Fact<Resolution>) =>
  data.status === 'confirmed' ? data.confirmed : undefined;

export const changeProposals: Projection = {
  name: 'order_changes',
  version: 2,
  categories: ['order'],
  tables: ['order_changes'],
  create,
  async apply(events, tx) {
    const { proposed, resolved } = collapse(events);
    if (proposed.length > 0) {
      await tx.query(
        INSERT,
        [
          texts(proposed.map(({ recorded }) => recorded.streamId)),
          texts(proposed.map(({ data }) => data.changeId)),
          texts(proposed.map(({ recorded }) => splitId(recorded.streamId)[0])),
          texts(proposed.map(({ data }) => data.reason)),
          texts(proposed.map(({ data }) => JSON.stringify(data.actions))),
          texts(proposed.map(({ recorded }) => recorded.metadata.actor)),
          texts(proposed.map(({ recorded }) => recorded.metadata.effectiveAt)),
          numbers(proposed.map(({ recorded }) => recorded.position.commit)),
        ],
        'order_changes.insert',
      );
    }
    if (resolved.length === 0) return;
    const { rowCount } = await tx.query(
      RESOLVE,
      [
        texts(resolved.map(({ recorded }) => recorded.streamId)),
        texts(resolved.map(({ data }) => data.changeId)),
        texts(resolved.map(({ data }) => data.status)),
        texts(resolved.map((one) => confirmedIn(one)?.version.toString())),
        texts(resolved.map((one) => confirmedIn(one)?.difference)),
        texts(resolved.map((one) => confirmedIn(one)?.currency)),
        texts(resolved.map(({ data }) => (data.status === 'declined' ? data.reason : undefined))),
        texts(resolved.map(({ recorded }) => recorded.metadata.actor)),
        texts(resolved.map(({ recorded }) => recorded.metadata.effectiveAt)),
        numbers(resolved.map(({ recorded }) => recorded.position.commit)),
      ],
      'order_changes.resolve',
    );
    if (rowCount < resolved.length) throw new Error('an event of a change that was never proposed');
  },
};

/** A change of an order as people read it. */
export interface ChangeView {
  readonly orderId: string;
  readonly changeId: string;
  readonly channel: string;
  readonly status: 'proposed' | 'confirmed' | 'declined';
  readonly reason: string;
  /** As they were proposed. */
  readonly actions: unknown;
  readonly proposedBy: string;
  readonly proposedAt: Date;
  readonly version: number | null;
  readonly difference: string | null;
  readonly currency: string | null;
  readonly declined: string | null;
  readonly resolvedBy: string | null;
  readonly resolvedAt: Date | null;
}

interface Row {
  readonly order_id: string;
  readonly change_id: string;
  readonly channel: string;
  readonly status: ChangeView['status'];
  readonly reason: string;
  readonly actions: string;
  readonly proposed_by: string;
  readonly proposed_at: Date;
  readonly proposed_us: bigint;
  readonly version: number | null;
  readonly difference: string | null;
  readonly currency: string | null;
  readonly declined: string | null;
  readonly resolved_by: string | null;
  readonly resolved_at: Date | null;
}

const toView = (row: Row): ChangeView => ({
  orderId: row.order_id,
  changeId: row.change_id,
  channel: row.channel,
  status: row.status,
  reason: row.reason,
  actions: JSON.parse(row.actions) as unknown,
  proposedBy: row.proposed_by,
  proposedAt: row.proposed_at,
  version: row.version,
  difference: row.difference,
  currency: row.currency,
  declined: row.declined,
  resolvedBy: row.resolved_by,
  resolvedAt: row.resolved_at,
});

const LIST = 'order-changes';

/**
 * SQL for whether a row of `order_changes` waits for somebody. What was proposed for an order that has ended since cannot be confirmed any
 * more, and nobody has to decline it: the end of an order is in the table of orders, which projections do not read.
 */
export const WAITING_CHANGE = `order_changes.status = 'proposed' AND EXISTS (
  SELECT FROM orders WHERE orders.order_id = order_changes.order_id AND orders.status IN ('placed', 'reserved', 'confirmed'))`;

/** All that is given must hold. */
export interface ChangeFilter extends PageRequest {
  readonly orderId?: string | undefined;
  /** Only those that wait for somebody to confirm or decline them. */
  readonly waiting?: boolean;
  readonly channel?: string | undefined;
}

/** The oldest first. Throws {@link InvalidCursor}. */
export const listChanges = async (db: Queryable, filter: ChangeFilter = {}): Promise<Page<ChangeView>> => {
  const size = pageSize(filter);
  const parameters: unknown[] = [];
  const conditions = [filter.waiting === true ? WAITING_CHANGE : 'true'];
  for (const [column, value] of [
    ['order_id', filter.orderId],
    ['channel', filter.channel],
  ] as const) {
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(`${column} = $${parameters.length}`);
  }
  const after = readCursor(LIST, filter, [MOMENT, ANY_TEXT, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, order, change] = [2, 1, 0].map((back) => `$${parameters.length - back}`);
    conditions.push(
      `(proposed_at, order_id, change_id) >
         (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${order}, ${change})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<Row>(
    `SELECT *, (extract(epoch FROM proposed_at) * 1000000)::bigint AS proposed_us FROM order_changes
     WHERE ${conditions.join(' AND ')} ORDER BY proposed_at, order_id, change_id LIMIT $${parameters.length}`,
    parameters,
  );
  return toPage(LIST, rows, size, (row) => [`${row.proposed_us}`, row.order_id, row.change_id], toView);
};
