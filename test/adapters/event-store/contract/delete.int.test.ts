import { setTimeout as sleep } from 'node:timers/promises';
import { BACKWARDS, END } from '@eventstore/db-client';
import { expect } from '@jest/globals';
import {
  type Contract,
  collect,
  contract,
  errorOf,
  numbered,
  numberedFrom,
  numbersOf,
  range,
  useEventStore,
} from './support.js';

useEventStore();

const numbersIn = async ({ client }: Contract, stream: string): Promise<number[]> =>
  numbersOf(await collect(client.readStream(stream)));
const readError = ({ client }: Contract, stream: string) => errorOf(collect(client.readStream(stream)));

/** The case's own events in `$all`, from its first append on. */
async function inAll(
  { client, prefix }: Contract,
  from: { position?: { commit: bigint; prepare: bigint } | undefined },
) {
  if (from.position === undefined) throw new Error('no position');
  const all = await collect(client.readAll({ fromPosition: from.position }));
  return all.flatMap(({ event }) => (event?.streamId.includes(prefix) ? [event] : []));
}

contract('ES-100', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  const { position } = await it.client.deleteStream(it.stream(), { expectedRevision: 2n });
  expect(position?.commit).toBeGreaterThan(0n);
  expect(await readError(it, it.stream())).toMatchObject({
    type: 'stream-not-found',
    streamName: it.stream(),
  });
  const backwards = collect(it.client.readStream(it.stream(), { direction: BACKWARDS, fromRevision: END }));
  expect(await errorOf(backwards)).toMatchObject({ type: 'stream-not-found' });
});

contract('ES-101', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  await it.client.deleteStream(it.stream());
  const result = await it.client.appendToStream(it.stream(), numberedFrom(3, 2));
  expect(result.nextExpectedRevision).toBe(4n);
  expect(await numbersIn(it, it.stream())).toEqual([3, 4]);
  await it.client.appendToStream(it.stream(), numbered(5), { expectedRevision: 4n });
  expect(await numbersIn(it, it.stream())).toEqual([3, 4, 5]);
});

contract('ES-102', async (it) => {
  for (const [name, expectedRevision] of [
    ['absent', 'no_stream'],
    ['last', 2n],
  ] as const) {
    await it.client.appendToStream(it.stream(name), numberedFrom(0, 3));
    await it.client.deleteStream(it.stream(name));
    const result = await it.client.appendToStream(it.stream(name), numbered(3), { expectedRevision });
    expect(result.nextExpectedRevision).toBe(3n);
    expect(await numbersIn(it, it.stream(name))).toEqual([3]);
  }
});

contract('ES-103', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  await it.client.deleteStream(it.stream());
  const append = it.client.appendToStream(it.stream(), numbered(1), { expectedRevision: 'stream_exists' });
  expect(await errorOf(append)).toMatchObject({ type: 'stream-deleted', streamName: it.stream() });
});

contract('ES-104', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  const error = await errorOf(it.client.deleteStream(it.stream(), { expectedRevision: 0n }));
  expect(error).toMatchObject({
    type: 'wrong-expected-version',
    streamName: it.stream(),
    expectedVersion: 0n,
    actualVersion: 2n,
  });
  expect(await numbersIn(it, it.stream())).toEqual([0, 1, 2]);
});

contract('ES-105', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  const { position } = await it.client.tombstoneStream(it.stream(), { expectedRevision: 2n });
  expect(position?.commit).toBeGreaterThan(0n);
  const gone = { type: 'stream-deleted', streamName: it.stream() };
  expect(await readError(it, it.stream())).toMatchObject(gone);
  for (const expectedRevision of ['any', 'no_stream', 'stream_exists', 2n] as const) {
    const append = it.client.appendToStream(it.stream(), numbered(3), { expectedRevision });
    expect(await errorOf(append)).toMatchObject(gone);
  }
  expect(await errorOf(it.client.deleteStream(it.stream()))).toMatchObject(gone);
  expect(await errorOf(it.client.tombstoneStream(it.stream()))).toMatchObject(gone);
});

contract('ES-106', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  const wrong = it.client.tombstoneStream(it.stream(), { expectedRevision: 5n });
  expect(await errorOf(wrong)).toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
  expect(await numbersIn(it, it.stream())).toEqual([0]);
  await it.client.tombstoneStream(it.stream('name'), { expectedRevision: 'no_stream' });
  expect(await readError(it, it.stream('name'))).toMatchObject({ type: 'stream-deleted' });
});

contract('ES-107', async (it) => {
  const first = await it.client.appendToStream(it.stream(), numberedFrom(0, 2));
  await it.client.deleteStream(it.stream());
  await it.client.tombstoneStream(it.stream());
  const events = await inAll(it, first);
  expect(events.map(({ streamId, type }) => [streamId, type])).toEqual([
    [it.stream(), 'Numbered'],
    [`$$${it.stream()}`, '$metadata'],
    [it.stream(), '$streamDeleted'],
  ]);
  expect(events.at(-1)?.revision).toBe(9_223_372_036_854_775_807n);
});

contract('ES-108', async (it) => {
  const metadata = {
    maxCount: 10,
    maxAge: 3_600,
    truncateBefore: 2,
    cacheControl: 5,
    acl: { readRoles: ['$all'], writeRoles: ['$admins'] },
    owner: 'warehouse',
  };
  const result = await it.client.setStreamMetadata(it.stream(), metadata);
  expect(result.nextExpectedRevision).toBe(0n);
  expect((await it.client.getStreamMetadata(it.stream())).metadata).toEqual(metadata);
  await it.client.setStreamMetadata(it.stream(), { owner: 'shop' });
  expect((await it.client.getStreamMetadata(it.stream())).metadata).toEqual({ owner: 'shop' });
});

