import { z } from 'zod';
import { unitShares } from './apportion.js';
import { amountOf, formatAmount, parseAmount } from './money.js';
import { amountText, recordedId } from './schemas.js';

/**
 * What the tax of a line is made of, where the channel says so: VAT, a duty, an import fee, each an amount of its own. Every unit has
 * its frozen share of each part, apportioned by itself, and its share of the tax is their sum. So any partition of the units gives
 * back every part exactly, and the tax too. A line without parts has one share of its tax, as ever.
 */
export const TAX_KINDS = ['vat', 'gst', 'sales_tax', 'excise', 'duty', 'import_fee', 'other'] as const;
export type TaxKind = (typeof TAX_KINDS)[number];
/** Parts of the tax of one line. */
export const TAXES_MAX = 10;

export const taxCountry = z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code');
/** 0.2 is 20 %. Said and never computed with: the amount is the fact. */
export const taxRate = z.string().regex(/^\d{1,3}(\.\d{1,6})?$/, 'a decimal string such as "0.2"');

/** Of a whole line. */
export const taxPart = z.object({
  kind: z.enum(TAX_KINDS),
  name: recordedId.optional(),
  rate: taxRate.optional(),
  country: taxCountry.optional(),
  amount: amountText,
});
/** Of some units of it: as the line has it, in the same order, with the share of these units. */
export const taxShare = taxPart.omit({ rate: true });

export type TaxPart = z.infer<typeof taxPart>;
export type TaxShare = z.infer<typeof taxShare>;

/** What the parts come to, in minor units; undefined where one is no amount of the currency. */
export const sumOfTaxes = (taxes: readonly TaxPart[], currency: string): bigint | undefined => {
  let sum = 0n;
  for (const { amount } of taxes) {
    const minor = parseAmount(amount, currency);
    if (minor === undefined || minor < 0n) return undefined;
    sum += minor;
  }
  return sum;
};

/** The parts with their amounts spelled as the currency has them. */
export const spelledTaxes = (taxes: readonly TaxPart[], currency: string): TaxPart[] =>
  taxes.map((part) => ({ ...part, amount: formatAmount(amountOf(part.amount, currency), currency) }));

/** Share of each part that units `from` (inclusive) to `to` (exclusive) of a line of `quantity` units carry, and their sum. */
export const taxShares = (
  taxes: readonly TaxPart[],
  currency: string,
  quantity: number,
  from: number,
  to: number,
): { readonly taxes: TaxShare[]; readonly tax: bigint } => {
  let tax = 0n;
  const shares = taxes.map(({ rate: _, amount, ...part }) => {
    const share = unitShares(amountOf(amount, currency), quantity, from, to);
    tax += share;
    return { ...part, amount: formatAmount(share, currency) };
  });
  return { taxes: shares, tax };
};

/** What units `from` (inclusive) to `to` (exclusive) of a line carry of its tax: of each part by itself, where it has parts. */
export const taxOfUnits = (
  line: { readonly tax: bigint; readonly taxes?: readonly TaxPart[] | undefined; readonly quantity: number },
  currency: string,
  from: number,
  to: number,
): bigint =>
  line.taxes === undefined
    ? unitShares(line.tax, line.quantity, from, to)
    : taxShares(line.taxes, currency, line.quantity, from, to).tax;
