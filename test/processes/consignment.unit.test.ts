import { describe, expect, test } from '@jest/globals';
import { consignment } from '../../src/domain/consignment.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { openUnits } from '../../src/domain/order-state.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { consignmentIdOf, createConsignmentProcess } from '../../src/processes/consignment-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { given, run, type World } from '../support/consignment-world.js';
import { place } from '../support/orders.js';
import { context, done, type Step } from '../support/process-spec.js';
import { review } from '../support/reviews.js';

/** Three orders of a customer leave as one shipment, whatever dies and whatever happens to one of them meanwhile. */

const NUMBERS = ['1', '2', '3'];
const IDS = NUMBERS.map((number) => orderIdOf('web', number));
const KEY = consignmentIdOf('web', 'k');
const REQUEST = { channel: 'web', consignmentId: 'k', location: 'main', orders: IDS };

const opened =
  (number: string, more: object = {}): Step<World> =>
  async ({ orders }) => {
    const command = place(
      [
        { lineId: '1', sku: 'A', quantity: 2 },
        { lineId: 'p', kind: 'charge', sku: 'POST' },
      ],
      {
        externalId: number,
        customerId: 'c1',
        destination: { country: 'GB' },
        confirm: 'auto',
        ...more,
      },
    );
    const answer = await orders.execute(orderIdOf('web', number), command, context());
    expect(answer.state.status).toBe('confirmed');
  };
const stocked = done(stock, stockIdOf('main', 'A'), { type: 'receive', receiptId: 'r', quantity: 9 });
const before = [stocked, ...NUMBERS.map((number) => opened(number))];
const merging: Step<World> = ({ consignments }) => consignments.plan(REQUEST, context());
const advance: Step<World> = ({ consignments }) => consignments.advance(KEY, context());

/** Every order is shipped or says why not, the goods of what is shipped are gone, and no unit is lost. */
const always: Step<World> = async ({ bus }) => {
  const { state } = await bus.load(consignment, KEY);
  let captured = 0;
  for (const id of IDS) {
    const { lines, decided } = (await bus.load(order, id)).state;
    for (const line of lines.values()) {
      expect(line.quantity).toBe(openUnits(line) + line.cancelled + line.shipped);
      if (line.kind === 'goods') captured += line.shipped;
    }
    if (state.status !== 'closed') continue;
    const shipped = state.outcomes.get(id)?.outcome === 'shipped';
    expect([id, decided.has('shipment:consignment:k')]).toEqual([id, shipped]);
  }
  expect((await bus.load(stock, stockIdOf('main', 'A'))).state.onHand).toBe(9 - captured);
};
const closes: Step<World> = async (world) => {
  await always(world);
  const { status } = (await world.bus.load(consignment, KEY)).state;
  expect(['none', 'closed']).toContain(status);
};

