import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** False for a server that is not ours to kill. */
  readonly owned: boolean;
  /** kill -9; `start` brings an empty one back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Accepts connections and answers nobody, until `resume`. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

const READY_MS_MAX = 10_000;

const answers = async (url: string, withinMs: number): Promise<boolean> => {
  const redis = new Redis(url, {
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
    commandTimeout: withinMs,
  });
  redis.on('error', () => undefined);
  try {
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
};

const notOurs = async (): Promise<never> => {
  throw new Error('this Redis is not ours to stop');
};

/**
 * A `redis-server` of the test's own on a free port; where there is none, the one of REDIS_URL, which nobody kills; else the reason why
 * there is none.
 */
export const startTestRedis = async (): Promise<TestRedis | string> => {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const started = spawn('redis-server', args, { stdio: 'ignore' });
    await once(started, 'spawn');
    child = started;
    if (!(await answers(url, READY_MS_MAX))) throw new Error(`redis-server does not answer on ${url}`);
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await start();
  } catch (error) {
    await kill();
    const given = process.env.REDIS_URL;
    if (given === undefined) return `no redis-server that starts here (${String(error)}), and no REDIS_URL`;
    if (!(await answers(given, 1_000))) return `no Redis at ${given}`;
    const nothing = async (): Promise<void> => undefined;
    const refused = (): never => {
      throw new Error('this Redis is not ours to stop');
    };
    return {
      url: given,
      port: Number(new URL(given).port || 6379),
      owned: false,
      kill: notOurs,
      start: notOurs,
      pause: refused,
      resume: refused,
      stop: nothing,
    };
  }
  return {
    url,
    port,
    owned: true,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: kill,
  };
};

/** Waits until `look` says yes; false when it does not within the time. */
export const eventually = async (
  look: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<boolean> => {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(5)) if (await look()) return true;
  return false;
};
