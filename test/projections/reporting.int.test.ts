import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { CURRENCIES, formatAmount } from '../../src/domain/money.js';
import { allProjections } from '../../src/projections/index.js';
import type { Database } from '../../src/runtime/database.js';
import {
  dropModelSet,
  rebuildInPlace,
  rebuildProjections,
  switchBack,
} from '../../src/runtime/projection-rebuild.js';
import { createTablesOnce } from '../../src/runtime/projection-tables.js';
import { ensureViews, REPORTING_ROLE, reportingSchemaOf } from '../../src/runtime/reporting-views.js';
import { connectTo, type TestDatabase, testDatabase } from '../support/postgres.js';
import { plainCodec, scriptedLog } from '../support/scripted-log.js';

const views = allProjections.flatMap(({ reporting = [] }) => reporting);

let database: TestDatabase;
let db: Database;
let reader: pg.Client;
beforeEach(async () => {
  database = await testDatabase({ poolSize: 8 });
  ({ db } = database);
  await createTablesOnce(db, allProjections);
  reader = await connectTo(database.url);
  await reader.query(`SET ROLE ${REPORTING_ROLE}`);
});
afterEach(async () => {
  await reader.end();
  await database.drop();
});

const options = () => ({
  db,
  store: scriptedLog(),
  codec: plainCodec,
  projections: allProjections,
  holder: 'reporting',
});
const addLine = (schema: string, orderId: string, currency = 'GBP', amount = 1234n) =>
  db.query(
    `INSERT INTO ${schema}.order_lines (order_id, line_id, line_no, kind, sku, currency, quantity, unit_price, amount, discount, tax,
       shipped, cancelled, returned) VALUES ($1, '1', 0, 'goods', 'MUG', $2, 1, 12.345, $3, 0, 0, 0, 0, 0)`,
    [orderId, currency, amount],
  );
const linesSeen = async (schema = 'reporting'): Promise<unknown[]> =>
  (await reader.query(`SELECT order_id FROM ${schema}.order_lines ORDER BY order_id`)).rows.map(
    (row: { order_id: string }) => row.order_id,
  );
const refused = (sql: string) =>
  expect(reader.query(sql)).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|25006)$/) });

describe('the views for reports', () => {
  test('can be read by their role, each with every column', async () => {
    for (const { name, columns } of views) {
      const { fields } = await reader.query(`SELECT * FROM reporting.${name}`);
      expect(fields.map((field) => field.name)).toEqual(columns.map((column) => column.name));
    }
    expect(views.length).toBeGreaterThan(8);
  });

  test('are all that their role can read, and it can write nothing', async () => {
    await refused('SELECT * FROM read_model.orders');
    await refused('SELECT * FROM runtime.api_keys');
    await refused('SELECT * FROM vault.records');
    await refused('SELECT * FROM vault.keys');
    await refused('DELETE FROM reporting.order_lines');
    await refused("UPDATE reporting.coupons SET code = 'x'");
    await refused('CREATE TABLE reporting.mine (x int)');
    await refused('CREATE SCHEMA mine');
  });

  test('say what they are, in the database and on their page', async () => {
    const page = readFileSync('docs/guides/reporting.md', 'utf8');
    const { rows } = await db.query<{ name: string; comment: string }>(
      `SELECT a.attrelid::regclass::text || '.' || a.attname AS name, col_description(a.attrelid, a.attnum) AS comment
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       WHERE c.relnamespace = 'reporting'::regnamespace AND a.attnum > 0`,
    );
    const found = new Map(rows.map(({ name, comment }) => [name, comment]));
    for (const { name, comment, columns } of views) {
      expect(page).toContain(`### \`${name}\`\n\n${comment}\n`);
      for (const column of columns) {
        expect(found.get(`reporting.${name}.${column.name}`)).toBe(column.comment);
        expect(page).toContain(`| \`${column.name}\` | ${column.comment} |`);
      }
    }
  });

  test('give amounts as decimals of their currency, whichever it is', async () => {
    const minorOf = (currency: string): bigint => (currency < 'M' ? 1_234_567n : -1_234_567n);
    for (const currency of CURRENCIES) await addLine('read_model', currency, currency, minorOf(currency));
    const { rows } = await reader.query<{ currency: string; amount: string }>(
      'SELECT currency, amount::text FROM reporting.order_lines',
    );
    expect(Object.fromEntries(rows.map(({ currency, amount }) => [currency, amount]))).toEqual(
      Object.fromEntries(CURRENCIES.map((currency) => [currency, formatAmount(minorOf(currency), currency)])),
    );
    expect(new Set(CURRENCIES.map((currency) => formatAmount(1n, currency))).size).toBe(4);
  });
});

