import { formatAmount } from '../domain/money.js';
import { balanceOfOrder } from '../domain/order-balance.js';
import type { OrderState } from '../domain/order-state.js';
import { type Payment, refundableOf, totalSums } from '../domain/payment.js';
import { joinId } from '../domain/stream-id.js';
import type { ProviderCall } from './payment-provider.js';

/** Something that a provider was asked for and has not answered, as the stream of its order says. */
export interface PaymentStep {
  readonly kind: 'void' | 'authorise' | 'capture' | 'refund';
  readonly provider: string;
  readonly paymentId: string;
  /** Of the capture or the refund. */
  readonly movementId?: string;
  /** Why it is voided or given back. */
  readonly reason?: string;
  readonly call: ProviderCall;
}

const stepsOf = (orderId: string, currency: string, payment: Payment): PaymentStep[] => {
  const { paymentId, provider, tender, stage, started, voidRequested, captures, refunds } = payment;
  if (provider === undefined) return [];
  const of = `${orderId}/${joinId(paymentId)}`;
  const step = (
    kind: PaymentStep['kind'],
    minor: bigint,
    movementId?: string,
    reason?: string,
  ): PaymentStep => ({
    kind,
    provider,
    paymentId,
    ...(movementId === undefined ? {} : { movementId }),
    ...(reason === undefined ? {} : { reason }),
    call: {
      id: movementId === undefined ? `${of}/${kind}` : `${of}/${kind}/${joinId(movementId)}`,
      payment: of,
      tender,
      amount: formatAmount(minor, currency),
      currency,
    },
  });
  const steps: PaymentStep[] = [];
  // First: what is voided is not authorised any more, and a capture that was asked for and not done is then declined.
  if (voidRequested) steps.push(step('void', payment.authorised ?? started ?? 0n));
  else if (stage === 'started') steps.push(step('authorise', started ?? 0n));
  for (const [captureId, { amount, status }] of captures) {
    if (status === 'requested') steps.push(step('capture', amount, captureId));
  }
  for (const [refundId, { amount, status, reason }] of refunds) {
    if (status === 'requested') steps.push(step('refund', amount, refundId, reason));
  }
  return steps;
};

export const stepsLeft = (orderId: string, { placed, payments }: OrderState): PaymentStep[] =>
  placed === undefined
    ? []
    : [...payments.values()].flatMap((payment) => stepsOf(orderId, placed.currency, payment));

const freeId = ({ refunds }: Payment): string => {
  let next = refunds.size + 1;
  while (refunds.has(`due-${next}`)) next += 1;
  return `due-${next}`;
};

/** One part of what is due, to be asked back of one payment. */
export interface RefundWanted {
  readonly paymentId: string;
  readonly refundId: string;
  readonly amount: string;
}

/**
 * How what is due is given back by itself: of the payments of our providers, in the order they were made. A payment of which a refund has
 * failed is left to a person, so that nobody asks for ever. The id is the first that is free, from how many refunds there were: whoever
 * else does the same asks under the same id, and a person may have called theirs anything.
 */
export const refundsWanted = (state: OrderState): RefundWanted[] => {
  const { placed, payments } = state;
  if (placed === undefined || payments.size === 0) return [];
  let left = balanceOfOrder(state).overpaid - totalSums(payments).refundRequested;
  const wanted: RefundWanted[] = [];
  for (const payment of payments.values()) {
    const failed = [...payment.refunds.values()].some(({ status }) => status === 'failed');
    if (left <= 0n || payment.provider === undefined || failed) continue;
    const refundable = refundableOf(payment);
    // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint
    const amount = refundable < left ? refundable : left;
    if (amount <= 0n) continue;
    left -= amount;
    wanted.push({
      paymentId: payment.paymentId,
      refundId: freeId(payment),
      amount: formatAmount(amount, placed.currency),
    });
  }
  return wanted;
};
