import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBClient } from '@eventstore/db-client';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../../src/adapters/event-store/event-store.js';
import type { ClientLimits, Trouble } from '../../../src/adapters/event-store/limits.js';
import { encodeEvents } from '../../../src/adapters/event-store/proposed-messages.js';
import {
  comparePositions,
  type EventStore,
  EventStoreUnavailable,
  type EventToAppend,
  LOG_START,
  type LogBatch,
  type StoredEvent,
} from '../../../src/runtime/event-store.js';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';

const eventOf = (data: unknown = { units: 1 }): EventToAppend => ({
  id: randomUUID(),
  type: 'Added',
  data,
  metadata: { commandId: 'c', note: 'ünï' },
});
const eventsOf = (count: number): EventToAppend[] => Array.from({ length: count }, (_, i) => eventOf({ i }));

const all = async (batches: AsyncIterable<readonly StoredEvent[]>): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
};
const until = async (what: string, done: () => boolean): Promise<void> => {
  for (const deadline = Date.now() + 15_000; !done(); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
  }
};

let server: RunningEventStore;
beforeAll(async () => {
  server = await startEventStore({ inMemory: true });
});
afterAll(() => server.stop());

/** Each test has a namespace of its own, a proxy between client and server, and short patience. */
const LIMITS: Partial<ClientLimits> = {
  appendAttemptMs: 400,
  appendTotalMs: 10_000,
  readSilentMs: 600,
  readTotalMs: 10_000,
  subscriptionSilentMs: 300,
  subscriptionGraceMs: 200,
};
let proxy: TcpProxy;
let store: EventStore;
let direct: EventStore;
let troubles: Trouble['kind'][];
let namespace: string;
beforeEach(async () => {
  proxy = await startTcpProxy(server.port);
  namespace = `t${randomUUID().replaceAll('-', '')}`;
  troubles = [];
  store = createEventStore({
    connectionString: `esdb://127.0.0.1:${proxy.port}?tls=false`,
    namespace,
    limits: LIMITS,
    onTrouble: ({ kind }) => troubles.push(kind),
  });
  direct = createEventStore({ connectionString: server.connectionString, namespace });
});
afterEach(async () => {
  await Promise.all([store.close(), direct.close()]);
  await proxy.close();
});

