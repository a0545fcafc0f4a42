import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { untilTrue } from './until.js';

/** A Redis of the harness's own, empty at each start. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** kill -9; started again on its port, with nothing in it, after `downMs`. */
  kill(downMs: number): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

const READY_MAX_MS = 5_000;
const TRIES_MAX = 10;
const FLAGS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
/** Ends the server with the harness, however that dies: its end of the pipe closes. */
const LEASH = '"$@" > /dev/null & echo $!; cat > /dev/null; kill -9 $!; wait $!';

/** Whether there is a `redis-server` to be started on this machine. */
export const hasRedisServer = (): boolean => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const answers = async (port: number): Promise<boolean> => {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
};

const launch = async (dir: string, port: number) => {
  const arguments_ = ['redis-server', '--port', String(port), '--dir', dir, ...FLAGS];
  const leash = spawn('sh', ['-c', LEASH, 'sh', ...arguments_], { stdio: ['pipe', 'pipe', 'ignore'] });
  leash.stdin.on('error', () => undefined);
  const [pid] = await once(createInterface({ input: leash.stdout }), 'line');
  return { leash, pid: Number(pid) };
};

type Launched = Awaited<ReturnType<typeof launch>>;

const end = async ({ leash }: Launched): Promise<void> => {
  if (leash.exitCode !== null || leash.signalCode !== null) return;
  const gone = once(leash, 'exit');
  leash.stdin.end();
  await gone;
};

/** Until it answers: on a busy machine somebody else may have its port for a moment. */
const launchUntilReady = async (dir: string, port: number): Promise<Launched> => {
  for (let tries = 1; ; tries += 1) {
    const launched = await launch(dir, port);
    try {
      await untilTrue('Redis answers', READY_MAX_MS, () => answers(port));
      return launched;
    } catch (error) {
      await end(launched);
      if (tries === TRIES_MAX) throw error;
    }
  }
};

export const startRedisServer = async (dir: string, port: number): Promise<RedisServer> => {
  let server = await launchUntilReady(dir, port);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill: async (downMs) => {
      await end(server);
      await sleep(downMs);
      server = await launchUntilReady(dir, port);
    },
    signal: (signal) => {
      try {
        process.kill(server.pid, signal);
      } catch {
        // Somebody else has killed it.
      }
    },
    stop: () => end(server),
  };
};
