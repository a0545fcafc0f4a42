import { startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createApiKey, type KeyRole } from '../../src/api/api-keys.js';
import { createApi } from '../../src/api/app.js';
import { listen } from '../../src/api/listen.js';
import type { ApiLimits } from '../../src/api/parts.js';
import { type House, openHouse } from '../../src/main.js';
import { systemClock } from '../../src/runtime/clock.js';
import { createPositionWaiter } from '../../src/runtime/position-waiter.js';
import { readSettings } from '../../src/settings.js';
import { testDatabase } from './postgres.js';
import { testKeyFile } from './vault.js';

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; an empty object where there was no body. */
  readonly body: Record<string, unknown>;
}

export interface TestRequest {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer>;
  /** Secret of a key; the admin's when absent, none when null. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestHouse {
  readonly url: string;
  readonly house: House;
  readonly adminKey: string;
  createKey(role: KeyRole, channel?: string): Promise<string>;
  request(method: string, path: string, options?: TestRequest): Promise<TestAnswer>;
  /** How many events the whole log has. */
  countEvents(): Promise<number>;
  /** Waits until ledger and read models have everything. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const ALL_CATEGORIES = [
  'system',
  'channel',
  'location',
  'stock',
  'coupon',
  'order',
  'return',
  'consignment',
  'settlement',
];

/**
 * A whole Holdfast for a test file: event store (its own process), database, bus, projections, processes, and the API on a
 * free port. The event store runs from `dist`, so build first.
 */
export const startTestHouse = async (limits: Partial<ApiLimits> = {}): Promise<TestHouse> => {
  const [eventStore, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  const vaultKey = await testKeyFile();
  const house = await openHouse({
    ...readSettings({
      EVENTSTORE_URL: eventStore.connectionString,
      DATABASE_URL: database.url,
      HOLDFAST_TRIAL_PAYMENTS: 'on',
      HOLDFAST_LOG_LEVEL: process.env.HOLDFAST_LOG_LEVEL ?? 'silent',
      HOLDFAST_VAULT_KEY_FILE: vaultKey.file,
    }),
  });
  const { bus, orders, returns, consignments, vault, payments, providers, db, log, registry, store } = house;
  const waiter = await createPositionWaiter(db);
  const app = createApi({
    bus,
    orders,
    returns,
    vault,
    payments,
    providers,
    consignments,
    db,
    waiter,
    log,
    registry,
    clock: systemClock,
    ready: () => ({ ready: true, checks: {} }),
    limits,
  });
  const api = await listen(app, { host: '127.0.0.1', port: 0 });
  const stopping = new AbortController();
  const running = Promise.all([house.runProjections(stopping.signal), house.runProcesses(stopping.signal)]);
  const { secret: adminKey } = await createApiKey(db, { role: 'admin' });

  const request: TestHouse['request'] = async (method, path, options = {}) => {
    const { body, rawBody, key = adminKey, headers = {} } = options;
    const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(new URL(path, api.url), {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  };

  return {
    url: api.url,
    house,
    adminKey,
    createKey: async (role, channel) => (await createApiKey(db, { role, channel })).secret,
    request,
    countEvents: async () => {
      let events = 0;
      for await (const batch of store.readAll({ categories: ALL_CATEGORIES })) events += batch.events.length;
      return events;
    },
    settled: async () => {
      await house.catchUp();
    },
    stop: async () => {
      await api.close();
      stopping.abort();
      await running;
      await waiter.close();
      await house.close();
      await database.drop();
      await eventStore.stop();
      await vaultKey.remove();
    },
  };
};
