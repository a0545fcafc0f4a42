import type { Command } from 'commander';
import { settingsPage } from '../settings.js';

export const registerSettings = (program: Command): void => {
  program
    .command('settings')
    .description('print every setting with its default and meaning, as Markdown')
    .action(() => {
      process.stdout.write(settingsPage());
    });
};
