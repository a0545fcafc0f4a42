import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import type { Role } from '../../src/settings.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { eventually } from '../support/redis.js';

/**
 * The program as production runs it: `holdfast serve --roles ...` once for each role, in processes that share nothing but one event
 * store and one database; of the processes role two, one of which waits.
 */
const PROGRAM = join(process.cwd(), 'dist', 'cli', 'main.js');
const PATIENCE_MS = 45_000;

interface Served {
  readonly role: Role;
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly exit: Promise<number | null>;
}

let dir: string;
let eventStore: RunningEventStore;
let database: TestDatabase;
let url: string;
const serving: Served[] = [];

const serve = (role: Role): Served => {
  const { DATABASE_URL: _, EVENTSTORE_URL: __, REDIS_URL: ___, NODE_OPTIONS: ____, ...rest } = process.env;
  const env = {
    ...rest,
    EVENTSTORE_URL: eventStore.connectionString,
    DATABASE_URL: database.url,
    HOLDFAST_DATA_DIR: dir,
    HOLDFAST_LOG_LEVEL: 'warn',
  };
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--roles', role, '--port', '0'], { env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const served = { role, child, text: () => text, exit };
  serving.push(served);
  return served;
};
const up = async (served: Served, line: RegExp): Promise<string> => {
  const found = await eventually(() => line.test(served.text()), PATIENCE_MS);
  if (!found) throw new Error(`${served.role}: ${served.text()}`);
  return line.exec(served.text())?.[1] ?? '';
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-three-'));
  [eventStore, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  const [api] = [serve('api'), serve('projections'), serve('processes'), serve('processes')];
  url = await up(api, /API: (http:\S+)\/v1/);
  for (const one of serving) await up(one, /^roles: /m);
}, 120_000);
afterAll(async () => {
  for (const { child } of serving) child.kill('SIGKILL');
  await Promise.all(serving.map(({ exit }) => exit));
  await database?.drop();
  await eventStore?.stop();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

const headers = () => ({
  authorization: `Bearer ${readFileSync(join(dir, 'admin.key'), 'utf8').trim()}`,
  'content-type': 'application/json',
});
const call = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: headers(),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const read = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, body: read, after: answer.headers.get('event-position') ?? '' };
};
const accepted = async (method: string, path: string, body: unknown): Promise<string> => {
  const answer = await call(method, path, body);
  expect([answer.status < 300, answer.body]).toEqual([true, answer.body]);
  return answer.after;
};
const orderOf = (externalId: string, more: object = {}) => ({
  channel: 'web',
  externalId,
  currency: 'EUR',
  lines: [{ sku: 'MUG', quantity: 2, unitPrice: '9.99' }],
  ...more,
});
/** Somebody else gives an order that waits too long its outcome; the units it held are free again. */
const untilExpired = async (externalId: string): Promise<boolean> =>
  eventually(
    async () => (await call('GET', `/v1/orders/web~${externalId}`)).body.status === 'expired',
    PATIENCE_MS,
  );

interface Holder {
  readonly name: string;
  readonly pid: number;
  readonly epoch: bigint;
}
const holders = async (): Promise<Holder[]> => {
  const { rows } = await database.db.query<{ name: string; holder: string; epoch: bigint }>(
    "SELECT name, holder, epoch FROM runtime.leases WHERE expires_at > '-infinity'",
  );
  return rows.map(({ name, holder, epoch }) => ({ name, epoch, pid: Number(holder.split('/')[1]) }));
};

test('an order taken by one process is shipped, seen and posted by the others', async () => {
  await accepted('PUT', '/v1/locations/berlin', { name: 'Berlin' });
  const settings = { name: 'Web', timeZone: 'Europe/Berlin', currencies: ['EUR'], sources: ['berlin'] };
  await accepted('PUT', '/v1/channels/web', { ...settings, confirm: 'auto' });
  await accepted('POST', '/v1/locations/berlin/receipts', { receiptId: 'r', sku: 'MUG', quantity: 10 });
  const placed = await call('POST', '/v1/orders', orderOf('1'));
  expect([placed.status, placed.body.status]).toEqual([201, 'confirmed']);
  const shipped = await accepted('POST', '/v1/orders/web~1/shipments', { shipmentId: 's1' });

  const seen = await call('GET', `/v1/stock/MUG?after=${shipped}`);
  expect(seen.body).toMatchObject({ onHand: 8, held: 0, available: 8 });
  const page = await call('GET', `/v1/orders?channel=web&after=${shipped}`);
  expect(page.body.items).toMatchObject([{ id: 'web~1', status: 'completed' }]);
  const entries = async () => (await call('GET', '/v1/ledger/entries?party=web')).body.items;
  const posted = async () => ((await entries()) as unknown[] | undefined)?.length === 1;
  expect([await eventually(posted, PATIENCE_MS), await entries()]).toMatchObject([
    true,
    [{ kind: 'sale', reference: { orderId: 'web~1', shipmentId: 's1' } }],
  ]);

  await accepted(
    'POST',
    '/v1/orders',
    orderOf('2', { policy: { confirm: 'explicit', expiresInSeconds: 1 } }),
  );
  expect(await untilExpired('2')).toBe(true);
});

test('a process that is stopped in good order is followed by the one that waits', async () => {
  const before = (await holders()).find(({ name }) => name === 'processes');
  const first = serving.find(({ child }) => child.pid === before?.pid);
  expect(first?.role).toBe('processes');
  first?.child.kill('SIGTERM');
  expect(await first?.exit).toBe(0);
  await accepted(
    'POST',
    '/v1/orders',
    orderOf('3', { policy: { confirm: 'explicit', expiresInSeconds: 1 } }),
  );
  expect(await untilExpired('3')).toBe(true);
  const after = (await holders()).find(({ name }) => name === 'processes');
  expect(after).toMatchObject({ epoch: (before?.epoch ?? 0n) + 1n });
  expect(serving.find(({ child }) => child.pid === after?.pid)).toMatchObject({ role: 'processes' });
  expect(after?.pid).not.toBe(before?.pid);
});

test('all stopped in good order leave nothing locked, nothing open, and nothing half done', async () => {
  // Under way when the signal comes: each is finished and answered, or refused as a whole.
  const last = Array.from({ length: 20 }, (_, i) =>
    call('POST', '/v1/orders', orderOf(`last-${i}`)).then(
      ({ status, body }) => (status === 201 ? `${body.status}` : `${status}`),
      () => 'refused',
    ),
  );
  await last[0];
  for (const { child } of serving) child.kill('SIGTERM');
  expect(await Promise.all(serving.map(({ exit }) => exit))).toEqual(serving.map(() => 0));
  for (const answer of await Promise.all(last))
    expect(['confirmed', 'rejected', 'refused', '503']).toContain(answer);

  expect(await holders()).toEqual([]);
  const { rows: sessions } = await database.db.query(
    `SELECT state, query FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'holdfast'`,
  );
  expect(sessions).toEqual([]);
  const { rows: locks } = await database.db.query(
    `SELECT locktype, mode, granted FROM pg_locks
     WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (locktype = 'advisory' OR NOT granted OR pid <> pg_backend_pid())`,
  );
  expect(locks).toEqual([]);
  for (const served of serving) expect(served.text()).toContain('stopping');
});
