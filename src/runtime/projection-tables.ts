import type { Database, Queryable } from './database.js';
import { type ModelSet, schemaOf } from './model-sets.js';
import type { Projection } from './projection.js';
import { dropViewSchema, dropViews, makeViews } from './reporting-views.js';

/** The read models were built by another version of the program: nobody else may write to them. */
export class ProjectionsChanged extends Error {
  readonly code = 'projections_changed';
  /** `kept`: this program's own are there, as the previous ones. */
  constructor(
    readonly changes: readonly string[],
    options: { readonly kept?: boolean } = {},
  ) {
    const own =
      options.kept === true
        ? "this one's are kept: holdfast rebuild --back makes them live"
        : 'holdfast rebuild makes those of this one';
    super(`the read models are of another version of the program (${changes.join(', ')}); ${own}`);
    this.name = 'ProjectionsChanged';
  }
}

interface Installed {
  name: string;
  version: number;
  tables: string[];
}

const readInstalled = async (db: Queryable, set: ModelSet): Promise<Installed[]> =>
  (
    await db.query<Installed>(
      'SELECT name, version, tables FROM runtime.projections WHERE model_set = $1 ORDER BY name',
      [set],
    )
  ).rows;

/** `name@version` of all that built the set; empty where there is none. */
export const installedVersions = async (db: Queryable, set: ModelSet): Promise<readonly string[]> =>
  (await readInstalled(db, set)).map(({ name, version }) => `${name}@${version}`);

/** What differs between the set's tables and the program, in words; empty when nothing does, undefined when there are no tables. */
export const projectionChanges = async (
  db: Queryable,
  projections: readonly Projection[],
  set: ModelSet = 'live',
): Promise<readonly string[] | undefined> => {
  const installed = new Map((await readInstalled(db, set)).map((one) => [one.name, one.version]));
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

/** Whether exactly these projections built the set. */
export const isBuiltBy = async (
  db: Queryable,
  projections: readonly Projection[],
  set: ModelSet,
): Promise<boolean> => (await projectionChanges(db, projections, set))?.length === 0;

/** Where the live tables are of other versions: the error that says so. */
export const changedSince = async (
  db: Queryable,
  projections: readonly Projection[],
): Promise<ProjectionsChanged | undefined> => {
  const changes = (await projectionChanges(db, projections)) ?? [];
  if (changes.length === 0) return undefined;
  return new ProjectionsChanged(changes, { kept: await isBuiltBy(db, projections, 'previous') });
};

/**
 * Whether a program that starts may build its read models by itself, where those that are live are not its own: only from lower
 * versions to higher ones, so that two programs that run at once never take turns; and not where its own are kept, because
 * somebody has switched away from them.
 */
export const isUpgrade = async (db: Queryable, projections: readonly Projection[]): Promise<boolean> => {
  const live = new Map((await readInstalled(db, 'live')).map(({ name, version }) => [name, version]));
  const raised = projections.some(({ name, version }) => version > (live.get(name) ?? 0));
  const lowered = projections.some(({ name, version }) => version < (live.get(name) ?? 0));
  return raised && !lowered && !(await isBuiltBy(db, projections, 'previous'));
};

/** Makes empty tables where there are none at all, so that whoever starts first can read and ask. */
export const createTablesOnce = async (db: Database, projections: readonly Projection[]): Promise<void> => {
  if ((await readInstalled(db, 'live')).length > 0) return;
  await db.transaction(async (tx) => {
    await tx.query('LOCK TABLE runtime.projections IN EXCLUSIVE MODE');
    if ((await readInstalled(tx, 'live')).length === 0) await recreateTables(tx, projections, 'live');
  });
};

/** Drops the tables of the set, by what was remembered and by what is known now, and makes them empty. `tx` reads from the set. */
export const recreateTables = async (
  tx: Queryable,
  projections: readonly Projection[],
  set: ModelSet,
): Promise<void> => {
  const known = projections.flatMap(({ tables }) => tables);
  await dropViews(tx, set);
  await dropTables(tx, set, known);
  if (set === 'live') await tx.query('DELETE FROM parked_events');
  else {
    await tx.query(`CREATE SCHEMA IF NOT EXISTS ${schemaOf(set)}`);
    await tx.query('CREATE TABLE parked_events (LIKE read_model.parked_events INCLUDING ALL)');
  }
  for (const { name, version, tables, create } of projections) {
    await tx.query(create);
    await tx.query(
      'INSERT INTO runtime.projections (model_set, name, version, tables) VALUES ($1, $2, $3, $4)',
      [set, name, version, [...tables]],
    );
  }
  await makeViews(tx, projections, set);
};

/** Nothing that others made goes with them: a view on one of these tables makes it fail, and PostgreSQL names the view. */
const dropTables = async (tx: Queryable, set: ModelSet, known: readonly string[]): Promise<void> => {
  const remembered = (await readInstalled(tx, set)).flatMap(({ tables }) => tables);
  const tables = new Set([...remembered, ...known].reverse());
  // The live one is there for ever, so that others can be made like it.
  if (set !== 'live') tables.add('parked_events');
  for (const table of tables) await tx.query(`DROP TABLE IF EXISTS ${schemaOf(set)}.${quoteName(table)}`);
  await tx.query('DELETE FROM runtime.projections WHERE model_set = $1', [set]);
};

/** Tables and schema of a set that is not live. */
export const dropSetTables = async (tx: Queryable, set: Exclude<ModelSet, 'live'>): Promise<void> => {
  await dropViewSchema(tx, set);
  await dropTables(tx, set, []);
  await tx.query(`DROP SCHEMA IF EXISTS ${schemaOf(set)}`);
};

/** Freshly filled tables have no statistics until autovacuum comes by, and the first queries would be planned blindly. */
export const analyzeTables = async (
  db: Database,
  projections: readonly Projection[],
  set: ModelSet,
): Promise<void> => {
  for (const { tables } of projections) {
    for (const table of tables) await db.query(`ANALYZE ${schemaOf(set)}.${quoteName(table)}`);
  }
};

const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
