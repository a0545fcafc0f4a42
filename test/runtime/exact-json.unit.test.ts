import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { List, OrderedMap, Map as PersistentMap, Set as PersistentSet } from 'immutable';
import { fromExactJson, toExactPieces } from '../../src/runtime/exact-json.js';

const textOf = (value: unknown): string => [...toExactPieces(value)].join('');
const back = (value: unknown): unknown => fromExactJson(textOf(value));

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('$', 'of', '__proto__', '\ud800', '\u0000', ''),
);
const anyValue = fc.letrec((tie) => {
  const value = tie('value');
  const items = fc.array(value, { maxLength: 4 });
  const entries = fc.array(fc.tuple(value, value), { maxLength: 4 });
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      items,
      fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true }),
      entries.map((all) => new Map(all)),
      items.map((all) => new Set(all)),
      entries.map((all) => PersistentMap(all)),
      items.map((all) => PersistentSet(all)),
    ),
  };
}).value;

describe('a value written as exact JSON', () => {
  test('comes back as it was, whatever it is made of', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = textOf(value);
        const again = fromExactJson(text);
        expect(again).toStrictEqual(value);
        // Maps and sets compare without order; the text has it.
        expect(textOf(again)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('tells what JSON would take for each other', () => {
    const own = JSON.parse('{"__proto__": 1, "$": "bigint", "of": "1"}') as object;
    const values = [
      1,
      '1',
      1n,
      null,
      undefined,
      {},
      { a: undefined },
      [],
      [undefined],
      [null],
      new Map(),
      own,
    ];
    for (const value of [...values, new Set(), PersistentMap(), PersistentSet(), new Date(1)]) {
      expect(back(value)).toStrictEqual(value);
      expect(values.filter((other) => textOf(other) === textOf(value)).length).toBeLessThan(2);
    }
    expect(Object.keys(back(own) as object)).toEqual(['__proto__', '$', 'of']);
  });

  test('comes in pieces, none of which is long, however large it is', () => {
    const numbers = Array.from({ length: 20_001 }, (_, i) => i);
    const large = {
      holds: { open: PersistentMap(numbers.map((i) => [`order-${i}`, { quantity: i }])), held: 1n },
      lines: new Map(numbers.map((i) => [i, BigInt(i)])),
      all: new Set(numbers),
      list: numbers,
      none: {},
    };
    const pieces = [...toExactPieces(large)];
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(50_000);
    expect(fromExactJson(pieces.join(''))).toStrictEqual(large);
  });

  test('is refused when it could not come back as it was', () => {
    class Units {}
    const inexact = [
      Number.NaN,
      Infinity,
      -0,
      () => 1,
      Symbol('s'),
      new Units(),
      /x/,
      List([1]),
      OrderedMap([[1, 1]]),
    ];
    for (const value of inexact) {
      expect(() => textOf(value)).toThrow(TypeError);
      expect(() => textOf({ deep: [new Map([[1, { value }]])] })).toThrow(TypeError);
    }
    const sparse = [1];
    sparse[2] = 3;
    expect(() => textOf(sparse)).not.toThrow();
  });

  test('is not read from what was never written', () => {
    for (const wrong of [
      '',
      '{',
      '{"$":"Units","of":[]}',
      '{"$":"Map"}',
      '{"$":"Map","of":"ab"}',
      '{"$":"bigint","of":"x"}',
      '{"$":"bigint","of":1}',
      '{"$":"toString","of":[]}',
      '{"$":1}',
    ]) {
      expect(() => fromExactJson(wrong)).toThrow(SyntaxError);
    }
  });
});
