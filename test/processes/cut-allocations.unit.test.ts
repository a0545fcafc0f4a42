import { describe, expect, test } from '@jest/globals';
import { type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import { openUnits, shortUnits, stillHeld } from '../../src/domain/order-allocations.js';
import { isEnded } from '../../src/domain/order-state.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';

/** The cut test for orders that are held in parts: what is short, later rounds, changes, tills. */
const ORDER = orderIdOf('web', '1');
const LOCATIONS = ['north', 'south'];
const SKUS = ['A', 'B', 'C'];

interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}
const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));

const receive = (location: string, sku: string, quantity: number, receiptId = 'r1'): Step<World> =>
  done(stock, stockIdOf(location, sku), { type: 'receive', receiptId, quantity });
/** Five of A are wanted and four are there, in two places; B is there. */
const stocked = [receive('north', 'A', 3), receive('south', 'A', 1), receive('south', 'B', 2)];

const placing = (extra: Partial<PlaceOrder>): OrderCommand => ({
  type: 'place',
  channel: 'web',
  externalId: '1',
  placedAt: '2026-11-22T10:00:00Z',
  currency: 'EUR',
  coupons: [],
  confirm: 'auto',
  sources: LOCATIONS,
  contentHash: 'h',
  lines: [
    { lineId: '1', kind: 'goods', sku: 'A', quantity: 3, unitPrice: '9.99', tax: '0.00' },
    { lineId: '2', kind: 'goods', sku: 'B', quantity: 2, unitPrice: '5.00', tax: '0.50' },
    { lineId: '3', kind: 'goods', sku: 'A', quantity: 2, unitPrice: '8.00', tax: '0.00' },
  ],
  ...extra,
});
const run = ({ orders }: World, command: OrderCommand) => orders.execute(ORDER, command, context());
const backorder: Step<World> = (w) => run(w, placing({ shortage: 'backorder' }));
const whole: Step<World> = (w) =>
  run(
    w,
    placing({
      lines: [{ lineId: '1', kind: 'goods', sku: 'A', quantity: 2, unitPrice: '9.99', tax: '0.00' }],
    }),
  );
const advance: Step<World> = ({ orders }) => orders.advance(ORDER, context());
const propose =
  (sku: string, quantity: number): Step<World> =>
  (w) =>
    run(w, {
      type: 'propose-change',
      changeId: 'c',
      reason: 'called',
      actions: [
        { kind: 'add', line: { lineId: '9', kind: 'goods', sku, quantity, unitPrice: '1.00', tax: '0.00' } },
        { kind: 'reduce', lineId: '1', quantity: 1 },
      ],
    });
const confirmChange: Step<World> = (w) => run(w, { type: 'confirm-change', changeId: 'c' });

const scenarios: Record<string, { before: Step<World>[]; cut: Step<World>; again?: Step<World> }> = {
  'place, and wait for what is short': { before: [], cut: backorder },
  'place, and cancel what is short': {
    before: [],
    cut: (w) => run(w, placing({ shortage: 'ship-available' })),
  },
  'place, sold already': { before: [], cut: (w) => run(w, placing({ shortage: 'shortfall' })) },
  'place at a till': {
    before: [],
    cut: (w) => run(w, placing({ shortage: 'shortfall', handover: 'at-once' })),
  },
  'place, and nothing is there to ship': {
    before: [],
    cut: (w) =>
      run(w, {
        ...(placing({ shortage: 'ship-available' }) as PlaceOrder),
        lines: [{ lineId: '1', kind: 'goods', sku: 'C', quantity: 1, unitPrice: '1.00', tax: '0.00' }],
      }),
  },
  'stock comes for what is short': {
    before: [backorder, receive('south', 'A', 5, 'r2')],
    cut: advance,
  },
  'stock comes to a location that is added by hand': {
    before: [
      (w) => run(w, placing({ shortage: 'backorder', sources: ['north'] })),
      (w) => run(w, { type: 'extend-sources', locations: ['south'], reason: 'found' }),
    ],
    cut: advance,
  },
  'ship what is held, from two places': {
    before: [backorder],
    cut: (w) => run(w, { type: 'ship', shipmentId: 's' }),
  },
  'cancel what is short and more': {
    before: [backorder],
    cut: (w) =>
      run(w, { type: 'cancel', cancellationId: 'x', reason: 'no', lines: [{ lineId: '3', quantity: 2 }] }),
  },
  'cancel everything': {
    before: [backorder],
    cut: (w) => run(w, { type: 'cancel', cancellationId: 'x', reason: 'no' }),
  },
  expire: {
    before: [
      (w) =>
        run(w, placing({ shortage: 'backorder', confirm: 'explicit', expiresAt: '2026-11-22T11:00:00Z' })),
    ],
    cut: (w) => run(w, { type: 'expire', dueAt: '2026-11-22T11:00:00Z' }),
  },
  'confirm a change that adds what is there': {
    before: [whole, propose('B', 2)],
    cut: confirmChange,
    again: confirmChange,
  },
  'confirm a change that adds what is there in two places': {
    before: [whole, receive('north', 'B', 1), propose('B', 3)],
    cut: confirmChange,
    again: confirmChange,
  },
  'confirm a change of an order that waits': {
    before: [backorder, propose('A', 2)],
    cut: confirmChange,
    again: confirmChange,
  },
  'refuse a change that adds more than there is': { before: [whole, propose('B', 3)], cut: confirmChange },
};

