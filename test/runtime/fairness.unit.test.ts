import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import { contextOf, counter, counterCodec } from '../support/counter.js';
import { createMemoryEventStore } from '../support/memory-event-store.js';

const APPEND_MS = 4;
/** On its way longer than an append: who has to read first is always too late, unless the other makes room. */
const READ_MS = 8;
const RUN_MS = 2_500;
const IN_FLIGHT = 64;

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
  const processOf = async (): Promise<number> => {
    const bus = createCommandRunner({ store, codec: counterCodec });
    let accepted = 0;
    const worker = async (): Promise<void> => {
      while (performance.now() < until) {
        const result = await bus.execute(counter, 'x', { type: 'add', units: 1 }, contextOf());
        if (result.status === 'accepted') accepted += 1;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    return accepted;
  };
  const [one = 0, two = 0] = await Promise.all([processOf(), processOf()]);
  expect(one + two).toBe(store.log.length);
  // Far from even, because the machine that tests run on is busy; without turns it is nothing at all.
  expect(Math.min(one, two)).toBeGreaterThan(0.05 * Math.max(one, two));
}, 20_000);
