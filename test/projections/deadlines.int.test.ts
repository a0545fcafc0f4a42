import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { takeDueDeadlines } from '../../src/projections/deadlines.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { applyBatch, createTables, emptyTables } from './read-model.js';
import { createRecorder } from './records.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await createTables(database.db);
}, 60_000);
beforeEach(() => emptyTables(database.db));
afterAll(() => database.drop());

const EXPIRES_AT = '2026-01-15T12:15:00Z';
const DUE = new Date(EXPIRES_AT);
const BEFORE = new Date(DUE.getTime() - 1);

const placedIn = (record: ReturnType<typeof createRecorder>, id: string, expiresAt = EXPIRES_AT) =>
  record('order', id, {
    type: 'OrderPlaced',
    data: {
      channel: 'web',
      externalId: id,
      placedAt: '2026-01-15T11:00:00Z',
      currency: 'GBP',
      lines: [
        { lineId: 'L', kind: 'goods', sku: 'A', quantity: 3, unitPrice: '1.00', amount: '3.00', tax: '0.00' },
      ],
      coupons: [],
      confirm: 'explicit',
      expiresAt,
      sources: ['main'],
      contentHash: '',
    },
  });

describe('deadlines', () => {
  test('are due at their time and not a moment before, the earliest first', async () => {
    const record = createRecorder();
    await applyBatch(database.db, [
      placedIn(record, 'late'),
      placedIn(record, 'early', '2026-01-15T12:14:00Z'),
    ]);
    expect((await takeDueDeadlines(database.db, BEFORE, 10, 0)).map(({ orderId }) => orderId)).toEqual([
      'early',
    ]);
    expect(await takeDueDeadlines(database.db, DUE, 10, 0)).toEqual([
      { orderId: 'early', dueAt: new Date('2026-01-15T12:14:00Z') },
      { orderId: 'late', dueAt: DUE },
    ]);
  });

  test('go to one taker only, and to another when that one never came back', async () => {
    const record = createRecorder();
    await applyBatch(
      database.db,
      Array.from({ length: 40 }, (_, n) => placedIn(record, `o${n}`)),
    );
    const taken = await Promise.all([1, 2, 3, 4].map(() => takeDueDeadlines(database.db, DUE, 10)));
    expect(new Set(taken.flat().map(({ orderId }) => orderId)).size).toBe(taken.flat().length);
    while ((await takeDueDeadlines(database.db, DUE, 10)).length > 0);
    await database.db.query(`UPDATE deadlines SET claimed_until = now() WHERE order_id = 'o7'`);
    expect(await takeDueDeadlines(database.db, DUE, 10)).toEqual([{ orderId: 'o7', dueAt: DUE }]);
  });

  test('end with the last unit that is cancelled, not with the first', async () => {
    const record = createRecorder();
    const cancel = (quantity: number) =>
      record('order', 'o', {
        type: 'OrderLinesCancelled',
        data: { cancellationId: `${quantity}`, reason: '', lines: [{ lineId: 'L', quantity }] },
      });
    const reserved = record('order', 'o', {
      type: 'OrderReserved',
      data: { allocations: [], discounts: [] },
    });
    await applyBatch(database.db, [placedIn(record, 'o'), reserved]);
    await applyBatch(database.db, [cancel(2)]);
    expect(await takeDueDeadlines(database.db, DUE, 10, 0)).toHaveLength(1);
    await applyBatch(database.db, [cancel(1)]);
    expect(await takeDueDeadlines(database.db, DUE, 10, 0)).toEqual([]);
  });

  test.each(['OrderConfirmed', 'OrderRejected', 'OrderExpired'])('end with %s', async (type) => {
    const record = createRecorder();
    const data = type === 'OrderExpired' ? { dueAt: EXPIRES_AT } : { code: 'x', detail: '' };
    const reserved = record('order', 'o', {
      type: 'OrderReserved',
      data: { allocations: [], discounts: [] },
    });
    await applyBatch(database.db, [placedIn(record, 'o'), reserved]);
    await applyBatch(database.db, [record('order', 'o', { type, data })]);
    expect(await takeDueDeadlines(database.db, DUE, 10, 0)).toEqual([]);
  });
});
