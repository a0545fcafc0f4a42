import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Campaign } from './campaign.js';
import { type Counts, countInto, linesOf } from './counts.js';
import { FAULT_NAMES, type FaultName } from './faults.js';
import type { History } from './history.js';
import { planOf } from './plan.js';

/**
 * The long form: `npm run faults -- --minutes 30 --seed 7`. Faults, their moments and the load come from the seed, so a round can
 * be run again (`--round N` runs only that one); what the machine's scheduler adds cannot. Exits 1 on a violation.
 */
const ROUNDS_PER_HOUSE = 12;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    round: { type: 'string' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error('--minutes and --seed are numbers');

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const wanted = (): readonly FaultName[] => {
  const only = values.only?.split(',');
  const names = only === undefined ? FAULT_NAMES : FAULT_NAMES.filter((name) => only.includes(name));
  if (names.length === 0) throw new Error(`--only takes of: ${FAULT_NAMES.join(', ')}`);
  return names;
};

const commit = (): string => {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return 'unknown';
  }
};

const keep = (history: History, round: number): string => {
  const file = join(tmpdir(), `holdfast-faults-${seed}-${round}.jsonl`);
  writeFileSync(file, history.commands.map((command) => `${JSON.stringify(command)}\n`).join(''));
  return file;
};

const main = async (): Promise<number> => {
  const asked = wanted();
  const endAt = performance.now() + minutes * 60_000;
  const struck = new Map<string, number>();
  const broken: number[] = [];
  const counts: Counts = new Map();
  let [rounds, commands, attempts, faults, violations] = [0, 0, 0, 0, 0];
  let campaign: Campaign | undefined;
  let names: readonly FaultName[] | undefined;
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130);
    stopping = true;
    say(`\nstopped by ${signal} after ${rounds} rounds, ${violations} violations`);
    void Promise.resolve(campaign?.stop()).finally(() => process.exit(130));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  say(`seed ${seed}, ${minutes} minutes, commit ${commit()}`);
  try {
    for (let round = Number(values.round ?? 1); ; round += 1) {
      campaign ??= await Campaign.start({ seed, say });
      names ??= campaign.possible(asked);
      const plan = planOf(seed, round, names);
      say(`round ${round}: ${plan.faults.map(({ names: of }) => of.join('+')).join(', ')}`);
      const report = await campaign.round(plan);
      countInto(
        counts,
        campaign.history.commands.filter((command) => command.round === round),
      );
      rounds += 1;
      commands += report.commands;
      attempts += report.attempts;
      faults += report.faults.length;
      for (const one of report.struck) struck.set(one, (struck.get(one) ?? 0) + 1);
      violations += report.violations.length;
      say(
        `  ${report.commands} commands, ${report.attempts} attempts (slowest ${report.slowestMs} ms), ${report.events} events, ${report.violations.length} violations`,
      );
      if (report.violations.length > 0) {
        broken.push(round);
        say(`  seed ${seed} round ${round}: history in ${keep(campaign.history, round)}`);
      }
      const last = values.round !== undefined || performance.now() >= endAt;
      // What is wrong once stays wrong in the log; the next rounds deserve a clean one.
      if (last || rounds % ROUNDS_PER_HOUSE === 0 || report.violations.length > 0) {
        await campaign.stop();
        campaign = undefined;
      }
      if (last) break;
    }
  } finally {
    await campaign?.stop();
  }
  say(
    `\nseed ${seed}: ${rounds} rounds, ${commands} commands, ${attempts} attempts, ${faults} faults, ${violations} violations`,
  );
  for (const [name, times] of [...struck].sort()) say(`  ${name.padEnd(34)} ${times}`);
  say('\ncommands');
  for (const line of linesOf(counts)) say(line);
  if (broken.length > 0) say(`violated in rounds ${broken.join(', ')} of seed ${seed}`);
  return violations > 0 ? 1 : 0;
};

process.exitCode = await main();
