import type { Knex } from 'knex';
import pg from 'pg';
import { toDatabaseError } from './errors.js';
import { migrations, type NamedMigration } from './migrations/index.js';

/** Any constant will do, as long as every version of Holdfast uses the same. */
const MIGRATION_LOCK_KEY = 7_305_809;
const CONNECT_TIMEOUT_MS = 10_000;
// What a migration fails with is thrown; knex would print it besides.
const SILENT = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} };
const TABLE = 'migrations';
const SCHEMA = 'runtime';

const source = (list: readonly NamedMigration[]): Knex.MigrationSource<NamedMigration> => ({
  getMigrations: async () => [...list],
  getMigrationName: ({ name }) => name,
  getMigration: async ({ sql }) => ({
    up: (knex) => knex.raw(sql),
    down: async () => {
      throw new Error('migrations only go forward');
    },
  }),
});

const appliedOn = async (client: pg.Client): Promise<string[]> => {
  const { rows } = await client.query<{ present: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS present`, [
    `${SCHEMA}.${TABLE}`,
  ]);
  if (rows[0]?.present !== true) return [];
  const applied = await client.query<{ name: string }>(`SELECT name FROM ${SCHEMA}.${TABLE} ORDER BY id`);
  return applied.rows.map(({ name }) => name);
};

/** The database has migrations that this program does not know: a newer one has been here. */
export class SchemaFromTheFuture extends Error {
  readonly code = 'schema_from_the_future';
  constructor(names: readonly string[]) {
    super(`the database was migrated by a newer version of Holdfast (${names.join(', ')}); upgrade this one`);
    this.name = 'SchemaFromTheFuture';
  }
}

const runKnex = async (url: string, list: readonly NamedMigration[]): Promise<void> => {
  // Loaded only here: a start with nothing to migrate should not pay for it.
  const { default: knex } = await import('knex');
  const database = knex({ client: 'pg', connection: url, pool: { min: 0, max: 2 }, log: SILENT });
  try {
    await database.raw(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    const config: Knex.MigratorConfig = {
      migrationSource: source(list),
      schemaName: SCHEMA,
      tableName: TABLE,
    };
    await database.migrate.list(config);
    // Our lock is held, so a set lock row was left behind by a migration that was killed.
    await database.migrate.forceFreeMigrationsLock(config);
    await database.migrate.latest(config);
  } finally {
    await database.destroy();
  }
};

/**
 * Brings the schema up to date and returns the names of what was applied now. Any number of processes may call it at once:
 * an advisory lock, which dies with its connection, lets one work and the others find nothing to do. Each migration is one
 * transaction. Throws {@link SchemaFromTheFuture}, `DatabaseUnavailable` (retriable), or what a migration failed with.
 */
export const migrate = async (
  url: string,
  list: readonly NamedMigration[] = migrations,
): Promise<readonly string[]> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
    const before = await appliedOn(client);
    const unknown = before.filter((name) => !list.some((migration) => migration.name === name));
    if (unknown.length > 0) throw new SchemaFromTheFuture(unknown);
    if (before.length === list.length) return [];
    await runKnex(url, list);
    return (await appliedOn(client)).slice(before.length);
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};
