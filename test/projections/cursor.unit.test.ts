import { describe, expect, test } from '@jest/globals';
import {
  ANY_TEXT,
  InvalidCursor,
  MOMENT,
  PAGE_DEFAULT_ROWS,
  PAGE_MAX_ROWS,
  PLACE,
  pageSize,
  RANK,
  readCursor,
  toPage,
} from '../../src/projections/cursor.js';

const PATTERNS = [MOMENT, ANY_TEXT];
const cursorAfter = (key: readonly string[]): string => {
  const { nextCursor } = toPage('orders', [0, 1], 1, () => key, String);
  if (nextCursor === null) throw new Error('there is one row too many');
  return nextCursor;
};

describe('cursors', () => {
  test('bring back the key of the last row, whatever is in it', () => {
    const key = ['-12', 'web~"é\n/+='];
    const cursor = cursorAfter(key);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(readCursor('orders', { cursor }, PATTERNS)).toEqual(key);
  });

  test('are absent on the last page and on an empty one', () => {
    expect(toPage('orders', [1, 2], 2, () => ['k'], String)).toEqual({ items: ['1', '2'], nextCursor: null });
    expect(toPage('orders', [], 2, () => ['k'], String)).toEqual({ items: [], nextCursor: null });
    expect(readCursor('orders', {}, PATTERNS)).toBeUndefined();
  });

  test.each([
    ['another list', Buffer.from('["stock","1","x"]').toString('base64url')],
    ['too few parts', Buffer.from('["orders","1"]').toString('base64url')],
    ['a part of the wrong shape', cursorAfter(['1.5', 'x'])],
    ['a number too large for the database', cursorAfter(['9'.repeat(19), 'x'])],
    ['a part that is no text', Buffer.from('["orders","1",{}]').toString('base64url')],
    ['a NUL', cursorAfter(['1', 'a\0'])],
    ['no JSON', 'zzz'],
    ['nothing', ''],
    ['an object', Buffer.from('{}').toString('base64url')],
    ['too long', cursorAfter(['1', 'x'.repeat(1_000)])],
  ])('are refused when they are of %s', (_, cursor) => {
    expect(() => readCursor('orders', { cursor }, PATTERNS)).toThrow(InvalidCursor);
  });

  // What a type of PostgreSQL cannot hold would be an error of the database, and so a bug of ours.
  test.each<[string, RegExp, readonly string[], readonly string[]]>([
    ['a place', PLACE, ['0', '9'.repeat(18)], ['-1', '9'.repeat(19), '', '1.5']],
    ['a rank', RANK, ['0', '9'.repeat(9)], ['-1', '9'.repeat(10), '', ' 1']],
    [
      'a moment',
      MOMENT,
      ['0', `-${'9'.repeat(17)}`, `${Date.UTC(1900, 0)}000`, `${Date.UTC(9999, 11, 31, 23, 59, 59, 999)}999`],
      [`-${'9'.repeat(18)}`, '9'.repeat(18), '3'.padEnd(18, '0'), '9'.repeat(19), '', '-'],
    ],
  ])('have in %s what its column can hold', (_, pattern, taken, refused) => {
    expect(taken.filter((text) => !pattern.test(text))).toEqual([]);
    expect(refused.filter((text) => pattern.test(text))).toEqual([]);
  });

  test('come with pages of a bounded size', () => {
    expect([undefined, 0, -5, 1, 10_000, 7.9].map((limit) => pageSize({ limit }))).toEqual([
      PAGE_DEFAULT_ROWS,
      1,
      1,
      1,
      PAGE_MAX_ROWS,
      7,
    ]);
  });
});
