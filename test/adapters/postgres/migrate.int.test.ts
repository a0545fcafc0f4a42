import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../../src/adapters/postgres/migrate.js';
import { migrations } from '../../../src/adapters/postgres/migrations/index.js';
import { listParked } from '../../../src/runtime/parked.js';
import { installedVersions } from '../../../src/runtime/projection-tables.js';
import { type TestDatabase, testDatabase } from '../../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const more = [...migrations, { name: '9998-extra', sql: 'CREATE TABLE runtime.extra (x int)' }];

test('read models from before there were sets are the live ones, with what they have parked', async () => {
  const { db, url, drop } = await testDatabase();
  try {
    await db.query('DROP SCHEMA runtime, read_model, vault CASCADE');
    const before = migrations.findIndex(({ name }) => name.endsWith('-model-sets'));
    await migrate(url, migrations.slice(0, before));
    await db.query(
      `INSERT INTO runtime.projections (name, version, tables) VALUES ('orders', 3, '{orders}')`,
    );
    await db.query(
      `INSERT INTO runtime.parked_events (stream, revision, event_id, type, metadata, commit_position,
         prepare_position, recorded_at, error) VALUES ('a-1', 4, 'e', 'Odd', '{}', 7, 7, now(), 'poison')`,
    );
    await migrate(url);
    expect(await installedVersions(db, 'live')).toEqual(['orders@3']);
    expect(await listParked(db)).toMatchObject([{ stream: 'a-1', revision: 4, error: 'poison' }]);
  } finally {
    await drop();
  }
});

describe('migrations', () => {
  test('applied by several at once are applied once', async () => {
    const results = await Promise.all([1, 2, 3].map(() => migrate(database.url, more)));
    expect(results.flat()).toEqual(['9998-extra']);
  });

  test('continue after one that was killed with the lock row set', async () => {
    await database.db.query('UPDATE runtime.migrations_lock SET is_locked = 1');
    const list = [...more, { name: '9999-later', sql: 'ALTER TABLE runtime.extra ADD COLUMN y int' }];
    expect(await migrate(database.url, list)).toEqual(['9999-later']);
  });

  test('leave nothing of one that fails', async () => {
    const applied = (await database.db.query('SELECT name FROM runtime.migrations')).rows;
    const list = [
      ...more,
      { name: '9999-later', sql: '' },
      { name: 'broken', sql: 'CREATE TABLE runtime.half (x int); SELECT 1/0' },
    ];
    await expect(migrate(database.url, list)).rejects.toThrow('division by zero');
    expect((await database.db.query('SELECT name FROM runtime.migrations')).rows).toEqual(applied);
    expect((await database.db.query("SELECT to_regclass('runtime.half') AS half")).rows).toEqual([
      { half: null },
    ]);
  });

  test('of a newer version are refused by an older one', async () => {
    await expect(migrate(database.url)).rejects.toMatchObject({ code: 'schema_from_the_future' });
  });
});
