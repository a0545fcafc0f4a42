import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readPlan } from '../../src/adapters/channels/online-retail/plan.js';
import type { Plan } from '../../src/adapters/channels/online-retail/plan-types.js';
import { totalsOf } from '../../src/adapters/channels/online-retail/totals.js';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import { connectDatabase } from '../../src/adapters/postgres/connect.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.js';
import { formatAmount } from '../../src/domain/money.js';
import { type StockEvent, type StockState, stock } from '../../src/domain/stock.js';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import type { Database } from '../../src/runtime/database.js';
import type { EventStore, StoredEvent } from '../../src/runtime/event-store.js';
import { countByType, expectedEvents } from '../adapters/channels/online-retail/expected-events.js';
import { databaseControl } from './servers.js';

const FILE = fileURLToPath(
  new URL('../../../shared/data/online-retail/online_retail.csv.gz', import.meta.url),
);
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const present = existsSync(FILE);
if (!present) console.info(`skipped: the Online Retail file is not part of the project and not at ${FILE}`);

/** Half of what CI imports: eleven starts over the same rows are what this costs. */
const ROWS = 10_000;
/**
 * Killed in turn, at a random point of the log each: the process that writes, the one that started it and follows, the store.
 * Whoever is killed late has the most to look through again.
 */
const VICTIMS = 'importer store program store importer store program store importer store'.split(' ');
/** Then, while ledger and read models are made of it, PostgreSQL, each time further on. */
const DATABASE_KILLS = 3;
/** A little less than the import writes, so that every kill comes before its end. */
const LOG_BYTES = ROWS * 850;
const POLL_MS = 15;
/** A busy machine is slow, not wrong. */
const TIMEOUT_MS = 600_000;
const CATEGORIES = ['system', 'channel', 'location', 'stock', 'order', 'return', 'settlement'];

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; out: string; errors: string }>;
}

(present ? describe : describe.skip)('an import of the first 10,000 rows', () => {
  let dir: string;
  let node: RunningEventStore;
  let postgres: EmbeddedPostgres;
  let db: Database;
  let reader: EventStore;
  let plan: Plan;
  const running = new Set<ChildProcess>();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-import-kill-'));
    [node, postgres, plan] = await Promise.all([
      startEventStore({ dir }),
      startEmbeddedPostgres({ dir: join(dir, 'postgres') }),
      readPlan(FILE, { limitRows: ROWS }),
    ]);
    db = await connectDatabase({ url: postgres.url, poolSize: 1 });
    reader = createEventStore({ connectionString: node.connectionString });
  }, TIMEOUT_MS);

  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await reader.close();
    await node.stop();
    await db.close();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }, TIMEOUT_MS);

  test(
    'comes to the same end after kills -9 of all that takes part',
    async () => {
      const startImport = (...more: readonly string[]) =>
        startProgram(
          'import',
          'online-retail',
          FILE,
          '--rows',
          String(ROWS),
          '--in-flight',
          '128',
          '--report',
          join(dir, 'report.jsonl'),
          ...more,
        );
      let program = startImport('--no-follow');
      for (const [index, victim] of VICTIMS.entries()) {
        const share = (index + 0.1 + 0.8 * Math.random()) / VICTIMS.length;
        if (!(await logReaches(share * LOG_BYTES, program)))
          await expectExit(program, `a kill of the ${victim}`);
        if (victim === 'store') {
          node.kill('SIGKILL');
          await node.exited;
          node = await startEventStore({ dir, port: node.port });
        } else {
          for (const pid of victim === 'program' ? [program.child.pid ?? 0] : childrenOf(program)) {
            process.kill(pid, 'SIGKILL');
          }
          await expectExit(program, victim === 'program' ? 'SIGKILL' : 2);
          program = startImport('--no-follow');
        }
      }
      await expectExit(program, 0);
      // Nothing is left to do but to post and to project.
      const following = startImport();
      await killDatabaseAmid(following);
      await expectExit(following, 0);
      const log = await readLog();
      expect(countByType(log)).toEqual({ ...expectedEvents(plan), LogCreated: 1 });
      expect(onHandOf(log)).toEqual(onHandExpected(plan));
      const audit = await expectExit(startProgram('audit', '--json'), 0);
      const { sales, credits } = totalsOf(plan);
      expect(JSON.parse(audit.out)).toMatchObject({
        ok: true,
        currencies: {
          GBP: {
            sales: formatAmount(sales.pence, 'GBP'),
            orders: sales.orders,
            units: sales.units,
            credits: formatAmount(credits.pence, 'GBP'),
            creditNotes: credits.notes,
            creditedUnits: credits.units,
          },
        },
      });
    },
    TIMEOUT_MS,
  );

  /** One command of the built program on this event store and database. */
  function startProgram(...args: readonly string[]): Run {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HOLDFAST_DATA_DIR: dir,
        EVENTSTORE_URL: node.connectionString,
        DATABASE_URL: postgres.url,
      },
    });
    running.add(child);
    const ended = (async () => {
      const [exit, out, errors] = await Promise.all([
        once(child, 'exit'),
        text(child.stdout),
        text(child.stderr),
      ]);
      running.delete(child);
      return { code: exit[0] as number | null, signal: exit[1] as string | null, out, errors };
    })();
    return { child, ended };
  }

  /** True once the log is that long; false when the program ended before. */
  async function logReaches(bytes: number, { child }: Run): Promise<boolean> {
    for (;;) {
      const end = await reader.readEnd();
      if (end !== undefined && end.commit >= BigInt(Math.round(bytes))) return true;
      if (child.exitCode !== null) return false;
      await sleep(POLL_MS);
    }
  }

  /** Each time when the read models have more of the log than at the last time, and the first time before they have anything. */
  async function killDatabaseAmid({ child }: Run): Promise<void> {
    const control = databaseControl(join(dir, 'postgres', 'data'), db);
    const positionNow = async (): Promise<bigint | undefined> =>
      (await readCheckpoint(db).catch(() => undefined))?.position.commit;
    let before = -1n;
    for (let kills = 0; kills < DATABASE_KILLS; kills += 1) {
      for (let now = await positionNow(); now === undefined || now <= before; now = await positionNow()) {
        expect(child.exitCode).toBeNull();
        await sleep(POLL_MS);
      }
      await control.killDatabase();
      await control.untilDatabaseAnswers();
      before = (await positionNow()) ?? before;
    }
  }

  async function readLog(): Promise<StoredEvent[]> {
    const log: StoredEvent[] = [];
    for await (const { events } of reader.readAll({ categories: CATEGORIES })) log.push(...events);
    return log;
  }
});

