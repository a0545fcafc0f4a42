/**
 * Views for people with BI tools, in a schema of their own that a read-only role may read. A view belongs to the set whose tables it
 * reads and is made with them: `reporting` over the live ones, `reporting_next` and `reporting_previous` over those beside, and a switch
 * of the sets gives these schemas other names too. So nobody ever reads yesterday's tables by an old view.
 */
import { createHash } from 'node:crypto';
import { type Database, DatabaseUnavailable, type Queryable } from './database.js';
import type { ModelSet } from './model-sets.js';
import type { Projection } from './projection.js';

/** Given to those who may read; made by a migration where the database lets us. */
export const REPORTING_ROLE = 'holdfast_reporting';
/** A name that a schema has within the transaction of a switch only. */
const LEAVING = 'reporting_leaving';
const LOCK_TIMEOUT_MS = 2_000;

export interface ReportingColumn {
  readonly name: string;
  /** Over the tables of the set, which need no schema. */
  readonly sql: string;
  readonly comment: string;
}

export interface ReportingView {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly ReportingColumn[];
  /** After FROM. */
  readonly from: string;
}

export const reportingSchemaOf = (set: ModelSet): string =>
  set === 'live' ? 'reporting' : `reporting_${set}`;

const viewsOf = (projections: readonly Projection[]): ReportingView[] =>
  projections.flatMap(({ reporting = [] }) => reporting);

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const exists = async (tx: Queryable, what: 'role' | 'schema', name: string): Promise<boolean> => {
  const sql = what === 'role' ? 'to_regrole($1)' : 'to_regnamespace($1)';
  const { rows } = await tx.query<{ there: boolean }>(`SELECT ${sql} IS NOT NULL AS there`, [name]);
  return rows[0]?.there === true;
};

/** What tells whether the views that are there are those of this program, and may be read by whom they are for. */
const fingerprintOf = (views: readonly ReportingView[], hasRole: boolean): string =>
  createHash('sha256')
    .update(JSON.stringify([views, hasRole]))
    .digest('hex');

/** Views that others made on these are in the way, and PostgreSQL names them. */
export const dropViews = async (tx: Queryable, set: ModelSet): Promise<void> => {
  const schema = reportingSchemaOf(set);
  const { rows } = await tx.query<{ name: string }>(
    'SELECT quote_ident(viewname) AS name FROM pg_views WHERE schemaname = $1',
    [schema],
  );
  for (const { name } of rows) await tx.query(`DROP VIEW ${schema}.${name}`);
};

/** Over the tables of the set, which `tx` reads from. */
export const makeViews = async (
  tx: Queryable,
  projections: readonly Projection[],
  set: ModelSet,
): Promise<void> => {
  const views = viewsOf(projections);
  if (views.length === 0) return;
  const schema = reportingSchemaOf(set);
  const hasRole = await exists(tx, 'role', REPORTING_ROLE);
  await tx.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  for (const { name, comment, columns, from } of views) {
    const view = `${schema}.${name}`;
    const selected = columns.map((column) => `${column.sql} AS ${column.name}`).join(', ');
    await tx.query(`CREATE VIEW ${view} AS SELECT ${selected} FROM ${from}`);
    await tx.query(`COMMENT ON VIEW ${view} IS ${quoted(comment)}`);
    for (const column of columns) {
      await tx.query(`COMMENT ON COLUMN ${view}.${column.name} IS ${quoted(column.comment)}`);
    }
    if (hasRole) await tx.query(`GRANT SELECT ON ${view} TO ${REPORTING_ROLE}`);
  }
  if (hasRole) await tx.query(`GRANT USAGE ON SCHEMA ${schema} TO ${REPORTING_ROLE}`);
  await tx.query(`COMMENT ON SCHEMA ${schema} IS ${quoted(fingerprintOf(views, hasRole))}`);
};

/** With the tables of a set that is not live. */
export const dropViewSchema = async (tx: Queryable, set: ModelSet): Promise<void> => {
  await dropViews(tx, set);
  await tx.query(`DROP SCHEMA IF EXISTS ${reportingSchemaOf(set)}`);
};

/** In the transaction in which the sets change places: the views go where their tables go. */
export const exchangeViews = async (tx: Queryable, from: ModelSet): Promise<void> => {
  const rename = async (before: string, after: string): Promise<void> => {
    if (await exists(tx, 'schema', before)) await tx.query(`ALTER SCHEMA ${before} RENAME TO ${after}`);
  };
  await rename(reportingSchemaOf('live'), LEAVING);
  await rename(reportingSchemaOf(from), reportingSchemaOf('live'));
  await rename(LEAVING, reportingSchemaOf('previous'));
};

const isCurrent = async (tx: Queryable, projections: readonly Projection[]): Promise<boolean> => {
  const hasRole = await exists(tx, 'role', REPORTING_ROLE);
  const { rows } = await tx.query<{ comment: string | null }>(
    `SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS comment`,
    [reportingSchemaOf('live')],
  );
  return rows[0]?.comment === fingerprintOf(viewsOf(projections), hasRole);
};

/**
 * Makes the views over the live tables where they are not those of this program, whose tables they must be. Somebody who reads
 * them for long, or an audit, is not waited for: then the next start does it. Whether they are there now.
 */
export const ensureViews = async (db: Database, projections: readonly Projection[]): Promise<boolean> => {
  if (viewsOf(projections).length === 0 || (await isCurrent(db, projections))) return true;
  try {
    return await db.transaction(async (tx) => {
      await tx.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await tx.query('LOCK TABLE runtime.projections IN EXCLUSIVE MODE');
      if (await isCurrent(tx, projections)) return true;
      await dropViews(tx, 'live');
      await makeViews(tx, projections, 'live');
      return true;
    });
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.reason === 'timeout') return false;
    throw error;
  }
};
