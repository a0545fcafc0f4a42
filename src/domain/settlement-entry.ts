import type { BlindReturnEvent } from './blind-return.js';
import { amountOf } from './money.js';
import type { OrderReturned, OrderShipped, OrderUnits } from './order-events.js';
import type {
  OrderPaymentCaptured,
  OrderPaymentChargedBack,
  OrderPaymentRefunded,
} from './payment-events.js';
import type { EntryKind, EntryReference } from './settlement.js';
import type { Account, Leg } from './settlement-accounts.js';

/** The facts that the ledger follows from, in streams of {@link CAUSE_CATEGORIES}. */
export type Cause = OrderShipped | OrderReturned | BlindReturnEvent | PaymentCause;
type PaymentCause = OrderPaymentCaptured | OrderPaymentRefunded | OrderPaymentChargedBack;
export const CAUSE_TYPES: ReadonlySet<string> = new Set<Cause['type']>([
  'OrderShipped',
  'OrderReturned',
  'BlindReturnRecorded',
  'OrderPaymentCaptured',
  'OrderPaymentRefunded',
  'OrderPaymentChargedBack',
]);

export const CAUSE_CATEGORIES = ['order', 'return'] as const;

/** What one business event comes to in the ledger: everything of an entry that does not depend on when it happened. */
export interface Booking {
  readonly party: string;
  readonly kind: EntryKind;
  readonly currency: string;
  readonly reference: EntryReference;
  readonly reason?: string;
  readonly legs: readonly Leg[];
}

/** Where the amount of a line goes: goods to `goods`, charges and vouchers to accounts of their own. */
const accountOf = (
  { kind, account, sku }: Pick<OrderUnits, 'kind' | 'account' | 'sku'>,
  goods: Account,
): Account => {
  const name = account === undefined || account === '' ? sku : account;
  switch (kind) {
    case 'goods':
      return goods;
    case 'charge':
      return `charges:${name}`;
    case 'voucher':
      return `vouchers:${name}`;
  }
};

/** What the customer pays for these units; `sign` -1 gives it back. Reads the frozen shares, computes none. */
const legsOf = (lines: readonly OrderUnits[], currency: string, goods: Account, sign: 1n | -1n): Leg[] => {
  let receivable = 0n;
  let discounts = 0n;
  let taxes = 0n;
  const amounts = new Map<Account, bigint>();
  for (const line of lines) {
    const amount = amountOf(line.amount, currency);
    const discount = amountOf(line.discount, currency);
    const tax = amountOf(line.tax, currency);
    const account = accountOf(line, goods);
    receivable += amount - discount + tax;
    discounts += discount;
    taxes += tax;
    amounts.set(account, (amounts.get(account) ?? 0n) + amount);
  }
  return [
    { account: 'receivable', minor: sign * receivable },
    ...[...amounts].map(([account, minor]): Leg => ({ account, minor: -sign * minor })),
    { account: 'discounts', minor: sign * discounts },
    { account: 'tax', minor: -sign * taxes },
  ];
};

const PAYMENT_KINDS = {
  OrderPaymentCaptured: 'payment',
  OrderPaymentRefunded: 'refund',
  OrderPaymentChargedBack: 'chargeback',
} as const;

/**
 * Money that came by a tender lies on its clearing account until somebody pays it out, and is owed no more; money that went is owed
 * again. All of it, also where the same was given back twice: the customer owes that.
 */
const bookPayment = ({ type, data }: PaymentCause, orderId: string): Booking => {
  const { channel, currency, paymentId, amount, tender } = data;
  const minor = amountOf(amount, currency) * (type === 'OrderPaymentCaptured' ? 1n : -1n);
  return {
    party: channel,
    kind: PAYMENT_KINDS[type],
    currency,
    reference: { orderId, paymentId },
    ...('reason' in data ? { reason: data.reason } : {}),
    legs: [
      { account: `clearing:${tender.kind}`, minor },
      { account: 'receivable', minor: -minor },
    ],
  };
};

/** The booking of a cause; `streamId` is the id of the stream it was read from. */
export const bookingOf = (event: Cause, streamId: string): Booking => {
  switch (event.type) {
    case 'OrderShipped': {
      const { channel, currency, shipmentId, lines } = event.data;
      return {
        party: channel,
        kind: 'sale',
        currency,
        reference: { orderId: streamId, shipmentId },
        legs: legsOf(lines, currency, 'sales', 1n),
      };
    }
    case 'OrderReturned': {
      const { channel, currency, returnId, note, reason, lines, allowance } = event.data;
      const extra = amountOf(allowance, currency);
      return {
        party: channel,
        kind: 'return',
        currency,
        reference: { orderId: streamId, returnId, ...(note === undefined ? {} : { note }) },
        reason,
        legs: [
          ...legsOf(lines, currency, 'returns', -1n),
          { account: 'allowances', minor: extra },
          { account: 'receivable', minor: -extra },
        ],
      };
    }
    case 'OrderPaymentCaptured':
    case 'OrderPaymentRefunded':
    case 'OrderPaymentChargedBack':
      return bookPayment(event, streamId);
    case 'BlindReturnRecorded': {
      const { channel, currency, note, lineId, kind, reason, amount } = event.data;
      const credited = amountOf(amount, currency);
      return {
        party: channel,
        kind: kind === 'goods' ? 'blind_return' : 'charge_reversal',
        currency,
        reference: { note, lineId },
        reason,
        legs: [
          { account: accountOf(event.data, 'returns'), minor: credited },
          { account: 'receivable', minor: -credited },
        ],
      };
    }
  }
};
