import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { House } from '../../main.js';

const PROGRAM = fileURLToPath(new URL('./follower-main.js', import.meta.url));
const STOP_TIMEOUT_MS = 10_000;

export interface Follower {
  /** Lets it finish what it has begun; kills it after {@link STOP_TIMEOUT_MS}. */
  stop(): Promise<void>;
}

/**
 * Keeps ledger and read models up while this process imports, in a process of its own: both keep one core busy. It ends with this
 * one, however that ends. If it dies nothing is lost; whoever runs them next goes on from their checkpoints.
 */
export const startFollower = ({ services, settings }: Pick<House, 'services' | 'settings'>): Follower => {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {
      ...process.env,
      HOLDFAST_DATA_DIR: settings.dataDir,
      HOLDFAST_NAMESPACE: settings.namespace,
      EVENTSTORE_URL: services.eventStoreUrl,
      DATABASE_URL: services.databaseUrl,
    },
  });
  // A child that is gone already closes its pipe; a child that never came up says why on stderr.
  child.stdin.on('error', () => undefined);
  child.on('error', () => undefined);
  const exited = once(child, 'exit').catch(() => undefined);
  return {
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
};
