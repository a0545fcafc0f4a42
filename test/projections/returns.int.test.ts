import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import { stock } from '../../src/domain/stock.js';
import { createExchangeProcess } from '../../src/processes/exchange-process.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { allowances, allowancesOf } from '../../src/projections/allowances.js';
import { exchangesOf } from '../../src/projections/exchange-pages.js';
import { exchanges, openExchanges } from '../../src/projections/exchanges.js';
import { findOrder } from '../../src/projections/order-pages.js';
import {
  countReturns,
  listReturns,
  type ReturnFilter,
  returnsOf,
} from '../../src/projections/return-queue.js';
import { returns } from '../../src/projections/returns.js';
import { salesByDay } from '../../src/projections/sales.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { auditOf } from '../audit/memory-audit.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import {
  allowance,
  authorise,
  back,
  exchange,
  inspect,
  receiveReturn,
  refuseReturn,
  requestReturn,
  units,
} from '../support/returns.js';
import { MemoryLog } from './memory-log.js';

let database: TestDatabase;
let readModels: ProjectionSpec;
const at = (minute: number, actor = 'clerk'): CommandContext => ({
  commandId: `${minute} ${actor}`,
  correlationId: 'c',
  actor,
  effectiveAt: `2026-01-15T11:${String(minute).padStart(2, '0')}:00.123456Z`,
});

/** Orders of two channels with returns in every state, an allowance, and exchanges that are open, settled and ended. */
const trade = async (): Promise<MemoryLog> => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  const swaps = createExchangeProcess(log, orders);
  for (const sku of ['A', 'sku-new']) {
    await log.execute(
      stock,
      `main~${sku}`,
      { type: 'receive', receiptId: 'r', quantity: 2 + 30 * Number(sku === 'A') },
      at(0),
    );
  }
  const run = async (id: string, context: CommandContext, ...commands: OrderCommand[]) => {
    for (const command of commands) {
      const answer = await orders.execute(id, command, context);
      if (answer.status === 'rejected') throw new Error(`${command.type}: ${answer.rejection.code}`);
    }
  };
  const sent = async (id: string, minute: number) => {
    const [channel = '', externalId = ''] = id.split('~');
    const line = { lineId: '1', sku: 'A', quantity: 4, unitPrice: '10.00' };
    const post = { lineId: 'p', kind: 'charge', sku: 'POST', unitPrice: '3.00' } as const;
    const placed = place([line, post], { channel, externalId, confirm: 'auto', contentHash: id });
    await run(id, at(minute), placed, { type: 'ship', shipmentId: 's' });
  };
  await sent('web~1', 1);
  await run('web~1', at(2, 'shopper'), requestReturn('open', [units('1', 1)]));
  await run('web~1', at(3), requestReturn('coming', [units('1', 1)]));
  await run('web~1', at(4), authorise('coming', { note: 'in its "box"' }));
  await sent('shop~2', 5);
  await run('shop~2', at(6), requestReturn('here', [units('1', 3), units('p')]), authorise('here'));
  await run('shop~2', at(7), receiveReturn('here', [units('1', 3)], 'store'));
  await sent('web~3', 8);
  await run('web~3', at(9), requestReturn('done', [units('1', 4), units('p')]), authorise('done'));
  await run('web~3', at(10), receiveReturn('done', [units('1', 4)], 'store'));
  const looked = inspect(
    'done',
    ['1', 1, 'resaleable'],
    ['1', 1, 'damaged'],
    ['1', 1, 'missing'],
    ['1', 1, 'refused'],
  );
  await run('web~3', at(11, 'inspector'), looked);
  await run('web~3', at(12), allowance('a', '2.50', { lineId: '1', reason: 'a, "scratch"' }));
  await sent('web~4', 13);
  await run('web~4', at(14), requestReturn('no', [units('1', 1)]), refuseReturn('no', 'after "30" days'));
  for (const [index, minute] of [15, 16, 17].entries()) {
    await run('web~4', at(minute), back(`r${index}`, [units('1', 1)], { note: 'C 1', location: 'store' }));
    await swaps.agree('web~4', exchange(`e${index}`, `r${index}`), at(minute));
  }
  await run('web~4-x1', at(18), { type: 'ship', shipmentId: 's' });
  await swaps.advance('web~4', at(19));
  return log;
};

