import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { location } from '../../src/domain/location.js';
import { openHouse } from '../../src/main.js';
import { readSettings } from '../../src/settings.js';
import { tradeEverything } from '../audit/every-kind.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

const TIMEOUT_MS = 120_000;
const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let dir: string;
let node: RunningEventStore;
let database: TestDatabase;

const audit = (
  flags: readonly string[] = [],
  log = node.connectionString,
  url = database.url,
): Promise<Ended> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [PROGRAM, 'audit', ...flags], {
      env: { ...process.env, EVENTSTORE_URL: log, DATABASE_URL: url, NODE_OPTIONS: '' },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.once('error', fail);
    child.once('close', (code) => done({ code, out, err }));
  });

const withHouse = async (
  work: (house: Awaited<ReturnType<typeof openHouse>>) => Promise<void>,
): Promise<void> => {
  const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: database.url };
  const house = await openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent' }));
  try {
    await work(house);
  } finally {
    await house.close();
  }
};

const project = () =>
  withHouse(async (house) => {
    const stop = new AbortController();
    const running = house.runProjections(stop.signal);
    await house.catchUp();
    stop.abort();
    await running;
  });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  database = await testDatabase();
  node = await startEventStore({ dir: join(dir, 'log') });
  await withHouse(tradeEverything);
  // A copy of the log as it was before its last events.
  await node.stop();
  await cp(join(dir, 'log'), join(dir, 'shorter'), { recursive: true });
  node = await startEventStore({ dir: join(dir, 'log') });
  await project();
}, TIMEOUT_MS);

afterAll(async () => {
  await node.stop();
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

describe('holdfast audit', () => {
  test(
    'exits 0 and prints totals, balances, stock and tables when nothing differs',
    async () => {
      const { code, out } = await audit();
      expect(out).toContain('Nothing differs.');
      expect(out).toMatch(/sales +115\.00 +7 orders +22/);
      expect(out).toMatch(/credit notes +-77\.10 +8 notes +10/);
      expect(out).toMatch(/difference +0\.00/);
      expect(out).toMatch(/stock_movements +\d+ +0/);
      expect(code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'prints one JSON document that is the same every time, and how it went only when asked',
    async () => {
      const [first, second] = [await audit(['--json']), await audit(['--json', '--verbose'])];
      const { run, ...same } = JSON.parse(second.out) as Record<string, unknown>;
      expect(JSON.parse(first.out)).toEqual(same);
      expect(first.out).not.toContain('"run"');
      expect(same).toMatchObject({
        ok: true,
        currencies: { GBP: { sales: '115.00' } },
        readModels: { differences: 0 },
      });
      expect(run).toMatchObject({ behind: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    'exits 1 and names the row after a cell was changed by hand',
    async () => {
      await database.db.query(
        `UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'D' AND location = 'shop'`,
      );
      const { code, out } = await audit();
      await database.db.query(
        `UPDATE stock_levels SET on_hand = on_hand - 1 WHERE sku = 'D' AND location = 'shop'`,
      );
      expect(out).toContain('stock_levels location=shop sku=D: on_hand: log says "3", table says "4"');
      expect(out).toContain('stock_levels location=shop sku=D: available');
      expect(out).toContain('NOT SOUND: 1 rows differ, 0 violations, 0 parked streams.');
      expect(code).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    'exits 1 and names the stream while one is parked',
    async () => {
      await database.db.query(
        `INSERT INTO read_model.parked_events (stream, revision, event_id, type, data, metadata, commit_position,
         prepare_position, recorded_at, error)
       VALUES ('stock-main~A', 1, 'e', 'StockHeld', '{}', '{}', 1, 1, now(), 'poison')`,
      );
      const { code, out } = await audit();
      await database.db.query('DELETE FROM read_model.parked_events');
      expect(out).toContain('stock-main~A: 1 events, from StockHeld at revision 1: poison');
      expect(code).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    'audits as of where the read models are, and says how far they are behind',
    async () => {
      await withHouse(async ({ bus }) => {
        const context = {
          commandId: 'x',
          correlationId: 'x',
          actor: 'test',
          effectiveAt: '2026-04-01T00:00:00Z',
        };
        await bus.execute(location, 'new', { type: 'configure', settings: { name: 'New' } }, context);
      });
      const { code, out } = await audit();
      await project();
      expect(out).toContain('The read models are 1 events behind the end of the log');
      expect(code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'refuses a log whose last events are gone, and another log, with exit code 2',
    async () => {
      const shorter = await startEventStore({ dir: join(dir, 'shorter') });
      const gone = await audit([], shorter.connectionString);
      await shorter.stop();
      expect(gone.err).toContain('holdfast: log_mismatch: ');
      expect(gone).toMatchObject({ code: 2, out: '' });

      const another = await startEventStore({ inMemory: true });
      const wrong = await audit([], another.connectionString);
      await another.stop();
      expect(wrong.err).toContain('holdfast: log_mismatch: ');
      expect(wrong).toMatchObject({ code: 2, out: '' });
    },
    TIMEOUT_MS,
  );

  test(
    'has nothing to compare where no read model was ever built, and says so with exit code 2',
    async () => {
      const empty = await testDatabase();
      const { code, err } = await audit([], node.connectionString, empty.url);
      await empty.drop();
      expect(err).toContain('holdfast: no_read_models: ');
      expect(code).toBe(2);
    },
    TIMEOUT_MS,
  );
});
