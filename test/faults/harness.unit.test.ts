import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createClient } from './client.js';
import { FAULT_NAMES, possible } from './faults.js';
import { History, type Violation } from './history.js';
import { expectTakeover } from './lease-faults.js';
import { Link } from './link.js';
import { planOf } from './plan.js';
import { untilTrue } from './until.js';

/** A harness whose network or watch does nothing would let everything pass: what it does, and what it sees, is shown here. */
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const listening = async (server: Server | ReturnType<typeof createTcpServer>): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
};

describe('a link', () => {
  /** A server that repeats what it is told, in capitals, and remembers it; and a client of it through a link. */
  const connected = async () => {
    const told: string[] = [];
    const port = await listening(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (bytes) => {
          told.push(String(bytes));
          socket.write(String(bytes).toUpperCase());
        });
      }),
    );
    const link = await Link.open(port);
    closing.push(() => link.close());
    const dial = async () => {
      const heard: string[] = [];
      const socket: Socket = connect(link.port, '127.0.0.1');
      closing.push(async () => socket.destroy());
      let over = false;
      socket.on('data', (bytes) => heard.push(String(bytes)));
      socket
        .on('error', () => undefined)
        .on('close', () => {
          over = true;
        });
      await new Promise<void>((resolve) =>
        socket.once('connect', () => resolve()).once('close', () => resolve()),
      );
      return { heard, say: (text: string) => socket.write(text), isOver: () => over };
    };
    /** Longer than anything takes that is on its way. */
    const aWhile = () => new Promise((resolve) => setTimeout(resolve, 60));
    const until = (check: () => boolean) => untilTrue('it happens', 10_000, check);
    return { link, told, dial, aWhile, until };
  };

  test('carries what is said while it is up, and later when it is slow', async () => {
    const { link, dial, until } = await connected();
    const client = await dial();
    client.say('a');
    await until(() => client.heard.includes('A'));
    link.delay(40);
    const from = performance.now();
    client.say('b');
    await until(() => client.heard.includes('B'));
    expect(performance.now() - from).toBeGreaterThan(80);
  });

  test('cut ends every connection and takes new ones; refused takes none', async () => {
    const { link, dial, until } = await connected();
    const [first, second] = [await dial(), await dial()];
    link.cut();
    await until(() => first.isOver() && second.isOver());
    const third = await dial();
    third.say('a');
    await until(() => third.heard.includes('A'));
    link.set('refused');
    await until(() => third.isOver());
    const fourth = await dial();
    await until(() => fourth.isOver());
    link.set('up');
    const fifth = await dial();
    fifth.say('b');
    await until(() => fifth.heard.includes('B'));
  });

  test('silent carries nothing and ends nothing; what stood then is dead for ever', async () => {
    const { link, told, dial, aWhile, until } = await connected();
    const before = await dial();
    before.say('a');
    await until(() => before.heard.includes('A'));
    link.set('silent');
    const amid = await dial();
    before.say('b');
    amid.say('b');
    await aWhile();
    expect([told, before.isOver(), amid.isOver(), link.connections]).toEqual([['a'], false, false, 0]);
    link.set('up');
    await until(() => before.isOver() && amid.isOver());
    expect(told).toEqual(['a']);
  });

  test('stalled carries everything later; mute carries requests at once, and answers later or never', async () => {
    const { link, told, dial, aWhile, until } = await connected();
    const client = await dial();
    link.set('stalled');
    client.say('a');
    await aWhile();
    expect([told, client.heard]).toEqual([[], []]);
    link.set('mute');
    await until(() => told.includes('a'));
    await aWhile();
    expect(client.heard).toEqual([]);
    link.set('up');
    await until(() => client.heard.includes('A'));
    link.set('mute');
    client.say('b');
    await until(() => told.includes('b'));
    link.cut();
    link.set('up');
    await until(() => client.isOver());
    expect(client.heard).toEqual(['A']);
  });
});

