import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { searchWords } from '../../src/audit/search-words.js';
import {
  orderSearch,
  QUESTION_WORDS_MAX,
  questionOf,
  SEARCHED_TEXT_MAX,
  WORD_LENGTH_MAX,
  wordsOf,
} from '../../src/projections/order-search.js';
import { createRecorder } from '../support/projection-spec.js';

describe('the words of a text', () => {
  test.each([
    ['web~A%201', ['web~a%201']],
    ['#1001', ['1001']],
    ['120.00 EUR is over 100.00', ['120.00', 'eur', 'is', 'over', '100.00']],
    ['  "No house-number", (Émile)!\n', ['no', 'house-number', 'émile']],
    ['-- A', ['--', 'a']],
    ['   ', []],
    ['', []],
  ])('%j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test('are cut to a length, never within a character', () => {
    expect(wordsOf('x'.repeat(WORD_LENGTH_MAX + 1))).toEqual(['x'.repeat(WORD_LENGTH_MAX)]);
    expect(wordsOf(`${'x'.repeat(WORD_LENGTH_MAX - 1)}\u{1D7D9}`)).toEqual(['x'.repeat(WORD_LENGTH_MAX - 1)]);
    expect(wordsOf(`${'y '.repeat(SEARCHED_TEXT_MAX)}`)).toHaveLength(SEARCHED_TEXT_MAX / 2);
  });

  test('are those that the audit knows, of any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 700 }),
      fc.string({
        unit: fc.constantFrom('a', 'B', ' ', '-', '\u{1D7D9}', '\0', "'", '\t', 'İ'),
        maxLength: 700,
      }),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (all) => {
        const words = new Set(all.flatMap(wordsOf).map((word) => word.replaceAll('\0', '\uFFFD')));
        expect(searchWords(all)).toHaveLength(words.size);
        expect(new Set(searchWords(all))).toEqual(words);
      }),
    );
  });
});

describe('a question', () => {
  test('is the beginnings of words, each once and quoted', () => {
    expect(questionOf('MUG mug  85123')).toBe("'mug':* & '85123':*");
    expect(questionOf("o'br\\ien & !x")).toBe("'o''br\\\\ien':* & '&':* & 'x':*");
  });

  test('without a word is none, and with many is bounded', () => {
    expect(questionOf(' \t ')).toBeUndefined();
    const many = Array.from({ length: 40 }, (_, index) => `w${index}`).join(' ');
    expect(questionOf(many)?.split(' & ')).toHaveLength(QUESTION_WORDS_MAX);
  });
});

test('a batch without words costs no statement', async () => {
  const record = createRecorder();
  const events = [
    record('order-web~1', { type: 'OrderConfirmed', data: {} }),
    record('order-web~1', { type: 'OrderCompleted', data: {} }),
  ];
  await orderSearch.apply(events, {
    query: () => {
      throw new Error('asked');
    },
  });
});
