import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderCommand } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { listBackorders } from '../../src/projections/backorder-queue.js';
import { listChanges } from '../../src/projections/change-proposals.js';
import { InvalidCursor } from '../../src/projections/cursor.js';
import { listOrders } from '../../src/projections/order-pages.js';
import { listReviews } from '../../src/projections/review-queue.js';
import { listShipments } from '../../src/projections/shipment-queue.js';
import { WORK_QUEUES, type WorkQueue, workQueues } from '../../src/projections/work-queues.js';
import { DUE_AT, type LineInput, place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { resolveReview, review } from '../support/reviews.js';
import { Died, MemoryLog } from './memory-log.js';
import { contextOf } from './shop-days.js';

let database: TestDatabase;
let spec: ProjectionSpec;

/** A day on which something waits in every queue; A is in berlin, B in north. */
const trade = async (): Promise<MemoryLog> => {
  const log = new MemoryLog();
  for (const [at, sku] of [
    ['berlin', 'A'],
    ['north', 'B'],
  ] as const) {
    await log.execute(
      stock,
      stockIdOf(at, sku),
      { type: 'receive', receiptId: 'r', quantity: 100 },
      contextOf(sku),
    );
  }
  const orders = createOrderProcess(log);
  const run = (of: string, id: string, command: OrderCommand) =>
    orders.execute(orderIdOf(of, id), command, contextOf(`${id} ${command.type}`));
  const open = (of: string, id: string, hour: number, lines: readonly LineInput[], more: object = {}) => {
    const { expiresAt: _, ...command } = place(lines, {
      channel: of,
      externalId: id,
      placedAt: `2026-01-15T0${hour}:00:00Z`,
      sources: ['berlin', 'north'],
      confirm: 'auto',
    });
    return run(of, id, { ...command, ...more });
  };
  const A = (quantity: number) => ({ lineId: '1', sku: 'A', quantity });
  const B = (quantity: number) => ({ lineId: '2', sku: 'B', quantity });
  const post = { lineId: 'p', kind: 'charge', sku: 'POST' } as const;
  await open('web', 'both', 3, [A(2), B(1), post]);
  await open('web', 'begun', 1, [A(5), B(1)]);
  await run('web', 'begun', { type: 'ship', shipmentId: 's', lines: [A(2)] });
  await run('web', 'begun', { type: 'cancel', cancellationId: 'c', reason: 'x', lines: [A(1)] });
  await open('shop', 'line-held', 2, [A(1), B(4)]);
  await run(
    'shop',
    'line-held',
    review('h', { blocks: ['ship'], lines: ['2'], role: 'warehouse', holdType: 'address' }),
  );
  await open('web', 'held', 4, [A(7)]);
  await run('web', 'held', review('h', { blocks: ['ship'] }));
  await open('web', 'released', 5, [A(3)]);
  await run('web', 'released', review('h', { blocks: ['ship'] }));
  await run('web', 'released', resolveReview('h', 'released'));
  await open('web', 'split', 6, [A(5)]);
  const split = (splitId: string, quantity: number, more: object): OrderCommand => ({
    type: 'split',
    splitId,
    lines: [{ lineId: '1', quantity }],
    ...more,
  });
  await run('web', 'split', split('urgent', 1, { priority: 1, requestedDate: '2026-01-14' }));
  await run('web', 'split', split('some day', 2, { priority: 9, requestedDate: '2026-01-15' }));
  await run('web', 'split', split('undone', 1, { priority: 1, requestedDate: '2026-01-01' }));
  await run('web', 'split', { type: 'undo-split', splitId: 'undone', reason: 'x' });
  const change: OrderCommand = {
    type: 'propose-change',
    changeId: 'c',
    reason: 'x',
    actions: [{ kind: 'reduce', lineId: '1', quantity: 1 }],
  };
  await run('web', 'both', change);
  await open('web', 'sent', 5, [A(1)]);
  await run('web', 'sent', change);
  await run('web', 'sent', { type: 'ship', shipmentId: 's' });
  await open('web', 'gone', 5, [A(2)]);
  await run('web', 'gone', change);
  await run('web', 'gone', { type: 'cancel', cancellationId: 'c', reason: 'x' });
  await open('web', 'waits', 6, [A(1)], { confirm: 'explicit' });
  await open('shop', 'late', 7, [A(1)], { confirm: 'explicit', expiresAt: DUE_AT });
  log.appendsLeft = 1;
  await open('web', 'orphan', 8, [A(1)]).catch((error: unknown) => {
    if (!(error instanceof Died)) throw error;
  });
  return log;
};

beforeAll(async () => {
  database = await testDatabase({ poolSize: 2 });
  spec = await projectionSpec(database.db);
  await spec.apply((await trade()).events, [5, 9, 2]);
}, 60_000);
afterAll(() => database.drop());

const NOW = new Date('2026-01-15T12:15:01Z');
const queues = async (
  now = NOW,
  channel?: string,
): Promise<Record<string, Omit<WorkQueue, 'name' | 'about' | 'list'>>> =>
  Object.fromEntries(
    (await workQueues(database.db, now, channel)).map(({ name, about: _, list: __, ...rest }) => [
      name,
      rest,
    ]),
  );
const at = (hour: number): Date => new Date(`2026-01-15T0${hour}:00:00Z`);

const NOTHING = { count: 0, oldest: null, parts: [] };

describe('the work queues', () => {
  test('say what waits, how much of it, since when, and where the list is', async () => {
    const held = new Date('2026-01-15T11:00:00Z');
    expect(await queues()).toEqual({
      reviews: {
        count: 2,
        oldest: held,
        parts: [
          {
            of: { role: 'finance', holdType: 'fraud' },
            count: 1,
            units: null,
            oldest: held,
            path: '/v1/reviews?role=finance&holdType=fraud',
          },
          {
            of: { role: 'warehouse', holdType: 'address' },
            count: 1,
            units: null,
            oldest: held,
            path: '/v1/reviews?role=warehouse&holdType=address',
          },
        ],
      },
      reservation: {
        count: 1,
        oldest: at(8),
        parts: [{ of: {}, count: 1, units: null, oldest: at(8), path: '/v1/orders?status=placed' }],
      },
      confirmation: {
        count: 2,
        oldest: at(6),
        parts: [{ of: {}, count: 2, units: null, oldest: at(6), path: '/v1/orders?status=reserved' }],
      },
      overdue: {
        count: 1,
        oldest: new Date(DUE_AT),
        parts: [{ of: {}, count: 1, units: null, oldest: new Date(DUE_AT), path: '/v1/orders?overdue=true' }],
      },
      shipments: {
        count: 9,
        oldest: at(1),
        parts: [
          {
            of: { location: 'berlin' },
            count: 7,
            // both 2, begun 5 - 2 - 1, line-held 1, released 3, split 1 + 2 + 2: the order that is held whole is not there.
            units: 13,
            oldest: at(1),
            path: '/v1/work-queues/shipments?location=berlin',
          },
          {
            of: { location: 'north' },
            count: 2,
            // both 1, begun 1: the line of line-held is held.
            units: 2,
            oldest: at(1),
            path: '/v1/work-queues/shipments?location=north',
          },
        ],
      },
      late: {
        count: 1,
        oldest: at(6),
        parts: [
          {
            of: { location: 'berlin' },
            count: 1,
            units: 1,
            oldest: at(6),
            path: '/v1/work-queues/shipments?late=true&location=berlin',
          },
        ],
      },
      // Not those of the orders that were sent or cancelled since.
      changes: {
        count: 1,
        oldest: held,
        parts: [{ of: {}, count: 1, units: null, oldest: held, path: '/v1/order-changes' }],
      },
      // With something in them: shortages.e2e, returns.e2e and payments.e2e.
      backorders: NOTHING,
      returns: NOTHING,
      refunds: NOTHING,
    });
  });

  test('are those of one channel, with paths that stay in it', async () => {
    const { shipments, reviews, reservation, confirmation, overdue } = await queues(NOW, 'shop');
    expect(shipments?.parts).toEqual([
      {
        of: { location: 'berlin' },
        count: 1,
        units: 1,
        oldest: at(2),
        path: '/v1/work-queues/shipments?location=berlin&channel=shop',
      },
    ]);
    expect(reviews?.parts.map(({ path }) => path)).toEqual([
      '/v1/reviews?role=warehouse&holdType=address&channel=shop',
    ]);
    expect(reservation).toEqual({ count: 0, oldest: null, parts: [] });
    expect([confirmation?.count, overdue?.count]).toEqual([1, 1]);
    expect(overdue?.parts[0]?.path).toBe('/v1/orders?overdue=true&channel=shop');
  });

  test('have a deadline over only when it is', async () => {
    expect((await queues(new Date('2026-01-15T12:15:00Z'))).overdue?.count).toBe(0);
  });

  test('count what the lists behind them show', async () => {
    const { db } = database;
    const all = await queues();
    const shown = {
      reviews: (await listReviews(db)).items.length,
      reservation: (await listOrders(db, { status: 'placed' })).items.length,
      confirmation: (await listOrders(db, { status: 'reserved' })).items.length,
      overdue: (await listOrders(db, { overdueAt: NOW })).items.length,
      shipments:
        (await listShipments(db, { location: 'berlin' })).items.length +
        (await listShipments(db, { location: 'north' })).items.length,
      late: (await listShipments(db, { location: 'berlin', lateAt: NOW })).items.length,
      backorders: (await listBackorders(db)).items.length,
      changes: (await listChanges(db, { waiting: true })).items.length,
      returns: 0,
      refunds: 0,
    };
    expect(Object.fromEntries(Object.entries(all).map(([name, { count }]) => [name, count]))).toEqual(shown);
    expect(WORK_QUEUES.map(({ name }) => name).sort()).toEqual(Object.keys(shown).sort());
  });
});

describe('what a location has to ship', () => {
  test('is listed by urgency and the age of the order, with what is open there', async () => {
    const { items } = await listShipments(database.db, { location: 'berlin' });
    expect(items.map(({ orderId, splitId, units, begun }) => [orderId, splitId, units, begun])).toEqual([
      ['web~split', 'urgent', 1, false],
      ['web~begun', null, 2, true],
      ['shop~line-held', null, 1, false],
      ['web~both', null, 2, false],
      ['web~released', null, 3, false],
      ['web~split', null, 2, false],
      ['web~split', 'some day', 2, false],
    ]);
    expect(items[0]).toMatchObject({ priority: 1, requestedDate: '2026-01-14', lines: 1 });
    expect(items[1]).toEqual({
      orderId: 'web~begun',
      channel: 'web',
      externalId: 'begun',
      customerId: null,
      location: 'berlin',
      splitId: null,
      requestedDate: null,
      priority: 5,
      placedAt: at(1),
      confirmedAt: new Date('2026-01-15T11:00:00Z'),
      lines: 1,
      units: 2,
      begun: true,
    });
    const north = await listShipments(database.db, { location: 'north' });
    expect(north.items.map(({ orderId, units }) => [orderId, units])).toEqual([
      ['web~begun', 1],
      ['web~both', 1],
    ]);
    expect((await listShipments(database.db, { location: 'nowhere' })).items).toEqual([]);
  });

  test('comes in pages, of one location and one channel', async () => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listShipments(database.db, { location: 'berlin', channel: 'web', limit: 1, cursor });
      found.push(...page.items.map(({ orderId, splitId }) => `${orderId} ${splitId ?? ''}`.trim()));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(found).toEqual([
      'web~split urgent',
      'web~begun',
      'web~both',
      'web~released',
      'web~split',
      'web~split some day',
    ]);
    const { nextCursor } = await listShipments(database.db, { location: 'berlin', limit: 1 });
    const elsewhere = listShipments(database.db, { location: 'north', cursor: nextCursor ?? '' });
    await expect(elsewhere).rejects.toThrow(InvalidCursor);
  });

  test('is late once the day it is wanted is over where its channel is', async () => {
    const late = async (now: string): Promise<(string | null)[]> =>
      (await listShipments(database.db, { location: 'berlin', lateAt: new Date(now) })).items.map(
        ({ splitId }) => splitId,
      );
    // No settings: UTC.
    expect(await late('2026-01-14T23:59:59Z')).toEqual([]);
    expect(await late('2026-01-15T00:00:00Z')).toEqual(['urgent']);
    expect(await late('2026-01-16T00:00:00Z')).toEqual(['urgent', 'some day']);
  });
});

