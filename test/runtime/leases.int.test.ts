import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { advanceCheckpoint, claimCheckpoint } from '../../src/runtime/checkpoint.js';
import type { Database } from '../../src/runtime/database.js';
import { acquireLease, LEASE_POLL_MS, LEASE_TTL_MS, tryAcquireLease } from '../../src/runtime/leases.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

const dist = (path: string): string => new URL(`../../dist/${path}`, import.meta.url).href;

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const never = new AbortController().signal;

describe('a lease', () => {
  test('is held by one at a time and passes at once on a clean release, with a larger epoch', async () => {
    const { db } = database;
    const first = await tryAcquireLease(db, { name: 'clean', holder: 'a' });
    expect(await tryAcquireLease(db, { name: 'clean', holder: 'b' })).toBeUndefined();
    const waiting = acquireLease(db, { name: 'clean', holder: 'b', signal: never, pollMs: 60_000 });
    await new Promise((done) => setTimeout(done, 100));
    const releasedAt = performance.now();
    await first?.release();
    const second = await waiting;
    expect(performance.now() - releasedAt).toBeLessThan(2_000);
    expect(second?.epoch).toBe((first?.epoch ?? 0n) + 1n);
    await second?.release();
  });

  test('that is released while somebody looks at it, or begins to listen, passes at once all the same', async () => {
    const { db } = database;
    for (const moment of ['looking', 'listening'] as const) {
      const first = await tryAcquireLease(db, { name: moment, holder: 'a' });
      let asked = false;
      const slow: Database = {
        ...db,
        stream: db.stream.bind(db),
        transaction: db.transaction.bind(db),
        close: db.close.bind(db),
        query: async <Row>(sql: string, values?: readonly unknown[], statement?: string) => {
          const answer = await db.query<Row>(sql, values, statement);
          if (moment === 'looking' && !asked) {
            asked = true;
            await first?.release();
          }
          return answer;
        },
        listen: async (channel, heard) => {
          if (moment === 'listening') await first?.release();
          return db.listen(channel, heard);
        },
      };
      const signal = AbortSignal.timeout(20_000);
      const second = await acquireLease(slow, { name: moment, holder: 'b', signal, pollMs: 60_000 });
      expect(second?.epoch).toBe(2n);
      await second?.release();
    }
  });

  test('of a holder that hangs is taken over when its time is over, and not before', async () => {
    const { db } = database;
    // Never renews within the test: as if its process had been stopped.
    const hanging = await tryAcquireLease(db, { name: 'hangs', holder: 'a', ttlMs: 400, renewMs: 60_000 });
    const startedAt = performance.now();
    const heir = await acquireLease(db, { name: 'hangs', holder: 'b', signal: never, pollMs: 50 });
    expect(performance.now() - startedAt).toBeGreaterThan(300);
    expect(heir?.epoch).toBe(2n);
    await hanging?.release();
    expect(heir?.lost.aborted).toBe(false);
    expect(await tryAcquireLease(db, { name: 'hangs', holder: 'c' })).toBeUndefined();
    await heir?.release();
    expect(LEASE_TTL_MS + LEASE_POLL_MS).toBeLessThan(10_000);
  });

  test('of a holder that was killed is taken over at the next look', async () => {
    const { db, url } = database;
    const program = `
      const { connectDatabase } = await import(${JSON.stringify(dist('adapters/postgres/connect.js'))});
      const { tryAcquireLease } = await import(${JSON.stringify(dist('runtime/leases.js'))});
      const lease = await tryAcquireLease(await connectDatabase({ url: ${JSON.stringify(url)} }), { name: 'killed', holder: 'a' });
      console.log(lease.epoch);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((done) => holder.stdout.once('data', done));
    expect(await tryAcquireLease(db, { name: 'killed', holder: 'b' })).toBeUndefined();
    holder.kill('SIGKILL');
    const killedAt = performance.now();
    const heir = await acquireLease(db, { name: 'killed', holder: 'b', signal: never, pollMs: 50 });
    expect(performance.now() - killedAt).toBeLessThan(LEASE_TTL_MS / 2);
    expect(heir?.epoch).toBe(2n);
    await heir?.release();
  });

  test('is lost with the session that proves its holder alive', async () => {
    const { db } = database;
    const lease = await tryAcquireLease(db, { name: 'session', holder: 'a', renewMs: 20 });
    await db.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    await new Promise<void>((done) => lease?.lost.addEventListener('abort', () => done()));
    const again = await tryAcquireLease(db, { name: 'session', holder: 'b' });
    expect(again?.epoch).toBe(2n);
    await again?.release();
  });

  test('one of many that come at once gets', async () => {
    const { db } = database;
    const all = await Promise.all(
      Array.from({ length: 5 }, (_, i) => tryAcquireLease(db, { name: 'rush', holder: `${i}` })),
    );
    const got = all.filter((lease) => lease !== undefined);
    expect(got).toHaveLength(1);
    await got[0]?.release();
  });

  test('renews itself for as long as it is held', async () => {
    const { db } = database;
    const lease = await tryAcquireLease(db, { name: 'long', holder: 'a', ttlMs: 400, renewMs: 50 });
    await new Promise((done) => setTimeout(done, 1_000));
    expect(lease?.lost.aborted).toBe(false);
    expect(await tryAcquireLease(db, { name: 'long', holder: 'b' })).toBeUndefined();
    await lease?.release();
  });

  test('tells its holder when somebody else has it', async () => {
    const { db } = database;
    const lease = await tryAcquireLease(db, { name: 'lost', holder: 'a', renewMs: 20 });
    await db.query("UPDATE runtime.leases SET epoch = epoch + 1 WHERE name = 'lost'");
    await new Promise<void>((done) => lease?.lost.addEventListener('abort', () => done()));
    await lease?.release();
    const { rows } = await db.query(
      "SELECT expires_at > now() AS held FROM runtime.leases WHERE name = 'lost'",
    );
    expect(rows).toEqual([{ held: true }]);
  });

  test('is given up on by one who stops waiting', async () => {
    const { db } = database;
    const lease = await tryAcquireLease(db, { name: 'stopped', holder: 'a' });
    const controller = new AbortController();
    const waiting = acquireLease(db, { name: 'stopped', holder: 'b', signal: controller.signal });
    controller.abort();
    expect(await waiting).toBeUndefined();
    await lease?.release();
  });
});

describe('a checkpoint', () => {
  test('moves only under the newest epoch and only from where it is', async () => {
    const { db } = database;
    const old = await claimCheckpoint(db, 'fenced', 1n);
    const at = (commit: bigint) => ({ position: { commit, prepare: commit } });
    const moved = await advanceCheckpoint(db, old, at(5n));
    await expect(advanceCheckpoint(db, old, at(6n))).rejects.toMatchObject({ code: 'stepped_down' });
    const claimed = await claimCheckpoint(db, 'fenced', 2n);
    expect(claimed.position).toEqual(moved.position);
    await expect(advanceCheckpoint(db, moved, at(6n))).rejects.toMatchObject({ code: 'stepped_down' });
    await expect(claimCheckpoint(db, 'fenced', 1n)).rejects.toMatchObject({ code: 'stepped_down' });
    expect((await advanceCheckpoint(db, claimed, at(6n))).position.commit).toBe(6n);
  });
});
