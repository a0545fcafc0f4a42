import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { channel } from '../../src/domain/channel.js';
import { consignment } from '../../src/domain/consignment.js';
import { coupon } from '../../src/domain/coupon.js';
import { order } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { type House, openHouse } from '../../src/main.js';
import { consignmentIdOf, createConsignmentProcess } from '../../src/processes/consignment-process.js';
import { createExchangeProcess } from '../../src/processes/exchange-process.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import { createReturnProcess } from '../../src/processes/return-process.js';
import { createWatchdog, type WatchdogOptions } from '../../src/processes/watchdog.js';
import { createTodo } from '../../src/projections/todo.js';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import { EventStoreUnavailable } from '../../src/runtime/event-store.js';
import { createReadModelLag } from '../../src/runtime/read-model-lag.js';
import { readSettings } from '../../src/settings.js';
import { DUE_AT, PLACED_AT, place } from '../support/orders.js';
import { start } from '../support/payments.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { back, exchange, units } from '../support/returns.js';

/** Whoever left an order half-way is dead; the read models say what is left, and the watchdog does it. */
const ABANDONED_MS = 150;
let node: RunningEventStore;
let database: TestDatabase;
let house: House;
let number = 0;
let orderId: string;
let sku: string;

beforeAll(async () => {
  [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: database.url };
  house = await openHouse(
    readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent', HOLDFAST_TRIAL_PAYMENTS: 'on' }),
  );
  const web = { name: 'Web', timeZone: 'Europe/London', currencies: ['GBP'], sources: ['main'] };
  await house.bus.execute(
    channel,
    'web',
    { type: 'configure', settings: { ...web, confirm: 'auto' } },
    context(),
  );
});
afterAll(async () => {
  await house.close();
  await Promise.all([node.stop(), database.drop()]);
});

const context = (): CommandContext => {
  number += 1;
  const id = `c${number}`;
  return { commandId: id, correlationId: id, actor: 'test', effectiveAt: PLACED_AT };
};

beforeEach(async () => {
  number += 1;
  orderId = orderIdOf('web', `${number}`);
  sku = `sku-${number}`;
  const receipt = { type: 'receive', receiptId: 'r', quantity: 5 } as const;
  await house.bus.execute(stock, stockIdOf('main', sku), receipt, context());
});

/** Read models with everything that is in the log now, and nobody who keeps them so. */
const project = async (): Promise<void> => {
  const stopping = new AbortController();
  const running = house.runProjections(stopping.signal);
  try {
    await house.catchUp();
  } finally {
    stopping.abort();
    await running;
  }
};

/** A process that dies when it asks for one append more. */
const dyingAfter = (appends: number) => {
  let left = appends;
  const bus = createCommandRunner({
    codec: house.codec,
    store: {
      ...house.store,
      append: async (...batch) => {
        left -= 1;
        if (left < 0) throw new EventStoreUnavailable('the process is dead');
        return house.store.append(...batch);
      },
    },
  });
  const orders = createOrderProcess(bus);
  return {
    orders,
    returns: createReturnProcess(bus),
    exchanges: createExchangeProcess(bus, orders),
    consignments: createConsignmentProcess(bus, orders),
  };
};
const dies = (work: Promise<unknown>) => expect(work).rejects.toThrow('dead');

const ordered = () =>
  place([{ lineId: '1', sku, quantity: 2 }], { externalId: orderId.slice(4), confirm: 'auto' });
const statusOf = async () => (await house.bus.load(order, orderId)).state.status;
const stockOf = async () => {
  const { onHand, holds } = (await house.bus.load(stock, stockIdOf('main', sku))).state;
  return { onHand, held: holds.held };
};
const endOf = async () => (await house.store.readEnd())?.commit;

const watch = (options: Partial<WatchdogOptions> = {}) => {
  const errors: { error: unknown; what: string }[] = [];
  const advanced: string[] = [];
  const { orders, returns, payments, consignments, db } = house;
  const watchdog = createWatchdog({
    todo: createTodo(db),
    orders: {
      ...orders,
      advance: (id, given) => {
        advanced.push(id);
        return orders.advance(id, given);
      },
    },
    returns,
    exchanges: createExchangeProcess(house.bus, orders),
    payments,
    consignments,
    clock: () => new Date(PLACED_AT),
    abandonedAfterMs: ABANDONED_MS,
    onError: (error, what) => errors.push({ error, what }),
    ...options,
  });
  return { watchdog, errors, advanced };
};

