import type { Command } from 'commander';
import { createApiKey, KEY_ROLES, type KeyRole } from '../api/api-keys.js';
import { withHouse } from './with-house.js';

export const registerKeys = (program: Command): void => {
  program
    .command('create-key')
    .description('make an API key and print its secret once')
    .requiredOption('--role <role>', KEY_ROLES.join(', '))
    .option('--channel <channel>', 'for the role channel: the only one it sees and writes')
    .action(({ role, channel }: { role: string; channel?: string }) =>
      withHouse({}, async ({ db }) => {
        if (!KEY_ROLES.includes(role as KeyRole)) throw new Error(`no role ${role}: ${KEY_ROLES.join(', ')}`);
        if ((role === 'channel') !== (channel !== undefined))
          throw new Error('--channel goes with --role channel');
        const { keyId, secret } = await createApiKey(db, { role: role as KeyRole, channel });
        process.stdout.write(`${JSON.stringify({ keyId, role, channel, secret })}\n`);
      }),
    );
};
