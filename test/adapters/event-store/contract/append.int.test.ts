import { randomUUID } from 'node:crypto';
import { binaryEvent, EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client';
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

contract('ES-001', async ({ client, stream }) => {
  const result = await client.appendToStream(stream(), numberedFrom(0, 2), { expectedRevision: 'no_stream' });
  expect(result).toMatchObject({ success: true, nextExpectedRevision: 1n });
  expect(result.position?.commit).toBeGreaterThanOrEqual(result.position?.prepare ?? -1n);
  const events = await collect(client.readStream(stream()));
  expect(events.at(-1)?.event?.position).toEqual(result.position);
});

contract('ES-002', async ({ client, stream }) => {
  expect((await client.appendToStream(stream(), numbered(0))).nextExpectedRevision).toBe(0n);
  expect((await client.appendToStream(stream(), numbered(1))).nextExpectedRevision).toBe(1n);
});

contract('ES-003', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  const result = await client.appendToStream(stream(), numbered(3), { expectedRevision: 2n });
  expect(result.nextExpectedRevision).toBe(3n);
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 4));
});

contract('ES-004', async ({ client, stream }) => {
  const missing = await errorOf(
    client.appendToStream(stream('absent'), numbered(0), { expectedRevision: 'stream_exists' }),
  );
  expect(missing).toMatchObject({
    type: 'wrong-expected-version',
    expectedVersion: 'stream_exists',
    actualVersion: 'no_stream',
  });
  await client.appendToStream(stream(), numbered(0));
  const result = await client.appendToStream(stream(), numbered(1), { expectedRevision: 'stream_exists' });
  expect(result.nextExpectedRevision).toBe(1n);
});

contract('ES-005', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 5));
  const error = await errorOf(
    client.appendToStream(stream(), numbered(5), { expectedRevision: 'no_stream' }),
  );
  expect(error).toMatchObject({
    type: 'wrong-expected-version',
    streamName: stream(),
    expectedVersion: 'no_stream',
    actualVersion: 4n,
  });
});

contract('ES-006', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  for (const expectedRevision of [0n, 1n, 3n, 100n]) {
    expect(await errorOf(client.appendToStream(stream(), numbered(9), { expectedRevision }))).toMatchObject({
      type: 'wrong-expected-version',
      expectedVersion: expectedRevision,
      actualVersion: 2n,
    });
  }
  expect(
    await errorOf(client.appendToStream(stream('absent'), numbered(0), { expectedRevision: 0n })),
  ).toMatchObject({ expectedVersion: 0n, actualVersion: 'no_stream' });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 3));
});

contract('ES-007', async ({ client, stream }) => {
  const batch = numberedFrom(0, 3);
  const first = await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  await client.appendToStream(stream(), numbered(3), { expectedRevision: 2n });
  const again = await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  expect(again).toEqual(first);

  const later = numberedFrom(4, 2);
  const second = await client.appendToStream(stream(), later, { expectedRevision: 3n });
  expect(await client.appendToStream(stream(), later, { expectedRevision: 3n })).toEqual(second);
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 6));
});

contract('ES-008', async ({ client, stream }) => {
  const batch = numberedFrom(0, 4);
  await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  const part = await client.appendToStream(stream(), batch.slice(0, 2), { expectedRevision: 'no_stream' });
  expect(part).toMatchObject({ success: true, nextExpectedRevision: 1n });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 4));
});

contract('ES-009', async ({ client, stream }) => {
  const batch = numberedFrom(0, 2);
  await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  const error = await errorOf(
    client.appendToStream(stream(), [...batch, numbered(2)], { expectedRevision: 'no_stream' }),
  );
  expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual([0, 1]);
});

contract('ES-010', async ({ client, stream }) => {
  const batch = numberedFrom(0, 2);
  await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  const error = await errorOf(
    client.appendToStream(stream(), [...batch].reverse(), { expectedRevision: 'no_stream' }),
  );
  expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
});

