import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  advanceCheckpoint,
  type Checkpoint,
  claimCheckpoint,
  resetCheckpoint,
} from '../../src/runtime/checkpoint.js';
import { createPositionWaiter } from '../../src/runtime/position-waiter.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const at = (commit: number) => ({ commit: BigInt(commit), prepare: BigInt(commit) });
let names = 0;
const checkpoint = async (): Promise<Checkpoint> => claimCheckpoint(database.db, `w${++names}`, 1n);

describe('waiting for a position', () => {
  test('ends when the checkpoint gets there, for those whose position it is', async () => {
    const start = await checkpoint();
    const waiter = await createPositionWaiter(database.db, { name: start.name });
    let late = false;
    const later = waiter.waitForPosition(at(20), 5_000).then(() => {
      late = true;
    });
    const sooner = Promise.all([7, 10].map((n) => waiter.waitForPosition(at(n), 5_000)));
    const moved = await advanceCheckpoint(database.db, start, { position: at(10) });
    await sooner;
    expect([waiter.reached, late]).toEqual([at(10), false]);
    await advanceCheckpoint(database.db, moved, { position: at(20) });
    await later;
    await waiter.close();
  });

  test('asks nobody when it is known to be reached', async () => {
    const start = await checkpoint();
    await advanceCheckpoint(database.db, start, { position: at(10) });
    let queries = 0;
    const { db } = database;
    const counting = {
      query: (...parameters: Parameters<typeof db.query>) => {
        queries += 1;
        return db.query(...parameters);
      },
      listen: db.listen.bind(db),
      transaction: db.transaction.bind(db),
      stream: db.stream.bind(db),
      close: async () => undefined,
    } as typeof db;
    const waiter = await createPositionWaiter(counting, { name: start.name });
    const before = queries;
    const startedAt = performance.now();
    for (let i = 0; i < 10_000; i++) await waiter.waitForPosition(at(10), 0);
    expect(queries).toBe(before);
    expect(performance.now() - startedAt).toBeLessThan(500);
    await waiter.close();
  });

  test('ends without a notification too', async () => {
    const start = await checkpoint();
    const waiter = await createPositionWaiter(database.db, { name: start.name });
    const waiting = waiter.waitForPosition(at(3), 5_000);
    await database.db.query(
      'UPDATE runtime.checkpoints SET commit_position = 3, prepare_position = 3 WHERE name = $1',
      [start.name],
    );
    await waiting;
    await waiter.close();
  });

  test('ends in a typed timeout that says how far it got', async () => {
    const start = await checkpoint();
    const waiter = await createPositionWaiter(database.db, { name: start.name });
    await advanceCheckpoint(database.db, start, { position: at(4) });
    await expect(waiter.waitForPosition(at(5), 100)).rejects.toMatchObject({
      code: 'position_not_reached',
      reached: at(4),
    });
    await waiter.close();
  });

  test('waits again after a rebuild has started over', async () => {
    const start = await checkpoint();
    const waiter = await createPositionWaiter(database.db, { name: start.name });
    const moved = await advanceCheckpoint(database.db, start, { position: at(9) });
    await waiter.waitForPosition(at(9), 5_000);
    const reset = await resetCheckpoint(database.db, moved);
    await waiter.waitForPosition(at(0), 5_000);
    for (const end = Date.now() + 5_000; waiter.reached.commit !== 0n && Date.now() < end; ) {
      await new Promise((done) => setTimeout(done, 5));
    }
    await expect(waiter.waitForPosition(at(9), 50)).rejects.toMatchObject({ code: 'position_not_reached' });
    await advanceCheckpoint(database.db, reset, { position: at(9) });
    await waiter.waitForPosition(at(9), 5_000);
    await waiter.close();
  });
});
