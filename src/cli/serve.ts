import { once } from 'node:events';
import type { Command } from 'commander';
import { openHouse } from '../main.js';
import { startRoles } from '../roles.js';
import { readSettings } from '../settings.js';
import { ensureAdminKey } from './admin-key.js';

export const registerServe = (program: Command): void => {
  program
    .command('serve')
    .description('run the API, the processes and the projections, until Ctrl-C or SIGTERM')
    .option('--roles <roles>', 'api, processes, projections, separated by commas')
    .option('--port <port>', 'port of the API; 0 takes a free one')
    .action(async ({ roles, port }: { roles?: string; port?: string }) => {
      const settings = readSettings({
        ...process.env,
        ...(roles === undefined ? {} : { HOLDFAST_ROLES: roles }),
        ...(port === undefined ? {} : { HOLDFAST_PORT: port }),
      });
      // A disk that is full, or a reader that has gone, must not end what only speaks of itself.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
      // Listened for before anything starts, so that an early Ctrl-C leaves nothing behind either.
      const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      const house = await openHouse(settings);
      try {
        // Only a process that answers requests needs a key to let somebody in.
        const adminKey = settings.roles.includes('api') ? await ensureAdminKey(house) : undefined;
        // A key file that was named and cannot be read is found out now and not by the first customer.
        if (settings.roles.includes('api') && settings.vaultKeyFile !== undefined)
          await house.vaultKeys.current();
        const running = await startRoles(house);
        const say = (line: string): boolean => process.stdout.write(`${line}\n`);
        say(
          `roles: ${settings.roles.join(', ')}${house.services.attached ? ' (attached to a running house)' : ''}`,
        );
        if (running.url !== undefined) {
          say(`API: ${running.url}/v1   docs: ${running.url}/docs   metrics: ${running.url}/metrics`);
          say(
            adminKey === undefined
              ? 'admin key: made before, elsewhere; `holdfast create-key --role admin` makes another'
              : `admin key: ${settings.dataDir}/admin.key`,
          );
        }
        if (running.monitorUrl !== undefined) say(`monitor: ${running.monitorUrl}/readyz`);
        try {
          await Promise.race([stopped, running.failed]);
          say('stopping');
        } finally {
          await running.stop();
        }
      } finally {
        await house.close();
      }
    });
};
