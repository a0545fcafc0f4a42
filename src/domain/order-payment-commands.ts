import type { Tender } from './payment-events.js';

/** What can be asked of the payments of an order, or told of them. Amounts are decimal strings of its currency, above zero. */
export type PaymentCommand =
  /**
   * A payment begins: the order keeps its stock until `expiresAt`, when that is later than its deadline. Once per payment id. With a provider
   * it is an order to ask that one; without, somebody else asks and tells.
   */
  | {
      readonly type: 'start-payment';
      readonly paymentId: string;
      readonly tender: Tender;
      readonly amount: string;
      readonly provider?: string;
      readonly expiresAt?: string;
    }
  | {
      readonly type: 'authorise-payment';
      readonly paymentId: string;
      readonly tender: Tender;
      readonly amount: string;
    }
  | {
      readonly type: 'fail-payment';
      readonly paymentId: string;
      readonly code: string;
      readonly reason: string;
    }
  /** Asks for what is authorised and not captured to be let go. */
  | { readonly type: 'request-void'; readonly paymentId: string; readonly reason: string }
  | { readonly type: 'void-payment'; readonly paymentId: string; readonly reason: string }
  /** Asks for a part of what is authorised. */
  | {
      readonly type: 'request-capture';
      readonly paymentId: string;
      readonly captureId: string;
      readonly amount: string;
    }
  /** Money is here. The tender is needed where nobody has heard of the payment before. */
  | {
      readonly type: 'capture-payment';
      readonly paymentId: string;
      readonly captureId: string;
      readonly amount: string;
      readonly tender?: Tender;
    }
  | {
      readonly type: 'fail-capture';
      readonly paymentId: string;
      readonly captureId: string;
      readonly code: string;
      readonly reason: string;
    }
  /** Asks for a part of what was captured to be given back. */
  | {
      readonly type: 'request-refund';
      readonly paymentId: string;
      readonly refundId: string;
      readonly amount: string;
      readonly reason: string;
    }
  /** Money was given back. */
  | {
      readonly type: 'refund-payment';
      readonly paymentId: string;
      readonly refundId: string;
      readonly amount: string;
      readonly reason: string;
    }
  | {
      readonly type: 'fail-refund';
      readonly paymentId: string;
      readonly refundId: string;
      readonly code: string;
      readonly reason: string;
    }
  /** The customer's bank took money back. */
  | {
      readonly type: 'charge-back-payment';
      readonly paymentId: string;
      readonly chargebackId: string;
      readonly amount: string;
      readonly reason: string;
    };

export type RefundCommand = Extract<
  PaymentCommand,
  { type: 'request-refund' | 'refund-payment' | 'fail-refund' | 'charge-back-payment' }
>;
