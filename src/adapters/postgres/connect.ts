import pg from 'pg';
import { type Database, DatabaseUnavailable, type Queryable } from '../../runtime/database.js';
import { toDatabaseError } from './errors.js';
import { Listener } from './listener.js';
import { typeParsers } from './types.js';

const POOL_DEFAULT_CONNECTIONS = 12;
/** Callers that may wait for a connection before the rest is refused at once. */
const POOL_MAX_WAITING_CALLERS = 2_000;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
/** A long look at one snapshot (the audit): its reader computes between two statements, and a statement may sort a whole table. */
const SNAPSHOT_STATEMENT_TIMEOUT_MS = 600_000;
/** How long `close` lets open transactions end by themselves. */
const CLOSE_GRACE_MS = 2_000;
const IDLE_CONNECTION_MS = 30_000;
const STREAM_DEFAULT_BATCH_ROWS = 1_000;
/** Unqualified names mean projection tables; everything else is written with its schema. */
const SEARCH_PATH = 'read_model';

export interface ConnectOptions {
  /** `postgresql://user:password@host:port/database`. */
  readonly url: string;
  /** Connections of the pool; LISTEN takes one more. */
  readonly poolSize?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  readonly statementTimeoutMs?: number;
}

const SNAPSHOT_LIMITS = `SET LOCAL statement_timeout = ${SNAPSHOT_STATEMENT_TIMEOUT_MS}; SET LOCAL idle_in_transaction_session_timeout = 0`;

const beginning = ({ isolation, readOnly }: NonNullable<Parameters<Database['transaction']>[1]>): string => {
  const snapshot = isolation === 'repeatable read';
  const level = snapshot ? ' ISOLATION LEVEL REPEATABLE READ' : '';
  const begin = `BEGIN${level}${readOnly === true ? ' READ ONLY' : ''}`;
  return snapshot && readOnly === true ? `${begin}; ${SNAPSHOT_LIMITS}` : begin;
};

type Client = Pick<pg.ClientBase, 'query'>;

/**
 * PostgreSQL plans a prepared statement anew when its tables are others, as after a switch of the read models, but refuses one whose
 * columns would be others: https://www.postgresql.org/docs/current/sql-prepare.html. Nothing of it has run then.
 */
const isOutdated = (error: unknown): boolean => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === '0A000' && String(message).includes('cached plan must not change result type');
};

const queryOn = async <Row>(
  client: Client,
  sql: string,
  parameters?: readonly unknown[],
  name?: string,
): Promise<{ rows: Row[]; rowCount: number }> => {
  try {
    const result = await client.query<Row & pg.QueryResultRow>({
      text: sql,
      ...(parameters === undefined ? {} : { values: parameters as unknown[] }),
      ...(name === undefined ? {} : { name }),
    });
    return { rows: result.rows, rowCount: result.rowCount ?? 0 };
  } catch (error) {
    throw toDatabaseError(error);
  }
};

