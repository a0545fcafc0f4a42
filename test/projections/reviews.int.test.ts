import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderCommand } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { findOrder } from '../../src/projections/order-pages.js';
import { countReviews, listReviews, type ReviewFilter } from '../../src/projections/review-queue.js';
import { reviews } from '../../src/projections/reviews.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { projectionSpec } from '../support/projection-spec.js';
import { OVER_100, resolveReview, review } from '../support/reviews.js';
import { MemoryLog } from './memory-log.js';

let database: TestDatabase;
const at = (minute: number, actor = 'clerk'): CommandContext => ({
  commandId: `${minute} ${actor}`,
  correlationId: 'c',
  actor,
  effectiveAt: `2026-01-15T11:${String(minute).padStart(2, '0')}:00.000Z`,
});

/** Orders of two channels: one held by a rule, one by hand, one released and held again, one whose review lapsed. */
const trade = async (): Promise<MemoryLog> => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  await log.execute(stock, 'main~A', { type: 'receive', receiptId: 'r', quantity: 99 }, at(0));
  const run = (id: string, command: OrderCommand, context: CommandContext) =>
    orders.execute(id, command, context);
  const put = (channel: string, externalId: string, minute: number, more: object = {}) =>
    run(
      `${channel}~${externalId}`,
      place(
        [
          { lineId: 'a, "b"', sku: 'A', unitPrice: '150.00' },
          { lineId: '2', sku: 'A' },
        ],
        { channel, externalId, ...more },
      ),
      at(minute),
    );
  const rules = { confirm: 'auto', review: { rules: [OVER_100], keepUntil: '2026-01-16T12:00:00Z' } };
  await put('web', '1', 1, rules);
  await put('shop', '2', 2);
  await run('shop~2', review('h', { role: 'channel', holdType: 'address', lines: ['a, "b"'] }), at(3));
  await put('web', '3', 4, rules);
  await run('web~3', resolveReview('rule:big', 'released', { reason: 'paid by "wire"' }), at(5, 'finance 1'));
  await run('web~3', review('again', { blocks: ['ship'] }), at(6));
  await put('web', '4', 7);
  await run('web~4', review('late'), at(8));
  await run('web~4', { type: 'cancel', cancellationId: 'c', reason: 'x' }, at(9));
  return log;
};

beforeAll(async () => {
  database = await testDatabase();
  const readModels = await projectionSpec(database.db);
  await readModels.apply((await trade()).events, [3, 4, 1, 2, 5]);
});
afterAll(() => database.drop());

const ids = async (filter: ReviewFilter): Promise<string[]> =>
  (await listReviews(database.db, filter)).items.map(({ orderId, holdId }) => `${orderId} ${holdId}`);

describe('the work queue', () => {
  test('has what nobody resolved, the oldest first', async () => {
    expect(await ids({})).toEqual(['web~1 rule:big', 'shop~2 h', 'web~3 again']);
    expect(await ids({ state: 'resolved' })).toEqual(['web~3 rule:big', 'web~4 late']);
  });

  test('by type, role, channel and age', async () => {
    expect(await ids({ holdType: 'address' })).toEqual(['shop~2 h']);
    expect(await ids({ role: 'finance' })).toEqual(['web~1 rule:big', 'web~3 again']);
    expect(await ids({ channel: 'web', heldBefore: new Date('2026-01-15T11:06:00Z') })).toEqual([
      'web~1 rule:big',
    ]);
  });

  test('in pages that shift nothing', async () => {
    const first = await listReviews(database.db, { limit: 2 });
    const next = await listReviews(database.db, { limit: 2, cursor: first.nextCursor ?? '' });
    expect([...first.items, ...next.items].map(({ holdId }) => holdId)).toEqual(['rule:big', 'h', 'again']);
    expect(next.nextCursor).toBeNull();
  });

  test('counted by channel, type and role, with the age of the oldest', async () => {
    expect(await countReviews(database.db)).toEqual([
      {
        channel: 'shop',
        holdType: 'address',
        role: 'channel',
        count: 1,
        oldest: new Date('2026-01-15T11:03:00Z'),
      },
      {
        channel: 'web',
        holdType: 'fraud',
        role: 'finance',
        count: 2,
        oldest: new Date('2026-01-15T11:01:00Z'),
      },
    ]);
    expect(await countReviews(database.db, { channel: 'nowhere' })).toEqual([]);
  });
});

test('a batch without reviews costs no statement', async () => {
  const { events } = await trade();
  const others = events.filter(({ event }) => !event.type.startsWith('OrderH'));
  expect(others.length).toBeGreaterThan(9);
  await reviews.apply(others, {
    query: () => {
      throw new Error('asked');
    },
  });
});

test('the page of an order has its reviews: who put them and why, who resolved them, why and when', async () => {
  const found = await findOrder(database.db, 'web~3');
  expect(found?.lines).toHaveLength(2);
  expect(found?.reviews).toEqual([
    {
      orderId: 'web~3',
      channel: 'web',
      holdId: 'rule:big',
      holdType: 'fraud',
      blocks: ['confirm'],
      role: 'finance',
      lines: null,
      reason: '151.00 GBP is over 100.00',
      rule: { id: 'big', version: 1 },
      heldBy: 'clerk',
      heldAt: new Date('2026-01-15T11:04:00Z'),
      resolution: {
        outcome: 'released',
        reason: 'paid by "wire"',
        by: 'finance 1',
        at: new Date('2026-01-15T11:05:00Z'),
      },
    },
    expect.objectContaining({ holdId: 'again', rule: null, resolution: null, blocks: ['ship'] }),
  ]);
  expect((await findOrder(database.db, 'shop~2'))?.reviews).toMatchObject([{ lines: ['a, "b"'] }]);
  expect((await findOrder(database.db, 'web~4'))?.reviews).toMatchObject([
    { resolution: { outcome: 'lapsed', reason: 'cancelled' } },
  ]);
});
