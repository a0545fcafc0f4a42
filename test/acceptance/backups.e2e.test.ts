import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import { createApiKey } from '../../src/api/api-keys.js';
import { auditDocument } from '../../src/cli/audit/document.js';
import { auditHouse } from '../../src/cli/audit.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { type House, openHouse } from '../../src/main.js';
import { readSettings } from '../../src/settings.js';
import { tradeEverything } from '../audit/every-kind.js';
import { place } from '../support/orders.js';
import { closedDatabase, connectTo } from '../support/postgres.js';

/** Backups of the log and of the database, taken at A and, with more trade between, at B, restored in every pairing. */
const program = async (...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args]);
  return stdout;
};

let dir: string;
const databases: { drop(): Promise<void> }[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-backups-'));
});
afterAll(async () => {
  for (const database of databases) await database.drop();
  await rm(dir, { recursive: true, force: true });
});
const databaseLike = async (url?: string): Promise<string> => {
  const made = await closedDatabase(url);
  databases.push(made);
  return made.url;
};
const directory = (name: string): string => join(dir, name);

/** A house on this log and this database while `work` runs; its projections run too. */
const inHouse = async <Result>(
  log: string,
  databaseUrl: string,
  work: (house: House) => Promise<Result>,
): Promise<Result> => {
  const node = await startEventStore({ dir: directory(log) });
  try {
    const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: databaseUrl };
    const house = await openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent' }));
    const stop = new AbortController();
    const running = house.runProjections(stop.signal);
    try {
      return await work(house);
    } finally {
      stop.abort();
      await running;
      await house.close();
    }
  } finally {
    await node.stop();
  }
};

/** What the whole log comes to, where the read models have all of it and differ nowhere. */
const audited = async (house: House): Promise<unknown> => {
  await house.catchUp();
  const report = await auditHouse(house, { quiet: true });
  expect([report.ok, report.behind, report.ledger.unposted]).toEqual([true, 0, 0]);
  return auditDocument(report, { verbose: false });
};

/** Sold and shipped, so that the stock, the orders and the ledger all move. */
const sell = async ({ bus, orders }: House, name: string, count: number): Promise<void> => {
  const context = (what: string) => {
    const commandId = `${name}-${what}`;
    return { commandId, correlationId: commandId, actor: 'test', effectiveAt: '2026-04-01T12:00:00.000Z' };
  };
  const receipt = { type: 'receive', receiptId: name, quantity: count } as const;
  await bus.execute(stock, stockIdOf('main', name), receipt, context('receipt'));
  for (let i = 0; i < count; i++) {
    const id = orderIdOf('web', `${name}-${i}`);
    const lines = [{ lineId: 'l1', sku: name, unitPrice: '2.50' }];
    const order = place(lines, { externalId: `${name}-${i}`, confirm: 'auto', contentHash: `${i}` });
    await orders.execute(id, order, context(`place-${i}`));
    await orders.execute(id, { type: 'ship', shipmentId: 's' }, context(`ship-${i}`));
  }
};

