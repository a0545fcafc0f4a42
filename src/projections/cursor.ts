/** Rows of one page at most, and when nothing is asked. */
export const PAGE_MAX_ROWS = 200;
export const PAGE_DEFAULT_ROWS = 50;
const CURSOR_LENGTH_MAX_CHARS = 1_000;

export interface PageRequest {
  /** From the page before; from the start when absent. */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/** One page. `nextCursor` is null on the last. Pages are keyset: rows that come or go in between shift nothing. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** The cursor was not made by this list. Somebody's wrong input, not a bug. */
export class InvalidCursor extends Error {
  readonly code = 'invalid_cursor';
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}

export const pageSize = ({ limit }: PageRequest): number =>
  Math.min(PAGE_MAX_ROWS, Math.max(1, Math.trunc(limit ?? PAGE_DEFAULT_ROWS)));

const encode = (list: string, key: readonly string[]): string =>
  Buffer.from(JSON.stringify([list, ...key])).toString('base64url');

/** The key after which the page starts: as many texts as `patterns`, each matching its own. Throws {@link InvalidCursor}. */
export const readCursor = (
  list: string,
  { cursor }: PageRequest,
  patterns: readonly RegExp[],
): string[] | undefined => {
  if (cursor === undefined) return undefined;
  if (cursor.length > CURSOR_LENGTH_MAX_CHARS) throw new InvalidCursor();
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new InvalidCursor();
  }
  if (!Array.isArray(parsed) || parsed[0] !== list || parsed.length !== patterns.length + 1) {
    throw new InvalidCursor();
  }
  const key = parsed.slice(1) as unknown[];
  return key.map((part, index) => {
    if (typeof part !== 'string' || part.includes('\0') || !patterns[index]?.test(part)) {
      throw new InvalidCursor();
    }
    return part;
  });
};

/** Shapes of the parts of a cursor. */
export const ANY_TEXT = /^/;
/** A place in the log or a row's own number: PostgreSQL's `bigint`, and never below 0. */
export const PLACE = /^\d{1,18}$/;
/** A rank that people gave: PostgreSQL's `integer`, and never below 0. */
export const RANK = /^\d{1,9}$/;
/**
 * Microseconds since 1970, of the years -1199 to 11476. PostgreSQL keeps more, yet not all that 18 digits can say: outside of that a
 * forged cursor would be an error of the database.
 */
export const MOMENT = /^(-?\d{1,17}|[12]\d{17})$/;
/** Of the lists of orders that are served by rank and then by age. */
export const BY_RANK = [RANK, MOMENT, ANY_TEXT, ANY_TEXT] as const;

/** A page out of `size + 1` rows: the one too many only says that there is more. */
export const toPage = <Row, Item>(
  list: string,
  rows: readonly Row[],
  size: number,
  keyOf: (row: Row) => readonly string[],
  toItem: (row: Row) => Item,
): Page<Item> => {
  const kept = rows.slice(0, size);
  const last = kept.at(-1);
  return {
    items: kept.map(toItem),
    nextCursor: rows.length > size && last !== undefined ? encode(list, keyOf(last)) : null,
  };
};
