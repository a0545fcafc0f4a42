import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { blindReturn } from '../../src/domain/blind-return.js';
import { channel } from '../../src/domain/channel.js';
import { consignment } from '../../src/domain/consignment.js';
import { coupon } from '../../src/domain/coupon.js';
import type { Decider, DomainEvent } from '../../src/domain/decider.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { location } from '../../src/domain/location.js';
import { order } from '../../src/domain/order.js';
import { settlement } from '../../src/domain/settlement.js';
import { stock } from '../../src/domain/stock.js';
import { createCodec, type EventCodec } from '../../src/runtime/codec.js';
import { COMMAND_WINDOW } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import type { EventStore, EventToAppend } from '../../src/runtime/event-store.js';
import { type LoadSource, StreamCache } from '../../src/runtime/stream-cache.js';
import { shopDay, trade } from '../projections/shop-days.js';
import { contextOf, counter, counterCodec, hashOf } from '../support/counter.js';
import { createMemoryEventStore } from '../support/memory-event-store.js';
import { createMemorySnapshots, EAGER, type MemorySnapshots, singly } from '../support/memory-snapshots.js';

type AnyDecider = Decider<unknown, DomainEvent, unknown>;
const DECIDERS = [
  blindReturn,
  channel,
  consignment,
  coupon,
  location,
  order,
  settlement,
  stock,
] as readonly AnyDecider[];
const codec = createCodec(allEventDefinitions);
interface Loading {
  readonly store: EventStore;
  readonly snapshots?: MemorySnapshots;
  readonly codec?: EventCodec;
}

/** A stream as a process that knows nothing of it loads it. */
const load = async (decider: AnyDecider, stream: string, { store, snapshots, ...given }: Loading) => {
  const loads: [LoadSource, number][] = [];
  const parts = { codec, ...given, store, snapshots, ticks: { now: 0 }, nowMs: () => 0 };
  const cache = new StreamCache(stream, decider, { ...parts, onLoad: (_, ...load) => loads.push(load) });
  await cache.refresh();
  await snapshots?.quiet();
  const { state, revision, position, window, weight } = cache;
  return { known: { state, revision, position, commands: [...window.entries()], weight }, loads, cache };
};

const category = (stream: string): string => stream.slice(0, stream.indexOf('-'));
const deciderOf = (stream: string): AnyDecider => {
  const found = DECIDERS.find((decider) => decider.category === category(stream));
  if (found === undefined) throw new Error(`nobody decides ${stream}`);
  return found;
};

/** Half of the commands come with a key. */
const written = (event: DomainEvent, commandId: string): EventToAppend => {
  const context = { commandId, $correlationId: commandId, $causationId: commandId, actor: 'test' };
  const hash = hashOf(commandId);
  const keyed = hash.charCodeAt(0) % 2 === 0 ? { requestHash: hash } : {};
  return codec.encode(event, { ...context, effectiveAt: '2026-01-15T12:00:00Z', ...keyed });
};

type History = readonly {
  readonly stream: string;
  readonly event: DomainEvent;
  readonly commandId: string;
}[];

const day: fc.Arbitrary<Promise<History>> = shopDay.map(async (steps) =>
  (await trade(steps)).events.map(({ stream, event, metadata }) => ({
    stream,
    event,
    commandId: metadata.commandId,
  })),
);

