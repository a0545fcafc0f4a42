import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { canonicalJson } from '../../src/api/canonical-json.js';
import { orderBody } from '../../src/api/place-order.js';
import { parsePosition, positionToken } from '../../src/api/position-token.js';
import * as schemas from '../../src/api/schemas.js';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('schemas of requests', () => {
  test('money is a decimal string and never a number', () => {
    for (const good of ['0', '12.34', '999999999999.9999']) expect(accepts(schemas.money, good)).toBe(true);
    for (const bad of [
      12.34,
      12,
      2 ** 60,
      '1e3',
      '-1',
      '+1',
      '1,00',
      '.5',
      '1.',
      '1.23456',
      '1000000000000',
      '',
      ' 1',
      '１',
    ]) {
      expect(accepts(schemas.money, bad)).toBe(false);
    }
    expect(accepts(schemas.signedMoney, '-12.34')).toBe(true);
    expect(accepts(schemas.unitPrice, '0.000001')).toBe(true);
    expect(accepts(schemas.unitPrice, '0.0000001')).toBe(false);
  });

  test('ids are any printable text that every part can keep', () => {
    for (const good of ['A 1', 'ü/~%', '😀', 'x'.repeat(128)]) expect(accepts(schemas.id, good)).toBe(true);
    for (const bad of ['', ' a', 'a ', 'a\nb', 'a\0b', 'a\ud800', 'x'.repeat(129), 1, null]) {
      expect(accepts(schemas.id, bad)).toBe(false);
    }
  });

  test('names of our own need no encoding', () => {
    expect(accepts(schemas.slug, 'high-street_2.b')).toBe(true);
    for (const bad of ['', '-a', 'a b', 'a~b', 'ü', '..', 'x'.repeat(65)]) {
      expect(accepts(schemas.slug, bad)).toBe(false);
    }
  });

  test('times are UTC and of a year that PostgreSQL knows', () => {
    for (const good of ['2026-11-22T18:00:00Z', '2026-11-22T18:00:00.123456789Z']) {
      expect(accepts(schemas.instant, good)).toBe(true);
    }
    for (const bad of [
      `2026-11-22T18:00:00.${'1'.repeat(130)}Z`,
      '0000-01-01T00:00:00Z',
      '2026-02-30T00:00:00Z',
      '2026-11-22T18:00:00+01:00',
      '2026-11-22',
      1_700_000_000,
    ]) {
      expect(accepts(schemas.instant, bad)).toBe(false);
    }
  });

  test('days are those of a calendar that PostgreSQL knows', () => {
    expect(accepts(schemas.day, '2026-11-22')).toBe(true);
    for (const bad of ['0000-01-01', '0001-01-01', '2026-02-30', '2026-11-22T18:00:00Z']) {
      expect(accepts(schemas.day, bad)).toBe(false);
    }
    const order = {
      channel: 'web',
      externalId: '1',
      currency: 'GBP',
      lines: [{ sku: 'A', quantity: 1, unitPrice: '1.00' }],
    };
    for (const asked of [{ from: '2026-11-22' }, { to: '2026-11-22' }, {}]) {
      expect(accepts(orderBody, { ...order, requestedDelivery: asked })).toBe(true);
    }
    for (const asked of [{ from: '0000-01-01' }, { to: '0000-12-31' }]) {
      expect(accepts(orderBody, { ...order, requestedDelivery: asked })).toBe(false);
    }
  });

  test('currencies are those of ISO 4217, and nothing that every object has', () => {
    expect(accepts(schemas.currency, 'GBP')).toBe(true);
    for (const bad of ['gbp', 'XXXX', '__proto__', 'constructor']) {
      expect(accepts(schemas.currency, bad)).toBe(false);
    }
  });
});

describe('position tokens', () => {
  test('are read back as they were written, and nothing else is read', () => {
    for (const position of [
      { commit: 0n, prepare: 0n },
      { commit: 12n, prepare: 12n },
      { commit: 12n, prepare: 7n },
      { commit: 2n ** 63n - 1n, prepare: 1n },
    ]) {
      expect(parsePosition(positionToken(position))).toEqual(position);
    }
    for (const bad of ['', '-1', '1-', '1-2-3', '0x1', '1.5', String(2n ** 63n), '9'.repeat(30)]) {
      expect(parsePosition(bad)).toBeUndefined();
    }
  });
});

describe('canonical JSON', () => {
  test('the order of keys says nothing, the order of a list does', () => {
    expect(canonicalJson({ b: 1, a: { d: [1, 2], c: null } })).toBe(
      canonicalJson({ a: { c: null, d: [1, 2] }, b: 1 }),
    );
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
    expect(canonicalJson({ a: undefined })).toBe('{}');
  });
});
