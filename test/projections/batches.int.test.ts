import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { coupon } from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import { remaining } from '../../src/domain/hold.js';
import { order, sourcesOf } from '../../src/domain/order.js';
import { stillHeld } from '../../src/domain/order-allocations.js';
import { isEnded, type OrderLine, type OrderState, openUnits } from '../../src/domain/order-state.js';
import { reviewsBlocking } from '../../src/domain/review.js';
import { stock } from '../../src/domain/stock.js';
import { splitId, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { createReturnProcess, noteIdOf } from '../../src/processes/return-process.js';
import { takeFillableOrders } from '../../src/projections/backorder-queue.js';
import { ownerOfHold } from '../../src/projections/hold-ledger.js';
import { listShipments } from '../../src/projections/shipment-queue.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { batchSizes, type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import type { MemoryLog } from './memory-log.js';
import { ALL_ORDERS, contextOf, LOCATIONS, shopDay, trade } from './shop-days.js';

const RUNS = 20;
const TIMEOUT_MS = 60_000;

let database: TestDatabase;
let readModels: ProjectionSpec;
beforeAll(async () => {
  database = await testDatabase();
  readModels = await projectionSpec(database.db);
}, TIMEOUT_MS);
afterAll(() => database.drop());

const idsOf = (log: MemoryLog, category: string): string[] => [
  ...new Set(log.events.filter((event) => event.category === category).map(({ streamId }) => streamId)),
];

const query = async <Row>(sql: string): Promise<Row[]> => (await database.db.query<Row>(sql)).rows;

const countsOf = (state: OrderState) => {
  const lines = [...state.lines.values()];
  const sum = (of: (line: (typeof lines)[number]) => number | bigint): bigint =>
    lines.reduce((all, line) => all + BigInt(of(line)), 0n);
  return {
    status: state.status,
    units: sum(({ quantity }) => quantity),
    shipped_units: sum(({ shipped }) => shipped),
    cancelled_units: sum(({ cancelled }) => cancelled),
    returned_units: sum(({ returned }) => returned),
    discount_total: sum(({ discount }) => discount),
    tax_total: sum(({ tax }) => tax),
    total: sum(({ amount, discount, tax }) => amount - discount + tax),
    rejection_code: state.rejection?.code ?? null,
    expires_at: state.expiresAt === undefined ? null : new Date(state.expiresAt),
  };
};

const alsoAt = ({ allocations }: OrderState, { kind, sku }: OrderLine): string[] | null => {
  const places = allocations.filter((one) => kind === 'goods' && one.sku === sku);
  const [, ...others] = new Set(places.map(({ location }) => location));
  return others.length === 0 ? null : others;
};

const linesOf = (state: OrderState) =>
  [...state.lines.values()].map((line, line_no) => ({
    line_id: line.lineId,
    line_no,
    sku: line.sku,
    location: sourcesOf(state)(line) ?? null,
    also_at: alsoAt(state, line),
    quantity: line.quantity,
    amount: line.amount,
    discount: line.discount,
    shipped: line.shipped,
    cancelled: line.cancelled,
    returned: line.returned,
  }));

/** Units by SKU and place that are still held, where any ever were. */
const heldOf = (state: OrderState): Map<string, Map<string, number>> => {
  const held = new Map<string, Map<string, number>>();
  for (const { sku, location, quantity, captured, released } of state.allocations) {
    const places = held.get(sku) ?? new Map<string, number>();
    const units = state.status === 'expired' ? 0 : quantity - captured - released;
    held.set(sku, places.set(location, (places.get(location) ?? 0) + units));
  }
  return held;
};

const allocationsOf = (order_id: string, state: OrderState) =>
  [...heldOf(state)].flatMap(([sku, places]) =>
    [...places].flatMap(([location, held]) => (held > 0 ? [{ order_id, sku, location, held }] : [])),
  );

/** What a queue says can be shipped: all that is held and not held back, each unit once, and each shipment can be made. */
const expectShipmentsOfDeciders = async (log: MemoryLog): Promise<void> => {
  const listed = new Map<string, number>();
  for (const location of LOCATIONS) {
    for (const { orderId, splitId, units } of (await listShipments(database.db, { location })).items) {
      listed.set(orderId, (listed.get(orderId) ?? 0) + units);
      const apart = splitId === null ? {} : { splitId };
      const decided = order.decide(
        { type: 'ship', shipmentId: 'listed', location, ...apart },
        (await log.load(order, orderId)).state,
      );
      const goods = isRejection(decided)
        ? []
        : decided.flatMap((event) =>
            event.type === 'OrderShipped'
              ? event.data.lines.filter((line) => line.location === location)
              : [],
          );
      expect(goods.reduce((sum, { quantity }) => sum + quantity, 0)).toBeGreaterThanOrEqual(units);
    }
  }
  for (const id of idsOf(log, 'order')) {
    const { state } = await log.load(order, id);
    const blocked = reviewsBlocking(state.reviews, 'ship');
    const isFree = (line: OrderLine): boolean =>
      blocked.every(({ held }) => held.lines !== undefined && !held.lines.includes(line.lineId));
    let units = 0;
    for (const [sku, places] of state.status === 'confirmed' ? heldOf(state) : []) {
      const open = [...state.lines.values()].filter((line) => line.sku === sku && line.kind === 'goods');
      const wanted = open.filter(isFree).reduce((sum, line) => sum + openUnits(line), 0);
      units += Math.min(
        wanted,
        [...places.values()].reduce((sum, held) => sum + held, 0),
      );
    }
    expect([id, listed.get(id) ?? 0]).toEqual([id, units]);
  }
};

const expectRowsOfDeciders = async (log: MemoryLog): Promise<void> => {
  const orders = await query<{ order_id: string }>(
    `SELECT order_id, status, units, shipped_units, cancelled_units, returned_units, discount_total, tax_total, total,
       rejection_code, expires_at FROM orders`,
  );
  const lines = await query<{ order_id: string }>(
    `SELECT order_id, line_id, line_no, sku, location, also_at, quantity, amount, discount, shipped, cancelled, returned
     FROM order_lines ORDER BY line_no`,
  );
  const allocations = await query<{ order_id: string }>(
    'SELECT order_id, sku, location, held FROM order_allocations',
  );
  const waiting: string[] = [];
  for (const order_id of idsOf(log, 'order')) {
    const { state } = await log.load(order, order_id);
    expect(orders.find((row) => row.order_id === order_id)).toEqual({ order_id, ...countsOf(state) });
    expect(lines.filter((row) => row.order_id === order_id)).toEqual(
      linesOf(state).map((line) => ({ order_id, ...line })),
    );
    const places = allocationsOf(order_id, state);
    const found = allocations.filter((row) => row.order_id === order_id);
    expect(found).toHaveLength(places.length);
    expect(found).toEqual(expect.arrayContaining(places));
    const open = state.status === 'placed' || state.status === 'reserved';
    if (open && state.expiresAt !== undefined) waiting.push(order_id);
  }
  expect(orders).toHaveLength(idsOf(log, 'order').length);
  expect(
    (await query<{ order_id: string }>('SELECT order_id FROM deadlines')).map((row) => row.order_id).sort(),
  ).toEqual(waiting.sort());
  const levels = await query('SELECT location, sku, on_hand, held, available FROM stock_levels');
  for (const id of idsOf(log, 'stock')) {
    const { state } = await log.load(stock, id);
    const [location, sku] = splitId(id);
    const held = BigInt(state.holds.held);
    const on_hand = BigInt(state.onHand);
    expect(levels).toContainEqual({ location, sku, on_hand, held, available: on_hand - held });
  }
  expect(levels).toHaveLength(idsOf(log, 'stock').length);
  for (const code of idsOf(log, 'coupon')) {
    const { state } = await log.load(coupon, code);
    expect(await query('SELECT code, held, redeemed FROM coupons')).toContainEqual({
      code,
      held: BigInt(state.holds.held),
      redeemed: BigInt(state.redeemed),
    });
  }
};

/** What `advance` would write: there is some where the watchdog has an entry. */
const workLeft = async (log: MemoryLog, advance: (fork: MemoryLog) => Promise<unknown>) => {
  const fork = log.fork();
  await advance(fork);
  return fork.events.slice(log.events.length).map(({ event }) => event.type);
};

/** Whether any stock holds other units for the order than the order has there, in whichever rounds. */
const isHeldOtherwise = async (log: MemoryLog, orderId: string): Promise<boolean> => {
  const { state } = await log.load(order, orderId);
  for (const stockId of idsOf(log, 'stock')) {
    const { holds } = (await log.load(stock, stockId)).state;
    const held = [...holds.open].filter(([id]) => ownerOfHold(id) === orderId);
    const had = isEnded(state.status)
      ? []
      : state.allocations.filter(({ location, sku }) => stockIdOf(location, sku) === stockId);
    const units = held.reduce((sum, [, hold]) => sum + remaining(hold), 0);
    if (units !== had.reduce((sum, one) => sum + stillHeld(one), 0)) return true;
  }
  return false;
};

/** What `advance` writes to fill an order, and not to settle what it holds. */
const FILLING: readonly string[] = ['OrderAllocated', 'StockHeld'];

const expectAttentionWhereWorkIsLeft = async (log: MemoryLog): Promise<void> => {
  const wanted = new Map<string, string>();
  /** Orders for which another round of holds is due: the backorders have them. */
  const fillable = new Set<string>();
  for (const id of ALL_ORDERS) {
    const left = await workLeft(log, (fork) => createOrderProcess(fork).advance(id, contextOf('advance')));
    const { state } = await log.load(order, id);
    const isFillable = left.includes('OrderAllocated');
    if (isFillable) fillable.add(id);
    const isToSettle = left.some((type) => !FILLING.includes(type)) || (await isHeldOtherwise(log, id));
    if (isFillable ? isToSettle : left.length > 0)
      wanted.set(id, state.status === 'placed' ? 'outcome' : 'order');
  }
  const note = noteIdOf('web', 'N 1');
  const ofNote = await workLeft(log, (fork) => createReturnProcess(fork).advance(note, contextOf('advance')));
  if (ofNote.length > 0) wanted.set(note, 'note');
  const rows = await query<{ owner_id: string; attention: string }>(
    'SELECT owner_id, attention FROM holds WHERE attention IS NOT NULL',
  );
  const attention = new Map(rows.map((row) => [row.owner_id, row.attention]));
  const unattended = [...fillable].filter((id) => !attention.has(id));
  const taken = await takeFillableOrders(database.db, ALL_ORDERS.length);
  expect(taken).toEqual(expect.arrayContaining(unattended));
  expect(attention).toEqual(wanted);
};

describe('the read models', () => {
  test(
    'have the same rows however the log is cut into batches, and those that the deciders come to',
    async () => {
      await fc.assert(
        fc.asyncProperty(shopDay, batchSizes, async (day, sizes) => {
          const log = await trade(day);
          await readModels.expectSame(log.events, sizes);
          await expectRowsOfDeciders(log);
          await expectShipmentsOfDeciders(log);
          await expectAttentionWhereWorkIsLeft(log);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );
});
