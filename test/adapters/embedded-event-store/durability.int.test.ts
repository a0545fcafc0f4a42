import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKWARDS, END, type EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { startEventStore } from '../../../src/adapters/embedded-event-store/start.js';
import {
  clientOf,
  collect,
  essence,
  finallyDo,
  numbered,
  PROGRAM,
  range,
  running,
  temporaryDirectory,
} from './support.js';

interface Acknowledged {
  readonly stream: string;
  readonly revision: bigint;
  readonly commit: bigint | undefined;
}

/** Appends to many streams at once until the server is gone; returns what it acknowledged. */
async function appendUntilGone(client: EventStoreDBClient, round: number, from: { next: number }) {
  const acknowledged: Acknowledged[] = [];
  const revisions = new Map<string, bigint>();
  const worker = async (number: number): Promise<void> => {
    for (;;) {
      const i = from.next++;
      // Every worker has a long stream of its own and makes short new ones.
      const stream = i % 3 === 0 ? `long${round}-${number}` : `short${round}-${i}`;
      const last = revisions.get(stream);
      const result = await client
        .appendToStream(stream, [numbered(i, 'x'.repeat(i % 700)), numbered(i)], {
          expectedRevision: last ?? 'no_stream',
        })
        .catch(() => undefined);
      if (result === undefined) return;
      revisions.set(stream, result.nextExpectedRevision);
      acknowledged.push({ stream, revision: result.nextExpectedRevision, commit: result.position?.commit });
    }
  };
  await Promise.all(range(0, 24).map(worker));
  return acknowledged;
}

test('kill -9 during appends loses nothing that was acknowledged, and appends stay whole', async () => {
  const dir = temporaryDirectory();
  const from = { next: 0 };
  const acknowledged: Acknowledged[] = [];
  // The index follows every half second: before, while and after it does.
  for (const [round, lifeMs] of [100, 300, 520, 600, 900].entries()) {
    const node = await startEventStore({ dir });
    finallyDo(() => node.stop());
    const client = clientOf(node);
    const appending = appendUntilGone(client, round, from);
    await sleep(lifeMs);
    node.kill('SIGKILL');
    await node.exited;
    acknowledged.push(...(await appending));
    await client.dispose();
    // And once more while it starts, which is when it cuts off and takes in what it finds.
    const starting = spawn(process.execPath, [PROGRAM, '--dir', dir], { stdio: 'ignore' });
    await sleep(60 + 40 * round);
    starting.kill('SIGKILL');
    await once(starting, 'exit');
  }
  expect(acknowledged.length).toBeGreaterThan(100);

  const { client } = await running({ dir });
  const found = new Map<string, bigint>();
  const perStream = new Map<string, bigint>();
  let previous = -1n;
  for await (const { event } of client.readAll()) {
    if (event === undefined) continue;
    const commit = event.position?.commit ?? -1n;
    expect(commit).toBeGreaterThan(previous);
    previous = commit;
    expect(event.revision).toBe((perStream.get(event.streamId) ?? -1n) + 1n);
    perStream.set(event.streamId, event.revision);
    found.set(`${event.streamId}@${event.revision}`, commit);
  }
  for (const { stream, revision, commit } of acknowledged)
    expect(found.get(`${stream}@${revision}`)).toBe(commit);
  // Two events per append: an odd number would be half of one.
  for (const last of perStream.values()) expect(last % 2n).toBe(1n);
  // The index agrees with the log.
  for (const [stream, last] of [...perStream].slice(-50)) {
    const [newest] = await collect(
      client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }),
    );
    expect(newest?.event?.revision).toBe(last);
  }
});

test('after a stop and a start everything is as it was', async () => {
  const dir = temporaryDirectory();
  const first = await running({ dir });
  for (const i of range(0, 300)) {
    await first.client.appendToStream(`stream-${i % 20}`, [numbered(i), numbered(i, 'é'.repeat(i))]);
  }
  await first.client.setStreamMetadata('stream-1', { maxCount: 2 });
  await first.client.deleteStream('stream-2');
  await first.client.tombstoneStream('stream-3');
  const before = (await collect(first.client.readAll())).map(essence);
  await first.node.stop();

  const { client } = await running({ dir });
  expect((await collect(client.readAll())).map(essence)).toEqual(before);
  const backwards = await collect(client.readAll({ direction: BACKWARDS, fromPosition: END }));
  expect(backwards.map(essence)).toEqual([...before].reverse());
  const revisions = (await collect(client.readStream('stream-0'))).map(({ event }) => event?.revision);
  expect(revisions).toEqual(range(0, 30).map(BigInt));
  expect(await collect(client.readStream('stream-1'))).toHaveLength(2);
  await expect(collect(client.readStream('stream-2'))).rejects.toMatchObject({ type: 'stream-not-found' });
  await expect(collect(client.readStream('stream-3'))).rejects.toMatchObject({ type: 'stream-deleted' });
  const result = await client.appendToStream('stream-0', numbered(0), { expectedRevision: 29n });
  expect(result.nextExpectedRevision).toBe(30n);
});

test('a repeat is recognised across a restart, at its old revision and by its recent ids', async () => {
  const dir = temporaryDirectory();
  const first = await running({ dir });
  const exact = [numbered(1), numbered(2)];
  const any = [numbered(3)];
  const one = await first.client.appendToStream('stream-1', exact, { expectedRevision: 'no_stream' });
  const two = await first.client.appendToStream('stream-1', any);
  await first.client.appendToStream('stream-1', numbered(4));
  await first.node.stop();

  const { client } = await running({ dir });
  expect(await client.appendToStream('stream-1', exact, { expectedRevision: 'no_stream' })).toEqual(one);
  expect(await client.appendToStream('stream-1', any)).toEqual(two);
  expect(await collect(client.readStream('stream-1'))).toHaveLength(4);
});

test('streams longer than what is in memory are read from the file, in both directions', async () => {
  const dir = temporaryDirectory();
  const first = await running({ dir });
  // 24 MB of log: more than the tail that the server keeps in memory.
  const filler = 'f'.repeat(10_000);
  for (const batch of range(0, 40)) {
    const from = batch * 60;
    await first.client.appendToStream(
      `stream-${batch % 2}`,
      range(from, 60).map((i) => numbered(i, i % 10 === 0 ? filler.repeat(4) : filler.slice(0, i % 9_000))),
    );
  }
  const check = async (client: EventStoreDBClient): Promise<void> => {
    const forwards = (await collect(client.readStream('stream-1'))).map(({ event }) => event?.revision);
    expect(forwards).toEqual(range(0, 1_200).map(BigInt));
    const backwards = await collect(
      client.readStream('stream-0', { direction: BACKWARDS, fromRevision: END }),
    );
    expect(backwards.map(({ event }) => event?.revision)).toEqual(range(0, 1_200).reverse().map(BigInt));
    const all = await collect(client.readAll());
    expect(all).toHaveLength(2_400);
    expect((await collect(client.readAll({ direction: BACKWARDS, fromPosition: END }))).map(essence)).toEqual(
      all.map(essence).reverse(),
    );
  };
  await check(first.client);
  await first.node.stop();
  await check((await running({ dir })).client);
});
