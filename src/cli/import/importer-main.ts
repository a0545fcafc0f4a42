import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { importOnlineRetail } from '../../adapters/channels/online-retail/import.js';
import type { ImportReport } from '../../adapters/channels/online-retail/import-types.js';
import { readPlan } from '../../adapters/channels/online-retail/plan.js';
import type { Plan } from '../../adapters/channels/online-retail/plan-types.js';
import { createEventStore } from '../../adapters/event-store/event-store.js';
import { allEventDefinitions } from '../../domain/events.js';
import { createLedger } from '../../processes/ledger.js';
import { createOrderProcess } from '../../processes/order-process.js';
import { createReturnProcess } from '../../processes/return-process.js';
import { createCodec } from '../../runtime/codec.js';
import { createCommandRunner, type RunnerLimits } from '../../runtime/command-runner.js';
import { createFigures } from './figures.js';
import type { ImportTarget, ImportTask } from './importer.js';
import { createProgress } from './progress.js';
import { summaryOf, writeReport } from './report.js';

/**
 * The program of the process that imports: reads the file, waits for its target as a line on standard input, writes, prints. It
 * ends at once when standard input does: who started it is gone. Exit codes as for every command.
 */

/**
 * An importer has one kind of traffic: hundreds of orders at once, of some thirty lines each, over a few thousand stock streams
 * that are all written again and again, while an order is hardly ever asked for once it is shipped.
 * Nobody else writes to them, so it neither looks nor asks for turns.
 */
const IMPORT_LIMITS: Partial<RunnerLimits> = {
  openCommands: 131_072,
  streamCommands: 4_096,
  lookEveryMs: Number.POSITIVE_INFINITY,
  cachedBytes: 512 * 1024 * 1024,
};

const EXIT_REFUSED = 1;
const EXIT_FAILED = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const secondsSince = (began: number): number => (performance.now() - began) / 1_000;

const writePlan = async (plan: Plan, task: ImportTask, target: ImportTarget): Promise<ImportReport> => {
  const { eventStoreUrl: connectionString, namespace } = target;
  const store = createEventStore({ connectionString, namespace });
  const figures = createFigures();
  const codec = createCodec(allEventDefinitions);
  const bus = createCommandRunner({ store, codec, limits: IMPORT_LIMITS, metrics: figures.metrics });
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error('interrupted; run it again and it goes on from here'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = createProgress('importing', say);
  const began = performance.now();
  try {
    const report = await importOnlineRetail({
      plan,
      bus,
      orders: createOrderProcess(bus),
      returns: createReturnProcess(bus),
      ledger: createLedger(bus),
      inFlight: task.inFlight,
      onProgress: ({ done, total, orders, refused }) => {
        progress.update(done, total, () => `${orders} orders, ${refused} refused`);
      },
      signal: stop.signal,
    });
    progress.stop();
    for (const line of figures.lines(report, secondsSince(began))) say(line);
    return report;
  } finally {
    progress.stop();
    await bus.close();
    await store.close();
  }
};

const run = async (task: ImportTask): Promise<number> => {
  const lines = createInterface({ input: process.stdin });
  const target = once(lines, 'line').then(([line]) => JSON.parse(String(line)) as ImportTarget);
  process.stdin.once('end', () => process.exit(EXIT_FAILED));
  const began = performance.now();
  const plan = await readPlan(task.file, task.rows === undefined ? {} : { limitRows: task.rows });
  const { rows, items, bad, withoutEffect } = plan;
  say(
    `${rows} rows read in ${secondsSince(began).toFixed(1)} s: ${items.length} orders, credits and adjustments, ` +
      `${bad.length} bad rows, ${withoutEffect.length} without effect`,
  );
  const report = await writePlan(plan, task, await target);
  if (task.report !== undefined) await writeReport(task.report, plan, report);
  for (const line of summaryOf(plan, report)) say(line);
  return report.refusals.length > 0 || (task.strict && bad.length > 0) ? EXIT_REFUSED : 0;
};

try {
  process.exitCode = await run(JSON.parse(process.argv[2] ?? '') as ImportTask);
} catch (error) {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const what = typeof code === 'string' ? `${code}: ` : '';
  process.stderr.write(`holdfast: ${what}${String(message ?? error)}\n`);
  process.exitCode = EXIT_FAILED;
}
process.stdin.destroy();