describe('goods of one SKU that are held at two places', () => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  let commands = 0;
  const run = (id: string, command: OrderCommand) => {
    commands += 1;
    return orders.execute(orderIdOf('web', id), command, contextOf(`two ${commands}`));
  };
  const receive = (at: string, quantity: number) => {
    commands += 1;
    const command = { type: 'receive', receiptId: `r${commands}`, quantity } as const;
    return log.execute(stock, stockIdOf(at, 'T'), command, contextOf(`two ${commands}`));
  };
  const waits = (id: string, quantity: number) => {
    const { expiresAt: _, ...command } = place([{ lineId: '1', sku: 'T', quantity }], {
      externalId: id,
      confirm: 'auto',
      shortage: 'backorder',
    });
    return run(id, command);
  };
  /** Of the log up to now: units by location, order and group, and that the counts are those of the lists. */
  const shown = async () => {
    await spec.empty();
    await spec.apply(log.events, [3, 1, 4, 1, 5]);
    const found: unknown[] = [];
    const counted: unknown[] = [];
    for (const location of ['main', 'shop']) {
      const { items } = await listShipments(database.db, { location });
      found.push(...items.map((one) => [location, one.orderId, one.splitId, one.units]));
      if (items.length === 0) continue;
      const units = items.reduce((sum, one) => sum + one.units, 0);
      counted.push([{ location }, items.length, units]);
    }
    const { shipments } = await queues();
    expect(shipments?.parts.map(({ of, count, units }) => [of, count, units])).toEqual(counted);
    return found;
  };

  test('are with each place what it holds, and what nothing holds is nowhere', async () => {
    await receive('main', 3);
    await receive('shop', 2);
    await waits('two', 5);
    await waits('short', 5);
    expect(await shown()).toEqual([
      ['main', 'web~two', null, 3],
      ['shop', 'web~two', null, 2],
    ]);
    await run('two', { type: 'ship', shipmentId: 's', location: 'main' });
    await receive('main', 1);
    await orders.advance(orderIdOf('web', 'short'), contextOf('round'));
    expect(await shown()).toEqual([
      ['main', 'web~short', null, 1],
      ['shop', 'web~two', null, 2],
    ]);
    const held = await database.db.query('SELECT order_id, location, held FROM order_allocations ORDER BY 1');
    expect(held.rows).toEqual([
      { order_id: 'web~short', location: 'main', held: 1 },
      { order_id: 'web~two', location: 'shop', held: 2 },
    ]);
  });

  test('go to the most urgent group from where they were held first, each unit once', async () => {
    await receive('main', 2);
    await receive('shop', 2);
    await waits('apart', 5);
    const apart = { type: 'split', lines: [{ lineId: '1', quantity: 3 }] } as const;
    await run('apart', { ...apart, splitId: 'urgent', priority: 1 });
    const of = async () => (await shown()).filter((row) => JSON.stringify(row).includes('apart'));
    expect(await of()).toEqual([
      ['main', 'web~apart', 'urgent', 2],
      ['shop', 'web~apart', 'urgent', 1],
      ['shop', 'web~apart', null, 1],
    ]);
    await run('apart', { type: 'ship', shipmentId: 's', location: 'main', splitId: 'urgent' });
    expect(await of()).toEqual([
      ['shop', 'web~apart', 'urgent', 1],
      ['shop', 'web~apart', null, 1],
    ]);
    await run('apart', {
      type: 'cancel',
      cancellationId: 'c',
      reason: 'x',
      lines: [{ lineId: '1', quantity: 2 }],
    });
    expect(await of()).toEqual([['shop', 'web~apart', 'urgent', 1]]);
  });
});