contract('ES-011', async ({ client, stream }) => {
  const batch = numberedFrom(0, 2);
  await client.appendToStream(stream(), batch);
  await client.appendToStream(stream(), numbered(2));
  const again = await client.appendToStream(stream(), batch);
  expect(again).toMatchObject({ success: true, nextExpectedRevision: 1n });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 3));
});

contract('ES-012', async ({ client, stream }) => {
  await client.appendToStream(stream(), numbered(0));
  const batch = numberedFrom(1, 2);
  await client.appendToStream(stream(), batch, { expectedRevision: 'stream_exists' });
  const again = await client.appendToStream(stream(), batch, { expectedRevision: 'stream_exists' });
  expect(again).toMatchObject({ success: true, nextExpectedRevision: 2n });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 3));
});

contract('ES-013', async ({ client, stream }) => {
  const known = numbered(0);
  await client.appendToStream(stream(), known);
  const error = await errorOf(client.appendToStream(stream(), [known, numbered(1)]));
  expect(error).toMatchObject({ type: 'wrong-expected-version', expectedVersion: 'any', actualVersion: 0n });
});

contract('ES-014', async ({ client, stream }) => {
  const event = numbered(0);
  await client.appendToStream(stream('one'), event);
  const other = await client.appendToStream(stream('two'), event);
  expect(other.nextExpectedRevision).toBe(0n);
  expect(numbersOf(await collect(client.readStream(stream('two'))))).toEqual([0]);
});

contract('ES-015', async ({ client, stream }) => {
  const result = await client.appendToStream(stream(), numberedFrom(0, 100));
  const events = await collect(client.readStream(stream()));
  expect(events.map(({ event }) => event?.revision)).toEqual(range(0, 100).map(BigInt));
  const positions = events.map(({ event }) => event?.position?.commit ?? -1n);
  expect(positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? 0n))).toBe(true);
  expect(result.position?.commit).toBe(positions.at(-1));
});

const LIMIT_BYTES = 1_048_576;
const bytesOf = (data: unknown): number[] => (data instanceof Uint8Array ? [...data] : [-1]);
const bytes = (size: number) => binaryEvent({ type: 'Blob', data: Buffer.alloc(size, 7) });

contract('ES-016', async ({ client, stream }) => {
  for (const events of [bytes(LIMIT_BYTES + 1), Array.from({ length: 5 }, () => bytes(LIMIT_BYTES / 4))]) {
    const error = await errorOf(client.appendToStream(stream(), events));
    expect(error).toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: LIMIT_BYTES });
  }
  expect(await errorOf(collect(client.readStream(stream())))).toMatchObject({ type: 'stream-not-found' });
});

contract('ES-017', async ({ client, stream }) => {
  await client.appendToStream(stream(), bytes(LIMIT_BYTES - 100));
  const [blob] = await collect(client.readStream(stream()));
  expect(Buffer.from(bytesOf(blob?.event?.data)).equals(Buffer.alloc(LIMIT_BYTES - 100, 7))).toBe(true);
});

contract('ES-018', async ({ client, stream }) => {
  await client.appendToStream(stream(), numberedFrom(0, 3));
  const result = await client.appendToStream(stream(), [], { expectedRevision: 2n });
  expect(result).toMatchObject({ success: true, nextExpectedRevision: 2n });
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 3));
});

contract('ES-019', async ({ client, stream }) => {
  await client.appendToStream(stream(), [
    jsonEvent({
      type: 'Json',
      data: { deep: [1, { ключ: null }], text: 'a"b\\' },
      metadata: { $correlationId: 'x' },
    }),
    jsonEvent({ type: 'Bare', data: {} }),
    binaryEvent({ type: 'Binary', data: Buffer.from([0, 255, 10, 13]), metadata: Buffer.from([1, 2, 254]) }),
    binaryEvent({ type: 'Empty', data: Buffer.alloc(0) }),
  ]);
  const [json, bare, binary, empty] = (await collect(client.readStream(stream()))).map(({ event }) => event);
  expect(json).toMatchObject({
    isJson: true,
    data: { deep: [1, { ключ: null }], text: 'a"b\\' },
    metadata: { $correlationId: 'x' },
  });
  expect(bare?.metadata).toBeUndefined();
  expect(binary?.isJson).toBe(false);
  expect(bytesOf(binary?.data)).toEqual([0, 255, 10, 13]);
  expect(bytesOf(binary?.metadata)).toEqual([1, 2, 254]);
  expect(bytesOf(empty?.data)).toEqual([]);
});

