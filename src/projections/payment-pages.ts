import { formatAmount } from '../domain/money.js';
import { balanceOf, type Costs, costOf, type OrderBalance } from '../domain/order-balance.js';
import { addSums, NO_SUMS, type PaymentStage, type PaymentSums } from '../domain/payment.js';
import type { TenderKind } from '../domain/payment-events.js';
import type { Queryable } from '../runtime/database.js';
import { ANY_TEXT, MOMENT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';

/** A payment as people read it. Sums in minor units of the order's currency. */
export interface PaymentRow {
  readonly paymentId: string;
  readonly tender: { readonly kind: TenderKind; readonly reference: string | null };
  readonly provider: string | null;
  readonly stage: PaymentStage;
  readonly amount: bigint | null;
  /** As it was authorised; null where nobody said so. */
  readonly authorised: bigint | null;
  readonly voidRequested: boolean;
  readonly failure: { readonly code: string; readonly reason: string } | null;
  readonly expiresAt: Date | null;
  readonly firstAt: Date;
  readonly sums: PaymentSums;
}

interface JsonRow {
  readonly payment_id: string;
  readonly tender: TenderKind;
  readonly reference: string | null;
  readonly provider: string | null;
  readonly stage: PaymentStage;
  readonly amounts: Readonly<Record<'amount' | 'authorised', string | null>> &
    Readonly<
      Record<
        'captured' | 'capture_requested' | 'refunded' | 'refund_requested' | 'charged_back' | 'excess',
        string
      >
    >;
  readonly void_requested: boolean;
  readonly failure_code: string | null;
  readonly failure_reason: string | null;
  readonly expires_at: string | null;
  readonly first_at: string;
}
export type PaymentsJson = readonly JsonRow[] | null;

/** SQL for the payments of a row of `orders`: JSON for {@link paymentsIn}, null when there are none. Amounts are longer than its numbers. */
export const PAYMENTS_OF_ORDER = `(
  SELECT json_agg(json_build_object('payment_id', payment_id, 'tender', tender, 'reference', reference,
    'provider', provider, 'stage', stage, 'void_requested', void_requested, 'failure_code', failure_code,
    'failure_reason', failure_reason, 'expires_at', expires_at, 'first_at', first_at,
    'amounts', json_build_object('amount', amount::text, 'authorised', authorised::text, 'captured', captured::text,
      'capture_requested', capture_requested::text, 'refunded', refunded::text,
      'refund_requested', refund_requested::text, 'charged_back', charged_back::text, 'excess', excess::text))
    ORDER BY first_at, payment_id)
  FROM payments WHERE payments.order_id = orders.order_id)`;

const sumsIn = ({ stage, void_requested, amounts }: JsonRow): PaymentSums => {
  const captured = BigInt(amounts.captured);
  const left = BigInt(amounts.authorised ?? '0') - captured;
  return {
    authorised: stage === 'authorised' && !void_requested && left > 0n ? left : 0n,
    captured,
    refunded: BigInt(amounts.refunded),
    chargedBack: BigInt(amounts.charged_back),
    excess: BigInt(amounts.excess),
    captureRequested: BigInt(amounts.capture_requested),
    refundRequested: BigInt(amounts.refund_requested),
  };
};

export const paymentsIn = (json: PaymentsJson): PaymentRow[] =>
  (json ?? []).map((row) => ({
    paymentId: row.payment_id,
    tender: { kind: row.tender, reference: row.reference },
    provider: row.provider,
    stage: row.stage,
    amount: row.amounts.amount === null ? null : BigInt(row.amounts.amount),
    authorised: row.amounts.authorised === null ? null : BigInt(row.amounts.authorised),
    voidRequested: row.void_requested,
    failure: row.failure_code === null ? null : { code: row.failure_code, reason: row.failure_reason ?? '' },
    expiresAt: row.expires_at === null ? null : new Date(row.expires_at),
    firstAt: new Date(row.first_at),
    sums: sumsIn(row),
  }));

/** The balance of an order from its rows. */
export const balanceOfRows = (costs: Costs, payments: readonly PaymentRow[]): OrderBalance =>
  balanceOf(costOf(costs), payments.map(({ sums }) => sums).reduce(addSums, NO_SUMS));

/** Something is due to the customer of an order. Amounts are decimal strings of `currency`. */
export interface RefundDueView {
  readonly orderId: string;
  readonly channel: string;
  readonly currency: string;
  readonly amount: string;
  /** Of it, what its provider was asked for and has not answered. */
  readonly requested: string;
  readonly since: Date;
}

interface DueRow {
  readonly order_id: string;
  readonly channel: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly requested: string;
  readonly since: Date;
  readonly since_us: bigint;
}

const LIST = 'refunds-due';
const MICROSECONDS = '(extract(epoch FROM since) * 1000000)::bigint';

/** What is due to customers, the longest first. Throws {@link InvalidCursor}. */
export const listRefundsDue = async (
  db: Queryable,
  filter: PageRequest & { readonly channel?: string | undefined } = {},
): Promise<Page<RefundDueView>> => {
  const size = pageSize(filter);
  const parameters: unknown[] = [];
  const conditions: string[] = [];
  if (filter.channel !== undefined) {
    parameters.push(filter.channel);
    conditions.push(`channel = $${parameters.length}`);
  }
  const after = readCursor(LIST, filter, [MOMENT, ANY_TEXT]);
  if (after !== undefined) {
    parameters.push(...after);
    const [time, id] = [`$${parameters.length - 1}`, `$${parameters.length}`];
    conditions.push(
      `(since, order_id) > (timestamptz 'epoch' + ${time}::bigint * interval '1 microsecond', ${id})`,
    );
  }
  parameters.push(size + 1);
  const { rows } = await db.query<DueRow>(
    `SELECT *, ${MICROSECONDS} AS since_us, (
       SELECT coalesce(sum(refund_requested), 0)::text FROM payments
       WHERE payments.order_id = refunds_due.order_id) AS requested
     FROM refunds_due ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY since, order_id LIMIT $${parameters.length}`,
    parameters,
  );
  const keyOf = ({ since_us, order_id }: DueRow): string[] => [`${since_us}`, order_id];
  return toPage(LIST, rows, size, keyOf, ({ order_id, channel, currency, amount, requested, since }) => ({
    orderId: order_id,
    channel,
    currency,
    amount: formatAmount(amount, currency),
    requested: formatAmount(BigInt(requested), currency),
    since,
  }));
};
