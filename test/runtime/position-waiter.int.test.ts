import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createRedisWakeup } from '../../src/adapters/redis/checkpoint-wakeup.js';
import {
  advanceCheckpoint,
  type Checkpoint,
  claimCheckpoint,
  resetCheckpoint,
} from '../../src/runtime/checkpoint.js';
import { type CheckpointWakeup, databaseWakeup } from '../../src/runtime/checkpoint-wakeup.js';
import {
  createPositionWaiter,
  KNOWN_MS_MAX,
  type PositionWaiter,
} from '../../src/runtime/position-waiter.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { freePort, startTestRedis } from '../support/redis.js';

const redis = await startTestRedis();
if (typeof redis === 'string') process.stdout.write(`waiting is not tested with a Redis: ${redis}\n`);
const nobody = `redis://127.0.0.1:${await freePort()}`;

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  await database.drop();
  if (typeof redis !== 'string') await redis.stop();
});

const at = (commit: number) => ({ commit: BigInt(commit), prepare: BigInt(commit) });
let names = 0;
const checkpoint = async (): Promise<Checkpoint> => claimCheckpoint(database.db, `w${++names}`, 1n);

const kinds: [string, () => CheckpointWakeup][] = [
  ['woken by PostgreSQL', () => databaseWakeup(database.db)],
  ...(typeof redis === 'string'
    ? []
    : ([['woken by Redis', () => createRedisWakeup(redis.url, 'a')]] as [string, () => CheckpointWakeup][])),
  ['with a Redis that is not there', () => createRedisWakeup(nobody, 'a')],
];

describe.each(kinds)('waiting for a position, %s', (_, makeWakeup) => {
  let wakeup: CheckpointWakeup;
  const open: PositionWaiter[] = [];
  beforeEach(() => {
    wakeup = makeWakeup();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((waiter) => waiter.close()));
    await wakeup.close();
  });
  const waiterOf = async (name: string): Promise<PositionWaiter> => {
    const waiter = await createPositionWaiter(database.db, { name, wakeup });
    open.push(waiter);
    return waiter;
  };
  /** As a runner does: the commit, then the word. */
  const advance = async (from: Checkpoint, commit: number): Promise<Checkpoint> => {
    const moved = await advanceCheckpoint(database.db, from, { position: at(commit) });
    wakeup.announce(from.name);
    return moved;
  };

  test('ends when the checkpoint gets there, for those whose position it is', async () => {
    const start = await checkpoint();
    const waiter = await waiterOf(start.name);
    let late = false;
    const later = waiter.waitForPosition(at(20), 5_000).then(() => {
      late = true;
    });
    const sooner = Promise.all([7, 10].map((n) => waiter.waitForPosition(at(n), 5_000)));
    const moved = await advance(start, 10);
    await sooner;
    expect([waiter.reached, late]).toEqual([at(10), false]);
    await advance(moved, 20);
    await later;
  });

  test('ends without a word too', async () => {
    const start = await checkpoint();
    const waiter = await waiterOf(start.name);
    const waiting = waiter.waitForPosition(at(3), 5_000);
    await database.db.query(
      'UPDATE runtime.checkpoints SET commit_position = 3, prepare_position = 3 WHERE name = $1',
      [start.name],
    );
    await waiting;
  });

  test('ends in a typed timeout that says how far it got', async () => {
    const start = await checkpoint();
    const waiter = await waiterOf(start.name);
    const moved = await advance(start, 4);
    await waiter.waitForPosition(at(4), 5_000);
    await expect(waiter.waitForPosition(at(5), 100)).rejects.toMatchObject({
      code: 'position_not_reached',
      reached: at(4),
    });
    await advance(moved, 5);
    await waiter.waitForPosition(at(5), 5_000);
  });

  test('waits again after a rebuild has started over', async () => {
    const start = await checkpoint();
    const waiter = await waiterOf(start.name);
    const moved = await advance(start, 9);
    await waiter.waitForPosition(at(9), 5_000);
    // Nobody says so but the database, and who does not hear that finds out.
    const reset = await resetCheckpoint(database.db, moved);
    await new Promise((done) => setTimeout(done, KNOWN_MS_MAX));
    await expect(waiter.waitForPosition(at(9), 200)).rejects.toMatchObject({ code: 'position_not_reached' });
    await advance(reset, 9);
    await waiter.waitForPosition(at(9), 5_000);
  });
});