contract('ES-020', async ({ client, stream }) => {
  const id = randomUUID();
  const before = Date.now() - 1;
  await client.appendToStream(stream(), jsonEvent({ id, type: 'OrderPlaced', data: {} }));
  const [resolved] = await collect(client.readStream(stream()));
  const event = resolved?.event;
  expect(event).toMatchObject({ id, type: 'OrderPlaced', revision: 0n, streamId: stream() });
  expect(event?.position?.commit).toBe(resolved?.commitPosition);
  // A shared server has its own clock.
  const slackMs = process.env.EVENTSTORE_URL === undefined ? 0 : 60_000;
  expect(event?.created.getTime()).toBeGreaterThanOrEqual(before - slackMs);
  expect(event?.created.getTime()).toBeLessThanOrEqual(Date.now() + 1 + slackMs);
});

contract('ES-021', async ({ client, stream }) => {
  const name = stream('zażółć-订单-🛒');
  await client.appendToStream(name, jsonEvent({ type: 'Größe geändert', data: { note: 'naïve 🧾' } }));
  const [resolved] = await collect(client.readStream(name));
  expect(resolved?.event).toMatchObject({
    streamId: name,
    type: 'Größe geändert',
    data: { note: 'naïve 🧾' },
  });
  const error = await errorOf(client.appendToStream(name, numbered(1), { expectedRevision: 'no_stream' }));
  expect(error.streamName).toBe(name);
});

const credentials = { username: 'admin', password: 'changeit' };

contract('ES-022', async ({ client, stream }) => {
  const batch = numberedFrom(0, 2);
  const options = { credentials, expectedRevision: 'no_stream' as const };
  const first = await client.appendToStream(stream(), batch, options);
  expect(first).toMatchObject({ success: true, nextExpectedRevision: 1n });
  expect(await client.appendToStream(stream(), batch, options)).toEqual(first);
  expect(await errorOf(client.appendToStream(stream(), numbered(2), options))).toMatchObject({
    type: 'wrong-expected-version',
    expectedVersion: 'no_stream',
    actualVersion: 1n,
  });
  const absent = client.appendToStream(stream('absent'), numbered(2), { credentials, expectedRevision: 7n });
  expect(await errorOf(absent)).toMatchObject({ expectedVersion: 7n, actualVersion: 'no_stream' });
});

contract('ES-023', async ({ url, stream, finally: closing }) => {
  const separator = url.includes('?') ? '&' : '?';
  const lenient = EventStoreDBClient.connectionString(`${url}${separator}throwOnAppendFailure=false`);
  closing(() => lenient.dispose());
  await lenient.appendToStream(stream(), numberedFrom(0, 2));
  const result = await lenient.appendToStream(stream(), numbered(2), { expectedRevision: 'no_stream' });
  expect(result.success).toBe(false);
  expect(numbersOf(await collect(lenient.readStream(stream())))).toEqual([0, 1]);
});

contract('ES-024', async ({ client, stream }) => {
  const error = await errorOf(client.appendToStream(stream(), numbered(0), { deadline: 0 }));
  expect(error.type).toBe('deadline-exceeded');
  expect(await errorOf(collect(client.readStream(stream())))).toMatchObject({ type: 'stream-not-found' });
});

