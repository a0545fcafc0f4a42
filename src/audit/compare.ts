import type { Database, Queryable } from '../runtime/database.js';

/**
 * How rows are compared: both sides become one text per row, cell by cell, and equal texts are equal rows. PostgreSQL does it in
 * its query, the audit from its fold. So every cell of every row is compared, and a row that is right costs one comparison.
 */
export type Cell = string | null;

/** A column, and how its value becomes text. */
export interface Column {
  readonly name: string;
  readonly sql: string;
}

const columnsAs =
  (sql: (quoted: string) => string) =>
  (...names: readonly string[]): Column[] =>
    names.map((name) => ({ name, sql: sql(`"${name}"`) }));

export const texts = columnsAs((name) => `${name}::text`);
/** Microseconds since 1970. */
export const instants = columnsAs((name) => `trim_scale(extract(epoch FROM ${name}) * 1000000)::text`);
/** Without trailing zeros behind the point. */
export const decimals = columnsAs((name) => `trim_scale(${name})::text`);
/** Arrays as JSON. */
export const lists = columnsAs((name) => `to_json(${name})::text`);

const SEPARATOR = '\u001f';
const NONE = '\u001e';

export const rowOf = (cells: readonly Cell[]): string => {
  let row = '';
  for (let index = 0; index < cells.length; index += 1) {
    row += (index === 0 ? '' : SEPARATOR) + (cells[index] ?? NONE);
  }
  return row;
};

export const cellsOf = (row: string): Cell[] =>
  row.split(SEPARATOR).map((cell) => (cell === NONE ? null : cell));

/** `SELECT` of one text column, `row`. */
export const selectRows = (table: string, columns: readonly Column[]): string => {
  const cells = columns.map(({ sql }) => `coalesce(${sql}, E'\\x1e')`);
  return `SELECT concat_ws(E'\\x1f', ${cells.join(', ')}) AS row FROM "${table}"`;
};

export interface Row {
  readonly row: string;
}

/** Rows fetched at once. */
export const FETCH_ROWS = 5_000;
/** Differing rows that are named, per table; the rest is counted. */
export const DIFFERENCES_KEPT = 20;

export interface Difference {
  /** Key columns and their values. */
  readonly key: Readonly<Record<string, Cell>>;
  /** `missing`: the log says it, the table lacks it. `unexpected`: the other way round. */
  readonly problem: 'missing' | 'unexpected' | 'differs';
  /** For `differs`: the cells that do. */
  readonly cells?: readonly { readonly column: string; readonly log: Cell; readonly table: Cell }[];
}

export interface Comparison {
  readonly table: string;
  /** Rows of the table, all of them compared. */
  readonly rows: number;
  readonly differences: number;
  readonly first: readonly Difference[];
}

/** What has been found of one table so far. */
export class Findings {
  readonly #first: Difference[] = [];
  #count = 0;
  rows = 0;

  constructor(
    private readonly table: string,
    private readonly key: readonly Column[],
    private readonly columns: readonly Column[],
  ) {}

  #add(problem: Difference['problem'], key: readonly Cell[], cells?: Difference['cells']): void {
    this.#count += 1;
    if (this.#first.length >= DIFFERENCES_KEPT) return;
    const named = Object.fromEntries(this.key.map(({ name }, index) => [name, key[index] ?? null]));
    this.#first.push({ key: named, problem, ...(cells === undefined ? {} : { cells }) });
  }

  missing(key: readonly Cell[]): void {
    this.#add('missing', key);
  }

  unexpected(row: string): void {
    this.#add('unexpected', cellsOf(row));
  }

  differs(log: readonly Cell[], table: readonly Cell[]): void {
    const all = [...this.key, ...this.columns];
    const cells = all.flatMap(({ name }, index) => {
      const [said, has] = [log[index] ?? null, table[index] ?? null];
      return said === has ? [] : [{ column: name, log: said, table: has }];
    });
    this.#add('differs', log, cells);
  }

  get comparison(): Comparison {
    return { table: this.table, rows: this.rows, differences: this.#count, first: this.#first };
  }
}

/** A table that can be compared once the whole log is folded. */
export interface TableCheck {
  readonly table: string;
  compare(db: Pick<Database, 'stream'>, tx: Queryable): Promise<Comparison>;
}

/** What the rows of a table must be: one per entity, found by its key. The same key gives the same entity. */
export interface KeyedTable<Entity> {
  readonly table: string;
  readonly key: readonly Column[];
  readonly columns: readonly Column[];
  all(): Iterable<Entity>;
  find(key: readonly string[]): Entity | undefined;
  keyOf(entity: Entity): readonly string[];
  /** In order of `columns`. */
  cellsOf(entity: Entity): readonly Cell[];
  /** Makes of the table's cells (key and columns) what is to be compared, where SQL cannot. */
  readonly read?: (cells: Cell[]) => Cell[];
}

/** Compares every row of the table with its entity, and every entity with its row. */
export const keyedCheck = <Entity>(spec: KeyedTable<Entity>): TableCheck => ({
  table: spec.table,
  async compare(db, tx) {
    const { table, key, columns, read } = spec;
    const findings = new Findings(table, key, columns);
    const seen = new Set<Entity>();
    const check = (row: string): void => {
      const found = cellsOf(row);
      const cells = read === undefined ? found : read(found);
      const entity = spec.find(cells.slice(0, key.length).map((cell) => cell ?? ''));
      if (entity === undefined || seen.has(entity)) {
        findings.unexpected(row);
        return;
      }
      seen.add(entity);
      const expected = [...spec.keyOf(entity), ...spec.cellsOf(entity)];
      for (let index = 0; index < expected.length; index += 1) {
        if (expected[index] === cells[index]) continue;
        findings.differs(expected, cells);
        return;
      }
    };
    const select = selectRows(table, [...key, ...columns]);
    for await (const batch of db.stream<Row>(select, [], { batchSize: FETCH_ROWS, tx })) {
      findings.rows += batch.length;
      for (const { row } of batch) check(row);
    }
    for (const entity of spec.all()) if (!seen.has(entity)) findings.missing(spec.keyOf(entity));
    return findings.comparison;
  },
});
