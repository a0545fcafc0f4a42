import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { connectDatabase } from '../../src/adapters/postgres/connect.js';
import { migrate } from '../../src/adapters/postgres/migrate.js';
import { migrations } from '../../src/adapters/postgres/migrations/index.js';
import type { Database } from '../../src/runtime/database.js';

/** Any constant: makes one test process build the template and the others wait for it. */
const TEMPLATE_LOCK_KEY = 8_103_377;

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
  /** Closes `db` and drops the database. */
  drop(): Promise<void>;
}

/** The second server of the run, in the Jest project that tests on it (jest.config.mjs). */
const second = (
  globalThis as {
    holdfastTestPostgres?: { readonly url: string; readonly template: string; readonly locale: string };
  }
).holdfastTestPostgres;

const serverUrl = (): string => {
  const url = second?.url ?? process.env.HOLDFAST_TEST_POSTGRES_URL;
  if (url === undefined) throw new Error('no PostgreSQL: only int, e2e and fault tests have one');
  return url;
};

const withDatabase = (name: string): string => {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.toString();
};

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

const asAdmin = async <Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = await connectTo(serverUrl());
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** Named after the migrations, so that a server that outlives a run never hands out yesterday's schema. */
const templateName =
  second?.template ??
  `holdfast_template_${createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 12)}`;

let template: Promise<string> | undefined;

const prepareTemplate = (): Promise<string> =>
  asAdmin(async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK_KEY]);
    const { rows } = await client.query('SELECT datistemplate FROM pg_database WHERE datname = $1', [
      templateName,
    ]);
    if (rows[0]?.datistemplate === true) return templateName;
    // One that is not marked yet was left half made by a run that was killed.
    await client.query(`DROP DATABASE IF EXISTS ${templateName}`);
    await client.query(`CREATE DATABASE ${templateName} ${second?.locale ?? ''}`);
    await migrate(withDatabase(templateName));
    await client.query(`ALTER DATABASE ${templateName} IS_TEMPLATE true`);
    return templateName;
  });

const newName = (): string => `holdfast_test_${process.pid}_${randomBytes(4).toString('hex')}`;

const createFrom = async (from: string): Promise<string> => {
  const name = newName();
  await asAdmin((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${from}`));
  return withDatabase(name);
};

const dropDatabase = (url: string): Promise<unknown> =>
  asAdmin((client) => client.query(`DROP DATABASE IF EXISTS ${nameOf(url)} WITH (FORCE)`));

/**
 * A fresh database with all migrations applied, of its own for each call: call it once per test file (`beforeAll`) or per test.
 * `poolSize` is small because many test files run beside each other.
 */
export const testDatabase = async (options: { poolSize?: number } = {}): Promise<TestDatabase> => {
  template ??= prepareTemplate();
  const url = await createFrom(await template);
  const db = await connectDatabase({
    url,
    poolSize: options.poolSize ?? 5,
    applicationName: 'holdfast-test',
  });
  return {
    url,
    db,
    drop: async () => {
      await db.close();
      await dropDatabase(url);
    },
  };
};

/** A database that somebody else opens: empty, or a copy of one that nobody is connected to. */
export const closedDatabase = async (
  copyOf?: string,
): Promise<{ readonly url: string; drop(): Promise<void> }> => {
  const url = await createFrom(copyOf === undefined ? 'template0' : nameOf(copyOf));
  return { url, drop: async () => void (await dropDatabase(url)) };
};

/** A client of one's own, to look with or to do what Holdfast never does. */
export const connectTo = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
};
