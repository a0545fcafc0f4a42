import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { CheckpointWakeup } from '../../src/runtime/checkpoint-wakeup.js';
import type { Database } from '../../src/runtime/database.js';
import { createPositionWaiter, KNOWN_MS_MAX, LOOK_PAUSE_MS } from '../../src/runtime/position-waiter.js';

/** Time stands still here, so nothing that happens is the poll's doing. */
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const at = (commit: number) => ({ commit: BigInt(commit), prepare: BigInt(commit) });

/** A checkpoint in a database, and a wake-up that says no more than that it has moved. */
const scene = () => {
  const checkpoint = { commit_position: 0n, prepare_position: 0n, generation: 0 };
  const scripted = { looks: 0, wake: (): void => undefined };
  const db = {
    query: async () => {
      scripted.looks += 1;
      return { rows: [{ ...checkpoint }], rowCount: 1 };
    },
  } as unknown as Database; // nothing else of it is used
  const wakeup: CheckpointWakeup = {
    announce: () => undefined,
    listen: async (_, onMoved) => {
      scripted.wake = () => onMoved();
      return async () => undefined;
    },
    close: async () => undefined,
  };
  const move = (commit: number): void => {
    checkpoint.commit_position = checkpoint.prepare_position = BigInt(commit);
  };
  const startOver = (): void => {
    checkpoint.generation += 1;
    move(0);
  };
  return { scripted, move, startOver, waiter: createPositionWaiter(db, { wakeup }) };
};
const settle = () => jest.advanceTimersByTimeAsync(0);

test('a wake-up that says nothing makes the waiter look, and only while somebody waits', async () => {
  const { scripted, move, waiter } = scene();
  const { waitForPosition } = await waiter;
  move(10);
  scripted.wake();
  await settle();
  expect(scripted.looks).toBe(1);
  await waitForPosition(at(10), 1_000);
  await jest.advanceTimersByTimeAsync(LOOK_PAUSE_MS);
  const later = waitForPosition(at(20), 1_000);
  move(20);
  scripted.wake();
  await later;
  expect(scripted.looks).toBe(3);
});

test('what is known is believed for a while, without asking, and then looked at again', async () => {
  const { scripted, move, waiter } = scene();
  const { waitForPosition } = await waiter;
  move(10);
  await jest.advanceTimersByTimeAsync(KNOWN_MS_MAX);
  await waitForPosition(at(0), 1_000);
  const before = scripted.looks;
  await jest.advanceTimersByTimeAsync(KNOWN_MS_MAX - 1);
  for (let i = 0; i < 10_000; i++) await waitForPosition(at(10), 0);
  expect(scripted.looks).toBe(before);
  await jest.advanceTimersByTimeAsync(1);
  await Promise.all(Array.from({ length: 10_000 }, () => waitForPosition(at(10), 1_000)));
  expect(scripted.looks).toBe(before + 1);
});

test('a rebuild that nobody told of is noticed by the next who asks after that', async () => {
  const { scripted, startOver, move, waiter } = scene();
  const { waitForPosition } = await waiter;
  move(10);
  scripted.wake();
  await waitForPosition(at(10), 1_000);
  startOver();
  await jest.advanceTimersByTimeAsync(KNOWN_MS_MAX);
  const waiting = waitForPosition(at(10), 50);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'position_not_reached', reached: at(0) });
  await jest.advanceTimersByTimeAsync(50);
  await refused;
});

test('what is announced and not so is not believed', async () => {
  const { scripted, move, waiter } = scene();
  const { waitForPosition } = await waiter;
  move(9);
  const waiting = waitForPosition(at(10), 50);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'position_not_reached', reached: at(9) });
  scripted.wake();
  await jest.advanceTimersByTimeAsync(50);
  await refused;
});

test('a flood of wake-ups is one look at a time with a pause behind it, and the last one is not lost', async () => {
  const { scripted, move, waiter } = scene();
  const { waitForPosition } = await waiter;
  const before = scripted.looks;
  const waiting = waitForPosition(at(10), 1_000);
  const steps = 4;
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < 10_000; i++) scripted.wake();
    await jest.advanceTimersByTimeAsync(LOOK_PAUSE_MS);
  }
  expect(scripted.looks - before).toBeLessThanOrEqual(steps + 1);
  scripted.wake();
  move(10);
  await jest.advanceTimersByTimeAsync(LOOK_PAUSE_MS);
  await waiting;
});
