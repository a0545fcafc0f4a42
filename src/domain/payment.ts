import { amountOf } from './money.js';
import type { OnePaymentEvent, Tender } from './payment-events.js';

/**
 * A payment of an order: one attempt to be paid by one tender. Facts come in any order the world makes them: a capture may be the first that
 * we hear of it, an authorisation may follow a failure.
 *
 *     none | started | authorised | failed     the last of these facts; none: only captures were heard of
 *     voided                                   for good: nothing more will be authorised
 *
 * What moved is in sums of its own: captured <= authorised where there was an authorisation, and refunded + charged back - excess
 * <= captured.
 */
export const PAYMENT_STAGES = ['none', 'started', 'authorised', 'failed', 'voided'] as const;
export type PaymentStage = (typeof PAYMENT_STAGES)[number];

/** Payments of one order, failed ones too. */
export const PAYMENTS_MAX = 50;
/** Captures of one payment; and so many refunds, and so many chargebacks. */
export const MOVEMENTS_MAX = 100;

/** A capture, refund or chargeback, in minor units. */
export interface Movement {
  readonly amount: bigint;
  readonly status: 'requested' | 'done' | 'failed';
  /** Why it was asked for or happened; of a failed one, why it failed. */
  readonly reason?: string;
}
type Movements = ReadonlyMap<string, Movement>;

export interface Payment {
  readonly paymentId: string;
  readonly tender: Tender;
  readonly provider: string | undefined;
  readonly stage: PaymentStage;
  readonly started: bigint | undefined;
  readonly authorised: bigint | undefined;
  readonly failure: { readonly code: string; readonly reason: string } | undefined;
  /** Asked for and not answered. */
  readonly voidRequested: boolean;
  readonly captures: Movements;
  readonly refunds: Movements;
  readonly chargebacks: Movements;
  readonly excess: bigint;
}
export type Payments = ReadonlyMap<string, Payment>;

/** What has moved and may still, in minor units. */
export interface PaymentSums {
  /** Authorised, not captured yet, and not lapsed. */
  readonly authorised: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly chargedBack: bigint;
  readonly excess: bigint;
  /** Asked for and not answered. */
  readonly captureRequested: bigint;
  readonly refundRequested: bigint;
}

const totalOf = (movements: Movements, status: Movement['status']): bigint => {
  let total = 0n;
  for (const one of movements.values()) if (one.status === status) total += one.amount;
  return total;
};

export const sumsOf = (payment: Payment): PaymentSums => {
  const captured = totalOf(payment.captures, 'done');
  const lives = payment.stage === 'authorised' && !payment.voidRequested;
  const left = (payment.authorised ?? 0n) - captured;
  return {
    authorised: lives && left > 0n ? left : 0n,
    captured,
    refunded: totalOf(payment.refunds, 'done'),
    chargedBack: totalOf(payment.chargebacks, 'done'),
    excess: payment.excess,
    captureRequested: totalOf(payment.captures, 'requested'),
    refundRequested: totalOf(payment.refunds, 'requested'),
  };
};

export const NO_SUMS: PaymentSums = {
  authorised: 0n,
  captured: 0n,
  refunded: 0n,
  chargedBack: 0n,
  excess: 0n,
  captureRequested: 0n,
  refundRequested: 0n,
};

export const addSums = (a: PaymentSums, b: PaymentSums): PaymentSums => ({
  authorised: a.authorised + b.authorised,
  captured: a.captured + b.captured,
  refunded: a.refunded + b.refunded,
  chargedBack: a.chargedBack + b.chargedBack,
  excess: a.excess + b.excess,
  captureRequested: a.captureRequested + b.captureRequested,
  refundRequested: a.refundRequested + b.refundRequested,
});

/** Over all payments of an order. */
export const totalSums = (payments: Payments): PaymentSums =>
  [...payments.values()].map(sumsOf).reduce(addSums, NO_SUMS);

/** What may still be asked back of a payment: neither given back, charged back, nor asked for already. */
export const refundableOf = (payment: Payment): bigint => {
  const { captured, refunded, chargedBack, refundRequested } = sumsOf(payment);
  const left = captured - refunded - chargedBack - refundRequested;
  return left > 0n ? left : 0n;
};

/** How a payment is told to people: that money is here says more than what became of the attempt. */
export const statusOf = ({ stage, captured }: { stage: PaymentStage; captured: bigint }) =>
  captured > 0n || stage === 'none' ? 'captured' : stage;
