import { formatAmount } from '../domain/money.js';
import type { Queryable } from '../runtime/database.js';

/** What the ledger says of a month: by the day things happened, in the party's time zone. Decimal strings of `currency`. */
export interface LedgerMonth {
  readonly party: string;
  readonly month: string;
  readonly currency: string;
  /** Lines of every kind as they were shipped, before discount and tax. */
  readonly sales: string;
  readonly discounts: string;
  readonly tax: string;
  /** What was charged: sales less discounts with tax. */
  readonly charged: string;
  /** What was credited by returns, credit notes and reversals, allowances included. */
  readonly credited: string;
  /** What came by payments, less what went back by refunds and chargebacks. */
  readonly paid: string;
  /** By how much write-offs and adjustments changed what is owed; negative lowers it. */
  readonly adjusted: string;
}

interface Row {
  readonly party: string;
  readonly month: string;
  readonly currency: string;
  readonly sales: string;
  readonly discounts: string;
  readonly tax: string;
  readonly charged: string;
  readonly credited: string;
  readonly paid: string;
  readonly adjusted: string;
}

const REVENUE = `(account = 'sales' OR account LIKE 'charges:%' OR account LIKE 'vouchers:%')`;
const PAYMENTS = `kind IN ('payment', 'refund', 'chargeback')`;
const CREDITS = `kind IN ('return', 'blind_return', 'charge_reversal', 'allowance')`;

const MONTHS = `
SELECT party, to_char(day, 'YYYY-MM') AS month, currency,
  coalesce(sum(-amount) FILTER (WHERE kind = 'sale' AND ${REVENUE}), 0)::text AS sales,
  coalesce(sum(amount) FILTER (WHERE kind = 'sale' AND account = 'discounts'), 0)::text AS discounts,
  coalesce(sum(-amount) FILTER (WHERE kind = 'sale' AND (account = 'tax' OR account LIKE 'tax:%')), 0)::text AS tax,
  coalesce(sum(amount) FILTER (WHERE kind = 'sale' AND account = 'receivable'), 0)::text AS charged,
  coalesce(sum(-amount) FILTER (WHERE ${CREDITS} AND account = 'receivable'), 0)::text AS credited,
  coalesce(sum(-amount) FILTER (WHERE ${PAYMENTS} AND account = 'receivable'), 0)::text AS paid,
  coalesce(sum(amount) FILTER (WHERE kind IN ('write_off', 'adjustment') AND account = 'receivable'), 0)::text AS adjusted
FROM ledger_days
WHERE ($1::text IS NULL OR party = $1) AND ($2::text IS NULL OR currency = $2)
  AND ($3::date IS NULL OR day >= $3) AND ($4::date IS NULL OR day <= $4)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

export interface MonthFilter {
  readonly party?: string | undefined;
  readonly currency?: string | undefined;
  /** Days `YYYY-MM-DD`, both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** By party, month and currency, in that order. */
export const ledgerMonths = async (
  db: Queryable,
  filter: MonthFilter = {},
): Promise<readonly LedgerMonth[]> => {
  const { party = null, currency = null, from = null, to = null } = filter;
  const { rows } = await db.query<Row>(MONTHS, [party, currency, from, to], 'ledger.months');
  return rows.map(({ party: of, month, currency: code, ...sums }) => {
    const money = (minor: string): string => formatAmount(BigInt(minor), code);
    return {
      party: of,
      month,
      currency: code,
      sales: money(sums.sales),
      discounts: money(sums.discounts),
      tax: money(sums.tax),
      charged: money(sums.charged),
      credited: money(sums.credited),
      paid: money(sums.paid),
      adjusted: money(sums.adjusted),
    };
  });
};
