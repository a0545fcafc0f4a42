import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createApiKey } from '../../src/api/api-keys.js';
import { type House, openHouse } from '../../src/main.js';
import { type RunningRoles, startRoles } from '../../src/roles.js';
import { ROLES, type Role, readSettings } from '../../src/settings.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { eventually, startTestRedis } from '../support/redis.js';

/** Each role in a house of its own, as on machines of their own: they share the log, the database and, where there is one, Redis. */
const redis = await startTestRedis();
if (typeof redis === 'string') process.stdout.write(`separate roles run without a Redis: ${redis}\n`);

let eventStore: RunningEventStore;
let database: TestDatabase;
let key: string;
const houses = new Map<Role, { house: House; running: RunningRoles }>();

beforeAll(async () => {
  [eventStore, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  for (const role of ROLES) {
    const settings = readSettings({
      EVENTSTORE_URL: eventStore.connectionString,
      DATABASE_URL: database.url,
      ...(typeof redis === 'string' ? {} : { REDIS_URL: redis.url }),
      HOLDFAST_ROLES: role,
      HOLDFAST_PORT: '0',
      HOLDFAST_MONITOR_PORT: '0',
      HOLDFAST_LOG_LEVEL: 'silent',
    });
    const house = await openHouse(settings);
    houses.set(role, { house, running: await startRoles(house) });
  }
  key = (await createApiKey(database.db, { role: 'admin' })).secret;
});
afterAll(async () => {
  for (const { house, running } of houses.values()) {
    await running.stop();
    await house.close();
  }
  await database.drop();
  await eventStore.stop();
  if (typeof redis !== 'string') await redis.stop();
});

const runningOf = (role: Role): RunningRoles => {
  const found = houses.get(role);
  if (found === undefined) throw new Error(`${role} does not run`);
  return found.running;
};
const call = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${runningOf('api').url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

let receipts = 0;
/** Receives a unit and reads it back by the position of the answer; the units on hand that it saw, and that it should have. */
const receiveAndRead = async (): Promise<[seen: unknown, received: number]> => {
  receipts += 1;
  const receipt = { receiptId: `r${receipts}`, sku: 'MUG', quantity: 1 };
  const written = await call('POST', '/v1/locations/berlin/receipts', receipt);
  expect(written.status).toBe(201);
  const read = await call('GET', `/v1/stock/MUG?after=${written.headers.get('event-position')}`);
  return [((await read.json()) as { onHand?: unknown }).onHand, receipts];
};

describe('roles on machines of their own', () => {
  test('read what was written elsewhere', async () => {
    expect((await call('PUT', '/v1/locations/berlin', { name: 'Berlin' })).status).toBeLessThan(300);
    for (let i = 0; i < 5; i++) {
      const [seen, received] = await receiveAndRead();
      expect(seen).toBe(received);
    }
  });

  if (typeof redis !== 'string') {
    test('tell each other through Redis, and do without it when it is killed', async () => {
      const ear = new Redis(redis.url);
      const heard: string[] = [];
      ear.on('pmessage', (_, channel: string) => heard.push(channel));
      await ear.psubscribe('holdfast:checkpoint:*');
      const logId = houses.get('api')?.house.logId;
      expect(
        await eventually(async () => {
          await receiveAndRead();
          return heard.includes(`holdfast:checkpoint:${logId}:live`);
        }),
      ).toBe(true);
      ear.disconnect();
      await redis.kill();
      for (let i = 0; i < 3; i++) {
        const [seen, received] = await receiveAndRead();
        expect(seen).toBe(received);
      }
      expect((await fetch(`${runningOf('api').url}/readyz`)).status).toBe(200);
    });
  }

  test.each(ROLES)('say how they are without a key: %s', async (role) => {
    const url = runningOf(role).monitorUrl;
    expect(await (await fetch(`${url}/livez`)).json()).toEqual({ alive: true });
    const ready = await fetch(`${url}/readyz?from=test`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { ready: true, checks: { eventStore: 'ok', database: 'ok' } },
    ]);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('holdfast_commands_open');
    expect((await fetch(`${url}/v1/orders`)).status).toBe(404);
    expect((await fetch(`${url}/livez`, { method: 'POST' })).status).toBe(405);
    const head = await fetch(`${url}/readyz`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('are not ready any more while they finish what is in flight', async () => {
    const { url, monitorUrl, stop } = runningOf('api');
    const body = JSON.stringify({ receiptId: 'last', sku: 'MUG', quantity: 1 });
    const slow = request(`${url}/v1/locations/berlin/receipts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    const status = new Promise((resolve, reject) => {
      slow.once('response', (response) => resolve(response.resume().statusCode)).once('error', reject);
    });
    slow.write(body.slice(0, 10));
    expect(
      await eventually(async () =>
        (await (await fetch(`${monitorUrl}/metrics`)).text()).includes('holdfast_http_requests_in_flight 1'),
      ),
    ).toBe(true);
    const stopped = stop();
    expect(await eventually(async () => (await fetch(`${monitorUrl}/readyz`)).status === 503, 5_000)).toBe(
      true,
    );
    expect((await fetch(`${monitorUrl}/livez`)).status).toBe(200);
    slow.end(body.slice(10));
    expect(await status).toBe(201);
    await stopped;
  });
});
