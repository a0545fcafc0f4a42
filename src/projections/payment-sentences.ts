import type { OrderState } from '../domain/order-state.js';
import type { PaymentEvent, Tender } from '../domain/payment-events.js';
import { because } from './sentence-words.js';

const by = ({ kind, reference }: Tender): string =>
  `by ${kind.replaceAll('_', ' ')}${reference === undefined ? '' : ` (${reference})`}`;

/** Of the payments of an order. */
export const paymentSentence = (event: PaymentEvent, { placed }: OrderState): string => {
  switch (event.type) {
    case 'OrderPaymentStarted': {
      const { paymentId, amount, currency, tender, expiresAt } = event.data;
      const until = expiresAt === undefined ? '' : `, until ${expiresAt}`;
      return `payment ${paymentId} of ${amount} ${currency} ${by(tender)} started${until}`;
    }
    case 'OrderPaymentAuthorised': {
      const { paymentId, amount, currency, tender } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} authorised ${by(tender)}`;
    }
    case 'OrderPaymentFailed':
      return `payment ${event.data.paymentId} failed (${event.data.code})${because(event.data.reason)}`;
    case 'OrderVoidRequested':
      return `payment ${event.data.paymentId} shall be let go${because(event.data.reason)}`;
    case 'OrderPaymentVoided':
      return `payment ${event.data.paymentId} let go${because(event.data.reason)}`;
    case 'OrderCaptureRequested': {
      const { paymentId, amount, currency } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} shall be captured`;
    }
    case 'OrderPaymentCaptured': {
      const { paymentId, amount, currency, tender } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} captured ${by(tender)}`;
    }
    case 'OrderCaptureFailed': {
      const { paymentId, amount, currency, code, reason } = event.data;
      return `payment ${paymentId}: the capture of ${amount} ${currency} failed (${code})${because(reason)}`;
    }
    case 'OrderRefundRequested': {
      const { paymentId, amount, currency, reason } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} shall be refunded${because(reason)}`;
    }
    case 'OrderPaymentRefunded': {
      const { paymentId, amount, currency, tender, reason } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} refunded ${by(tender)}${because(reason)}`;
    }
    case 'OrderRefundFailed': {
      const { paymentId, amount, currency, code, reason } = event.data;
      return `payment ${paymentId}: the refund of ${amount} ${currency} failed (${code})${because(reason)}`;
    }
    case 'OrderPaymentChargedBack': {
      const { paymentId, amount, currency, reason } = event.data;
      return `payment ${paymentId}: ${amount} ${currency} charged back${because(reason)}`;
    }
    case 'OrderRefundDue': {
      const { amount, currency } = event.data;
      const nothing = Number(amount) === 0;
      return nothing
        ? `nothing is due to the customer any more`
        : `${amount} ${currency} due to the customer${placed === undefined ? '' : ` of ${placed.channel}`}`;
    }
  }
};
