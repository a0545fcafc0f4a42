import { describe, expect, test } from '@jest/globals';
import { eraseFrom, erasureIn, lineOfErasure } from '../../src/cli/vault.js';

const erasure = {
  customerId: 'c "17"',
  erasedAt: new Date('2026-11-27T12:00:00.123Z'),
  erasedBy: 'key:k',
};

describe('a list of erasures', () => {
  test('has a line for each that is read back as it was', () => {
    expect(erasureIn(lineOfErasure(erasure))).toEqual({
      customerId: 'c "17"',
      at: erasure.erasedAt,
      actor: 'key:k',
    });
    expect(erasureIn('c-18')).toEqual({ customerId: 'c-18', actor: 'cli' });
  });

  test.each([
    ['no time', '{"customerId":"c","erasedBy":"k"}'],
    ['no id', '{"erasedAt":"2026-11-27T12:00:00Z","erasedBy":"k"}'],
    ['a time that is none', '{"customerId":"c","erasedAt":"soon","erasedBy":"k"}'],
    ['half a line', '{"customerId":"c"'],
    ['another file', 'x'.repeat(2_001)],
  ])('is refused at a line with %s, after the lines before it', async (_, wrong) => {
    const erased: string[] = [];
    const vault = {
      erase: async (customerId: string) => {
        erased.push(customerId);
        return { ...erasure, customerId };
      },
    };
    const lines = async function* () {
      yield* ['c-1', '', wrong, 'c-2'];
    };
    await expect(eraseFrom(vault, lines())).rejects.toThrow();
    expect(erased).toEqual(['c-1']);
  });
});
