import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import { connectDatabase } from '../../src/adapters/postgres/connect.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.js';
import type { Database } from '../../src/runtime/database.js';
import type { EventStore } from '../../src/runtime/event-store.js';
import type { Role } from '../../src/settings.js';
import type { Violation } from './history.js';
import { Link } from './link.js';
import { RoleProcess } from './role-process.js';

/**
 * A Holdfast as production runs it, each role in processes of its own, two of each by default, on one event store and one
 * PostgreSQL, with a network of ours between every process and each of the two. `store` and `db` are the harness's own way
 * to them, past the network: what they say is the truth.
 */
export interface FaultHouse {
  readonly dir: string;
  readonly processes: readonly RoleProcess[];
  readonly links: readonly {
    readonly of: RoleProcess;
    readonly to: 'event store' | 'database';
    readonly link: Link;
  }[];
  readonly urls: readonly string[];
  readonly adminKey: string;
  readonly databaseUrl: string;
  readonly clockFile: string;
  readonly db: Database;
  readonly store: EventStore;
  readonly eventStore: RunningEventStore;
  /** kill -9 of the event store; started again on its port after `downMs`. */
  killEventStore(downMs: number): Promise<void>;
  /** kill -9 of the PostgreSQL server; its guard starts another. Resolves when it answers. */
  killDatabase(): Promise<void>;
  /** Resolves when every process is up and the APIs say they are ready. */
  untilReady(): Promise<void>;
  /** Who holds a lease now, or undefined. */
  holderOf(lease: string): Promise<{ readonly epoch: bigint; readonly pid: number } | undefined>;
  /** Ends everything and removes the directory. Safe to call twice. */
  stop(): Promise<void>;
}

const READY_MAX_MS = 90_000;
const POLL_MS = 50;
/** Small, so that several of these fit on one machine beside everything else; durable as always. */
const DATABASE_SETTINGS = {
  shared_buffers: '64MB',
  min_wal_size: '80MB',
  max_wal_size: '256MB',
  max_connections: '60',
};

export const LEASES: Readonly<Partial<Record<Role, string>>> = {
  processes: 'processes',
  projections: 'projections:live',
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });

export const untilTrue = async (
  what: string,
  limitMs: number,
  check: () => Promise<boolean>,
): Promise<void> => {
  for (const endAt = performance.now() + limitMs; ; await sleep(POLL_MS)) {
    if (await check().catch(() => false)) return;
    if (performance.now() > endAt) throw new Error(`${what}: not within ${limitMs} ms`);
  }
};

export interface FaultHouseOptions {
  readonly apis?: number;
  readonly violated: (violation: Violation) => void;
}

