import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDatabase } from '../../../src/adapters/postgres/connect.js';
import { DatabaseUnavailable, type Queryable } from '../../../src/runtime/database.js';
import { type TestDatabase, testDatabase } from '../../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const until = async (condition: () => boolean, timeoutMs = 5_000): Promise<void> => {
  for (const end = Date.now() + timeoutMs; !condition(); ) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 5));
  }
};

describe('the database adapter', () => {
  test('gives money back as bigint, numeric as text and dates without a time zone', async () => {
    const { rows } = await database.db.query(
      `SELECT 9007199254740993::bigint AS big, 1.50::numeric AS numeric, 3::int AS int, DATE '2011-03-27' AS day,
              $1::bigint[] AS bigs, $2::text[] AS texts, timestamptz '2011-03-27T00:30:00Z' AS at`,
      [
        [1n, 9007199254740993n],
        ['a,b', '"{}\\', 'ü'],
      ],
    );
    expect(rows[0]).toEqual({
      big: 9007199254740993n,
      numeric: '1.50',
      int: 3,
      day: '2011-03-27',
      bigs: [1n, 9007199254740993n],
      texts: ['a,b', '"{}\\', 'ü'],
      at: new Date('2011-03-27T00:30:00Z'),
    });
  });

  test('prepares a named statement once for each connection', async () => {
    const { db } = database;
    await db.transaction(async (tx) => {
      for (const value of [1, 2]) await tx.query('SELECT $1::int', [value], 'select_one');
      const { rows } = await tx.query("SELECT name FROM pg_prepared_statements WHERE name = 'select_one'");
      expect(rows).toHaveLength(1);
    });
  });

  test('goes on with a prepared statement whose columns have changed', async () => {
    const { db } = database;
    await db.query('CREATE TABLE widened (x int)');
    await db.query('INSERT INTO widened VALUES (1)');
    const read = (through: Queryable) => through.query('SELECT * FROM widened', [], 'read_widened');
    // On as many connections as the pool has.
    await Promise.all(Array.from({ length: 20 }, () => read(db)));
    await db.query('ALTER TABLE widened ADD COLUMN y int DEFAULT 2');
    for (let i = 0; i < 20; i++) expect((await read(db)).rows).toEqual([{ x: 1, y: 2 }]);

    await Promise.all(Array.from({ length: 20 }, () => read(db)));
    await db.query('ALTER TABLE widened ADD COLUMN z int DEFAULT 3');
    // A transaction cannot go on, but the connection is not given to the next one.
    const outcomes: unknown[] = [];
    for (let i = 0; i < 10; i++) {
      outcomes.push(
        await db.transaction(read).then(
          ({ rows }) => rows[0],
          () => 'failed',
        ),
      );
    }
    expect(outcomes.slice(-5)).toEqual(Array(5).fill({ x: 1, y: 2, z: 3 }));
  });

  test('rolls a transaction back when its work throws', async () => {
    const { db } = database;
    await db.query('CREATE TABLE rolled (x int)');
    const failure = new Error('no');
    await expect(
      db.transaction(async (tx) => {
        await tx.query('INSERT INTO rolled VALUES (1)');
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect((await db.query('SELECT * FROM rolled')).rows).toEqual([]);
  });

  test('does not report a transaction as committed in which a failed statement was swallowed', async () => {
    await expect(
      database.db.transaction(async (tx) => {
        await tx.query('SELECT 1/0').catch(() => undefined);
      }),
    ).rejects.toThrow('rolled back');
  });

  test('keeps the snapshot of a repeatable read transaction and refuses writes in a read-only one', async () => {
    const { db } = database;
    await db.query('CREATE TABLE seen (x int)');
    const count = 'SELECT count(*)::int AS n FROM seen';
    const counts = await db.transaction(
      async (tx) => {
        const before = await tx.query<{ n: number }>(count);
        await db.query('INSERT INTO seen VALUES (1)');
        return [before, await tx.query<{ n: number }>(count)].map(({ rows }) => rows[0]?.n);
      },
      { isolation: 'repeatable read', readOnly: true },
    );
    expect(counts).toEqual([0, 0]);
    await expect(
      db.transaction((tx) => tx.query('INSERT INTO seen VALUES (2)'), { readOnly: true }),
    ).rejects.toMatchObject({ code: '25006' });
  });

  test('streams a large result in batches, and gives the connection back when the reader stops early', async () => {
    const { db } = database;
    const sizes: number[] = [];
    for await (const rows of db.stream('SELECT i FROM generate_series(1, $1::int) i', [2_500]))
      sizes.push(rows.length);
    expect(sizes).toEqual([1_000, 1_000, 500]);
    for (let i = 0; i < 12; i++) {
      for await (const rows of db.stream<{ i: number }>('SELECT i FROM generate_series(1, 5000) i')) {
        expect(rows[0]?.i).toBe(1);
        break;
      }
    }
  });

  test('names what may pass: a cancelled statement, a lost connection, a closed database', async () => {
    const other = await connectDatabase({ url: database.url, poolSize: 1, statementTimeoutMs: 100 });
    await expect(other.query('SELECT pg_sleep(5)')).rejects.toMatchObject({
      code: 'database_unavailable',
      reason: 'timeout',
    });
    await expect(other.query('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toBeInstanceOf(
      DatabaseUnavailable,
    );
    expect((await other.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await other.close();
    await expect(other.query('SELECT 1')).rejects.toMatchObject({ reason: 'closed' });
  });

  test('closes in a bounded time over a transaction that does not end', async () => {
    const other = await connectDatabase({ url: database.url, poolSize: 2 });
    let release: () => void = () => undefined;
    const hanging = other.transaction(
      () =>
        new Promise<void>((done) => {
          release = done;
        }),
    );
    const failed = expect(hanging).rejects.toThrow();
    await other.query('SELECT 1');
    await other.close();
    release();
    await failed;
  });

  test('refuses to start where nobody listens', async () => {
    await expect(connectDatabase({ url: 'postgresql://x@127.0.0.1:1/x' })).rejects.toMatchObject({
      code: 'database_unavailable',
      reason: 'connection',
    });
  });

  test('hears notifications again after its connection was cut, until it stops listening', async () => {
    const { db } = database;
    const heard: string[] = [];
    const stop = await db.listen('news', (payload) => heard.push(payload));
    await db.query("SELECT pg_notify('news', 'first')");
    await until(() => heard.length === 1);
    await db.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN news' AND pid <> pg_backend_pid()",
    );
    const nudge = setInterval(() => void db.query("SELECT pg_notify('news', 'again')"), 50);
    await until(() => heard.includes('again')).finally(() => clearInterval(nudge));
    await stop();
    const count = heard.length;
    await db.query("SELECT pg_notify('news', 'unheard')");
    await new Promise((done) => setTimeout(done, 50));
    expect(heard.slice(count)).not.toContain('unheard');
  });
});