contract('ES-109', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  for (const name of [it.stream(), it.stream('absent')]) {
    expect(await it.client.getStreamMetadata(name)).toEqual({ streamName: name });
  }
});

contract('ES-110', async (it) => {
  await it.client.setStreamMetadata(it.stream(), { maxCount: 1 }, { expectedRevision: 'no_stream' });
  const again = it.client.setStreamMetadata(it.stream(), { maxCount: 2 }, { expectedRevision: 'no_stream' });
  expect(await errorOf(again)).toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
  await it.client.setStreamMetadata(it.stream(), { maxCount: 3 }, { expectedRevision: 0n });
  expect((await it.client.getStreamMetadata(it.stream())).metadata).toEqual({ maxCount: 3 });
});

contract('ES-111', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 10));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 3 });
  expect(await numbersIn(it, it.stream())).toEqual([7, 8, 9]);
  const backwards = it.client.readStream(it.stream(), { direction: BACKWARDS, fromRevision: END });
  expect(numbersOf(await collect(backwards))).toEqual([9, 8, 7]);
  await it.client.appendToStream(it.stream(), numbered(10), { expectedRevision: 9n });
  expect(await numbersIn(it, it.stream())).toEqual([8, 9, 10]);
});

contract('ES-112', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 10));
  await it.client.setStreamMetadata(it.stream(), { truncateBefore: 6 });
  expect(await numbersIn(it, it.stream())).toEqual([6, 7, 8, 9]);
  const backwards = it.client.readStream(it.stream(), { direction: BACKWARDS, fromRevision: 7n });
  expect(numbersOf(await collect(backwards))).toEqual([7, 6]);
  await it.client.setStreamMetadata(it.stream(), { truncateBefore: 0 });
  expect(await numbersIn(it, it.stream())).toEqual(range(0, 10));
});

contract('ES-113', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  await it.client.setStreamMetadata(it.stream(), { maxAge: 1 });
  await sleep(1_300);
  await it.client.appendToStream(it.stream(), numbered(3));
  expect(await numbersIn(it, it.stream())).toEqual([3]);
  const backwards = it.client.readStream(it.stream(), { direction: BACKWARDS, fromRevision: END });
  expect(numbersOf(await collect(backwards))).toEqual([3]);
});

contract('ES-114', async (it) => {
  await it.client.setStreamMetadata(it.stream(), { maxCount: 5 });
  expect(await readError(it, it.stream())).toMatchObject({ type: 'stream-not-found' });
  const result = await it.client.appendToStream(it.stream(), numbered(0), {
    expectedRevision: 'stream_exists',
  });
  expect(result.nextExpectedRevision).toBe(0n);
});

contract('ES-115', async (it) => {
  for (const maxCount of [1, 2, 3]) await it.client.setStreamMetadata(it.stream(), { maxCount });
  const events = await collect(it.client.readStream(`$$${it.stream()}`));
  expect(events.map(({ event }) => [event?.revision, event?.type, event?.data])).toEqual([
    [2n, '$metadata', { $maxCount: 3 }],
  ]);
});

contract('ES-116', async (it) => {
  const first = await it.client.appendToStream(it.stream(), numbered(0));
  for (const i of range(1, 4)) await it.client.appendToStream(it.stream(), numbered(i));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 1, truncateBefore: 3 });
  const events = await inAll(it, first);
  expect(events.filter(({ streamId }) => streamId === it.stream())).toHaveLength(5);
});

contract('ES-117', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 1 });
  await it.client.tombstoneStream(it.stream());
  expect(await errorOf(it.client.getStreamMetadata(it.stream()))).toMatchObject({ type: 'stream-deleted' });
  const set = it.client.setStreamMetadata(it.stream(), { maxCount: 2 });
  expect(await errorOf(set)).toMatchObject({ type: 'stream-deleted' });
});

contract('ES-118', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 7, owner: 'shop' });
  await it.client.deleteStream(it.stream());
  await it.client.appendToStream(it.stream(), numbered(3));
  const { metadata } = await it.client.getStreamMetadata(it.stream());
  expect(metadata).toEqual({ truncateBefore: 3 });
});

contract('ES-119', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  await it.client.deleteStream(it.stream());
  await it.client.setStreamMetadata(it.stream(), { owner: 'shop' });
  expect(await numbersIn(it, it.stream())).toEqual([]);
  await it.client.appendToStream(it.stream(), numbered(3), { expectedRevision: 2n });
  expect(await numbersIn(it, it.stream())).toEqual([3]);
});

contract('ES-120', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 10));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 5, truncateBefore: 7 });
  expect(await numbersIn(it, it.stream())).toEqual([7, 8, 9]);
  await it.client.setStreamMetadata(it.stream(), { maxCount: 2, truncateBefore: 7, maxAge: 3_600 });
  expect(await numbersIn(it, it.stream())).toEqual([8, 9]);
});

contract('ES-121', async (it) => {
  for (const expectedRevision of ['any', 'no_stream'] as const) {
    const error = await errorOf(it.client.deleteStream(it.stream(), { expectedRevision }));
    expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: -1n });
  }
  // Metadata is enough to be something that can be deleted.
  await it.client.setStreamMetadata(it.stream(), { maxCount: 5 });
  await it.client.deleteStream(it.stream());
  await it.client.appendToStream(it.stream(), numbered(0), { expectedRevision: 'no_stream' });
  expect(await numbersIn(it, it.stream())).toEqual([0]);
});
