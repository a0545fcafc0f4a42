import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listChanges } from '../../src/projections/change-proposals.js';
import { consignmentCandidates } from '../../src/projections/consignment-pages.js';
import { exchangesOf } from '../../src/projections/exchange-pages.js';
import { countOrdersBy, orderAges } from '../../src/projections/order-counts.js';
import { listOrders, type OrderFilter } from '../../src/projections/order-pages.js';
import { listRefundsDue } from '../../src/projections/payment-pages.js';
import { listReturns } from '../../src/projections/return-queue.js';
import { listReviews } from '../../src/projections/review-queue.js';
import { listShipments } from '../../src/projections/shipment-queue.js';
import { workQueues } from '../../src/projections/work-queues.js';
import type { Queryable } from '../../src/runtime/database.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { projectionSpec } from '../support/projection-spec.js';
import { fillTables, MANY_ORDERS, planForSolidState, planning } from './many-orders.js';

/** How PostgreSQL finds orders among many: by an index, whatever one asks for. */
let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ poolSize: 1 });
  await projectionSpec(database.db);
  await fillTables(database.db);
  await planForSolidState(database.db);
}, 120_000);
afterAll(() => database.drop());

const planOf = async (ask: (db: Queryable) => Promise<unknown>): Promise<string> => {
  const { db, plans } = planning(database.db);
  await ask(db);
  expect(plans).toHaveLength(1);
  return plans.join();
};
/** Every row of a table is read that keeps what is over. */
const SCAN = /Seq Scan on (orders|order_lines|order_search|order_splits|reviews|returns|order_changes)\b/;

const NOW = new Date('2026-11-27T12:00:00Z');
const FILTERS: readonly (readonly [string, OrderFilter])[] = [
  ['nothing', {}],
  ['a common status', { status: 'completed' }],
  ['a rare status', { status: 'placed' }],
  ['a large channel', { channel: 'web' }],
  ['a small channel', { channel: 'b2b' }],
  ['a customer', { customerId: 'c77' }],
  ['an external id', { externalId: '777' }],
  ['an external id of a channel', { externalId: '777', channel: 'web' }],
  ['a common SKU', { sku: 'POPULAR' }],
  ['a rare SKU', { sku: 'S77' }],
  ['a SKU that none has', { sku: 'NONE' }],
  ['a large location', { location: 'main' }],
  ['a small location', { location: 'store-4' }],
  ['a hold type', { holdType: 'fraud' }],
  ['any hold', { holdType: 'any' }],
  ['a hold role', { holdRole: 'finance' }],
  ['a hold type and role', { holdType: 'fraud', holdRole: 'finance' }],
  ['a common word', { text: 'popular' }],
  ['a rare word', { text: 's77' }],
  ['words that none has', { text: 'nobody knows' }],
  ['times', { placedFrom: new Date('2026-11-01T00:00:00Z'), placedTo: new Date('2026-11-03T00:00:00Z') }],
  ['days', { placedFrom: '2026-11-01', placedTo: '2026-11-02' }],
  ['days of a channel', { channel: 'web', placedFrom: '2026-11-01', placedTo: '2026-11-02' }],
  ['a deadline that is over', { overdueAt: NOW }],
];

describe(`the list over ${MANY_ORDERS} orders scans no table`, () => {
  test.each(FILTERS)('by %s', async (_, filter) => {
    const plan = await planOf((db) => listOrders(db, filter));
    expect(plan).toMatch(/Index|Bitmap/);
    expect(plan).not.toMatch(SCAN);
  });

  test('by a customer and everything that filters rows of that index', async () => {
    const everything = {
      status: 'completed',
      channel: 'web',
      placedFrom: '2026-01-01',
      text: 'popular',
    } as const;
    const plan = await planOf((db) => listOrders(db, { ...everything, customerId: 'c77', location: 'main' }));
    expect(plan).toMatch(/orders_by_customer/);
    expect(plan).not.toMatch(SCAN);
  });

  test('on any page', async () => {
    const first = await listOrders(database.db, { status: 'completed', limit: 50 });
    expect(first.items).toHaveLength(50);
    const cursor = first.nextCursor ?? '';
    const plan = await planOf((db) => listOrders(db, { status: 'completed', limit: 50, cursor }));
    expect(plan).toMatch(/Index Scan Backward using orders_by_(status|time)/);
    expect(plan).not.toMatch(/Sort|Seq Scan/);
  });
});

