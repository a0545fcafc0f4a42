import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import type { EventStore } from '../../src/runtime/event-store.js';
import { turnsStreamOf } from '../../src/runtime/turn-requests.js';
import { contextOf, counter, counterCodec } from '../support/counter.js';
import { createMemoryEventStore, type MemoryEventStore } from '../support/memory-event-store.js';

const APPEND_MS = 4;
/** On its way longer than an append: who has to read first is always too late, unless the other makes room. */
const READ_MS = 8;
const RUN_MS = 2_500;
const IN_FLIGHT = 64;

/** The same store for a process that never catches up with one that writes all the time: a read of its tail is always too late. */
const slowReader = (store: MemoryEventStore): EventStore => ({
  ...store,
  async *readStream(stream, from) {
    let next = from;
    for (;;) {
      const batches = [];
      for await (const batch of store.readStream(stream, next)) batches.push(batch);
      yield* batches;
      const last = batches.at(-1)?.at(-1);
      if (last === undefined) return;
      next = last.revision + 1;
      await sleep(2 * APPEND_MS);
    }
  },
});

const processUntil = async (store: EventStore, until: number, inFlight: number): Promise<number> => {
  const bus = createCommandRunner({ store, codec: counterCodec });
  let accepted = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const result = await bus.execute(counter, 'x', { type: 'add', units: 1 }, contextOf());
      if (result.status === 'accepted') accepted += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return accepted;
};

/** Commands of the stream, without what was asked for beside it. */
const addedTo = (store: MemoryEventStore): number =>
  store.log.filter(({ stream }) => stream === 'counter-x').length;

test('of two processes on one hot stream each gets its share, and nobody is turned away', async () => {
  const store = createMemoryEventStore();
  store.onAppend = () => sleep(APPEND_MS);
  const { readStream } = store;
  store.readStream = async function* (stream, from) {
    const batches = [];
    for await (const batch of readStream(stream, from)) batches.push(batch);
    await sleep(READ_MS);
    yield* batches;
  };
  const until = performance.now() + RUN_MS;
  const [one = 0, two = 0] = await Promise.all([
    processUntil(store, until, IN_FLIGHT),
    processUntil(store, until, IN_FLIGHT),
  ]);
  expect(one + two).toBe(addedTo(store));
  // Far from even, because the machine that tests run on is busy; without turns it is nothing at all.
  expect(Math.min(one, two)).toBeGreaterThan(0.1 * Math.max(one, two));
}, 20_000);

test('a process that reads more slowly than another writes asks for a turn, and gets it', async () => {
  const store = createMemoryEventStore();
  store.onAppend = () => sleep(APPEND_MS);
  const slow = slowReader(store);
  const until = performance.now() + RUN_MS;
  const writer = processUntil(store, until, IN_FLIGHT);
  await sleep(3 * APPEND_MS);
  const [first, second] = await Promise.all([writer, processUntil(slow, until, 1)]);
  expect(first + second).toBe(addedTo(store));
  // One it may have got when the other had stopped.
  expect(second).toBeGreaterThan(1);
  const requests = store.log.filter(({ stream }) => stream === turnsStreamOf('counter-x'));
  expect(requests.length).toBeGreaterThan(0);
  expect(requests.length).toBeLessThanOrEqual(3);
}, 20_000);
