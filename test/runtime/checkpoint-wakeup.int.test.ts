import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createRedisWakeup } from '../../src/adapters/redis/checkpoint-wakeup.js';
import { advanceCheckpoint, type Checkpoint, claimCheckpoint } from '../../src/runtime/checkpoint.js';
import { type CheckpointWakeup, databaseWakeup } from '../../src/runtime/checkpoint-wakeup.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { eventually, startTestRedis } from '../support/redis.js';

const redis = await startTestRedis();
if (typeof redis === 'string') process.stdout.write(`wake-up through Redis is not tested: ${redis}\n`);

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  await database.drop();
  if (typeof redis !== 'string') await redis.stop();
});

const kinds: [string, () => CheckpointWakeup][] = [
  ['PostgreSQL', () => databaseWakeup(database.db)],
  ...(typeof redis === 'string'
    ? []
    : ([['Redis', () => createRedisWakeup(redis.url, 'the log')]] as [string, () => CheckpointWakeup][])),
];

let names = 0;

/** What both do. A word may be lost, so a test that wants one says it until it is heard. */
describe.each(kinds)('wake-up by %s', (_, makeWakeup) => {
  let runner: CheckpointWakeup;
  let api: CheckpointWakeup;
  let checkpoint: Checkpoint;
  beforeEach(async () => {
    [runner, api] = [makeWakeup(), makeWakeup()];
    checkpoint = await claimCheckpoint(database.db, `c${++names}`, 1n);
  });
  afterEach(async () => {
    await Promise.all([runner.close(), api.close()]);
  });
  /** As a runner does: the commit, then the word. */
  const move = async (): Promise<void> => {
    const commit = checkpoint.position.commit + 1n;
    checkpoint = await advanceCheckpoint(database.db, checkpoint, { position: { commit, prepare: commit } });
    runner.announce(checkpoint.name);
  };
  const listener = async (name = checkpoint.name) => {
    const heard = { times: 0, forget: async (): Promise<void> => undefined };
    heard.forget = await api.listen(name, () => {
      heard.times += 1;
    });
    return heard;
  };
  const hearsMoves = (heard: { times: number }): Promise<boolean> => {
    const before = heard.times;
    return eventually(async () => {
      await move();
      return heard.times > before;
    });
  };

  test('reaches everybody who listens, and again', async () => {
    const listeners = await Promise.all([listener(), listener()]);
    for (let round = 0; round < 2; round++) {
      for (const heard of listeners) expect(await hearsMoves(heard)).toBe(true);
    }
  });

  test('is for one checkpoint, and for as long as one listens', async () => {
    const [heard, other] = await Promise.all([listener(), listener('another')]);
    expect(await hearsMoves(heard)).toBe(true);
    // Redis wakes once when it listens: for what was missed before.
    expect(other.times).toBeLessThanOrEqual(1);
    await heard.forget();
    const still = await listener();
    const before = heard.times;
    expect(await hearsMoves(still)).toBe(true);
    expect(heard.times).toBe(before);
  });

  test('that nobody wants any more is no trouble', async () => {
    await runner.close();
    runner.announce(checkpoint.name);
    runner.announce(checkpoint.name);
    await new Promise((done) => setImmediate(done));
  });
});
