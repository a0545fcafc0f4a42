import { type Rejection, reject } from './decider.js';
import { formatAmount, parseAmount } from './money.js';
import type { Placed } from './order-fulfilment.js';
import { MOVEMENTS_MAX, type Movement, PAYMENTS_MAX, type Payment } from './payment.js';

/** What decisions about payments and about refunds share. */
export const reused = (id: string): Rejection =>
  reject('id_reused', `${id} was recorded with other content`, { id });
export const unknownPayment = (paymentId: string): Rejection =>
  reject('unknown_payment', `the order has no payment ${paymentId}`, { paymentId });

/** In minor units; a rejection for what is no amount of the order's currency, or nothing. */
export const amountIn = ({ placed: { currency } }: Placed, text: string): bigint | Rejection => {
  const minor = parseAmount(text, currency);
  return minor === undefined || minor <= 0n
    ? reject('invalid_amount', `not an amount of ${currency} above zero`)
    : minor;
};

/** The payment whose money a command moves, and how much of it. Rejections: `invalid_amount`, `unknown_payment`. */
export const movementOf = (
  { paymentId, amount }: { readonly paymentId: string; readonly amount: string },
  state: Placed,
): { readonly payment: Payment; readonly minor: bigint } | Rejection => {
  const minor = amountIn(state, amount);
  if (typeof minor !== 'bigint') return minor;
  const payment = state.payments.get(paymentId);
  return payment === undefined ? unknownPayment(paymentId) : { payment, minor };
};

export const moneyOf = ({ placed: { currency } }: Placed, paymentId: string, minor: bigint) => ({
  paymentId,
  currency,
  amount: formatAmount(minor, currency),
});

export const tooMany = ({ payments }: Placed): Rejection | undefined =>
  payments.size >= PAYMENTS_MAX
    ? reject('too_many_payments', `an order has at most ${PAYMENTS_MAX} payments`)
    : undefined;

export const tooManyOf = (movements: ReadonlyMap<string, Movement>): Rejection | undefined =>
  movements.size >= MOVEMENTS_MAX
    ? reject('too_many_movements', `a payment has at most ${MOVEMENTS_MAX} captures, refunds and chargebacks`)
    : undefined;
