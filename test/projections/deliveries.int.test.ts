import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { consignment } from '../../src/domain/consignment.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { consignmentIdOf, createConsignmentProcess } from '../../src/processes/consignment-process.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import {
  consignmentCandidates,
  findConsignment,
  takeOpenConsignments,
} from '../../src/projections/consignment-pages.js';
import { consignments } from '../../src/projections/consignments.js';
import { findOrder } from '../../src/projections/order-pages.js';
import { orderSplits } from '../../src/projections/order-splits.js';
import type { LineInput } from '../support/orders.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { review } from '../support/reviews.js';
import { MemoryLog } from './memory-log.js';
import { contextOf } from './shop-days.js';

let database: TestDatabase;
let spec: ProjectionSpec;
let log: MemoryLog;

const TN1 = { country: 'GB', postalCode: 'TN1' };
const A = (quantity: number): LineInput => ({ lineId: 'a', sku: 'A', quantity });
const C = (quantity: number, lineId = 'c'): LineInput => ({ lineId, sku: 'C', quantity });
const B = (quantity: number): LineInput => ({ lineId: 'b', sku: 'B', quantity });

/** A is in main, B in shop. */
const trade = async (): Promise<MemoryLog> => {
  const made = new MemoryLog();
  let receipts = 0;
  const stocked = (at: string, sku: string, quantity: number) => {
    receipts += 1;
    const receive = { type: 'receive', receiptId: `r${receipts}`, quantity } as const;
    return made.execute(stock, stockIdOf(at, sku), receive, contextOf(`receipt ${receipts}`));
  };
  await stocked('main', 'A', 99);
  await stocked('shop', 'B', 99);
  const orders = createOrderProcess(made);
  const run = (id: string, command: OrderCommand) =>
    orders.execute(orderIdOf('web', id), command, contextOf(`${id} ${command.type}`));
  let minute = 0;
  const open = async (id: string, lines: readonly LineInput[], more: object = {}) => {
    minute += 1;
    const command = place(lines, {
      externalId: id,
      confirm: 'auto',
      customerId: 'c1',
      destination: TN1,
      placedAt: `2026-01-15T10:${String(minute).padStart(2, '0')}:00Z`,
      ...more,
    });
    await run(id, command);
  };
  const split = (splitId: string, quantity: number, more: object = {}): OrderCommand => ({
    type: 'split',
    splitId,
    lines: [{ lineId: 'a', quantity }],
    ...more,
  });
  // Candidates of c1 at main: 1, 2 and 3.
  await open('1', [A(2)]);
  await open('2', [A(5), { lineId: 'p', kind: 'charge', sku: 'POST' }]);
  await run('2', split('later', 3, { requestedDate: '2026-12-24', priority: 2 }));
  await open('3', [A(4), B(1)]);
  await run('3', { type: 'cancel', cancellationId: 'x', reason: '', lines: [{ lineId: 'b', quantity: 1 }] });
  // None of these: apart as a whole, held, elsewhere in part, of nobody, short, of somebody alone, elsewhere to.
  await open('apart', [A(1)]);
  await run('apart', split('all', 1));
  await open('held', [A(1)]);
  await run('held', review('h', { blocks: ['ship'] }));
  await open('both', [A(1), B(1)]);
  await open('guest', [A(1)], { customerId: undefined });
  // Held in main and in shop, or nowhere in part.
  await stocked('main', 'C', 4);
  await stocked('shop', 'C', 1);
  await open('two places', [C(4), C(1, 'd')], { shortage: 'backorder' });
  await stocked('main', 'C', 1);
  await open('short', [C(2)], { shortage: 'backorder' });
  await open('alone', [A(1)], { customerId: 'c2' });
  await open('abroad', [A(1)], { destination: { country: 'FR' } });
  await open('waits', [A(1)], { confirm: 'explicit' });
  // A life of splits.
  await open('life', [A(6)], { customerId: 'c3' });
  await run('life', split('s "1"', 3));
  await run('life', split('s2', 1));
  await run('life', { type: 'undo-split', splitId: 's2', reason: 'x' });
  await run('life', {
    type: 'ship',
    shipmentId: 'x',
    splitId: 's "1"',
    lines: [{ lineId: 'a', quantity: 1 }],
  });
  await run('life', {
    type: 'cancel',
    cancellationId: 'x',
    reason: '',
    lines: [{ lineId: 'a', quantity: 4 }],
  });
  // One consignment at its end, one that nobody has finished.
  for (const id of ['m1', 'm2', 'm3', 'm4']) await open(id, [A(1)], { customerId: 'c4' });
  const plan = (id: string, ...of: string[]) =>
    made.execute(
      consignment,
      consignmentIdOf('web', id),
      {
        type: 'plan',
        plan: {
          channel: 'web',
          consignmentId: id,
          location: 'main',
          customerId: 'c4',
          orders: of.map((one) => orderIdOf('web', one)),
        },
      },
      contextOf(`plan ${id}`),
    );
  await plan('k1', 'm2', 'm1');
  await run('m1', { type: 'cancel', cancellationId: 'x', reason: '' });
  await createConsignmentProcess(made, orders).advance(consignmentIdOf('web', 'k1'), contextOf('advance'));
  await plan('k2', 'm3', 'm4');
  return made;
};

