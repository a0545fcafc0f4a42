import type { OrderEvent } from '../domain/order-events.js';
import type { OrderSplit } from '../domain/split.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/** Units of orders that ship apart: one row per line of a delivery group. */
const create = `
CREATE TABLE order_splits (
  order_id       text COLLATE "C" NOT NULL,
  split_id       text COLLATE "C" NOT NULL,
  line_id        text COLLATE "C" NOT NULL,
  -- Place of the line in the group, from 0.
  line_no        integer NOT NULL,
  requested_date date,
  priority       integer,
  split_by       text NOT NULL,
  split_at       timestamptz NOT NULL,
  quantity       integer NOT NULL,
  shipped        integer NOT NULL,
  cancelled      integer NOT NULL,
  undone         boolean NOT NULL,
  -- Of the split in its stream.
  revision       bigint NOT NULL,
  PRIMARY KEY (order_id, split_id, line_id)
);
`;

const INSERT = `
INSERT INTO order_splits (order_id, split_id, line_id, line_no, requested_date, priority, split_by, split_at, quantity, shipped,
  cancelled, undone, revision)
SELECT c1, c2, c3, c4, c5::date, c6::integer, c7, c8, c9, 0, 0, false, c10
FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
  $9::integer[], $10::bigint[]) AS row (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10)`;
const COUNT = `
UPDATE order_splits SET shipped = order_splits.shipped + change.shipped, cancelled = order_splits.cancelled + change.cancelled
FROM (
  SELECT order_id, split_id, line_id, sum(shipped) AS shipped, sum(cancelled) AS cancelled
  FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[]) AS row
    (order_id, split_id, line_id, shipped, cancelled)
  GROUP BY order_id, split_id, line_id) AS change
WHERE order_splits.order_id = change.order_id AND order_splits.split_id = change.split_id
  AND order_splits.line_id = change.line_id`;
const UNDO = `
UPDATE order_splits SET undone = true FROM unnest($1::text[], $2::text[]) AS change (order_id, split_id)
WHERE order_splits.order_id = change.order_id AND order_splits.split_id = change.split_id`;

interface Made {
  readonly orderId: string;
  readonly data: OrderSplit['data'];
  readonly by: string;
  readonly at: string;
  readonly revision: number;
}
interface Counted {
  readonly orderId: string;
  readonly splitId: string;
  readonly lineId: string;
  readonly shipped: number;
  readonly cancelled: number;
}

/** Units that an event takes out of groups. */
const countsOf = (orderId: string, event: OrderEvent): Counted[] => {
  if (event.type === 'OrderShipped' && event.data.splitId !== undefined) {
    const { splitId, lines } = event.data;
    return lines
      .filter(({ kind }) => kind === 'goods')
      .map(({ lineId, quantity }) => ({ orderId, splitId, lineId, shipped: quantity, cancelled: 0 }));
  }
  if (event.type !== 'OrderLinesCancelled') return [];
  return (event.data.splits ?? []).map(({ splitId, lineId, quantity }) => ({
    orderId,
    splitId,
    lineId,
    shipped: 0,
    cancelled: quantity,
  }));
};

const apply = async (events: readonly RecordedEvent[], tx: Queryable): Promise<void> => {
  const made: Made[] = [];
  const counted: Counted[] = [];
  const undone: { readonly orderId: string; readonly splitId: string }[] = [];
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event, streamId: orderId, metadata } = recorded;
    if (event.type === 'OrderSplit') {
      made.push({
        orderId,
        data: event.data,
        by: metadata.actor,
        at: metadata.effectiveAt,
        revision: recorded.revision,
      });
    } else if (event.type === 'OrderSplitUndone') undone.push({ orderId, splitId: event.data.splitId });
    else counted.push(...countsOf(orderId, event));
  }
  if (made.length > 0) {
    const rows = made.flatMap((one) => one.data.lines.map((line, lineNo) => ({ ...one, line, lineNo })));
    await tx.query(
      INSERT,
      [
        texts(rows.map(({ orderId }) => orderId)),
        texts(rows.map(({ data }) => data.splitId)),
        texts(rows.map(({ line }) => line.lineId)),
        numbers(rows.map(({ lineNo }) => lineNo)),
        texts(rows.map(({ data }) => data.requestedDate)),
        texts(rows.map(({ data }) => data.priority?.toString())),
        texts(rows.map(({ by }) => by)),
        texts(rows.map(({ at }) => at)),
        numbers(rows.map(({ line }) => line.quantity)),
        numbers(rows.map(({ revision }) => revision)),
      ],
      'order_splits.insert',
    );
  }
  if (counted.length > 0) {
    await tx.query(
      COUNT,
      [
        texts(counted.map(({ orderId }) => orderId)),
        texts(counted.map(({ splitId }) => splitId)),
        texts(counted.map(({ lineId }) => lineId)),
        numbers(counted.map(({ shipped }) => shipped)),
        numbers(counted.map(({ cancelled }) => cancelled)),
      ],
      'order_splits.count',
    );
  }
  if (undone.length > 0) {
    const columns = [
      texts(undone.map(({ orderId }) => orderId)),
      texts(undone.map(({ splitId }) => splitId)),
    ];
    await tx.query(UNDO, columns, 'order_splits.undo');
  }
};

export const orderSplits: Projection = {
  name: 'order_splits',
  version: 1,
  categories: ['order'],
  tables: ['order_splits'],
  create,
  apply,
};

export interface SplitView {
  readonly splitId: string;
  readonly requestedDate: string | null;
  readonly priority: number | null;
  readonly undone: boolean;
  readonly lines: readonly {
    readonly lineId: string;
    readonly quantity: number;
    readonly shipped: number;
    readonly cancelled: number;
  }[];
}

/** SQL for the groups of a row of `orders`, the oldest first: JSON of {@link SplitView}s, null when there are none. */
export const SPLITS_OF_ORDER = `(
  SELECT json_agg(json_build_object('splitId', split_id, 'requestedDate', requested_date, 'priority', priority,
    'undone', undone, 'lines', lines) ORDER BY revision)
  FROM (
    SELECT split_id, requested_date, priority, undone, revision, json_agg(json_build_object('lineId', line_id,
      'quantity', quantity, 'shipped', shipped, 'cancelled', cancelled) ORDER BY line_no) AS lines
    FROM order_splits AS split WHERE split.order_id = orders.order_id
    GROUP BY split_id, requested_date, priority, undone, revision) AS groups)`;
