import { type Decision, reject } from './decider.js';
import { formatAmount } from './money.js';
import type { OrderEvent } from './order-events.js';
import { type Placed, settlementOf } from './order-fulfilment.js';
import type { RefundCommand } from './order-payment-commands.js';
import { moneyOf, movementOf, reused, tooManyOf } from './order-payment-parts.js';
import { type Payment, refundableOf, sumsOf } from './payment.js';

/**
 * Money that goes back.
 *
 * What is asked for is never more than is left of what was captured, whatever took the rest: refunds, those asked for and not answered,
 * chargebacks. What has happened is recorded. Refunds together are never more than what was captured: no provider gives that, so it is
 * somebody's mistake, and refused. But a bank takes money back without asking, also money that was given back before, and a
 * provider may do what we asked it to before it heard of that: then both are recorded, and the event says by how much they go
 * beyond what came in (`excess`). The customer owes it, and the balance of the order and the ledger say so.
 */
type Of<Type extends RefundCommand['type']> = RefundCommand & { readonly type: Type };

const exceedsCaptured = (payment: Payment, left: bigint, { placed: { currency } }: Placed) =>
  reject(
    'exceeds_captured',
    `${formatAmount(left, currency)} ${currency} of this payment can be given back`,
    {
      paymentId: payment.paymentId,
      left: formatAmount(left, currency),
    },
  );

const decideRequest = (command: Of<'request-refund'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, refundId, reason } = command;
  const found = movementOf(command, state);
  if (!('payment' in found)) return found;
  const { payment, minor } = found;
  const before = payment.refunds.get(refundId);
  if (before !== undefined) return before.amount === minor ? [] : reused(refundId);
  const left = refundableOf(payment);
  if (minor > left) return exceedsCaptured(payment, left, state);
  const refusal = tooManyOf(payment.refunds);
  if (refusal !== undefined) return refusal;
  return [{ type: 'OrderRefundRequested', data: { ...moneyOf(state, paymentId, minor), refundId, reason } }];
};

/** By how much `minor` more that goes out is more than what came in and has not gone out yet. */
const excessOf = (payment: Payment, minor: bigint, { placed: { currency } }: Placed) => {
  const { captured, refunded, chargedBack, excess } = sumsOf(payment);
  const beyond = refunded + chargedBack - excess + minor - captured;
  return beyond > 0n ? { excess: formatAmount(beyond, currency) } : {};
};

const decideRefunded = (command: Of<'refund-payment'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, refundId, reason } = command;
  const found = movementOf(command, state);
  if (!('payment' in found)) return found;
  const { payment, minor } = found;
  const before = payment.refunds.get(refundId);
  if (before !== undefined && before.amount !== minor) return reused(refundId);
  if (before?.status === 'done') return [];
  const { captured, refunded, refundRequested } = sumsOf(payment);
  const requested = before?.status === 'requested';
  // One that was asked for is among those already.
  const left = captured - refunded - (requested ? 0n : refundRequested);
  if (minor > left) return exceedsCaptured(payment, left, state);
  const refusal = before === undefined ? tooManyOf(payment.refunds) : undefined;
  if (refusal !== undefined) return refusal;
  const data = {
    ...moneyOf(state, paymentId, minor),
    ...settlementOf(state.placed),
    refundId,
    channel: state.placed.channel,
    tender: payment.tender,
    requested,
    ...excessOf(payment, minor, state),
    reason,
  };
  return [{ type: 'OrderPaymentRefunded', data }];
};

const decideFailRefund = (command: Of<'fail-refund'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, refundId, code, reason } = command;
  const before = state.payments.get(paymentId)?.refunds.get(refundId);
  if (before === undefined) return reject('unknown_refund', `no refund ${refundId} was asked for`);
  if (before.status === 'done') return reject('movement_done', `${refundId} was given back`);
  if (before.status === 'failed') return [];
  const data = { ...moneyOf(state, paymentId, before.amount), refundId, code, reason };
  return [{ type: 'OrderRefundFailed', data }];
};

const decideChargeback = (command: Of<'charge-back-payment'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, chargebackId, reason } = command;
  const found = movementOf(command, state);
  if (!('payment' in found)) return found;
  const { payment, minor } = found;
  const before = payment.chargebacks.get(chargebackId);
  if (before !== undefined) return before.amount === minor ? [] : reused(chargebackId);
  const refusal = tooManyOf(payment.chargebacks);
  if (refusal !== undefined) return refusal;
  const data = {
    ...moneyOf(state, paymentId, minor),
    ...settlementOf(state.placed),
    chargebackId,
    channel: state.placed.channel,
    tender: payment.tender,
    ...excessOf(payment, minor, state),
    reason,
  };
  return [{ type: 'OrderPaymentChargedBack', data }];
};

export const decideRefund = (command: RefundCommand, state: Placed): Decision<OrderEvent> => {
  switch (command.type) {
    case 'request-refund':
      return decideRequest(command, state);
    case 'refund-payment':
      return decideRefunded(command, state);
    case 'fail-refund':
      return decideFailRefund(command, state);
    case 'charge-back-payment':
      return decideChargeback(command, state);
  }
};
