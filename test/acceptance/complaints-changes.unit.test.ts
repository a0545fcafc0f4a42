import { describe, expect, test } from '@jest/globals';
import { coupon } from '../../src/domain/coupon.js';
import type { OrderCommand } from '../../src/domain/order.js';
import { orderIdOf } from '../../src/domain/stream-id.js';
import { act, levelOf, open, receive, stateOf, type World, worldAfter } from '../support/complaint-world.js';
import { context, done, type Step } from '../support/process-spec.js';

/** What users of other systems complained about, with numbers, and what happens here. Sources: field notes §2. */
describe('changes', () => {
  const ten = done(coupon, 'FORTY', {
    type: 'issue',
    terms: { discount: { kind: 'percent', percent: '40' }, limit: 9 },
  });
  const change = (...actions: (OrderCommand & { type: 'propose-change' })['actions']): Step<World>[] => [
    act('1', { type: 'propose-change', changeId: 'c', reason: 'called', actions }),
    act('1', { type: 'confirm-change', changeId: 'c' }),
  ];

  test('Vendure 5127: 40 % off 10 units at 10.00 stays 4.00 a unit when 9 of them are taken off', async () => {
    const world = await worldAfter(
      receive('main', 'A', 10),
      ten,
      open('1', [{ lineId: '1', sku: 'A', quantity: 10, unitPrice: '10.00' }], { coupons: ['FORTY'] }),
      ...change({ kind: 'reduce', lineId: '1', quantity: 9 }),
      act('1', { type: 'ship', shipmentId: 's' }),
    );
    const history = [];
    for await (const { event } of world.bus.history('order', orderIdOf('web', '1'))) history.push(event);
    const shipped = history.find(({ type }) => type === 'OrderShipped');
    expect(shipped?.data).toMatchObject({ lines: [{ quantity: 1, amount: '10.00', discount: '4.00' }] });
    const changed = history.find(({ type }) => type === 'OrderChangeConfirmed');
    expect(changed?.data).toMatchObject({ difference: '-54.00' });
  });

  test('Vendure 4811: a discount of 10.00 over two lines is not spread again when one of them goes', async () => {
    const world = await worldAfter(
      receive('main', 'A', 1),
      receive('main', 'B', 1),
      done(coupon, 'TEN', {
        type: 'issue',
        terms: { discount: { kind: 'amount', amount: '10.00', currency: 'GBP' }, limit: 1 },
      }),
      open(
        '1',
        [
          { lineId: '1', sku: 'A', unitPrice: '75.00' },
          { lineId: '2', sku: 'B', unitPrice: '25.00' },
        ],
        { coupons: ['TEN'] },
      ),
      act('1', { type: 'cancel', cancellationId: 'c', reason: 'no', lines: [{ lineId: '2', quantity: 1 }] }),
    );
    expect((await stateOf(world, '1')).lines.get('1')?.discount).toBe(750n);
  });

  test('Vendure 1795: a discount stays with the units it was given for, down by one and up by one', async () => {
    const world = await worldAfter(
      receive('main', 'A', 10),
      ten,
      open('1', [{ lineId: '1', sku: 'A', quantity: 4, unitPrice: '10.00' }], { coupons: ['FORTY'] }),
      ...change(
        { kind: 'reduce', lineId: '1', quantity: 1 },
        {
          kind: 'add',
          line: { lineId: '2', kind: 'goods', sku: 'A', quantity: 1, unitPrice: '10.00', tax: '0' },
        },
      ),
    );
    const history = [];
    for await (const { event } of world.bus.history('order', orderIdOf('web', '1'))) history.push(event);
    // 6.00 go with the unit that goes; the one that comes was never promised 40 % off.
    expect(history.find(({ type }) => type === 'OrderChangeConfirmed')?.data).toMatchObject({
      difference: '4.00',
    });
  });

  test('Saleor 12040: a percentage is rounded once, half to even, not up and not line by line', async () => {
    const offOf = async (unitPrice: string): Promise<bigint | undefined> => {
      const lines = [{ lineId: '1', sku: 'A', unitPrice }];
      const half = { discount: { kind: 'percent', percent: '50' }, limit: 1 } as const;
      const issued = done(coupon, 'HALF', { type: 'issue', terms: half });
      const world = await worldAfter(
        receive('main', 'A', 1),
        issued,
        open('1', lines, { coupons: ['HALF'] }),
      );
      return (await stateOf(world, '1')).lines.get('1')?.discount;
    };
    // 0.125 and 0.135 both meet an even cent: 0.12 and 0.14.
    expect([await offOf('0.25'), await offOf('0.27')]).toEqual([12n, 14n]);
  });

  test('Medusa 11645: the difference of an edit is a fact, and adds up over many of them', async () => {
    const world = await worldAfter(
      receive('main', 'A', 9),
      receive('main', 'B', 9),
      open('1', [{ lineId: '1', sku: 'A', quantity: 3, unitPrice: '3.33' }]),
      ...change(
        {
          kind: 'add',
          line: { lineId: '2', kind: 'goods', sku: 'B', quantity: 2, unitPrice: '0.005', tax: '0.01' },
        },
        { kind: 'reduce', lineId: '1', quantity: 1 },
      ),
    );
    const { lines, version } = await stateOf(world, '1');
    expect(version).toBe(2);
    // 2 x 0.005 is 0.01 exactly, with 0.01 tax; 9.99 was for three.
    const owed = [...lines.values()].reduce(
      (sum, { amount, tax, quantity, cancelled }) =>
        sum + ((amount + tax) * BigInt(quantity - cancelled)) / BigInt(quantity),
      0n,
    );
    expect(owed).toBe(666n + 2n);
  });

  test('Solidus 2141: what is added is held, shipped and paid for like everything else', async () => {
    const world = await worldAfter(
      receive('main', 'A', 9),
      open('1', [{ lineId: '1', sku: 'A', quantity: 1, unitPrice: '3.00' }]),
      ...change({
        kind: 'add',
        line: { lineId: '2', kind: 'goods', sku: 'A', quantity: 4, unitPrice: '2.50', tax: '0' },
      }),
      act('1', { type: 'ship', shipmentId: 's' }),
    );
    expect((await stateOf(world, '1')).status).toBe('completed');
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 4, held: 0 });
  });

  test('Medusa 11703: units that were not shipped stay held for the order through any change of it', async () => {
    const world = await worldAfter(
      receive('main', 'A', 5),
      open('1', [{ lineId: '1', sku: 'A', quantity: 5, unitPrice: '3.00' }]),
      act('1', { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 2 }] }),
      ...change({
        kind: 'reprice',
        lineId: '1',
        newLineId: '2',
        unitPrice: '2.00',
        tax: '0',
        reason: 'shelf',
      }),
    );
    expect(await levelOf(world, 'main', 'A')).toEqual({ onHand: 3, held: 3 });
  });
});

test('IBM 553315: resolving a review that was never put makes none', async () => {
  const world = await worldAfter(receive('main', 'A', 1), open('1', [{ lineId: '1', sku: 'A' }]));
  const resolve = {
    type: 'resolve-review',
    holdId: 'no',
    outcome: 'released',
    reason: 'x',
    role: 'admin',
  } as const;
  expect(await world.orders.execute(orderIdOf('web', '1'), resolve, context())).toMatchObject({
    rejection: { code: 'unknown_review' },
  });
  expect((await stateOf(world, '1')).reviews.size).toBe(0);
});