/** What it said, once it ended as expected; else what it said is the error. */
async function expectExit({ ended }: Run, expected: number | string): Promise<{ readonly out: string }> {
  const { code, signal, out, errors } = await ended;
  const got = signal ?? code;
  if (got !== expected) throw new Error(`it ended with ${got}, not with ${expected}\n${out}\n${errors}`);
  return { out };
}

function childrenOf({ child: { pid } }: Run): number[] {
  const children = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return children.split('\n').filter(Boolean).map(Number);
}

/** On hand per stock stream by folding the log; a hold that is still open is a leak and shows as `leaked`. */
function onHandOf(log: readonly StoredEvent[]): Record<string, number | 'leaked'> {
  const states = new Map<string, StockState>();
  for (const { stream, type, data } of log) {
    if (!stream.startsWith('stock-')) continue;
    const event = { type, data } as StockEvent;
    states.set(stream, stock.evolve(states.get(stream) ?? stock.initialState, event));
  }
  return Object.fromEntries(
    [...states]
      .map(([stream, { onHand, holds }]) => [stream, holds.held === 0 ? onHand : 'leaked'] as const)
      .sort(),
  );
}

/** What must lie there by the plan: what was received, found and taken back, less what was sold and written off. */
function onHandExpected(plan: Plan): Record<string, number> {
  const units = new Map<string, number>();
  const move = (sku: string, quantity: number) => units.set(sku, (units.get(sku) ?? 0) + quantity);
  for (const { sku, quantity } of plan.opening) move(sku, quantity);
  for (const item of plan.items) {
    if (item.type === 'order') {
      for (const { kind, sku, quantity } of item.lines) if (kind === 'goods') move(sku, -quantity);
    } else if (item.type === 'credit' && item.kind === 'goods') move(item.sku, item.quantity);
    else if (item.type === 'adjustment') move(item.sku, item.delta);
  }
  return Object.fromEntries(
    [...units].map(([sku, onHand]) => [`stock-main~${encodeURIComponent(sku)}`, onHand] as const).sort(),
  );
}
