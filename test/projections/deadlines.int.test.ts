import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { deadlines, takeDueDeadlines } from '../../src/projections/deadlines.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import {
  createRecorder,
  type Fact,
  type ProjectionSpec,
  projectionSpec,
} from '../support/projection-spec.js';

let database: TestDatabase;
let readModels: ProjectionSpec;
beforeAll(async () => {
  database = await testDatabase();
  readModels = await projectionSpec(database.db, [deadlines]);
}, 60_000);
beforeEach(() => readModels.empty());
afterAll(() => database.drop());

const EXPIRES_AT = '2026-01-15T12:15:00Z';
const DUE = new Date(EXPIRES_AT);
const BEFORE = new Date(DUE.getTime() - 1);

const placed = (id: string, expiresAt = EXPIRES_AT): Fact => [
  `order-${id}`,
  {
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
  },
];
const later = (type: string, data: object): Fact => ['order-o', { type, data }];
const reserved = later('OrderReserved', { allocations: [], discounts: [] });

describe('deadlines', () => {
  test('are due at their time and not a moment before, the earliest first', async () => {
    await readModels
      .given(placed('late'), placed('early', '2026-01-15T12:14:00Z'))
      .thenRows('deadlines', [{ order_id: 'early' }, { order_id: 'late', due_at: DUE }]);
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
    await readModels.apply(Array.from({ length: 40 }, (_, n) => record(...placed(`o${n}`))));
    const taken = await Promise.all([1, 2, 3, 4].map(() => takeDueDeadlines(database.db, DUE, 10)));
    expect(new Set(taken.flat().map(({ orderId }) => orderId)).size).toBe(taken.flat().length);
    while ((await takeDueDeadlines(database.db, DUE, 10)).length > 0);
    await database.db.query(`UPDATE deadlines SET claimed_until = now() WHERE order_id = 'o7'`);
    expect(await takeDueDeadlines(database.db, DUE, 10)).toEqual([{ orderId: 'o7', dueAt: DUE }]);
  });

  test('end with the last unit that is cancelled, not with the first', async () => {
    const cancelled = (quantity: number) =>
      later('OrderLinesCancelled', {
        cancellationId: `${quantity}`,
        reason: '',
        lines: [{ lineId: 'L', quantity }],
      });
    await readModels
      .given(placed('o'), reserved, cancelled(2))
      .thenRows('deadlines', [{ order_id: 'o', open_units: 1n }]);
    await readModels.given(placed('o'), reserved, cancelled(2), cancelled(1)).thenRows('deadlines', []);
  });

  test.each(['OrderConfirmed', 'OrderRejected', 'OrderExpired'])('end with %s', async (type) => {
    const data = type === 'OrderExpired' ? { dueAt: EXPIRES_AT } : { code: 'x', detail: '' };
    await readModels.given(placed('o'), reserved, later(type, data)).thenRows('deadlines', []);
  });
});
