import { hostname } from 'node:os';
import type { Command } from 'commander';
import { allProjections } from '../projections/index.js';
import { rebuildProjections } from '../runtime/projection-rebuild.js';
import { withHouse } from './with-house.js';

const PROGRESS_EVERY_EVENTS = 50_000;

export const registerRebuild = (program: Command): void => {
  program
    .command('rebuild')
    .description('drop the tables of the read models and build them again from the log')
    .action(() =>
      withHouse({}, async ({ db, store, codec }) => {
        let told = 0;
        const { events, seconds } = await rebuildProjections({
          db,
          store,
          codec,
          projections: allProjections,
          holder: `${hostname()}/${process.pid}/rebuild`,
          onProgress: (progress) => {
            if (progress.events - told < PROGRESS_EVERY_EVENTS) return;
            told = progress.events;
            process.stdout.write(`${told} events\n`);
          },
        });
        process.stdout.write(`rebuilt from ${events} events in ${seconds.toFixed(1)} s\n`);
      }),
    );
};
