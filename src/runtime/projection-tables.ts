import type { Database, Queryable } from './database.js';
import type { Projection } from './projection.js';

/** The tables were built by other versions of the projections: they must be built again from the log. */
export class ProjectionsChanged extends Error {
  readonly code = 'projections_changed';
  constructor(readonly changes: readonly string[]) {
    super(`the read model was built by another version (${changes.join(', ')}); run: holdfast rebuild`);
    this.name = 'ProjectionsChanged';
  }
}

interface Installed {
  name: string;
  version: number;
  tables: string[];
}

const readInstalled = async (db: Queryable): Promise<Installed[]> =>
  (await db.query<Installed>('SELECT name, version, tables FROM runtime.projections ORDER BY name')).rows;

/** What differs between the tables and the program, in words; empty when nothing does, undefined when there are no tables. */
export const projectionChanges = async (
  db: Queryable,
  projections: readonly Projection[],
): Promise<readonly string[] | undefined> => {
  const installed = new Map((await readInstalled(db)).map((one) => [one.name, one.version]));
  if (installed.size === 0) return undefined;
  const changes: string[] = [];
  for (const { name, version } of projections) {
    const present = installed.get(name);
    if (present === undefined) changes.push(`${name} is new`);
    else if (present !== version) changes.push(`${name} was ${present}, is ${version}`);
    installed.delete(name);
  }
  for (const name of installed.keys()) changes.push(`${name} is gone`);
  return changes;
};

/** Makes empty tables where there are none at all, so that whoever starts first can read and ask. */
export const createTablesOnce = async (db: Database, projections: readonly Projection[]): Promise<void> => {
  if ((await readInstalled(db)).length > 0) return;
  await db.transaction(async (tx) => {
    await tx.query('LOCK TABLE runtime.projections IN EXCLUSIVE MODE');
    if ((await readInstalled(tx)).length === 0) await recreateTables(tx, projections);
  });
};

/** Drops what is there, by what was remembered and by what is known now, and makes the tables empty. */
export const recreateTables = async (tx: Queryable, projections: readonly Projection[]): Promise<void> => {
  const tables = new Set([
    ...(await readInstalled(tx)).flatMap((one) => [...one.tables].reverse()),
    ...projections.flatMap((one) => [...one.tables].reverse()),
  ]);
  for (const table of tables) await tx.query(`DROP TABLE IF EXISTS read_model.${quoteName(table)}`);
  await tx.query('DELETE FROM runtime.projections');
  for (const { name, version, tables: own, create } of projections) {
    await tx.query(create);
    await tx.query('INSERT INTO runtime.projections (name, version, tables) VALUES ($1, $2, $3)', [
      name,
      version,
      [...own],
    ]);
  }
};

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
