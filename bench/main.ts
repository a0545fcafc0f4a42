/**
 *     npm run bench -- quick|full [--only append,hot,...] [--json FILE]
 *
 * Prints each figure beside the checks of the same run (design 10). Exit code 1 when a check failed: then the figures mean
 * nothing. A ratio that was not reached is printed as such and is no error.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { benchCeiling } from './append.js';
import { benchFlash } from './flash.js';
import { benchGrowth } from './growth.js';
import { benchHistory, YEAR } from './history.js';
import { benchHot } from './hot.js';
import { benchPlace } from './place.js';
import { benchProject } from './project.js';
import { type BenchOutcome, type BenchReport, type BenchRun, type Machine, reportLines } from './report.js';
import { benchStart } from './start.js';
import type { Preset } from './support.js';
import { type WrittenLog, writeLog } from './write-log.js';

const QUICK: Preset = {
  name: 'quick',
  appendMs: 4_000,
  placeMs: 4_000,
  placeWarmUpMs: 4_000,
  skus: 1_000,
  hotUnits: 20_000,
  flashBuyers: 2_000,
  projectEvents: 50_000,
  startEvents: 50_000,
  growthEvents: [10_000, 100_000],
  growthRounds: 3,
  growthOrders: 500,
  history: false,
};
const PRESETS: readonly Preset[] = [
  QUICK,
  {
    name: 'full',
    appendMs: 15_000,
    placeMs: 20_000,
    placeWarmUpMs: 10_000,
    skus: 1_000,
    hotUnits: 150_000,
    flashBuyers: 10_000,
    projectEvents: 500_000,
    startEvents: 1_000_000,
    growthEvents: [10_000, 100_000, 1_000_000],
    growthRounds: 5,
    growthOrders: 2_000,
    history: true,
  },
  // For the test of the benches themselves.
  {
    ...QUICK,
    name: 'smoke',
    appendMs: 300,
    hotUnits: 500,
    flashBuyers: 200,
    placeMs: 500,
    placeWarmUpMs: 200,
  },
];

type Bench = (dir: string, preset: Preset, log: () => Promise<WrittenLog>) => Promise<BenchOutcome>;

const BENCHES: Readonly<Record<string, Bench>> = {
  append: benchCeiling,
  place: benchPlace,
  hot: benchHot,
  flash: benchFlash,
  project: async (dir, preset, log) => benchProject(dir, await log(), preset.projectEvents),
  start: async (dir, preset, log) => benchStart(dir, await log(), preset.startEvents),
  growth: async (dir, preset, log) => benchGrowth(dir, await log(), preset),
  history: benchHistory,
};

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const loadNow = (): number => os.loadavg()[0] ?? 0;

const machineNow = (): Omit<Machine, 'loadBefore' | 'loadAfter'> => ({
  cpu: os.cpus()[0]?.model ?? 'unknown',
  cores: os.availableParallelism(),
  memoryGib: os.totalmem() / 2 ** 30,
  system: `${os.type()} ${os.release()}`,
  node: process.version,
});

const commitNow = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
};

const runAll = async (preset: Preset, names: readonly string[], dir: string): Promise<BenchReport[]> => {
  // One past for all that need one, as long as the longest of them.
  const milestones = [
    ...(names.includes('project') ? [preset.projectEvents] : []),
    ...(names.includes('start') ? [preset.startEvents] : []),
    ...(names.includes('growth') ? preset.growthEvents : []),
  ].sort((a, b) => a - b);
  let written: Promise<WrittenLog> | undefined;
  const log = (): Promise<WrittenLog> => {
    written ??= writeLog(join(dir, 'past'), milestones);
    return written;
  };
  const reports: BenchReport[] = [];
  for (const name of names) {
    const bench = BENCHES[name];
    if (bench === undefined) continue;
    if (['project', 'start', 'growth'].includes(name)) await log();
    const own = await mkdtemp(join(dir, `${name}-`));
    const began = performance.now();
    const outcome = await bench(own, preset, log);
    const report = { bench: name, ...outcome, seconds: (performance.now() - began) / 1_000 };
    reports.push(report);
    for (const line of reportLines(report)) say(line);
    await rm(own, { recursive: true, force: true });
  }
  return reports;
};

const presetOf = (name: string): Preset => {
  const preset = PRESETS.find((one) => one.name === name);
  if (preset === undefined) throw new InvalidArgumentError('quick or full');
  return preset;
};

const namesOf = (list: string): string[] => {
  const names = list.split(',');
  for (const name of names) {
    if (!(name in BENCHES)) throw new InvalidArgumentError(`known are ${Object.keys(BENCHES).join(', ')}`);
  }
  return names;
};

const main = async (preset: Preset, flags: { only?: string[]; json?: string }): Promise<void> => {
  const all = Object.keys(BENCHES).filter(
    (name) => name !== 'history' || (preset.history && existsSync(YEAR)),
  );
  const dir = await mkdtemp(join(os.tmpdir(), 'holdfast-bench-'));
  const machine = machineNow();
  const loadBefore = loadNow();
  say(
    `${machine.cores} x ${machine.cpu}, ${machine.memoryGib.toFixed(0)} GiB, ${machine.system}, node ${machine.node}`,
  );
  say(`preset ${preset.name}, load average ${loadBefore.toFixed(1)}; load generator on the same machine`);
  try {
    const reports = await runAll(preset, flags.only ?? all, dir);
    const loadAfter = loadNow();
    const at = new Date().toISOString();
    const run: BenchRun = {
      at,
      commit: commitNow(),
      preset: preset.name,
      machine: { ...machine, loadBefore, loadAfter },
      reports,
    };
    if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(run, null, 2)}\n`);
    const failed = reports.flatMap(({ bench, checks }) =>
      checks.filter(({ ok }) => !ok).map(({ what }) => `${bench}: ${what}`),
    );
    for (const what of failed) say(`FAILED ${what}`);
    say(
      `${reports.length} benches, ${failed.length} checks failed, load average ${loadAfter.toFixed(1)} at the end`,
    );
    if (failed.length > 0) process.exitCode = 1;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

await new Command('bench')
  .argument('[preset]', 'quick or full', presetOf, QUICK)
  .option('--only <benches>', 'some of them, separated by commas', namesOf)
  .option('--json <file>', 'write everything there as well')
  .action(main)
  .parseAsync();
