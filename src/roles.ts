import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createRedisRateLimiter } from './adapters/redis/rate-limiter.js';
import { createApiKey } from './api/api-keys.js';
import { createApi } from './api/app.js';
import { listen } from './api/listen.js';
import type { House } from './main.js';
import { systemClock } from './runtime/clock.js';
import { createPositionWaiter } from './runtime/position-waiter.js';
import type { Role } from './settings.js';

/** The roles of a process while they run. */
export interface RunningRoles {
  /** Where the API listens; undefined without the role `api`. */
  readonly url: string | undefined;
  /** Rejects when a role ends by itself with an error; never resolves before `stop`. */
  readonly failed: Promise<never>;
  /** Takes no more requests, finishes what is in flight, gives the leases back. */
  stop(): Promise<void>;
}

export const ADMIN_KEY_FILE = 'admin.key';

/** The first admin key, for whoever can read the data directory. Made once; later starts find it. */
export const ensureAdminKey = async ({ settings, db }: House): Promise<string> => {
  const file = join(resolve(settings.dataDir), ADMIN_KEY_FILE);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  const { rows } = await db.query<{ count: bigint }>('SELECT count(*) AS count FROM runtime.api_keys');
  if (known !== undefined && (rows[0]?.count ?? 0n) > 0n) return known.trim();
  // With nothing embedded nobody has made the directory yet, and a key that cannot be written down is lost.
  await mkdir(dirname(file), { recursive: true });
  const { secret } = await createApiKey(db, { role: 'admin' });
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return secret;
};

const startApi = async (house: House) => {
  const { settings, db, bus, orders, returns, log, registry, store } = house;
  const waiter = await createPositionWaiter(db);
  const shared =
    settings.redisUrl === undefined
      ? undefined
      : createRedisRateLimiter(settings.redisUrl, settings.requestsPerSecond, (error) =>
          log.warn({ err: error }, 'redis'),
        );
  const app = createApi({
    bus,
    orders,
    returns,
    db,
    log,
    registry,
    clock: systemClock,
    waiter,
    ready: async () => {
      const word = (check: Promise<unknown>): Promise<string> =>
        check.then(
          () => 'ok',
          () => 'unavailable',
        );
      const [eventStore, database] = await Promise.all([word(store.readEnd()), word(db.query('SELECT 1'))]);
      return { ready: eventStore === 'ok' && database === 'ok', checks: { eventStore, database } };
    },
    ...(shared === undefined ? {} : { rateLimiter: shared }),
    limits: { orderWaitMs: settings.orderWaitMs, requestsPerSecond: settings.requestsPerSecond },
  });
  const listening = await listen(app, { host: settings.host, port: settings.port });
  return {
    url: listening.url,
    close: async () => {
      await listening.close();
      await Promise.all([waiter.close(), shared?.close()]);
    },
  };
};

/** Starts the roles of the settings (or those given) in this process. */
export const startRoles = async (
  house: House,
  roles: readonly Role[] = house.settings.roles,
): Promise<RunningRoles> => {
  const stopping = new AbortController();
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const running: Promise<void>[] = [];
  const start = (work: Promise<void>): void => {
    running.push(work.catch((error: unknown) => (stopping.signal.aborted ? undefined : fail(error))));
  };
  if (roles.includes('projections')) start(house.runProjections(stopping.signal));
  if (roles.includes('processes')) start(house.runProcesses(stopping.signal));
  const api = roles.includes('api') ? await startApi(house) : undefined;
  return {
    url: api?.url,
    failed,
    stop: async () => {
      await api?.close();
      stopping.abort();
      await Promise.all(running);
    },
  };
};