export const startFaultHouse = async ({ apis = 2, violated }: FaultHouseOptions): Promise<FaultHouse> => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  const storeDir = join(dir, 'event-store');
  const clockFile = join(dir, 'clock');
  const cleanups: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  let stopped: Promise<void> | undefined;
  let stopping = false;
  /** Last in, first out; one that fails does not keep the others. */
  const stop = (): Promise<void> => {
    stopping = true;
    stopped ??= (async () => {
      for (const clean of cleanups.reverse()) {
        await clean().catch((error: unknown) => process.stderr.write(`while stopping: ${String(error)}\n`));
      }
    })();
    return stopped;
  };
  try {
    await writeFile(clockFile, '0');
    let eventStore = await startEventStore({ dir: storeDir });
    cleanups.push(() => eventStore.stop());
    const postgres: EmbeddedPostgres = await startEmbeddedPostgres({
      dir: join(dir, 'postgres'),
      settings: DATABASE_SETTINGS,
    });
    cleanups.push(() => postgres.stop());
    const store = createEventStore({ connectionString: eventStore.connectionString });
    cleanups.push(() => store.close());
    const db = await connectDatabase({ url: postgres.url, poolSize: 4, applicationName: 'faults' });
    cleanups.push(() => db.close());

    const processes: RoleProcess[] = [];
    const links: { of: RoleProcess; to: 'event store' | 'database'; link: Link }[] = [];
    const urls: string[] = [];
    const add = async (role: Role, index: number): Promise<RoleProcess> => {
      const port = role === 'api' ? await freePort() : 0;
      const [toStore, toDatabase] = [await Link.open(eventStore.port), await Link.open(postgres.port)];
      cleanups.push(() => Promise.all([toStore.close(), toDatabase.close()]));
      if (role === 'api') urls.push(`http://127.0.0.1:${port}`);
      const one = new RoleProcess({
        name: `${role}-${index}`,
        role,
        port,
        eventStore: toStore,
        database: toDatabase,
        databaseUrl: postgres.url,
        dataDir: join(dir, 'data'),
        clockFile,
        onDeath: ({ name, lastLines }, code) => {
          if (!stopping)
            violated({
              code: 'died_by_itself',
              detail: `${name} (${code}): ${lastLines.slice(-6).join(' | ')}`,
            });
        },
      });
      processes.push(one);
      links.push(
        { of: one, to: 'event store', link: toStore },
        { of: one, to: 'database', link: toDatabase },
      );
      cleanups.push(() => one.shutDown());
      return one;
    };
    const untilReady = async (): Promise<void> => {
      await untilTrue('all processes up', READY_MAX_MS, async () =>
        processes.every(({ ready }) => ready),
      ).catch((error: unknown) => {
        const late = processes.filter(({ ready }) => !ready);
        throw new Error(late.map(({ name, lastLines }) => `${name}: ${lastLines.join(' | ')}`).join('\n'), {
          cause: error,
        });
      });
      for (const url of urls) {
        await untilTrue(`${url} ready`, READY_MAX_MS, async () => {
          const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) });
          await answer.arrayBuffer();
          return answer.status === 200;
        });
      }
    };

    // The first one makes the admin key and the tables; those after it find them.
    (await add('api', 1)).start();
    await untilReady();
    for (let index = 2; index <= apis; index += 1) await add('api', index);
    for (const role of ['processes', 'projections'] as const) {
      for (const index of [1, 2]) await add(role, index);
    }
    for (const one of processes) one.start();
    await untilReady();
    const adminKey = (await readFile(join(dir, 'data', 'admin.key'), 'utf8')).trim();

    return {
      dir,
      processes,
      links,
      urls,
      adminKey,
      clockFile,
      databaseUrl: postgres.url,
      db,
      store,
      get eventStore() {
        return eventStore;
      },
      killEventStore: async (downMs) => {
        eventStore.kill('SIGKILL');
        await eventStore.exited;
        await sleep(downMs);
        eventStore = await startEventStore({ dir: storeDir, port: eventStore.port });
      },
      killDatabase: async () => {
        const file = join(dir, 'postgres', 'data', 'postmaster.pid');
        const server = async (): Promise<{ pid: number; ready: boolean }> => {
          const lines = (await readFile(file, 'utf8')).split('\n');
          return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' };
        };
        const { pid } = await server();
        process.kill(pid, 'SIGKILL');
        await untilTrue('PostgreSQL is back', READY_MAX_MS, async () => {
          // Sessions outlive their server by a moment and still answer, so an answer alone says nothing.
          const now = await server();
          if (now.pid === pid || !now.ready) return false;
          await db.query('SELECT 1');
          return true;
        });
      },
      untilReady,
      holderOf: async (lease) => {
        const { rows } = await db.query<{ epoch: bigint; holder: string; held: boolean }>(
          'SELECT epoch, holder, expires_at > clock_timestamp() AS held FROM runtime.leases WHERE name = $1',
          [lease],
        );
        const [row] = rows;
        return row?.held === true ? { epoch: row.epoch, pid: Number(row.holder.split('/')[1]) } : undefined;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
