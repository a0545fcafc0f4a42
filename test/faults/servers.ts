import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import { connectDatabase } from '../../src/adapters/postgres/connect.js';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.js';
import type { Database } from '../../src/runtime/database.js';
import type { EventStore } from '../../src/runtime/event-store.js';
import { hasRedisServer, type RedisServer, startRedisServer } from './redis-server.js';
import { openSmallDisk, type SmallDisk } from './small-disk.js';
import { untilTrue } from './until.js';

/**
 * What a house stands on. `store` and `db` are the harness's own way to event store and PostgreSQL, past the network of the house: what
 * they say is the truth.
 */
export interface Servers {
  readonly store: EventStore;
  readonly db: Database;
  readonly databaseUrl: string;
  readonly eventStore: RunningEventStore;
  readonly redis: RedisServer | undefined;
  /** The one that PostgreSQL is on. */
  readonly disk: SmallDisk | undefined;
  /** What this machine does not give, and why. */
  readonly lacks: Readonly<Partial<Record<'redis' | 'disk' | 'prlimit', string>>>;
  /** kill -9 of the event store; started again on its port after `downMs`. */
  killEventStore(downMs: number): Promise<void>;
  /** kill -9 of the PostgreSQL server; its guard starts another. */
  killDatabase(): Promise<void>;
  /** The server that was killed has a successor, and it answers. */
  untilDatabaseAnswers(): Promise<void>;
}

const READY_MAX_MS = 90_000;
/** Small, so that several of these fit on one machine beside everything else; durable as always. */
const DATABASE_SETTINGS = {
  shared_buffers: '64MB',
  min_wal_size: '80MB',
  max_wal_size: '160MB',
  max_connections: '60',
};

export const freePort = (): Promise<number> =>
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

const hasPrlimit = (): boolean => {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Event store, PostgreSQL on a disk of its own, Redis; the latter two as far as the machine has them. */
export const startServers = async (dir: string, cleanups: (() => Promise<unknown>)[]): Promise<Servers> => {
  const storeDir = join(dir, 'event-store');
  let eventStore = await startEventStore({ dir: storeDir });
  cleanups.push(() => eventStore.stop());
  const opened = await openSmallDisk(dir);
  const [disk, noDisk] = typeof opened === 'string' ? [undefined, opened] : [opened, undefined];
  if (disk !== undefined) cleanups.push(() => disk.close());
  const postgresDir = join(disk?.dir ?? dir, 'postgres');
  const postgres = await startEmbeddedPostgres({ dir: postgresDir, settings: DATABASE_SETTINGS });
  cleanups.push(() => postgres.stop());
  if (disk !== undefined) cleanups.push(() => disk.free());
  const redis = hasRedisServer() ? await startRedisServer(dir, await freePort()) : undefined;
  if (redis !== undefined) cleanups.push(() => redis.stop());
  const store = createEventStore({ connectionString: eventStore.connectionString });
  cleanups.push(() => store.close());
  const db = await connectDatabase({ url: postgres.url, poolSize: 4, applicationName: 'faults' });
  cleanups.push(() => db.close());
  return {
    store,
    db,
    databaseUrl: postgres.url,
    redis,
    disk,
    lacks: {
      ...(redis === undefined ? { redis: 'there is no redis-server; the house runs without' } : {}),
      ...(noDisk === undefined ? {} : { disk: noDisk }),
      ...(hasPrlimit() ? {} : { prlimit: 'there is no prlimit' }),
    },
    get eventStore() {
      return eventStore;
    },
    killEventStore: async (downMs) => {
      eventStore.kill('SIGKILL');
      await eventStore.exited;
      await sleep(downMs);
      // Again where somebody else on this machine has its port for a moment.
      await untilTrue('the event store is back', READY_MAX_MS, async () => {
        eventStore = await startEventStore({ dir: storeDir, port: eventStore.port });
        return true;
      });
    },
    ...databaseControl(join(postgresDir, 'data'), db),
  };
};

export const databaseControl = (
  dataDir: string,
  db: Database,
): Pick<Servers, 'killDatabase' | 'untilDatabaseAnswers'> => {
  const server = async (): Promise<{ pid: number; ready: boolean }> => {
    const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' };
  };
  let killed = 0;
  return {
    killDatabase: async () => {
      killed = (await server()).pid;
      process.kill(killed, 'SIGKILL');
    },
    untilDatabaseAnswers: () =>
      untilTrue('PostgreSQL is back', READY_MAX_MS, async () => {
        // Sessions outlive their server by a moment and still answer, so an answer alone says nothing.
        const now = await server();
        if (now.pid === killed || !now.ready) return false;
        await db.query('SELECT 1');
        return true;
      }),
  };
};
