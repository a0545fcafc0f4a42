import { describe, expect, test } from '@jest/globals';
import type { CouponTerms } from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import { formatAmount } from '../../src/domain/money.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { chargedOf, leftToCredit } from '../../src/domain/order-charge.js';
import type { OrderEvent, OrderReturned } from '../../src/domain/order-events.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { stock } from '../../src/domain/stock.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { type LineInput, place, reserve } from '../support/orders.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';
import { allowance, back, inspect, type Units, units, wholeReturn } from '../support/returns.js';

/** What users of other systems complain about in returns and refunds, by thread, with the numbers that are right. */
const percent = (text: string): CouponTerms => ({ limit: 1, discount: { kind: 'percent', percent: text } });
const off = (amount: string): CouponTerms => ({
  limit: 1,
  discount: { kind: 'amount', amount, currency: 'GBP' },
});

class Sale {
  state: OrderState = order.initialState;
  readonly log: OrderEvent[] = [];

  do(...commands: readonly OrderCommand[]): this {
    for (const command of commands) {
      const decision = order.decide(command, this.state);
      if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
      this.log.push(...decision);
      this.state = decision.reduce(order.evolve, this.state);
    }
    return this;
  }

  /** What a return came to. */
  credited(returnId: string): string {
    const credit = this.state.afterSales.credits.get(returnId);
    if (credit === undefined) throw new Error(`return ${returnId} is not credited`);
    return formatAmount(credit.shares + credit.allowance, 'GBP');
  }

  get charged(): string {
    return formatAmount(chargedOf(this.state), 'GBP');
  }

  get left(): string {
    return formatAmount(leftToCredit(this.state), 'GBP');
  }
}

const ordered = (lines: readonly LineInput[], ...terms: readonly CouponTerms[]): Sale => {
  const command = place(lines, { coupons: terms.map((_, index) => `C${index}`) });
  const coupons = terms.map((one, index) => ({ code: `C${index}`, terms: one }));
  return new Sale().do(command, reserve(command, coupons), { type: 'confirm' });
};
const ship: OrderCommand = { type: 'ship', shipmentId: 's' };

/** Both paths that lead to a refund must say the same. */
const WAYS: readonly (readonly [string, (returnId: string, lines: Units) => readonly OrderCommand[]])[] = [
  ['over the counter', (returnId, lines) => [back(returnId, lines)]],
  ['by request', (returnId, lines) => wholeReturn(returnId, lines)],
];

