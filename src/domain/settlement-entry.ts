import type { BlindReturnEvent } from './blind-return.js';
import { amountOf } from './money.js';
import type { OrderReturned, OrderShipped, OrderUnits } from './order-events.js';
import type {
  OrderPaymentCaptured,
  OrderPaymentChargedBack,
  OrderPaymentRefunded,
} from './payment-events.js';
import type { OrderAllowanceGranted } from './return-events.js';
import type { EntryKind, EntryReference } from './settlement.js';
import type { Account, Leg } from './settlement-accounts.js';
import type { SettlementRate } from './settlement-rate.js';

/**
 * The facts that the ledger follows from, in streams of {@link CAUSE_CATEGORIES}. An exchange is none: its credit is an entry of the
 * return and its new order one of the shipment, both on the receivable of one party, so carrying it over would move nothing.
 */
export type Cause = OrderShipped | OrderReturned | OrderAllowanceGranted | BlindReturnEvent | PaymentCause;
type PaymentCause = OrderPaymentCaptured | OrderPaymentRefunded | OrderPaymentChargedBack;
export const CAUSE_TYPES: ReadonlySet<string> = new Set<Cause['type']>([
  'OrderShipped',
  'OrderReturned',
  'OrderAllowanceGranted',
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
  /** The currency that it is settled in, where that is another one. */
  readonly settlement?: SettlementRate | undefined;
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

const add = (sums: Map<Account, bigint>, account: Account, minor: bigint): void => {
  sums.set(account, (sums.get(account) ?? 0n) + minor);
};

/** What the customer pays for these units; `sign` -1 gives it back. Reads the frozen shares, computes none. */
const legsOf = (lines: readonly OrderUnits[], currency: string, goods: Account, sign: 1n | -1n): Leg[] => {
  let receivable = 0n;
  let discounts = 0n;
  const taxes = new Map<Account, bigint>();
  const amounts = new Map<Account, bigint>();
  for (const line of lines) {
    const amount = amountOf(line.amount, currency);
    const discount = amountOf(line.discount, currency);
    const tax = amountOf(line.tax, currency);
    const account = accountOf(line, goods);
    receivable += amount - discount + tax;
    discounts += discount;
    add(amounts, account, amount);
    if (line.taxes === undefined) add(taxes, 'tax', tax);
    else for (const part of line.taxes) add(taxes, `tax:${part.kind}`, amountOf(part.amount, currency));
  }
  return [
    { account: 'receivable', minor: sign * receivable },
    ...[...amounts].map(([account, minor]): Leg => ({ account, minor: -sign * minor })),
    { account: 'discounts', minor: sign * discounts },
    ...[...taxes].map(([account, minor]): Leg => ({ account, minor: -sign * minor })),
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
  const { channel, currency, settlement, paymentId, amount, tender } = data;
  const minor = amountOf(amount, currency) * (type === 'OrderPaymentCaptured' ? 1n : -1n);
  return {
    party: channel,
    kind: PAYMENT_KINDS[type],
    currency,
    ...(settlement === undefined ? {} : { settlement }),
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
      const { channel, currency, settlement, shipmentId, lines } = event.data;
      return {
        party: channel,
        kind: 'sale',
        currency,
        reference: { orderId: streamId, shipmentId },
        ...(settlement === undefined ? {} : { settlement }),
        legs: legsOf(lines, currency, 'sales', 1n),
      };
    }
    case 'OrderReturned': {
      const { channel, currency, settlement, returnId, note, reason, lines, allowance } = event.data;
      const extra = amountOf(allowance, currency);
      return {
        party: channel,
        kind: 'return',
        currency,
        reference: { orderId: streamId, returnId, ...(note === undefined ? {} : { note }) },
        reason,
        ...(settlement === undefined ? {} : { settlement }),
        legs: [
          ...legsOf(lines, currency, 'returns', -1n),
          { account: 'allowances', minor: extra },
          { account: 'receivable', minor: -extra },
        ],
      };
    }
    case 'OrderAllowanceGranted': {
      const { channel, currency, settlement, allowanceId, lineId, reason, amount } = event.data;
      const given = amountOf(amount, currency);
      return {
        party: channel,
        kind: 'allowance',
        currency,
        ...(settlement === undefined ? {} : { settlement }),
        reference: {
          orderId: streamId,
          document: allowanceId,
          ...(lineId === undefined ? {} : { lineId }),
        },
        reason,
        legs: [
          { account: 'allowances', minor: given },
          { account: 'receivable', minor: -given },
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
