import { BACKWARDS, binaryEvent, END, jsonEvent, type ResolvedEvent, START } from '@eventstore/db-client';
import { expect } from '@jest/globals';
import {
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

contract('ES-040', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 10));
  expect(numbersOf(await collect(client.readStream(stream(), { fromRevision: START })))).toEqual(
    range(0, 10),
  );
});

contract('ES-041', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 10));
  const events = client.readStream(stream(), { direction: BACKWARDS, fromRevision: END });
  expect(numbersOf(await collect(events))).toEqual(range(0, 10).reverse());
});

contract('ES-042', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 10));
  expect(numbersOf(await collect(client.readStream(stream(), { fromRevision: 7n })))).toEqual([7, 8, 9]);
  expect(numbersOf(await collect(client.readStream(stream(), { fromRevision: 0n })))).toEqual(range(0, 10));
});

contract('ES-043', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 10));
  const backwards = (fromRevision: bigint) =>
    collect(client.readStream(stream(), { direction: BACKWARDS, fromRevision }));
  expect(numbersOf(await backwards(2n))).toEqual([2, 1, 0]);
  expect(numbersOf(await backwards(0n))).toEqual([0]);
});

contract('ES-044', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 10));
  const forwards = client.readStream(stream(), { fromRevision: 3n, maxCount: 2 });
  expect(numbersOf(await collect(forwards))).toEqual([3, 4]);
  const backwards = client.readStream(stream(), { direction: BACKWARDS, fromRevision: END, maxCount: 3 });
  expect(numbersOf(await collect(backwards))).toEqual([9, 8, 7]);
  expect(await collect(client.readAll({ maxCount: 1 }))).toHaveLength(1);
});

contract('ES-045', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  expect(await collect(client.readStream(stream(), { fromRevision: 3n }))).toEqual([]);
  expect(await collect(client.readStream(stream(), { fromRevision: 1_000_000n }))).toEqual([]);
});

contract('ES-046', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  const events = client.readStream(stream(), { direction: BACKWARDS, fromRevision: 100n });
  expect(numbersOf(await collect(events))).toEqual([2, 1, 0]);
});

contract('ES-047', async ({ client, stream }) => {
  for (const direction of ['forwards', 'backwards'] as const) {
    const error = await errorOf(
      collect(client.readStream(stream('absent'), { direction, fromRevision: END })),
    );
    expect(error).toMatchObject({ type: 'stream-not-found', streamName: stream('absent') });
  }
});

contract('ES-048', async ({ client, stream }) => {
  const { position } = await client.appendToStream(stream(), numbered(0));
  await client.appendToStream(stream(), numbered(1));
  if (position === undefined) throw new Error('no position');
  const [first] = await collect(client.readAll({ fromPosition: position, maxCount: 1 }));
  expect(first?.event).toMatchObject({ streamId: stream(), revision: 0n });
});

contract('ES-049', async ({ client, stream }) => {
  await client.appendToStream(stream(), numbered(0));
  const { position } = await client.appendToStream(stream(), numbered(1));
  if (position === undefined) throw new Error('no position');
  let found: ResolvedEvent | undefined;
  for await (const resolved of client.readAll({ direction: BACKWARDS, fromPosition: position })) {
    if (resolved.event?.streamId !== stream()) continue;
    found = resolved;
    break;
  }
  expect(found?.event?.revision).toBe(0n);
});

contract('ES-050', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  const newest = await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 500 }));
  const own = newest.filter(({ event }) => event?.streamId === stream());
  expect(numbersOf(own)).toEqual([2, 1, 0]);
  const positions = newest.map(({ event }) => event?.position?.commit ?? 0n);
  expect(positions.every((position, i) => i === 0 || position < (positions[i - 1] ?? 0n))).toBe(true);
});

contract('ES-051', async ({ client, stream }) => {
  await client.appendToStream(stream(), numbered(0));
  const events = await collect(client.readAll({ fromPosition: END, maxCount: 10 }));
  expect(events.filter(({ event }) => event?.streamId === stream())).toEqual([]);
});