class PostgresDatabase implements Database {
  private cursors = 0;
  private readonly inTransaction = new Set<pg.PoolClient>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly listener: Listener,
  ) {}

  async query<Row>(sql: string, parameters?: readonly unknown[], name?: string) {
    this.checkRoom();
    try {
      return await queryOn<Row>(this.pool, sql, parameters, name);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      return queryOn<Row>(this.pool, sql, parameters);
    }
  }

  async transaction<Result>(
    work: (tx: Queryable) => Promise<Result>,
    options: Parameters<Database['transaction']>[1] = {},
  ): Promise<Result> {
    this.checkRoom();
    const client = await this.pool.connect().catch((error: unknown) => {
      throw toDatabaseError(error);
    });
    // A connection that breaks between two statements must not become an uncaught 'error' event.
    const onError = () => undefined;
    client.on('error', onError);
    this.inTransaction.add(client);
    let broken = false;
    try {
      await queryOn(client, beginning(options));
      const result = await work({ query: (sql, parameters, name) => queryOn(client, sql, parameters, name) });
      const { command } = await client.query('COMMIT').catch((error: unknown) => {
        throw toDatabaseError(error);
      });
      // COMMIT of a transaction in which a statement failed answers ROLLBACK and is no error for the driver.
      if (command !== 'COMMIT') throw new Error('transaction was rolled back: an error in it was swallowed');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      // The next transaction prepares it anew, on another connection.
      broken ||= isOutdated(error);
      throw error;
    } finally {
      this.giveBack(client, onError, broken);
    }
  }

  async *stream<Row>(
    sql: string,
    parameters?: readonly unknown[],
    options: { readonly batchSize?: number; readonly tx?: Queryable } = {},
  ): AsyncGenerator<readonly Row[]> {
    if (options.tx !== undefined) {
      yield* this.streamIn<Row>(options.tx, sql, parameters, options.batchSize);
      return;
    }
    this.checkRoom();
    const client = await this.pool.connect().catch((error: unknown) => {
      throw toDatabaseError(error);
    });
    const onError = () => undefined;
    client.on('error', onError);
    this.inTransaction.add(client);
    const tx: Queryable = { query: (text, values, name) => queryOn(client, text, values, name) };
    let broken = false;
    try {
      await tx.query(`BEGIN READ ONLY; ${SNAPSHOT_LIMITS}`);
      yield* this.streamIn<Row>(tx, sql, parameters, options.batchSize);
    } finally {
      await client.query('ROLLBACK').catch(() => {
        broken = true;
      });
      this.giveBack(client, onError, broken);
    }
  }

  private async *streamIn<Row>(
    tx: Queryable,
    sql: string,
    parameters?: readonly unknown[],
    batchRows = STREAM_DEFAULT_BATCH_ROWS,
  ): AsyncGenerator<readonly Row[]> {
    const cursor = `holdfast_cursor_${++this.cursors}`;
    await tx.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, parameters);
    for (;;) {
      const { rows } = await tx.query<Row>(`FETCH ${Math.trunc(batchRows)} FROM ${cursor}`);
      if (rows.length > 0) yield rows;
      if (rows.length < batchRows) break;
    }
    await tx.query(`CLOSE ${cursor}`);
  }

  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    return this.listener.listen(channel, onNotify);
  }

  close(): Promise<void> {
    this.closed ??= (async () => {
      const timer = setTimeout(() => {
        for (const client of this.inTransaction) this.giveBack(client, undefined, true);
      }, CLOSE_GRACE_MS);
      await Promise.all([this.listener.close(), this.pool.end()]);
      clearTimeout(timer);
    })();
    return this.closed;
  }

  /** Once only: `close` may have been first, for a transaction that does not end. */
  private giveBack(client: pg.PoolClient, onError: (() => void) | undefined, broken: boolean): void {
    if (!this.inTransaction.delete(client)) return;
    if (onError !== undefined) client.off('error', onError);
    client.release(broken);
  }

  private checkRoom(): void {
    if (this.closed !== undefined) throw new DatabaseUnavailable('closed', 'the database is closed');
    if (this.pool.waitingCount >= POOL_MAX_WAITING_CALLERS) {
      throw new DatabaseUnavailable('timeout', 'too many callers wait for a PostgreSQL connection');
    }
  }
}

/**
 * The {@link Database} port over node-postgres. Resolves once a connection has answered. See `types.ts` for how columns come
 * back. Throws {@link DatabaseUnavailable} (retriable) for what may pass, the driver's error with its SQLSTATE in `code`
 * for the rest. A pooled connection that breaks is replaced; statements on it fail with `DatabaseUnavailable`.
 */
export const connectDatabase = async (options: ConnectOptions): Promise<Database> => {
  const config: pg.ClientConfig = {
    connectionString: options.url,
    application_name: options.applicationName ?? 'holdfast',
    types: typeParsers,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: `-c search_path=${SEARCH_PATH}`,
  };
  const pool = new pg.Pool({
    ...config,
    // Statements of one transaction that do not wait for each other are sent together.
    pipeline: true,
    max: options.poolSize ?? POOL_DEFAULT_CONNECTIONS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  });
  // An idle connection that breaks is dropped by the pool; the next statement opens another and reports what is wrong.
  pool.on('error', () => undefined);
  const database = new PostgresDatabase(pool, new Listener(config));
  try {
    await database.query('SELECT 1');
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
};