export const PAYMENT_STATUSES = ['started', 'authorised', 'captured', 'failed', 'voided'] as const;

const heardOf = (paymentId: string, tender: Tender, provider: string | undefined): Payment => ({
  paymentId,
  tender,
  provider,
  stage: 'none',
  started: undefined,
  authorised: undefined,
  failure: undefined,
  voidRequested: false,
  captures: new Map(),
  refunds: new Map(),
  chargebacks: new Map(),
  excess: 0n,
});

const put = (movements: Movements, id: string, movement: Movement): Movements =>
  new Map(movements).set(id, movement);

const reached = ({ stage }: Payment, next: PaymentStage): PaymentStage =>
  stage === 'voided' ? 'voided' : next;

/** The later word on the same tender, with what the earlier one knew. */
const known = (before: Tender, now: Tender): Tender => (now.reference === undefined ? before : now);

const evolveOne = (payment: Payment, event: OnePaymentEvent): Payment => {
  switch (event.type) {
    case 'OrderPaymentStarted': {
      const { amount, currency } = event.data;
      return { ...payment, stage: reached(payment, 'started'), started: amountOf(amount, currency) };
    }
    case 'OrderPaymentAuthorised': {
      const { amount, currency, tender } = event.data;
      return {
        ...payment,
        tender: known(payment.tender, tender),
        stage: reached(payment, 'authorised'),
        authorised: amountOf(amount, currency),
      };
    }
    case 'OrderPaymentFailed': {
      const { code, reason } = event.data;
      return { ...payment, stage: reached(payment, 'failed'), failure: { code, reason } };
    }
    case 'OrderVoidRequested':
      return { ...payment, voidRequested: true };
    case 'OrderPaymentVoided':
      return { ...payment, stage: 'voided', voidRequested: false };
    case 'OrderCaptureRequested': {
      const { captureId, amount, currency } = event.data;
      const asked = { amount: amountOf(amount, currency), status: 'requested' } as const;
      return { ...payment, captures: put(payment.captures, captureId, asked) };
    }
    case 'OrderPaymentCaptured': {
      const { captureId, amount, currency, tender } = event.data;
      const done = { amount: amountOf(amount, currency), status: 'done' } as const;
      return {
        ...payment,
        tender: known(payment.tender, tender),
        captures: put(payment.captures, captureId, done),
      };
    }
    case 'OrderCaptureFailed': {
      const { captureId, amount, currency, reason } = event.data;
      const gone = { amount: amountOf(amount, currency), status: 'failed', reason } as const;
      return { ...payment, captures: put(payment.captures, captureId, gone) };
    }
    case 'OrderRefundRequested':
    case 'OrderPaymentRefunded':
    case 'OrderRefundFailed': {
      const { refundId, amount, currency, reason } = event.data;
      const status = REFUND_STATUS[event.type];
      const refunds = put(payment.refunds, refundId, { amount: amountOf(amount, currency), status, reason });
      return { ...payment, refunds, excess: payment.excess + excessIn(event) };
    }
    case 'OrderPaymentChargedBack': {
      const { chargebackId, amount, currency, reason } = event.data;
      const done = { amount: amountOf(amount, currency), status: 'done', reason } as const;
      const chargebacks = put(payment.chargebacks, chargebackId, done);
      return { ...payment, chargebacks, excess: payment.excess + excessIn(event) };
    }
  }
};

const REFUND_STATUS = {
  OrderRefundRequested: 'requested',
  OrderPaymentRefunded: 'done',
  OrderRefundFailed: 'failed',
} as const;

const excessIn = ({ data }: OnePaymentEvent): bigint =>
  'excess' in data && data.excess !== undefined ? amountOf(data.excess, data.currency) : 0n;

/** The payments after one more fact. One of a payment that nobody has heard of changes nothing. */
export const evolvePayments = (payments: Payments, event: OnePaymentEvent): Payments => {
  const { paymentId } = event.data;
  const before = payments.get(paymentId);
  if (before !== undefined) return new Map(payments).set(paymentId, evolveOne(before, event));
  if (!('tender' in event.data)) return payments;
  const { tender } = event.data;
  const provider = 'provider' in event.data ? event.data.provider : undefined;
  return new Map(payments).set(paymentId, evolveOne(heardOf(paymentId, tender, provider), event));
};
