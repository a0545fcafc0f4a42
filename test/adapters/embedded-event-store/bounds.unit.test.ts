import { describe, expect, test } from '@jest/globals';
import { Expected } from '../../../src/adapters/embedded-event-store/errors.js';
import { LogTail } from '../../../src/adapters/embedded-event-store/log-tail.js';
import { RECENT_IDS_MAX, RecentIds } from '../../../src/adapters/embedded-event-store/recent-ids.js';
import { openMemoryStore } from '../../../src/adapters/embedded-event-store/recovery.js';
import { type AppendOutcome, Store } from '../../../src/adapters/embedded-event-store/store.js';
import {
  firstReadable,
  limitsOf,
  withTruncateBefore,
} from '../../../src/adapters/embedded-event-store/stream-state.js';
import { randomUuid } from '../../../src/adapters/embedded-event-store/uuid.js';

describe('the tail of the log in memory', () => {
  const piece = (start: number, length: number) => ({
    start,
    end: start + length,
    bytes: Buffer.alloc(length),
  });

  test('keeps the newest pieces within its bound, and always the last', () => {
    const tail = new LogTail(1_000);
    let position = 64;
    for (let i = 0; i < 5_000; i++) {
      const length = 1 + ((i * 37) % 400);
      tail.push(piece(position, length));
      position += length;
      expect(position - tail.start).toBeLessThanOrEqual(1_000);
      expect(tail.find(position - 1)?.end).toBe(position);
      expect(tail.find(tail.start - 1)).toBeUndefined();
      expect(tail.find(position)).toBeUndefined();
    }
    tail.push(piece(position, 5_000));
    expect(tail.start).toBe(position);
    expect(tail.find(position + 4_999)?.start).toBe(position);
  });
});

describe('recent ids', () => {
  test('are remembered for at least the promised number of events, and not for ever', () => {
    const ids = new RecentIds();
    const event = (position: number) => ({ streamName: 's', revision: position, position });
    for (let i = 0; i < RECENT_IDS_MAX * 3; i++) ids.set(String(i), event(i));
    expect(ids.get(String(RECENT_IDS_MAX * 2))).toEqual(event(RECENT_IDS_MAX * 2));
    expect(ids.get('0')).toBeUndefined();
    ids.forgetFrom(RECENT_IDS_MAX * 3 - 10);
    expect(ids.get(String(RECENT_IDS_MAX * 3 - 1))).toBeUndefined();
    expect(ids.get(String(RECENT_IDS_MAX * 3 - 11))).toBeDefined();
  });
});

describe('what metadata says about reading', () => {
  test('the strictest limit counts, and nonsense is no limit', () => {
    expect(firstReadable(limitsOf({ $maxCount: 3, $tb: 5 }), 9)).toBe(7);
    expect(firstReadable(limitsOf({ $maxCount: 3, $tb: 8 }), 9)).toBe(8);
    expect(firstReadable(limitsOf({ $maxCount: 'many', $tb: -1, $maxAge: null }), 9)).toBe(0);
  });

  test('a deletion is written with the exact largest revision and read back as one', () => {
    const json = withTruncateBefore({ owner: 'shop', $tb: 3 }, 9_223_372_036_854_775_807n).toString();
    expect(json).toBe('{"owner":"shop","$tb":9223372036854775807}');
    expect(limitsOf(JSON.parse(json)).softDeleted).toBe(true);
    expect(withTruncateBefore({}, 4).toString()).toBe('{"$tb":4}');
  });
});

describe('the writer', () => {
  const event = () => ({
    id: randomUuid(),
    type: Buffer.from('T'),
    isJson: false,
    metadata: Buffer.alloc(0),
    data: Buffer.alloc(10),
  });
  const append = (store: Store, name: string, expected: number, events = [event()]): Promise<AppendOutcome> =>
    new Promise((resolve) => store.append(name, expected, events, resolve));

  test('takes back what could not be written and everything that was decided on top of it', async () => {
    const memory = openMemoryStore();
    let failing = false;
    const storage = {
      id: memory.storage.id,
      get size() {
        return memory.storage.size;
      },
      write: async (buffers: readonly Buffer[], position: number) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (failing) throw new Error('no space');
        await memory.storage.write(buffers, position);
      },
      read: memory.storage.read,
      readSync: memory.storage.readSync,
      truncate: memory.storage.truncate,
      close: memory.storage.close,
    };
    const store = new Store({ storage });
    const first = [event()];
    expect(await append(store, 's', Expected.noStream, first)).toMatchObject({ kind: 'written', last: 0 });
    const end = store.end;

    failing = true;
    const lost = event();
    const failed = append(store, 's', 0, [lost]);
    await new Promise((resolve) => setTimeout(resolve, 2));
    // Decided while the first is being written: a next event, a repeat of the lost one, a conflict because of it.
    const onTop = [
      append(store, 's', 1),
      append(store, 's', 0, [lost]),
      append(store, 's', 0),
      append(store, 'new', -1),
    ];
    for (const outcome of await Promise.all([failed, ...onTop])) expect(outcome.kind).toBe('failed');
    expect(store.end).toBe(end);
    expect(store.stream('s')).toMatchObject({ last: 0, durableLast: 0 });

    failing = false;
    expect(await append(store, 's', 0, [lost])).toMatchObject({ kind: 'written', last: 1, position: end });
    expect(await append(store, 's', Expected.noStream, first)).toMatchObject({ kind: 'repeat', last: 0 });
    expect(await append(store, 'new', Expected.noStream)).toMatchObject({ kind: 'written', last: 0 });
  });

  test('answers a conflict or a repeat only when what it depends on is written', async () => {
    const store = openMemoryStore();
    const order: string[] = [];
    const events = [event()];
    store.append('s', Expected.noStream, events, () => order.push('append'));
    store.append('s', Expected.noStream, events, ({ kind }) => order.push(kind));
    store.append('s', Expected.noStream, [event()], ({ kind }) => order.push(kind));
    expect(order).toEqual([]);
    await store.whenIdle();
    expect(order).toEqual(['append', 'repeat', 'wrong_version']);
  });
});
