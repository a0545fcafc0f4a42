/** Starting the server from another program: one function, one child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EventStoreStartError, type Exit, programPath, ready } from './child.js';

export { EventStoreStartError } from './child.js';

/** How long a stop may take before the process is killed. */
export const STOP_TIMEOUT_MS = 10_000;

export interface StartEventStoreOptions {
  /** Where the log is kept. Without it, or with `inMemory`, nothing is kept. */
  readonly dir?: string;
  readonly inMemory?: boolean;
  /** 0 (the default) for a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Whether the server ends when this process does, however it does. Default true. */
  readonly exitWithParent?: boolean;
  /** Credentials that every call needs; clients send them over TLS only. */
  readonly user?: string;
  readonly password?: string;
  /** Paths of PEM files. */
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  /** Gets the server's own lines. Default: none. */
  readonly log?: (line: string) => void;
}

export interface RunningEventStore {
  readonly port: number;
  readonly pid: number;
  /** For `EventStoreDBClient.connectionString`. */
  readonly connectionString: string;
  /** Resolves when the process has ended by itself; it is killed after STOP_TIMEOUT_MS. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
}

/** Starts a server in a process of its own and resolves when it answers. Rejects with EventStoreStartError. */
export async function startEventStore(options: StartEventStoreOptions = {}): Promise<RunningEventStore> {
  const child = spawn(process.execPath, [programPath(), ...argumentsOf(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      ...(options.password === undefined ? {} : { EVENT_STORE_PASSWORD: options.password }),
    },
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // A pipe that nobody reads would stop the server when it is full.
  createInterface({ input: child.stderr }).on('line', (line) => options.log?.(line));
  child.stdin.on('error', () => undefined);
  const { port, pid, connectionString } = await ready(child, exited);
  unref(child, options.exitWithParent ?? true);

  return {
    port,
    pid,
    connectionString,
    exited,
    kill: (signal) => {
      // Whoever kills it waits for `exited`, and must not end before that for want of anything to wait for.
      child.ref();
      child.kill(signal);
    },
    stop: async () => {
      child.ref();
      child.kill('SIGTERM');
      const timeout = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timeout);
    },
  };
}

function argumentsOf(options: StartEventStoreOptions): string[] {
  const inMemory = options.inMemory ?? options.dir === undefined;
  if (!inMemory && options.dir === undefined) {
    throw new EventStoreStartError('no_directory', 'a store that keeps its log needs a directory');
  }
  const args = inMemory ? ['--in-memory'] : ['--dir', options.dir ?? ''];
  const pairs = {
    '--port': options.port?.toString(),
    '--host': options.host,
    '--user': options.user,
    '--tls-key': options.tlsKey,
    '--tls-cert': options.tlsCert,
  };
  for (const [name, value] of Object.entries(pairs)) if (value !== undefined) args.push(name, value);
  if (options.exitWithParent ?? true) args.push('--exit-with-parent');
  return args;
}

/** The server must not keep its parent alive; its end of the pipe tells it when the parent is gone. */
function unref(child: ChildProcess, exitWithParent: boolean): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr, child.stdin]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  if (!exitWithParent) child.stdin?.destroy();
}
