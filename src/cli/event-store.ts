import { once } from 'node:events';
import type { Command } from 'commander';
import { startEventStore } from '../adapters/embedded-event-store/start.js';

export const registerEventStore = (program: Command): void => {
  program
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
      process.stdout.write(`event store ready: ${node.connectionString}\n`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), node.exited]);
      await node.stop();
    });
};