describe('orders of one customer', () => {
  test('leave together: each ships its own units under one shipment id', async () => {
    const shipped = (orderId: string) => ({ type: 'ConsignmentOrderShipped', data: { orderId, units: 3 } });
    const { bus } = await given(...before)
      .when(merging)
      .thenEvents({
        [`consignment-${KEY}`]: [
          { type: 'ConsignmentPlanned', data: { ...REQUEST, customerId: 'c1' } },
          ...IDS.map(shipped),
          { type: 'ConsignmentClosed', data: { shipped: 3, dropped: 0 } },
        ],
        ...Object.fromEntries(IDS.map((id) => [`order-${id}`, ['OrderShipped', 'OrderCompleted']])),
        'stock-main~A': ['StockCaptured', 'StockCaptured', 'StockCaptured'],
      });
    const { decided } = (await bus.load(order, IDS[0] ?? '')).state;
    expect([...decided.keys()]).toEqual(['shipment:consignment:k']);
  });

  test('are merged after any death: cut after every append', async () => {
    const deaths = await given(...before)
      .when(merging)
      .thenCutAnywhere({ advance, always: closes });
    // The plan, and per order its shipment, its stock and its outcome.
    expect(deaths).toBe(1 + 3 * 3 + 1);
  });

  test('by two at once are merged once', async () => {
    await given(...before)
      .when(merging)
      .thenTwoAtOnce({ advance, always: closes });
  });

  test('sent twice at once, are told so twice: also where the second sees only what the first has done', async () => {
    const statuses: unknown[] = [];
    const second: Step<World> = async ({ bus, orders, consignments }) => {
      let first: Promise<unknown> | undefined;
      const seesTooMuch: CommandBus = {
        ...bus,
        load: async (decider, id, options) => {
          if (decider.category === 'order') {
            first ??= consignments.plan(REQUEST, context());
            await first;
          }
          return bus.load(decider, id, options);
        },
      };
      const answer = await createConsignmentProcess(seesTooMuch, orders).plan(REQUEST, context());
      statuses.push([answer.status, answer.status === 'accepted' && answer.replayed, answer.state.status]);
    };
    await given(...before, second)
      .when(second)
      .thenEvents({});
    expect(statuses).toEqual([
      ['accepted', true, 'closed'],
      ['accepted', true, 'closed'],
    ]);
  });

  test.each<[string, OrderCommand]>([
    ['cancelled', { type: 'cancel', cancellationId: 'x', reason: 'changed mind' }],
    ['held', review('h', { blocks: ['ship'] })],
    ['shipped otherwise', { type: 'ship', shipmentId: 'own' }],
    ['shipped in part', { type: 'ship', shipmentId: 'own', lines: [{ lineId: '1', quantity: 1 }] }],
    ['split', { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 1 }] }],
  ])('one of them is %s in between, after any death', async (_, command) => {
    await given(...before)
      .when(merging)
      .thenCutAnywhere({ advance, always: closes, meanwhile: run('2', command) });
  });
});

describe('an order that can no longer ship drops out with its reason', () => {
  test.each<[string, OrderCommand, string]>([
    ['cancelled', { type: 'cancel', cancellationId: 'x', reason: '' }, 'wrong_status'],
    ['held', review('h', { blocks: ['ship'] }), 'order_held'],
    ['shipped', { type: 'ship', shipmentId: 'own' }, 'wrong_status'],
    [
      'split off whole',
      { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 2 }] },
      'nothing_open',
    ],
  ])('%s', async (_, command, code) => {
    const planned = done(consignment, KEY, { type: 'plan', plan: { ...REQUEST, customerId: 'c1' } });
    const { bus } = await given(...before, planned, run('2', command))
      .when(advance)
      .thenEvents({
        [`consignment-${KEY}`]: [
          'ConsignmentOrderShipped',
          {
            type: 'ConsignmentOrderDropped',
            data: { orderId: 'web~2', code, detail: expect.any(String) },
          } as never,
          'ConsignmentOrderShipped',
          { type: 'ConsignmentClosed', data: { shipped: 2, dropped: 1 } },
        ],
        'order-web~1': ['OrderShipped', 'OrderCompleted'],
        'order-web~3': ['OrderShipped', 'OrderCompleted'],
        'stock-main~A': ['StockCaptured', 'StockCaptured'],
      });
    expect((await bus.load(consignment, KEY)).state.status).toBe('closed');
  });
});

test('orders that cannot leave together are refused before anything is written, and it says which and why', async () => {
  const other = opened('2', { customerId: 'c2' });
  const asked = given(stocked, opened('1'), other).when(async ({ consignments }) => {
    const answer = await consignments.plan(REQUEST, context());
    expect(answer).toMatchObject({
      status: 'rejected',
      rejection: {
        code: 'not_mergeable',
        details: {
          orders: [
            { orderId: 'web~2', code: 'other_customer' },
            { orderId: 'web~3', code: 'unknown_order' },
          ],
        },
      },
    });
  });
  await asked.thenEvents({});
});

test('the same consignment asked for again is the same one, and another one under its id a conflict', async () => {
  await given(...before, merging)
    .when(async ({ consignments }) => {
      expect(await consignments.plan(REQUEST, context())).toMatchObject({
        status: 'accepted',
        replayed: true,
      });
      const other = await consignments.plan({ ...REQUEST, location: 'shop' }, context());
      expect(other).toMatchObject({ status: 'rejected', rejection: { code: 'id_reused' } });
    })
    .thenEvents({});
});
