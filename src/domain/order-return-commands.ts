import type { ExchangeOrder } from './exchange-events.js';
import type { LineQuantity } from './order-commands.js';
import type { CreditOn, InspectionOutcome } from './return-events.js';

/** Units of a line and what became of them. */
export interface InspectedUnits extends LineQuantity {
  readonly outcome: InspectionOutcome;
}

export type ReturnCommand =
  /** Asks to send shipped units back. They are taken: no other request or return can have them while this one is open. */
  | {
      readonly type: 'request-return';
      readonly returnId: string;
      readonly reason: string;
      readonly lines: readonly LineQuantity[];
    }
  /** Lets the goods come. `creditOn` is `inspection` when absent. */
  | {
      readonly type: 'authorise-return';
      readonly returnId: string;
      readonly note?: string;
      readonly creditOn?: CreditOn;
    }
  /**
   * Declines a request, or the goods of one. Before anything came its units are free again; goods that came go back to the
   * customer for good and cannot be returned again.
   */
  | { readonly type: 'refuse-return'; readonly returnId: string; readonly reason: string }
  /** The goods came, once and perhaps fewer; what did not come is free again. Charges and vouchers need no receipt. */
  | {
      readonly type: 'receive-return';
      readonly returnId: string;
      readonly location: string;
      readonly lines: readonly LineQuantity[];
    }
  /** Says of every received unit what it is. Rejection: `inspection_incomplete`. */
  | {
      readonly type: 'inspect-return';
      readonly returnId: string;
      readonly lines: readonly InspectedUnits[];
    }
  /** Credits what an inspection accepted, where the authorisation left that to somebody. */
  | {
      readonly type: 'credit-return';
      readonly returnId: string;
      readonly note?: string;
      /** Decimal string; what is due when absent. */
      readonly credited?: string;
    }
  /** Gives money back while the customer keeps the goods. Rejection: `exceeds_paid`. */
  | {
      readonly type: 'grant-allowance';
      readonly allowanceId: string;
      readonly amount: string;
      readonly reason: string;
      readonly lineId?: string;
    };

export type ExchangeCommand =
  /** Carries the credit of a return, all that is left of it or `credit`, to a new order. Rejections: `exceeds_credit`, `external_id_too_long`, those of `place`. */
  | {
      readonly type: 'agree-exchange';
      readonly exchangeId: string;
      readonly returnId: string;
      readonly credit?: string;
      /** `externalId` is `{that of this order}-x{n}` when absent. It is settled as this order is. */
      readonly order: Omit<ExchangeOrder, 'externalId' | 'lines' | 'settlement'> & {
        readonly externalId?: string | undefined;
        readonly lines: readonly ExchangeOrder['lines'][number][];
      };
    }
  /** The new order is complete; `charged` is what the customer pays for what it shipped. */
  | { readonly type: 'settle-exchange'; readonly exchangeId: string; readonly charged: string }
  /** The new order came to nothing. */
  | {
      readonly type: 'end-exchange';
      readonly exchangeId: string;
      readonly code: string;
      readonly detail: string;
    };
