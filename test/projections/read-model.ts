import { allProjections } from '../../src/projections/index.js';
import type { Database } from '../../src/runtime/database.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';

export const createTables = async (db: Database): Promise<void> => {
  for (const { create } of allProjections) await db.query(create);
};

/** Deletes: of small tables that takes a tenth of what TRUNCATE does, which makes files anew. */
export const emptyTables = async (db: Database): Promise<void> => {
  const tables = allProjections.flatMap((projection) => projection.tables);
  await db.query(tables.map((table) => `DELETE FROM ${table}`).join('; '));
};

/** One batch through all projections in one transaction, as the runner does. */
export const applyBatch = async (db: Database, events: readonly RecordedEvent[]): Promise<void> => {
  await db.transaction(async (tx) => {
    for (const { apply } of allProjections) await apply(events, tx);
  });
};

/** The log in batches of the sizes given; what is left over in one. */
export const applyInBatches = async (
  db: Database,
  events: readonly RecordedEvent[],
  sizes: readonly number[],
): Promise<void> => {
  let at = 0;
  for (const size of [...sizes, events.length]) {
    if (at >= events.length) return;
    await applyBatch(db, events.slice(at, at + size));
    at += size;
  }
};

/** Columns that are not from the log. */
const TRANSIENT = ['touched_at', 'claimed_until'];

/** Every row of every table, as text, in a fixed order. */
export const allRows = async (db: Database): Promise<Record<string, string[]>> => {
  const tables: Record<string, string[]> = {};
  for (const table of allProjections.flatMap((projection) => projection.tables)) {
    const { rows } = await db.query<{ row: string }>(
      `SELECT (to_jsonb(r) - $1::text[])::text AS row FROM ${table} r ORDER BY 1`,
      [TRANSIENT],
    );
    tables[table] = rows.map(({ row }) => row);
  }
  return tables;
};