/** What the days of a shop have none of: settings and the ledger. */
const others: fc.Arbitrary<History> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('ChannelConfigured', 'LocationConfigured', 'posted', 'adjusted'),
      name: fc.string({ minLength: 1, maxLength: 9 }).filter((text) => /^[^\p{Cc}\p{Cs}]+$/u.test(text)),
      sources: fc.array(fc.constantFrom('a', '$', '__proto__'), { minLength: 1, maxLength: 3 }),
      expiresInSeconds: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
    }),
    { minLength: 2, maxLength: 30 },
  )
  .map((steps) =>
    steps.map(({ kind, name, sources, expiresInSeconds }, index) => {
      const commandId = `o${index >> 1}`;
      const optional = expiresInSeconds === undefined ? {} : { expiresInSeconds };
      if (kind === 'ChannelConfigured') {
        const settings = { name, timeZone: 'Europe/Berlin', currencies: ['EUR'], sources, confirm: 'auto' };
        return { stream: 'channel-c', commandId, event: { type: kind, data: { ...settings, ...optional } } };
      }
      if (kind === 'LocationConfigured')
        return { stream: 'location-l', commandId, event: { type: kind, data: { name } } };
      const commit = `${2n ** 60n + BigInt(index)}`;
      const place = {
        commit,
        prepare: commit,
        id: commit,
        type: 'OrderShipped',
        stream: 'order-o',
        revision: 1,
      };
      const data = {
        entryId: `${name}${index}`,
        party: 'web',
        month: '2026-01',
        kind: kind === 'posted' ? 'sale' : 'adjustment',
        ...(kind === 'posted' ? { cause: place } : { adjustmentId: sources.join() }),
        effectiveAt: '2026-01-15T12:00:00Z',
        effectiveDay: '2026-01-15',
        currency: 'EUR',
        reference: {},
        postings: [
          { account: 'receivable', amount: '12345678901234567.89' },
          { account: 'sales', amount: '-12345678901234567.89' },
        ],
      };
      return { stream: 'settlement-web~2026-01', commandId, event: { type: 'EntryPosted', data } };
    }),
  );

/** Streams of kinds that random days may be without, or have one event of. */
const always: History = [
  ...['1', '2', '3'].map((lineId) => ({
    stream: 'return-shop~CN-1',
    commandId: `line ${lineId}`,
    event: {
      type: 'BlindReturnRecorded',
      data: {
        channel: 'shop',
        note: 'CN-1',
        lineId,
        kind: 'goods',
        sku: 'A',
        quantity: 1,
        currency: 'EUR',
        amount: '9.99',
        reason: 'no receipt',
      },
    },
  })),
  ...[
    {
      type: 'ConsignmentPlanned',
      data: {
        channel: 'shop',
        consignmentId: 'always',
        location: 'main',
        customerId: 'c1',
        orders: ['shop~1', 'shop~2'],
      },
    },
    { type: 'ConsignmentOrderShipped', data: { orderId: 'shop~1', units: 2 } },
    { type: 'ConsignmentOrderDropped', data: { orderId: 'shop~2', code: 'order_held', detail: 'fraud' } },
  ].map((event, index) => ({ stream: 'consignment-shop~always', commandId: `step ${index}`, event })),
];

describe('a stream loaded from a snapshot', () => {
  test('is what its events come to from the start, wherever the snapshot was taken, for every decider', async () => {
    const met = new Set<string>();
    await fc.assert(
      fc.asyncProperty(day, others, fc.nat({ max: 1_000 }), async (shop, settings, cut) => {
        const history = [...(await shop), ...settings, ...always];
        for (const stream of new Set(history.map((one) => one.stream))) {
          const events = history
            .filter((one) => one.stream === stream)
            .map(({ event, commandId }) => written(event, commandId));
          if (events.length < 2) continue;
          met.add(category(stream));
          const store = createMemoryEventStore();
          const snapshots = createMemorySnapshots(EAGER);
          const decider = deciderOf(stream);
          const at = 1 + (cut % (events.length - 1));
          await store.append(stream, events.slice(0, at), 'any');
          const before = await load(decider, stream, { store, snapshots });
          expect(snapshots.counts.taken).toBe(1);
          await store.append(stream, events.slice(at), 'any');
          const reader = { store: singly(store), snapshots };
          const { known, loads, cache } = await load(decider, stream, reader);
          // The first event is folded before it is asked for.
          if (at > 1) expect(loads).toEqual([['snapshot', 1 + events.length - at]]);
          const fromStart = await load(decider, stream, { store });
          expect(known).toStrictEqual(fromStart.known);
          // The one who took it goes on by itself, and is not changed by what the other does with it.
          await before.cache.refresh();
          expect(before.cache.state).toStrictEqual(cache.state);
          for (const { event } of history.filter((one) => one.stream === stream))
            expect(decider.evolve(known.state, event)).toStrictEqual(
              decider.evolve(fromStart.known.state, event),
            );
        }
      }),
      { numRuns: 25 },
    );
    expect([...met].sort()).toEqual(DECIDERS.map((decider) => decider.category).sort());
  }, 60_000);
});

