import type { Database, Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import {
  type Cell,
  type Column,
  type Comparison,
  cellsOf,
  FETCH_ROWS,
  Findings,
  type Row,
  rowOf,
  selectRows,
} from './compare.js';

/**
 * A table whose rows follow single events and never change: too many to keep, so they are compared while the log is read, both in
 * log order. `key` sorts the table like the log; its cells are whole numbers, but for one that may be a text.
 */
export interface LogOrderedTable {
  readonly table: string;
  readonly key: readonly Column[];
  readonly columns: readonly Column[];
  /** ORDER BY. */
  readonly order: string;
  readonly category: string;
  /** Cells of the rows that an event makes, key first, in the table's order. */
  rowsOf(recorded: RecordedEvent): readonly (readonly Cell[])[];
}

const INTEGER = /^-?\d+$/;

const compareCells = (a: Cell | undefined, b: Cell | undefined): number => {
  if (a === b) return 0;
  const [left, right] = [a ?? '', b ?? ''];
  if (INTEGER.test(left) && INTEGER.test(right)) return BigInt(left) < BigInt(right) ? -1 : 1;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
};

/** Walks a table beside the log. One step at a time: the cursors of a transaction share a connection. */
export class Lockstep {
  readonly #findings: Findings;
  readonly #batches: AsyncIterator<readonly Row[]>;
  #batch: readonly Row[] = [];
  #at = 0;
  #ended = false;

  constructor(
    readonly spec: LogOrderedTable,
    db: Pick<Database, 'stream'>,
    tx: Queryable,
  ) {
    const { table, key, columns, order } = spec;
    this.#findings = new Findings(table, key, columns);
    const select = `${selectRows(table, [...key, ...columns])} ORDER BY ${order}`;
    this.#batches = db.stream<Row>(select, [], { batchSize: FETCH_ROWS, tx })[Symbol.asyncIterator]();
  }

  /** The row under the cursor; undefined behind the last one. */
  async #current(): Promise<string | undefined> {
    while (this.#at >= this.#batch.length && !this.#ended) {
      const { value, done } = await this.#batches.next();
      this.#ended = done === true;
      this.#batch = done === true ? [] : value;
      this.#at = 0;
    }
    return this.#batch[this.#at]?.row;
  }

  #step(): void {
    this.#at += 1;
    this.#findings.rows += 1;
  }

  #order(a: readonly Cell[], b: readonly Cell[]): number {
    for (let index = 0; index < this.spec.key.length; index += 1) {
      const order = compareCells(a[index], b[index]);
      if (order !== 0) return order;
    }
    return 0;
  }

  /** Compares what a batch of the log says with the rows that stand there. */
  async compare(events: readonly RecordedEvent[]): Promise<void> {
    for (const recorded of events) {
      if (recorded.category !== this.spec.category) continue;
      for (const expected of this.spec.rowsOf(recorded)) {
        // Without waiting where the row is here and right, which is nearly always.
        if (this.#batch[this.#at]?.row === rowOf(expected)) this.#step();
        else await this.#find(expected);
      }
    }
  }

  async #find(expected: readonly Cell[]): Promise<void> {
    for (;;) {
      const row = await this.#current();
      if (row === undefined) {
        this.#findings.missing(expected);
        return;
      }
      const cells = cellsOf(row);
      const order = this.#order(cells, expected);
      if (order > 0) {
        this.#findings.missing(expected);
        return;
      }
      this.#step();
      if (order === 0) {
        if (row !== rowOf(expected)) this.#findings.differs(expected, cells);
        return;
      }
      this.#findings.unexpected(row);
    }
  }

  /** What is left in the table is there without an event. */
  async finish(): Promise<Comparison> {
    for (let row = await this.#current(); row !== undefined; row = await this.#current()) {
      this.#step();
      this.#findings.unexpected(row);
    }
    return this.#findings.comparison;
  }
}
