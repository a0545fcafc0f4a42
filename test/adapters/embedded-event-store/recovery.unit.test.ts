import fs from 'node:fs';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { recordName, recordRevision } from '../../../src/adapters/embedded-event-store/log/record.js';
import { LOG_HEADER_BYTES } from '../../../src/adapters/embedded-event-store/log/storage.js';
import { Expected } from '../../../src/adapters/embedded-event-store/store/expected.js';
import { randomUuid } from '../../../src/adapters/embedded-event-store/store/metadata.js';
import { openStore } from '../../../src/adapters/embedded-event-store/store/recovery.js';
import type { Store } from '../../../src/adapters/embedded-event-store/store/store.js';
import { StreamIndex } from '../../../src/adapters/embedded-event-store/store/stream-index.js';
import { range, temporaryDirectory } from './support.js';

const event = (bytes: number) => ({
  id: randomUuid(),
  type: Buffer.from('T'),
  isJson: false,
  metadata: Buffer.alloc(0),
  data: Buffer.alloc(bytes, 1),
});

/** Appends so many events to a stream; answers with the end of the log when that was acknowledged. */
async function append(store: Store, name: string, events: number, bytes = 20): Promise<number> {
  const outcome = await new Promise<{ kind: string }>((resolve) => {
    store.append(
      name,
      Expected.any,
      range(0, events).map(() => event(bytes)),
      resolve,
    );
  });
  if (outcome.kind !== 'written') throw new Error(outcome.kind);
  return store.log.end;
}

/** What is in a store: its streams with their last revisions, by the log. */
const lasts = (store: Store, names: readonly string[]): number[] =>
  names.map((name) => store.streams.get(name).durableLast);

test('wherever a write was cut, what was acknowledged before is there, and no append in part', async () => {
  const dir = temporaryDirectory();
  const store = await openStore(dir);
  await append(store, 'before', 3);
  // As after a kill: the index knows the first append only.
  await store.catchUpIndex();
  fs.cpSync(path.join(dir, 'index'), path.join(dir, 'index-then'), { recursive: true });
  const ends = [];
  for (const name of ['one', 'two', 'three']) ends.push(await append(store, name, 2, 30));
  await store.close();
  const log = fs.readFileSync(path.join(dir, 'events.log'));
  const [begin = 0] = [LOG_HEADER_BYTES + 3 * (52 + 'before'.length + 1 + 20)];

  for (let cut = begin; cut <= log.length; cut += 11) {
    const copy = temporaryDirectory();
    fs.writeFileSync(path.join(copy, 'events.log'), log.subarray(0, cut));
    fs.cpSync(path.join(dir, 'index-then'), path.join(copy, 'index'), { recursive: true });
    const again = await openStore(copy);
    const whole = ends.filter((end) => end <= cut).length;
    expect(again.log.end).toBe([begin, ...ends][whole]);
    expect(again.log.storage.size).toBe(again.log.end);
    expect(lasts(again, ['before', 'one', 'two', 'three'])).toEqual([
      2,
      ...ends.map((_, i) => (i < whole ? 1 : -1)),
    ]);
    // And it goes on from there.
    await append(again, 'more', 1);
    await again.close();
  }
});

test('a byte changed anywhere in what is acknowledged is noticed at the next start', async () => {
  const dir = temporaryDirectory();
  const store = await openStore(dir);
  for (const i of range(0, 10)) await append(store, `stream-${i}`, 2);
  await store.close();
  const file = path.join(dir, 'events.log');
  const log = fs.readFileSync(file);
  for (let at = LOG_HEADER_BYTES; at < log.length; at += 61) {
    const damaged = Buffer.from(log);
    damaged[at] = (damaged[at] ?? 0) ^ 0x20;
    fs.writeFileSync(file, damaged);
    await expect(openStore(dir)).rejects.toMatchObject({ code: 'log_damaged' });
  }
  fs.writeFileSync(file, log);
  await (await openStore(dir)).close();
});

test('streams that left the memory are what they were', async () => {
  const dir = temporaryDirectory();
  const store = await openStore(dir);
  await append(store, 'early', 3);
  const done: Promise<unknown>[] = [];
  for (const i of range(0, 30_000)) done.push(append(store, `other-${i}`, 1));
  await Promise.all(done);
  await store.catchUpIndex();
  for (const i of range(0, 30_000)) store.streams.get(`nobody wrote to ${i}`);
  await new Promise(setImmediate);
  expect(store.streams.size).toBeLessThan(30_000);
  expect(lasts(store, ['early', 'other-0', 'other-29999'])).toEqual([2, 0, 0]);
  await append(store, 'early', 1);
  expect(lasts(store, ['early'])).toEqual([3]);
  await store.close();
});

test('killed between the rows of the index and its mark, no two streams share their positions', async () => {
  const dir = temporaryDirectory();
  const store = await openStore(dir);
  await append(store, 'old', 3);
  await store.catchUpIndex();
  const mark = jest.spyOn(StreamIndex.prototype, 'mark').mockImplementation(() => undefined);
  await append(store, 'one', 3);
  await append(store, 'two', 3);
  await store.catchUpIndex();
  // As after a kill right here: the rows are on the disk, the mark is not.
  const copy = temporaryDirectory();
  fs.cpSync(dir, copy, { recursive: true, filter: (file) => path.basename(file) !== 'lock' });
  mark.mockRestore();
  const again = await openStore(copy);
  await append(again, 'three', 3);
  await append(again, 'four', 3);
  await again.catchUpIndex();
  const names = ['old', 'one', 'two', 'three', 'four'];
  for (const name of names) {
    const state = again.streams.get(name);
    const found = again.streams.positions(state, 0, 2).map((position) => {
      const { bytes, at } = again.writer.recordAt(position);
      return `${recordName(bytes, at)} ${recordRevision(bytes, at)}`;
    });
    expect(found).toEqual([`${name} 0`, `${name} 1`, `${name} 2`]);
  }
  await again.close();
  await store.close();
});
