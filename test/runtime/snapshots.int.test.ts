import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import type { DomainEvent } from '../../src/domain/decider.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { type Entry, settlement } from '../../src/domain/settlement.js';
import { stock } from '../../src/domain/stock.js';
import { openHouse } from '../../src/main.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import { DatabaseUnavailable } from '../../src/runtime/database.js';
import type { EventStore } from '../../src/runtime/event-store.js';
import { SnapshotTable, type SnapshotTableOptions } from '../../src/runtime/snapshot-table.js';
import { SNAPSHOT_TEXT_MAX_BYTES } from '../../src/runtime/snapshot-text.js';
import type { Snapshot } from '../../src/runtime/snapshots.js';
import type { LoadSource } from '../../src/runtime/stream-cache.js';
import { readSettings } from '../../src/settings.js';
import { contextOf, hashOf } from '../support/counter.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

const codec = createCodec(allEventDefinitions);
let node: RunningEventStore;
let store: EventStore;
let database: TestDatabase;
beforeAll(async () => {
  [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  store = createEventStore({ connectionString: node.connectionString });
});
afterAll(async () => {
  await store.close();
  await Promise.all([node.stop(), database.drop()]);
});
afterEach(() => database.db.query('DELETE FROM runtime.snapshots'));

const tableOf = (options: Partial<SnapshotTableOptions> = {}) => {
  const outcomes: string[] = [];
  const errors: unknown[] = [];
  const table = new SnapshotTable({
    db: database.db,
    // A busy machine is slow, not wrong.
    limits: { lookMs: 30_000 },
    onOutcome: (outcome) => outcomes.push(outcome),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { table, outcomes, errors };
};

const processOf = (snapshots?: SnapshotTable) => {
  const loads: { source: LoadSource; events: number }[] = [];
  const metrics = { load: (_: string, source: LoadSource, events: number) => loads.push({ source, events }) };
  const bus = createCommandRunner({
    store,
    codec,
    metrics,
    ...(snapshots === undefined ? {} : { snapshots }),
  });
  return { bus, loads };
};

const until = async (check: () => Promise<boolean>): Promise<void> => {
  while (!(await check())) await new Promise((done) => setTimeout(done, 10));
};
const rowOf = async (stream: string): Promise<{ revision: bigint; version: number } | undefined> =>
  (
    await database.db.query<{ revision: bigint; version: number }>(
      'SELECT revision, decider_version AS version FROM runtime.snapshots WHERE stream = $1',
      [stream],
    )
  ).rows[0];

/** Holds that were captured, two events each, and a receipt before them. */
const HOLDS = 600;
const sell = async (bus: CommandBus, id: string): Promise<void> => {
  await bus.execute(stock, id, { type: 'receive', receiptId: 'r', quantity: 2 * HOLDS }, contextOf());
  const orders = Array.from({ length: HOLDS }, (_, i) => `web~${i}`);
  const hold = (holdId: string) => ({ type: 'hold', holdId, quantity: 1 }) as const;
  const capture = (holdId: string) =>
    ({ type: 'settle', holdId, target: { captured: 1, released: 0 }, reason: 'shipped' }) as const;
  for (let from = 0; from < HOLDS; from += 300) {
    const some = orders.slice(from, from + 300);
    await Promise.all(some.map((one) => bus.execute(stock, id, hold(one), keyed(hold(one), `h${one}`))));
    await Promise.all(some.map((one) => bus.execute(stock, id, capture(one), contextOf())));
  }
};
/** The same, and the snapshot of the process that did it. */
const sellOut = async (id: string): Promise<void> => {
  const { table, errors } = tableOf();
  const { bus } = processOf(table);
  await sell(bus, id);
  await until(async () => (await rowOf(`stock-${id}`)) !== undefined);
  await table.close();
  await bus.close();
  expect(errors).toEqual([]);
};
const keyed = (command: unknown, commandId: string) => contextOf({ commandId, requestHash: hashOf(command) });

describe('a long hot stock stream', () => {
  test('is loaded from its snapshot as it would be from its start, keys included, and goes on', async () => {
    await sellOut('main~HOT');
    const { table, errors } = tableOf();
    const { bus, loads } = processOf(table);
    const fromStart = processOf();
    const loaded = await bus.load(stock, 'main~HOT');
    expect(loaded).toStrictEqual(await fromStart.bus.load(stock, 'main~HOT'));
    expect(loaded.state).toMatchObject({ onHand: HOLDS, holds: { held: 0 } });
    expect(fromStart.loads).toEqual([{ source: 'start', events: 2 * HOLDS + 1 }]);
    expect(loads).toMatchObject([{ source: 'snapshot' }]);
    expect(loads[0]?.events).toBeLessThan(2 * HOLDS);

    const last = { type: 'hold', holdId: `web~${HOLDS - 1}`, quantity: 1 } as const;
    expect(await bus.execute(stock, 'main~HOT', last, keyed(last, `h${last.holdId}`))).toMatchObject({
      status: 'accepted',
      replayed: true,
      events: [{ type: 'StockHeld' }],
    });
    expect(await bus.execute(stock, 'main~HOT', last, contextOf())).toMatchObject({
      status: 'rejected',
      rejection: { code: 'hold_ended' },
    });
    const next = { type: 'hold', holdId: 'web~next', quantity: HOLDS } as const;
    expect(await bus.execute(stock, 'main~HOT', next, contextOf())).toMatchObject({ status: 'accepted' });
    expect(errors).toEqual([]);
  });

  test.each([
    ['cut short', 'substring(body for length(body) - 10)'],
    ['changed in one byte', 'set_byte(body, length(body) / 2, (get_byte(body, length(body) / 2) + 1) % 256)'],
    ['no snapshot at all', "'abc'::bytea"],
  ])('whose snapshot is %s is loaded from its start, and gets a new one', async (_, damage) => {
    await sellOut(`main~${damage}`);
    const stream = `stock-main~${damage}`;
    await database.db.query(`UPDATE runtime.snapshots SET body = ${damage}`);
    const { table, outcomes, errors } = tableOf();
    const { bus, loads } = processOf(table);
    expect((await bus.load(stock, `main~${damage}`)).state.onHand).toBe(HOLDS);
    expect(loads).toEqual([{ source: 'start', events: 2 * HOLDS + 1 }]);
    expect(errors.length).toBe(1);
    await until(async () => (await rowOf(stream))?.revision === BigInt(2 * HOLDS));
    expect(outcomes).toEqual(['ignored', 'written']);
  });

  test('does not take the snapshot of another stream for its own', async () => {
    await sellOut('main~A');
    await sellOut('main~B');
    await database.db.query(
      `UPDATE runtime.snapshots SET body = (SELECT body FROM runtime.snapshots WHERE stream = 'stock-main~B')`,
    );
    const { bus, loads } = processOf(tableOf().table);
    await bus.load(stock, 'main~A');
    await bus.load(stock, 'main~B');
    expect(loads.map(({ source }) => source)).toEqual(['start', 'snapshot']);
  });

  test('is loaded and sold from while PostgreSQL does not answer, or is gone', async () => {
    await sellOut('main~AWAY');
    const late = tableOf({ limits: { lookMs: 20 } });
    const { bus, loads } = processOf(late.table);
    await database.db.transaction(async (tx) => {
      await tx.query('LOCK TABLE runtime.snapshots');
      const sale = { type: 'hold', holdId: 'late', quantity: 1 } as const;
      expect(await bus.execute(stock, 'main~AWAY', sale, contextOf())).toMatchObject({ status: 'accepted' });
      expect(loads).toEqual([{ source: 'start', events: 2 * HOLDS + 1 }]);
    });
    expect(late.errors).toMatchObject([{ message: 'no answer within 20 ms' }]);

    const gone = { query: () => Promise.reject(new DatabaseUnavailable('connection', 'gone')) };
    const { table, outcomes, errors } = tableOf({ db: gone });
    const without = processOf(table);
    expect((await without.bus.load(stock, 'main~AWAY')).state.onHand).toBe(HOLDS);
    expect(without.loads).toMatchObject([{ source: 'start' }]);
    // Said once; what could not be written is left for later.
    expect(errors).toMatchObject([{ code: 'database_unavailable' }]);
    expect(outcomes).toEqual(['dropped']);
  });
});

test('the program takes snapshots, loads from them, and counts both', async () => {
  const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: database.url };
  const open = () => openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent' }));
  const [first, second] = [await open(), await open()];
  try {
    await sell(first.bus, 'main~PROGRAM');
    await until(async () => (await rowOf('stock-main~PROGRAM')) !== undefined);
    expect((await second.bus.load(stock, 'main~PROGRAM')).state.onHand).toBe(HOLDS);
    expect(await first.registry.metrics()).toContain('holdfast_snapshots_total{outcome="written"} 1');
    const seen = await second.registry.metrics();
    expect(seen).toContain('holdfast_stream_loads_total{category="stock",source="snapshot"} 1');
    expect(seen).toContain('holdfast_load_events_count{source="snapshot"} 1');
  } finally {
    await first.close();
    await second.close();
  }
});

test('a long settlement stream is loaded from its snapshot, and neither loses nor doubles a cause', async () => {
  const id = 'web~2026-01';
  const causes = Array.from({ length: 1_300 }, (_, i) => ({ commit: 2n ** 62n + BigInt(i), prepare: 0n }));
  const entry: Entry = {
    party: 'web',
    month: '2026-01',
    kind: 'sale',
    effectiveAt: '2026-01-15T12:00:00Z',
    effectiveDay: '2026-01-15',
    currency: 'EUR',
    reference: { orderId: 'web~1' },
    legs: [
      { account: 'receivable', minor: 1_234n },
      { account: 'sales', minor: -1_234n },
    ],
  };
  const post = (index: number) => {
    const { commit, prepare } = causes[index] ?? { commit: 0n, prepare: 0n };
    const place = { commit: `${commit}`, prepare: `${prepare}` };
    const cause = { ...place, id: `${index}`, type: 'OrderShipped', stream: 'order-web~1', revision: index };
    return { type: 'post', cause, after: causes[index - 1] ?? null, entry } as const;
  };
  const adjust = {
    type: 'adjust',
    adjustmentId: 'A1',
    entry: { ...entry, kind: 'adjustment', reason: 'é' },
  } as const;
  const first = tableOf();
  const poster = processOf(first.table);
  await poster.bus.execute(settlement, id, adjust, contextOf());
  for (let from = 0; from < 1_200; from += 100) {
    const some = Array.from({ length: 100 }, (_, i) => post(from + i));
    await Promise.all(some.map((one) => poster.bus.execute(settlement, id, one, contextOf())));
  }
  await until(async () => (await rowOf(`settlement-${id}`)) !== undefined);
  await first.table.close();

  const { bus, loads } = processOf(tableOf().table);
  expect(await bus.load(settlement, id)).toStrictEqual(await processOf().bus.load(settlement, id));
  expect(loads).toMatchObject([{ source: 'snapshot' }]);
  const eventsOf = async (
    command: ReturnType<typeof post> | typeof adjust,
  ): Promise<readonly DomainEvent[] | string> => {
    const result = await bus.execute(settlement, id, command, contextOf());
    return result.status === 'accepted' ? result.events : result.rejection.code;
  };
  expect(await eventsOf(post(1_199))).toEqual([]);
  expect(await eventsOf(post(1_201))).toBe('cause_skipped');
  expect(await eventsOf(post(1_200))).toHaveLength(1);
  expect(await eventsOf(adjust)).toEqual([]);
});

describe('the table of snapshots', () => {
  const snapshotOf = (overrides: Partial<Snapshot> = {}): Snapshot => ({
    stream: 'stock-t',
    version: 2,
    revision: 10,
    eventId: 'e10',
    position: { commit: 2n ** 62n, prepare: 1n },
    state: { onHand: 1 },
    commands: [['k', { requestHash: 'h', first: 1, last: 2, position: { commit: 1n, prepare: 1n } }]],
    weight: 5,
    ...overrides,
  });

  test('gives back what was kept, and keeps the newest of a stream and a version', async () => {
    const { table } = tableOf();
    expect(await table.find('stock-t', 2)).toBeUndefined();
    expect(await table.take(snapshotOf())).toBeGreaterThan(100);
    await table.take(snapshotOf({ revision: 9 }));
    expect((await table.find('stock-t', 2))?.snapshot).toStrictEqual(snapshotOf());
    await table.take(snapshotOf({ revision: 11 }));
    expect((await table.find('stock-t', 2))?.snapshot.revision).toBe(11);
    expect(await table.find('stock-t', 1)).toBeUndefined();
    expect(await table.find('stock-u', 2)).toBeUndefined();
    await table.take(snapshotOf({ version: 3, revision: 4 }));
    expect(await rowOf('stock-t')).toEqual({ version: 3, revision: 4n });
  });

  test('writes one after the other, holds few that wait, and drops the rest', async () => {
    const { table, outcomes } = tableOf();
    const taking = await database.db.transaction(async (tx) => {
      await tx.query('LOCK TABLE runtime.snapshots');
      return Array.from({ length: 50 }, (_, i) => ({
        kept: table.take(snapshotOf({ stream: `stock-${i}` })),
      }));
    });
    const kept = await Promise.all(taking.map((one) => one.kept));
    expect(kept.map((bytes) => bytes > 0)).toEqual(kept.map((_, i) => i < 32));
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(32);
    await table.close();
    expect(await table.take(snapshotOf())).toBe(0);
  });

  test('refuses what is too large or does not come back exactly, and says so', async () => {
    const { table, outcomes, errors } = tableOf();
    const large = snapshotOf({
      state: Array.from({ length: 9 }, () => 'x'.repeat(SNAPSHOT_TEXT_MAX_BYTES / 8)),
    });
    // As many bytes as it got to: the next try is that much later.
    expect(await table.take(large)).toBeGreaterThan(SNAPSHOT_TEXT_MAX_BYTES);
    expect(await table.take(snapshotOf({ state: { when: () => 1 } }))).toBe(0);
    expect(errors).toMatchObject([{ code: 'snapshot_too_large' }, { name: 'TypeError' }]);
    expect(outcomes).toEqual(['dropped', 'dropped']);
    expect(await rowOf('stock-t')).toBeUndefined();
  });

  test('leaves PostgreSQL alone for a while after it failed, then asks again', async () => {
    let nowMs = 0;
    let failing = true;
    const db = {
      query: async <Row>(sql: string, parameters?: readonly unknown[], name?: string) => {
        asked += 1;
        if (failing) throw new DatabaseUnavailable('timeout', 'busy');
        return database.db.query<Row>(sql, parameters, name);
      },
    };
    let asked = 0;
    const { table } = tableOf({ db, nowMs: () => nowMs });
    expect(await table.find('stock-t', 2)).toBeUndefined();
    failing = false;
    expect(await table.find('stock-t', 2)).toBeUndefined();
    expect(await table.take(snapshotOf())).toBe(0);
    expect(asked).toBe(1);
    nowMs += 5_001;
    expect(await table.take(snapshotOf())).toBeGreaterThan(0);
    expect((await table.find('stock-t', 2))?.snapshot.revision).toBe(10);
  });
});