contract('ES-025', async ({ client, stream }) => {
  const batch = numberedFrom(0, 200);
  const result = await client.appendToStream(stream(), batch, {
    batchAppendSize: 1_000,
    expectedRevision: 'no_stream',
  });
  expect(result.nextExpectedRevision).toBe(199n);
  const again = await client.appendToStream(stream(), batch, {
    batchAppendSize: 2_000,
    expectedRevision: 'no_stream',
  });
  expect(again).toEqual(result);
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 200));
});

contract('ES-026', async ({ client, stream, process }) => {
  const [one, two] = await Promise.all([process(), process()]);
  const wins = await Promise.all([
    one.append(stream(), 0, 100, 'exact'),
    two.append(stream(), 0, 100, 'exact'),
  ]);
  expect(wins[0] + wins[1]).toBe(100);
  expect(numbersOf(await collect(client.readStream(stream())))).toEqual(range(0, 100));
});

contract(
  'ES-027',
  async ({ url, prefix, stream, finally: closing }) => {
    // Making 50,000 appends keeps this process busy; its own keepalive would take that for a dead connection.
    const client = EventStoreDBClient.connectionString(
      `${url}${url.includes('?') ? '&' : '?'}keepAliveInterval=-1`,
    );
    closing(() => client.dispose());
    const before = await client.appendToStream(stream(), numbered(0));
    const firedAt = performance.now();
    const started = await Promise.allSettled(
      range(0, 50_000).map((i) =>
        client.appendToStream(`${prefix}-${i}`, numbered(i), {
          expectedRevision: 'no_stream',
          deadline: 120_000,
        }),
      ),
    );
    expect(started.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(performance.now() - firedAt).toBeLessThan(120_000);
    let found = 0;
    const position = before.position;
    for await (const { event } of client.readAll(position === undefined ? {} : { fromPosition: position })) {
      if (event?.streamId.startsWith(`${prefix}-`)) found++;
    }
    expect(found).toBe(50_001);
  },
  // Each append has two minutes; reading them back comes after that.
  240_000,
);

contract('ES-028', async ({ client, stream }) => {
  const appends = range(0, 20).map((i) => client.appendToStream(stream(String(i)), numbered(i)));
  const refused = [
    client.appendToStream('', numbered(0)),
    client.appendToStream(stream('large'), bytes(LIMIT_BYTES + 1)),
    client.appendToStream(stream('behind'), numbered(0), { expectedRevision: 5n }),
  ];
  expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(
    refused.map(() => 'rejected'),
  );
  expect((await Promise.all(appends)).every(({ success }) => success)).toBe(true);
});

contract('ES-029', async ({ client, stream }) => {
  const batch = numberedFrom(0, 3);
  const send = () => client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  // EventStoreDB leaves a repeat of what is not committed yet without an answer, for the client to send it again.
  const answers = await Promise.allSettled([send(), send(), send()]);
  const [first, ...others] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  expect(first).toMatchObject({ success: true, nextExpectedRevision: 2n });
  for (const other of others) expect(other).toEqual(first);
  if (process.env.EVENTSTORE_URL === undefined) expect(others).toHaveLength(2);
  expect(numbersOf(await collect(client.readStream(stream(), { fromRevision: START })))).toEqual(range(0, 3));
});

contract('ES-030', async ({ client, stream }) => {
  const error = await errorOf(client.appendToStream(stream(), bytes(LIMIT_BYTES + 1), { credentials }));
  expect(error).toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: LIMIT_BYTES });
});

contract('ES-031', async ({ client, stream }) => {
  const batch = numberedFrom(0, 3);
  const first = await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  await client.appendToStream(stream(), numbered(3));
  await client.setStreamMetadata(stream(), { truncateBefore: 3 });
  const again = await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' });
  expect(again).toEqual({ success: true, nextExpectedRevision: 2n, position: undefined });
  await client.setStreamMetadata(stream(), { truncateBefore: 2 });
  expect(await client.appendToStream(stream(), batch, { expectedRevision: 'no_stream' })).toEqual(first);
});
