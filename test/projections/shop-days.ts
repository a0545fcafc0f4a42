import fc from 'fast-check';
import { consignment } from '../../src/domain/consignment.js';
import { coupon } from '../../src/domain/coupon.js';
import { type LineQuantity, type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import type { PaymentCommand } from '../../src/domain/order-payment-commands.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { INSPECTION_OUTCOMES, type InspectionOutcome } from '../../src/domain/return-events.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { consignmentIdOf, createConsignmentProcess } from '../../src/processes/consignment-process.js';
import { createExchangeProcess } from '../../src/processes/exchange-process.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import { createReturnProcess, type ReturnProcess } from '../../src/processes/return-process.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import {
  allowance,
  authorise,
  creditReturn,
  exchange,
  inspect,
  receiveReturn,
  refuseReturn,
  requestReturn,
} from '../support/returns.js';
import { resolveReview, review, rule } from '../support/reviews.js';
import { Died, MemoryLog } from './memory-log.js';

/** Random days of a small shop, through the real deciders and processes, some steps cut short in the middle. */
const SKUS = ['A', '__proto__', 'b "\\,{}', "c'é~/%"];
export const LOCATIONS = ['main', 'shop~2'];
const COUPONS = ['TEN', '50%'];
const ORDERS = 5;
/** Enough for some orders and not for all. */
const OPENING = 8;

const RULES = [
  rule('any "1"', { kind: 'amount', currency: 'GBP', over: '2.00' }),
  rule('A', { kind: 'quantity', over: 0, sku: 'A' }, { blocks: ['ship'], role: 'warehouse' }),
];

const sku = fc.constantFrom(...SKUS);
const location = fc.constantFrom(...LOCATIONS);
const orderNo = fc.nat({ max: ORDERS - 1 });
const units = fc.integer({ min: 1, max: 4 });
const aLine = fc.record({
  sku,
  kind: fc.constantFrom('goods', 'goods', 'goods', 'charge', 'voucher'),
  quantity: units,
  unitPrice: fc.constantFrom('1.00', '0.333', '12.5', '0'),
  tax: fc.constantFrom('0.00', '0.07'),
});
/** Lines by number, each with units; empty means all that is left. */
const some = fc.array(fc.record({ line: fc.nat({ max: 2 }), quantity: units }), { maxLength: 2 });

const SHORTAGES = [
  undefined,
  undefined,
  'all-or-nothing',
  'ship-available',
  'backorder',
  'backorder',
  'shortfall',
] as const;
const HANDOVERS = [undefined, undefined, undefined, 'at-once'] as const;
const changeId = fc.constantFrom('c{1}', 'c\\"2"');

const aSplit = fc.constantFrom('s', 't "{1}"');

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('receive' as const), location, sku, quantity: units }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      location,
      sku,
      delta: fc.constantFrom(-1, 2),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('place' as const),
      orderNo,
      lines: fc.array(aLine, { minLength: 1, maxLength: 3 }),
      confirm: fc.constantFrom('auto' as const, 'explicit' as const, 'payment' as const),
      expires: fc.boolean(),
      rules: fc.subarray(RULES),
      coupons: fc.subarray(COUPONS),
      shortage: fc.constantFrom(...SHORTAGES),
      handover: fc.constantFrom(...HANDOVERS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('propose' as const),
      orderNo,
      changeId,
      sku,
      line: fc.nat({ max: 2 }),
      quantity: units,
      kind: fc.constantFrom('add' as const, 'reduce' as const, 'reprice' as const, 'both' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('confirm-change' as const, 'confirm-change' as const, 'decline-change' as const),
      orderNo,
      changeId,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('advance' as const, 'extend' as const), orderNo, location }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('confirm' as const, 'expire' as const), orderNo }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), orderNo, some }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ship' as const), orderNo, some }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('return' as const),
      orderNo,
      some: fc.array(fc.record({ line: fc.nat({ max: 1 }), quantity: fc.constant(1) }), {
        minLength: 1,
        maxLength: 2,
      }),
      location: fc.option(location, { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('review' as const),
      orderNo,
      blocks: fc.constantFrom('confirm' as const, 'ship' as const),
      some,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      orderNo,
      holdId: fc.constantFrom('rule:any "1"', 'rule:A', 'h\\{1}'),
      outcome: fc.constantFrom('released' as const, 'released' as const, 'rejected' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pay' as const),
      orderNo,
      what: fc.constantFrom(
        'start' as const,
        'authorise' as const,
        'authorise' as const,
        'capture' as const,
        'capture' as const,
        'request-capture' as const,
        'fail-capture' as const,
        'fail' as const,
        'request-void' as const,
        'void' as const,
        'request-refund' as const,
        'refund' as const,
        'fail-refund' as const,
        'chargeback' as const,
      ),
      paymentId: fc.constantFrom('p\\1', 'p"2'),
      movementId: fc.constantFrom('m1', 'm2'),
      amount: fc.constantFrom('1.00', '3.00', '12.50'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('split' as const), orderNo, split: aSplit, some }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undo' as const), orderNo, split: aSplit }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('ship-split' as const), orderNo, split: aSplit, some }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('consign' as const),
      key: fc.constantFrom('k', 'l "2"'),
      location,
      orderNos: fc.uniqueArray(orderNo, { minLength: 2, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('note' as const), sku, location, quantity: units }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('onward' as const),
      orderNo,
      returnNo: fc.nat({ max: 1 }),
      some: fc.array(fc.record({ line: fc.nat({ max: 1 }), quantity: fc.constant(1) }), {
        minLength: 1,
        maxLength: 2,
      }),
      outcome: fc.constantFrom(...INSPECTION_OUTCOMES),
      location,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('allow' as const, 'refuse' as const, 'exchange' as const, 'follow' as const),
      orderNo,
      returnNo: fc.nat({ max: 1 }),
      sku,
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;
export type Cut = { readonly step: Step; readonly appends: number | undefined };

/** A step, and after how many appends whoever does it dies. */
const dying = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.nat({ max: 5 }) },
);
export const shopDay: fc.Arbitrary<readonly Cut[]> = fc.array(fc.record({ step, appends: dying }), {
  minLength: 10,
  maxLength: 45,
  size: 'max',
});

export const contextOf = (id: string): CommandContext => ({
  commandId: id,
  correlationId: id,
  actor: 'test',
  effectiveAt: '2026-01-15T11:00:00.000Z',
});

const linesOf = (named: readonly { line: number; quantity: number }[]) =>
  named.length === 0 ? {} : { lines: named.map(({ line, quantity }) => ({ lineId: `L${line}`, quantity })) };

export const orderIdFor = (number: number): string => orderIdOf('web', `#${number}`);
export const ALL_ORDERS = Array.from({ length: ORDERS }, (_, number) => orderIdFor(number));

/** The next step of a return, whatever that is. */
const onward = (
  { afterSales }: OrderState,
  returnId: string,
  lines: readonly LineQuantity[],
  outcome: InspectionOutcome,
  location: string,
): OrderCommand => {
  const request = afterSales.requests.get(returnId);
  const all = [...(request?.lines ?? [])];
  switch (request?.status) {
    case undefined:
      return requestReturn(returnId, lines, 'broken, "a"');
    case 'requested':
      return authorise(returnId, outcome === 'damaged' ? { creditOn: 'command', note: 'box, "b"' } : {});
    case 'authorised':
      return receiveReturn(
        returnId,
        all.map(([lineId, { requested }]) => ({ lineId, quantity: requested })),
        location,
      );
    case 'received':
      return inspect(
        returnId,
        ...all.flatMap(([lineId, { received }]) =>
          received === 0 ? [] : [[lineId, received, outcome] as const],
        ),
      );
    default:
      return creditReturn(returnId, { note: 'N 2' });
  }
};

const run = async (
  log: MemoryLog,
  orders: OrderProcess,
  returns: ReturnProcess,
  one: Step,
  id: string,
): Promise<unknown> => {
  const context = contextOf(id);
  switch (one.do) {
    case 'receive':
      return log.execute(
        stock,
        stockIdOf(one.location, one.sku),
        { type: 'receive', receiptId: id, quantity: one.quantity },
        context,
      );
    case 'adjust':
      return log.execute(
        stock,
        stockIdOf(one.location, one.sku),
        { type: 'adjust', adjustmentId: id, delta: one.delta, reason: 'count "1"' },
        context,
      );
    case 'place': {
      const command: PlaceOrder = {
        type: 'place',
        channel: 'web',
        externalId: `#${one.orderNo}`,
        placedAt: `2026-01-15T10:00:0${one.orderNo}.123456Z`,
        currency: 'GBP',
        ...(one.orderNo % 2 === 0
          ? { customerId: 'c1', destination: { country: 'GB', postalCode: 'N1' } }
          : {}),
        lines: one.lines.map(
          (line, index) => ({ ...line, lineId: `L${index}` }) as PlaceOrder['lines'][number],
        ),
        coupons: one.coupons,
        confirm: one.confirm,
        ...(one.expires ? { expiresAt: '2026-01-15T10:30:00Z' } : {}),
        // Only the first delivers what may wait, so that the other can be added.
        sources: one.shortage === 'backorder' ? LOCATIONS.slice(0, 1) : LOCATIONS,
        ...(one.shortage === undefined ? {} : { shortage: one.shortage }),
        ...(one.handover === undefined
          ? {}
          : { handover: one.handover, priority: { level: 1, reason: 'till' } }),
        ...(one.rules.length === 0
          ? {}
          : { review: { rules: one.rules, keepUntil: '2026-01-15T10:30:00Z' } }),
        contentHash: id,
      };
      return orders.execute(orderIdFor(one.orderNo), command, context);
    }
    case 'propose': {
      const lineId = `L${one.line}`;
      const add = {
        kind: 'add',
        line: {
          lineId: id,
          kind: 'goods',
          sku: one.sku,
          quantity: one.quantity,
          unitPrice: '0.7',
          tax: '0.01',
        },
      } as const;
      const reduce = { kind: 'reduce', lineId, quantity: one.quantity } as const;
      const reprice = {
        kind: 'reprice',
        lineId,
        newLineId: id,
        unitPrice: '0.1',
        tax: '0',
        reason: 'x',
      } as const;
      const actions = { add: [add], reduce: [reduce], reprice: [reprice], both: [add, reduce] }[one.kind];
      const proposal = {
        type: 'propose-change',
        changeId: one.changeId,
        reason: 'called "twice"',
        actions,
      } as const;
      return orders.execute(orderIdFor(one.orderNo), proposal, context);
    }
    case 'confirm-change':
      return orders.execute(
        orderIdFor(one.orderNo),
        { type: 'confirm-change', changeId: one.changeId },
        context,
      );
    case 'decline-change':
      return orders.execute(
        orderIdFor(one.orderNo),
        { type: 'decline-change', changeId: one.changeId, reason: 'no {}' },
        context,
      );
    case 'extend': {
      const extend = { type: 'extend-sources', locations: [one.location], reason: 'found' } as const;
      return orders.execute(orderIdFor(one.orderNo), extend, context);
    }
    case 'advance':
      return orders.advance(orderIdFor(one.orderNo), context);
    case 'confirm':
      return orders.execute(orderIdFor(one.orderNo), { type: 'confirm' }, context);
    case 'expire':
      return orders.execute(
        orderIdFor(one.orderNo),
        { type: 'expire', dueAt: '2026-01-15T10:30:00Z' },
        context,
      );
    case 'cancel':
      return orders.execute(
        orderIdFor(one.orderNo),
        { type: 'cancel', cancellationId: id, reason: 'changed mind', ...linesOf(one.some) },
        context,
      );
    case 'ship':
      return orders.execute(
        orderIdFor(one.orderNo),
        { type: 'ship', shipmentId: id, ...linesOf(one.some) },
        context,
      );
    case 'return':
      return orders.execute(
        orderIdFor(one.orderNo),
        {
          type: 'return',
          returnId: `${id}/é`,
          reason: 'broken',
          lines: linesOf(one.some).lines ?? [],
          ...(one.location === undefined ? {} : { location: one.location, credited: '1.00' }),
        },
        context,
      );
    case 'review': {
      const { lines } = linesOf(one.some);
      const on = lines === undefined ? {} : { lines: lines.map(({ lineId }) => lineId) };
      const put = review('h\\{1}', { blocks: [one.blocks], ...on });
      return orders.execute(orderIdFor(one.orderNo), put, context);
    }
    case 'resolve': {
      const resolve = resolveReview(one.holdId, one.outcome, { role: 'admin', reason: 'seen, "ok"' });
      return orders.execute(orderIdFor(one.orderNo), resolve, context);
    }
    case 'onward': {
      const orderId = orderIdFor(one.orderNo);
      const { state } = await log.load(order, orderId);
      const command = onward(
        state,
        `R"${one.returnNo}`,
        linesOf(one.some).lines ?? [],
        one.outcome,
        one.location,
      );
      return orders.execute(orderId, command, context);
    }
    case 'allow':
      return orders.execute(orderIdFor(one.orderNo), allowance(id, '0.50'), context);
    case 'refuse':
      return orders.execute(
        orderIdFor(one.orderNo),
        refuseReturn(`R"${one.returnNo}`, 'worn, "torn"'),
        context,
      );
    case 'exchange': {
      const lines = [
        { lineId: 'L0', kind: 'goods', sku: one.sku, quantity: 1, unitPrice: '2.00', tax: '0.00' },
      ] as const;
      const agree = exchange(id, `R"${one.returnNo}`, { lines, sources: LOCATIONS });
      return createExchangeProcess(log, orders).agree(orderIdFor(one.orderNo), agree, context);
    }
    case 'follow': {
      const orderId = orderIdFor(one.orderNo);
      for (const { newOrderId } of (await log.load(order, orderId)).state.afterSales.exchanges.values()) {
        await orders.execute(newOrderId, { type: 'ship', shipmentId: id }, context);
      }
      return createExchangeProcess(log, orders).advance(orderId, context);
    }
    case 'pay':
      return orders.execute(orderIdFor(one.orderNo), paymentOf(one), context);
    case 'split': {
      const command = { type: 'split', splitId: one.split, lines: linesOf(one.some).lines ?? [] } as const;
      return orders.execute(orderIdFor(one.orderNo), command, context);
    }
    case 'undo': {
      const command = { type: 'undo-split', splitId: one.split, reason: 'as one, "again"' } as const;
      return orders.execute(orderIdFor(one.orderNo), command, context);
    }
    case 'ship-split': {
      const command = { type: 'ship', shipmentId: id, splitId: one.split, ...linesOf(one.some) } as const;
      return orders.execute(orderIdFor(one.orderNo), command, context);
    }
    case 'consign': {
      const planned = { channel: 'web', consignmentId: one.key, location: one.location };
      const plan = { ...planned, customerId: 'c1', orders: one.orderNos.map(orderIdFor) };
      const key = consignmentIdOf('web', one.key);
      // Whoever plans may do so on orders that then say no.
      await log.execute(consignment, key, { type: 'plan', plan }, context);
      return createConsignmentProcess(log, orders).advance(key, context);
    }
    case 'note':
      return returns.record(
        {
          channel: 'web',
          note: 'N 1',
          lineId: id,
          kind: 'goods',
          sku: one.sku,
          quantity: one.quantity,
          currency: 'GBP',
          amount: '1.00',
          location: one.location,
          reason: 'blind',
        },
        context,
      );
  }
};

const paymentOf = (one: Step & { do: 'pay' }): PaymentCommand => {
  const { what, paymentId, movementId, amount } = one;
  const tender = { kind: 'card', ...(movementId === 'm1' ? {} : { reference: 'r "1"' }) } as const;
  const reason = 'so "it" is';
  const code = 'no';
  const ids = { captureId: movementId, refundId: movementId, chargebackId: movementId };
  const { captureId, refundId, chargebackId } = ids;
  switch (what) {
    case 'start': {
      const provider = paymentId.startsWith('p\\') ? { provider: 'psp' } : {};
      const expiresAt = amount === '1.00' ? {} : { expiresAt: '2026-01-15T10:45:00.5Z' };
      return { type: 'start-payment', paymentId, tender, amount, ...provider, ...expiresAt };
    }
    case 'authorise':
      return { type: 'authorise-payment', paymentId, tender, amount };
    case 'capture':
      return { type: 'capture-payment', paymentId, captureId, amount, tender };
    case 'request-capture':
      return { type: 'request-capture', paymentId, captureId, amount };
    case 'fail-capture':
      return { type: 'fail-capture', paymentId, captureId, code, reason };
    case 'fail':
      return { type: 'fail-payment', paymentId, code, reason };
    case 'request-void':
      return { type: 'request-void', paymentId, reason };
    case 'void':
      return { type: 'void-payment', paymentId, reason };
    case 'request-refund':
      return { type: 'request-refund', paymentId, refundId, amount, reason };
    case 'refund':
      return { type: 'refund-payment', paymentId, refundId, amount, reason };
    case 'fail-refund':
      return { type: 'fail-refund', paymentId, refundId, code, reason };
    case 'chargeback':
      return { type: 'charge-back-payment', paymentId, chargebackId, amount, reason };
  }
};

/** The log of a day. */
export const trade = async (day: readonly Cut[]): Promise<MemoryLog> => {
  const log = new MemoryLog();
  const orders = createOrderProcess(log);
  const returns = createReturnProcess(log);
  const ten = { kind: 'percent', percent: '10' } as const;
  await log.execute(
    coupon,
    'TEN',
    { type: 'issue', terms: { discount: ten, limit: 2 } },
    contextOf('issue-1'),
  );
  const one = { kind: 'amount', amount: '1.00', currency: 'GBP' } as const;
  await log.execute(
    coupon,
    '50%',
    { type: 'issue', terms: { discount: one, limit: 1 } },
    contextOf('issue-2'),
  );
  for (const [index, sku] of SKUS.entries()) {
    const id = stockIdOf(LOCATIONS[index % 2] ?? '', sku);
    await log.execute(
      stock,
      id,
      { type: 'receive', receiptId: 'opening', quantity: OPENING },
      contextOf('opening'),
    );
  }
  for (const [index, { step: next, appends }] of day.entries()) {
    log.appendsLeft = appends ?? Number.POSITIVE_INFINITY;
    try {
      await run(log, orders, returns, next, `s${index}`);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }
  log.appendsLeft = Number.POSITIVE_INFINITY;
  return log;
};
