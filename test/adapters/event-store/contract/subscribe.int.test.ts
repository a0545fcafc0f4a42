import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppendResult,
  binaryEvent,
  END,
  EventStoreDBClient,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  type Position,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { expect } from '@jest/globals';
import {
  Collector,
  contract,
  emitted,
  numbered,
  numberedFrom,
  numberOf,
  numbersOf,
  range,
  useEventStore,
} from './support.js';

useEventStore();

contract('ES-070', async (it) => {
  const { client, stream } = it;
  await client.appendToStream(stream(), numberedFrom(0, 300));
  const other = await it.process();
  const writing = other.append(stream(), 300, 700);
  const subscription = client.subscribeToStream(stream(), { fromRevision: START });
  const collector = new Collector(subscription, it);
  for (const i of range(0, 50)) await client.appendToStream(stream(), numbered(1_000 + i));
  await writing;
  const events = await collector.count(1_050);
  await sleep(50);
  expect(events.map(({ event }) => event?.revision)).toEqual(range(0, 1_050).map(BigInt));
  expect(numbersOf(events).sort((a, b) => a - b)).toEqual(range(0, 1_050));
});

contract('ES-071', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 5));
  const collector = new Collector(it.client.subscribeToStream(it.stream(), { fromRevision: 2n }), it);
  await collector.count(2);
  await it.client.appendToStream(it.stream(), numbered(5));
  expect(numbersOf(await collector.count(3))).toEqual([3, 4, 5]);
});

contract('ES-072', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 5));
  const subscription = it.client.subscribeToStream(it.stream(), { fromRevision: END });
  const collector = new Collector(subscription, it);
  await emitted(subscription, 'confirmation');
  await it.client.appendToStream(it.stream(), numbered(5));
  expect(numbersOf(await collector.count(1))).toEqual([5]);
});

contract('ES-073', async (it) => {
  const subscription = it.client.subscribeToStream(it.stream(), { fromRevision: START });
  const collector = new Collector(subscription, it);
  await emitted(subscription, 'confirmation');
  await it.client.appendToStream(it.stream(), numberedFrom(0, 3));
  expect(numbersOf(await collector.count(3))).toEqual([0, 1, 2]);
});

const prefixed = (prefix: string, options: Record<string, unknown> = {}) =>
  streamNameFilter({ prefixes: [prefix], ...options });

contract('ES-074', async (it) => {
  const { client, prefix, stream } = it;
  for (const i of range(0, 100)) await client.appendToStream(stream(`old${i % 5}`), numbered(i));
  const [one, two] = await Promise.all([it.process(), it.process()]);
  const writing = Promise.all([one.append(stream('a'), 100, 500), two.append(stream('b'), 600, 500)]);
  const collector = new Collector(
    client.subscribeToAll({ fromPosition: START, filter: prefixed(prefix) }),
    it,
  );
  await Promise.all(range(0, 100).map((i) => client.appendToStream(stream(`new${i}`), numbered(1_100 + i))));
  await writing;
  const events = await collector.count(1_200);
  await sleep(50);
  expect(numbersOf(events).sort((a, b) => a - b)).toEqual(range(0, 1_200));
  const positions = events.map(({ event }) => event?.position?.commit ?? 0n);
  expect(positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? 0n))).toBe(true);
});

contract('ES-075', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  const { position } = await it.client.appendToStream(it.stream(), numbered(1));
  await it.client.appendToStream(it.stream(), numbered(2));
  if (position === undefined) throw new Error('no position');
  const filter = prefixed(it.prefix);
  const collector = new Collector(it.client.subscribeToAll({ fromPosition: position, filter }), it);
  expect(numbersOf(await collector.count(1))).toEqual([2]);
  await it.client.appendToStream(it.stream(), numbered(3));
  expect(numbersOf(await collector.count(2))).toEqual([2, 3]);
});

contract('ES-076', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  const subscription = it.client.subscribeToAll({ fromPosition: END, filter: prefixed(it.prefix) });
  const collector = new Collector(subscription, it);
  await emitted(subscription, 'confirmation');
  await it.client.appendToStream(it.stream(), numbered(1));
  expect(numbersOf(await collector.count(1))).toEqual([1]);
});

contract('ES-077', async (it) => {
  const { client, stream } = it;
  const filter = streamNameFilter({ prefixes: [stream('order'), stream('stock')] });
  const collector = new Collector(client.subscribeToAll({ fromPosition: START, filter }), it);
  await client.appendToStream(stream('order1'), numbered(1));
  await client.appendToStream(stream('coupon1'), numbered(2));
  await client.appendToStream(stream('stock1'), numbered(3));
  expect(numbersOf(await collector.count(2))).toEqual([1, 3]);
});

