import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/**
 * What must happen at a time: an order that waits for its confirmation expires. A row lives from the placement until the order
 * is confirmed or over, so the table holds what waits and nothing else, and a rebuild brings every deadline back.
 */
const create = `
CREATE TABLE deadlines (
  kind          text COLLATE "C" NOT NULL,
  order_id      text COLLATE "C" NOT NULL,
  due_at        timestamptz NOT NULL,
  -- Units not cancelled yet: with the last of them the order is over.
  open_units    bigint NOT NULL,
  -- Not from the log: somebody is at it until then.
  claimed_until timestamptz,
  PRIMARY KEY (kind, order_id)
);
CREATE INDEX deadlines_due ON deadlines (due_at);
`;

const KIND = 'order-expiry';

const INSERT = `
INSERT INTO deadlines (kind, order_id, due_at, open_units)
SELECT '${KIND}', * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[])`;
const DELETE = `DELETE FROM deadlines WHERE kind = '${KIND}' AND order_id = ANY($1::text[])`;
const CANCEL = `
WITH taken AS (
  UPDATE deadlines SET open_units = open_units - change.units
  FROM unnest($1::text[], $2::bigint[]) AS change (order_id, units)
  WHERE kind = '${KIND}' AND deadlines.order_id = change.order_id
  RETURNING deadlines.order_id, open_units)
SELECT order_id FROM taken WHERE open_units <= 0`;

/** A payment that may take longer than the order would wait; it never makes a deadline. */
const EXTEND = `
UPDATE deadlines SET due_at = change.due_at
FROM unnest($1::text[], $2::timestamptz[]) AS change (order_id, due_at)
WHERE kind = '${KIND}' AND deadlines.order_id = change.order_id AND deadlines.due_at < change.due_at`;

interface Waiting {
  dueAt: string;
  openUnits: number;
}

interface Changes {
  /** Placed in this batch and not over within it. */
  readonly placed: Map<string, Waiting>;
  /** Units cancelled of orders placed before it. */
  readonly cancelled: Map<string, number>;
  readonly over: Set<string>;
  /** New deadlines of orders placed before it, as far as they are later. */
  readonly extended: Map<string, string>;
}

const unitsOf = (lines: readonly { readonly quantity: number }[]): number =>
  lines.reduce((sum, { quantity }) => sum + quantity, 0);

const isLater = (time: string, than: string): boolean => Date.parse(time) > Date.parse(than);

const collapse = (events: readonly RecordedEvent[]): Changes => {
  const placed = new Map<string, Waiting>();
  const cancelled = new Map<string, number>();
  const over = new Set<string>();
  const extended = new Map<string, string>();
  const end = (orderId: string): void => {
    cancelled.delete(orderId);
    if (!placed.delete(orderId)) over.add(orderId);
  };
  const cancel = (orderId: string, units: number): void => {
    const waiting = placed.get(orderId);
    if (waiting !== undefined) {
      waiting.openUnits -= units;
      if (waiting.openUnits <= 0) end(orderId);
    } else if (!over.has(orderId)) {
      cancelled.set(orderId, (cancelled.get(orderId) ?? 0) + units);
    }
  };
  for (const recorded of events) {
    if (!isOf(recorded, 'order')) continue;
    const { event, streamId: orderId } = recorded;
    switch (event.type) {
      case 'OrderPlaced': {
        const { expiresAt, lines } = event.data;
        if (expiresAt === undefined) break;
        placed.set(orderId, {
          dueAt: expiresAt,
          openUnits: unitsOf(lines),
        });
        break;
      }
      case 'OrderLinesCancelled':
        cancel(orderId, unitsOf(event.data.lines));
        break;
      case 'OrderChangeConfirmed':
        cancel(orderId, unitsOf(event.data.cancelled) - unitsOf(event.data.added));
        break;
      case 'OrderPaymentStarted': {
        const { expiresAt } = event.data;
        if (expiresAt === undefined) break;
        const waiting = placed.get(orderId);
        const before = waiting?.dueAt ?? extended.get(orderId);
        if (before !== undefined && !isLater(expiresAt, before)) break;
        if (waiting === undefined) extended.set(orderId, expiresAt);
        else waiting.dueAt = expiresAt;
        break;
      }
      case 'OrderConfirmed':
      case 'OrderRejected':
      case 'OrderExpired':
        end(orderId);
        break;
      default:
        break;
    }
  }
  return { placed, cancelled, over, extended };
};

export const deadlines: Projection = {
  name: 'deadlines',
  version: 1,
  categories: ['order'],
  tables: ['deadlines'],
  create,
  async apply(events, tx) {
    const { placed, cancelled, over, extended } = collapse(events);
    if (extended.size > 0) {
      const columns = [texts([...extended.keys()]), texts([...extended.values()])];
      await tx.query(EXTEND, columns, 'deadlines.extend');
    }
    if (cancelled.size > 0) {
      const { rows } = await tx.query<{ order_id: string }>(
        CANCEL,
        [texts([...cancelled.keys()]), numbers([...cancelled.values()])],
        'deadlines.cancel',
      );
      for (const { order_id } of rows) over.add(order_id);
    }
    if (over.size > 0) await tx.query(DELETE, [texts([...over])], 'deadlines.delete');
    if (placed.size === 0) return;
    const rows = [...placed.values()];
    await tx.query(
      INSERT,
      [
        texts([...placed.keys()]),
        texts(rows.map(({ dueAt }) => dueAt)),
        numbers(rows.map(({ openUnits }) => openUnits)),
      ],
      'deadlines.insert',
    );
  },
};

/** For how long a taken deadline is left to who took it; then anybody may take it again. */
export const DEADLINE_CLAIM_MS = 10_000;

export interface DueDeadline {
  readonly orderId: string;
  readonly dueAt: Date;
}

/**
 * Takes the deadlines that are due, the longest due first. Claimed by one short statement with SKIP LOCKED: two takers never get the
 * same row, and none keeps a row locked that the projection wants to delete. A claim of somebody who died lapses.
 */
export const takeDueDeadlines = async (
  db: Queryable,
  now: Date,
  limit: number,
  claimMs = DEADLINE_CLAIM_MS,
): Promise<readonly DueDeadline[]> => {
  const { rows } = await db.query<{ order_id: string; due_at: Date }>(
    `WITH due AS (
       SELECT kind, order_id FROM deadlines
       WHERE due_at <= $1 AND kind = '${KIND}' AND (claimed_until IS NULL OR claimed_until <= now())
       ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED),
     taken AS (
       UPDATE deadlines SET claimed_until = now() + $3 * interval '1 millisecond'
       FROM due WHERE deadlines.kind = due.kind AND deadlines.order_id = due.order_id
       RETURNING deadlines.order_id, due_at)
     SELECT order_id, due_at FROM taken ORDER BY due_at, order_id`,
    [now, limit, claimMs],
    'deadlines.take',
  );
  return rows.map(({ order_id, due_at }) => ({ orderId: order_id, dueAt: due_at }));
};
