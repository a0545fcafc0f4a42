import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { businessId, ID_LENGTH_MAX, reasonText } from '../../src/domain/schemas.js';
import { joinId, orderIdOf, splitId, stockIdOf } from '../../src/domain/stream-id.js';

const part = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.stringMatching(/^[~%\-/ a-zA-Z0-9]{1,12}$/))
  .filter((text) => businessId.safeParse(text).success);

describe('stream ids', () => {
  test('parts are encoded one by one and joined with ~', () => {
    expect(joinId('web', 'A 1')).toBe('web~A%201');
    expect(orderIdOf('a~b', 'c')).toBe('a%7Eb~c');
    expect(stockIdOf('main', '85123A')).not.toBe(stockIdOf('main', '85123a'));
  });

  test('every list of ids comes back, and no two lists share an id', () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 3 }),
        fc.array(part, { minLength: 1, maxLength: 3 }),
        (one, other) => {
          expect(splitId(joinId(...one))).toEqual(one);
          expect(joinId(...one) === joinId(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
        },
      ),
    );
  });
});

describe('ids that somebody outside gave', () => {
  test.each(['85123A', 'a b', '#12/3', 'ü', '订单', '🛒', 'x'.repeat(ID_LENGTH_MAX)])('%j is one', (id) => {
    expect(businessId.safeParse(id).success).toBe(true);
  });

  test.each([
    '',
    ' a',
    'a ',
    'a\nb',
    'a\u0000b',
    '\u0007',
    '\ud800',
    'a\udc00b',
    'a\ud83d',
    '\u00a0a',
    'x'.repeat(ID_LENGTH_MAX + 1),
  ])('%j is none', (id) => {
    expect(businessId.safeParse(id).success).toBe(false);
  });

  test('a reason may have line breaks but nothing that a database cannot keep', () => {
    expect(reasonText.safeParse('damaged,\n\ttwo boxes 📦').success).toBe(true);
    for (const text of ['', 'a\u0000b', 'a\ud800', '\u001b[2J', 'x'.repeat(501)]) {
      expect(reasonText.safeParse(text).success).toBe(false);
    }
  });

  test('a text made to be slow is refused at once', () => {
    const started = performance.now();
    expect(reasonText.safeParse(`${'\n\ta'.repeat(200_000)}\u0000`).success).toBe(false);
    expect(businessId.safeParse(`${'a '.repeat(300_000)}\u0000`).success).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
