import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisWakeup } from '../../../src/adapters/redis/checkpoint-wakeup.js';
import { connectRedis } from '../../../src/adapters/redis/connect.js';
import { createRedisRateLimiter } from '../../../src/adapters/redis/rate-limiter.js';
import type { Database } from '../../../src/runtime/database.js';
import { createPositionWaiter, LOOK_PAUSE_MS } from '../../../src/runtime/position-waiter.js';
import { eventually, freePort, startTestRedis, type TestRedis } from '../../support/redis.js';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';

/** A Redis that fails in every way we know; each test needs one of its own to kill. */
const probe = await startTestRedis();
const reason =
  typeof probe === 'string' ? probe : probe.owned ? undefined : 'the one of REDIS_URL is not ours';
if (typeof probe !== 'string') await probe.stop();
if (reason !== undefined) process.stdout.write(`the loss of Redis is not tested: ${reason}\n`);

const CHANNEL = 'holdfast:checkpoint:the log:live';

(reason === undefined ? describe : describe.skip)('when Redis', () => {
  let redis: TestRedis;
  let proxy: TcpProxy;
  const opened: { close(): Promise<void> }[] = [];
  const keep = <Closable extends { close(): Promise<void> }>(one: Closable): Closable => {
    opened.push(one);
    return one;
  };
  beforeEach(async () => {
    const started = await startTestRedis();
    if (typeof started === 'string') throw new Error(started);
    redis = started;
    proxy = await startTcpProxy(redis.port);
  });
  afterEach(async () => {
    redis.resume();
    await Promise.all(opened.splice(0).map((one) => one.close()));
    await proxy.close();
    await redis.stop();
  });

  const hearing = async (url: string) => {
    const speaker = keep(createRedisWakeup(redis.url, 'the log'));
    const listener = keep(createRedisWakeup(url, 'the log'));
    let times = 0;
    await listener.listen('live', () => {
      times += 1;
    });
    /** True once a word said now is heard. */
    const hears = (): Promise<boolean> => {
      const before = times;
      return eventually(() => {
        speaker.announce('live');
        return times > before + 1;
      });
    };
    return { hears, times: () => times };
  };

  describe('wakes readers and', () => {
    test('is not there at the start, it is heard when it comes', async () => {
      await redis.kill();
      const { hears, times } = await hearing(redis.url);
      expect(times()).toBe(0);
      await redis.start();
      expect(await hears()).toBe(true);
    });

    test('is killed and comes back, it is heard again, and who listens is woken for what was missed', async () => {
      const { hears, times } = await hearing(redis.url);
      expect(await hears()).toBe(true);
      await redis.kill();
      const before = times();
      await redis.start();
      expect(await eventually(() => times() > before)).toBe(true);
      expect(await hears()).toBe(true);
    });

    test('hangs half open, the connection is found out and made anew', async () => {
      const { hears } = await hearing(`redis://127.0.0.1:${proxy.port}`);
      expect(await hears()).toBe(true);
      proxy.freeze();
      expect(await hears()).toBe(true);
    });

    test('is slow to take what a busy runner says, one word is on its way and the rest is one more', async () => {
      const speaker = keep(createRedisWakeup(redis.url, 'the log'));
      const ear = new Redis(redis.url);
      let heard = 0;
      ear.on('message', () => {
        heard += 1;
      });
      await ear.subscribe(CHANNEL);
      expect(
        await eventually(() => {
          speaker.announce('live');
          return heard > 0;
        }),
      ).toBe(true);
      const before = heard;
      redis.pause();
      for (let i = 0; i < 100_000; i++) speaker.announce('live');
      redis.resume();
      expect(await eventually(() => heard > before)).toBe(true);
      await ear.ping();
      expect(heard - before).toBeLessThanOrEqual(3);
      ear.disconnect();
    });

    test('is flooded by others, a waiting reader looks no more often than it may, and is not deceived', async () => {
      let [commit, looks] = [0n, 0];
      const db = {
        query: async () => {
          looks += 1;
          return {
            rows: [{ commit_position: commit, prepare_position: commit, generation: 0 }],
            rowCount: 1,
          };
        },
      } as unknown as Database; // nothing else of it is used
      const wakeup = keep(createRedisWakeup(redis.url, 'the log'));
      const waiter = keep(await createPositionWaiter(db, { wakeup }));
      let reached = false;
      const waiting = waiter.waitForPosition({ commit: 7n, prepare: 7n }, 60_000).then(() => {
        reached = true;
      });
      const beganAt = performance.now();
      const other = new Redis(redis.url);
      await Promise.all(Array.from({ length: 20_000 }, () => other.publish(CHANNEL, 'live 1 7 7')));
      other.disconnect();
      expect([reached, looks > 1]).toEqual([false, true]);
      expect(looks).toBeLessThanOrEqual(2 + (performance.now() - beganAt) / (LOOK_PAUSE_MS - 1));
      commit = 7n;
      await waiting;
    });
  });

  describe('counts requests and', () => {
    const limiter = (url: string, points: number) => keep(createRedisRateLimiter(url, points));
    const taken = async (
      one: { take(name: string): Promise<number | undefined> },
      name: string,
      times: number,
    ) => {
      const waits = await Promise.all(Array.from({ length: times }, () => one.take(name)));
      return waits.filter((wait) => wait === undefined).length;
    };
    /** True once two limiters count together, which only Redis can make them do. */
    const together = (a: ReturnType<typeof limiter>, b: ReturnType<typeof limiter>): Promise<boolean> =>
      eventually(async () => {
        const name = `key-${Math.random()}`;
        return (await taken(a, name, 3)) + (await taken(b, name, 3)) === 4;
      });

    test('is not there at the start, each process counts for itself until it comes', async () => {
      await redis.kill();
      const [a, b] = [limiter(redis.url, 4), limiter(redis.url, 4)];
      expect([await taken(a, 'k', 6), await taken(b, 'k', 6)]).toEqual([4, 4]);
      await redis.start();
      expect(await together(a, b)).toBe(true);
    });

    test('is killed and comes back, nobody is turned away for it', async () => {
      const [a, b] = [limiter(redis.url, 4), limiter(redis.url, 4)];
      expect(await together(a, b)).toBe(true);
      await redis.kill();
      expect(await taken(a, 'during', 4)).toBe(4);
      await redis.start();
      expect(await together(a, b)).toBe(true);
    });

    test.each(['hangs half open', 'is paused'])(
      '%s, nobody is turned away and the connection is made anew',
      async (how) => {
        const [a, b] = [limiter(`redis://127.0.0.1:${proxy.port}`, 4), limiter(redis.url, 4)];
        expect(await together(a, b)).toBe(true);
        if (how === 'is paused') redis.pause();
        else proxy.freeze();
        expect(await taken(a, 'during', 4)).toBe(4);
        redis.resume();
        expect(await together(a, b)).toBe(true);
      },
    );
  });

  test('is lost, it is said once for each time', async () => {
    const errors: unknown[] = [];
    const ready = { times: 0 };
    const one = connectRedis(redis.url, (error) => errors.push(error));
    keep({ close: async () => one.disconnect() });
    one.on('ready', () => {
      ready.times += 1;
    });
    for (const round of [1, 2]) {
      expect(await eventually(() => ready.times === round)).toBe(true);
      const tries = new Promise<void>((done) => {
        let count = 0;
        one.on('reconnecting', () => {
          if (++count === 3) done();
        });
      });
      await redis.kill();
      await tries;
      expect(errors).toHaveLength(round);
      await redis.start();
    }
  });

  test('is at a port that nobody listens on, closing is clean', async () => {
    const wakeup = createRedisWakeup(`redis://127.0.0.1:${await freePort()}`, 'the log');
    const stop = await wakeup.listen('live', () => undefined);
    wakeup.announce('live');
    await stop();
    await wakeup.close();
  });
});