describe.each(WAYS)('%s', (_, returning) => {
  test('Medusa #13433: the summary is right after each of many returns', () => {
    const sale = ordered([
      { lineId: '1', quantity: 2, unitPrice: '49.99', tax: '20.00' },
      { lineId: '2', unitPrice: '15.50' },
    ]).do(ship);
    const summary = (returnId: string, lines: Units) => {
      sale.do(...returning(returnId, lines));
      return [sale.credited(returnId), sale.charged, sale.left];
    };
    expect(sale.charged).toBe('135.48');
    expect(summary('a', [units('1')])).toEqual(['59.99', '135.48', '75.49']);
    expect(summary('b', [units('1')])).toEqual(['59.99', '135.48', '15.50']);
    expect(summary('c', [units('2')])).toEqual(['15.50', '135.48', '0.00']);
  });

  test('Medusa #12226, #12429: an order at 100 % off is 0.00, and so is what it gives back: no -1.6e-14', () => {
    // 24.99 with 20 % tax in it is 20.825 without.
    const sale = ordered([{ lineId: '1', quantity: 3, unitPrice: '20.825' }], percent('100')).do(ship);
    expect([sale.charged, sale.left]).toEqual(['0.00', '0.00']);
    sale.do(...returning('a', [units('1')]), ...returning('b', [units('1', 2)]));
    expect([sale.credited('a'), sale.credited('b'), sale.left]).toEqual(['0.00', '0.00', '0.00']);
    expect(order.decide(allowance('c', '0.01'), sale.state)).toMatchObject({ code: 'exceeds_paid' });
  });

  test('Vendure #4811: what is left after a partial cancel gives back its own part of the promotion', () => {
    const sale = ordered(
      [
        { lineId: '1', unitPrice: '60.00' },
        { lineId: '2', unitPrice: '40.00' },
      ],
      off('10.00'),
    ).do({ type: 'cancel', cancellationId: 'c', reason: 'changed', lines: [units('2')] }, ship);
    expect(sale.charged).toBe('54.00');
    expect(sale.do(...returning('r', [units('1')])).credited('r')).toBe('54.00');
  });

  test('Vendure #5127: a line at 40 % off that is cut to a tenth is still at 40 % off, not 4 %', () => {
    const sale = ordered([{ lineId: '1', quantity: 10, unitPrice: '10.00' }], percent('40')).do(
      { type: 'cancel', cancellationId: 'c', reason: 'changed', lines: [units('1', 9)] },
      ship,
    );
    expect(sale.charged).toBe('6.00');
    expect(sale.do(...returning('r', [units('1')])).credited('r')).toBe('6.00');
  });

  test('Vendure #3091: 111 returns of one unit each are 101.00, with no drift of 0.11', () => {
    const sale = ordered([{ lineId: '1', quantity: 111, unitPrice: '1.00' }], off('10.00')).do(ship);
    expect(sale.charged).toBe('101.00');
    const amounts = Array.from({ length: 111 }, (__, index) =>
      sale.do(...returning(`r${index}`, [units('1')])).credited(`r${index}`),
    );
    // 111 times 0.09 and 0.01 more, which the first unit carries.
    expect(amounts).toEqual(['0.90', ...Array<string>(110).fill('0.91')]);
    expect(sale.left).toBe('0.00');
  });

  test('Vendure #2995: a fixed discount that three units do not divide gives back 20.00 and not 20.01', () => {
    const sale = ordered([{ lineId: '1', quantity: 3, unitPrice: '10.00' }], off('10.00')).do(ship);
    const amounts = ['a', 'b', 'c'].map((id) => sale.do(...returning(id, [units('1')])).credited(id));
    expect(amounts).toEqual(['6.66', '6.67', '6.67']);
    expect([sale.charged, sale.left]).toEqual(['20.00', '0.00']);
  });

  test('Saleor #17024: a voucher of 10.00 over three lines of 9.99 gives back 19.97 line by line', () => {
    const lines = ['1', '2', '3'].map((lineId) => ({ lineId, unitPrice: '9.99' }));
    const sale = ordered(lines, off('10.00')).do(ship);
    const amounts = ['1', '2', '3'].map((id) => sale.do(...returning(id, [units(id)])).credited(id));
    expect(amounts).toEqual(['6.65', '6.66', '6.66']);
    expect([sale.charged, sale.left]).toEqual(['19.97', '0.00']);
  });

  test('Solidus #512: the refund of a line has its part of a discount on the whole order', () => {
    const sale = ordered(
      [
        { lineId: '1', unitPrice: '100.00' },
        { lineId: '2', unitPrice: '50.00' },
      ],
      off('15.00'),
    ).do(ship);
    expect(sale.charged).toBe('135.00');
    expect(sale.do(...returning('r', [units('1')])).credited('r')).toBe('90.00');
    expect(sale.left).toBe('45.00');
  });

  test('WooCommerce #64668: all of an order of 179.25 comes back as 179.25, not 179.26, at once and in two', () => {
    const lines = [
      { lineId: '1', quantity: 3, unitPrice: '49.7917' },
      { lineId: '2', quantity: 7, unitPrice: '4.2666' },
    ];
    const all = [units('1', 3), units('2', 7)];
    expect(
      ordered(lines)
        .do(ship, ...returning('r', all))
        .credited('r'),
    ).toBe('179.25');
    // 149.38 are 49.80, 49.79 and 49.79; 29.87 are five times 4.27 and two times 4.26.
    const sale = ordered(lines).do(ship, ...returning('a', [units('1'), units('2', 3)]));
    sale.do(...returning('b', [units('1', 2), units('2', 4)]));
    expect([sale.credited('a'), sale.credited('b'), sale.left]).toEqual(['62.61', '116.64', '0.00']);
  });

  test('IBM 6416177: a discount is not taken off the returned units a second time', () => {
    const sale = ordered([{ lineId: '1', quantity: 5, unitPrice: '20.00' }], off('25.00')).do(ship);
    expect(sale.charged).toBe('75.00');
    sale.do(...returning('a', [units('1', 2)]));
    const event = sale.log.find((one): one is OrderReturned => one.type === 'OrderReturned');
    expect(event?.data.lines).toMatchObject([{ quantity: 2, amount: '40.00', discount: '10.00' }]);
    expect([sale.credited('a'), sale.left]).toEqual(['30.00', '45.00']);
    expect(sale.do(...returning('b', [units('1', 3)])).credited('b')).toBe('45.00');
  });
});

interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}

describe('stock', () => {
  const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));
  const ID = 'web~1001';
  const placed = place(
    [
      { lineId: '1', sku: 'A', quantity: 3 },
      { lineId: '2', sku: 'B', quantity: 2 },
    ],
    { confirm: 'auto' },
  );
  const run =
    (command: OrderCommand): Step<World> =>
    ({ orders }) =>
      orders.execute(ID, command, context());
  const stocked = ['A', 'B'].map((sku) =>
    done(stock, `main~${sku}`, { type: 'receive', receiptId: 'r', quantity: 10 }),
  );
  const unitsAt = async ({ bus }: World, location: string, sku: string) => {
    const { onHand, holds } = (await bus.load(stock, `${location}~${sku}`)).state;
    return [onHand, holds.held];
  };
  const shopAfter = (...commands: readonly OrderCommand[]): Promise<World> =>
    given(...stocked, run(placed), ...commands.slice(0, -1).map(run))
      .when(run(commands.at(-1) ?? placed))
      .thenEvents(expect.anything() as never);

  test('Solidus #2285: what comes back to another place is counted there, and only what can be sold', async () => {
    const [request, let_, receive] = wholeReturn('r', [units('1', 3)], 'shop');
    if (request === undefined || let_ === undefined || receive === undefined) throw new Error('no return');
    const world = await shopAfter(
      ship,
      request,
      let_,
      receive,
      inspect('r', ['1', 2, 'resaleable'], ['1', 1, 'damaged']),
    );
    expect(await unitsAt(world, 'main', 'A')).toEqual([7, 0]);
    expect(await unitsAt(world, 'shop', 'A')).toEqual([2, 0]);
  });

  test('Solidus #2947: a cancelled item is free again, and nothing of it counts as shipped', async () => {
    const cancel: OrderCommand = {
      type: 'cancel',
      cancellationId: 'c',
      reason: 'changed',
      lines: [units('1', 2)],
    };
    const world = await shopAfter(cancel);
    expect(await unitsAt(world, 'main', 'A')).toEqual([10, 1]);
    const { state } = await world.bus.load(order, ID);
    expect(state.lines.get('1')).toMatchObject({ quantity: 3, cancelled: 2, shipped: 0 });
    expect(order.decide(back('r', [units('1')]), state)).toMatchObject({ code: 'exceeds_shipped_quantity' });
  });

  test('Solidus #3781: a cancelled order keeps no unit, on hand or held', async () => {
    const world = await shopAfter({ type: 'cancel', cancellationId: 'c', reason: 'changed' });
    expect(await unitsAt(world, 'main', 'A')).toEqual([10, 0]);
    expect(await unitsAt(world, 'main', 'B')).toEqual([10, 0]);
  });
});
