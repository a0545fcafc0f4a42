import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { EventStoreDBClient } from '@eventstore/db-client';
import { createEventStore } from '../src/adapters/event-store/event-store.js';
import type { EventStore } from '../src/runtime/event-store.js';

/** Sizes of one run; a smoke test makes them tiny. */
export interface Preset {
  readonly name: string;
  readonly appendMs: number;
  readonly placeMs: number;
  readonly placeWarmUpMs: number;
  readonly skus: number;
  readonly hotUnits: number;
  readonly flashBuyers: number;
  readonly projectEvents: number;
  readonly startEvents: number;
  readonly growthEvents: readonly number[];
  readonly growthRounds: number;
  readonly growthOrders: number;
  /** Whether the Online Retail year is imported, where the file is. */
  readonly history: boolean;
}

/** The shop of the benches: one channel, one location. */
export const CHANNEL = 'web';
export const LOCATION = 'main';
export const skuOf = (index: number): string => `SKU-${index}`;

export const DURABILITY = 'durable: O_DSYNC, fsync and synchronous_commit on';

/** The value below which `share` of the sorted values lie. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

/** Runs `work` with a client of its own on this store. */
export const withStore = async <Result>(
  connectionString: string,
  namespace: string,
  work: (store: EventStore) => Promise<Result>,
): Promise<Result> => {
  const store = createEventStore({ connectionString, namespace });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};

/** Reads the whole log with nothing but the client: the ceiling of whatever reads it. Seconds and events. */
export const readAlone = async (
  connectionString: string,
): Promise<{ readonly events: number; readonly perSecond: number }> => {
  const client = EventStoreDBClient.connectionString(connectionString);
  try {
    let events = 0;
    const began = performance.now();
    for await (const { event } of client.readAll({ fromPosition: 'start' }, { highWaterMark: 256 })) {
      if (event !== undefined) events += 1;
    }
    return { events, perSecond: events / ((performance.now() - began) / 1_000) };
  } finally {
    await client.dispose();
  }
};

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** The process and all that it started, and what they started. */
export const familyOf = (root: number): number[] => {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (pid > 0) parents.set(pid, Number(text(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] ?? 0));
  }
  const family = new Set([root]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
};

/** Milliseconds of CPU of one process so far, exact to the nanosecond where the kernel counts them (a tick is 10 ms). */
export const cpuMs = (pid: number): number => {
  let tasks: string[] = [];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return 0;
  }
  const ns = tasks.map((task) => Number(text(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0));
  const total = ns.reduce((sum, one) => sum + one, 0) / 1e6;
  if (total > 0) return total;
  const fields = text(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
};

/**
 * Milliseconds of CPU so far of a process and of all that it started, those that have ended too (in ticks of 10 ms). PostgreSQL ends and
 * starts a process with each connection, so those of a moment ago say nothing about the next one.
 */
export const familyCpuMs = (root: number): number =>
  familyOf(root).reduce((sum, pid) => {
    const fields = text(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
    return sum + cpuMs(pid) + (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 10;
  }, 0);

/** CPU of this process and of those pids, in milliseconds. */
export const cpuOfAll = (pids: readonly number[]): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000 + pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
};

const kindOf = (pid: number): string => {
  const command = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  if (command.includes('embedded-event-store')) return 'event store';
  if (command.includes('guard.js')) return 'PostgreSQL guard';
  if (command.includes('follower-main')) return 'follower';
  if (command.includes('cli/main.js')) return 'holdfast';
  return command.includes('postgres') ? 'PostgreSQL' : '';
};

/** The most anonymous memory of each process under `root` in MiB, looked at twice a second; PostgreSQL's processes together. */
export const watchMemory = (root: number): { stop(): ReadonlyMap<string, number> } => {
  const peaks = new Map<string, number>();
  const look = (): void => {
    const now = new Map<string, number>();
    for (const pid of familyOf(root)) {
      const kind = kindOf(pid);
      const kib = Number(/^RssAnon:\s+(\d+) kB$/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0);
      if (kind !== '') now.set(kind, (now.get(kind) ?? 0) + kib / 1_024);
    }
    for (const [kind, mib] of now) peaks.set(kind, Math.max(mib, peaks.get(kind) ?? 0));
  };
  const timer = setInterval(look, 500);
  look();
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return peaks;
    },
  };
};

/** Another process of the benches: one message in, one out. `talk` may be called again and again. */
export interface Helper {
  talk<Answer>(message: unknown): Promise<Answer>;
  readonly pid: number;
  stop(): Promise<void>;
}

/** How long a helper may take to answer. */
const ANSWER_TIMEOUT_MS = 300_000;

export const startHelper = (program: string, options: ForkOptions = {}): Helper => {
  const child: ChildProcess = fork(new URL(program, import.meta.url), { stdio: 'inherit', ...options });
  return {
    pid: child.pid ?? 0,
    talk: <Answer>(message: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${program} did not answer`)), ANSWER_TIMEOUT_MS);
        const ended = (): void => {
          clearTimeout(timer);
          reject(new Error(`${program} ended`));
        };
        child.once('exit', ended);
        child.once('message', (answer: { readonly result?: Answer; readonly error?: string }) => {
          clearTimeout(timer);
          child.off('exit', ended);
          if (answer.error === undefined) resolve(answer.result as Answer);
          else reject(new Error(`${program}: ${answer.error}`));
        });
        child.send(message as object);
      }),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
};

/** The other side of {@link startHelper}. */
export const answerMessages = <Message>(work: (message: Message) => Promise<unknown>): void => {
  process.on('message', (message: Message) => {
    work(message).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
};
