import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Slots } from '../../../src/adapters/event-store/slots.js';
import { EventStoreUnavailable } from '../../../src/runtime/event-store.js';

test('never more units are out than there are, everybody is served in the order they came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 }), async (wishes) => {
      const slots = new Slots('wishes', 10, 100);
      const served: number[] = [];
      let out = 0;
      await Promise.all(
        wishes.map(async (wish, index) => {
          const units = await slots.take(wish, 1_000);
          out += units;
          served.push(index);
          expect(out).toBeLessThanOrEqual(10);
          await Promise.resolve();
          out -= units;
          slots.give(units);
        }),
      );
      expect(served).toEqual(wishes.map((_, index) => index));
      expect(await slots.take(10, 0)).toBe(10);
    }),
    { numRuns: 50 },
  );
});

test('too many that wait, or waiting too long, is EventStoreUnavailable and takes nothing', async () => {
  const slots = new Slots('wishes', 2, 1);
  await slots.take(2, 10);
  const large = slots.take(2, 20);
  await expect(slots.take(1, 10)).rejects.toBeInstanceOf(EventStoreUnavailable);
  await expect(large).rejects.toBeInstanceOf(EventStoreUnavailable);
  slots.give(2);
  await sleep(1);
  expect(await slots.take(2, 10)).toBe(2);
});
