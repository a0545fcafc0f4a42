import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Command } from 'commander';
import { runAudit } from '../../src/audit/audit.js';
import { registerAudit } from '../../src/cli/audit.js';
import { registerRebuild } from '../../src/cli/rebuild.js';
import { registerStatus } from '../../src/cli/status.js';
import { allProjections } from '../../src/projections/index.js';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import { rebuildProjections } from '../../src/runtime/projection-rebuild.js';
import { tradeEverything } from '../audit/every-kind.js';
import { startTestHouse, type TestHouse } from '../support/house.js';

let house: TestHouse;
beforeAll(async () => {
  house = await startTestHouse();
  await tradeEverything(house.house);
  await house.settled();
  process.env.EVENTSTORE_URL = house.house.services.eventStoreUrl;
  process.env.DATABASE_URL = house.house.services.databaseUrl;
}, 120_000);
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => house.stop());

/** Runs the commands in this process, in a house of their own on the same log and database. Answers what they print. */
const holdfast = async (...args: readonly string[]): Promise<string> => {
  const program = new Command('holdfast').exitOverride();
  for (const register of [registerRebuild, registerStatus, registerAudit]) register(program);
  let out = '';
  const quiet = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((chunk) => {
      if (stream === process.stdout) out += String(chunk);
      return true;
    }),
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return out;
  } finally {
    for (const one of quiet) one.mockRestore();
  }
};

test('the read models are rebuilt, audited, switched, switched back and dropped, while the API answers', async () => {
  const page = () => house.request('GET', '/v1/orders/web~partly');
  const before = await page();
  expect(before.status).toBe(200);
  let pages = 0;
  let asking = true;
  const reader = (async () => {
    for (; asking; pages += 1) {
      expect((await page()).body).toEqual(before.body);
      await delay(5);
    }
  })();
  try {
    expect(await holdfast('rebuild', '--no-switch')).toContain('rebuilt: ');
    expect(await holdfast('status')).toMatch(/^next .* 0 streams parked, of this version$/m);
    const metrics = await house.house.registry.metrics();
    expect(metrics).toMatch(/^holdfast_read_models_position\{set="live"\} \d+$/m);
    expect(metrics).toMatch(/^holdfast_read_models_position\{set="next"\} \d+$/m);
    expect(await holdfast('audit', '--set', 'next')).toContain('Nothing differs.');
    expect(await holdfast('rebuild')).toContain('rebuilt and switched: ');
    expect(JSON.parse(await holdfast('status', '--json')).standby).toMatchObject([
      { set: 'previous', parkedStreams: 0, changes: [] },
    ]);
    expect(await holdfast('audit', '--set', 'previous')).toContain('Nothing differs.');
    expect(await holdfast('rebuild', '--back')).toContain('switched back: ');
    expect(await holdfast('rebuild', '--drop', 'previous')).toContain('dropped');
    await expect(holdfast('rebuild', '--back')).rejects.toMatchObject({ code: 'no_such_set' });
    await expect(holdfast('rebuild', '--back', '--in-place')).rejects.toMatchObject({
      code: 'commander.conflictingOption',
    });
    await expect(holdfast('rebuild', '--drop', 'live')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
    expect(await holdfast('audit')).toContain('Nothing differs.');
  } finally {
    asking = false;
    await reader;
  }
  expect(pages).toBeGreaterThan(0);
}, 120_000);

test('an audit that is under way keeps the tables that it began with', async () => {
  const { db, store, codec } = house.house;
  const options = { db, store, codec, projections: allProjections, holder: 'test' };
  const { generation = 0 } = (await readCheckpoint(db)) ?? {};
  const isWaiting = async (): Promise<boolean> =>
    (await db.query(`SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted`)).rows.length >
    0;
  let rebuilt: Promise<unknown> | undefined;
  const report = await runAudit({
    db,
    codec,
    store: {
      async *readAll(read) {
        rebuilt ??= rebuildProjections(options);
        // It wants to switch and must wait for us; or it has not waited.
        while (!(await isWaiting()) && (await readCheckpoint(db))?.generation === generation) await delay(5);
        yield* store.readAll(read);
      },
    },
  });
  expect(report.ok).toBe(true);
  await rebuilt;
  expect((await readCheckpoint(db))?.generation).toBe(generation + 1);
}, 120_000);
