import type { Database, Queryable } from '../runtime/database.js';

/** A cell as text; null where there is none. */
export type Cell = string | null;

/**
 * A table and what its rows must be. `select` yields the key columns first and every cell as text; `expected` gives the row of a
 * key, or undefined where there should be none; `keys` are all rows that should be there.
 */
export interface TableCheck {
  readonly table: string;
  readonly keyColumns: readonly string[];
  readonly columns: readonly string[];
  readonly select: string;
  expected(key: readonly string[]): readonly Cell[] | undefined;
  keys(): Iterable<readonly string[]>;
}

export interface Difference {
  readonly table: string;
  readonly key: string;
  readonly problem: 'missing' | 'unexpected' | 'differs';
  /** For `differs`: the cells that do, as the log says and as the table has them. */
  readonly cells?: readonly { readonly column: string; readonly log: Cell; readonly table: Cell }[];
}

export const DIFFERENCES_KEPT = 20;
const BATCH_ROWS = 5_000;

export interface Comparison {
  readonly table: string;
  readonly rows: number;
  readonly differences: number;
  readonly first: readonly Difference[];
}

/** Collects differences, keeping the first few with their cells and counting the rest. */
export class Differences {
  readonly first: Difference[] = [];
  count = 0;

  add(difference: () => Difference): void {
    this.count += 1;
    if (this.first.length < DIFFERENCES_KEPT) this.first.push(difference());
  }
}

export const cellsThatDiffer = (
  columns: readonly string[],
  log: readonly Cell[],
  table: readonly Cell[],
): { column: string; log: Cell; table: Cell }[] =>
  columns.flatMap((column, index) => {
    const [l, t] = [log[index] ?? null, table[index] ?? null];
    return l === t ? [] : [{ column, log: l, table: t }];
  });

/** Compares every row of a table with what the log says. Keys are unique in the table, so equal counts mean nothing is missing. */
export const compareTable = async (check: TableCheck, db: Database, tx: Queryable): Promise<Comparison> => {
  const { table, columns, keyColumns } = check;
  const found = new Differences();
  const seen = new Set<string>();
  let rows = 0;
  const select = `SELECT ARRAY[${check.select}] AS cells FROM read_model.${table}`;
  for await (const batch of db.stream<{ cells: Cell[] }>(select, [], { batchSize: BATCH_ROWS, tx })) {
    for (const { cells } of batch) {
      rows += 1;
      const key = cells.slice(0, keyColumns.length).map(String);
      const name = key.join(' / ');
      seen.add(name);
      const expected = check.expected(key);
      if (expected === undefined) {
        found.add(() => ({ table, key: name, problem: 'unexpected' }));
        continue;
      }
      const actual = cells.slice(keyColumns.length);
      if (expected.every((cell, index) => cell === actual[index])) continue;
      found.add(() => ({
        table,
        key: name,
        problem: 'differs',
        cells: cellsThatDiffer(columns, expected, actual),
      }));
    }
  }
  for (const key of check.keys()) {
    const name = key.join(' / ');
    if (!seen.has(name)) found.add(() => ({ table, key: name, problem: 'missing' }));
  }
  return { table, rows, differences: found.count, first: found.first };
};
