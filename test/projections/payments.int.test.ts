import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { channel } from '../../src/domain/channel.js';
import type { OrderCommand } from '../../src/domain/order.js';
import { order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import { stock } from '../../src/domain/stock.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { findOrder } from '../../src/projections/order-pages.js';
import { listRefundsDue } from '../../src/projections/payment-pages.js';
import { takeUnansweredPayments } from '../../src/projections/payment-todo.js';
import { payments } from '../../src/projections/payments.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { place } from '../support/orders.js';
import { authorise, capture, chargeBack, refund, requestRefund, start } from '../support/payments.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { type Fact, type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { MemoryLog } from './memory-log.js';

let database: TestDatabase;
let second: TestDatabase;
let readModels: ProjectionSpec;
/** Of payments alone, which need no order to be written. */
let alone: ProjectionSpec;
beforeAll(async () => {
  [database, second] = await Promise.all([testDatabase(), testDatabase()]);
  readModels = await projectionSpec(database.db);
  alone = await projectionSpec(second.db, [payments]);
}, 60_000);
beforeEach(() => readModels.empty());
afterAll(async () => {
  await Promise.all([database.drop(), second.drop()]);
});

const at = (minute: number): CommandContext => ({
  commandId: `${minute}`,
  correlationId: 'c',
  actor: 'cashier',
  effectiveAt: `2026-01-15T11:${String(minute).padStart(2, '0')}:00.000Z`,
});

/** Orders of 20.00, one after the other, each with what happens to it a minute apart. */
const trade = async (days: Readonly<Record<string, readonly OrderCommand[]>>, refunds?: 'automatic') => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  await log.execute(stock, 'main~A', { type: 'receive', receiptId: 'r', quantity: 99 }, at(0));
  for (const name of ['web', 'shop']) {
    const settings = {
      name,
      timeZone: 'Europe/London',
      currencies: ['GBP'],
      sources: ['main'],
      confirm: 'payment' as const,
      ...(refunds === undefined || name === 'shop' ? {} : { refunds }),
    };
    await log.execute(channel, name, { type: 'configure', settings }, at(0));
  }
  let minute = 1;
  for (const [id, commands] of Object.entries(days)) {
    const [name = '', externalId = ''] = id.split('~');
    const placing = place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '10.00' }], {
      channel: name,
      externalId,
      confirm: 'payment',
    });
    for (const command of [placing, ...commands]) {
      const answer = await orders.execute(id, command, at(minute));
      if (answer.status === 'rejected') throw new Error(`${id}: ${answer.rejection.code}`);
      minute += 1;
    }
  }
  return log;
};
const ship = { type: 'ship', shipmentId: 's' } as const;
const cancel: OrderCommand = { type: 'cancel', cancellationId: 'k', reason: 'x' };
const backOne: OrderCommand = {
  type: 'return',
  returnId: 't',
  reason: 'x',
  lines: [{ lineId: '1', quantity: 1 }],
};

describe('the page of an order', () => {
  test('has its payments and its balance, as its stream has them', async () => {
    const log = await trade({
      'web~1': [
        start('20.00', { provider: 'psp' }),
        authorise('12.00'),
        capture('8.00', 'gift', { paymentId: 'q', tender: { kind: 'gift_card', reference: 'G "1"' } }),
        capture('12.00'),
        ship,
        backOne,
        requestRefund('7.00'),
        refund('7.00'),
        chargeBack('12.00'),
      ],
    });
    await readModels.apply(log.events, [3, 2, 4, 1]);
    const page = await findOrder(database.db, 'web~1');
    const { state } = await log.load(order, 'web~1');
    expect(page?.balance).toEqual(balanceOfOrder(state));
    expect(page?.balance).toMatchObject({ cost: 1_000n, captured: 2_000n, due: 900n, overpaid: 0n });
    expect(page?.payments).toMatchObject([
      {
        paymentId: 'p',
        provider: 'psp',
        amount: 2_000n,
        authorised: 1_200n,
        sums: { captured: 1_200n, excess: 700n },
      },
      { paymentId: 'q', provider: null, tender: { kind: 'gift_card', reference: 'G "1"' }, amount: null },
    ]);
  });

  test('has the deadline that a payment made later', async () => {
    const later = '2026-01-15T13:00:00.000Z';
    const log = await trade({ 'web~1': [start('20.00', { expiresAt: later })] });
    for (const sizes of [[], [2, 1], Array(log.events.length).fill(1) as number[]]) {
      await readModels.empty();
      await readModels.apply(log.events, sizes);
      expect((await findOrder(database.db, 'web~1'))?.expiresAt).toEqual(new Date(later));
      const { rows } = await database.db.query('SELECT due_at FROM deadlines');
      expect(rows).toEqual([{ due_at: new Date(later) }]);
    }
  });
});

