import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { type AuditReport, runAudit } from '../../src/audit/audit.js';
import type { Difference } from '../../src/audit/compare.js';
import { FOLDED_CATEGORIES } from '../../src/audit/fold.js';
import { auditDocument } from '../../src/cli/audit/document.js';
import { auditLines } from '../../src/cli/audit/report.js';
import { auditHouse } from '../../src/cli/audit.js';
import { type House, openHouse } from '../../src/main.js';
import { allProjections } from '../../src/projections/index.js';
import type { Database, Queryable } from '../../src/runtime/database.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import { readSettings } from '../../src/settings.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { EVERY_TYPE, tradeEverything } from './every-kind.js';
import { auditOf } from './memory-audit.js';

const TIMEOUT_MS = 60_000;
const TABLES = allProjections.flatMap(({ tables }) => tables);
/** Columns that are not from the log, and one that is JSON and has a test of its own. */
const NOT_COMPARED = [
  'holds.touched_at',
  'payments.touched_at',
  'refunds_due.touched_at',
  'deadlines.claimed_until',
  'holds.ledger',
  'backorders.tried_at',
  'consignments.touched_at',
];

let node: RunningEventStore;
let database: TestDatabase;
let house: House;
let events: RecordedEvent[];

beforeAll(async () => {
  [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  const settings = readSettings({
    EVENTSTORE_URL: node.connectionString,
    DATABASE_URL: database.url,
    HOLDFAST_LOG_LEVEL: 'silent',
  });
  house = await openHouse(settings);
  await tradeEverything(house);
  const stop = new AbortController();
  const running = house.runProjections(stop.signal);
  await house.catchUp();
  stop.abort();
  await running;
  events = [];
  for await (const batch of house.store.readAll({ categories: FOLDED_CATEGORIES })) {
    events.push(...batch.events.map((stored) => house.codec.decode(stored)));
  }
}, TIMEOUT_MS);

afterAll(async () => {
  await house.close();
  await database.drop();
  await node.stop();
});

/** Audits as if a statement had been run before, and takes it back. */
const auditAfter = async (sabotage: string): Promise<AuditReport> => {
  let report: AuditReport | undefined;
  const undo = new Error('undo');
  const { db } = house;
  const sabotaged: Database = {
    query: (sql, parameters, name) => db.query(sql, parameters, name),
    stream: (sql, parameters, options) => db.stream(sql, parameters, options),
    listen: (name, onNotify) => db.listen(name, onNotify),
    close: async () => undefined,
    transaction: async (work) => {
      await db
        .transaction(async (tx) => {
          const { rowCount } = await tx.query(sabotage);
          expect(rowCount).toBe(1);
          // The report is what `work` makes of it; the statement shall leave nothing.
          report = (await work(tx)) as AuditReport;
          throw undo;
        })
        .catch((error: unknown) => {
          if (error !== undo) throw error;
        });
      return report as never;
    },
  };
  return auditOf(sabotaged, events);
};

const differencesOf = ({ tables }: AuditReport): (Difference & { table: string })[] =>
  tables.flatMap(({ table, differences, first }) => {
    expect(differences).toBe(first.length);
    return first.map((one) => ({ table, ...one }));
  });

interface ColumnRow {
  readonly table_name: string;
  readonly column_name: string;
  readonly data_type: string;
  readonly is_generated: 'ALWAYS' | 'NEVER';
  readonly is_key: boolean;
  readonly is_unique: boolean;
}

const readColumns = async (): Promise<readonly ColumnRow[]> =>
  (
    await house.db.query<ColumnRow>(
      `SELECT c.table_name, c.column_name, c.data_type, c.is_generated,
         EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                 WHERE i.indrelid = c.table_name::regclass AND i.indisprimary AND a.attname = c.column_name) AS is_key,
         EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                 WHERE i.indrelid = c.table_name::regclass AND i.indisunique AND a.attname = c.column_name) AS is_unique
       FROM information_schema.columns c WHERE c.table_schema = 'read_model' AND c.table_name <> 'parked_events' ORDER BY c.table_name, c.ordinal_position`,
    )
  ).rows;

/** Another value of the column's type. */
const other = ({ column_name: name, data_type }: ColumnRow): string => {
  switch (data_type) {
    case 'text':
      return `coalesce(${name}, '') || 'x'`;
    case 'timestamp with time zone':
      return `coalesce(${name}, 'epoch') + interval '1 microsecond'`;
    case 'boolean':
      return `NOT ${name}`;
    case 'date':
      return `coalesce(${name}, date '2026-01-01') + 1`;
    case 'ARRAY':
      return `array_append(${name}, 'x')`;
    case 'tsvector':
      return `${name} || '''another'''::tsvector`;
    case 'jsonb':
      return `${name} || '{"limit": 99}'`;
    default:
      return `coalesce(${name}, 0) + 1000`;
  }
};

const oneRow = (table: string): string => `ctid = (SELECT ctid FROM ${table} ORDER BY ctid LIMIT 1)`;

describe('the audit of a history with every kind of event', () => {
  test('covers them all, and every table has rows', async () => {
    expect([...new Set(events.map(({ event }) => event.type))].sort()).toEqual([...EVERY_TYPE].sort());
    for (const table of TABLES) {
      const { rows } = await house.db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
      expect([table, rows[0]?.n]).not.toEqual([table, 0]);
    }
  });

  test('finds nothing wrong, and says what there is', async () => {
    const report = await auditHouse(house, { quiet: true });
    expect(differencesOf(report)).toEqual([]);
    expect(report.violations.first).toEqual([]);
    expect(report).toMatchObject({ ok: true, behind: 0, events: events.length, parked: [] });
    expect(report.ledger).toEqual({ entries: 36, unposted: 0 });
    const document = JSON.stringify(auditDocument(report, { verbose: false }));
    const { currencies, stock } = JSON.parse(document);
    // Sales: 3 x 3.333 + 4 + 2 x 10, and 4 x 1.25 of 5 + 2 x 7; 22:00Z is the last hour of March in London. Credits: a third
    // of 10.00 - 6.00 + 0.50, then what was agreed, then 2.5 + 4 without an order. What is asked back and exchanged: (4 + 1 + 3) x 6
    // and 2 x 7 sold; 10 and 30 in April, 1 and 3 x 6 + 0.10 in March given back.
    expect(currencies.GBP).toEqual({
      sales: '115.00',
      orders: 7,
      units: 22,
      freeUnits: 2,
      credits: '-77.10',
      creditNotes: 8,
      creditedUnits: 10,
      months: {
        '2026-03': { sales: '115.00', credits: '-27.11' },
        '2026-04': { sales: '0.00', credits: '-49.99' },
      },
    });
    expect(currencies.JPY).toMatchObject({
      sales: '100',
      orders: 1,
      months: { '2026-04': { sales: '100' } },
    });
    // One is kept for an order under review.
    expect(stock.shop).toEqual({ skus: 3, onHand: 5, held: 1 });
    const text = auditLines(report, { verbose: true }).join('\n');
    expect(text).toContain('Nothing differs.');
    expect(text).toContain('115.00');
  });

  test('says the same, whatever place of the log the checkpoint is at', async () => {
    const all = await auditHouse(house, { quiet: true });
    const again = await auditOf(house.db, events);
    expect(auditDocument(again, { verbose: false })).toEqual(auditDocument(all, { verbose: false }));
  });
});

test('the transaction of an audit may be as long as the log: no limit of PostgreSQL ends it', async () => {
  const { db, store, codec } = house;
  const limits: unknown[] = [];
  let seen: Queryable | undefined;
  await runAudit({
    codec,
    db: {
      query: (sql, parameters, name) => db.query(sql, parameters, name),
      stream: (sql, parameters, options) => db.stream(sql, parameters, options),
      listen: (name, onNotify) => db.listen(name, onNotify),
      close: async () => undefined,
      transaction: (work, options) =>
        db.transaction((tx) => {
          seen = tx;
          return work(tx);
        }, options),
    },
    store: {
      async *readAll(options) {
        for (const name of [
          'statement_timeout',
          'idle_in_transaction_session_timeout',
          'transaction_isolation',
        ]) {
          limits.push((await seen?.query<Record<string, string>>(`SHOW ${name}`))?.rows[0]?.[name]);
        }
        yield* store.readAll(options);
      },
    },
  });
  expect(limits).toEqual(['0', '0', 'repeatable read']);
});

describe('the audit names the row', () => {
  test('in every table there is', async () => {
    const columns = await readColumns();
    expect([...new Set(columns.map(({ table_name }) => table_name))].sort()).toEqual([...TABLES].sort());
  });

  test.each(TABLES)('whose cell was changed, for every column of %s', async (table) => {
    for (const column of await readColumns()) {
      const { table_name, column_name: name, is_key: isKey, is_generated } = column;
      if (table_name !== table || is_generated === 'ALWAYS' || NOT_COMPARED.includes(`${table}.${name}`))
        continue;
      const report = await auditAfter(
        `UPDATE ${table} SET ${name} = ${other(column)} WHERE ${oneRow(table)}`,
      );
      const found = differencesOf(report);
      expect([name, report.ok]).toEqual([name, false]);
      expect([name, new Set(found.map((one) => one.table))]).toEqual([name, new Set([table])]);
      // A row under another key is one too many there and one too few here.
      if (isKey)
        expect([name, found.map(({ problem }) => problem).sort()]).toEqual([name, ['missing', 'unexpected']]);
      else {
        expect([name, found.map(({ problem }) => problem)]).toEqual([name, ['differs']]);
        expect(found[0]?.cells?.map((cell) => cell.column)).toContain(name);
      }
    }
  });

  test.each(TABLES)('that was deleted from %s', async (table) => {
    const report = await auditAfter(`DELETE FROM ${table} WHERE ${oneRow(table)}`);
    expect(differencesOf(report)).toEqual([{ table, key: expect.any(Object), problem: 'missing' }]);
    expect(auditLines(report, { verbose: false }).join('\n')).toContain(
      'the log says it, the table lacks it',
    );
  });

  test.each(TABLES)('that was added to %s', async (table) => {
    const columns = (await readColumns()).filter(
      (one) => one.table_name === table && one.is_generated === 'NEVER',
    );
    const values = columns.map((one) => (one.is_unique ? other(one) : one.column_name));
    const report = await auditAfter(
      `INSERT INTO ${table} (${columns.map((one) => one.column_name).join(', ')})
       SELECT ${values.join(', ')} FROM ${table} WHERE ${oneRow(table)}`,
    );
    expect(differencesOf(report)).toEqual([{ table, key: expect.any(Object), problem: 'unexpected' }]);
  });

  test('of the promises, by the units that are open in it', async () => {
    const report = await auditAfter(
      `UPDATE holds SET ledger = regexp_replace(ledger::text, '("main~[^"]+"),2,', '\\1,3,')::json
       WHERE owner_id = 'web~waiting'`,
    );
    expect(differencesOf(report)).toEqual([
      {
        table: 'holds',
        key: { owner_id: 'web~waiting' },
        problem: 'differs',
        cells: [
          {
            column: 'ledger',
            log: '[["coupon FIVE",1],["stock main~A",2]]',
            table: '[["coupon FIVE",1],["stock main~A",3]]',
          },
        ],
      },
    ]);
  });

  test('and the cell, as the log and as the table have it', async () => {
    const report = await auditAfter(`UPDATE orders SET units = 99 WHERE order_id = 'web~partly'`);
    expect(differencesOf(report)).toEqual([
      {
        table: 'orders',
        key: { order_id: 'web~partly' },
        problem: 'differs',
        cells: [{ column: 'units', log: '7', table: '99' }],
      },
    ]);
    const text = auditLines(report, { verbose: false }).join('\n');
    expect(text).toContain('orders order_id=web~partly: units: log says "7", table says "99"');
    expect(text).toContain('NOT SOUND: 1 rows differ');
  });

  test('the first few of many, and counts the rest', async () => {
    const { tables, ok } = await auditOf(house.db, events.slice(0, 8));
    const movements = tables.find(({ table }) => table === 'stock_movements');
    expect(ok).toBe(false);
    expect(movements?.differences).toBeGreaterThan(20);
    expect(movements?.first).toHaveLength(20);
    await auditOf(house.db, events);
  });
});
