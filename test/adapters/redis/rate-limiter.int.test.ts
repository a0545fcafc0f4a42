import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createRedisRateLimiter } from '../../../src/adapters/redis/rate-limiter.js';
import { createMemoryRateLimiter, type RateLimiter } from '../../../src/api/rate-limit.js';
import { eventually, freePort, startTestRedis } from '../../support/redis.js';

const redis = await startTestRedis();
if (typeof redis === 'string') process.stdout.write(`shared rate limits are not tested: ${redis}\n`);
const nobody = `redis://127.0.0.1:${await freePort()}`;

const open: { close(): Promise<void> }[] = [];
const shared = (url: string, points: number): RateLimiter => {
  const one = createRedisRateLimiter(url, points);
  open.push(one);
  return one;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  if (typeof redis !== 'string') await redis.stop();
});

let names = 0;
const newName = (): string => `key-${process.pid}-${++names}`;
const take = (limiter: RateLimiter, name: string, times: number) =>
  Promise.all(Array.from({ length: times }, () => limiter.take(name)));
const taken = async (limiter: RateLimiter, name: string, times: number): Promise<number> =>
  (await take(limiter, name, times)).filter((wait) => wait === undefined).length;

const kinds: [string, (points: number) => RateLimiter][] = [
  ['in process', createMemoryRateLimiter],
  ...(typeof redis === 'string'
    ? []
    : ([['in Redis', (points) => shared(redis.url, points)]] as [string, (points: number) => RateLimiter][])),
  ['in a Redis that is not there', (points) => shared(nobody, points)],
];

describe.each(kinds)('a rate limit counted %s', (_, limiterOf) => {
  test('lets as many through as it says, and tells the others how long to wait', async () => {
    const limiter = limiterOf(5);
    const answers = await take(limiter, newName(), 8);
    expect(answers.filter((wait) => wait === undefined)).toHaveLength(5);
    expect(answers.filter((wait) => wait === 1)).toHaveLength(3);
  });

  test('is for one name', async () => {
    const limiter = limiterOf(3);
    const name = newName();
    await take(limiter, name, 4);
    expect(await taken(limiter, newName(), 3)).toBe(3);
  });

  test('begins again after the wait it told', async () => {
    const limiter = limiterOf(3);
    const name = newName();
    const [wait = 0] = (await take(limiter, name, 4)).filter((one) => one !== undefined);
    await new Promise((done) => setTimeout(done, wait * 1_000 + 50));
    expect(await taken(limiter, name, 3)).toBe(3);
  });
});

if (typeof redis !== 'string') {
  test('two processes share one limit in Redis', async () => {
    const [a, b] = [shared(redis.url, 10), shared(redis.url, 10)];
    const together = await eventually(async () => {
      const name = newName();
      const both = await Promise.all([taken(a, name, 10), taken(b, name, 10)]);
      return both[0] + both[1] === 10;
    });
    expect(together).toBe(true);
  });
}
