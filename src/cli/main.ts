#!/usr/bin/env -S node --max-semi-space-size=64
import { Command } from 'commander';
import { registerAudit } from './audit.js';
import { registerDemo } from './demo.js';
import { registerEventStore } from './event-store.js';
import { registerImport } from './import.js';
import { registerKeys } from './keys.js';
import { registerParked } from './parked.js';
import { registerRebuild } from './rebuild.js';
import { registerServe } from './serve.js';
import { registerSettings } from './settings.js';
import { registerStatus } from './status.js';
import { registerVault } from './vault.js';

/** The `holdfast` program: one file per command. Exit codes: 0 done, 1 the command says no, 2 it could not run. */
const program = new Command('holdfast')
  .description('Event-sourced order and inventory core')
  .showHelpAfterError();

for (const register of [
  registerServe,
  registerDemo,
  registerImport,
  registerAudit,
  registerRebuild,
  registerStatus,
  registerParked,
  registerKeys,
  registerVault,
  registerEventStore,
  registerSettings,
]) {
  register(program);
}

try {
  await program.parseAsync();
} catch (error) {
  const { code, message } = error as { code?: unknown; message?: unknown };
  process.stderr.write(
    `holdfast: ${typeof code === 'string' ? `${code}: ` : ''}${String(message ?? error)}\n`,
  );
  if (process.env.HOLDFAST_LOG_LEVEL === 'debug' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  process.exitCode = 2;
}
