import { type Command, InvalidArgumentError } from 'commander';
import { IN_FLIGHT_DEFAULT, importOnlineRetail } from '../adapters/channels/online-retail/import.js';
import type { ImportReport } from '../adapters/channels/online-retail/import-types.js';
import { readPlan } from '../adapters/channels/online-retail/plan.js';
import type { Plan } from '../adapters/channels/online-retail/plan-types.js';
import { createLedger } from '../processes/ledger.js';
import { createOrderProcess } from '../processes/order-process.js';
import { createReturnProcess } from '../processes/return-process.js';
import { readCheckpoint } from '../runtime/checkpoint.js';
import { createCommandRunner, type RunnerLimits } from '../runtime/command-runner.js';
import { type CommandFigures, createFigures } from './import/figures.js';
import { startFollower } from './import/follower.js';
import { createProgress } from './import/progress.js';
import { summaryOf, writeReport } from './import/report.js';
import { withHouse } from './with-house.js';

export interface ImportFlags {
  readonly rows?: number;
  readonly inFlight: number;
  readonly report?: string;
  readonly strict: boolean;
  readonly follow: boolean;
}

/**
 * An importer has one kind of traffic: hundreds of orders at once, of some thirty lines each, over a few thousand stock streams
 * that are all written again and again, while an order is hardly ever asked for once it is shipped.
 */
const IMPORT_LIMITS: Partial<RunnerLimits> = {
  openCommands: 131_072,
  streamCommands: 4_096,
  cachedStreams: 6_000,
  cachedBytes: 512 * 1024 * 1024,
};

const atLeast =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min) throw new InvalidArgumentError(`a whole number from ${min}`);
    return value;
  };

export const registerImport = (program: Command): void => {
  program
    .command('import')
    .description('put the past of a channel through the real commands')
    .command('online-retail')
    .description('the UCI "Online Retail" file (csv, or csv.gz): orders, credit notes, write-offs, bad debt')
    .argument('<file>', 'the file as UCI has it, gzip or plain')
    .option('--rows <n>', 'only its first rows', atLeast(1))
    .option('--in-flight <n>', 'orders on their way at once', atLeast(128), IN_FLIGHT_DEFAULT)
    .option('--report <file>', 'write every bad, idle and refused row there, one JSON object a line')
    .option('--strict', 'exit 1 for a bad row too', false)
    .option('--no-follow', 'do not wait for the ledger and the read models')
    .action(async (file: string, flags: ImportFlags) => {
      process.exitCode = await runImport(file, flags, (line) => process.stdout.write(`${line}\n`));
    });
};

/** Exit code: 0 when everything of the plan is in the log, 1 when something was refused (or bad, with `strict`). */
export const runImport = async (
  file: string,
  flags: ImportFlags,
  say: (line: string) => void,
): Promise<number> => {
  const began = performance.now();
  const plan = await readPlan(file, flags.rows === undefined ? {} : { limitRows: flags.rows });
  const { rows, items, bad, withoutEffect } = plan;
  say(`${rows} rows read in ${seconds(began)} s: ${items.length} orders, credits and adjustments;`);
  say(`  ${bad.length} bad rows, ${withoutEffect.length} rows without effect`);
  const figures = createFigures();
  const report = await withHouse({ roles: [], logLevel: 'error' }, (house) =>
    importInto(house, plan, flags, figures, say),
  );
  if (flags.report !== undefined) await writeReport(flags.report, plan, report);
  for (const line of summaryOf(plan, report)) say(line);
  return report.refusals.length > 0 || (flags.strict && bad.length > 0) ? 1 : 0;
};

type House = Parameters<Parameters<typeof withHouse>[1]>[0];

const importInto = async (
  house: House,
  plan: Plan,
  flags: ImportFlags,
  figures: CommandFigures,
  say: (line: string) => void,
): Promise<ImportReport> => {
  const { store, codec } = house;
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error('interrupted; run it again and it goes on from here'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const bus = createCommandRunner({ store, codec, limits: IMPORT_LIMITS, metrics: figures.metrics });
  const follower = flags.follow ? startFollower(house) : undefined;
  try {
    const report = await importAll();
    if (follower !== undefined) await followToTheEnd();
    return report;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await bus.close();
    await follower?.stop();
  }

  async function importAll(): Promise<ImportReport> {
    const progress = createProgress('importing', say);
    const began = performance.now();
    try {
      const report = await importOnlineRetail({
        plan,
        bus,
        orders: createOrderProcess(bus),
        returns: createReturnProcess(bus),
        ledger: createLedger(bus),
        inFlight: flags.inFlight,
        onProgress: ({ done, total, orders, refused }) => {
          progress.update(done, total, () => `${orders} orders, ${refused} refused`);
        },
        signal: stop.signal,
      });
      progress.stop();
      for (const line of figures.lines(report, (performance.now() - began) / 1_000)) say(line);
      return report;
    } finally {
      progress.stop();
    }
  }

  /** Waits for the ledger and the read models; works on them here too, in case the follower was killed. */
  async function followToTheEnd(): Promise<void> {
    const progress = createProgress('following', say);
    const standBy = new AbortController();
    const running = house.runProjections(standBy.signal);
    const began = performance.now();
    try {
      const from = (await readCheckpoint(house.db))?.position.commit ?? 0n;
      const reached = house.catchUp((position, end) => {
        progress.update(Number(position.commit - from), Number(end.commit - from), () => '');
      });
      await Promise.race([reached, running.then(() => reached)]);
    } finally {
      progress.stop();
      standBy.abort();
      await running.catch(() => undefined);
    }
    say(`ledger and read models caught up after ${seconds(began)} s`);
  }
};

const seconds = (since: number): string => ((performance.now() - since) / 1_000).toFixed(1);
