import { PAYMENT_TYPES } from '../domain/payment-events.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { texts } from './columns.js';
import { isOf } from './event-of.js';
import {
  attentionOf,
  emptyLedger,
  foldCoupon,
  foldNote,
  foldOrder,
  foldStock,
  forget,
  type HoldLedger,
  isEmpty,
  ownerOfHold,
  ownerOfReturn,
} from './hold-ledger.js';
import { type LedgerJson, ledgerFromJson, ledgerToJson } from './hold-ledger-json.js';

/**
 * The promises that are open, and which of them somebody has to follow up: what the watchdog reads.
 *
 * One row per order (or credit note) with its whole ledger, not one per hold: a year of orders makes half a million holds, each of
 * which would be inserted, updated and deleted within seconds, and only 20,000 ledgers (4 us per event in all). A row
 * whose promises are all kept is deleted in the same transaction, so the table holds open orders and nothing else. A hold that comes after that (of
 * a runner that was asleep) starts a new row, which asks for attention because no order is known to want it.
 */
const create = `
CREATE TABLE holds (
  -- Id of the order, or of the credit note.
  owner_id    text COLLATE "C" PRIMARY KEY,
  -- outcome: no outcome yet. order: its holds or returned goods are not where it wants them. note: goods of a credit note
  -- are not back. Null: nothing to do.
  attention   text,
  ledger      json NOT NULL,
  recorded_at timestamptz NOT NULL,
  -- Not from the log: when this row was written, or handed to somebody to follow up. Ages are measured from it and not
  -- from recorded time, or a read model that lags behind would call every order abandoned.
  touched_at  timestamptz NOT NULL
);
CREATE INDEX holds_attention ON holds (attention, touched_at) WHERE attention IS NOT NULL;
`;

const UPSERT = `
INSERT INTO holds (owner_id, attention, ledger, recorded_at, touched_at)
SELECT owner_id, attention, ledger::json, recorded_at, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS row (owner_id, attention, ledger, recorded_at)
ON CONFLICT (owner_id) DO UPDATE SET attention = excluded.attention, ledger = excluded.ledger,
  recorded_at = excluded.recorded_at, touched_at = excluded.touched_at`;

const ownerOf = (recorded: RecordedEvent): string | undefined => {
  // Money moves after every promise is kept, and must not begin the ledger of an order anew.
  if (isOf(recorded, 'order') && PAYMENT_TYPES.has(recorded.event.type)) return undefined;
  if (isOf(recorded, 'order') || isOf(recorded, 'return')) return recorded.streamId;
  if (isOf(recorded, 'coupon')) {
    return recorded.event.type === 'CouponIssued' ? undefined : recorded.event.data.holdId;
  }
  if (!isOf(recorded, 'stock')) return undefined;
  const { type, data } = recorded.event;
  if (type === 'StockReturned') return ownerOfReturn(data.returnId);
  return type === 'StockReceived' || type === 'StockAdjusted' ? undefined : ownerOfHold(data.holdId);
};

const fold = (ledger: HoldLedger, recorded: RecordedEvent): void => {
  if (isOf(recorded, 'order')) foldOrder(ledger, recorded.streamId, recorded.event);
  else if (isOf(recorded, 'stock')) foldStock(ledger, recorded.streamId, recorded.event);
  else if (isOf(recorded, 'coupon')) foldCoupon(ledger, recorded.streamId, recorded.event);
  else if (isOf(recorded, 'return')) foldNote(ledger, recorded.streamId, recorded.event);
  forget(ledger);
};

interface Touched {
  readonly events: RecordedEvent[];
  ledger: HoldLedger;
  existed: boolean;
}

const byOwner = (events: readonly RecordedEvent[]): Map<string, Touched> => {
  const owners = new Map<string, Touched>();
  for (const recorded of events) {
    const ownerId = ownerOf(recorded);
    if (ownerId === undefined) continue;
    const touched = owners.get(ownerId);
    if (touched !== undefined) touched.events.push(recorded);
    else owners.set(ownerId, { events: [recorded], ledger: emptyLedger(), existed: false });
  }
  return owners;
};

