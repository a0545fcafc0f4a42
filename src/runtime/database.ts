/** The only door of projections and processes to PostgreSQL, implemented by `adapters/postgres`. */
export interface Queryable {
  /** Runs one statement with `$1` parameters. `name` makes it a prepared statement. */
  query<Row = Record<string, unknown>>(
    sql: string,
    parameters?: readonly unknown[],
    name?: string,
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number }>;
}

export interface Database extends Queryable {
  /** One transaction; rolled back when `work` throws. */
  transaction<Result>(
    work: (tx: Queryable) => Promise<Result>,
    options?: { readonly isolation?: 'read committed' | 'repeatable read'; readonly readOnly?: boolean },
  ): Promise<Result>;
  /** Rows of a large result in batches, inside a transaction of its own or `tx`. */
  stream<Row>(
    sql: string,
    parameters?: readonly unknown[],
    options?: { readonly batchSize?: number; readonly tx?: Queryable },
  ): AsyncIterable<readonly Row[]>;
  /** Runs `onNotify` at every NOTIFY on the channel until the returned function is called. Survives reconnects. */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
