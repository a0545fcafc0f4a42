import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { LogTail } from '../../../src/adapters/embedded-event-store/log/log-tail.js';
import { memoryLog } from '../../../src/adapters/embedded-event-store/log/memory-log.js';
import { LOG_HEADER_BYTES } from '../../../src/adapters/embedded-event-store/log/storage.js';
import type { AppendOutcome } from '../../../src/adapters/embedded-event-store/store/append-outcome.js';
import { Expected } from '../../../src/adapters/embedded-event-store/store/expected.js';
import {
  firstReadable,
  limitsOf,
  randomUuid,
  withTruncateBefore,
} from '../../../src/adapters/embedded-event-store/store/metadata.js';
import { RECENT_IDS_MAX, RecentIds } from '../../../src/adapters/embedded-event-store/store/recent-ids.js';
import { openMemoryStore } from '../../../src/adapters/embedded-event-store/store/recovery.js';
import { Store } from '../../../src/adapters/embedded-event-store/store/store.js';
import { STREAM_STATES_MAX } from '../../../src/adapters/embedded-event-store/store/streams.js';

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

const event = () => ({
  id: randomUuid(),
  type: Buffer.from('T'),
  isJson: false,
  metadata: Buffer.alloc(0),
  data: Buffer.alloc(10),
});

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

  test('joins what lies behind each other in one chunk', () => {
    const tail = new LogTail(1_000);
    const chunk = Buffer.from(range(0, 256));
    tail.push({ start: 64, end: 74, bytes: chunk.subarray(0, 10) });
    tail.push({ start: 74, end: 94, bytes: chunk.subarray(10, 30) });
    tail.push(piece(94, 5));
    expect(tail.find(70)).toEqual({ start: 64, end: 94, bytes: chunk.subarray(0, 30) });
    expect(tail.find(94)).toMatchObject({ start: 94, end: 99 });
  });
});

describe('recent ids', () => {
  const ids = range(0, RECENT_IDS_MAX * 3).map(randomUuid);
  const idAt = (position: number): Buffer => ids[position - 1] as Buffer;
  const find = (recent: RecentIds, id: Buffer) => recent.find(id, (position) => idAt(position).equals(id));

  test('are remembered for at least the promised number of events, and not for ever', () => {
    const recent = new RecentIds();
    ids.forEach((id, i) => {
      recent.add(id, 0, i + 1);
    });
    const remembered = ids
      .slice(-RECENT_IDS_MAX)
      .filter((id, i) => find(recent, id) === RECENT_IDS_MAX * 2 + i + 1);
    // An id is lost early when 64 slots in a row are taken, which does not happen to random ones.
    expect(remembered).toHaveLength(RECENT_IDS_MAX);
    expect(find(recent, idAt(1))).toBeUndefined();
    expect(find(recent, randomUuid())).toBeUndefined();
    recent.forgetFrom(RECENT_IDS_MAX * 3 - 10);
    expect(find(recent, idAt(RECENT_IDS_MAX * 3 - 10))).toBeUndefined();
    expect(find(recent, idAt(RECENT_IDS_MAX * 3 - 11))).toBe(RECENT_IDS_MAX * 3 - 11);
  });

  test('that are all the same cost no more than others, and the newest event counts', () => {
    const recent = new RecentIds();
    const [id] = ids as [Buffer];
    for (const i of range(1, RECENT_IDS_MAX)) recent.add(id, 0, i);
    let looked = 0;
    const found = recent.find(id, () => {
      looked++;
      return true;
    });
    expect(found).toBe(RECENT_IDS_MAX);
    expect(looked).toBeLessThanOrEqual(64);
  });
});

describe('streams in memory', () => {
  test('are bounded, whoever asks for how many names', async () => {
    const store = openMemoryStore();
    await new Promise((resolve) => store.append('kept', -1, [event()], resolve));
    for (const i of range(0, STREAM_STATES_MAX * 3)) {
      store.streams.get(`nobody wrote to ${i}`);
      if (i % 1_000 === 0) await nextTurn();
    }
    await nextTurn();
    expect(store.streams.size).toBeLessThanOrEqual(STREAM_STATES_MAX * 1.2);
    // What is nowhere else stays.
    expect(store.streams.get('kept').durableLast).toBe(0);
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
  const append = (store: Store, name: string, expected: number, events = [event()]): Promise<AppendOutcome> =>
    new Promise((resolve) => store.append(name, expected, events, resolve));

  test('takes back what could not be written and everything that was decided on top of it', async () => {
    const memory = memoryLog();
    let failing = false;
    const storage = {
      id: memory.id,
      get size() {
        return memory.size;
      },
      write: async (buffers: readonly Buffer[], position: number) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (failing) throw new Error('no space');
        await memory.write(buffers, position);
      },
      read: memory.read,
      readSync: memory.readSync,
      truncate: memory.truncate,
      close: memory.close,
    };
    const store = new Store({ storage });
    const first = [event()];
    expect(await append(store, 's', Expected.noStream, first)).toMatchObject({ kind: 'written', last: 0 });
    const end = store.log.end;

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
    expect(store.log.end).toBe(end);
    expect(store.streams.get('s')).toMatchObject({ last: 0, durableLast: 0 });

    failing = false;
    expect(await append(store, 's', 0, [lost])).toMatchObject({ kind: 'written', last: 1, position: end });
    expect(await append(store, 's', Expected.noStream, first)).toMatchObject({ kind: 'repeat', last: 0 });
    expect(await append(store, 'new', Expected.noStream)).toMatchObject({ kind: 'written', last: 0 });
  });

  test('cuts off what a failed write left behind, at the latest before the next', async () => {
    const done: string[] = [];
    let failing = true;
    const storage = {
      ...memoryLog(),
      write: async (_: readonly Buffer[], position: number) => {
        done.push(`write at ${position}`);
        if (failing) throw new Error('no space');
      },
      truncate: async (size: number) => {
        done.push(`truncate to ${size}`);
        if (failing) throw new Error('no such luck');
      },
    };
    const store = new Store({ storage });
    expect(await append(store, 's', Expected.noStream)).toMatchObject({ kind: 'failed', reason: 'no space' });
    failing = false;
    expect(await append(store, 's', Expected.noStream)).toMatchObject({ kind: 'written' });
    expect(await append(store, 's', 0)).toMatchObject({ kind: 'written' });
    const next = store.log.end - (store.log.end - LOG_HEADER_BYTES) / 2;
    expect(done).toEqual([
      'write at 64',
      'truncate to 64',
      'truncate to 64',
      'write at 64',
      `write at ${next}`,
    ]);
  });

  test('answers a conflict or a repeat only when what it depends on is written', async () => {
    const store = openMemoryStore();
    const order: string[] = [];
    const events = [event()];
    store.append('s', Expected.noStream, events, () => order.push('append'));
    store.append('s', Expected.noStream, events, ({ kind }) => order.push(kind));
    store.append('s', Expected.noStream, [event()], ({ kind }) => order.push(kind));
    expect(order).toEqual([]);
    await store.writer.whenIdle();
    expect(order).toEqual(['append', 'repeat', 'wrong_version']);
  });
});