export const holds: Projection = {
  name: 'holds',
  version: 2,
  categories: ['order', 'stock', 'coupon', 'return'],
  tables: ['holds'],
  create,
  async apply(events, tx) {
    const owners = byOwner(events);
    if (owners.size === 0) return;
    const { rows } = await tx.query<{ owner_id: string; ledger: LedgerJson }>(
      'SELECT owner_id, ledger FROM holds WHERE owner_id = ANY($1::text[])',
      [texts([...owners.keys()])],
      'holds.load',
    );
    for (const { owner_id, ledger } of rows) {
      const touched = owners.get(owner_id);
      if (touched === undefined) continue;
      touched.ledger = ledgerFromJson(ledger);
      touched.existed = true;
    }
    const settled: string[] = [];
    const open: [string, Touched][] = [];
    for (const [ownerId, touched] of owners) {
      for (const recorded of touched.events) fold(touched.ledger, recorded);
      if (!isEmpty(touched.ledger)) open.push([ownerId, touched]);
      else if (touched.existed) settled.push(ownerId);
    }
    if (settled.length > 0) {
      await tx.query('DELETE FROM holds WHERE owner_id = ANY($1::text[])', [texts(settled)], 'holds.delete');
    }
    if (open.length === 0) return;
    await tx.query(
      UPSERT,
      [
        texts(open.map(([ownerId]) => ownerId)),
        texts(open.map(([, { ledger }]) => attentionOf(ledger))),
        texts(open.map(([, { ledger }]) => JSON.stringify(ledgerToJson(ledger)))),
        texts(open.map(([, touched]) => touched.events.at(-1)?.recordedAt.toISOString())),
      ],
      'holds.upsert',
    );
  },
};

export interface Abandoned {
  /** Only what nobody has moved for this long, as seen by the read model. */
  readonly olderThanMs: number;
  readonly limit: number;
}

/**
 * Takes what nobody has moved for a while, the longest first. Taking starts the age anew, so that one that cannot be settled does not
 * stand before the others, and two takers do not get the same one.
 */
const take = async (
  db: Queryable,
  attention: 'outcome' | 'order' | 'note',
  { olderThanMs, limit }: Abandoned,
): Promise<readonly string[]> => {
  const { rows } = await db.query<{ owner_id: string }>(
    `WITH left_over AS (
       SELECT owner_id FROM holds
       WHERE attention = $1 AND touched_at <= now() - $2 * interval '1 millisecond'
       ORDER BY touched_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     UPDATE holds SET touched_at = now() FROM left_over WHERE holds.owner_id = left_over.owner_id
     RETURNING holds.owner_id`,
    [attention, olderThanMs, limit],
    'holds.take',
  );
  return rows.map(({ owner_id }) => owner_id);
};

/** Ids of placed orders that have no outcome. */
export const takeOrdersWithoutOutcome = (db: Queryable, which: Abandoned): Promise<readonly string[]> =>
  take(db, 'outcome', which);

/**
 * Ids of orders with an outcome whose holds or returned goods are not where the order wants them, and of orders that hold
 * something and are not known to be open.
 */
export const takeUnsettledOrders = (db: Queryable, which: Abandoned): Promise<readonly string[]> =>
  take(db, 'order', which);

/** Ids of credit notes whose goods are not back in stock. */
export const takeUnsettledNotes = (db: Queryable, which: Abandoned): Promise<readonly string[]> =>
  take(db, 'note', which);

/** The ledger of one order or note; undefined when all its promises are kept (or it never made one). */
export const findHolds = async (db: Queryable, ownerId: string): Promise<HoldLedger | undefined> => {
  const { rows } = await db.query<{ ledger: LedgerJson }>(
    'SELECT ledger FROM holds WHERE owner_id = $1',
    [ownerId],
    'holds.find',
  );
  return rows[0] === undefined ? undefined : ledgerFromJson(rows[0].ledger);
};
