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

/**
 * PostgreSQL cannot answer now; the same call may succeed later. After a failed COMMIT the outcome is unknown: whoever retries
 * must be able to tell (the projection runner by its checkpoint).
 * `timeout`: the statement was cancelled by its limit, or no connection was free. `conflict`: deadlock or serialization failure.
 */
export class DatabaseUnavailable extends Error {
  readonly code = 'database_unavailable';
  constructor(
    readonly reason: 'connection' | 'timeout' | 'conflict' | 'closed',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'DatabaseUnavailable';
  }
}
