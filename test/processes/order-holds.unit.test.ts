import { describe, expect, test } from '@jest/globals';
import { coupon } from '../../src/domain/coupon.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { order, type PlaceOrder } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, EFFECTS_AT_ONCE, type OrderProcess } from '../../src/processes/order-process.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import { type EventStore, EventStoreUnavailable } from '../../src/runtime/event-store.js';
import { createMemoryEventStore } from '../support/memory-event-store.js';
import { place } from '../support/orders.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** What becomes of the holds of an order that is not held at once, from one place. */
const ORDER = orderIdOf('web', '1001');

interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}
const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));

const codec = createCodec(allEventDefinitions);
const houseOn = (store: EventStore): World => {
  const bus = createCommandRunner({ store, codec });
  return { bus, orders: createOrderProcess(bus) };
};

const backorder = (more: Partial<PlaceOrder> = {}, lines = [{ lineId: '1', sku: 'A', quantity: 5 }]) =>
  place(lines, { shortage: 'backorder', confirm: 'auto', ...more });
const receive = (location: string, sku: string, quantity: number): Step<World> =>
  done(stock, stockIdOf(location, sku), { type: 'receive', receiptId: 'r', quantity });
const run =
  (command: Parameters<OrderProcess['execute']>[1]): Step<World> =>
  ({ orders }) =>
    orders.execute(ORDER, command, context());

describe('the coupon of an order that waits for stock', () => {
  const issued = done(coupon, 'TEN', {
    type: 'issue',
    terms: { discount: { kind: 'percent', percent: '10' }, limit: 1 },
  });
  const cancel = run({ type: 'cancel', cancellationId: 'x', reason: 'no' });

  test('is given back when it is cancelled, though nothing was held', async () => {
    await given(issued, run(backorder({ coupons: ['TEN'] })))
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponGivenBack'] });
  });

  test('is given back with the units that lack, where what was held was cancelled before', async () => {
    const lines = [
      { lineId: '1', sku: 'A', quantity: 3 },
      { lineId: '2', sku: 'B', quantity: 2 },
    ];
    const held = [{ lineId: '1', quantity: 3 }];
    await given(
      issued,
      receive('main', 'A', 3),
      run(backorder({ coupons: ['TEN'] }, lines)),
      run({ type: 'cancel', cancellationId: 'w', reason: 'no', lines: held }),
    )
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponGivenBack'] });
  });

  test('is let go where the order was never confirmed', async () => {
    await given(issued, run(backorder({ coupons: ['TEN'], confirm: 'explicit' })))
      .when(cancel)
      .thenEvents({ 'order-web~1001': ['OrderLinesCancelled'], 'coupon-TEN': ['CouponReleased'] });
  });
});

describe('two runners of one order', () => {
  const heldAt = async (store: EventStore, ...locations: string[]) => {
    const { bus } = houseOn(store);
    const states = await Promise.all(locations.map((at) => bus.load(stock, stockIdOf(at, 'A'))));
    return states.map(({ state }) => state.holds.held);
  };
  /** Does something the first time that anything is about to be appended to a stream. */
  const onceBefore = (store: EventStore, stream: string, meanwhile: () => Promise<unknown>): EventStore => {
    let met = false;
    return {
      ...store,
      append: async (to, events, expected) => {
        if (to === stream && !met) {
          met = true;
          await meanwhile();
        }
        return store.append(to, events, expected);
      },
    };
  };
  const dyingInTheOrder = (store: EventStore): EventStore => ({
    ...store,
    append: async (stream, events, expected) => {
      if (stream.startsWith('order-') && events[0]?.type !== 'OrderPlaced') {
        throw new EventStoreUnavailable('died');
      }
      return store.append(stream, events, expected);
    },
  });

  test('both hold all of it, unseen by each other, and die: one is kept and the other let go', async () => {
    const store = createMemoryEventStore();
    await receive('shop', 'A', 5)(houseOn(store));
    // The first was refused by `main`, and is slow. Now `main` has some, and the watchdog looks after the order.
    const slow = onceBefore(dyingInTheOrder(store), 'stock-shop~A', async () => {
      await receive('main', 'A', 5)(houseOn(store));
      await expect(houseOn(dyingInTheOrder(store)).orders.advance(ORDER, context())).rejects.toThrow('died');
    });
    await expect(run(backorder())(houseOn(slow))).rejects.toThrow('died');
    expect(await heldAt(store, 'main', 'shop')).toEqual([5, 5]);

    const later = houseOn(store);
    await later.orders.advance(ORDER, context());
    expect(await heldAt(store, 'main', 'shop')).toEqual([5, 0]);
    await run({ type: 'ship', shipmentId: 's' })(later);
    const { state } = await later.bus.load(order, ORDER);
    expect([state.status, await heldAt(store, 'main', 'shop')]).toEqual(['completed', [0, 0]]);
  });

  test('one is where the other holds all: the part of the first is let go, and nothing is short', async () => {
    const store = createMemoryEventStore();
    await receive('shop', 'A', 5)(houseOn(store));
    const slow = onceBefore(dyingInTheOrder(store), 'stock-shop~A', async () => {
      await receive('main', 'A', 3)(houseOn(store));
    });
    await expect(run(backorder())(houseOn(slow))).rejects.toThrow('died');
    const quick = houseOn(store);
    await done(stock, 'main~A', { type: 'hold', holdId: ORDER, quantity: 3 })(quick);
    await quick.orders.advance(ORDER, context());
    expect(await heldAt(store, 'main', 'shop')).toEqual([0, 5]);
  });

  test('a hold of the first round is let go also where a later round has the same place', async () => {
    const store = createMemoryEventStore();
    await receive('main', 'A', 1)(houseOn(store));
    const slow = onceBefore(store, 'stock-main~A', async () => {
      // The watchdog is quicker; then `shop` gets some, for the next round and for the one that is slow.
      await houseOn(store).orders.advance(ORDER, context());
      await receive('shop', 'A', 9)(houseOn(store));
      await houseOn(store).orders.advance(ORDER, context());
    });
    await run(backorder())(houseOn(slow));
    expect(await heldAt(store, 'main', 'shop')).toEqual([1, 4]);
  });
});

