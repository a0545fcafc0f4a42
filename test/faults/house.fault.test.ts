import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Campaign } from './campaign.js';
import type { FaultName } from './faults.js';
import type { RoundPlan } from './plan.js';

/**
 * The short form of `npm run faults`: one house of separate processes, one round per kind of trouble, fixed seed. Each round ends
 * with the whole oracle: log against history, holds, ledger, tables against a fresh fold.
 */
const SEED = 3;
const TIMEOUT_MS = 300_000;
const CUSTOMERS = 30;
const FEW_CUSTOMERS = 24;

let campaign: Campaign;
const said: string[] = [];
beforeAll(async () => {
  campaign = await Campaign.start({ seed: SEED, apis: 1, say: (line) => said.push(line) });
  campaign.possible();
  const skipped = said.filter((line) => line.startsWith('skipped'));
  if (skipped.length > 0) console.info(skipped.join('\n'));
}, TIMEOUT_MS);
afterAll(() => campaign?.stop(), TIMEOUT_MS);

let round = 0;
const planOf = (...faults: readonly (readonly FaultName[])[]): RoundPlan => {
  round += 1;
  const possible = faults.map((names) => campaign.possible(names)).filter(({ length }) => length > 0);
  return {
    round,
    customers: CUSTOMERS,
    concurrency: 8,
    everybody: true,
    // Else each round waits for the watchdog, 10 s; the long form does.
    patient: false,
    faults: possible.map((names, index) => ({ afterCommands: 10 + 12 * index, names })),
  };
};

const expectNoViolation = async (...faults: readonly (readonly FaultName[])[]): Promise<void> => {
  const plan = planOf(...faults);
  const report = await campaign.round(plan);
  expect(report.violations).toEqual([]);
  expect([...report.faults].sort()).toEqual(plan.faults.flatMap(({ names }) => names).sort());
  // Otherwise nothing was attacked.
  expect(report.commands).toBeGreaterThan(CUSTOMERS);
};

test(
  'kill -9 of any process, and a rebuild, amid load lose, double and leak nothing, and another takes over within 10 s',
  () =>
    expectNoViolation(
      ['kill_api', 'kill_redis'],
      ['kill_event_store', 'rebuild'],
      ['kill_database'],
      ['kill_projections', 'kill_processes'],
    ),
  TIMEOUT_MS,
);

test(
  'runners that sleep past their lease and wake have no effect, while poison parks its stream alone',
  () => expectNoViolation(['poison_event'], ['sleep_past_lease']),
  TIMEOUT_MS,
);

test(
  'a network that is cut, slow, half open or late, for all of every role, and two runners at once, change nothing',
  () =>
    expectNoViolation(
      ['log_cut', 'database_slow', 'redis_slow'],
      ['log_half_open', 'http_half_open', 'database_half_open', 'redis_half_open'],
      ['stolen_lease', 'log_late'],
    ),
  TIMEOUT_MS,
);

test(
  'a full database server, full disks and a clock that jumps change nothing, and a clean stop is followed at once',
  () =>
    expectNoViolation(
      ['out_of_connections', 'clock_jump'],
      ['full_log_disk', 'full_database_disk'],
      ['stop_processes', 'stop_projections'],
    ),
  TIMEOUT_MS,
);

test(
  'what is changed by hand is seen: a wrong row, a missing one, a process that died by itself',
  async () => {
    const { house } = campaign;
    const report = await campaign.round({ ...planOf(), customers: FEW_CUSTOMERS }, async () => {
      const { db } = house.servers;
      const last = campaign.history.commands.filter(({ kind, answer }) => kind === 'place' && answer).at(-1);
      await db.query('DELETE FROM orders WHERE order_id = $1', [last?.stream.slice('order-'.length)]);
      await db.query('UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = $1', ['SKU-1']);
      process.kill(house.processes.find(({ role }) => role === 'api')?.pid ?? 0, 'SIGKILL');
    });
    const seen = report.violations.map(({ code, detail }) =>
      code === 'audit' ? detail.split(':')[0] : code,
    );
    expect([...new Set(seen)].sort()).toEqual(['died_by_itself', 'not_read_back', 'orders', 'stock_levels']);
  },
  TIMEOUT_MS,
);
