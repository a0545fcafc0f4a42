import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BenchOutcome, check, figure } from './report.js';
import { DURABILITY, watchMemory } from './support.js';

const ROOT = join(import.meta.dirname, '../..');
export const YEAR = join(ROOT, '../shared/data/online-retail/online_retail.csv.gz');
const PROGRAM = join(ROOT, 'dist/cli/main.js');
const SECONDS_MAX = 300;
const MEMORY_MAX_MIB = 1_024;
/** What the year comes to, from the data's own README. */
const SALES = '10655622.48';
const ORDERS = 19_959;

interface AuditDocument {
  readonly ok: boolean;
  readonly currencies: Readonly<Record<string, { readonly sales: string; readonly orders: number }>>;
  readonly events: { readonly total: number };
}

const holdfast = async (dataDir: string, flags: readonly string[]) => {
  const child = spawn(process.execPath, ['--max-semi-space-size=64', PROGRAM, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HOLDFAST_DATA_DIR: dataDir, EVENTSTORE_URL: '', DATABASE_URL: '', REDIS_URL: '' },
  });
  const began = performance.now();
  const memory = watchMemory(child.pid ?? 0);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, seconds: (performance.now() - began) / 1_000, memory: memory.stop() };
};

/** The Online Retail year, imported as anybody would do it, from an empty directory to read models that have all of it. */
export const benchHistory = async (dir: string): Promise<BenchOutcome> => {
  const dataDir = join(dir, 'history');
  const imported = await holdfast(dataDir, ['import', 'online-retail', YEAR]);
  const audited = await holdfast(dataDir, ['audit', '--json']);
  const document = JSON.parse(audited.out) as AuditDocument;
  const { sales, orders } = document.currencies.GBP ?? { sales: 'none', orders: 0 };
  return {
    conditions: `541,909 rows, holdfast import as it comes (128 orders in flight); ${DURABILITY}`,
    figures: [
      figure('orders per second, all told', orders / imported.seconds),
      figure('events per second, all told', document.events.total / imported.seconds),
      figure('whole audit afterwards', audited.seconds, 's'),
      ...[...imported.memory].map(([what, mib]) => figure(`anonymous memory, ${what}`, mib, 'MiB')),
    ],
    reaches: [
      {
        what: 'history: imported end to end',
        limit: SECONDS_MAX,
        direction: 'at most',
        got: imported.seconds,
        unit: 's',
      },
      {
        what: 'history: anonymous memory of the largest process',
        limit: MEMORY_MAX_MIB,
        direction: 'at most',
        got: Math.max(...imported.memory.values()),
        unit: 'MiB',
      },
    ],
    checks: [
      check('the import refused nothing', imported.code === 0),
      check(`sales are ${sales} over ${orders} orders`, sales === SALES && orders === ORDERS),
      check('audit: no row differs from the log', audited.code === 0 && document.ok),
    ],
  };
};
