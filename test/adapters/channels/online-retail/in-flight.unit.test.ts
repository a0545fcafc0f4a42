import { describe, expect, test } from '@jest/globals';
import { Gate, persist } from '../../../../src/adapters/channels/online-retail/in-flight.js';
import { CommandBusClosed, CommandQueueFull } from '../../../../src/runtime/command-errors.js';
import { EventStoreUnavailable } from '../../../../src/runtime/event-store.js';

const never = new AbortController().signal;

/** Work that fails with these errors in turn and then answers. */
const failing = (...errors: readonly Error[]) => {
  let calls = 0;
  const work = async () => {
    const error = errors[calls];
    calls += 1;
    if (error !== undefined) throw error;
    return 'done';
  };
  return { work, calls: () => calls };
};

describe('work that fails', () => {
  test('is repeated while the store is away or a queue is full', async () => {
    const { work, calls } = failing(
      new EventStoreUnavailable('away'),
      new CommandQueueFull('this process', 1),
    );
    let retries = 0;
    const answer = await persist(work, never, () => {
      retries += 1;
    });
    expect([answer, calls(), retries]).toEqual(['done', 3, 2]);
  });

  test('is given up with its last error when that goes on for the whole window', async () => {
    const { work, calls } = failing(
      ...Array.from({ length: 100 }, (_, n) => new EventStoreUnavailable(`${n}`)),
    );
    await expect(persist(work, never, () => undefined, 60)).rejects.toThrow(/^\d+$/);
    expect(calls()).toBeGreaterThan(2);
  });

  test.each([new TypeError('a bug'), new CommandBusClosed()])('is not repeated after %p', async (error) => {
    const { work, calls } = failing(error);
    await expect(persist(work, never, () => undefined)).rejects.toBe(error);
    expect(calls()).toBe(1);
  });

  test('is not repeated once everything has been told to stop', async () => {
    const stop = new AbortController();
    const { work, calls } = failing(new EventStoreUnavailable('away'), new EventStoreUnavailable('away'));
    await expect(persist(work, stop.signal, () => stop.abort(new Error('enough')))).rejects.toThrow();
    expect(calls()).toBe(1);
  });
});

describe('a gate', () => {
  const limits = { running: 4, runningMin: 2, weight: 10 };

  /** How many of these enter before somebody has to leave. */
  const entered = async (...weights: readonly number[]): Promise<number> => {
    const gate = new Gate(limits);
    let count = 0;
    void (async () => {
      for (const weight of weights) {
        await gate.enter(weight);
        count += 1;
      }
    })();
    await new Promise((resolve) => setImmediate(resolve));
    return count;
  };

  test('lets so many run at once', async () => {
    expect(await entered(1, 1, 1, 1, 1)).toBe(4);
  });

  test('lets fewer run when they are heavy', async () => {
    expect(await entered(4, 4, 4, 1)).toBe(2);
    expect(await entered(4, 4, 2, 1)).toBe(3);
  });

  test('lets a few run whatever they weigh', async () => {
    expect(await entered(100, 100, 1)).toBe(2);
  });

  test('lets the next one in when one leaves, and says when all have', async () => {
    const gate = new Gate(limits);
    await gate.enter(100);
    await gate.enter(100);
    const next = gate.enter(100).then(() => 'entered');
    gate.leave(100);
    expect(await next).toBe('entered');
    let drained = false;
    const end = gate.drained().then(() => {
      drained = true;
    });
    gate.leave(100);
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    gate.leave(100);
    await end;
  });
});