describe('counts', () => {
  test.each<[string, OrderFilter]>([
    ['nothing', {}],
    ['status', { status: 'completed' }],
    ['channel and status', { channel: 'shop', status: 'confirmed' }],
  ])('by %s read an index and no row', async (_, filter) => {
    const plan = await planOf((db) => countOrdersBy(db, filter));
    expect(plan).toMatch(/Index Only Scan using orders_by_(status|channel|time) on orders/);
    expect(plan).not.toMatch(SCAN);
  });

  test('add up to the list behind them', async () => {
    const { total, byStatus, byChannel, byHoldType } = await countOrdersBy(database.db);
    expect(total).toBe(MANY_ORDERS);
    for (const parts of [byStatus, byChannel]) {
      expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(MANY_ORDERS);
    }
    expect(byHoldType).toEqual([
      { holdType: 'address', count: 167 },
      { holdType: 'fraud', count: 166 },
      { holdType: 'price', count: 167 },
    ]);
  });
});

/** A channel key asks for its channel whatever else it asks for, and most rows are of others. */
describe('lists of what came after an order read what they show', () => {
  test.each<[string, RegExp, (db: Queryable) => Promise<unknown>]>([
    ['returns of a channel', /returns_by_channel/, (db) => listReturns(db, { channel: 'b2b' })],
    ['returns of a location', /returns_by_location/, (db) => listReturns(db, { location: 'store-4' })],
    ['returns of a rare state', /returns_by_state/, (db) => listReturns(db, { state: 'refused' })],
    ['open returns', /returns_open/, (db) => listReturns(db, { state: 'open' })],
    ['all returns', /returns_by_time/, (db) => listReturns(db)],
    [
      'resolved reviews of a channel',
      /reviews_by_channel/,
      (db) => listReviews(db, { state: 'resolved', channel: 'b2b' }),
    ],
    ['open reviews', /reviews_open/, (db) => listReviews(db)],
    ['changes that wait', /order_changes_open\b/, (db) => listChanges(db, { waiting: true })],
    [
      'changes of a channel that wait',
      /order_changes_open_by_channel/,
      (db) => listChanges(db, { waiting: true, channel: 'b2b' }),
    ],
    ['refunds due of a channel', /refunds_due_by_channel/, (db) => listRefundsDue(db, { channel: 'b2b' })],
    ['exchanges of an order', /exchanges_pkey on exchanges e\b/, (db) => exchangesOf(db, 'web~5')],
  ])('%s', async (_, index, ask) => {
    const plan = await planOf(ask);
    expect(plan).toMatch(index);
    expect(plan).not.toMatch(SCAN);
    expect(plan).not.toMatch(/Sort Key: (opened|held|since|proposed)/);
  });
});

describe('what is open costs what is open, whatever has ended', () => {
  test('ages read an index and no row', async () => {
    const plan = await planOf((db) => orderAges(db, NOW));
    expect(plan).toMatch(/Index Only Scan using orders_by_status on orders/);
    expect(plan).not.toMatch(SCAN);
  });

  test.each<[string, (db: Queryable) => Promise<unknown>]>([
    ['the work queues', (db) => workQueues(db, NOW)],
    ['the work queues of a channel', (db) => workQueues(db, NOW, 'web')],
    ['the shipments of a location', (db) => listShipments(db, { location: 'main' })],
    ['the late shipments of a location', (db) => listShipments(db, { location: 'main', lateAt: NOW })],
    ['what could leave a location together', (db) => consignmentCandidates(db, 'main')],
  ])('%s', async (_, ask) => {
    const plan = await planOf(ask);
    expect(plan).toMatch(/orders_by_status/);
    expect(plan).not.toMatch(SCAN);
  });
});