describe('appends and reads', () => {
  test('an append answers with the revision and position of its last event, as reads show them', async () => {
    const events = [eventOf({ text: 'ä "quoted" \n' }), eventOf({ deep: [{ a: null }] })];
    const outcome = await store.append('counter-a~b-c', events, -1);
    const read = await all(store.readStream('counter-a~b-c', 0));
    expect(outcome).toEqual({ ok: true, revision: 1, position: read[1]?.position });
    expect(read).toMatchObject(
      events.map((event, revision) => ({ ...event, revision, stream: 'counter-a~b-c' })),
    );
    expect(Math.abs(Date.now() - (read[0]?.recordedAt.getTime() ?? 0))).toBeLessThan(60_000);
    expect(await store.readLast('counter-a~b-c')).toEqual(read[1]);
    expect(await store.readEnd()).toEqual(read[1]?.position);
  });

  test('a wrong expected revision writes nothing and says where the stream is', async () => {
    expect(await store.append('counter-1', eventsOf(1), 4)).toEqual({ ok: false, actual: -1 });
    await store.append('counter-1', eventsOf(3), -1);
    expect(await store.append('counter-1', eventsOf(1), -1)).toEqual({ ok: false, actual: 2 });
    expect(await store.append('counter-1', eventsOf(1), 1)).toEqual({ ok: false, actual: 2 });
    expect((await all(store.readStream('counter-1', 0))).length).toBe(3);
  });

  test('the same batch at the same revision is one append, also when others wrote after it', async () => {
    const batch = eventsOf(2);
    const first = await store.append('counter-1', batch, -1);
    expect(await store.append('counter-1', batch, -1)).toEqual(first);
    await store.append('counter-1', eventsOf(1), 1);
    expect(await store.append('counter-1', batch, -1)).toEqual(first);
    expect((await all(store.readStream('counter-1', 0))).length).toBe(3);
  });

  test('a stream that does not exist has no events', async () => {
    expect(await all(store.readStream('counter-none', 0))).toEqual([]);
    expect(await all(store.readStream('counter-none', 7))).toEqual([]);
    expect(await store.readLast('counter-none')).toBeUndefined();
  });

  test('a long stream comes in order, in batches, from any revision', async () => {
    for (let at = 0; at < 5_000; at += 1_000) await store.append('counter-1', eventsOf(1_000), at - 1);
    const batches: number[] = [];
    const revisions: number[] = [];
    for await (const batch of store.readStream('counter-1', 10)) {
      batches.push(batch.length);
      for (const { revision } of batch) revisions.push(revision);
    }
    expect(revisions).toEqual(Array.from({ length: 4_990 }, (_, i) => i + 10));
    expect(Math.max(...batches)).toBeLessThanOrEqual(1_000);
    expect(await all(store.readStream('counter-1', 5_000))).toEqual([]);
  });

  test('events are decoded by ourselves, by every way they come', async () => {
    await store.append('counter-1', eventsOf(100), -1);
    const generated = streams.ReadResp.deserializeBinary;
    let byTheClient = 0;
    streams.ReadResp.deserializeBinary = (bytes) => {
      const response = generated(bytes);
      if (response.hasEvent()) byTheClient += 1;
      return response;
    };
    try {
      expect(await all(store.readStream('counter-1', 0))).toHaveLength(100);
      expect(await store.readLast('counter-1')).toMatchObject({ revision: 99 });
      for await (const { caughtUp } of store.readAll({ categories: ['counter'] })) if (caughtUp) break;
      for await (const { caughtUp } of store.subscribeAll({ categories: ['counter'] })) if (caughtUp) break;
      expect(byTheClient).toBe(0);
      // The client as it is would have been counted.
      const stock = EventStoreDBClient.connectionString(server.connectionString);
      for await (const { event } of stock.readStream(`${namespace}counter-1`)) expect(event).toBeDefined();
      await stock.dispose();
      expect(byTheClient).toBe(100);
    } finally {
      streams.ReadResp.deserializeBinary = generated;
    }
  });

  test('more reads than may be open at once queue, and leaving one early frees its place', async () => {
    // Not `store`: 64 reads at once on a busy machine may be silent for longer than its short patience.
    await direct.append('counter-1', eventsOf(200), -1);
    const lengths = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        for await (const batch of direct.readStream('counter-1', 0)) {
          if (i % 2 === 0) return batch.length > 0;
        }
        return true;
      }),
    );
    expect(lengths.every(Boolean)).toBe(true);
  });

  test('a namespace keeps others out of streams and of the log', async () => {
    const other = createEventStore({
      connectionString: server.connectionString,
      namespace: `${namespace}x`,
    });
    await other.append('counter-1', eventsOf(1), -1);
    await store.append('counter-1', eventsOf(2), -1);
    await store.append('counters-1', eventsOf(1), -1);
    const seen: StoredEvent[] = [];
    for await (const { events } of store.readAll({ categories: ['counter', 'none'] })) seen.push(...events);
    expect(seen.map(({ stream, revision }) => `${stream}@${revision}`)).toEqual([
      'counter-1@0',
      'counter-1@1',
    ]);
    await other.close();
  });

  test('the log is read after a position, to its end', async () => {
    const first = await store.append('counter-1', eventsOf(1), -1);
    const second = await store.append('other-1', eventsOf(1), -1);
    const third = await store.append('counter-1', eventsOf(1), 0);
    if (!first.ok || !second.ok || !third.ok) throw new Error('not appended');
    const readAfter = async (position: typeof LOG_START): Promise<LogBatch[]> => {
      const batches: LogBatch[] = [];
      for await (const batch of store.readAll({ categories: ['counter'], after: position }))
        batches.push(batch);
      return batches;
    };
    const batches = await readAfter(first.position);
    expect(batches.flatMap(({ events }) => events).map(({ revision }) => revision)).toEqual([1]);
    expect(batches.at(-1)).toEqual({ events: [], position: third.position, caughtUp: true });
    expect(await readAfter(third.position)).toEqual([
      { events: [], position: third.position, caughtUp: true },
    ]);
  });
});

