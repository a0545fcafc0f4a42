import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import type { EventStore, StoredEvent } from '../../src/runtime/event-store.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { boot, configure, type Fact, ledgerOf, postedIn, record } from './poster-house.js';

const TIMEOUT_MS = 60_000;
const FACTS = 300;

let node: RunningEventStore;
let database: TestDatabase;
const stores: EventStore[] = [];

beforeAll(async () => {
  [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
}, TIMEOUT_MS);
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await Promise.all([node.stop(), database.drop()]);
}, TIMEOUT_MS);

const open = (namespace: string): EventStore => {
  const store = createEventStore({ connectionString: node.connectionString, namespace });
  stores.push(store);
  return store;
};

const readLog = async (store: EventStore): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  for await (const batch of store.readAll({ categories: ['order', 'settlement'] }))
    events.push(...batch.events);
  return events;
};

const fact = (id: number): Fact => ({
  channel: id % 4 === 0 ? 'shop' : 'web',
  order: `${id}`,
  id: `f${id}`,
  at: `2026-0${1 + (id % 3)}-31T23:30:00Z`.replace('02-31', '02-28'),
  amount: `${id}.25`,
  type: id % 5 === 4 ? 'return' : 'ship',
});

const fill = async (store: EventStore): Promise<void> => {
  const house = boot(store, database.db);
  await configure(house, 'web', 'Europe/London');
  await configure(house, 'shop', 'Europe/Berlin');
  await Promise.all(Array.from({ length: FACTS }, (_, id) => record(store, fact(id))));
};

const checkpoint = async (): Promise<bigint | undefined> => {
  const sql = `SELECT commit_position FROM runtime.checkpoints WHERE name = 'poster'`;
  return (await database.db.query<{ commit_position: bigint }>(sql)).rows[0]?.commit_position;
};

describe('the poster on a real log', () => {
  test(
    'follows it, and whoever starts anywhere after it finds nothing left to post',
    async () => {
      const store = open('a');
      const stop = new AbortController();
      const { poster } = boot(store, database.db);
      const running = poster.run(stop.signal);
      await fill(store);
      const reached = await poster.drain();
      stop.abort();
      await running;

      const ledger = ledgerOf(await readLog(store));
      expect(Object.keys(ledger).sort()).toEqual([
        'settlement-shop~2026-02',
        'settlement-shop~2026-03',
        'settlement-shop~2026-04',
        'settlement-web~2026-01',
        'settlement-web~2026-02',
        // The clocks went forward on the 29th: half past midnight in London.
        'settlement-web~2026-04',
      ]);
      expect(Object.values(ledger).flat()).toHaveLength(FACTS);

      expect((await checkpoint()) ?? 0n).toBeGreaterThan(0n);
      expect((await checkpoint()) ?? 0n).toBeLessThanOrEqual(reached.commit);
      await boot(store, database.db).poster.drain();
      await database.db.query('TRUNCATE runtime.checkpoints');
      await boot(store, database.db).poster.drain();
      expect(ledgerOf(await readLog(store))).toEqual(ledger);
    },
    TIMEOUT_MS,
  );

  test(
    'two processes post at the same time: every cause once, in the order of the log',
    async () => {
      const store = open('b');
      await fill(store);
      await database.db.query('TRUNCATE runtime.checkpoints');
      const [one, other] = [boot(store, database.db), boot(store, database.db)];
      await Promise.all([one.poster.drain(), other.poster.drain()]);
      const log = await readLog(store);
      expect(postedIn(log)).toHaveLength(FACTS);
      for (const stream of Object.keys(ledgerOf(log))) {
        const places = postedIn(log)
          .filter((entry) => entry.stream === stream)
          .map(({ data }) => Number(data.cause?.commit));
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }
    },
    TIMEOUT_MS,
  );
});