beforeAll(async () => {
  database = await testDatabase();
  readModels = await projectionSpec(database.db);
  const { events } = await trade();
  await readModels.expectSame(events, Array(events.length).fill(1));
  await readModels.expectSame(events, [3, 4, 1, 2, 5, 9, 2]);
});
afterAll(() => database.drop());

const ids = async (filter: ReturnFilter): Promise<string[]> =>
  (await listReturns(database.db, filter)).items.map(({ orderId, returnId }) => `${orderId} ${returnId}`);

describe('the work queues of returns', () => {
  test('have what somebody has to go on with, the oldest first', async () => {
    expect(await ids({ state: 'open' })).toEqual(['web~1 open', 'web~1 coming', 'shop~2 here']);
    expect(await ids({ state: 'received' })).toEqual(['shop~2 here']);
    expect(await ids({ state: 'credited' })).toEqual(['web~3 done', 'web~4 r0', 'web~4 r1', 'web~4 r2']);
    expect(await ids({ state: 'refused' })).toEqual(['web~4 no']);
  });

  test('by channel, location and age', async () => {
    expect(await ids({ state: 'open', channel: 'shop' })).toEqual(['shop~2 here']);
    expect(await ids({ location: 'store', channel: 'web' })).toEqual([
      'web~3 done',
      'web~4 r0',
      'web~4 r1',
      'web~4 r2',
    ]);
    expect(await ids({ state: 'open', openedBefore: new Date('2026-01-15T11:03:00Z') })).toEqual([
      'web~1 open',
    ]);
  });

  test('in pages that shift nothing', async () => {
    const first = await listReturns(database.db, { limit: 2, state: 'open' });
    const next = await listReturns(database.db, { limit: 2, state: 'open', cursor: first.nextCursor ?? '' });
    expect([...first.items, ...next.items].map(({ returnId }) => returnId)).toEqual([
      'open',
      'coming',
      'here',
    ]);
    expect(next.nextCursor).toBeNull();
  });

  test('counted by channel, state and location, with the age of the oldest', async () => {
    const opened = (minute: string) => new Date(`2026-01-15T11:${minute}:00.123Z`);
    const one = { count: 1, location: null };
    expect(await countReturns(database.db)).toEqual([
      { channel: 'shop', state: 'received', location: 'store', count: 1, units: 4, oldest: opened('06') },
      { ...one, channel: 'web', state: 'authorised', units: 1, oldest: opened('03') },
      { ...one, channel: 'web', state: 'requested', units: 1, oldest: opened('02') },
    ]);
    expect(await countReturns(database.db, { location: 'nowhere' })).toEqual([]);
  });
});

test('a batch without returns, allowances and exchanges costs no statement', async () => {
  const { events } = await trade();
  const others = events.filter(({ event }) => !/^Order(Return|Allowance|Exchange)/.test(event.type));
  expect(others.length).toBeGreaterThan(9);
  for (const projection of [returns, exchanges, allowances]) {
    await projection.apply(others, {
      query: () => {
        throw new Error('asked');
      },
    });
  }
});

test('the page of an order has its returns: each unit, what it came to, and when', async () => {
  const [done] = await returnsOf(database.db, 'web~3');
  expect(done).toMatchObject({
    channel: 'web',
    state: 'credited',
    reason: 'too small',
    location: 'store',
    units: { requested: 5, received: 4, accepted: 3, damaged: 1, missing: 1, refused: 1 },
    lines: [
      { lineId: '1', sku: 'A', requested: 4, received: 4, accepted: 2, damaged: 1, missing: 1, refused: 1 },
      { lineId: 'p', sku: 'POST', requested: 1, received: 0, accepted: 1 },
    ],
    // Two of four units at 10.00, and the postage.
    credit: { currency: 'GBP', credited: '23.00', allowance: '0.00', goodwill: null },
    openedBy: 'clerk',
    openedAt: new Date('2026-01-15T11:09:00.123Z'),
    creditedAt: new Date('2026-01-15T11:11:00.123Z'),
    refusedAt: null,
  });
  const [refused, direct] = await returnsOf(database.db, 'web~4');
  expect(refused).toMatchObject({ state: 'refused', refusal: 'after "30" days', credit: null });
  expect(direct).toMatchObject({ state: 'credited', note: 'C 1', location: 'store', units: { accepted: 1 } });
});

