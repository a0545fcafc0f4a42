// Jest runs this once for all projects that name it, and only when one of their tests runs. Plain JavaScript over dist/,
// because Jest does not transform ESM here; `npm test` has built it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** With DATABASE_URL the tests make their databases on that server, else on an embedded one of this run. */
export default async function setUp(_, { globals }) {
  const { holdfastNoSecondPostgres: reason } = globals;
  if (reason !== undefined) process.stdout.write(`not tested on a second PostgreSQL: ${reason}\n`);
  if (process.env.DATABASE_URL) {
    process.env.HOLDFAST_TEST_POSTGRES_URL = process.env.DATABASE_URL;
    return;
  }
  const { startEmbeddedPostgres } = await import('../../dist/adapters/postgres/embedded.js').catch(
    (error) => {
      throw new Error('these tests need dist/: run npm run build first', { cause: error });
    },
  );
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-test-postgres-'));
  // Tests kill processes, never the machine; the page cache survives that, and 2 cores are better spent than on fsync.
  const settings = { fsync: 'off', shared_buffers: '128MB', max_wal_size: '512MB', max_connections: '200' };
  const server = await startEmbeddedPostgres({ dir, settings });
  process.env.HOLDFAST_TEST_POSTGRES_URL = server.url;
  globalThis.holdfastTestPostgres = {
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
