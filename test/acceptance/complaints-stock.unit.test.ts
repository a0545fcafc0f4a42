import { describe, expect, test } from '@jest/globals';
import { shortUnits } from '../../src/domain/order-allocations.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { act, levelOf, open, receive, stateOf, worldAfter } from '../support/complaint-world.js';
import { context, done } from '../support/process-spec.js';

/** What users of other systems complained about, with numbers, and what happens here. Sources: field notes §2. */
describe('stock', () => {
  test('Medusa 16502: two lines of one SKU are checked together, 2 + 2 of 3 are not sold', async () => {
    const lines = [
      { lineId: '1', sku: 'A', quantity: 2 },
      { lineId: '2', sku: 'A', quantity: 2 },
    ];
    const world = await worldAfter(receive('main', 'A', 3), open('1', lines));
    expect((await stateOf(world, '1')).rejection).toMatchObject({ code: 'insufficient_stock', sku: 'A' });
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 0 });
  });

  test('Medusa 16825: two orders for one unit, one is rejected and none is an orphan', async () => {
    const one = [{ lineId: '1', sku: 'A', quantity: 1 }];
    const world = await worldAfter(receive('main', 'A', 1), (w) =>
      Promise.all([open('1', one)(w), open('2', one)(w)]),
    );
    const outcomes = [(await stateOf(world, '1')).status, (await stateOf(world, '2')).status];
    expect(outcomes.sort()).toEqual(['confirmed', 'rejected']);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 1, held: 1 });
  });

  test('Saleor 17657: an order allocated 2 at one location and 3 at another is allocated 5, not the last 3', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      receive('shop', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 6 }], { shortage: 'backorder' }),
    );
    const state = await stateOf(world, '1');
    expect(state.allocations.map(({ location, quantity }) => [location, quantity])).toEqual([
      ['main', 2],
      ['shop', 3],
    ]);
    expect([...shortUnits(state)]).toEqual([['A', 1]]);
  });

  test('Saleor 17170: what is short of one location does not hide what another has', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5 }], { shortage: 'backorder', sources: ['main'] }),
      receive('shop', 'A', 4),
      open('2', [{ lineId: '1', sku: 'A', quantity: 4 }], { sources: ['main', 'shop'] }),
    );
    expect((await stateOf(world, '2')).status).toBe('confirmed');
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 2, held: 2 });
    expect(await levelOf(world, 'shop', 'A')).toEqual({ onHand: 4, held: 4 });
  });

  test('Saleor 8931: a cancellation of 4 of 5 lets go of exactly 4, wherever they are held', async () => {
    const world = await worldAfter(
      receive('main', 'A', 2),
      receive('shop', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5 }], { shortage: 'backorder' }),
      act('1', { type: 'cancel', cancellationId: 'c', reason: 'no', lines: [{ lineId: '1', quantity: 4 }] }),
    );
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 2, held: 1 });
    expect(await levelOf(world, 'shop', 'A')).toEqual({ onHand: 3, held: 0 });
  });

  test('Odoo 62139: a hold and its counter cannot drift: units held on hand cannot be counted away under it', async () => {
    const world = await worldAfter(
      receive('main', 'A', 3),
      open('1', [{ lineId: '1', sku: 'A', quantity: 2 }]),
    );
    const count = { type: 'adjust', adjustmentId: 'a', delta: -2, reason: 'count' } as const;
    expect(await world.bus.execute(stock, stockIdOf('main', 'A'), count, context())).toMatchObject({
      status: 'rejected',
      rejection: { code: 'below_held' },
    });
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 2 });
  });

  test('Medusa 16569: twenty holds by hand at once lose no update, whoever they meet', async () => {
    const world = await worldAfter(receive('main', 'A', 15));
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        world.bus.execute(
          stock,
          stockIdOf('main', 'A'),
          { type: 'hold', holdId: `h${index}`, quantity: 1 },
          context(),
        ),
      ),
    );
    expect(outcomes.filter(({ status }) => status !== 'rejected')).toHaveLength(15);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 15, held: 15 });
  });

  test('Medusa 11131 and 12401: whatever is cancelled, released or shipped twice, held never goes below 0', async () => {
    const cancel = act('1', { type: 'cancel', cancellationId: 'c', reason: 'no' });
    const shipTwo = act('2', { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 2 }] });
    const release = done(stock, stockIdOf('main', 'A'), {
      type: 'settle',
      holdId: orderIdOf('web', '1'),
      target: { captured: 0, released: 3 },
      reason: 'again',
    });
    const world = await worldAfter(
      receive('main', 'A', 5),
      open('1', [{ lineId: '1', sku: 'A', quantity: 3 }]),
      open('2', [{ lineId: '1', sku: 'A', quantity: 2 }]),
      (w) => Promise.all([cancel(w), cancel(w), shipTwo(w), shipTwo(w)]),
      act('1', { type: 'cancel', cancellationId: 'again', reason: 'no' }),
      release,
      release,
    );
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 0 });
  });

  test('Medusa 13633: however an order ends, what it held is available again', async () => {
    const two = [{ lineId: '1', sku: 'A', quantity: 2 }];
    const due = { type: 'expire', dueAt: '2026-01-15T12:15:00Z' } as const;
    const world = await worldAfter(
      receive('main', 'A', 6),
      open('cancelled', two),
      open('expired', two, { confirm: 'payment', expiresAt: '2026-01-15T12:00:00Z' }),
      open('in two parts', two),
      act('cancelled', { type: 'cancel', cancellationId: 'c', reason: 'no' }),
      act('expired', due),
      act('in two parts', {
        type: 'cancel',
        cancellationId: 'c',
        reason: 'no',
        lines: [{ lineId: '1', quantity: 1 }],
      }),
      act('in two parts', { type: 'cancel', cancellationId: 'd', reason: 'no' }),
    );
    const ends = ['cancelled', 'expired', 'in two parts'].map(
      async (id) => (await stateOf(world, id)).status,
    );
    expect(await Promise.all(ends)).toEqual(['cancelled', 'expired', 'cancelled']);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 6, held: 0 });
  });

  test('Vendure 3508, 1738 and 1355: of 12 buyers of 2 units each, 5 get the 10 there are, all at once', async () => {
    const buyers = Array.from({ length: 12 }, (_, index) => `${index}`);
    const world = await worldAfter(receive('main', 'A', 10), (w) =>
      Promise.all(buyers.map((id) => open(id, [{ lineId: '1', sku: 'A', quantity: 2 }])(w))),
    );
    const states = await Promise.all(buyers.map((id) => stateOf(world, id)));
    expect(states.filter(({ status }) => status === 'confirmed')).toHaveLength(5);
    expect(states.filter(({ rejection }) => rejection?.code === 'insufficient_stock')).toHaveLength(7);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 10, held: 10 });
  });

  test('Saleor 6897 and 5334: in a rush over two locations every allocation is a hold and every hold an allocation', async () => {
    const buyers = Array.from({ length: 8 }, (_, index) => `${index}`);
    const world = await worldAfter(receive('main', 'A', 4), receive('shop', 'A', 5), (w) =>
      Promise.all(
        buyers.map((id) => open(id, [{ lineId: '1', sku: 'A', quantity: 2 }], { shortage: 'backorder' })(w)),
      ),
    );
    const allocated = new Map<string, number>();
    let short = 0;
    for (const id of buyers) {
      const state = await stateOf(world, id);
      for (const { location, quantity } of state.allocations) {
        allocated.set(location, (allocated.get(location) ?? 0) + quantity);
      }
      short += shortUnits(state).get('A') ?? 0;
    }
    expect([...allocated].sort()).toEqual([
      ['main', 4],
      ['shop', 5],
    ]);
    expect(short).toBe(16 - 9);
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 4, held: 4 });
    expect(await levelOf(world, 'shop', 'A')).toEqual({ onHand: 5, held: 5 });
  });
});
