import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Slab, SlabMap } from '../../src/runtime/slab.js';

describe('Slab', () => {
  test('has what was added and not removed, in places that are used again', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (steps) => {
        const slab = new Slab<{ readonly step: number }>();
        const there = new Map<number, { readonly step: number }>();
        let most = 0;
        for (const [step, choice] of steps.entries()) {
          const place = [...there.keys()][choice];
          if (place === undefined) {
            const value = { step };
            const taken = slab.add(value);
            expect(there.has(taken)).toBe(false);
            there.set(taken, value);
          } else {
            slab.remove(place);
            there.delete(place);
          }
          most = Math.max(most, there.size);
          expect(slab.size).toBe(there.size);
          expect(new Set(slab.values())).toEqual(new Set(there.values()));
          for (const [at, value] of there) expect(slab.at(at)).toBe(value);
        }
        for (const place of there.keys()) expect(place).toBeLessThan(most);
      }),
    );
  });
});

describe('SlabMap', () => {
  test('is a map', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd')), (keys) => {
        const map = new SlabMap<object>();
        const model = new Map<string, object>();
        for (const key of keys) {
          if (model.has(key)) {
            map.delete(key);
            model.delete(key);
          } else {
            const value = {};
            map.add(key, value);
            model.set(key, value);
          }
          for (const each of ['a', 'b', 'c', 'd']) expect(map.get(each)).toBe(model.get(each));
        }
      }),
    );
  });

  test('does not lose a value that is there: a second one of its key is refused', () => {
    const map = new SlabMap<object>();
    const first = {};
    map.add('a', first);
    expect(() => map.add('a', {})).toThrow('there already');
    expect(map.get('a')).toBe(first);
    map.delete('b');
    expect(map.get('a')).toBe(first);
  });
});