contract('ES-078', async (it) => {
  const { client, prefix, stream } = it;
  const filter = streamNameFilter({ regex: `^${prefix}-(order|stock)\\d+$` });
  const collector = new Collector(client.subscribeToAll({ fromPosition: START, filter }), it);
  for (const [i, name] of ['order1', 'orders', 'stock22', 'xstock3', 'order9'].entries()) {
    await client.appendToStream(stream(name), numbered(i));
  }
  expect(numbersOf(await collector.count(3))).toEqual([0, 2, 4]);
});

const typed = (type: string, number: number) => jsonEvent({ type, data: { number } });

contract('ES-079', async (it) => {
  const { client, prefix, stream } = it;
  const filter = eventTypeFilter({ prefixes: [`${prefix}A`, `${prefix}B`] });
  const collector = new Collector(client.subscribeToAll({ fromPosition: START, filter }), it);
  await client.appendToStream(stream(), [
    typed(`${prefix}A1`, 1),
    typed(`${prefix}C1`, 2),
    typed(`${prefix}B1`, 3),
  ]);
  expect(numbersOf(await collector.count(2))).toEqual([1, 3]);
});

contract('ES-080', async (it) => {
  const { client, prefix, stream } = it;
  const byType = eventTypeFilter({ regex: `^${prefix}(Placed|Confirmed)$` });
  const collector = new Collector(client.subscribeToAll({ fromPosition: START, filter: byType }), it);
  const { position } = await client.appendToStream(stream(), [
    typed(`${prefix}Placed`, 1),
    typed(`${prefix}PlacedAgain`, 2),
    typed(`${prefix}Confirmed`, 3),
  ]);
  expect(numbersOf(await collector.count(2))).toEqual([1, 3]);

  if (position === undefined) throw new Error('no position');
  const user = new Collector(
    client.subscribeToAll({ fromPosition: position, filter: excludeSystemEvents() }),
    it,
  );
  await client.setStreamMetadata(stream(), { maxCount: 100 });
  await client.appendToStream(stream(), numbered(4));
  await user.until(() => user.events.some(({ event }) => event?.streamId === stream()));
  expect(user.events.filter(({ event }) => event?.type.startsWith('$'))).toEqual([]);
});

contract('ES-081', async (it) => {
  const { client, stream } = it;
  const { position: start } = await client.appendToStream(stream(), numbered(0));
  if (start === undefined) throw new Error('no position');
  const checkpoints: Position[] = [];
  const filter = streamNameFilter({
    prefixes: ['there is no such stream'],
    checkpointInterval: 2,
    maxSearchWindow: 10,
    checkpointReached: (_, position) => {
      checkpoints.push(position);
    },
  });
  const collector = new Collector(client.subscribeToAll({ fromPosition: start, filter }), it);
  const appended: AppendResult[] = [];
  for (const i of range(1, 100)) appended.push(await client.appendToStream(stream(), numbered(i)));
  // A hundred events are considered, twenty for each checkpoint; a shared server may have more to consider.
  await collector.until(() => checkpoints.length >= 4);
  expect(collector.events).toEqual([]);
  const commits = checkpoints.map(({ commit }) => commit);
  expect(commits).toEqual([...commits].sort((a, b) => (a < b ? -1 : 1)));
  expect(commits[0]).toBeGreaterThan(start.commit);
  if (process.env.EVENTSTORE_URL === undefined) {
    expect(checkpoints.slice(0, 4)).toEqual([20, 40, 60, 80].map((n) => appended[n - 1]?.position));
  }
});

contract('ES-082', async (it) => {
  const { client, prefix, stream } = it;
  for (const i of range(0, 120)) {
    await client.appendToStream(i % 10 === 0 ? stream('wanted') : `other${prefix}`, numbered(i));
  }
  const seen: number[] = [];
  let checkpoint: Position | undefined;
  let seenThen = 0;
  const options = { checkpointInterval: 1, maxSearchWindow: 7 };
  const first = client.subscribeToAll({
    fromPosition: START,
    filter: streamNameFilter({
      prefixes: [`${prefix}-`],
      ...options,
      checkpointReached: (_, position) => {
        if (seen.length < 3 || checkpoint !== undefined) return;
        checkpoint = position;
        seenThen = seen.length;
      },
    }),
  });
  const before = new Collector(first, it);
  first.on('data', (event) => seen.push(numberOf(event)));
  await before.until(() => checkpoint !== undefined);
  if (checkpoint === undefined) throw new Error('no checkpoint');
  const after = new Collector(
    client.subscribeToAll({ fromPosition: checkpoint, filter: prefixed(`${prefix}-`, options) }),
    it,
  );
  await after.count(12 - seenThen);
  expect([...seen.slice(0, seenThen), ...numbersOf(after.events)]).toEqual(range(0, 12).map((i) => i * 10));
});