describe('a network that fails', () => {
  test('while an answer is on its way: the append is sent again and is one append', async () => {
    await store.append('counter-1', eventsOf(1), -1);
    proxy.swallowAnswers();
    const outcomes = await Promise.all([
      store.append('counter-1', eventsOf(2), 0),
      store.append('counter-2', eventsOf(1), -1),
    ]);
    expect(outcomes).toMatchObject([
      { ok: true, revision: 2 },
      { ok: true, revision: 0 },
    ]);
    expect((await all(direct.readStream('counter-1', 0))).length).toBe(3);
    expect((await all(direct.readStream('counter-2', 0))).length).toBe(1);
    expect(troubles).toContain('append_retried');
  });

  test('silently, with connections that look healthy: reads and appends go on over new ones', async () => {
    await store.append('counter-1', eventsOf(1), -1);
    expect((await all(store.readStream('counter-1', 0))).length).toBe(1);
    proxy.freeze();
    const [read, appended] = await Promise.all([
      all(store.readStream('counter-1', 0)),
      store.append('counter-3', eventsOf(1), -1),
    ]);
    expect(read.length).toBe(1);
    expect(appended).toMatchObject({ ok: true });
  });

  test('in the middle of a long read: it goes on where it was, without a gap and nothing twice', async () => {
    for (let at = 0; at < 8_000; at += 1_000) await direct.append('counter-1', eventsOf(1_000), at - 1);
    const revisions: number[] = [];
    let cuts = 0;
    for await (const batch of store.readStream('counter-1', 0)) {
      for (const { revision } of batch) revisions.push(revision);
      if (revisions.length > 2_000 && cuts < 2) {
        cuts += 1;
        proxy.cut();
      }
    }
    expect(revisions).toEqual(Array.from({ length: 8_000 }, (_, i) => i));
    expect(troubles).toContain('read_retried');
  });

  test('again and again under load: every acknowledged event is there, and nothing is there twice', async () => {
    const acknowledged = new Set<string>();
    let running = true;
    const writers = Array.from({ length: 32 }, async (_, writer) => {
      for (let revision = -1; running; revision += 1) {
        const event = eventOf();
        const outcome = await store.append(`counter-${writer}`, [event], revision);
        expect(outcome).toMatchObject({ ok: true, revision: revision + 1 });
        acknowledged.add(event.id);
      }
    });
    for (let cut = 0; cut < 6; cut += 1) {
      await sleep(120);
      if (cut % 2 === 0) proxy.cut();
      else proxy.swallowAnswers();
    }
    running = false;
    await Promise.all(writers);
    const found: string[] = [];
    for await (const { events } of direct.readAll({ categories: ['counter'] })) {
      for (const { id } of events) found.push(id);
    }
    expect(new Set(found).size).toBe(found.length);
    expect([...acknowledged].filter((id) => !found.includes(id))).toEqual([]);
  });

  test('for longer than the deadline: reads are EventStoreUnavailable', async () => {
    const lost = createEventStore({
      connectionString: 'esdb://127.0.0.1:1?tls=false',
      limits: { readTotalMs: 200 },
    });
    await expect(all(lost.readStream('counter-1', 0))).rejects.toBeInstanceOf(EventStoreUnavailable);
    await expect(lost.readEnd()).rejects.toMatchObject({ code: 'event_store_unavailable' });
    await lost.close();
  });
});

