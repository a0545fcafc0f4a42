import { type Decision, type Rejection, reject } from './decider.js';
import { endedEmpty } from './order-balance.js';
import type { OrderEvent } from './order-events.js';
import { type Placed, settlementOf, wrongStatus } from './order-fulfilment.js';
import type { PaymentCommand, RefundCommand } from './order-payment-commands.js';
import {
  amountIn,
  moneyOf,
  movementOf,
  reused,
  tooMany,
  tooManyOf,
  unknownPayment,
} from './order-payment-parts.js';
import { type Payment, sumsOf } from './payment.js';

/**
 * Decisions about the payments of an order. What is asked of us (start, capture) can be refused; what is told of the world is recorded, also
 * when the order has ended: the money is here, and what follows from it is decided beside it (`order-payments.ts`).
 *
 * Content of an id is its tender and amount. How long it may take, and why, are words about it. A failure or an authorisation is the same
 * again only while it is the last word on its payment.
 */
type Of<Type extends PaymentCommand['type']> = PaymentCommand & { readonly type: Type };

/** Written as every fold compares it: to the millisecond. */
const instant = (time: string): string => new Date(Date.parse(time)).toISOString();

const decideStart = (command: Of<'start-payment'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, tender, provider, expiresAt } = command;
  const minor = amountIn(state, command.amount);
  if (typeof minor !== 'bigint') return minor;
  const before = state.payments.get(paymentId);
  if (before !== undefined) {
    // Its first fact came before its beginning: that has nothing more to say.
    const same =
      before.tender.kind === tender.kind &&
      (before.started === undefined || (before.started === minor && before.provider === provider));
    return same ? [] : reused(paymentId);
  }
  if (endedEmpty(state.status)) return wrongStatus(state, 'open');
  const refusal = tooMany(state);
  if (refusal !== undefined) return refusal;
  const data = {
    ...moneyOf(state, paymentId, minor),
    tender,
    ...(provider === undefined ? {} : { provider }),
    ...(expiresAt === undefined ? {} : { expiresAt: instant(expiresAt) }),
  };
  return [{ type: 'OrderPaymentStarted', data }];
};

const decideAuthorise = (command: Of<'authorise-payment'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, tender } = command;
  const minor = amountIn(state, command.amount);
  if (typeof minor !== 'bigint') return minor;
  const before = state.payments.get(paymentId);
  if (before === undefined) {
    const refusal = tooMany(state);
    if (refusal !== undefined) return refusal;
  } else {
    if (before.tender.kind !== tender.kind) return reused(paymentId);
    if (before.authorised !== undefined && before.authorised !== minor) return reused(paymentId);
    // What failed since is authorised anew; else it is authorised as it was, or voided for good.
    if (before.authorised !== undefined && before.stage !== 'failed') return [];
    const { captured, captureRequested } = sumsOf(before);
    if (captured + captureRequested > minor) {
      return reject('below_captured', 'more was captured than this authorisation is of', { paymentId });
    }
  }
  return [{ type: 'OrderPaymentAuthorised', data: { ...moneyOf(state, paymentId, minor), tender } }];
};

/** What is captured or asked for, `minor` more, is more than what was authorised. */
const exceeds = (payment: Payment, minor: bigint): Rejection | undefined => {
  if (payment.authorised === undefined) return undefined;
  const { captured, captureRequested } = sumsOf(payment);
  return captured + captureRequested + minor > payment.authorised
    ? reject('exceeds_authorised', 'more than is authorised and not captured', {
        paymentId: payment.paymentId,
      })
    : undefined;
};

const decideRequestCapture = (command: Of<'request-capture'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, captureId } = command;
  const found = movementOf(command, state);
  if (!('payment' in found)) return found;
  const { payment, minor } = found;
  const before = payment.captures.get(captureId);
  if (before !== undefined) return before.amount === minor ? [] : reused(captureId);
  if (payment.stage !== 'authorised' || payment.voidRequested) {
    const stage = payment.voidRequested ? 'to be voided' : payment.stage;
    return reject('wrong_payment_status', `the payment is ${stage}, not authorised`, { paymentId });
  }
  const refusal = exceeds(payment, minor) ?? tooManyOf(payment.captures);
  if (refusal !== undefined) return refusal;
  return [{ type: 'OrderCaptureRequested', data: { ...moneyOf(state, paymentId, minor), captureId } }];
};

