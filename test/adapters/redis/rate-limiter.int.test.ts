import { createConnection, createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createRedisRateLimiter, type SharedRateLimiter } from '../../../src/adapters/redis/rate-limiter.js';

const URL_OF_REDIS = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

const reachable = await new Promise<boolean>((done) => {
  const { hostname, port } = new URL(URL_OF_REDIS);
  const socket = createConnection({ host: hostname, port: Number(port || 6379), timeout: 500 });
  const end = (answer: boolean) => {
    socket.destroy();
    done(answer);
  };
  socket.once('connect', () => end(true));
  socket.once('error', () => end(false));
  socket.once('timeout', () => end(false));
});
if (!reachable) process.stdout.write(`shared rate limits are not tested: no Redis at ${URL_OF_REDIS}\n`);

const open: SharedRateLimiter[] = [];
const limiter = (url: string, points: number) => {
  const one = createRedisRateLimiter(url, points);
  open.push(one);
  return one;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const name = () => `key-${Math.random()}`;

(reachable ? describe : describe.skip)('with a Redis', () => {
  test('two processes share one limit', async () => {
    const [a, b] = [limiter(URL_OF_REDIS, 10), limiter(URL_OF_REDIS, 10)];
    await Promise.all([a.take('warm'), b.take('warm')]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const key = name();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).take(key)));
    expect(answers.filter((wait) => wait === undefined)).toHaveLength(10);
    expect(answers.filter((wait) => wait === 1)).toHaveLength(10);
  });
});

describe('without one', () => {
  test('each process counts for itself', async () => {
    const lost = limiter('redis://127.0.0.1:1', 5);
    const key = name();
    const answers = await Promise.all(Array.from({ length: 8 }, () => lost.take(key)));
    expect(answers.filter((wait) => wait === undefined)).toHaveLength(5);
  });

  test('a Redis that does not answer costs a moment and no request', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const began = performance.now();
    expect(await limiter(`redis://127.0.0.1:${port}`, 5).take(name())).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(5_000);
    silent.close();
  });
});
