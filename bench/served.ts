import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { auditHouse } from '../src/cli/audit.js';
import { type ApiClient, createApiClient, expectStatus, inParallel } from '../src/cli/demo/client.js';
import { type House, openHouse } from '../src/main.js';
import { readSettings } from '../src/settings.js';
import { CHANNEL, LOCATION } from './support.js';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
const STOP_TIMEOUT_MS = 30_000;

/** A `holdfast serve`, as anybody would start it, and how to ask it. */
export interface Served {
  readonly url: string;
  readonly key: string;
  /** The process that answers; the event store and PostgreSQL are its children. */
  readonly pid: number;
  /** The process that runs the read models and the poster: the same, or another beside it. */
  readonly backPid: number;
  readonly api: ApiClient;
  /** Attached to the same directory, for audits and questions to the tables; runs no role. */
  readonly house: House;
  /** Sum of a counter at `/metrics`, over all its labels. */
  counter(name: string): Promise<number>;
}

interface Serving {
  readonly pid: number;
  /** What the first line that matches has in its first group. */
  said(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

const serve = (env: Record<string, string>, ...options: string[]): Serving => {
  const profile = process.env.BENCH_CPU_PROF_DIR;
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=64', ...flags, PROGRAM, 'serve', '--port', '0', ...options],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
  );
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  return {
    pid: child.pid ?? 0,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          const found = pattern.exec(line)?.[1];
          if (found !== undefined) resolve(found);
        });
        exited.then(() => reject(new Error('holdfast serve ended')), reject);
      }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
};

/**
 * Serves from `dataDir` (everything embedded and durable) until `work` has ended: all roles in one process, or the API in one and the
 * others in a second.
 */
export const withServed = async <Result>(
  dataDir: string,
  processes: 1 | 2,
  work: (served: Served) => Promise<Result>,
): Promise<Result> => {
  const settings = {
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_LOG_LEVEL: 'warn',
    // The limit is per key, and the load of many shops comes with one.
    HOLDFAST_REQUESTS_PER_SECOND: '1000000',
    EVENTSTORE_URL: '',
    DATABASE_URL: '',
    REDIS_URL: '',
  };
  const front = serve(settings, ...(processes === 1 ? [] : ['--roles', 'api']));
  let back = front;
  let house: House | undefined;
  try {
    const url = await front.said(/API: (http\S+)\/v1/);
    if (processes === 2) {
      back = serve(settings, '--roles', 'processes,projections');
      await back.said(/roles: (.*)/);
    }
    const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
    house = await openHouse(readSettings(settings));
    const counter = async (name: string): Promise<number> => {
      const page = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
      let sum = 0;
      for (const line of (await page.text()).split('\n')) {
        if (line.startsWith(name) && /^[ {]/.test(line.slice(name.length)))
          sum += Number(line.split(' ').at(-1));
      }
      return sum;
    };
    return await work({
      url,
      key,
      pid: front.pid,
      backPid: back.pid,
      api: createApiClient(url, key),
      house,
      counter,
    });
  } finally {
    await house?.close();
    await back.stop();
    await front.stop();
  }
};

/** One location, one channel that confirms by itself, and so many SKUs with so many units each. */
export const openShop = async (api: ApiClient, skus: readonly string[], units: number): Promise<void> => {
  await expectStatus('location', api.put(`/v1/locations/${LOCATION}`, { name: 'Main' }), 200, 201);
  const settings = { name: 'Web', timeZone: 'Europe/Berlin', currencies: ['EUR'], sources: [LOCATION] };
  await expectStatus(
    'channel',
    api.put(`/v1/channels/${CHANNEL}`, { ...settings, confirm: 'auto' }),
    200,
    201,
  );
  await inParallel(skus, 64, async (sku) => {
    const receipt = { receiptId: 'all', sku, quantity: units };
    await expectStatus('receipt', api.post(`/v1/locations/${LOCATION}/receipts`, receipt), 200, 201);
  });
};

/** Whether every row of every read model agrees with the log, once they have all of it. */
export const isSound = async (house: House): Promise<boolean> => {
  await house.catchUp();
  return (await auditHouse(house, { quiet: true })).ok;
};

/** How the database really runs. */
export const isDurable = async ({ db }: House): Promise<boolean> => {
  const sql = "SELECT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') = 'on' AS on";
  return (await db.query<{ on: boolean }>(sql)).rows[0]?.on === true;
};

/** Orders in the read model by status. */
export const ordersByStatus = async ({ db }: House): Promise<ReadonlyMap<string, number>> => {
  const sql = 'SELECT status, count(*)::int AS orders FROM read_model.orders GROUP BY status';
  const { rows } = await db.query<{ status: string; orders: number }>(sql);
  return new Map(rows.map(({ status, orders }) => [status, Number(orders)]));
};
