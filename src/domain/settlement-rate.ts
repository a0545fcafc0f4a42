import { z } from 'zod';
import { apportion } from './apportion.js';
import { divideHalfEven, exponentOf, parseDecimal } from './money.js';
import { currency, recordedId } from './schemas.js';

/**
 * The rate at which an order is settled in another currency: a fact that the channel states, or its table of rates, never looked up again.
 * Entries stay in the order's currency; beside each posting stands what it comes to in the other one.
 */
export const RATE_DECIMALS_MAX = 12;
export const rateText = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,12})?$/, 'a decimal string of up to 12 places')
  .refine((text) => /[1-9]/.test(text), 'not zero');

export const settlementRate = z.object({
  currency,
  /** Units of that currency for one of the order's. */
  rate: rateText,
  /** Who states it: a bank, a marketplace, a person. */
  source: recordedId,
  /** Of when it is. */
  asOf: z.iso.datetime(),
});
export type SettlementRate = z.infer<typeof settlementRate>;

const decimalsOf = (code: string): bigint => {
  const exponent = exponentOf(code);
  if (exponent === undefined) throw new RangeError(`unknown currency ${code}`);
  return 10n ** BigInt(exponent);
};

/** Minor units of one currency in those of the other, rounded half to even once. */
const converted = (minor: bigint, from: string, { currency: to, rate }: SettlementRate): bigint => {
  const scaled = parseDecimal(rate, RATE_DECIMALS_MAX) ?? 0n;
  return divideHalfEven(minor * scaled * decimalsOf(to), decimalsOf(from) * 10n ** BigInt(RATE_DECIMALS_MAX));
};

/**
 * What each posting of a balanced entry comes to: the sum of its debits is converted once, and spread over the debits, and over the
 * credits, by largest remainder. So the other currency balances too, and the entry the other way round comes to the same, the other
 * way round.
 */
export const settledAmounts = (minors: readonly bigint[], from: string, rate: SettlementRate): bigint[] => {
  const debits = minors.map((minor) => (minor > 0n ? minor : 0n));
  const credits = minors.map((minor) => (minor < 0n ? -minor : 0n));
  const total = converted(
    debits.reduce((sum, minor) => sum + minor, 0n),
    from,
    rate,
  );
  const [debit, credit] = [apportion(total, debits), apportion(total, credits)];
  return minors.map((_, index) => (debit[index] ?? 0n) - (credit[index] ?? 0n));
};
