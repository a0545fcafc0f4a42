import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join, resolve } from 'node:path';
import { startEventStore } from './adapters/embedded-event-store/start.js';
import { startEmbeddedPostgres } from './adapters/postgres/embedded.js';
import type { Settings } from './settings.js';

/** Where the log and the database of this house are, and how to let go of them. */
export interface Services {
  readonly eventStoreUrl: string;
  readonly databaseUrl: string;
  /** True when another process started the embedded parts; they stay when this one goes. */
  readonly attached: boolean;
  stop(): Promise<void>;
}

interface Endpoint {
  readonly pid: number;
  readonly eventStoreUrl?: string;
  readonly databaseUrl?: string;
}

const ENDPOINT_FILE = 'endpoint.json';
const PROBE_TIMEOUT_MS = 1_000;

const answers = (url: string): Promise<boolean> =>
  new Promise((done) => {
    const { hostname, port } = new URL(url.replace(/^[a-z+]+:/, 'http:'));
    const socket = createConnection({ host: hostname, port: Number(port), timeout: PROBE_TIMEOUT_MS });
    const finish = (alive: boolean): void => {
      socket.destroy();
      done(alive);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The endpoint that a living owner of the directory has written; a dead one's file counts for nothing. */
const readEndpoint = async (file: string): Promise<Endpoint | undefined> => {
  try {
    const endpoint = JSON.parse(await readFile(file, 'utf8')) as Endpoint;
    const urls = [endpoint.eventStoreUrl, endpoint.databaseUrl].filter((url) => url !== undefined);
    if (!isAlive(endpoint.pid)) return undefined;
    return (await Promise.all(urls.map(answers))).every(Boolean) ? endpoint : undefined;
  } catch {
    return undefined;
  }
};

interface Stoppable {
  stop(): Promise<void>;
}

/** Both, or neither: what did start is stopped when the other could not. */
const both = async <A extends Stoppable, B extends Stoppable>(
  first: Promise<A> | undefined,
  second: Promise<B> | undefined,
): Promise<[A | undefined, B | undefined]> => {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  await Promise.all([a, b].map((one) => (one.status === 'fulfilled' ? one.value?.stop() : undefined)));
  throw a.status === 'rejected' ? a.reason : b.status === 'rejected' ? b.reason : undefined;
};

/**
 * The event store and the PostgreSQL of the settings; what they do not name is started embedded in the data directory, or, when another
 * process of this directory runs it already, attached to.
 */
export const openServices = async (settings: Settings): Promise<Services> => {
  const { eventStoreUrl, databaseUrl } = settings;
  if (eventStoreUrl !== undefined && databaseUrl !== undefined) {
    return { eventStoreUrl, databaseUrl, attached: false, stop: async () => undefined };
  }
  const dir = resolve(settings.dataDir);
  await mkdir(dir, { recursive: true });
  const file = join(dir, ENDPOINT_FILE);
  const other = await readEndpoint(file);
  if (other !== undefined) {
    const log = eventStoreUrl ?? other.eventStoreUrl;
    const database = databaseUrl ?? other.databaseUrl;
    if (log !== undefined && database !== undefined) {
      return { eventStoreUrl: log, databaseUrl: database, attached: true, stop: async () => undefined };
    }
  }
  const [node, postgres] = await both(
    eventStoreUrl === undefined ? startEventStore({ dir: join(dir, 'event-store') }) : undefined,
    databaseUrl === undefined ? startEmbeddedPostgres({ dir: join(dir, 'postgres') }) : undefined,
  );
  const endpoint: Endpoint = {
    pid: process.pid,
    ...(node === undefined ? {} : { eventStoreUrl: node.connectionString }),
    ...(postgres === undefined ? {} : { databaseUrl: postgres.url }),
  };
  await writeFile(`${file}.new`, JSON.stringify(endpoint), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return {
    eventStoreUrl: eventStoreUrl ?? node?.connectionString ?? '',
    databaseUrl: databaseUrl ?? postgres?.url ?? '',
    attached: false,
    stop: async () => {
      await rm(file, { force: true });
      await Promise.all([node?.stop(), postgres?.stop()]);
    },
  };
};