describe('backups of different age', () => {
  let databaseA: string;
  let databaseB: string;
  let auditA: unknown;
  let auditB: unknown;

  beforeAll(async () => {
    const live = await databaseLike();
    auditA = await inHouse('live', live, async (house) => {
      await tradeEverything(house);
      await createApiKey(house.db, { role: 'admin' });
      const found = await audited(house);
      await program('event-store', 'backup', directory('live'), directory('A'));
      return found;
    });
    databaseA = await databaseLike(live);
    auditB = await inHouse('live', live, async (house) => {
      await sell(house, 'later', 20);
      const found = await audited(house);
      await program('event-store', 'backup', directory('live'), directory('B'));
      return found;
    });
    databaseB = await databaseLike(live);
    expect(auditB).not.toEqual(auditA);
  });

  test('a newer log with an older database: it starts and catches up to the same audit', async () => {
    expect(await inHouse('B', await databaseLike(databaseA), audited)).toEqual(auditB);
  });

  const refused = async (log: string, databaseUrl: string, reason: RegExp): Promise<void> => {
    const refusal = inHouse(log, databaseUrl, async () => 'opened');
    await expect(refusal).rejects.toMatchObject({
      code: 'log_mismatch',
      message: expect.stringMatching(reason),
    });
    await expect(refusal).rejects.toThrow(/restore the log .* or give this log an empty database/s);
  };

  test('an older log with a newer database is refused, and says what to do', async () => {
    await refused('A', databaseB, /the database has read up to \d+, the log ends at \d+/);
  });

  test('the way out of that: an empty database is built from the older log, and the keys are taken along', async () => {
    const empty = await databaseLike();
    expect(await inHouse('A', empty, audited)).toEqual(auditA);
    const [from, to] = await Promise.all([connectTo(databaseB), connectTo(empty)]);
    const { rows } = await from.query('SELECT json_agg(k)::text AS keys FROM runtime.api_keys k');
    const take =
      'INSERT INTO runtime.api_keys SELECT * FROM json_populate_recordset(NULL::runtime.api_keys, $1)';
    const { rowCount } = await to.query(take, [rows[0]?.keys]);
    expect(rowCount).toBe(1);
    await Promise.all([from.end(), to.end()]);
    expect(await inHouse('A', empty, audited)).toEqual(auditA);
  });

  test('an older log that has been written to since is refused, though it is longer than what the database has read', async () => {
    await program('event-store', 'backup', directory('A'), directory('another-way'));
    await inHouse('another-way', await databaseLike(databaseA), async (house) => {
      await sell(house, 'otherwise', 40);
      await house.catchUp();
    });
    await refused('another-way', databaseB, /the event that the database has read at \d+ is not there/);
  });

  test('another log is refused', async () => {
    await inHouse('another', await databaseLike(), async () => undefined);
    await refused('another', databaseB, /the database is of log \S+, this one is \S+/);
  });
});

test('a backup of a log that is written to has every append that was answered before it began, and is sound', async () => {
  const node = await startEventStore({ dir: directory('busy') });
  const open = { connectionString: node.connectionString, namespace: '' };
  const store = createEventStore(open);
  const answered: string[] = [];
  let stopped = false;
  const writer = async (number: number): Promise<void> => {
    for (let i = 0; !stopped && i < 20_000; i++) {
      const stream = `order-${number}-${i}`;
      const events = [1, 2].map((line) => ({
        id: crypto.randomUUID(),
        type: 'Written',
        data: { line, text: 'x'.repeat((i * 37) % 900) },
        metadata: {},
      }));
      await store.append(stream, events, -1);
      answered.push(stream);
    }
  };
  const writing = Promise.all(Array.from({ length: 16 }, (_, number) => writer(number)));
  while (answered.length < 500) await new Promise((done) => setTimeout(done, 5));
  const before = answered.slice();
  expect(await program('event-store', 'backup', directory('busy'), directory('copy'))).toMatch(
    /^copied and checked/,
  );
  const during = answered.length - before.length;
  stopped = true;
  await writing;
  await store.close();
  await node.stop();
  expect(during).toBeGreaterThan(0);

  expect(await program('event-store', 'verify', directory('copy'))).toMatch(
    /^sound: \d+ events .* 0 bytes being written/,
  );
  const restored = await startEventStore({ dir: directory('copy') });
  const reader = createEventStore({ ...open, connectionString: restored.connectionString });
  const found = new Map<string, number>();
  for await (const { events } of reader.readAll({ categories: ['order'] })) {
    for (const { stream } of events) found.set(stream, (found.get(stream) ?? 0) + 1);
  }
  // Nothing missing, and no append in halves.
  expect(before.filter((stream) => found.get(stream) !== 2)).toEqual([]);
  expect([...found.values()].filter((count) => count !== 2)).toEqual([]);
  expect(await reader.readLast(before[0] ?? '')).toMatchObject({ revision: 1 });
  await reader.close();
  await restored.stop();
});
