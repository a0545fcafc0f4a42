import type { StockEvent } from '../domain/stock.js';
import { splitId } from '../domain/stream-id.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { type Page, type PageRequest, PLACE, pageSize, readCursor, toPage } from './cursor.js';
import { isOf } from './event-of.js';

/**
 * Every event of every stock stream as a row that never changes: the card index of a warehouse.
 *
 * The key is the order in which people read it, and the only index: rows of one SKU in log order. A position is shared only
 * by events of one append, so of one stream: its revision breaks the tie.
 */
const create = `
CREATE TABLE stock_movements (
  sku          text COLLATE "C" NOT NULL,
  position     bigint NOT NULL,
  revision     bigint NOT NULL,
  location     text COLLATE "C" NOT NULL,
  -- received, held, captured, released, returned, adjusted
  kind         text COLLATE "C" NOT NULL,
  -- Units as the event says; signed for an adjustment only.
  quantity     integer NOT NULL,
  -- What it belongs to: receipt, hold (an order), return or adjustment.
  cause_id     text COLLATE "C" NOT NULL,
  reason       text,
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL,
  PRIMARY KEY (sku, position, revision)
);
`;

const INSERT = `
INSERT INTO stock_movements
  (sku, position, revision, location, kind, quantity, cause_id, reason, effective_at, recorded_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::text[],
  $8::text[], $9::timestamptz[], $10::timestamptz[])`;

export type MovementKind = 'received' | 'held' | 'captured' | 'released' | 'returned' | 'adjusted';

interface Movement {
  readonly kind: MovementKind;
  readonly quantity: number;
  readonly causeId: string;
  readonly reason: string | undefined;
}

const movementOf = ({ type, data }: StockEvent): Movement => {
  switch (type) {
    case 'StockReceived':
      return { kind: 'received', quantity: data.quantity, causeId: data.receiptId, reason: data.reason };
    case 'StockHeld':
      return { kind: 'held', quantity: data.quantity, causeId: data.holdId, reason: undefined };
    case 'StockCaptured':
      return { kind: 'captured', quantity: data.quantity, causeId: data.holdId, reason: undefined };
    case 'StockReleased':
      return { kind: 'released', quantity: data.quantity, causeId: data.holdId, reason: data.reason };
    case 'StockReturned':
      return { kind: 'returned', quantity: data.quantity, causeId: data.returnId, reason: undefined };
    case 'StockAdjusted':
      return { kind: 'adjusted', quantity: data.delta, causeId: data.adjustmentId, reason: data.reason };
  }
};

export const stockMovements: Projection = {
  name: 'stock_movements',
  version: 1,
  categories: ['stock'],
  tables: ['stock_movements'],
  create,
  async apply(events, tx) {
    const stock: RecordedEvent[] = [];
    const ids: string[][] = [];
    const moves: Movement[] = [];
    for (const recorded of events) {
      if (!isOf(recorded, 'stock')) continue;
      stock.push(recorded);
      ids.push(splitId(recorded.streamId));
      moves.push(movementOf(recorded.event));
    }
    if (moves.length === 0) return;
    await tx.query(
      INSERT,
      [
        texts(ids.map(([, sku]) => sku)),
        numbers(stock.map(({ position }) => position.commit)),
        numbers(stock.map(({ revision }) => revision)),
        texts(ids.map(([location]) => location)),
        texts(moves.map(({ kind }) => kind)),
        numbers(moves.map(({ quantity }) => quantity)),
        texts(moves.map(({ causeId }) => causeId)),
        texts(moves.map(({ reason }) => reason)),
        texts(stock.map(({ metadata }) => metadata.effectiveAt)),
        texts(stock.map(({ recordedAt }) => recordedAt.toISOString())),
      ],
      'stock_movements.insert',
    );
  },
};

/** One event of a stock stream. `quantity` is signed for `adjusted` only: the kind says the direction of the others. */
export interface StockMovement extends Omit<Movement, 'reason'> {
  readonly sku: string;
  readonly location: string;
  readonly reason: string | null;
  /** Place in the log (commit position), decimal. */
  readonly position: string;
  readonly revision: number;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

export interface MovementFilter extends PageRequest {
  readonly location?: string | undefined;
  /** Of one order, receipt, return or adjustment. */
  readonly causeId?: string | undefined;
}

interface Row {
  readonly sku: string;
  readonly position: bigint;
  readonly revision: bigint;
  readonly location: string;
  readonly kind: MovementKind;
  readonly quantity: number;
  readonly cause_id: string;
  readonly reason: string | null;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const LIST = 'movements';

/** Movements of one SKU, the newest first. Throws {@link InvalidCursor}. */
export const listMovements = async (
  db: Queryable,
  sku: string,
  filter: MovementFilter = {},
): Promise<Page<StockMovement>> => {
  const size = pageSize(filter);
  const before = readCursor(LIST, filter, [PLACE, PLACE]) ?? [null, null];
  const { rows } = await db.query<Row>(
    `SELECT * FROM stock_movements
     WHERE sku = $1 AND ($2::bigint IS NULL OR (position, revision) < ($2, $3::bigint))
       AND ($4::text IS NULL OR location = $4) AND ($5::text IS NULL OR cause_id = $5)
     ORDER BY position DESC, revision DESC LIMIT $6`,
    [sku, ...before, filter.location ?? null, filter.causeId ?? null, size + 1],
  );
  return toPage(
    LIST,
    rows,
    size,
    ({ position, revision }) => [`${position}`, `${revision}`],
    (row) => ({
      sku: row.sku,
      location: row.location,
      kind: row.kind,
      quantity: row.quantity,
      causeId: row.cause_id,
      reason: row.reason,
      position: `${row.position}`,
      revision: Number(row.revision),
      effectiveAt: row.effective_at,
      recordedAt: row.recorded_at,
    }),
  );
};
