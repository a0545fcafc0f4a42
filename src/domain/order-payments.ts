import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import { formatAmount } from './money.js';
import { balanceOfOrder, endedEmpty, isCovered } from './order-balance.js';
import type { OrderEvent } from './order-events.js';
import type { Placed } from './order-fulfilment.js';
import { decidePayment } from './order-payment.js';
import type { PaymentCommand } from './order-payment-commands.js';
import { decideRefund } from './order-refund.js';
import { evolveOrder, type OrderState } from './order-state.js';
import { sumsOf } from './payment.js';
import { reviewsBlocking } from './review.js';

/** Decides about the payments of an order, with what follows from it. */
export const decidePayments = (command: PaymentCommand, state: Placed): Decision<OrderEvent> => {
  switch (command.type) {
    case 'request-refund':
    case 'refund-payment':
    case 'fail-refund':
    case 'charge-back-payment':
      return decideRefund(command, state);
    default:
      return decidePayment(command, state);
  }
};

/** Why an order that waits for its payment is not confirmed by hand; undefined when it is paid, or waits for something else. */
export const paymentDue = (state: Placed): Rejection | undefined => {
  const { confirm, currency } = state.placed;
  if (confirm !== 'payment' || isCovered(state)) return undefined;
  const { due, authorised } = balanceOfOrder(state);
  return reject('payment_due', 'the order waits for its payment', {
    due: formatAmount(due - authorised, currency),
  });
};

const isPaid = (state: OrderState): boolean =>
  state.status === 'reserved' &&
  state.placed?.confirm === 'payment' &&
  isCovered(state) &&
  reviewsBlocking(state.reviews, 'confirm').length === 0;

/**
 * What follows from a decision for the money, in the same append: an order that waits for its payment is confirmed once it is covered; one
 * that has ended empty lets go of what its providers have authorised; and where more is paid than it costs now, it says so. Nothing
 * for an order that has no payments and waits for none.
 */
export const settlePayments = (state: Placed, decision: Decision<OrderEvent>): Decision<OrderEvent> => {
  if (isRejection(decision) || decision.length === 0) return decision;
  const after = decision.reduce(evolveOrder, state as OrderState);
  if (after.payments.size === 0 && state.placed.confirm !== 'payment') return decision;
  const more: OrderEvent[] = isPaid(after) ? [{ type: 'OrderConfirmed', data: {} }] : [];
  if (endedEmpty(after.status)) {
    for (const payment of after.payments.values()) {
      const { paymentId, provider, stage, voidRequested } = payment;
      const open = stage === 'started' || sumsOf(payment).authorised > 0n;
      if (provider === undefined || !open || voidRequested) continue;
      more.push({ type: 'OrderVoidRequested', data: { paymentId, reason: after.status } });
    }
  }
  const { overpaid } = balanceOfOrder(after);
  if (overpaid !== after.refundDue) {
    const { currency } = state.placed;
    more.push({ type: 'OrderRefundDue', data: { currency, amount: formatAmount(overpaid, currency) } });
  }
  return more.length === 0 ? decision : [...decision, ...more];
};
