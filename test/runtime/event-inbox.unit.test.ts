import { describe, expect, test } from '@jest/globals';
import { approximateBytes, EventInbox } from '../../src/runtime/event-inbox.js';
import type { LogBatch } from '../../src/runtime/event-store.js';
import { plainCodec, scriptedLog } from '../support/scripted-log.js';

const log = scriptedLog();
const batch = (events: number, data: unknown = {}, caughtUp = true): LogBatch => {
  const written = log.write(...Array.from({ length: events }, () => ['a-1', 'Counted', data] as const));
  return { events: written, position: written.at(-1)?.position ?? { commit: 1n, prepare: 1n }, caughtUp };
};

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol();
  await new Promise((done) => setTimeout(done, 5));
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

describe('the inbox of the projections', () => {
  test('gives several arrivals as one batch, with the position of the last', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 100, maxBytes: 1e6 });
    await inbox.add(batch(3, {}, false));
    const second = batch(2);
    await inbox.add(second);
    const taken = await inbox.take(100, 1e6);
    expect(taken).toMatchObject({ position: second.position, caughtUp: true });
    expect(taken?.events).toHaveLength(5);
  });

  test('gives a part with the position of its own last event, and is not caught up before the rest', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 100, maxBytes: 1e6 });
    const arrived = batch(5);
    await inbox.add(arrived);
    const first = await inbox.take(3, 1e6);
    expect(first).toMatchObject({ position: arrived.events[2]?.position, caughtUp: false });
    const second = await inbox.take(3, 1e6);
    expect(second?.events.map(({ stored }) => stored)).toEqual(arrived.events.slice(3));
    expect(second).toMatchObject({ position: arrived.position, caughtUp: true });
  });

  test('bounds a batch by bytes, but gives an event that alone is larger', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 100, maxBytes: 1e6 });
    await inbox.add(batch(3, { text: 'x'.repeat(1_000) }));
    expect((await inbox.take(100, 2_500))?.events).toHaveLength(2);
    expect((await inbox.take(100, 10))?.events).toHaveLength(1);
  });

  test('makes its source wait while it is full, by events or by bytes', async () => {
    for (const [limits, arriving] of [
      [{ maxEvents: 2, maxBytes: 1e6 }, batch(2)],
      [{ maxEvents: 100, maxBytes: 1_000 }, batch(1, { text: 'x'.repeat(1_000) })],
    ] as const) {
      const inbox = new EventInbox(plainCodec, limits);
      const adding = inbox.add(arriving);
      expect(await isPending(adding)).toBe(true);
      await inbox.take(100, 1e6);
      expect(await isPending(adding)).toBe(false);
    }
  });

  test('passes on a position without events, once', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 2, maxBytes: 1e6 });
    await inbox.add({ events: [], position: { commit: 9n, prepare: 9n }, caughtUp: true });
    expect(await inbox.take(10, 1e6)).toMatchObject({ events: [], position: { commit: 9n } });
    expect(await isPending(inbox.take(10, 1e6))).toBe(true);
  });

  test('gives what it has before it throws what its source failed with', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 100, maxBytes: 1e6 });
    await inbox.add(batch(1));
    inbox.end(new Error('broken'));
    expect((await inbox.take(10, 1e6))?.events).toHaveLength(1);
    await expect(inbox.take(10, 1e6)).rejects.toThrow('broken');
  });

  test('keeps an event that cannot be read, with the reason', async () => {
    const inbox = new EventInbox(plainCodec, { maxEvents: 100, maxBytes: 1e6 });
    const [stored] = log.write(['a-1', 'Unreadable']);
    if (stored === undefined) throw new Error('nothing written');
    await inbox.add({ events: [stored], position: stored.position, caughtUp: true });
    const [event] = (await inbox.take(10, 1e6))?.events ?? [];
    expect(event).toMatchObject({ stored, error: new Error('cannot be read') });
  });

  test('knows the order of magnitude of an event', () => {
    const data = { lines: Array.from({ length: 100 }, (_, i) => ({ sku: `sku-${i}`, quantity: i })) };
    const ratio = approximateBytes(data) / JSON.stringify(data).length;
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(5);
  });
});