contract('ES-052', async ({ client, prefix, stream }) => {
  const first = await client.appendToStream(stream('0'), numbered(0));
  for (const i of range(1, 29)) await client.appendToStream(stream(String(i % 7)), numbered(i));
  if (first.position === undefined) throw new Error('no position');
  const all = await collect(client.readAll({ fromPosition: first.position }));
  const own = all.filter(({ event }) => event?.streamId.startsWith(prefix));
  expect(numbersOf(own)).toEqual(range(0, 30));
  for (const { event, commitPosition } of own) expect(event?.position?.commit).toBe(commitPosition);
});

contract('ES-053', async ({ client, stream }) => {
  const sizes = range(0, 3_000).map((i) => (i % 500 === 0 ? 300_000 : (i * 37) % 900));
  for (let from = 0; from < sizes.length; from += 500) {
    const batch = sizes.slice(from, from + 500);
    await client.appendToStream(
      stream(),
      batch.map((size, i) =>
        jsonEvent({ type: 'Sized', data: { number: from + i, filler: 'x'.repeat(size) } }),
      ),
    );
  }
  const lengthOf = ({ event }: ResolvedEvent) => {
    const data: unknown = event?.data;
    return typeof data === 'object' && data !== null && 'filler' in data ? String(data.filler).length : -1;
  };
  const forwards = await collect(client.readStream(stream()));
  expect(numbersOf(forwards)).toEqual(range(0, 3_000));
  expect(forwards.map(lengthOf)).toEqual(sizes);
  const backwards = await collect(client.readStream(stream(), { direction: BACKWARDS, fromRevision: END }));
  expect(numbersOf(backwards)).toEqual(range(0, 3_000).reverse());
});

const linkTo = (stream: string, revision: number) =>
  binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${stream}`) });

contract('ES-054', async ({ client, stream }) => {
  await client.appendToStream(stream('target'), numberedFrom(0, 3));
  await client.appendToStream(stream('links'), [linkTo(stream('target'), 2), linkTo(stream('target'), 0)]);
  const resolved = await collect(client.readStream(stream('links'), { resolveLinkTos: true }));
  expect(numbersOf(resolved)).toEqual([2, 0]);
  expect(resolved.map(({ link }) => link?.streamId)).toEqual([stream('links'), stream('links')]);
  expect(resolved.map(({ link }) => link?.revision)).toEqual([0n, 1n]);
});

contract('ES-055', async ({ client, stream }) => {
  await client.appendToStream(stream('target'), numbered(0));
  await client.appendToStream(stream('links'), [linkTo(stream('target'), 5), linkTo(stream('nowhere'), 0)]);
  const resolved = await collect(client.readStream(stream('links'), { resolveLinkTos: true }));
  expect(resolved.map(({ event, link }) => [event, link?.type])).toEqual([
    [undefined, '$>'],
    [undefined, '$>'],
  ]);
  const plain = await collect(client.readStream(stream('links')));
  expect(plain.map(({ event, link }) => [event?.type, link])).toEqual([
    ['$>', undefined],
    ['$>', undefined],
  ]);
});

contract('ES-056', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 5_000));
  for (const _ of range(0, 10)) {
    const events = client.readStream(stream());
    for await (const { event } of events) if (event?.revision === 10n) break;
    await events.cancel();
  }
  expect(numbersOf(await collect(client.readStream(stream(), { maxCount: 3 })))).toEqual([0, 1, 2]);
});

contract('ES-057', async ({ client, stream, process }) => {
  const other = await process();
  for (const i of range(0, 20)) {
    await client.appendToStream(stream(String(i)), numbered(i));
    expect(await other.read(stream(String(i)))).toEqual([i]);
  }
});

contract('ES-058', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 500));
  const reads = await Promise.all(range(0, 64).map(() => collect(client.readStream(stream()))));
  expect(reads.map(({ length }) => length)).toEqual(range(0, 64).map(() => 500));
});
