import { expect, test } from '@jest/globals';
import { createReadModelLag } from '../../src/runtime/read-model-lag.js';

const place = (commit: number) => ({ commit: BigInt(commit), prepare: BigInt(commit) });

/** A log and read models at these places, looked at when told. */
const setup = () => {
  const now = { end: 0, reached: 0, ms: 0 };
  const lagMs = createReadModelLag({
    readEnd: async () => (now.end === 0 ? undefined : place(now.end)),
    readReached: async () => (now.reached === 0 ? undefined : place(now.reached)),
    nowMs: () => now.ms,
  });
  return (at: Partial<typeof now>): Promise<number> => {
    Object.assign(now, at);
    return lagMs();
  };
};

test('nobody is behind an empty log, or one that is read to its end', async () => {
  const look = setup();
  expect(await look({ ms: 1 })).toBe(0);
  expect(await look({ ms: 2, end: 5, reached: 5 })).toBe(0);
  expect(await look({ ms: 900, end: 5, reached: 7 })).toBe(0);
});

test('the lag is the age of the oldest end that is not reached', async () => {
  const look = setup();
  expect(await look({ ms: 0, end: 10 })).toBe(0);
  expect(await look({ ms: 400, end: 20 })).toBe(400);
  expect(await look({ ms: 900, end: 30, reached: 9 })).toBe(900);
  expect(await look({ ms: 1_000, reached: 10 })).toBe(600);
  expect(await look({ ms: 1_500, end: 40, reached: 29 })).toBe(600);
  expect(await look({ ms: 1_600, reached: 40 })).toBe(0);
});

test('a log that goes on is no lag, as long as the read models follow', async () => {
  const look = setup();
  for (let i = 1; i <= 3_000; i += 1) {
    expect(await look({ ms: i * 500, end: i, reached: i - 1 })).toBe(0);
  }
});

test('read models that stand still fall behind for as long as they do', async () => {
  const look = setup();
  for (let i = 1; i <= 3_000; i += 1) {
    expect(await look({ ms: i * 500, end: i + 1, reached: 1 })).toBe((i - 1) * 500);
  }
  expect(await look({ reached: 3_001 })).toBe(0);
});