const decideCapture = (command: Of<'capture-payment'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, captureId } = command;
  const minor = amountIn(state, command.amount);
  if (typeof minor !== 'bigint') return minor;
  const payment = state.payments.get(paymentId);
  const tender = command.tender ?? payment?.tender;
  if (tender === undefined) return unknownPayment(paymentId);
  if (payment !== undefined && payment.tender.kind !== tender.kind) return reused(paymentId);
  const before = payment?.captures.get(captureId);
  if (before !== undefined && before.amount !== minor) return reused(captureId);
  if (before?.status === 'done') return [];
  const requested = before?.status === 'requested';
  // One that was asked for is among what is captured or asked for already.
  const refusal =
    payment === undefined
      ? tooMany(state)
      : requested
        ? undefined
        : (exceeds(payment, minor) ?? (before === undefined ? tooManyOf(payment.captures) : undefined));
  if (refusal !== undefined) return refusal;
  const { channel } = state.placed;
  const data = {
    ...moneyOf(state, paymentId, minor),
    ...settlementOf(state.placed),
    captureId,
    channel,
    tender,
    requested,
  };
  return [{ type: 'OrderPaymentCaptured', data }];
};

const decideFailCapture = (command: Of<'fail-capture'>, state: Placed): Decision<OrderEvent> => {
  const { paymentId, captureId, code, reason } = command;
  const before = state.payments.get(paymentId)?.captures.get(captureId);
  if (before === undefined) return reject('unknown_capture', `no capture ${captureId} was asked for`);
  if (before.status === 'done') return reject('movement_done', `${captureId} was captured`);
  if (before.status === 'failed') return [];
  const data = { ...moneyOf(state, paymentId, before.amount), captureId, code, reason };
  return [{ type: 'OrderCaptureFailed', data }];
};

const decideFail = ({ paymentId, code, reason }: Of<'fail-payment'>, state: Placed): Decision<OrderEvent> => {
  const payment = state.payments.get(paymentId);
  if (payment === undefined) return unknownPayment(paymentId);
  const { failure, stage } = payment;
  // An authorisation since then can lapse too: only what is failed still, or voided for good, has failed already.
  if (failure !== undefined && (stage === 'failed' || stage === 'voided')) {
    return failure.code === code ? [] : reused(paymentId);
  }
  if (sumsOf(payment).captured > 0n) {
    return reject('payment_captured', 'money that came and went again is a refund or a chargeback', {
      paymentId,
    });
  }
  return [{ type: 'OrderPaymentFailed', data: { paymentId, code, reason } }];
};

const decideRequestVoid = (
  { paymentId, reason }: Of<'request-void'>,
  state: Placed,
): Decision<OrderEvent> => {
  const payment = state.payments.get(paymentId);
  if (payment === undefined) return unknownPayment(paymentId);
  if (payment.stage === 'voided' || payment.voidRequested) return [];
  if (payment.stage !== 'started' && payment.stage !== 'authorised') {
    return reject('wrong_payment_status', `the payment is ${payment.stage}`, { paymentId });
  }
  return [{ type: 'OrderVoidRequested', data: { paymentId, reason } }];
};

const decideVoid = ({ paymentId, reason }: Of<'void-payment'>, state: Placed): Decision<OrderEvent> => {
  const payment = state.payments.get(paymentId);
  if (payment === undefined) return unknownPayment(paymentId);
  return payment.stage === 'voided' ? [] : [{ type: 'OrderPaymentVoided', data: { paymentId, reason } }];
};

export const decidePayment = (
  command: Exclude<PaymentCommand, RefundCommand>,
  state: Placed,
): Decision<OrderEvent> => {
  switch (command.type) {
    case 'start-payment':
      return decideStart(command, state);
    case 'authorise-payment':
      return decideAuthorise(command, state);
    case 'fail-payment':
      return decideFail(command, state);
    case 'request-void':
      return decideRequestVoid(command, state);
    case 'void-payment':
      return decideVoid(command, state);
    case 'request-capture':
      return decideRequestCapture(command, state);
    case 'capture-payment':
      return decideCapture(command, state);
    case 'fail-capture':
      return decideFailCapture(command, state);
  }
};