describe('the watch', () => {
  const watched = () => {
    const violations: Violation[] = [];
    return { violations, violated: (one: Violation) => void violations.push(one), say: () => undefined };
  };

  test('sees an internal error and a refusal by a limit nobody reached, and asks again until it is answered', async () => {
    const statuses = [500, 429, 503, 201];
    const port = await listening(
      createServer((_, response) => {
        response.writeHead(statuses.shift() ?? 201, { 'event-position': '7' }).end('{}');
      }),
    );
    const { violations, violated } = watched();
    const history = new History();
    const urls = [`http://127.0.0.1:${port}`];
    const client = createClient({ urls, key: 'k', history, patienceMs: 60_000, violated });
    const command = {
      kind: 'receive',
      method: 'POST',
      path: '/',
      body: {},
      key: undefined,
      round: 1,
    } as const;
    const answer = await client.send({ ...command, stream: '', eventType: '', businessId: '' });
    expect(answer).toEqual({ status: 201, body: {}, position: '7' });
    expect(violations.map(({ code }) => code)).toEqual(['internal_error', 'wrongly_limited']);
    expect(history.attempts).toBe(4);
  });

  test('sees that nobody follows the holder of a lease, or follows late', async () => {
    const takeover = { lease: 'processes', epoch: 4n, limitMs: 60, after: 'kill -9' };
    const never = watched();
    await expectTakeover({ ...never, house: { holderOf: async () => ({ epoch: 4n, pid: 1 }) } }, takeover);
    expect(never.violations).toEqual([
      { code: 'late_takeover', detail: 'processes: never ms after kill -9' },
    ]);
    const late = watched();
    const from = performance.now();
    const holderOf = async () => ({ epoch: performance.now() - from > 120 ? 5n : 4n, pid: 1 });
    await expectTakeover({ ...late, house: { holderOf } }, { ...takeover, limitMs: 100 });
    expect(late.violations.map(({ code }) => code)).toEqual(['late_takeover']);
    const soon = watched();
    const successor = { holderOf: async () => ({ epoch: 5n, pid: 2 }) };
    await expectTakeover({ ...soon, house: successor }, { ...takeover, limitMs: 10_000 });
    expect(soon.violations).toEqual([]);
  });
});

describe('the plan', () => {
  test('is the same for the same seed and round, and has every fault sooner or later', () => {
    const plans = Array.from({ length: 200 }, (_, round) => planOf(7, round, FAULT_NAMES));
    expect(plans).toEqual(Array.from({ length: 200 }, (_, round) => planOf(7, round, FAULT_NAMES)));
    expect(planOf(8, 1, FAULT_NAMES)).not.toEqual(planOf(7, 1, FAULT_NAMES));
    const planned = plans.flatMap(({ faults }) => faults.flatMap(({ names }) => names));
    expect(new Set(planned)).toEqual(new Set(FAULT_NAMES));
  });

  test('never times a takeover while PostgreSQL is away, nor strikes amid everything being killed', () => {
    const pairs = Array.from({ length: 300 }, (_, round) => planOf(7, round, FAULT_NAMES))
      .flatMap(({ faults }) => faults.map(({ names }) => names))
      .filter(({ length }) => length > 1);
    expect(pairs.length).toBeGreaterThan(50);
    for (const names of pairs) {
      expect(names).not.toContain('kill_all');
      const times = names.some((name) => /^(kill|stop)_pro|lease/.test(name));
      expect(times && names.some((name) => /database|connections/.test(name))).toBe(false);
    }
  });

  test('leaves out what the machine cannot do, and says so', () => {
    const lacks = { redis: 'there is no redis-server', disk: 'only root may mount a disk' };
    const { names, skipped } = possible({ lacks }, [
      'kill_redis',
      'redis_cut',
      'full_database_disk',
      'kill_api',
    ]);
    expect(names).toEqual(['kill_api']);
    expect(skipped).toEqual([
      'skipped, because there is no redis-server: kill_redis, redis_cut',
      'skipped, because only root may mount a disk: full_database_disk',
    ]);
  });
});
