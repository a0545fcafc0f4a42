import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { limitLines } from '../../src/runtime/line-limit.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('the first of a kind is written at once, a thousand more as one line a while later, and then silence is silence', () => {
  const written: [string, number][] = [];
  const say = limitLines<string>({
    kindOf: (line) => line.slice(0, 1),
    write: (line, times) => written.push([line, times]),
    everyMs: 10_000,
  });
  for (let i = 0; i <= 1_000; i += 1) say(`a${i}`);
  say('b0');
  expect(written).toEqual([
    ['a0', 1],
    ['b0', 1],
  ]);
  jest.advanceTimersByTime(9_999);
  expect(written).toHaveLength(2);
  jest.advanceTimersByTime(1);
  expect(written.slice(2)).toEqual([['a1000', 1_000]]);
  say('a-again');
  say('b-again');
  expect(written.slice(3)).toEqual([['b-again', 1]]);
  jest.advanceTimersByTime(10_000);
  expect(written.slice(4)).toEqual([['a-again', 1]]);
  jest.advanceTimersByTime(100_000);
  expect(written).toHaveLength(5);
  expect(jest.getTimerCount()).toBe(0);
});