const openOf = ({ holds }: (typeof stock)['initialState']): number =>
  [...holds.open]
    .filter(([id]) => id === ORDER || id.startsWith(`${ORDER}/`))
    .reduce((sum, [, { quantity, captured, released }]) => sum + quantity - captured - released, 0);

/** What comes out: rounds and where a unit is held may differ. */
const outcome = async ({ bus }: World) => {
  const { state } = await bus.load(order, ORDER);
  const held: Record<string, number> = {};
  const onHand: Record<string, number> = {};
  for (const sku of SKUS) {
    for (const location of LOCATIONS) {
      const { state: level } = await bus.load(stock, stockIdOf(location, sku));
      held[sku] = (held[sku] ?? 0) + openOf(level);
      onHand[sku] = (onHand[sku] ?? 0) + level.onHand;
    }
  }
  const { status, version, lines } = state;
  return { status, version, lines: [...lines.values()], short: [...shortUnits(state)], held, onHand };
};

/** Every unit that is held for the order is one of its allocations, and every open one is held or known to be short. */
const noLeak = async ({ bus }: World): Promise<void> => {
  const { state } = await bus.load(order, ORDER);
  const over = isEnded(state.status);
  for (const sku of SKUS) {
    let held = 0;
    for (const location of LOCATIONS) {
      const { state: level } = await bus.load(stock, stockIdOf(location, sku));
      const wanted = state.allocations
        .filter((one) => one.sku === sku && one.location === location && !over)
        .reduce((sum, one) => sum + stillHeld(one), 0);
      expect([location, sku, openOf(level)]).toEqual([location, sku, wanted]);
      expect(level.holds.held).toBeLessThanOrEqual(level.onHand);
      held += wanted;
    }
    const open = [...state.lines.values()]
      .filter((line) => line.kind === 'goods' && line.sku === sku && !over)
      .reduce((sum, line) => sum + openUnits(line), 0);
    expect([sku, open]).toEqual([sku, held + (over ? 0 : (shortUnits(state).get(sku) ?? 0))]);
  }
};

const TAKEN = 'somebody else takes the rest';
const meanwhile: Record<string, Step<World> | undefined> = {
  'nothing changes': undefined,
  // And the watchdog is quicker than whoever asks again.
  'more comes in': async (world) => {
    await receive('north', 'A', 9, 'r9')(world);
    await advance(world);
  },
  [TAKEN]: async (world) => {
    for (const location of LOCATIONS) {
      for (const sku of SKUS) {
        const { onHand, holds } = (await world.bus.load(stock, stockIdOf(location, sku))).state;
        const left = onHand - holds.held;
        if (left === 0) continue;
        await done(stock, stockIdOf(location, sku), { type: 'hold', holdId: 'them', quantity: left })(world);
      }
    }
  },
  'it is cancelled': async (world) => {
    await run(world, { type: 'cancel', cancellationId: 'meanwhile', reason: 'no' });
  },
};

describe.each(Object.entries(scenarios))('%s', (_, { before, cut, again }) => {
  test.each(Object.entries(meanwhile))('cut after every append, then %s', async (name, change) => {
    const more: Step<World> = async (world) => {
      await advance(world);
      // Who is refused for want of stock is refused each time, after holding what there was.
      if (name !== TAKEN) await again?.(world);
    };
    await given(...stocked, ...before)
      .when(cut)
      .thenCutAnywhere({
        advance: more,
        outcome,
        always: noLeak,
        ...(change === undefined ? {} : { meanwhile: change }),
      });
  });
});

test.each([
  'place, and wait for what is short',
  'stock comes for what is short',
  'confirm a change that adds what is there in two places',
])('two runners at once: %s', async (name) => {
  const { before = [], cut = advance } = scenarios[name] ?? {};
  await given(...stocked, ...before)
    .when(cut)
    .thenTwoAtOnce({ advance, outcome, always: noLeak });
});

test('an order that waits takes as many appends as it has holds, and two', async () => {
  expect(
    await given(...stocked)
      .when(backorder)
      .thenCutAnywhere({ advance, outcome, always: noLeak }),
  ).toBe(1 + 3 + 2);
});
