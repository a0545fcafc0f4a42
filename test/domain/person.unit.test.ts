import { describe, expect, test } from '@jest/globals';
import {
  ADDRESSES_MAX,
  addressOf,
  fullName,
  MAILS_MAX,
  NAME_PART_LENGTH_MAX,
  type Person,
  PHONES_MAX,
  person,
  STREET_LINES_MAX,
} from '../../src/domain/person.js';

const home = { addressId: 'home', street: ['1 High Street'], city: 'Ely', country: 'GB' };
const jo: Person = { name: { given: 'Jo', family: 'Doe' } };
const takes = (value: unknown): boolean => person.safeParse(value).success;
const many = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index));

describe('a person', () => {
  test('needs one part of a name and nothing else', () => {
    expect(takes(jo)).toBe(true);
    expect(takes({ name: { organisation: 'Doe Ltd' } })).toBe(true);
    expect(takes({ name: {} })).toBe(false);
    expect(takes({})).toBe(false);
  });

  test.each([
    ['addresses', ADDRESSES_MAX, (n: number) => ({ ...home, addressId: `a${n}` })],
    ['phones', PHONES_MAX, (n: number) => `+44 77009004${n + 10}`],
    ['mails', MAILS_MAX, (n: number) => `jo${n}@example.org`],
  ] as const)('has as many %s as %i, and not one more', (field, limit, item) => {
    expect(takes({ ...jo, [field]: many<unknown>(limit, item) })).toBe(true);
    expect(takes({ ...jo, [field]: many<unknown>(limit + 1, item) })).toBe(false);
  });

  test.each([
    ['a name that is too long', { name: { given: 'x'.repeat(NAME_PART_LENGTH_MAX + 1) } }],
    ['a name in two lines', { name: { given: 'Jo\nDoe' } }],
    ['blanks around it', { name: { given: ' Jo' } }],
    ['half of a surrogate pair', { name: { given: 'Jo\ud800' } }],
    ['a field that nobody reads', { ...jo, age: 7 }],
    ['two addresses of one id', { ...jo, addresses: [home, home] }],
    [
      'a street of too many lines',
      { ...jo, addresses: [{ ...home, street: many(STREET_LINES_MAX + 1, String) }] },
    ],
    ['no street', { ...jo, addresses: [{ ...home, street: [] }] }],
    ['a country by name', { ...jo, addresses: [{ ...home, country: 'England' }] }],
    ['a phone that is none', { ...jo, phones: ['call me'] }],
    ['a mail without a place', { ...jo, mails: ['jo'] }],
    ['two mails in one', { ...jo, mails: ['jo@a.org, doe@b.org'] }],
    ['a note that is too long', { ...jo, note: 'x'.repeat(501) }],
  ])('is refused with %s', (_, value) => {
    expect(takes(value)).toBe(false);
  });

  test('is read back as it was written', () => {
    const whole: Person = {
      name: { prefix: 'Dr', given: 'Jo', middle: 'B', family: 'Doe', suffix: 'II' },
      addresses: [{ ...home, recipient: 'The Does', region: 'Cambs', postalCode: 'CB7 4AA' }],
      phones: ['+44 (0)1353 / 555-0100'],
      mails: ['jo@example.org'],
      note: 'rings twice\nat the door',
    };
    expect(person.parse(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
  });
});

test('the name on a parcel: its parts in order, else the organisation', () => {
  expect(fullName({ prefix: 'Dr', given: 'Jo', family: 'Doe', organisation: 'Doe Ltd' })).toBe('Dr Jo Doe');
  expect(fullName({ organisation: 'Doe Ltd' })).toBe('Doe Ltd');
});

test('an address by its id; without an id the only one, and never one of two', () => {
  const work = { ...home, addressId: 'work' };
  expect(addressOf({ ...jo, addresses: [home, work] }, 'work')).toBe(work);
  expect(addressOf({ ...jo, addresses: [home, work] }, 'gone')).toBeUndefined();
  expect(addressOf({ ...jo, addresses: [home, work] }, undefined)).toBeUndefined();
  expect(addressOf({ ...jo, addresses: [home] }, undefined)).toBe(home);
  expect(addressOf(jo, undefined)).toBeUndefined();
});
