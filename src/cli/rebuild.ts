import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import type { House } from '../main.js';
import { allProjections } from '../projections/index.js';
import type { StandbySet } from '../runtime/model-sets.js';
import {
  dropModelSet,
  type RebuildOptions,
  type Rebuilt,
  rebuildInPlace,
  rebuildProjections,
  switchBack,
} from '../runtime/projection-rebuild.js';
import { toStandbySet } from './set-option.js';
import { withHouse } from './with-house.js';

const PROGRESS_EVERY_EVENTS = 50_000;

interface Flags {
  readonly switch: boolean;
  readonly back: boolean;
  readonly inPlace: boolean;
  readonly drop?: StandbySet;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const optionsOf = ({ db, store, codec }: House): RebuildOptions => {
  let told = 0;
  return {
    db,
    store,
    codec,
    projections: allProjections,
    holder: `${hostname()}/${process.pid}/rebuild`,
    onRetry: (error) => process.stderr.write(`tried again: ${(error as Error).message}\n`),
    onProgress: ({ events }) => {
      if (events - told < PROGRESS_EVERY_EVENTS) return;
      told = events;
      say(`${events} events`);
    },
  };
};

const saidOf = ({ events, seconds }: Rebuilt): string => `${events} events in ${seconds.toFixed(1)} s`;

const run = async (house: House, flags: Flags): Promise<void> => {
  const options = optionsOf(house);
  if (flags.drop !== undefined) {
    await dropModelSet(options, flags.drop);
    say(`the ${flags.drop} read models are dropped`);
  } else if (flags.inPlace) {
    say(`rebuilt in place: ${saidOf(await rebuildInPlace(options))}`);
  } else if (flags.back) {
    const { parked, ...rebuilt } = await switchBack(options);
    say(`switched back: ${saidOf(rebuilt)}; those that were live are kept as the previous ones`);
    if (parked.length > 0) say(`parked on the way: ${parked.join(', ')}`);
  } else if (flags.switch) {
    say(`rebuilt and switched: ${saidOf(await rebuildProjections(options))}`);
    say(
      'those that were live are kept: rebuild --back makes them live again, rebuild --drop previous frees them',
    );
  } else {
    say(`rebuilt: ${saidOf(await rebuildProjections(options, { andSwitch: false }))}`);
    say('they are the next ones: audit --set next checks them, rebuild makes them live');
  }
};

export const registerRebuild = (program: Command): void => {
  program
    .command('rebuild')
    .description(
      'build the read models anew beside the live ones, from the log, and switch; repeat it after a stop',
    )
    .option('--no-switch', 'build them and leave them beside the live ones')
    .addOption(
      new Option('--back', 'make the previous ones live again').default(false).conflicts(['inPlace', 'drop']),
    )
    .addOption(
      new Option(
        '--in-place',
        'empty and fill the live ones, with nobody running them; needs no room for two',
      )
        .default(false)
        .conflicts(['drop']),
    )
    .addOption(new Option('--drop <set>', 'free the disk of a set: next, previous').argParser(toStandbySet))
    .action((flags: Flags) => withHouse({}, (house) => run(house, flags)));
};
