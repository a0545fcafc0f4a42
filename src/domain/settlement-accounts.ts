import { z } from 'zod';
import { formatAmount } from './money.js';

/**
 * The chart of accounts. Debit is positive and credit negative, so an entry is balanced when its postings sum to zero, and a
 * balance is their sum. `receivable` is what the party owes us; everything else says why.
 */
export const ACCOUNT_CLASSES = {
  receivable: 'asset',
  /** Goods at their line amounts, before discounts and tax. */
  sales: 'income',
  /** What coupons took off; taken back with the goods. */
  discounts: 'income',
  /** Goods that came back, at the line amounts they were sold for. */
  returns: 'income',
  /** Credited beyond (debit) or below (credit) the frozen shares of what came back, or without anything coming back. */
  allowances: 'income',
  tax: 'liability',
  bad_debt: 'expense',
  /** Between what was recorded and what should have been, until somebody explains it. */
  suspense: 'asset',
} as const;

/** Accounts with a name of their own behind the colon: `charges:postage`, `vouchers:gift_vouchers`. */
export const ACCOUNT_FAMILIES = {
  /** Postage, fees, manual charges. */
  charges: 'income',
  /** Stored value that was sold is owed, never a discount and never income. */
  vouchers: 'liability',
  /** What the tax of a line is made of, where its channel says so: `tax:vat`, `tax:duty`. Else `tax`. */
  tax: 'liability',
  /** What was paid by a kind of tender and has not come to a bank account of ours yet: `clearing:card`. */
  clearing: 'asset',
  /** Adjustments by hand that none of the others fits. */
  adjustments: 'expense',
} as const;

export type AccountClass = 'asset' | 'liability' | 'income' | 'expense';
export type Account = keyof typeof ACCOUNT_CLASSES | `${keyof typeof ACCOUNT_FAMILIES}:${string}`;

const classes: ReadonlyMap<string, AccountClass> = new Map(Object.entries(ACCOUNT_CLASSES));
const families: ReadonlyMap<string, AccountClass> = new Map(Object.entries(ACCOUNT_FAMILIES));

/** The class of an account, or undefined where the chart has no such account. */
export const classOf = (account: string): AccountClass | undefined => {
  const colon = account.indexOf(':');
  if (colon < 0) return classes.get(account);
  return colon === account.length - 1 ? undefined : families.get(account.slice(0, colon));
};

export const isAccount = (account: string): account is Account => classOf(account) !== undefined;

/** One side of an entry in minor units: debit positive, credit negative. */
export interface Leg {
  readonly account: Account;
  readonly minor: bigint;
}

/** Sums of an order's lines may be longer than one amount that somebody sent. */
export const ledgerAmount = z.string().regex(/^-?\d{1,30}(\.\d{1,6})?$/);

/** One side of an entry as it is recorded: a signed decimal string of the entry's currency. */
export const posting = z.object({ account: z.string().min(1), amount: ledgerAmount });
export type Posting = z.infer<typeof posting>;

/** One posting per account, in order of first mention, without those that come to nothing. */
export const toPostings = (legs: readonly Leg[], currency: string): Posting[] => {
  const sums = new Map<Account, bigint>();
  for (const { account, minor } of legs) sums.set(account, (sums.get(account) ?? 0n) + minor);
  return [...sums].flatMap(([account, minor]) =>
    minor === 0n ? [] : [{ account, amount: formatAmount(minor, currency) }],
  );
};

/** Debt that will not be paid: takes it off the receivable. A negative one brings it back. */
export const badDebtLegs = (minor: bigint): readonly Leg[] => [
  { account: 'bad_debt', minor },
  { account: 'receivable', minor: -minor },
];
