import { describe, expect, test } from '@jest/globals';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { isEnded } from '../../src/domain/order-state.js';
import { stock } from '../../src/domain/stock.js';
import { createExchangeProcess, type ExchangeProcess } from '../../src/processes/exchange-process.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { place } from '../support/orders.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';
import { back, exchange, units } from '../support/returns.js';

/** The exchange over two orders: cut after every append, for each way it can end. */
interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly exchanges: ExchangeProcess;
}

const { given } = processSpec<World>(({ bus }) => {
  const orders = createOrderProcess(bus);
  return { bus, orders, exchanges: createExchangeProcess(bus, orders) };
});

const OLD = 'web~1001';
const NEW = 'web~1001-x1';
const run =
  (id: string, command: OrderCommand): Step<World> =>
  ({ orders }) =>
    orders.execute(id, command, context());
const receive = (sku: string, quantity: number, receiptId = 'r'): Step<World> =>
  done(stock, `main~${sku}`, { type: 'receive', receiptId, quantity });
const advance: Step<World> = ({ exchanges }) => exchanges.advance(OLD, context());

const returned: readonly Step<World>[] = [
  receive('sku-1', 5),
  run(OLD, place([{ lineId: '1', quantity: 2, unitPrice: '10.00' }], { confirm: 'auto' })),
  run(OLD, { type: 'ship', shipmentId: 's' }),
  run(OLD, back('r', [units('1', 2)])),
];
const agree = (order: Parameters<typeof exchange>[2] = {}): Step<World> => {
  const command = exchange('e', 'r', order);
  return ({ exchanges }) => exchanges.agree(OLD, command, context());
};

/** An exchange is open only while its order is, and what its new order kept of stock is what it still wants. */
const always: Step<World> = async ({ bus }) => {
  const { state } = await bus.load(order, OLD);
  const { state: next } = await bus.load(order, NEW);
  const found = state.afterSales.exchanges.get('e');
  if (found?.status === 'agreed') expect(isEnded(next.status)).toBe(false);
  if (found?.status === 'ended') expect(next.status).not.toBe('confirmed');
  const { holds } = (await bus.load(stock, 'main~sku-new')).state;
  const wanted = next.status === 'confirmed' || next.status === 'reserved' ? 1 : 0;
  expect(holds.open.has(NEW)).toBe(wanted === 1);
};

