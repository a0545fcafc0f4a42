import type { Tender } from '../domain/payment-events.js';

/**
 * Whoever moves money for us: the port of `PaymentProcess`. Every call carries an id of ours and is done once by it, however often it is made;
 * made again it answers what came of it. That an outcome is not known (yet) is normal, and so is an error: the same call is made again
 * later.
 */
export interface ProviderCall {
  /** Of what is asked: the same id asks the same. */
  readonly id: string;
  /** Of the payment, the same for all that is asked about it; of no other order. */
  readonly payment: string;
  readonly tender: Tender;
  /** Decimal string of `currency`. */
  readonly amount: string;
  readonly currency: string;
}

export type ProviderAnswer =
  | {
      readonly status: 'done';
      /** What the provider calls it. */
      readonly reference?: string;
    }
  /** For good, under this id. */
  | { readonly status: 'declined'; readonly code: string; readonly reason: string }
  | { readonly status: 'unknown' };

export interface PaymentProvider {
  /** As payments name it. */
  readonly name: string;
  authorise(call: ProviderCall): Promise<ProviderAnswer>;
  capture(call: ProviderCall): Promise<ProviderAnswer>;
  refund(call: ProviderCall): Promise<ProviderAnswer>;
  /**
   * Lets go of whatever is authorised and not captured, and authorises nothing for this payment any more. Done also where there is nothing
   * to let go of; never declined. `amount` says nothing here.
   */
  void(call: ProviderCall): Promise<Exclude<ProviderAnswer, { status: 'declined' }>>;
}