const money = { paymentId: 'p', currency: 'GBP', amount: '5.00' };
const card = { tender: { kind: 'card' } };
const fact = (type: string, data: object, effectiveAt = '2026-01-15T11:00:00.000Z'): Fact => [
  'order-web~1',
  { type, data },
  effectiveAt,
];

describe('rows', () => {
  test('are the same wherever a batch ends, voided for good', async () => {
    await alone
      .given(
        fact('OrderPaymentStarted', { ...money, ...card, provider: 'psp' }),
        fact('OrderVoidRequested', { paymentId: 'p', reason: 'x' }),
        fact('OrderPaymentVoided', { paymentId: 'p', reason: 'x' }),
        fact('OrderPaymentAuthorised', { ...money, tender: { kind: 'card', reference: 'ref' } }),
      )
      .thenRows('payments', [
        { stage: 'voided', authorised: 500n, reference: 'ref', void_requested: false, captured: 0n },
      ]);
  });

  test('of what is due live until nothing is, and then begin anew', async () => {
    const due = (amount: string, minute: number) =>
      fact('OrderRefundDue', { currency: 'GBP', amount }, `2026-01-15T11:0${minute}:00.000Z`);
    await alone
      .given(due('5.00', 1), due('7.00', 2))
      .thenRows('refunds_due', [{ amount: 700n, since: new Date('2026-01-15T11:01:00Z') }]);
    await alone.given(due('5.00', 1), due('0.00', 2)).thenRows('refunds_due', []);
    await alone
      .given(due('5.00', 1), due('0.00', 2), due('2.00', 3), due('3.00', 4))
      .thenRows('refunds_due', [{ amount: 300n, since: new Date('2026-01-15T11:03:00Z') }]);
  });

  test('a batch without payments costs no statement', async () => {
    const log = await trade({ 'web~1': [] });
    const statements: string[] = [];
    const tx = {
      query: async (sql: string) => {
        statements.push(sql);
        return { rows: [], rowCount: 0 };
      },
    };
    await payments.apply(log.events, tx);
    expect(statements).toEqual([]);
  });
});

describe('what is due to customers', () => {
  const days = {
    'web~1': [capture('20.00'), cancel],
    'shop~2': [start('20.00', { provider: 'psp' }), authorise('20.00'), capture('20.00'), ship, backOne],
    'web~3': [capture('20.00'), ship],
    'web~4': [
      start('20.00', { provider: 'psp' }),
      authorise('20.00'),
      capture('20.00'),
      cancel,
      requestRefund('15.00'),
    ],
  };

  test('is listed, the longest first, with what was asked for already', async () => {
    await readModels.apply((await trade(days)).events);
    const { items } = await listRefundsDue(database.db);
    expect(items.map(({ orderId, amount, requested }) => [orderId, amount, requested])).toEqual([
      ['web~1', '20.00', '0.00'],
      ['shop~2', '10.00', '0.00'],
      ['web~4', '20.00', '15.00'],
    ]);
    const shop = await listRefundsDue(database.db, { channel: 'shop' });
    expect(shop.items.map(({ orderId }) => orderId)).toEqual(['shop~2']);
    const first = await listRefundsDue(database.db, { limit: 2 });
    const next = await listRefundsDue(database.db, { limit: 2, cursor: first.nextCursor ?? '' });
    expect(next.items.map(({ orderId }) => orderId)).toEqual(['web~4']);
    expect(next.nextCursor).toBeNull();
  });

  const taken = async () =>
    [...(await takeUnansweredPayments(database.db, { olderThanMs: 0, limit: 10 }))].sort();

  test('is asked for by itself where the channel has it so, and only of providers of ours', async () => {
    await readModels.apply((await trade(days, 'automatic')).events);
    // Asked and not answered; and 5.00 that nobody has asked for.
    expect(await taken()).toEqual(['web~4']);
    await database.db.query('UPDATE payments SET refund_requested = 0');
    expect(await taken()).toEqual(['web~4']);
    await database.db.query('UPDATE payments SET refund_failed = true');
    expect(await taken()).toEqual([]);
  });

  test('is otherwise left to a person, but what was asked for is asked again', async () => {
    await readModels.apply((await trade(days)).events);
    expect(await taken()).toEqual(['web~4']);
    expect(await takeUnansweredPayments(database.db, { olderThanMs: 60_000, limit: 10 })).toEqual([]);
    await database.db.query('UPDATE payments SET refund_requested = 0');
    expect(await taken()).toEqual([]);
  });
});
