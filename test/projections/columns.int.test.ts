import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numbers, texts } from '../../src/projections/columns.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ poolSize: 1 });
}, 60_000);
afterAll(() => database.drop());

const readBack = async <Value>(literal: string, type: string): Promise<Value[]> => {
  const { rows } = await database.db.query<{ value: Value }>(
    `SELECT value FROM unnest($1::${type}[]) WITH ORDINALITY AS row (value, at) ORDER BY at`,
    [literal],
    `read_back.${type}`,
  );
  return rows.map(({ value }) => value);
};

describe('array parameters', () => {
  test('give PostgreSQL every text exactly as it was, and null for what is missing', async () => {
    const awkward = fc.constantFrom(
      'NULL',
      'null',
      '',
      '{}',
      '"',
      '\\',
      '\\n',
      'a\nb\t"',
      ',',
      ' x ',
      '\u{1F600}',
      'é',
    );
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\0', '')),
      awkward,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { minLength: 1 }), async (values) => {
        expect(await readBack(texts(values), 'text')).toEqual(values);
      }),
      { numRuns: 200 },
    );
    expect(await readBack(texts([undefined, 'x']), 'text')).toEqual([null, 'x']);
    expect(await readBack(texts([]), 'text')).toEqual([]);
  });

  test('replace a NUL, which PostgreSQL cannot store, instead of failing on it', async () => {
    expect(await readBack(texts(['a\0b"', 'c']), 'text')).toEqual(['a\uFFFDb"', 'c']);
  });

  test('keep every digit of a bigint', async () => {
    const values = [0n, -1n, 9_223_372_036_854_775_807n];
    expect(await readBack(numbers(values), 'bigint')).toEqual(values);
  });
});
