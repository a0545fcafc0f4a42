import { describe, expect, test } from '@jest/globals';
import {
  ANY_TEXT,
  INTEGER,
  InvalidCursor,
  PAGE_DEFAULT_ROWS,
  PAGE_MAX_ROWS,
  pageSize,
  readCursor,
  toPage,
} from '../../src/projections/cursor.js';

const PATTERNS = [INTEGER, ANY_TEXT];
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