/** A counter of `events` events whose snapshot was taken at the last, and another process with an empty cache. */
const counted = async (events: number) => {
  const store = createMemoryEventStore();
  const snapshots = createMemorySnapshots({ lookAfterEvents: 10, distanceEvents: events });
  const first = createCommandRunner({ store, codec: counterCodec, snapshots });
  const add = (units: number) => first.execute(counter, 'x', { type: 'add', units }, contextOf());
  for (let i = 0; i < events; i += 1) await add(1);
  await snapshots.quiet();
  expect(snapshots.counts.taken).toBe(1);
  const again = (decider: AnyDecider = counter as AnyDecider, from = store) =>
    load(decider, 'counter-x', {
      store: singly(from),
      snapshots,
      codec: counterCodec,
    });
  return { store, snapshots, add, again };
};

describe('a snapshot', () => {
  test('of another version of the decider is not looked at', async () => {
    const { again, snapshots } = await counted(30);
    const raised = { ...counter, stateVersion: 2 } as AnyDecider;
    expect((await again(raised)).loads).toEqual([['start', 30]]);
    expect(snapshots.counts.found).toBe(0);
    expect((await again()).loads).toEqual([['snapshot', 10]]);
  });

  test('of another log is ignored and thrown away', async () => {
    const { again, snapshots } = await counted(30);
    const other = await counted(40);
    const { known, loads } = await again(counter as AnyDecider, other.store);
    expect(known.state).toEqual({ total: 40, seen: 40 });
    expect(loads).toEqual([['start', 40]]);
    expect(snapshots.counts).toMatchObject({ found: 1, discarded: 1 });
  });

  test('from beyond the end of the stream is ignored and thrown away', async () => {
    const { again, snapshots, store } = await counted(30);
    const shorter = createMemoryEventStore();
    const events = store.log.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
    await shorter.append('counter-x', events.slice(0, 20), 'any');
    const { known, loads } = await again(counter as AnyDecider, shorter);
    expect(known.state).toEqual({ total: 20, seen: 20 });
    expect(loads).toEqual([['start', 20]]);
    expect(snapshots.counts.discarded).toBe(1);
  });

  test('is not asked for when a stream is short', async () => {
    const { again, snapshots } = await counted(9);
    expect((await again()).loads).toEqual([['start', 9]]);
    expect(snapshots.counts.found).toBe(0);
  });

  test('is taken again when the stream has grown by its distance, or by what its text is worth', async () => {
    const { add, snapshots } = await counted(30);
    for (let i = 0; i < 29; i += 1) await add(1);
    await snapshots.quiet();
    expect(snapshots.counts.taken).toBe(1);
    await add(1);
    await snapshots.quiet();
    expect(snapshots.counts.taken).toBe(2);

    Object.assign(snapshots.limits, { bytesPerEvent: 0.1 });
    for (let i = 0; i < 31; i += 1) await add(1);
    await snapshots.quiet();
    expect(snapshots.counts.taken).toBe(3);
    // Its text is some 300 bytes long, now worth 3,000 events.
    for (let i = 0; i < 100; i += 1) await add(1);
    await snapshots.quiet();
    expect(snapshots.counts.taken).toBe(3);
  });

  test('has the window of commands, which goes on dropping the oldest', async () => {
    const store = createMemoryEventStore();
    const snapshots = createMemorySnapshots({ distanceEvents: COMMAND_WINDOW });
    const runner = createCommandRunner({ store, codec: counterCodec, snapshots });
    const one = { type: 'add', units: 1 } as const;
    const key = (i: number) => contextOf({ commandId: `k${i}`, requestHash: hashOf(one) });
    const run = (bus: typeof runner, i: number) => bus.execute(counter, 'x', one, key(i));
    const answers = await Promise.all(Array.from({ length: COMMAND_WINDOW }, (_, i) => run(runner, i)));
    await snapshots.quiet();
    expect(snapshots.counts.taken).toBe(1);

    const loads: LoadSource[] = [];
    const metrics = { load: (_: string, source: LoadSource) => loads.push(source) };
    const other = createCommandRunner({
      store: singly(store),
      codec: counterCodec,
      snapshots,
      metrics,
    });
    expect(await run(other, 0)).toEqual({
      ...answers[0],
      replayed: true,
      state: { total: 1_000, seen: 1_000 },
    });
    expect(loads).toEqual(['snapshot']);
    expect(await run(other, COMMAND_WINDOW)).toMatchObject({ replayed: false });
    expect(await run(other, 1)).toMatchObject({ replayed: true });
    expect(await run(other, 0)).toMatchObject({ replayed: false });
  });
});
