import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  findHolds,
  holds,
  takeOrdersWithoutOutcome,
  takeUnsettledNotes,
  takeUnsettledOrders,
} from '../../src/projections/holds.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { createRecorder, type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { shopDay, trade } from './shop-days.js';

let database: TestDatabase;
let readModels: ProjectionSpec;
beforeAll(async () => {
  database = await testDatabase();
  readModels = await projectionSpec(database.db);
}, 60_000);
beforeEach(() => readModels.empty());
afterAll(() => database.drop());

const ALL = { olderThanMs: 0, limit: 100 };
const rowCount = async (): Promise<number> => (await database.db.query('SELECT 1 FROM holds')).rowCount;

const PLACEMENT = {
  channel: 'web',
  externalId: '1',
  placedAt: '2026-01-15T11:00:00Z',
  currency: 'GBP',
  coupons: [],
  confirm: 'auto',
  sources: ['main', 'shop'],
  contentHash: '',
};

const orderOf = (quantity: number) => {
  const record = createRecorder();
  const order = (type: string, data: unknown) => record('order-web~1', { type, data });
  const stock = (type: string, data: object, location = 'main') =>
    record(`stock-${location}~A`, { type, data: { holdId: 'web~1', quantity, ...data } });
  const units = {
    lineId: 'L',
    kind: 'goods',
    sku: 'A',
    quantity,
    amount: '1.00',
    discount: '0.00',
    tax: '0.00',
    location: 'main',
  };
  return {
    stock,
    placed: order('OrderPlaced', { ...PLACEMENT, lines: [{ ...units, unitPrice: '1.00' }] }),
    held: stock('StockHeld', {}),
    reserved: order('OrderReserved', {
      allocations: [{ sku: 'A', location: 'main', quantity, refused: [] }],
      discounts: [],
    }),
    confirmed: order('OrderConfirmed', {}),
    rejected: order('OrderRejected', { code: 'insufficient_stock', detail: 'none' }),
    shipped: order('OrderShipped', { shipmentId: 's', channel: 'web', currency: 'GBP', lines: [units] }),
    completed: order('OrderCompleted', {}),
    captured: stock('StockCaptured', {}),
    released: stock('StockReleased', { reason: 'rejected' }),
    returned: order('OrderReturned', {
      returnId: 'r/1',
      channel: 'web',
      currency: 'GBP',
      reason: '',
      lines: [units],
      allowance: '0.00',
    }),
    changed: {
      proposed: order('OrderChangeProposed', {
        changeId: 'c',
        reason: 'x',
        actions: [{ kind: 'reduce', lineId: 'L', quantity: 1 }],
      }),
      declined: order('OrderChangeDeclined', { changeId: 'c', reason: 'too late' }),
    },
    back: record('stock-main~A', { type: 'StockReturned', data: { returnId: 'web~1/r%2F1', quantity } }),
  };
};