describe('an order that got its stock in many rounds', () => {
  const skus = Array.from({ length: 20 }, (_, index) => `S${index}`);
  const sources = Array.from({ length: 10 }, (_, index) => `L${index}`);
  const lines = skus.map((sku, index) => ({ lineId: `${index}`, sku, quantity: 100 }));

  /** One unit of one SKU in each round after the first; then what `advance` asks of the bus. */
  const advanceAfter = async (rounds: number, left?: Step<World>) => {
    const world = houseOn(createMemoryEventStore());
    await run(backorder({ sources }, lines))(world);
    for (let round = 2; round <= rounds; round += 1) {
      const sku = skus[round % skus.length] ?? '';
      const at = stockIdOf('L0', sku);
      await done(stock, at, { type: 'receive', receiptId: `r${round}`, quantity: 1 })(world);
      await done(stock, at, { type: 'hold', holdId: `${ORDER}/${round}`, quantity: 1 })(world);
      const allocations = [{ sku, location: 'L0', quantity: 1, refused: [] }];
      await done(order, ORDER, { type: 'allocate', round, allocations })(world);
    }
    await left?.(world);
    const counts = { settled: 0, asked: 0, loads: 0, atOnce: 0 };
    let running = 0;
    const { execute, load } = world.bus;
    const counting: CommandBus = {
      ...world.bus,
      execute: (decider, id, command, ...rest) => {
        if ((command as { type: string }).type === 'settle') counts.settled += 1;
        else counts.asked += 1;
        running += 1;
        counts.atOnce = Math.max(counts.atOnce, running);
        return execute(decider, id, command, ...rest).finally(() => {
          running -= 1;
        });
      },
      load: (...asked) => {
        counts.loads += 1;
        return load(...asked);
      },
    };
    await createOrderProcess(counting).advance(ORDER, context());
    return { ...counts, world };
  };

  test('is advanced with as many commands and reads as after one', async () => {
    const places = skus.length * sources.length;
    const { settled, asked, loads } = await advanceAfter(1);
    expect(await advanceAfter(60)).toMatchObject({ settled, asked, loads });
    // Each place is asked whether it has something now, and looked at twice.
    expect({ settled, asked, loads }).toEqual({ settled: 0, asked: places, loads: 1 + 2 * places });
  });

  test('lets go of what was left in any of its rounds, a few hundred at once', async () => {
    const strays = async (world: World) => {
      for (const sku of skus) {
        const at = stockIdOf('L9', sku);
        await done(stock, at, { type: 'receive', receiptId: 'r', quantity: 100 })(world);
        for (let round = 3; round < 43; round += 1)
          await done(stock, at, { type: 'hold', holdId: `${ORDER}/${round}`, quantity: 1 })(world);
        await done(stock, at, { type: 'hold', holdId: 'them', quantity: 60 })(world);
      }
    };
    const { settled, atOnce, world } = await advanceAfter(43, strays);
    expect(settled).toBe(skus.length * 40);
    expect(atOnce).toBeLessThanOrEqual(EFFECTS_AT_ONCE);
    const levels = await Promise.all(skus.map((sku) => world.bus.load(stock, stockIdOf('L9', sku))));
    expect(levels.map(({ state }) => state.holds.held)).toEqual(skus.map(() => 60));
  });
});