beforeAll(async () => {
  database = await testDatabase({ poolSize: 2 });
  spec = await projectionSpec(database.db);
  log = await trade();
  await spec.expectSame(log.events, [1, 7, 20, 3, 30, 2, 11]);
}, 60_000);
afterAll(() => database.drop());

describe('splits', () => {
  test('are on the page of their order, with what became of their units', async () => {
    expect((await findOrder(database.db, 'web~2'))?.splits).toEqual([
      {
        splitId: 'later',
        requestedDate: '2026-12-24',
        priority: 2,
        undone: false,
        lines: [{ lineId: 'a', quantity: 3, shipped: 0, cancelled: 0 }],
      },
    ]);
    // Of six units, three apart: one shipped, then four cancelled, of which three were the rest.
    expect((await findOrder(database.db, 'web~life'))?.splits).toEqual([
      {
        splitId: 's "1"',
        requestedDate: null,
        priority: null,
        undone: false,
        lines: [{ lineId: 'a', quantity: 3, shipped: 1, cancelled: 1 }],
      },
      {
        splitId: 's2',
        requestedDate: null,
        priority: null,
        undone: true,
        lines: [{ lineId: 'a', quantity: 1, shipped: 0, cancelled: 0 }],
      },
    ]);
    expect((await findOrder(database.db, 'web~1'))?.splits).toEqual([]);
  });

  test('are those of the decider', async () => {
    for (const id of ['web~2', 'web~life', 'web~apart']) {
      const { splits } = (await log.load(order, id)).state;
      const rows = (await findOrder(database.db, id))?.splits.map(({ splitId, lines }) => [splitId, lines]);
      expect(rows).toEqual(
        [...splits.values()].map(({ split, lines }) => [
          split.splitId,
          [...lines].map(([lineId, line]) => ({ lineId, ...line })),
        ]),
      );
    }
  });

  test('and consignments cost no statement where there are none', async () => {
    const others = log.events.filter(
      ({ event, category }) =>
        category === 'order' &&
        !event.type.startsWith('OrderSplit') &&
        !JSON.stringify(event.data).includes('"split'),
    );
    expect(others.length).toBeGreaterThan(30);
    const asked = {
      query: () => {
        throw new Error('asked');
      },
    };
    await orderSplits.apply(others, asked);
    await consignments.apply(others, asked);
  });
});

describe('consignments', () => {
  test('say what became of each of their orders, in the order of the plan', async () => {
    expect(await findConsignment(database.db, 'web~k1')).toEqual({
      id: 'web~k1',
      channel: 'web',
      consignmentId: 'k1',
      location: 'main',
      customerId: 'c4',
      closed: true,
      plannedAt: new Date('2026-01-15T11:00:00Z'),
      orders: [
        { orderId: 'web~m2', outcome: 'shipped', units: 1, code: null, detail: null },
        {
          orderId: 'web~m1',
          outcome: 'dropped',
          units: null,
          code: 'wrong_status',
          detail: 'the order is cancelled, not confirmed',
        },
      ],
    });
    expect(await findConsignment(database.db, 'web~k2')).toMatchObject({
      closed: false,
      orders: [{ outcome: 'waiting' }, { outcome: 'waiting' }],
    });
    expect(await findConsignment(database.db, 'web~none')).toBeUndefined();
  });

  test('that nobody finished are taken, each by one', async () => {
    const which = { olderThanMs: 0, limit: 10 };
    const taken = await Promise.all([
      takeOpenConsignments(database.db, which),
      takeOpenConsignments(database.db, { olderThanMs: 60_000, limit: 10 }),
    ]);
    expect(taken).toEqual([['web~k2'], []]);
    // Taking starts the age anew.
    expect(await takeOpenConsignments(database.db, { olderThanMs: 60_000, limit: 10 })).toEqual([]);
  });

  test('could be made of open orders of one customer and destination that are all there', async () => {
    const found = await consignmentCandidates(database.db, 'main');
    expect(found).toEqual([
      {
        channel: 'web',
        customerId: 'c1',
        country: 'GB',
        region: null,
        postalCode: 'TN1',
        orders: ['web~1', 'web~2', 'web~3'],
        // 2, 5 less the 3 that ship apart, 4.
        units: 8,
        oldest: new Date('2026-01-15T10:01:00Z'),
      },
      expect.objectContaining({ customerId: 'c4', orders: ['web~m3', 'web~m4'], units: 2 }),
    ]);
    expect(await consignmentCandidates(database.db, 'main', 'web')).toEqual(found);
    expect(await consignmentCandidates(database.db, 'main', 'shop')).toEqual([]);
    expect(await consignmentCandidates(database.db, 'shop')).toEqual([]);
  });

  test('are made of what was suggested', async () => {
    const fork = log.fork();
    const orders = createOrderProcess(fork);
    for (const { channel, orders: ids } of await consignmentCandidates(database.db, 'main')) {
      const request = { channel, consignmentId: ids[0] ?? '', location: 'main', orders: ids as string[] };
      const answer = await createConsignmentProcess(fork, orders).plan(request, contextOf(`merge ${ids[0]}`));
      expect([answer.status, answer.state.status]).toEqual(['accepted', 'closed']);
      const outcomes = [...answer.state.outcomes.values()].map(({ outcome }) => outcome);
      expect(new Set(outcomes)).toEqual(new Set(['shipped']));
    }
  });
});
