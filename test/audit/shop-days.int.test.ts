import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { viewOfRow, viewOfState } from '../../src/api/order-view.js';
import { order } from '../../src/domain/order.js';
import { allProjections } from '../../src/projections/index.js';
import { findOrder } from '../../src/projections/order-pages.js';
import { MemoryLog } from '../projections/memory-log.js';
import { type Cut, contextOf, shopDay, trade } from '../projections/shop-days.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { auditOf } from './memory-audit.js';

const RUNS = 40;
const TIMEOUT_MS = 120_000;

let database: TestDatabase;
let readModels: ProjectionSpec;
beforeAll(async () => {
  database = await testDatabase();
  readModels = await projectionSpec(database.db);
}, TIMEOUT_MS);
afterAll(() => database.drop());

describe('the audit of random days of a shop, some steps cut short', () => {
  test(
    'finds nothing where the projections have applied the log, at its end and in the middle',
    async () => {
      const { db } = database;
      await fc.assert(
        fc.asyncProperty(shopDay, fc.nat({ max: 200 }), async (day, some) => {
          const { events } = await trade(day);
          const upTo = Math.min(some, events.length);
          await readModels.empty();
          await readModels.apply(events.slice(0, upTo), [5, 20]);
          const report = await auditOf(db, events, upTo);
          expect(
            report.tables.flatMap(({ table, first }) => first.map((one) => ({ table, ...one }))),
          ).toEqual([]);
          expect(report.violations.first).toEqual([]);
          expect(report).toMatchObject({ ok: true, events: upTo, behind: events.length - upTo });
          expect(report.tables.map(({ table }) => table).sort()).toEqual(
            allProjections.flatMap(({ tables }) => tables).sort(),
          );
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );

  test('a line that a change makes of another is where the other is held, before anything is held for it', async () => {
    const step = (one: Cut['step']): Cut => ({ step: one, appends: undefined });
    const line = { sku: 'A', kind: 'goods', quantity: 2, unitPrice: '1.00', tax: '0.00' } as const;
    const { events } = await trade([
      step({ do: 'receive', location: 'main', sku: 'A', quantity: 2 }),
      step({
        do: 'place',
        orderNo: 0,
        lines: [line],
        confirm: 'auto',
        expires: false,
        rules: [],
        coupons: [],
        shortage: undefined,
        handover: undefined,
      }),
      step({ do: 'propose', orderNo: 0, changeId: 'c{1}', sku: 'A', line: 0, quantity: 1, kind: 'reprice' }),
      step({ do: 'confirm-change', orderNo: 0, changeId: 'c{1}' }),
    ]);
    const changed = events.findIndex(({ event }) => event.type === 'OrderChangeConfirmed') + 1;
    expect(changed).toBeGreaterThan(0);
    for (const parts of [[5, 20], [1]]) {
      await readModels.empty();
      await readModels.apply(events.slice(0, changed), parts);
      const { rows } = await database.db.query('SELECT location FROM order_lines ORDER BY line_no');
      expect(rows).toEqual([{ location: 'main' }, { location: 'main' }]);
      expect((await auditOf(database.db, events, changed)).ok).toBe(true);
    }
  });

  test('a day of the year 0, which orders could name once and PostgreSQL cannot keep, is nowhere', async () => {
    const log = new MemoryLog();
    const requestedDelivery = { from: '0000-12-31', to: '2026-01-20' };
    const context = contextOf('old');
    await log.execute(order, 'web~1', place([{ lineId: '1' }], { requestedDelivery }), context);
    const placed = (await log.load(order, 'web~1')).state;
    await readModels.empty();
    await readModels.apply(log.events);
    const days = { to: '2026-01-20' };
    const row = await findOrder(database.db, 'web~1');
    expect(row && viewOfRow(row, { role: 'admin' }).requestedDelivery).toEqual(days);
    expect(viewOfState('web~1', placed, { role: 'admin' })?.requestedDelivery).toEqual(days);
    expect((await auditOf(database.db, log.events)).tables.flatMap(({ first }) => first)).toEqual([]);
  });
});
