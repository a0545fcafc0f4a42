import { formatAmount } from '../domain/money.js';
import { type AccountClass, classOf } from '../domain/settlement-accounts.js';
import type { Queryable } from '../runtime/database.js';

/** Which part of the ledger: everything where nothing is named. */
export interface BalanceFilter {
  readonly party?: string | undefined;
  readonly currency?: string | undefined;
  readonly account?: string | undefined;
  /** Up to and including this effective day (`YYYY-MM-DD`, in each party's time zone). */
  readonly day?: string | undefined;
  /** Up to and including this effective instant; not together with `day`. */
  readonly asOf?: Date | undefined;
  /** Only what had been recorded by then: the answer somebody would have got at that time. */
  readonly knownAt?: Date | undefined;
  /** Only what had been recorded up to this commit position. */
  readonly knownTo?: bigint | undefined;
}

/** Decimal strings of `currency`; the balance is debit less credit. */
export interface Balance {
  readonly party: string;
  readonly currency: string;
  readonly account: string;
  readonly debit: string;
  readonly credit: string;
  readonly balance: string;
}

interface Row {
  readonly party: string;
  readonly currency: string;
  readonly account: string;
  readonly debit: string;
  readonly credit: string;
}

const WHO = `($1::text IS NULL OR party = $1) AND ($2::text IS NULL OR currency = $2)
  AND ($3::text IS NULL OR account = $3)`;

const BY_DAY = `
SELECT party, currency, account, sum(debit)::text AS debit, sum(credit)::text AS credit
FROM ledger_days WHERE ${WHO} AND ($4::date IS NULL OR day <= $4)
GROUP BY party, currency, account ORDER BY party, currency, account`;

const POSTED = `
SELECT party, currency, account, greatest(amount, 0) AS debit, greatest(-amount, 0) AS credit
FROM ledger_entries JOIN ledger_postings USING (commit_position, prepare_position)
WHERE ${WHO}`;

/**
 * A day that ended before the instant anywhere on Earth counts whole (two days before its UTC date: zones are at most 14 hours
 * apart from UTC); only the entries of the days around it are looked at one by one.
 */
const BY_INSTANT = `
SELECT party, currency, account, sum(debit)::text AS debit, sum(credit)::text AS credit
FROM (
  SELECT party, currency, account, debit, credit FROM ledger_days
  WHERE ${WHO} AND day <= ($4::timestamptz AT TIME ZONE 'UTC')::date - 2
  UNION ALL
  ${POSTED} AND effective_at <= $4 AND effective_day > ($4::timestamptz AT TIME ZONE 'UTC')::date - 2
) AS part
GROUP BY party, currency, account ORDER BY party, currency, account`;

const AS_KNOWN = `
SELECT party, currency, account, sum(debit)::text AS debit, sum(credit)::text AS credit
FROM (
  ${POSTED} AND ($4::date IS NULL OR effective_day <= $4) AND ($5::timestamptz IS NULL OR effective_at <= $5)
    AND ($6::timestamptz IS NULL OR recorded_at <= $6) AND ($7::bigint IS NULL OR commit_position <= $7)
) AS part
GROUP BY party, currency, account ORDER BY party, currency, account`;

const readRows = async (db: Queryable, filter: BalanceFilter): Promise<readonly Row[]> => {
  const { party = null, currency = null, account = null } = filter;
  const { day = null, asOf = null, knownAt = null, knownTo = null } = filter;
  const who = [party, currency, account];
  if (knownAt !== null || knownTo !== null) {
    return (await db.query<Row>(AS_KNOWN, [...who, day, asOf, knownAt, knownTo], 'ledger.as_known')).rows;
  }
  if (asOf !== null) return (await db.query<Row>(BY_INSTANT, [...who, asOf], 'ledger.by_instant')).rows;
  return (await db.query<Row>(BY_DAY, [...who, day], 'ledger.by_day')).rows;
};

/**
 * Balances by party, currency and account, in that order; accounts nothing was ever posted to are left out. By day and by instant
 * it costs a row per day and account; `knownAt` and `knownTo` go through all entries.
 */
export const balances = async (db: Queryable, filter: BalanceFilter = {}): Promise<readonly Balance[]> =>
  (await readRows(db, filter)).map(({ party, currency, account, debit, credit }) => ({
    party,
    currency,
    account,
    debit: formatAmount(BigInt(debit), currency),
    credit: formatAmount(BigInt(credit), currency),
    balance: formatAmount(BigInt(debit) - BigInt(credit), currency),
  }));

/** All accounts of one currency. The books are right only if `difference` is zero. */
export interface TrialBalance {
  readonly currency: string;
  readonly accounts: readonly {
    readonly account: string;
    readonly class: AccountClass | null;
    /** The balance, on the side it is on; the other is zero. */
    readonly debit: string;
    readonly credit: string;
  }[];
  readonly debit: string;
  readonly credit: string;
  readonly difference: string;
}

/** One per currency, over all parties or one. Filters as for {@link balances}, but an account alone does not balance. */
export const trialBalance = async (
  db: Queryable,
  filter: Omit<BalanceFilter, 'account'> = {},
): Promise<readonly TrialBalance[]> => {
  const currencies = new Map<string, Map<string, bigint>>();
  for (const { currency, account, debit, credit } of await readRows(db, filter)) {
    const accounts = currencies.get(currency) ?? new Map<string, bigint>();
    currencies.set(currency, accounts);
    accounts.set(account, (accounts.get(account) ?? 0n) + BigInt(debit) - BigInt(credit));
  }
  return [...currencies].sort(byKey).map(([currency, accounts]) => {
    const sides = [...accounts].sort(byKey).map(([account, amount]) => ({
      account,
      debit: amount > 0n ? amount : 0n,
      credit: amount < 0n ? -amount : 0n,
    }));
    const money = (minor: bigint): string => formatAmount(minor, currency);
    const debit = sides.reduce((sum, side) => sum + side.debit, 0n);
    const credit = sides.reduce((sum, side) => sum + side.credit, 0n);
    return {
      currency,
      accounts: sides.map((side) => ({
        account: side.account,
        class: classOf(side.account) ?? null,
        debit: money(side.debit),
        credit: money(side.credit),
      })),
      debit: money(debit),
      credit: money(credit),
      difference: money(debit - credit),
    };
  });
};

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
