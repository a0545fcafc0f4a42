import { createRedisWakeup } from './adapters/redis/checkpoint-wakeup.js';
import { createRedisRateLimiter } from './adapters/redis/rate-limiter.js';
import { createApi } from './api/app.js';
import { listen } from './api/listen.js';
import { createMonitor } from './api/monitor.js';
import type { Readiness } from './api/parts.js';
import type { House } from './main.js';
import { type CheckpointWakeup, databaseWakeup } from './runtime/checkpoint-wakeup.js';
import { systemClock } from './runtime/clock.js';
import { createPositionWaiter } from './runtime/position-waiter.js';
import type { Role } from './settings.js';

/** The roles of a process while they run. */
export interface RunningRoles {
  /** Where the API listens; undefined without the role `api`. */
  readonly url: string | undefined;
  /** Where `/livez`, `/readyz` and `/metrics` are for whoever watches over the process; undefined where not asked for. */
  readonly monitorUrl: string | undefined;
  /** Rejects when a role ends by itself with an error; never resolves before `stop`. */
  readonly failed: Promise<never>;
  /** Takes no more requests, finishes what is in flight, gives the leases back. */
  stop(): Promise<void>;
}

/** What this process needs to do its work, asked now. A process that stops is not ready for more. */
const readinessOf =
  ({ store, db }: House, stopping: AbortSignal) =>
  async (): Promise<Readiness> => {
    if (stopping.aborted) return { ready: false, checks: { process: 'stopping' } };
    const word = (check: Promise<unknown>): Promise<string> =>
      check.then(
        () => 'ok',
        () => 'unavailable',
      );
    const [eventStore, database] = await Promise.all([word(store.readEnd()), word(db.query('SELECT 1'))]);
    return { ready: eventStore === 'ok' && database === 'ok', checks: { eventStore, database } };
  };

type Ready = () => Promise<Readiness>;

const startApi = async (house: House, ready: Ready, wakeup: CheckpointWakeup) => {
  const { settings, db, bus, orders, returns, consignments, vault, payments, providers, log, registry } =
    house;
  const { redisUrl, requestsPerSecond, orderWaitMs, host, port } = settings;
  const waiter = await createPositionWaiter(db, { wakeup });
  const rateLimiter =
    redisUrl === undefined
      ? undefined
      : createRedisRateLimiter(redisUrl, requestsPerSecond, (error) => log.warn({ err: error }, 'redis'));
  const app = createApi({
    bus,
    orders,
    returns,
    vault,
    payments,
    providers,
    consignments,
    db,
    log,
    registry,
    clock: systemClock,
    waiter,
    ready,
    ...(rateLimiter === undefined ? {} : { rateLimiter }),
    limits: { orderWaitMs, requestsPerSecond },
  });
  const listening = await listen(app, { host, port });
  return {
    url: listening.url,
    close: async () => {
      await listening.close();
      await Promise.all([waiter.close(), rateLimiter?.close()]);
    },
  };
};

const startMonitor = async ({ settings, registry }: House, ready: Ready) => {
  const { host, monitorPort } = settings;
  if (monitorPort === undefined) return undefined;
  return listen(createMonitor({ ready, registry, clock: systemClock }), { host, port: monitorPort });
};

/** Starts the roles of the settings (or those given) in this process. */
export const startRoles = async (
  house: House,
  roles: readonly Role[] = house.settings.roles,
): Promise<RunningRoles> => {
  const { settings, log, db, logId } = house;
  const stopping = new AbortController();
  const closing = new AbortController();
  const ready = readinessOf(house, closing.signal);
  const wakeup =
    settings.redisUrl === undefined
      ? databaseWakeup(db)
      : createRedisWakeup(settings.redisUrl, logId, (error) => log.warn({ err: error }, 'redis'));
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const running: Promise<void>[] = [];
  const start = (work: Promise<void>): void => {
    running.push(work.catch((error: unknown) => (stopping.signal.aborted ? undefined : fail(error))));
  };
  let api: Awaited<ReturnType<typeof startApi>> | undefined;
  let monitor: Awaited<ReturnType<typeof startMonitor>>;
  const stop = async (): Promise<void> => {
    closing.abort();
    await api?.close();
    stopping.abort();
    await Promise.all(running);
    await Promise.all([wakeup.close(), monitor?.close()]);
  };
  try {
    monitor = await startMonitor(house, ready);
    if (roles.includes('projections')) start(house.runProjections(stopping.signal, wakeup.announce));
    if (roles.includes('processes')) start(house.runProcesses(stopping.signal));
    if (roles.includes('api')) api = await startApi(house, ready, wakeup);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: api?.url, monitorUrl: monitor?.url, failed, stop };
};
