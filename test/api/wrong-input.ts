/** Makes wrong requests out of a right one, so that a new route is tested as soon as it is in the OpenAPI document. */
export interface WrongBody {
  readonly what: string;
  readonly body: unknown;
}

type Json = unknown;
type Path = readonly (string | number)[];

interface Leaf {
  readonly path: Path;
  readonly value: Json;
}

/** Every value inside a JSON value, objects and arrays themselves included. */
const valuesOf = (value: Json, path: Path = []): Leaf[] => {
  const own: Leaf[] = path.length === 0 ? [] : [{ path, value }];
  if (Array.isArray(value))
    return [...own, ...value.flatMap((entry, index) => valuesOf(entry, [...path, index]))];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([key, entry]) => valuesOf(entry, [...path, key]))];
};

const replaced = (root: Json, path: Path, value: Json): Json => {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (Array.isArray(root))
    return root.map((entry, index) => (index === head ? replaced(entry, rest, value) : entry));
  const fields = root as Record<string, Json>;
  return { ...fields, [head]: replaced(fields[head], rest, value) };
};

const without = (root: Json, path: Path): Json => {
  const [head, ...rest] = path;
  if (head === undefined) return root;
  if (Array.isArray(root)) return root.map((entry, index) => (index === head ? without(entry, rest) : entry));
  const fields = root as Record<string, Json>;
  if (rest.length > 0) return { ...fields, [head]: without(fields[head], rest) };
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== head));
};

const objectsOf = (root: Json): Path[] => [
  [],
  ...valuesOf(root)
    .filter(({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value))
    .map(({ path }) => path),
];

const wrongValues = (value: Json): readonly (readonly [string, Json])[] => {
  if (typeof value === 'string') {
    return [
      ['a float where a string belongs', 12.34],
      ['2^60 as a number where a string belongs', 2 ** 60],
      ['null', null],
      ['an object where a string belongs', {}],
      ['a text that is far too long', 'x'.repeat(600)],
      ['a control character', 'a\u0007b'],
      ['NUL', 'a\0b'],
      ['half of a surrogate pair', 'a\ud800b'],
      ['an empty text', ''],
    ];
  }
  if (typeof value === 'number') {
    return [
      ['a text where a number belongs', String(value)],
      ['a fraction', 1.5],
      ['2^60', 2 ** 60],
      ['null', null],
      ['a list where a number belongs', [value]],
    ];
  }
  if (Array.isArray(value)) {
    return [
      ['an object where a list belongs', {}],
      ['a text where a list belongs', 'x'],
      ['null', null],
    ];
  }
  return [
    ['a list where an object belongs', []],
    ['a text where an object belongs', 'x'],
    ['null', null],
  ];
};

/** All of these must be refused whatever the state of things is. `required` are paths of fields that may not be missing. */
export const wrongBodies = (valid: Json, required: readonly string[]): WrongBody[] => [
  ...required.map((field) => ({ what: `missing ${field}`, body: without(valid, [field]) })),
  ...objectsOf(valid).map((path) => ({
    what: `an extra field in /${path.join('/')}`,
    body: replaced(valid, [...path, 'nobodyReadsThis'], 1),
  })),
  ...valuesOf(valid).flatMap(({ path, value }) =>
    wrongValues(value).map(([what, wrong]) => ({
      what: `${what} at /${path.join('/')}`,
      body: replaced(valid, path, wrong),
    })),
  ),
  { what: 'a list as the body', body: [valid] },
  { what: 'a text as the body', body: 'x' },
  { what: 'a number as the body', body: 1 },
  { what: 'null as the body', body: null },
];
