import { amountOf } from '../domain/money.js';
import {
  type OnePaymentEvent,
  type OrderRefundDue,
  PAYMENT_TYPES,
  type Tender,
} from '../domain/payment-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { isOf } from './event-of.js';

/** What a batch says of one payment. */
export interface PaymentChange {
  readonly orderId: string;
  readonly paymentId: string;
  readonly firstAt: string;
  currency?: string;
  tender?: Tender['kind'];
  reference?: string | undefined;
  provider?: string | undefined;
  stage?: 'started' | 'authorised' | 'failed' | 'voided';
  amount?: bigint;
  authorised?: bigint;
  voidRequested?: boolean;
  failure?: { readonly code: string; readonly reason: string };
  expiresAt?: string | undefined;
  captured: bigint;
  captureRequested: bigint;
  refunded: bigint;
  refundRequested: bigint;
  chargedBack: bigint;
  excess: bigint;
  refundFailed: boolean;
  last: RecordedEvent;
}

const evolve = (change: PaymentChange, event: OnePaymentEvent): void => {
  if ('currency' in event.data) change.currency ??= event.data.currency;
  if ('tender' in event.data) {
    change.tender ??= event.data.tender.kind;
    change.reference = event.data.tender.reference ?? change.reference;
  }
  const minor = 'amount' in event.data ? amountOf(event.data.amount, event.data.currency) : 0n;
  if ('excess' in event.data && event.data.excess !== undefined) {
    change.excess += amountOf(event.data.excess, event.data.currency);
  }
  const reach = (stage: NonNullable<PaymentChange['stage']>): void => {
    if (change.stage !== 'voided') change.stage = stage;
  };
  switch (event.type) {
    case 'OrderPaymentStarted':
      reach('started');
      change.amount = minor;
      change.provider = event.data.provider;
      change.expiresAt = event.data.expiresAt;
      break;
    case 'OrderPaymentAuthorised':
      reach('authorised');
      change.authorised = minor;
      break;
    case 'OrderPaymentFailed':
      reach('failed');
      change.failure = { code: event.data.code, reason: event.data.reason };
      break;
    case 'OrderVoidRequested':
      change.voidRequested = true;
      break;
    case 'OrderPaymentVoided':
      reach('voided');
      change.voidRequested = false;
      break;
    case 'OrderCaptureRequested':
      change.captureRequested += minor;
      break;
    case 'OrderPaymentCaptured':
      change.captured += minor;
      if (event.data.requested) change.captureRequested -= minor;
      break;
    case 'OrderCaptureFailed':
      change.captureRequested -= minor;
      break;
    case 'OrderRefundRequested':
      change.refundRequested += minor;
      break;
    case 'OrderPaymentRefunded':
      change.refunded += minor;
      if (event.data.requested) change.refundRequested -= minor;
      break;
    case 'OrderRefundFailed':
      change.refundRequested -= minor;
      change.refundFailed = true;
      break;
    case 'OrderPaymentChargedBack':
      change.chargedBack += minor;
      break;
  }
};

/** The last word on what is due to the customer of an order. */
export interface Due {
  amount: bigint;
  readonly currency: string;
  /** Since when: of the first word after nothing was due. */
  since: string;
  /** Nothing was due in between: an older row is another one's. */
  ended: boolean;
  position: bigint;
}

const tellDue = (dues: Map<string, Due>, recorded: RecordedEvent, { data }: OrderRefundDue): void => {
  const { streamId, metadata, position } = recorded;
  const amount = amountOf(data.amount, data.currency);
  const before = dues.get(streamId);
  const since = before === undefined || before.amount === 0n ? metadata.effectiveAt : before.since;
  const ended = before?.ended === true || amount === 0n;
  dues.set(streamId, { amount, currency: data.currency, since, ended, position: position.commit });
};

const nothingYet = (recorded: RecordedEvent, paymentId: string): PaymentChange => ({
  orderId: recorded.streamId,
  paymentId,
  firstAt: recorded.metadata.effectiveAt,
  captured: 0n,
  captureRequested: 0n,
  refunded: 0n,
  refundRequested: 0n,
  chargedBack: 0n,
  excess: 0n,
  refundFailed: false,
  last: recorded,
});

/** Folds a batch per payment, and what is due per order. */
export const collapsePayments = (events: readonly RecordedEvent[]) => {
  const changes = new Map<string, PaymentChange>();
  const dues = new Map<string, Due>();
  for (const recorded of events) {
    if (!PAYMENT_TYPES.has(recorded.event.type) || !isOf(recorded, 'order')) continue;
    const event = recorded.event as OnePaymentEvent | OrderRefundDue; // of these types
    if (event.type === 'OrderRefundDue') {
      tellDue(dues, recorded, event);
      continue;
    }
    const { paymentId } = event.data;
    const key = `${recorded.streamId}\0${paymentId}`;
    const change = changes.get(key) ?? nothingYet(recorded, paymentId);
    changes.set(key, change);
    change.last = recorded;
    evolve(change, event);
  }
  return { changes: [...changes.values()], dues };
};
