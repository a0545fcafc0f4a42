import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Campaign, type RoundPlan } from './campaign.js';
import type { FaultName } from './faults.js';

/**
 * The short form of `npm run faults`: one house of separate processes, one round per kind of trouble, fixed seed. Each round ends
 * with the whole oracle: log against history, holds, ledger, tables against a fresh fold.
 */
const SEED = 3;
const TIMEOUT_MS = 300_000;
const CUSTOMERS = 40;

let campaign: Campaign;
const said: string[] = [];
beforeAll(async () => {
  campaign = await Campaign.start({ seed: SEED, apis: 1, say: (line) => said.push(line) });
}, TIMEOUT_MS);
afterAll(() => campaign?.stop(), TIMEOUT_MS);

let round = 0;
const expectNoViolation = async (...faults: readonly (readonly FaultName[])[]): Promise<void> => {
  round += 1;
  const plan: RoundPlan = {
    round,
    customers: CUSTOMERS,
    concurrency: 8,
    faults: faults.map((names, index) => ({ afterCommands: 10 + 12 * index, names })),
  };
  const report = await campaign.round(plan);
  expect(report.violations).toEqual([]);
  expect(report.faults).toEqual(faults.flat());
  // Otherwise nothing was attacked.
  expect(report.commands).toBeGreaterThan(CUSTOMERS);
};

test(
  'kill -9 of any process amid load loses, doubles and leaks nothing, and another takes over within 10 s',
  () =>
    expectNoViolation(
      ['kill_api'],
      ['kill_event_store'],
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
  'a network that is cut, half open or late with its answers, and two runners at once, change nothing',
  () =>
    expectNoViolation(['log_cut', 'database_cut'], ['log_half_open'], ['stolen_lease', 'database_half_open']),
  TIMEOUT_MS,
);

test(
  'a full database server, a full disk and a clock that jumps change nothing, and a clean stop is followed at once',
  () =>
    expectNoViolation(
      ['out_of_connections', 'clock_jump'],
      ['full_disk'],
      ['stop_processes', 'stop_projections'],
    ),
  TIMEOUT_MS,
);
