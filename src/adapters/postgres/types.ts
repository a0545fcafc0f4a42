import pg from 'pg';

// pg-types declares a closed enum of ids but accepts any number; these four are fixed in PostgreSQL's catalog.
const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const NUMERIC_ARRAY = 1231;

const parseArray = (raw: string): (string | null)[] =>
  raw === '{}'
    ? []
    : raw
        .slice(1, -1)
        .split(',')
        .map((part) => (part === 'NULL' ? null : part));

/**
 * How columns come back:
 *   bigint (also count(*), sum(int4))  -> bigint: money is bigint everywhere, and no column silently loses digits
 *   integer, smallint, double          -> number (cast `count(*)::int` where a small number is wanted)
 *   numeric (also sum(bigint))         -> string (cast `sum(x)::bigint` for money)
 *   timestamptz                        -> Date;  date -> 'YYYY-MM-DD', never a Date in the machine's time zone
 *   json, jsonb                        -> parsed; bytea -> Buffer
 * Parameters: bigint, number, string, boolean, Date, Buffer, null, and arrays of these (for `unnest($1::bigint[], ...)`).
 * An object is sent as JSON; so is nothing else: pass `JSON.stringify(x)` for a JSON array.
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format?: 'text' | 'binary') => {
    if (format !== 'binary') {
      if (id === INT8) return BigInt;
      if (id === DATE) return (raw: string) => raw;
      if (id === INT8_ARRAY)
        return (raw: string) => parseArray(raw).map((part) => (part === null ? null : BigInt(part)));
      if (id === NUMERIC_ARRAY) return parseArray;
    }
    return pg.types.getTypeParser(id, format as 'text');
  },
};