/** What is in the lists now has been left alone for long enough. */
const leftAlone = async (): Promise<void> => {
  await project();
  await sleep(ABANDONED_MS + 50);
};

describe('the watchdog', () => {
  test('brings an order to its outcome that was left after its placement, or with holds and no outcome', async () => {
    for (const appends of [1, 2]) {
      orderId = orderIdOf('web', `${orderId.slice(4)}-${appends}`);
      await dies(dyingAfter(appends).orders.execute(orderId, ordered(), context()));
      await leftAlone();
      const { watchdog, errors } = watch();
      expect(await watchdog.tick()).toBe(1);
      expect([await statusOf(), errors]).toEqual(['confirmed', []]);
    }
    expect(await stockOf()).toEqual({ onHand: 5, held: 4 });
  });

  test('makes open holds follow an order that shipped, that was cancelled, that was rejected', async () => {
    await house.orders.execute(orderId, ordered(), context());
    const shipment = { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 1 }] } as const;
    await dies(dyingAfter(1).orders.execute(orderId, shipment, context()));
    expect(await stockOf()).toEqual({ onHand: 5, held: 2 });
    await leftAlone();
    await watch().watchdog.tick();
    expect(await stockOf()).toEqual({ onHand: 4, held: 1 });

    const cancellation = { type: 'cancel', cancellationId: 'x', reason: 'changed mind' } as const;
    await dies(dyingAfter(1).orders.execute(orderId, cancellation, context()));
    await leftAlone();
    await watch().watchdog.tick();
    expect(await stockOf()).toEqual({ onHand: 4, held: 0 });

    orderId = orderIdOf('web', `${orderId.slice(4)}-rejected`);
    const tooMuch = place([{ lineId: '1', sku, quantity: 9 }], { externalId: orderId.slice(4) });
    await house.orders.execute(orderId, tooMuch, context());
    // A runner that slept through the rejection and makes its hold now.
    const hold = { type: 'hold', holdId: orderId, quantity: 3 } as const;
    await house.bus.execute(stock, stockIdOf('main', sku), hold, context());
    await leftAlone();
    await watch().watchdog.tick();
    expect([await statusOf(), await stockOf()]).toEqual(['rejected', { onHand: 4, held: 0 }]);
  });

  test('gives a coupon back, and goods that came back to stock', async () => {
    const discount = { kind: 'percent', percent: '10' } as const;
    const code = `C${number}`;
    await house.bus.execute(coupon, code, { type: 'issue', terms: { discount, limit: 1 } }, context());
    await house.orders.execute(orderId, { ...ordered(), coupons: [code] }, context());
    const cancellation = { type: 'cancel', cancellationId: 'x', reason: 'changed mind' } as const;
    await dies(dyingAfter(1).orders.execute(orderId, cancellation, context()));
    const goods = { lineId: '1', kind: 'goods', sku, quantity: 4, location: 'main' } as const;
    const credit = { currency: 'GBP', amount: '1.00', reason: 'no receipt' };
    const line = { channel: 'web', note: `N${number}`, ...goods, ...credit };
    await dies(dyingAfter(1).returns.record(line, context()));
    await leftAlone();
    await watch().watchdog.tick();
    expect((await house.bus.load(coupon, code)).state).toMatchObject({ redeemed: 0 });
    expect(await stockOf()).toEqual({ onHand: 5 + 4, held: 0 });
  });

  test('follows an exchange to the end of its new order', async () => {
    const exchanges = createExchangeProcess(house.bus, house.orders);
    await house.orders.execute(orderId, ordered(), context());
    await house.orders.execute(orderId, { type: 'ship', shipmentId: 's' }, context());
    await house.orders.execute(orderId, back('r', [units('1')]), context());
    const lines = [{ lineId: '1', kind: 'goods', sku, quantity: 1, unitPrice: '1.00', tax: '0.00' }] as const;
    await exchanges.agree(orderId, exchange('e', 'r', { lines, sources: ['main'] }), context());
    const statusOfExchange = async () =>
      (await house.bus.load(order, orderId)).state.afterSales.exchanges.get('e')?.status;
    await leftAlone();
    expect([await watch().watchdog.tick(), await statusOfExchange()]).toEqual([0, 'agreed']);
    await house.orders.execute(`${orderId}-x1`, { type: 'ship', shipmentId: 's' }, context());
    await leftAlone();
    expect([await watch().watchdog.tick(), await statusOfExchange()]).toEqual([1, 'settled']);
    await leftAlone();
    expect(await watch().watchdog.tick()).toBe(0);
  });

  test('goes on with an exchange whose process died before it placed the new order', async () => {
    await house.orders.execute(orderId, ordered(), context());
    await house.orders.execute(orderId, { type: 'ship', shipmentId: 's' }, context());
    await house.orders.execute(orderId, back('r', [units('1')]), context());
    const lines = [
      { lineId: '1', kind: 'goods', sku, quantity: 99, unitPrice: '1.00', tax: '0.00' },
    ] as const;
    const { exchanges } = dyingAfter(1);
    await dies(exchanges.agree(orderId, exchange('e', 'r', { lines, sources: ['main'] }), context()));
    await leftAlone();
    expect(await watch().watchdog.tick()).toBe(1);
    const { state } = await house.bus.load(order, orderId);
    expect(state.afterSales.exchanges.get('e')?.status).toBe('ended');
  });

  test('expires what is due, as of when it was due, and lets go of its holds', async () => {
    const waiting = { ...ordered(), confirm: 'explicit', expiresAt: DUE_AT } as const;
    await house.orders.execute(orderId, waiting, context());
    await project();
    const early = watch({ clock: () => new Date(Date.parse(DUE_AT) - 1) });
    expect([await early.watchdog.tick(), await statusOf()]).toEqual([0, 'reserved']);
    const late = watch({ clock: () => new Date(Date.parse(DUE_AT) + 3_600_000) });
    expect([await late.watchdog.tick(), await statusOf()]).toEqual([1, 'expired']);
    expect(await stockOf()).toEqual({ onHand: 5, held: 0 });
    for await (const { event, metadata } of house.bus.history('order', orderId)) {
      if (event.type === 'OrderExpired') expect(Date.parse(metadata.effectiveAt)).toBe(Date.parse(DUE_AT));
    }
  });

  test('loses no deadline with the database: a new one has them all from the log', async () => {
    const waiting = { ...ordered(), confirm: 'explicit', expiresAt: DUE_AT } as const;
    await house.orders.execute(orderId, waiting, context());
    const empty = await testDatabase();
    const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: empty.url };
    const before = house;
    house = await openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent' }));
    try {
      await project();
      await watch({ clock: () => new Date(DUE_AT) }).watchdog.tick();
      expect([await statusOf(), await stockOf()]).toEqual(['expired', { onHand: 5, held: 0 }]);
    } finally {
      await house.close();
      house = before;
      await empty.drop();
    }
  });

  test('goes on past an order that cannot be moved, and says so', async () => {
    const stuck = orderIdOf('web', `${number}-stuck`);
    await dies(dyingAfter(1).orders.execute(orderId, ordered(), context()));
    await dies(
      dyingAfter(1).orders.execute(stuck, { ...ordered(), externalId: `${number}-stuck` }, context()),
    );
    await leftAlone();
    const advance: OrderProcess['advance'] = async (id, given) => {
      if (id === stuck) throw new EventStoreUnavailable('not now');
      return house.orders.advance(id, given);
    };
    const { watchdog, errors } = watch({ orders: { ...house.orders, advance } });
    expect(await watchdog.tick()).toBe(1);
    expect(await statusOf()).toBe('confirmed');
    expect(errors).toMatchObject([{ what: 'advance', error: { code: 'event_store_unavailable' } }]);
    await leftAlone();
    expect(await watch().watchdog.tick()).toBe(1);
  });

  test('leaves alone what it cannot know yet: the read models are behind, and the order has its outcome', async () => {
    let nowMs = 0;
    const lagMs = createReadModelLag({
      nowMs: () => nowMs,
      readEnd: () => house.store.readEnd(),
      readReached: async () => (await readCheckpoint(house.db))?.position,
    });
    await dies(dyingAfter(1).orders.execute(orderId, ordered(), context()));
    await project();
    // Its own process goes on, and the read models have not heard of it.
    await house.orders.advance(orderId, context());
    expect(await lagMs()).toBe(0);
    nowMs = 60_000;
    const { watchdog, advanced } = watch({ lagMs });
    await sleep(ABANDONED_MS + 50);
    const before = await endOf();
    expect(await watchdog.tick()).toBe(0);
    expect([advanced, await endOf()]).toEqual([[], before]);
    // Without knowing how far they are behind it would have been taken.
    const blind = watch();
    await blind.watchdog.tick();
    expect(blind.advanced).toEqual([orderId]);
    await leftAlone();
    expect(await watchdog.tick()).toBe(0);
  });

  const unpaid = () => ({ ...ordered(), confirm: 'payment', expiresAt: DUE_AT }) as const;
  const byTrial = (more: Partial<Parameters<typeof start>[1]> = {}) =>
    house.payments.execute(orderId, start('2.00', { provider: 'trial', ...more }), context());

  test('asks a provider again that has not answered: the order is confirmed once it does', async () => {
    await house.orders.execute(orderId, unpaid(), context());
    await byTrial({ tender: { kind: 'card', reference: 'late' } });
    expect(await statusOf()).toBe('reserved');
    await leftAlone();
    const { watchdog, errors } = watch();
    expect(await watchdog.tick()).toBe(1);
    expect([await statusOf(), errors]).toEqual(['confirmed', []]);
    await leftAlone();
    expect(await watchdog.tick()).toBe(0);
  });

  test('lets an order expire whose payment took too long, at the time that the payment had', async () => {
    const later = '2026-01-15T13:00:00.000Z';
    await house.orders.execute(orderId, unpaid(), context());
    await house.payments.execute(orderId, start('2.00', { expiresAt: later }), context());
    await project();
    await watch({ clock: () => new Date(DUE_AT) }).watchdog.tick();
    expect(await statusOf()).toBe('reserved');
    await watch({ clock: () => new Date(later) }).watchdog.tick();
    expect([await statusOf(), await stockOf()]).toEqual(['expired', { onHand: 5, held: 0 }]);
  });

  test('asks back by itself what is due, where the channel has it so, and lets go of what is authorised', async () => {
    const web = { name: 'Web', timeZone: 'Europe/London', currencies: ['GBP'], sources: ['main'] };
    const automatic = { ...web, confirm: 'auto', refunds: 'automatic' } as const;
    await house.bus.execute(channel, 'web', { type: 'configure', settings: automatic }, context());
    await house.orders.execute(orderId, unpaid(), context());
    await byTrial();
    const some = { type: 'request-capture', paymentId: 'p', captureId: 'c', amount: '1.50' } as const;
    await house.payments.execute(orderId, some, context());
    const cancellation = { type: 'cancel', cancellationId: 'x', reason: 'changed mind' } as const;
    await house.orders.execute(orderId, cancellation, context());
    const paymentOf = async () => (await house.bus.load(order, orderId)).state;
    expect(await paymentOf()).toMatchObject({ status: 'cancelled', refundDue: 150n });
    await leftAlone();
    await watch().watchdog.tick();
    const { refundDue, payments } = await paymentOf();
    expect([refundDue, payments.get('p')?.stage]).toEqual([0n, 'voided']);
    await leftAlone();
    expect(await watch().watchdog.tick()).toBe(0);
  });

  test('finishes a consignment that somebody left between its orders', async () => {
    const ids = ['a', 'b'].map((which) => `${number}-${which}`);
    const together = { customerId: 'c1', destination: { country: 'GB' } };
    for (const externalId of ids) {
      const command = { ...ordered(), ...together, externalId };
      await house.orders.execute(orderIdOf('web', externalId), command, context());
    }
    const request = {
      channel: 'web',
      consignmentId: `${number}`,
      location: 'main',
      orders: ids.map((id) => orderIdOf('web', id)),
    };
    // Planned, and the first order shipped with its goods; nobody says so to the consignment.
    await dies(dyingAfter(3).consignments.plan(request, context()));
    await leftAlone();
    const { watchdog } = watch();
    expect(await watchdog.tick()).toBe(1);
    const { state } = await house.bus.load(consignment, consignmentIdOf('web', request.consignmentId));
    expect(state.status).toBe('closed');
    expect([...state.outcomes.values()]).toEqual(Array(2).fill({ outcome: 'shipped', units: 2 }));
    expect(await stockOf()).toEqual({ onHand: 1, held: 0 });
    await leftAlone();
    expect(await watchdog.tick()).toBe(0);
  });

  test('has nothing to do again once it did it', async () => {
    await dies(dyingAfter(1).orders.execute(orderId, ordered(), context()));
    await leftAlone();
    await watch().watchdog.tick();
    await leftAlone();
    const before = await endOf();
    expect(await watch().watchdog.tick()).toBe(0);
    expect(await endOf()).toBe(before);
  });
});
