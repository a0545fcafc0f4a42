import { splitId } from '../domain/stream-id.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { ANY_TEXT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import { isOf } from './event-of.js';

/** What lies at a location, what is promised of it, what may be sold. One row per stock stream, from its first event. */
const create = `
CREATE TABLE stock_levels (
  sku          text COLLATE "C" NOT NULL,
  location     text COLLATE "C" NOT NULL,
  on_hand      bigint NOT NULL,
  held         bigint NOT NULL,
  available    bigint GENERATED ALWAYS AS (on_hand - held) STORED,
  -- Revision of the stream's last event, place of it in the log, when it happened and when it was recorded.
  revision     bigint NOT NULL,
  position     bigint NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL,
  PRIMARY KEY (sku, location)
) WITH (fillfactor = 50);
`;

/** Differences add up, so a row needs no reading first; the row is the same however the events are cut into batches. */
const UPSERT = `
INSERT INTO stock_levels AS level
  (sku, location, on_hand, held, revision, position, effective_at, recorded_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::timestamptz[], $8::timestamptz[])
ON CONFLICT (sku, location) DO UPDATE SET
  on_hand = level.on_hand + excluded.on_hand, held = level.held + excluded.held,
  revision = excluded.revision, position = excluded.position,
  effective_at = excluded.effective_at, recorded_at = excluded.recorded_at`;

interface Change {
  onHand: number;
  held: number;
  last: RecordedEvent;
}

const collapse = (events: readonly RecordedEvent[]): Map<string, Change> => {
  const changes = new Map<string, Change>();
  for (const recorded of events) {
    if (!isOf(recorded, 'stock')) continue;
    let change = changes.get(recorded.streamId);
    if (change === undefined) {
      change = { onHand: 0, held: 0, last: recorded };
      changes.set(recorded.streamId, change);
    }
    change.last = recorded;
    const { type, data } = recorded.event;
    switch (type) {
      case 'StockReceived':
      case 'StockReturned':
        change.onHand += data.quantity;
        break;
      case 'StockAdjusted':
        change.onHand += data.delta;
        break;
      case 'StockHeld':
        change.held += data.quantity;
        break;
      case 'StockCaptured':
        change.onHand -= data.quantity;
        change.held -= data.quantity;
        break;
      case 'StockReleased':
        change.held -= data.quantity;
        break;
    }
  }
  return changes;
};

export const stockLevels: Projection = {
  name: 'stock_levels',
  version: 1,
  categories: ['stock'],
  tables: ['stock_levels'],
  create,
  async apply(events, tx) {
    const changes = [...collapse(events)];
    if (changes.length === 0) return;
    const ids = changes.map(([streamId]) => splitId(streamId));
    const rows = changes.map(([, change]) => change);
    await tx.query(
      UPSERT,
      [
        texts(ids.map(([, sku]) => sku)),
        texts(ids.map(([location]) => location)),
        numbers(rows.map(({ onHand }) => onHand)),
        numbers(rows.map(({ held }) => held)),
        numbers(rows.map(({ last }) => last.revision)),
        numbers(rows.map(({ last }) => last.position.commit)),
        texts(rows.map(({ last }) => last.metadata.effectiveAt)),
        texts(rows.map(({ last }) => last.recordedAt.toISOString())),
      ],
      'stock_levels.upsert',
    );
  },
};

/** Units at one location. `available` is what may still be promised: on hand less held. */
export interface StockLevel {
  readonly sku: string;
  readonly location: string;
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
  readonly revision: number;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

/** A SKU over all its locations. */
export interface StockOfSku {
  readonly sku: string;
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
  readonly locations: readonly StockLevel[];
}

interface Row {
  readonly sku: string;
  readonly location: string;
  readonly on_hand: bigint;
  readonly held: bigint;
  readonly available: bigint;
  readonly revision: bigint;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const COLUMNS = 'sku, location, on_hand, held, available, revision, effective_at, recorded_at';

const toLevel = (row: Row): StockLevel => ({
  sku: row.sku,
  location: row.location,
  onHand: Number(row.on_hand),
  held: Number(row.held),
  available: Number(row.available),
  revision: Number(row.revision),
  effectiveAt: row.effective_at,
  recordedAt: row.recorded_at,
});

/** Stock of one SKU by location and in total; undefined for a SKU that never had any. */
export const findStock = async (db: Queryable, sku: string): Promise<StockOfSku | undefined> => {
  const { rows } = await db.query<Row>(
    `SELECT ${COLUMNS} FROM stock_levels WHERE sku = $1 ORDER BY location`,
    [sku],
    'stock_levels.find',
  );
  if (rows.length === 0) return undefined;
  const locations = rows.map(toLevel);
  const sum = (of: (level: StockLevel) => number): number => locations.reduce((all, one) => all + of(one), 0);
  return {
    sku,
    onHand: sum(({ onHand }) => onHand),
    held: sum(({ held }) => held),
    available: sum(({ available }) => available),
    locations,
  };
};

export interface StockFilter extends PageRequest {
  readonly location?: string | undefined;
}

const LIST = 'stock';

/** Levels by SKU, then location (byte order). Throws {@link InvalidCursor}. */
export const listStock = async (db: Queryable, filter: StockFilter = {}): Promise<Page<StockLevel>> => {
  const size = pageSize(filter);
  const after = readCursor(LIST, filter, [ANY_TEXT, ANY_TEXT]) ?? [null, null];
  const { rows } = await db.query<Row>(
    `SELECT ${COLUMNS} FROM stock_levels
     WHERE ($1::text IS NULL OR (sku, location) > ($1, $2)) AND ($3::text IS NULL OR location = $3)
     ORDER BY sku, location LIMIT $4`,
    [...after, filter.location ?? null, size + 1],
  );
  return toPage(LIST, rows, size, ({ sku, location }) => [sku, location], toLevel);
};
