import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const FILE = fileURLToPath(new URL('./with-bad-rows.csv', import.meta.url));
const TIMEOUT_MS = 60_000;

describe('holdfast import online-retail, with a file that has bad rows', () => {
  let dir: string;
  let node: RunningEventStore;
  let database: TestDatabase;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-import-'));
    [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await node.stop();
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  }, TIMEOUT_MS);

  test(
    'takes the good rows and names every other with its number and reason, on the screen and in the report',
    async () => {
      const report = join(dir, 'report.ndjson');
      const { code, out } = await holdfast('import', 'online-retail', FILE, '--report', report);
      expect(code).toBe(0);
      expect(out).toContain('11 rows read');
      expect(out).toContain(
        'bad rows: 5\n  row 2: bad_quantity "six"\n  row 4: write_off_with_price "1.85"\n',
      );
      expect(out).toContain('rows without effect (not goods, and free): 1\n  row 11: 2008-2, 1 of POST\n');
      const lines = (await readFile(report, 'utf8')).trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        { kind: 'bad_row', row: 2, reason: 'bad_quantity', detail: 'six', invoice: '2001' },
        { kind: 'bad_row', row: 4, reason: 'write_off_with_price', detail: '1.85', invoice: '2002' },
        { kind: 'bad_row', row: 5, reason: 'bad_date', detail: '2011-06-31 09:00:00', invoice: '2003' },
        { kind: 'bad_row', row: 7, reason: 'unknown_invoice_letter', detail: 'X2005' },
        { kind: 'bad_row', row: 8, reason: 'unreadable_record', detail: expect.any(String) },
        expect.objectContaining({ kind: 'without_effect', row: 11, id: '2008-2' }),
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    'has ledger and read models right when it ends, and changes nothing when it is run again',
    async () => {
      const before = await holdfast('audit', '--json');
      expect(before.code).toBe(0);
      expect(JSON.parse(before.out)).toMatchObject({
        ok: true,
        currencies: {
          GBP: {
            sales: '38.85',
            orders: 2,
            units: 10,
            credits: '-5.00',
            creditNotes: 1,
            creditedUnits: 2,
            months: {
              '2011-06': { sales: '33.30', credits: '0.00' },
              '2011-07': { sales: '5.55', credits: '-5.00' },
            },
          },
        },
        ledger: { trialBalances: { GBP: { difference: '0.00' } } },
      });
      const again = await holdfast('import', 'online-retail', FILE, '--strict');
      expect(again.code).toBe(1);
      expect(again.out).toContain('2 orders, 2 of them by an earlier run');
      expect((await holdfast('audit', '--json')).out).toBe(before.out);
    },
    TIMEOUT_MS,
  );

  test(
    'refuses a file that is another one, and writes nothing',
    async () => {
      const { code, errors } = await holdfast('import', 'online-retail', PROGRAM);
      expect(code).toBe(2);
      expect(errors).toContain('holdfast: unknown_header');
    },
    TIMEOUT_MS,
  );

  async function holdfast(...args: readonly string[]) {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HOLDFAST_DATA_DIR: dir,
        EVENTSTORE_URL: node.connectionString,
        DATABASE_URL: database.url,
      },
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, out, errors };
  }
});
