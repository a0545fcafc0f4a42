import { once } from 'node:events';
import type { Command } from 'commander';
import { backup } from '../adapters/embedded-event-store/backup.js';
import { startEventStore } from '../adapters/embedded-event-store/start.js';
import { verify } from '../adapters/embedded-event-store/verify.js';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

export const registerEventStore = (program: Command): void => {
  const command = program
    .command('event-store')
    .description('run the embedded event store alone, until Ctrl-C or SIGTERM')
    .option('--dir <dir>', 'directory of the log', '.holdfast/event-store')
    .option('--in-memory', 'keep nothing on disk', false)
    .option('--port <port>', 'port to listen on; 0 takes a free one', '2113')
    .action(async ({ dir, inMemory, port }: { dir: string; inMemory: boolean; port: string }) => {
      const where = inMemory ? { inMemory } : { dir };
      const node = await startEventStore({
        ...where,
        port: Number(port),
        log: (line) => process.stderr.write(`${line}\n`),
      });
      say(`event store ready: ${node.connectionString}`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), node.exited]);
      await node.stop();
    });

  command
    .command('verify')
    .description('check every record of a log, beside a running server too')
    .argument('<dir>', 'directory of the log')
    .action(async (dir: string) => {
      const { events, appends, unfinishedBytes } = await verify(dir);
      say(`sound: ${events} events in ${appends} appends, ${unfinishedBytes} bytes being written`);
    });

  command
    .command('backup')
    .description('copy the log of a running or stopped server and check the copy')
    .argument('<dir>', 'directory of the log')
    .argument('<to>', 'an empty directory')
    .action(async (dir: string, to: string) => {
      const { events } = await backup(dir, to);
      say(`copied and checked: ${events} events`);
    });
};
