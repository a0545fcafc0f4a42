import type { Queryable } from '../../src/runtime/database.js';
import type { Projection } from '../../src/runtime/projection.js';

/**
 * A projection that counts: one row per stream of its category with how many events, their sum, and their revisions in the order
 * they were applied. `Poison` cannot be applied while `broken.fixed` is false.
 */
export const tally = (category: string, broken = { fixed: false }, version = 1): Projection => ({
  name: `tally_${category}`,
  version,
  categories: [category],
  tables: [`tally_${category}`],
  create: `CREATE TABLE tally_${category} (stream text PRIMARY KEY, events int NOT NULL, total bigint NOT NULL, revisions bigint[] NOT NULL)`,
  async apply(events, tx) {
    const rows = new Map<string, { total: number; revisions: number[] }>();
    for (const { stream, revision, event } of events) {
      if (event.type === 'Poison' && !broken.fixed) throw new Error(`poison in ${stream}`);
      const row = rows.get(stream) ?? { total: 0, revisions: [] };
      row.total += Number((event.data as { n?: number }).n ?? 0);
      row.revisions.push(revision);
      rows.set(stream, row);
    }
    const streams = [...rows.keys()];
    const values = [...rows.values()];
    await tx.query(
      `INSERT INTO tally_${category} AS t
       SELECT stream, cardinality(revisions::bigint[]), total, revisions::bigint[]
       FROM unnest($1::text[], $2::bigint[], $3::text[]) AS u (stream, total, revisions)
       ON CONFLICT (stream) DO UPDATE SET events = t.events + excluded.events, total = t.total + excluded.total,
         revisions = t.revisions || excluded.revisions`,
      [streams, values.map(({ total }) => total), values.map(({ revisions }) => `{${revisions.join(',')}}`)],
      `tally.${category}`,
    );
  },
});

export interface TallyRow {
  stream: string;
  events: number;
  total: bigint;
  revisions: bigint[];
}

export const tallyRows = async (db: Queryable, category: string): Promise<TallyRow[]> =>
  (await db.query<TallyRow>(`SELECT * FROM tally_${category} ORDER BY stream`)).rows;