describe('a line', () => {
  test('says where its goods are, unless they are at several places', async () => {
    for (const [orderId, also] of [
      ['one', null],
      ['several', ['shop', 'outlet']],
    ] as const) {
      await addLine('read_model', orderId);
      const sql = "UPDATE read_model.order_lines SET location = 'main', also_at = $2 WHERE order_id = $1";
      await db.query(sql, [orderId, also]);
    }
    const { rows } = await reader.query(
      'SELECT order_id, location FROM reporting.order_lines ORDER BY order_id',
    );
    expect(rows).toEqual([
      { order_id: 'one', location: 'main' },
      { order_id: 'several', location: null },
    ]);
  });
});

describe('with the read models', () => {
  test('they are of the set that is live, through a rebuild, a way back and a drop', async () => {
    await addLine('read_model', 'before');
    await rebuildProjections(options());
    expect(await linesSeen()).toEqual([]);
    await addLine('read_model', 'after');
    expect(await linesSeen()).toEqual(['after']);
    expect(await linesSeen('reporting_previous')).toEqual(['before']);
    await switchBack(options());
    expect(await linesSeen()).toEqual(['before']);
    await dropModelSet(options(), 'previous');
    expect(await linesSeen()).toEqual(['before']);
    await rebuildProjections(options());
    await rebuildProjections(options());
    await rebuildInPlace(options());
    expect(await linesSeen()).toEqual([]);
  });

  test('one that somebody made on them is not torn away: the rebuild says which it is', async () => {
    await db.query('CREATE VIEW public.mine AS SELECT order_id FROM reporting.orders');
    await expect(rebuildInPlace(options())).rejects.toThrow(/depend/);
    await db.query('DROP VIEW public.mine');
    await rebuildInPlace(options());
  });
});

describe('at a start', () => {
  const made = async (): Promise<number> =>
    (await db.query("SELECT 1 FROM pg_views WHERE schemaname = 'reporting'")).rowCount;

  test('they are made where read models are from before there were any', async () => {
    await db.query('DROP SCHEMA reporting CASCADE');
    await addLine('read_model', 'kept');
    expect(await ensureViews(db, allProjections)).toBe(true);
    expect(await made()).toBe(views.length);
    expect(await linesSeen()).toEqual(['kept']);
  });

  test('they are made anew where they were others, and left alone where they are the same', async () => {
    const oid = async () => (await db.query("SELECT 'reporting.orders'::regclass::oid AS oid")).rows;
    const before = await oid();
    await ensureViews(db, allProjections);
    expect(await oid()).toEqual(before);
    const [first, ...others] = allProjections.map(({ reporting: _, ...rest }) => rest);
    const one = {
      name: 'only',
      comment: 'x',
      from: 'orders',
      columns: [{ name: 'a', sql: 'order_id', comment: 'y' }],
    };
    if (first === undefined) throw new Error('no projection');
    await ensureViews(db, [{ ...first, reporting: [one] }, ...others]);
    expect(await made()).toBe(1);
    await ensureViews(db, allProjections);
    expect(await made()).toBe(views.length);
  });

  test('nobody waits for a report that takes long', async () => {
    await reader.query('BEGIN');
    await reader.query('SELECT * FROM reporting.orders');
    await db.query(`COMMENT ON SCHEMA ${reportingSchemaOf('live')} IS 'of another version'`);
    expect(await ensureViews(db, allProjections)).toBe(false);
    await reader.query('COMMIT');
    expect(await ensureViews(db, allProjections)).toBe(true);
  });
});