contract('ES-083', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 500));
  const all = it.client.subscribeToAll({ fromPosition: START, filter: prefixed(it.prefix) });
  const one = it.client.subscribeToStream(it.stream(), { fromRevision: START });
  const collectors = [new Collector(all, it), new Collector(one, it)];
  const seenThen = await Promise.all(
    [all, one].map(async (subscription, i) => {
      await emitted(subscription, 'caughtUp');
      return collectors[i]?.events.length;
    }),
  );
  expect(seenThen).toEqual([500, 500]);
});

contract('ES-084', async (it) => {
  const { client, prefix, stream } = it;
  const filler = 'x'.repeat(2_000);
  const slow = client.subscribeToAll({ fromPosition: START, filter: prefixed(prefix) });
  it.finally(() => slow.unsubscribe());
  const fast = new Collector(client.subscribeToAll({ fromPosition: START, filter: prefixed(prefix) }), it);
  const seen: number[] = [];
  // Stops at its first event until the other has had all 8 MB, which no buffer on the way holds.
  const consuming = (async () => {
    for await (const event of slow) {
      seen.push(numberOf(event));
      if (seen.length === 1) await fast.count(4_000);
      if (seen.length === 4_000) return;
    }
  })();
  for (let from = 0; from < 4_000; from += 200) {
    await client.appendToStream(
      stream(),
      range(from, 200).map((number) => numbered(number, { filler })),
    );
  }
  expect(numbersOf(await fast.count(4_000))).toEqual(range(0, 4_000));
  await consuming;
  expect(seen).toEqual(range(0, 4_000));
});

contract('ES-085', async (it) => {
  const subscription = it.client.subscribeToStream(it.stream(), { fromRevision: START });
  const collector = new Collector(subscription, it);
  await emitted(subscription, 'confirmation');
  expect(subscription.id).toMatch(/^[0-9a-f-]{36}$/);
  await subscription.unsubscribe();
  await it.client.appendToStream(it.stream(), numbered(0));
  await sleep(30);
  expect(collector.events).toEqual([]);
  expect(collector.error).toBeUndefined();
});

contract('ES-086', async (it) => {
  await it.client.appendToStream(it.stream(), numbered(0));
  const collector = new Collector(it.client.subscribeToStream(it.stream(), { fromRevision: START }), it);
  await collector.count(1);
  await it.client.tombstoneStream(it.stream());
  await collector.until(() => collector.error !== undefined);
  expect(collector.error).toMatchObject({ type: 'stream-deleted', streamName: it.stream() });
});

contract(
  'ES-087',
  async (it) => {
    const clients = range(0, 10).map(() => EventStoreDBClient.connectionString(it.url));
    it.finally(async () => void (await Promise.all(clients.map((one) => one.dispose()))));
    const subscriptions = clients.flatMap((one) =>
      range(0, 50).map(() => one.subscribeToAll({ fromPosition: END, filter: prefixed(it.prefix) })),
    );
    const collectors = subscriptions.map((one) => new Collector(one, it));
    await Promise.all(subscriptions.map((one) => emitted(one, 'confirmation')));
    for (const i of range(0, 20)) await it.client.appendToStream(it.stream(), numbered(i));
    for (const collector of collectors) expect(numbersOf(await collector.count(20))).toEqual(range(0, 20));
  },
  60_000,
);

contract('ES-088', async (it) => {
  const { position } = await it.client.appendToStream(it.stream('a'), numbered(0));
  if (position === undefined) throw new Error('no position');
  const collector = new Collector(it.client.subscribeToAll({ fromPosition: position }), it);
  for (const i of range(1, 20)) await it.client.appendToStream(it.stream(String(i % 3)), numbered(i));
  const own = () => collector.events.filter(({ event }) => event?.streamId.startsWith(it.prefix));
  await collector.until(() => own().length >= 20);
  expect(numbersOf(own())).toEqual(range(1, 20));
});

contract('ES-089', async (it) => {
  await it.client.appendToStream(it.stream(), numberedFrom(0, 10));
  await it.client.setStreamMetadata(it.stream(), { maxCount: 3 });
  const collector = new Collector(it.client.subscribeToStream(it.stream(), { fromRevision: START }), it);
  await collector.count(3);
  await it.client.appendToStream(it.stream(), numbered(10));
  expect(numbersOf(await collector.count(4))).toEqual([7, 8, 9, 10]);
});

contract('ES-090', async (it) => {
  await it.client.appendToStream(it.stream('target'), numberedFrom(0, 3));
  const link = (revision: number) =>
    binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${it.stream('target')}`) });
  const subscription = it.client.subscribeToStream(it.stream('links'), {
    fromRevision: START,
    resolveLinkTos: true,
  });
  const collector = new Collector(subscription, it);
  await it.client.appendToStream(it.stream('links'), [link(2), link(0)]);
  const events = await collector.count(2);
  expect(numbersOf(events)).toEqual([2, 0]);
  expect(events.map((event) => event.link?.streamId)).toEqual([it.stream('links'), it.stream('links')]);
});
