import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { amountText, currency, recordedId } from './schemas.js';
import { settlementRate } from './settlement-rate.js';

/**
 * Facts about the payments of an order, in its stream. Whatever is asked of somebody outside is asked twice: by a fact (`...Requested`, and
 * `OrderPaymentStarted`) before, so that a process that dies in between is taken up again, and by the answer after it.
 */
export const TENDERS = [
  'card',
  'bank_transfer',
  'wallet',
  'cash',
  'gift_card',
  'store_credit',
  'invoice',
  'exchange',
  'marketplace',
] as const;

export const tender = z.object({
  kind: z.enum(TENDERS),
  /** What its provider or the till calls it. Never the number of a card or an account. */
  reference: recordedId.optional(),
});

const payment = z.object({ paymentId: recordedId });
const money = payment.extend({ currency, amount: amountText });
/** What the ledger posts says on which channel it was. */
const moved = money.extend({ channel: recordedId, tender, settlement: settlementRate.optional() });

const started = money.extend({
  tender,
  /** Which provider of ours is asked; when absent, somebody outside tells us what comes of it. */
  provider: recordedId.optional(),
  /** Until when the order keeps its stock for it. */
  expiresAt: z.iso.datetime().optional(),
});
const authorised = money.extend({ tender });
const code = z.string();
const reason = z.string();
const capture = { captureId: recordedId };
const refund = { refundId: recordedId };
/** Whether it answers a request that was still open. */
const requested = z.boolean();
/**
 * The part of what went out that is more than came in by this payment: somebody was given the same money twice, by a refund and by a
 * chargeback. Both are true, so both are recorded, and the difference is said aloud.
 */
const excess = amountText.optional();

export const paymentEvents = [
  defineEvent({ type: 'OrderPaymentStarted', version: 1, schema: started }),
  defineEvent({ type: 'OrderPaymentAuthorised', version: 1, schema: authorised }),
  defineEvent({ type: 'OrderPaymentFailed', version: 1, schema: payment.extend({ code, reason }) }),
  defineEvent({ type: 'OrderVoidRequested', version: 1, schema: payment.extend({ reason }) }),
  defineEvent({ type: 'OrderPaymentVoided', version: 1, schema: payment.extend({ reason }) }),
  defineEvent({ type: 'OrderCaptureRequested', version: 1, schema: money.extend(capture) }),
  defineEvent({ type: 'OrderPaymentCaptured', version: 1, schema: moved.extend({ ...capture, requested }) }),
  defineEvent({ type: 'OrderCaptureFailed', version: 1, schema: money.extend({ ...capture, code, reason }) }),
  defineEvent({ type: 'OrderRefundRequested', version: 1, schema: money.extend({ ...refund, reason }) }),
  defineEvent({
    type: 'OrderPaymentRefunded',
    version: 1,
    schema: moved.extend({ ...refund, requested, excess, reason }),
  }),
  defineEvent({ type: 'OrderRefundFailed', version: 1, schema: money.extend({ ...refund, code, reason }) }),
  defineEvent({
    type: 'OrderPaymentChargedBack',
    version: 1,
    schema: moved.extend({ chargebackId: recordedId, excess, reason }),
  }),
  /** By how much more is paid than the order costs; zero when nothing is due any more. Only when it changes. */
  defineEvent({ type: 'OrderRefundDue', version: 1, schema: z.object({ currency, amount: amountText }) }),
];

/** Types of facts that move money or ask for it, and neither goods nor promises. */
export const PAYMENT_TYPES: ReadonlySet<string> = new Set(paymentEvents.map(({ type }) => type));

export type Tender = z.infer<typeof tender>;
export type TenderKind = Tender['kind'];

type Payment = z.infer<typeof payment>;
type Money = z.infer<typeof money>;
type Moved = z.infer<typeof moved>;
type Why = { readonly reason: string };
type Failure = Why & { readonly code: string };
type Excess = { readonly excess?: string | undefined };

export type OrderPaymentStarted = DomainEvent<'OrderPaymentStarted', z.infer<typeof started>>;
export type OrderPaymentAuthorised = DomainEvent<'OrderPaymentAuthorised', z.infer<typeof authorised>>;
export type OrderPaymentCaptured = DomainEvent<
  'OrderPaymentCaptured',
  Moved & { captureId: string; requested: boolean }
>;
export type OrderPaymentRefunded = DomainEvent<
  'OrderPaymentRefunded',
  Moved & Why & Excess & { refundId: string; requested: boolean }
>;
export type OrderPaymentChargedBack = DomainEvent<
  'OrderPaymentChargedBack',
  Moved & Why & Excess & { chargebackId: string }
>;
export type OrderRefundDue = DomainEvent<'OrderRefundDue', { currency: string; amount: string }>;
/** Facts about one payment. */
export type OnePaymentEvent =
  | OrderPaymentStarted
  | OrderPaymentAuthorised
  | DomainEvent<'OrderPaymentFailed', Payment & Failure>
  | DomainEvent<'OrderVoidRequested', Payment & Why>
  | DomainEvent<'OrderPaymentVoided', Payment & Why>
  | DomainEvent<'OrderCaptureRequested', Money & { captureId: string }>
  | OrderPaymentCaptured
  | DomainEvent<'OrderCaptureFailed', Money & Failure & { captureId: string }>
  | DomainEvent<'OrderRefundRequested', Money & Why & { refundId: string }>
  | OrderPaymentRefunded
  | DomainEvent<'OrderRefundFailed', Money & Failure & { refundId: string }>
  | OrderPaymentChargedBack;
export type PaymentEvent = OnePaymentEvent | OrderRefundDue;
