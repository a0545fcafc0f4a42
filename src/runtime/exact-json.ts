import { isDate, isMap, isSet } from 'node:util/types';
import {
  isOrdered,
  isMap as isPersistentMap,
  isSet as isPersistentSet,
  Map as PersistentMap,
  Set as PersistentSet,
} from 'immutable';

/**
 * Values as JSON text that come back exactly as they were: what JSON has no word for (bigint, undefined, dates, maps and sets, of the
 * language and of `immutable`) is an object whose key `$` says what it is. A plain object that has such a key itself is written as
 * its entries. What cannot come back exactly (an instance of a class, a function, NaN, -0) is a TypeError.
 */
const TAG = '$';
/** Items of a large collection written at a time: half a millisecond on a busy machine. */
const PIECE_ITEMS = 500;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with our own Object.prototype: every realm has one.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

/** Keys and values in turn. */
function* flat(entries: Iterable<readonly [unknown, unknown]>): Iterable<unknown> {
  for (const entry of entries) yield* entry;
}

/** The inverse of {@link flat}. */
const pairs = (items: readonly unknown[]): [unknown, unknown][] => {
  const entries: [unknown, unknown][] = [];
  for (let i = 0; i < items.length; i += 2) entries.push([items[i], items[i + 1]]);
  return entries;
};

interface Kind {
  readonly is: (value: object) => boolean;
  readonly itemsOf: (value: never) => Iterable<unknown>;
  readonly from: (items: unknown[]) => unknown;
}

/** What is made of items, by its tag. */
const KINDS: Readonly<Record<string, Kind>> = {
  PersistentMap: {
    is: (value) => isPersistentMap(value) && !isOrdered(value),
    itemsOf: (map: PersistentMap<unknown, unknown>) => flat(map),
    from: (items) => PersistentMap(pairs(items)),
  },
  PersistentSet: {
    is: (value) => isPersistentSet(value) && !isOrdered(value),
    itemsOf: (set: PersistentSet<unknown>) => set,
    from: (items) => PersistentSet(items),
  },
  Map: {
    is: isMap,
    itemsOf: (map: ReadonlyMap<unknown, unknown>) => flat(map),
    from: (items) => new Map(pairs(items)),
  },
  Set: { is: isSet, itemsOf: (set: ReadonlySet<unknown>) => set, from: (items) => new Set(items) },
  object: {
    is: (value) => isPlain(value) && Object.hasOwn(value, TAG),
    itemsOf: (object: object) => flat(Object.entries(object)),
    from: (items) => Object.fromEntries(pairs(items) as [string, unknown][]),
  },
};
const kinds = Object.entries(KINDS);

/** The tag (none for an array) and the items of what is made of items. */
const collectionOf = (
  value: object,
): { readonly tag?: string; readonly items: Iterable<unknown> } | undefined => {
  if (Array.isArray(value)) return { items: value };
  for (const [tag, kind] of kinds) if (kind.is(value)) return { tag, items: kind.itemsOf(value as never) };
  return undefined;
};

const isJson = (value: unknown): boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  value === null ||
  (Number.isFinite(value) && !Object.is(value, -0));

const toJson = (value: unknown): unknown => {
  if (isJson(value)) return value;
  if (typeof value === 'bigint') return { [TAG]: 'bigint', of: String(value) };
  if (typeof value === 'undefined') return { [TAG]: 'undefined' };
  if (typeof value === 'object' && value !== null) {
    const collection = collectionOf(value);
    if (collection !== undefined) {
      const items = Array.from(collection.items, toJson);
      return collection.tag === undefined ? items : { [TAG]: collection.tag, of: items };
    }
    if (isDate(value)) return { [TAG]: 'Date', of: toJson(value.getTime()) };
    if (isPlain(value)) {
      const entries = Object.entries(value);
      // Mostly small objects that are JSON already: those need no copy.
      if (entries.every(([, child]) => isJson(child))) return value;
      return Object.fromEntries(entries.map(([key, child]) => [key, toJson(child)]));
    }
  }
  throw new TypeError(`${Object.prototype.toString.call(value)} cannot be written exactly`);
};

/** The text in pieces, so that whoever writes a large value can let others run in between. */
export function* toExactPieces(value: unknown): Generator<string, void> {
  if (typeof value !== 'object' || value === null) return yield JSON.stringify(toJson(value));
  const collection = collectionOf(value);
  if (collection === undefined && isPlain(value)) {
    let before = '{';
    for (const [key, child] of Object.entries(value)) {
      yield `${before}${JSON.stringify(key)}:`;
      yield* toExactPieces(child);
      before = ',';
    }
    return yield before === '{' ? '{}' : '}';
  }
  if (collection === undefined) return yield JSON.stringify(toJson(value));
  const { tag, items } = collection;
  yield tag === undefined ? '[' : `{"${TAG}":"${tag}","of":[`;
  let piece: unknown[] = [];
  let before = '';
  for (const item of items) {
    piece.push(toJson(item));
    if (piece.length < PIECE_ITEMS) continue;
    yield before + JSON.stringify(piece).slice(1, -1);
    piece = [];
    before = ',';
  }
  if (piece.length > 0) yield before + JSON.stringify(piece).slice(1, -1);
  yield tag === undefined ? ']' : ']}';
}

const fromJson = (json: unknown): unknown => {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const object = json as Record<string, unknown>;
  if (!Object.hasOwn(object, TAG)) {
    // In place: an own key stays one, whatever its name.
    for (const key of Object.keys(object)) object[key] = fromJson(object[key]);
    return object;
  }
  const { [TAG]: tag, of } = object;
  if (tag === 'undefined') return undefined;
  if (tag === 'bigint' && typeof of === 'string') return BigInt(of);
  if (tag === 'Date' && typeof of === 'number') return new Date(of);
  const kind = typeof tag === 'string' && Object.hasOwn(KINDS, tag) ? KINDS[tag] : undefined;
  if (kind === undefined || !Array.isArray(of)) throw new SyntaxError(`no value is tagged ${String(tag)}`);
  return kind.from(of.map(fromJson));
};

/** The inverse of {@link toExactPieces}. Throws a SyntaxError for what that never wrote. */
export const fromExactJson = (text: string): unknown => fromJson(JSON.parse(text));
