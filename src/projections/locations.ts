import type { LocationSettings } from '../domain/location.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { isOf } from './event-of.js';

/** Locations with the settings they have now. */
const create = `
CREATE TABLE locations (
  location     text COLLATE "C" PRIMARY KEY,
  name         text NOT NULL,
  country      text,
  revision     bigint NOT NULL,
  position     bigint NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL
);
`;

const UPSERT = `
INSERT INTO locations VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (location) DO UPDATE SET name = excluded.name, country = excluded.country, revision = excluded.revision,
  position = excluded.position, effective_at = excluded.effective_at, recorded_at = excluded.recorded_at`;

export const locations: Projection = {
  name: 'locations',
  version: 1,
  categories: ['location'],
  tables: ['locations'],
  create,
  async apply(events, tx) {
    const last = new Map<string, RecordedEvent>();
    for (const recorded of events) {
      if (recorded.category === 'location') last.set(recorded.streamId, recorded);
    }
    // Settings change by hand: a statement each is few.
    for (const recorded of last.values()) {
      if (!isOf(recorded, 'location')) continue;
      const { name, country } = recorded.event.data;
      await tx.query(
        UPSERT,
        [
          recorded.streamId,
          name,
          country ?? null,
          recorded.revision,
          recorded.position.commit,
          recorded.metadata.effectiveAt,
          recorded.recordedAt,
        ],
        'locations.upsert',
      );
    }
  },
};

export interface LocationView extends LocationSettings {
  readonly location: string;
  readonly revision: number;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

interface Row {
  readonly location: string;
  readonly name: string;
  readonly country: string | null;
  readonly revision: bigint;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const toView = (row: Row): LocationView => ({
  location: row.location,
  name: row.name,
  ...(row.country === null ? {} : { country: row.country }),
  revision: Number(row.revision),
  effectiveAt: row.effective_at,
  recordedAt: row.recorded_at,
});

/** Undefined for a location that was never configured. */
export const findLocation = async (db: Queryable, location: string): Promise<LocationView | undefined> => {
  const { rows } = await db.query<Row>(
    'SELECT * FROM locations WHERE location = $1',
    [location],
    'locations.find',
  );
  return rows[0] === undefined ? undefined : toView(rows[0]);
};

/** All of them, by id. */
export const listLocations = async (db: Queryable): Promise<readonly LocationView[]> =>
  (await db.query<Row>('SELECT * FROM locations ORDER BY location', [], 'locations.list')).rows.map(toView);
