import { z } from 'zod';
import { formatAmount } from '../domain/money.js';
import type { OrderBalance } from '../domain/order-balance.js';
import { balanceOfOrder } from '../domain/order-balance.js';
import type { OrderState } from '../domain/order-state.js';
import { type Movement, PAYMENT_STATUSES, type PaymentSums, statusOf, sumsOf } from '../domain/payment.js';
import { TENDERS } from '../domain/payment-events.js';
import type { PaymentRow } from '../projections/payment-pages.js';

const amount = z.string().meta({ description: "Decimal string of the order's currency.", example: '12.34' });

export const tenderShape = {
  kind: z.enum(TENDERS),
  reference: z.string().optional().meta({
    description: 'What its provider or the till calls it; never the number of a card or an account.',
  }),
};

const sums = {
  captured: amount,
  refunded: amount,
  chargedBack: amount,
  excess: amount.meta({
    description: 'By how much what went back is more than what came: the customer owes it.',
  }),
  captureRequested: amount.meta({ description: 'Asked of the provider and not answered.' }),
  refundRequested: amount.meta({ description: 'Asked of the provider and not answered.' }),
};

const paymentShape = {
  paymentId: z.string(),
  tender: z.object(tenderShape),
  provider: z
    .string()
    .optional()
    .meta({ description: 'Of ours, which is asked; absent where somebody outside tells what happens.' }),
  status: z.enum(PAYMENT_STATUSES),
  amount: amount.optional().meta({ description: 'As it began.' }),
  authorised: amount.optional().meta({ description: 'As it was authorised; absent where nobody said so.' }),
  authorisedLeft: amount.meta({ description: 'Authorised and still to be captured.' }),
  ...sums,
  voidRequested: z.boolean(),
  failure: z.object({ code: z.string(), reason: z.string() }).optional(),
};
export const paymentView = z.object(paymentShape).meta({ id: 'Payment' });

const movement = (id: string) =>
  z.object({
    [id]: z.string(),
    amount,
    status: z.enum(['requested', 'done', 'failed']),
    reason: z.string().optional(),
  });
const paymentDetail = z
  .object({
    ...paymentShape,
    captures: z.array(movement('captureId')),
    refunds: z.array(movement('refundId')),
    chargebacks: z.array(movement('chargebackId')),
  })
  .meta({ id: 'PaymentDetail' });

export const balanceView = z
  .object({
    cost: amount.meta({
      description: 'What the order costs now: without what was cancelled, returned, allowed.',
    }),
    authorised: amount.meta({ description: 'Authorised and still to be captured.' }),
    ...sums,
    due: amount.meta({ description: 'Still to pay.' }),
    overpaid: amount.meta({ description: 'To be given back.' }),
  })
  .meta({ id: 'OrderBalance' });

export const paymentsView = z
  .object({ payments: z.array(paymentDetail), balance: balanceView })
  .meta({ id: 'OrderPayments' });

const sumsView = (of: Omit<PaymentSums, 'authorised'>, currency: string) => ({
  captured: formatAmount(of.captured, currency),
  refunded: formatAmount(of.refunded, currency),
  chargedBack: formatAmount(of.chargedBack, currency),
  excess: formatAmount(of.excess, currency),
  captureRequested: formatAmount(of.captureRequested, currency),
  refundRequested: formatAmount(of.refundRequested, currency),
});

export const viewOfBalance = (balance: OrderBalance, currency: string): z.input<typeof balanceView> => ({
  cost: formatAmount(balance.cost, currency),
  authorised: formatAmount(balance.authorised, currency),
  ...sumsView(balance, currency),
  due: formatAmount(balance.due, currency),
  overpaid: formatAmount(balance.overpaid, currency),
});

const moneyOrNone = (minor: bigint | null | undefined, currency: string): string | undefined =>
  minor === null || minor === undefined ? undefined : formatAmount(minor, currency);

export const viewOfPayment = (row: PaymentRow, currency: string): z.input<typeof paymentView> => ({
  paymentId: row.paymentId,
  tender: { kind: row.tender.kind, reference: row.tender.reference ?? undefined },
  provider: row.provider ?? undefined,
  status: statusOf({ stage: row.stage, captured: row.sums.captured }),
  amount: moneyOrNone(row.amount, currency),
  authorised: moneyOrNone(row.authorised, currency),
  authorisedLeft: formatAmount(row.sums.authorised, currency),
  ...sumsView(row.sums, currency),
  voidRequested: row.voidRequested,
  failure: row.failure ?? undefined,
});

type Detail = z.input<typeof paymentDetail>;

const movementsView = (movements: ReadonlyMap<string, Movement>, id: string, currency: string) =>
  [...movements].map(([key, { amount: minor, status, reason }]) => ({
    [id]: key,
    amount: formatAmount(minor, currency),
    status,
    reason,
  }));

/** The payments of an order from its stream, with all that moved; none for an order that was never placed. */
export const paymentsOfState = ({ payments, placed }: OrderState): Detail[] => {
  if (placed === undefined) return [];
  const { currency } = placed;
  return [...payments.values()].map((payment) => {
    const of = sumsOf(payment);
    return {
      paymentId: payment.paymentId,
      tender: payment.tender,
      provider: payment.provider,
      status: statusOf({ stage: payment.stage, captured: of.captured }),
      amount: moneyOrNone(payment.started, currency),
      authorised: moneyOrNone(payment.authorised, currency),
      authorisedLeft: formatAmount(of.authorised, currency),
      ...sumsView(of, currency),
      voidRequested: payment.voidRequested,
      failure: payment.failure,
      captures: movementsView(payment.captures, 'captureId', currency),
      refunds: movementsView(payment.refunds, 'refundId', currency),
      chargebacks: movementsView(payment.chargebacks, 'chargebackId', currency),
    };
  });
};

/** Undefined for an order that was never placed. */
export const paymentsPageOf = (state: OrderState): z.input<typeof paymentsView> | undefined =>
  state.placed === undefined
    ? undefined
    : {
        payments: paymentsOfState(state),
        balance: viewOfBalance(balanceOfOrder(state), state.placed.currency),
      };