describe('an exchange', () => {
  test('is agreed on the old order, then its new one is placed', async () => {
    const agreeing = given(...returned, receive('sku-new', 1)).when(agree());
    const { bus } = await agreeing.thenEvents({
      [`order-${OLD}`]: ['OrderExchangeAgreed'],
      [`order-${NEW}`]: ['OrderPlaced', 'OrderReserved', 'OrderConfirmed'],
      'stock-main~sku-new': ['StockHeld'],
    });
    const { placed } = (await bus.load(order, NEW)).state;
    expect(placed?.exchangeOf).toEqual({ orderId: OLD, exchangeId: 'e', returnId: 'r', credit: '20.00' });
    // Agreed, placed, held, reserved; and before the first.
    expect(await agreeing.thenCutAnywhere({ advance, always })).toBe(4 + 1);
    await agreeing.thenTwoAtOnce({ advance, always });
  });

  test('shows no order of another exchange with the same id, also when it is asked for again', async () => {
    const other = 'web~1002';
    const second = place([{ lineId: '1', unitPrice: '10.00' }], { confirm: 'auto', externalId: '1002' });
    const shown: unknown[] = [];
    const agreeAs: Step<World> = async ({ exchanges }) => {
      const agreed = await exchanges.agree(
        other,
        exchange('e', 'r', { externalId: '1001-x1', contentHash: 'other' }),
        context(),
      );
      shown.push(agreed.status === 'accepted' && [agreed.exchange.status, agreed.newOrder]);
    };
    await given(
      ...returned,
      receive('sku-new', 2),
      agree(),
      receive('sku-1', 1, 'more'),
      run(other, second),
      run(other, { type: 'ship', shipmentId: 's' }),
      run(other, back('r', [units('1', 1)])),
      agreeAs,
    )
      .when(agreeAs)
      .thenEvents({});
    expect(shown).toEqual([
      ['ended', undefined],
      ['ended', undefined],
    ]);
  });

  test('ends when there is no stock for the new order: the credit is owed in money again', async () => {
    const agreeing = given(...returned).when(agree());
    await agreeing.thenEvents({
      [`order-${OLD}`]: [
        'OrderExchangeAgreed',
        {
          type: 'OrderExchangeEnded',
          data: {
            exchangeId: 'e',
            code: 'insufficient_stock',
            detail: '0 available to sell',
            currency: 'GBP',
            owed: '20.00',
          },
        },
      ],
      [`order-${NEW}`]: ['OrderPlaced', 'OrderRejected'],
    });
    expect(await agreeing.thenCutAnywhere({ advance, always })).toBe(4 + 1);
    // Somebody may bring the goods in between: then it is confirmed instead, and nothing is owed.
    await agreeing.thenCutAnywhere({ advance, always, meanwhile: receive('sku-new', 1) });
  });

  test('ends when the id of the new order is of another one, which stays as it is', async () => {
    const taken = run(
      NEW,
      place([{ lineId: '1', sku: 'sku-1' }], { externalId: '1001-x1', contentHash: 'other' }),
    );
    const agreeing = given(...returned, taken, receive('sku-new', 1)).when(agree());
    const { bus } = await agreeing.thenEvents({
      [`order-${OLD}`]: ['OrderExchangeAgreed', 'OrderExchangeEnded'],
    });
    const { state } = await bus.load(order, OLD);
    expect(state.afterSales.exchanges.get('e')?.status).toBe('ended');
    await agreeing.thenCutAnywhere({ advance });
  });

  test('is settled by what the new order shipped, with the difference to give back', async () => {
    const shipped = [
      ...returned,
      receive('sku-new', 1),
      agree(),
      run(NEW, { type: 'ship', shipmentId: 's' }),
    ];
    const advancing = given(...shipped).when(advance);
    await advancing.thenEvents({
      [`order-${OLD}`]: [
        {
          type: 'OrderExchangeSettled',
          data: {
            exchangeId: 'e',
            currency: 'GBP',
            charged: '10.00',
            carried: '10.00',
            toPay: '0.00',
            toGiveBack: '10.00',
          },
        },
      ],
    });
    await advancing.thenCutAnywhere({ advance, always });
  });

  test('ends when the new order is cancelled or expires', async () => {
    const cancel: OrderCommand = { type: 'cancel', cancellationId: 'c', reason: 'changed their mind' };
    const cancelled = [...returned, receive('sku-new', 1), agree(), run(NEW, cancel)];
    const { bus } = await given(...cancelled)
      .when(advance)
      .thenEvents({ [`order-${OLD}`]: ['OrderExchangeEnded'] });
    expect((await bus.load(stock, 'main~sku-new')).state.holds.held).toBe(0);
    const DUE = '2026-01-20T09:15:00Z';
    const waits = agree({ confirm: 'explicit', expiresAt: DUE });
    const expired = [...returned, receive('sku-new', 1), waits, run(NEW, { type: 'expire', dueAt: DUE })];
    await given(...expired)
      .when(advance)
      .thenEvents({ [`order-${OLD}`]: ['OrderExchangeEnded'] });
  });

  test('sent again is the same exchange, whatever became of it', async () => {
    for (const more of [[], [run(NEW, { type: 'ship', shipmentId: 's' }), advance]]) {
      await given(...returned, receive('sku-new', 1), agree(), ...more)
        .when(agree())
        .thenEvents({});
    }
  });

  test('refused by the old order, nothing is placed', async () => {
    await given(...returned)
      .when(async ({ exchanges }) => {
        const answer = await exchanges.agree(OLD, exchange('e', 'x'), context());
        expect(answer).toMatchObject({ status: 'rejected', rejection: { code: 'unknown_return' } });
      })
      .thenEvents({});
  });
});