test('an allowance is on the page of its order, in its totals and in the sales of its day', async () => {
  expect(await allowancesOf(database.db, 'web~3')).toEqual([
    {
      allowanceId: 'a',
      amount: '2.50',
      currency: 'GBP',
      lineId: '1',
      reason: 'a, "scratch"',
      grantedBy: 'clerk',
      grantedAt: new Date('2026-01-15T11:12:00.123Z'),
    },
  ]);
  expect(await findOrder(database.db, 'web~3')).toMatchObject({
    shippedTotal: '43.00',
    returnedTotal: '23.00',
    allowanceTotal: '2.50',
  });
  const [day] = await salesByDay(database.db, { channel: 'web' });
  // What was placed stays as it was placed.
  expect(day).toMatchObject({ day: '2026-01-15', net: '129.00', allowances: '2.50' });
});

test('exchanges are on the pages of both orders, with how they ended', async () => {
  const found = await exchangesOf(database.db, 'web~4');
  expect(found).toMatchObject([
    {
      exchangeId: 'e0',
      newOrderId: 'web~4-x1',
      credit: '10.00',
      state: 'settled',
      charged: '10.00',
      toPay: '0.00',
      toGiveBack: '0.00',
      owed: null,
    },
    { exchangeId: 'e1', newOrderId: 'web~4-x2', state: 'agreed', charged: null, overAt: null },
    { exchangeId: 'e2', newOrderId: 'web~4-x3', state: 'ended', owed: '10.00', code: 'insufficient_stock' },
  ]);
  expect(await exchangesOf(database.db, 'web~4-x1')).toEqual([found[0]]);
});

test('the watchdog hears of an exchange only when its new order has come to an end', async () => {
  expect(await openExchanges(database.db, 0, 10)).toEqual([]);
  await database.db.query(`UPDATE orders SET status = 'completed' WHERE order_id = 'web~4-x2'`);
  expect(await openExchanges(database.db, 0, 10)).toEqual(['web~4']);
  await database.db.query(`UPDATE orders SET status = 'confirmed' WHERE order_id = 'web~4-x2'`);
});

test('an order has the credit of the exchange that it was placed for, and of no other that names it', async () => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  const swaps = createExchangeProcess(log, orders);
  for (const sku of ['A', 'sku-new']) {
    await log.execute(stock, `main~${sku}`, { type: 'receive', receiptId: 'r', quantity: 9 }, at(0));
  }
  const run = async (id: string, ...commands: OrderCommand[]) => {
    for (const command of commands) await orders.execute(id, command, at(1));
  };
  const line = { lineId: '1', sku: 'A', quantity: 3, unitPrice: '10.00' };
  await run('web~old', place([line], { externalId: 'old', confirm: 'auto' }), {
    type: 'ship',
    shipmentId: 's',
  });
  await run('web~old', back('r', [units('1', 3)]));
  await run('web~victim', place([line], { externalId: 'victim', confirm: 'payment' }));
  const agree = (exchangeId: string, externalId: string, credit = '10.00') =>
    swaps.agree('web~old', exchange(exchangeId, 'r', { externalId }, { credit }), at(2));
  // One that ends, since the order is another one; then two for one order, of which the second ends.
  await agree('e', 'victim');
  await agree('f', 'new', '4.00');
  await agree('g', 'new', '5.00');
  await readModels.empty();
  await readModels.apply(log.events, [3, 2, 4]);
  for (const [id, carriedBy, cost] of [
    ['web~victim', [], 3_000n],
    ['web~new', ['f'], 600n],
  ] as const) {
    const { state } = await log.load(order, id);
    const page = await findOrder(database.db, id);
    expect(page?.balance).toEqual(balanceOfOrder(state));
    expect(page?.balance).toMatchObject({ cost, due: cost });
    expect((await exchangesOf(database.db, id)).map(({ exchangeId }) => exchangeId)).toEqual(carriedBy);
  }
  expect(await exchangesOf(database.db, 'web~old')).toMatchObject([
    { exchangeId: 'e', state: 'ended', code: 'order_exists' },
    { exchangeId: 'f', state: 'agreed' },
    { exchangeId: 'g', state: 'ended', code: 'order_exists' },
  ]);
  expect((await auditOf(database.db, log.events)).tables.flatMap(({ first }) => first)).toEqual([]);
});
