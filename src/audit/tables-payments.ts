import { instants, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedPayment, FoldedRefundDue } from './fold-payments.js';
import type { FoldedOrder } from './folded-order.js';
import { instantCell, textCell } from './tables-orders.js';

function* paymentsOf(orders: Iterable<FoldedOrder>): Generator<FoldedPayment> {
  for (const { payments } of orders) if (payments !== undefined) yield* payments.all.values();
}

function* duesOf(orders: Iterable<FoldedOrder>): Generator<FoldedRefundDue> {
  for (const { payments } of orders) if (payments?.due !== undefined) yield payments.due;
}

const payments = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedPayment>({
    table: 'payments',
    key: texts('order_id', 'payment_id'),
    columns: [
      ...texts('channel', 'currency', 'tender', 'reference', 'provider', 'stage', 'amount', 'authorised'),
      ...texts('captured', 'capture_requested', 'refunded', 'refund_requested', 'charged_back', 'excess'),
      ...texts('refund_failed', 'void_requested', 'failure_code', 'failure_reason'),
      ...instants('expires_at', 'first_at', 'changed_at'),
      ...texts('position'),
    ],
    all: () => paymentsOf(all.values()),
    find: ([id = '', paymentId = '']) => all.get(id)?.payments?.all.get(paymentId),
    keyOf: ({ orderId, paymentId }) => [orderId, paymentId],
    cellsOf: (one) => [
      textCell(all.get(one.orderId)?.placed.channel),
      one.currency,
      one.tender.kind,
      textCell(one.tender.reference),
      textCell(one.provider),
      one.stage,
      textCell(one.amount),
      textCell(one.authorised),
      `${one.captured}`,
      `${one.captureRequested}`,
      `${one.refunded}`,
      `${one.refundRequested}`,
      `${one.chargedBack}`,
      `${one.excess}`,
      `${one.refundFailed}`,
      `${one.voidRequested}`,
      textCell(one.failure?.code),
      textCell(one.failure?.reason),
      instantCell(one.expiresAt),
      instantCell(one.firstAt),
      instantCell(one.changedAt),
      `${one.position}`,
    ],
  });

const refundsDue = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedRefundDue>({
    table: 'refunds_due',
    key: texts('order_id'),
    columns: [...texts('channel', 'currency', 'amount'), ...instants('since'), ...texts('position')],
    all: () => duesOf(all.values()),
    find: ([id = '']) => all.get(id)?.payments?.due,
    keyOf: ({ orderId }) => [orderId],
    cellsOf: ({ orderId, currency, amount, since, position }) => [
      textCell(all.get(orderId)?.placed.channel),
      currency,
      `${amount}`,
      instantCell(since),
      `${position}`,
    ],
  });

export const paymentTables = (fold: LogFold): TableCheck[] => [payments(fold), refundsDue(fold)];
