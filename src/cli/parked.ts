import type { Command } from 'commander';
import { allProjections } from '../projections/index.js';
import { listParked, replayParked } from '../runtime/parked.js';
import { withHouse } from './with-house.js';

/** `parked` and `parked replay`: what could not be projected, and its second chance once the cause is cured. */
export const registerParked = (program: Command): void => {
  const parked = program.command('parked').description('streams whose events could not be projected');

  parked
    .command('list', { isDefault: true })
    .description('what is parked and why, oldest first')
    .option('--json', 'as JSON', false)
    .action(({ json }: { json: boolean }) =>
      withHouse({}, async ({ db }) => {
        const streams = await listParked(db);
        if (json) process.stdout.write(`${JSON.stringify(streams, null, 2)}\n`);
        else if (streams.length === 0) process.stdout.write('nothing is parked\n');
        for (const { stream, events, revision, type, error, parkedAt } of json ? [] : streams) {
          process.stdout.write(
            `${stream}: ${events} events since ${parkedAt.toISOString()}, from revision ${revision} (${type}): ${error}\n`,
          );
        }
      }),
    );

  parked
    .command('replay')
    .argument('[streams...]', 'which; all when none is named')
    .description('apply the events of parked streams; exits 1 when one of them still fails')
    .action((named: string[]) =>
      withHouse({}, async ({ db, codec }) => {
        const streams = named.length > 0 ? named : (await listParked(db)).map(({ stream }) => stream);
        for (const stream of streams) {
          try {
            const events = await replayParked({ db, codec, projections: allProjections, stream });
            process.stdout.write(`${stream}: ${events} events applied\n`);
          } catch (error) {
            if ((error as { code?: unknown }).code !== 'still_parked') throw error;
            process.stdout.write(`${(error as Error).message}\n`);
            process.exitCode = 1;
          }
        }
      }),
    );
};
