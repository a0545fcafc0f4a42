// A second PostgreSQL, beside the embedded 18 of the run: whatever people have on their machines, 15 and later. What is said to it is
// said again in another collation, since nothing of ours may depend on one.
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Where it is looked for; `HOLDFAST_TEST_SECOND_POSTGRES_URL` says where else, or `none`. */
const URL_DEFAULT = 'postgres://postgres@127.0.0.1:5432/postgres';
const VERSION_MIN = 15;
const CONNECT_MS_MAX = 1_000;

/** Suites that say everything we say to PostgreSQL. They make databases of their own and drop them. */
export const SECOND_POSTGRES_TESTS = [
  '<rootDir>/test/adapters/postgres/{connect,migrate,vault}.int.test.ts',
  '<rootDir>/test/projections/*.int.test.ts',
  '<rootDir>/test/audit/audit.int.test.ts',
  // Which tables a planned statement reads after their schemas have changed names is PostgreSQL's to say.
  '<rootDir>/test/runtime/projection-switch.int.test.ts',
];

const connected = async (url, work) => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS_MAX });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const look = async (client) => {
  const { rows } = await client.query(`
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
           rolcreatedb OR rolsuper AS may_create,
           EXISTS (SELECT FROM pg_collation WHERE collname = 'en-US-x-icu') AS icu
    FROM pg_roles WHERE rolname = current_user`);
  return rows[0];
};

/** `{ url, version, template, locale }` of the second server, or `{ reason }` why there is none. */
export const findSecondPostgres = async (environment = process.env) => {
  const url = environment.HOLDFAST_TEST_SECOND_POSTGRES_URL || URL_DEFAULT;
  if (environment.DATABASE_URL) return { reason: 'DATABASE_URL names the one to test on' };
  if (url === 'none') return { reason: 'HOLDFAST_TEST_SECOND_POSTGRES_URL is none' };
  try {
    const { version, major, may_create: mayCreate, icu } = await connected(url, look);
    if (major < VERSION_MIN) return { reason: `the one at ${url} is of version ${version}` };
    if (!mayCreate) return { reason: `the user of ${url} may not create databases` };
    return {
      url,
      version,
      // Of this run, and dropped with it: the server is somebody's.
      template: `holdfast_template_${randomBytes(6).toString('hex')}`,
      locale: icu ? `LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0` : '',
    };
  } catch (error) {
    return { reason: `none answers at ${url} (${error.code ?? error.message})` };
  }
};

/** Jest runs this once when one of its tests runs. */
export default function setUp(_, { globals }) {
  const { version, url } = globals.holdfastTestPostgres;
  process.stdout.write(`also tested on the PostgreSQL ${version} at ${url}\n`);
}

export const dropTemplate = ({ url, template }) =>
  connected(url, async (client) => {
    await client.query(`UPDATE pg_database SET datistemplate = false WHERE datname = '${template}'`);
    await client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  });
