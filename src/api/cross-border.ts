import { z } from 'zod';
import type { Channel } from '../domain/channel.js';
import { rateFor } from '../domain/channel-rates.js';
import type { Rejection } from '../domain/decider.js';
import { formatAmount } from '../domain/money.js';
import { rateText, type SettlementRate } from '../domain/settlement-rate.js';
import { sumOfTaxes, TAX_KINDS, TAXES_MAX, taxCountry, taxRate } from '../domain/tax.js';
import { currency, instant, money, text } from './schemas.js';

/** What an order says of duties and taxes, and of the currency that it is settled in. */
const taxPart = z.strictObject({
  kind: z.enum(TAX_KINDS),
  name: text.max(100).optional(),
  rate: taxRate.optional().meta({ description: 'Said and not computed with.', example: '0.2' }),
  country: taxCountry.optional().meta({ description: 'Whose it is.' }),
  amount: money,
});

export const lineTaxes = z.array(taxPart).min(1).max(TAXES_MAX).meta({
  description:
    'What the tax of the line is made of. They come to `tax`; every unit has its own share of each.',
});

export const settlement = z
  .strictObject({
    currency,
    rate: rateText.meta({ description: 'Units of this currency for one of the order.', example: '1.1732' }),
    source: text.max(100).meta({ description: 'Who states the rate.' }),
    asOf: instant.meta({ description: 'Of when the rate is.' }),
  })
  .meta({
    description:
      'The currency that the order is settled in, with the rate. Entries say both; the rate is never looked up again.',
  });

interface TaxedLine {
  readonly tax?: string | undefined;
  readonly taxes?: z.output<typeof lineTaxes> | undefined;
}

/** Tax of a line: as it was sent, or what its parts come to. A part that is no amount of the currency is refused later. */
export const taxOf = ({ tax, taxes = [] }: TaxedLine, of: string): string =>
  tax ?? formatAmount(sumOfTaxes(taxes, of) ?? 0n, of);

/** The rate that an order brings, or that its channel has for it. Rejection: `rate_missing`. */
export const settlementFor = (
  sent: { readonly currency: string; readonly settlement?: SettlementRate | undefined },
  { rates }: Pick<Channel, 'rates'>,
): { readonly settlement?: SettlementRate } | Rejection => {
  if (sent.settlement !== undefined) return { settlement: sent.settlement };
  const rate = rateFor(rates, sent.currency);
  if (rate === undefined) return {};
  return 'code' in rate ? rate : { settlement: rate };
};