describe('open promises', () => {
  test('ask for an outcome while an order is placed, for its holds once it shipped, and are gone when those followed', async () => {
    const { placed, held, reserved, confirmed, shipped, completed, captured } = orderOf(2);
    await readModels.apply([placed, held]);
    expect(await takeOrdersWithoutOutcome(database.db, ALL)).toEqual(['web~1']);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual([]);
    await readModels.apply([reserved, confirmed]);
    expect(await takeOrdersWithoutOutcome(database.db, ALL)).toEqual([]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual([]);
    await readModels.apply([shipped, completed]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual(['web~1']);
    const ledger = await findHolds(database.db, 'web~1');
    expect([...(ledger?.stock ?? [])]).toEqual([
      ['main~A', { quantity: 2, captured: 0, released: 0, wantedCaptured: 2, wantedReleased: 0 }],
    ]);
    await readModels.apply([captured]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual([]);
    expect(await rowCount()).toBe(0);
  });

  test('stay forgotten when a change that waited is declined after its order was over', async () => {
    const { placed, held, reserved, confirmed, shipped, completed, captured, changed } = orderOf(2);
    const { proposed, declined } = changed;
    await readModels.apply([placed, held, reserved, confirmed, proposed, shipped, completed, captured]);
    expect(await rowCount()).toBe(0);
    await readModels.apply([declined]);
    expect(await rowCount()).toBe(0);
  });

  test('ask for a hold to be let go that a sleeping runner makes after its order was rejected and forgotten', async () => {
    const { placed, rejected, stock } = orderOf(2);
    await readModels.apply([placed, rejected]);
    expect(await rowCount()).toBe(0);
    await readModels.apply([stock('StockHeld', {}, 'shop')]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual(['web~1']);
    await readModels.apply([stock('StockReleased', { reason: 'stray' }, 'shop')]);
    expect(await rowCount()).toBe(0);
  });

  test('ask for the hold at a location that the order was not allocated to', async () => {
    const { placed, held, reserved, stock } = orderOf(2);
    await readModels.apply([placed, stock('StockHeld', {}, 'shop'), held, reserved]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual(['web~1']);
    await readModels.apply([stock('StockReleased', { reason: 'stray' }, 'shop')]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual([]);
    expect(await rowCount()).toBe(1);
  });

  test('ask for goods that a customer gave back and stock has not taken back', async () => {
    const { placed, held, reserved, confirmed, shipped, completed, captured, returned, back } = orderOf(2);
    await readModels.apply([placed, held, reserved, confirmed, shipped, completed, captured]);
    await readModels.apply([returned]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual(['web~1']);
    await readModels.apply([back]);
    expect(await rowCount()).toBe(0);
  });

  test('ask for a coupon to be redeemed when its order is confirmed, and to be given back when all of it is cancelled', async () => {
    const record = createRecorder();
    const order = (type: string, data: object) => record('order-web~1', { type, data });
    const code = (type: string) =>
      record('coupon-TEN', { type, data: { holdId: 'web~1', quantity: 1, reason: '' } });
    const line = { lineId: 'L', quantity: 1 };
    const charge = { ...line, kind: 'charge', sku: 'POST', unitPrice: '1.00', amount: '1.00', tax: '0.00' };
    const steps: [RecordedEvent[], boolean][] = [
      [
        [
          order('OrderPlaced', { ...PLACEMENT, coupons: ['TEN'], lines: [charge] }),
          code('CouponHeld'),
          order('OrderReserved', { allocations: [], discounts: [] }),
        ],
        false,
      ],
      [[order('OrderConfirmed', {})], true],
      [[code('CouponRedeemed')], false],
      [[order('OrderLinesCancelled', { cancellationId: 'c', reason: '', lines: [line] })], true],
      [[code('CouponGivenBack')], false],
    ];
    for (const [events, asks] of steps) {
      await database.db.transaction((tx) => holds.apply(events, tx));
      expect(await takeUnsettledOrders(database.db, ALL)).toEqual(asks ? ['web~1'] : []);
    }
    expect(await rowCount()).toBe(0);
  });

  test('of a credit note are asked for as the note, not as an order', async () => {
    const record = createRecorder();
    const line = {
      channel: 'web',
      note: 'C1',
      lineId: '1',
      kind: 'goods',
      sku: 'A',
      quantity: 3,
      currency: 'GBP',
      amount: '1.00',
      location: 'main',
      reason: '',
    };
    await readModels.apply([record('return-web~C1', { type: 'BlindReturnRecorded', data: line })]);
    expect(await takeUnsettledOrders(database.db, ALL)).toEqual([]);
    expect(await takeUnsettledNotes(database.db, ALL)).toEqual(['web~C1']);
  });

  test('are taken only when nobody has moved them for the time given, and the longest left first', async () => {
    const record = createRecorder();
    const held = (id: string) =>
      record('stock-main~A', { type: 'StockHeld', data: { holdId: id, quantity: 1 } });
    for (const id of ['a', 'b', 'c']) await readModels.apply([held(id)]);
    expect(await takeUnsettledOrders(database.db, { olderThanMs: 60_000, limit: 10 })).toEqual([]);
    const two = { olderThanMs: 0, limit: 2 };
    expect([...(await takeUnsettledOrders(database.db, two))].sort()).toEqual(['a', 'b']);
    // One that cannot be settled must not keep the others waiting.
    expect(await takeUnsettledOrders(database.db, two)).toContain('c');
  });

  test('come out the same when some streams were parked and applied after all others', async () => {
    await fc.assert(
      fc.asyncProperty(shopDay, fc.array(fc.nat()), async (day, picks) => {
        const { events } = await trade(day);
        const streams = [...new Set(events.map(({ stream }) => stream))];
        const parked = new Set(picks.map((pick) => streams[pick % streams.length]));
        await readModels.empty();
        await readModels.apply(events);
        const inOrder = await readModels.rows();
        await readModels.empty();
        await readModels.apply(events.filter(({ stream }) => !parked.has(stream)));
        await readModels.apply(events.filter(({ stream }) => parked.has(stream)));
        const late = await readModels.rows();
        // How the ledger got there and when differs; whom it calls must not.
        const plain = (rows: Record<string, string[]>) => ({
          ...rows,
          holds: rows.holds
            ?.map((row) => {
              const { owner_id, attention } = JSON.parse(row) as Record<string, unknown>;
              return `${owner_id} ${attention}`;
            })
            .sort(),
        });
        expect(plain(late)).toEqual(plain(inOrder));
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});
