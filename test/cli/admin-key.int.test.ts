import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createApiKeys } from '../../src/api/api-keys.js';
import { ensureAdminKey } from '../../src/cli/admin-key.js';
import { readSettings } from '../../src/settings.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

let database: TestDatabase;
let dir: string;
beforeEach(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), 'holdfast-admin-key-'));
});
afterEach(async () => {
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A process with a directory of its own; the database is its own too or one that is shared. */
const processOf = (name: string, shared: boolean) => ({
  db: database.db,
  settings: readSettings({
    HOLDFAST_DATA_DIR: join(dir, name),
    ...(shared ? { DATABASE_URL: database.url } : {}),
  }),
});
const keyCount = async (): Promise<number> => (await createApiKeys(database.db).list()).length;

test('ten processes that start at once on one database make one admin key', async () => {
  const made = await Promise.all(
    Array.from({ length: 10 }, (_, i) => ensureAdminKey(processOf(`p${i}`, true))),
  );
  const [secret, ...more] = made.filter((key) => key !== undefined);
  expect(more).toEqual([]);
  expect(await keyCount()).toBe(1);
  expect(await createApiKeys(database.db).find(secret ?? '')).toMatchObject({ role: 'admin' });
});

test('a later start finds it in its file, which is for its owner only', async () => {
  const secret = await ensureAdminKey(processOf('a', true));
  expect(await ensureAdminKey(processOf('a', true))).toBe(secret);
  const file = join(dir, 'a', 'admin.key');
  expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual([`${secret}\n`, 0o600]);
  expect(await keyCount()).toBe(1);
});

test('a lost file is made again for an embedded database, which nobody shares', async () => {
  const first = await ensureAdminKey(processOf('a', false));
  const second = await ensureAdminKey(processOf('b', false));
  expect([first === second, second !== undefined]).toEqual([false, true]);
});

test('a file of another database is no key of this one', async () => {
  const before = await ensureAdminKey(processOf('a', true));
  await database.db.query('DELETE FROM runtime.api_keys');
  const now = await ensureAdminKey(processOf('a', true));
  expect(await createApiKeys(database.db).find(before ?? '')).toBeUndefined();
  expect(await createApiKeys(database.db).find(now ?? '')).toMatchObject({ role: 'admin' });
});