test('appends survive a kill of the server and its restart on the same log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
  let own = await startEventStore({ dir });
  const { port } = own;
  const client = createEventStore({ connectionString: own.connectionString, namespace, limits: LIMITS });
  const acknowledged: string[] = [];
  let running = true;
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let revision = -1; running; revision += 1) {
      const event = eventOf();
      expect(await client.append(`counter-${writer}`, [event], revision)).toMatchObject({ ok: true });
      acknowledged.push(event.id);
    }
  });
  await sleep(200);
  own.kill('SIGKILL');
  await own.exited;
  const before = acknowledged.length;
  own = await startEventStore({ dir, port });
  await until('appends go on', () => acknowledged.length > before + 100);
  running = false;
  await Promise.all(writers);
  const found: string[] = [];
  for await (const { events } of client.readAll({ categories: ['counter'] })) {
    for (const { id } of events) found.push(id);
  }
  expect(found.length).toBe(acknowledged.length);
  expect(new Set(found)).toEqual(new Set(acknowledged));
  await client.close();
  await own.stop();
  await rm(dir, { recursive: true });
}, 30_000);

describe('a subscription', () => {
  interface Following {
    readonly events: StoredEvent[];
    readonly batches: LogBatch[];
    stop(): Promise<void>;
  }
  const follow = (after?: LogBatch['position'], slowMs = 0, from = store): Following => {
    const stopping = new AbortController();
    const events: StoredEvent[] = [];
    const batches: LogBatch[] = [];
    const options = { categories: ['counter', 'more'], signal: stopping.signal };
    const done = (async () => {
      for await (const batch of from.subscribeAll(after === undefined ? options : { ...options, after })) {
        batches.push(batch);
        events.push(...batch.events);
        if (slowMs > 0) await sleep(slowMs);
      }
    })();
    return {
      events,
      batches,
      async stop() {
        stopping.abort();
        await done;
      },
    };
  };
  const numbers = (events: readonly StoredEvent[]): number[] =>
    events.map(({ data }) => (data as { i: number }).i);
  const count = (to: number): number[] => Array.from({ length: to }, (_, i) => i);

  test('delivers what was and what comes, only of its categories, and says when it has caught up', async () => {
    await store.append('counter-1', eventsOf(3), -1);
    const following = follow();
    await until('caught up', () => following.batches.at(-1)?.caughtUp === true);
    expect(following.events.length).toBe(3);
    await store.append('other-1', eventsOf(2), -1);
    const outcome = await store.append('more-1', eventsOf(1), -1);
    await until('the new event', () => following.events.length === 4);
    expect(following.batches.at(-1)).toMatchObject({
      position: outcome.ok ? outcome.position : undefined,
      caughtUp: true,
    });
    await following.stop();
  });

  test('to some types gets only these, of its categories, and moves over all others', async () => {
    const typed = (type: string): EventToAppend => ({ ...eventOf(), type });
    const stopping = new AbortController();
    const options = { categories: ['counter'], types: ['Added', 'Removed'], signal: stopping.signal };
    const seen: StoredEvent[] = [];
    let position = LOG_START;
    const following = (async () => {
      for await (const batch of store.subscribeAll(options)) {
        seen.push(...batch.events);
        position = batch.position;
      }
    })();
    await store.append(
      'counter-1',
      [typed('Added'), typed('AddedTwice'), typed('Moved'), typed('Removed')],
      -1,
    );
    await store.append('other-1', [typed('Added')], -1);
    const rest = Array.from({ length: 1_000 }, () => typed('Moved'));
    const last = await store.append('counter-1', rest, 3);
    if (!last.ok) throw new Error('not appended');
    await until('the end', () => comparePositions(position, last.position) >= 0);
    expect(seen.map(({ stream, type, data }) => [stream, type, data])).toEqual([
      ['counter-1', 'Added', { units: 1 }],
      ['counter-1', 'Removed', { units: 1 }],
    ]);
    stopping.abort();
    await following;
    const read: StoredEvent[] = [];
    for await (const batch of store.readAll({ ...options, signal: new AbortController().signal }))
      read.push(...batch.events);
    expect(read.map(({ id }) => id)).toEqual(seen.map(({ id }) => id));
  });

  test('starts after its position, and moves the position over what is not its own', async () => {
    const first = await store.append('counter-1', eventsOf(1), -1);
    const second = await store.append('counter-1', eventsOf(1), 0);
    for (let at = 0; at < 5_000; at += 1_000) await store.append('other-1', eventsOf(1_000), at - 1);
    const end = await store.readEnd();
    if (!first.ok || !second.ok || end === undefined) throw new Error('not appended');
    const following = follow(first.position);
    await until('the end', () => comparePositions(following.batches.at(-1)?.position ?? LOG_START, end) >= 0);
    expect(following.events.map(({ revision }) => revision)).toEqual([1]);
    const positions = following.batches.map(({ position }) => position.commit);
    expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
    await following.stop();
  });

  test('with a slow consumer holds back instead of piling up, and delivers all in order', async () => {
    for (let at = 0; at < 6_000; at += 1_000) {
      const events = Array.from({ length: 1_000 }, (_, i) => eventOf({ i: at + i }));
      await direct.append('counter-1', events, at - 1);
    }
    const following = follow(undefined, 20);
    await until('all events', () => following.events.length === 6_000);
    expect(numbers(following.events)).toEqual(count(6_000));
    expect(Math.max(...following.batches.map(({ events }) => events.length))).toBeLessThanOrEqual(1_000);
    await following.stop();
  });

  test('is resumed after every kind of break, without a gap and nothing twice', async () => {
    const following = follow();
    for (let i = 0; i < 60; i += 1) {
      await direct.append('counter-1', [eventOf({ i })], i - 1);
      if (i % 15 === 5) proxy.cut();
      if (i % 15 === 10) proxy.freeze();
      await sleep(5);
    }
    await until('all events', () => following.events.length >= 60);
    await sleep(50);
    expect(numbers(following.events)).toEqual(count(60));
    expect(troubles).toContain('subscription_resumed');
    await following.stop();
  }, 30_000);

  test('notices that it was forgotten silently, and resumes', async () => {
    const following = follow();
    await direct.append('counter-1', [eventOf({ i: 0 })], -1);
    await until('the first event', () => following.events.length === 1);
    proxy.freeze();
    await direct.append('counter-1', [eventOf({ i: 1 })], 0);
    await until('the second event', () => following.events.length === 2);
    await following.stop();
  });

  test('ends its call at the server when the consumer just leaves', async () => {
    await store.append('counter-1', eventsOf(1), -1);
    const before = proxy.connections;
    for await (const { events } of store.subscribeAll({ categories: ['counter'] })) {
      if (events.length > 0) break;
    }
    // Reading the end of the log opened the connection for reads.
    await until('its connection is closed', () => proxy.connections <= before + 1);
  });

  test('ends when the store is closed', async () => {
    const own = createEventStore({ connectionString: server.connectionString, namespace });
    const following = follow(undefined, 0, own);
    await until('caught up', () => following.batches.at(-1)?.caughtUp === true);
    await own.close();
    await following.stop();
  });
});

test('events that the client sent by its other road, still packed, are refused: nothing is written', async () => {
  const client = EventStoreDBClient.connectionString(server.connectionString);
  const { carrier } = encodeEvents([eventOf()]);
  // With credentials of its own an append does not go by the batch stream, and nobody unpacks it.
  const credentials = { username: 'somebody', password: 'else' };
  const appending = client.appendToStream(`${namespace}-packed-1`, carrier, { credentials });
  await expect(appending).rejects.toThrow('INVALID_ARGUMENT');
  expect(await all(direct.readStream('packed-1', 0))).toEqual([]);
  await client.dispose();
});
