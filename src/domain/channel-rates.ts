import { z } from 'zod';
import { type Rejection, reject } from './decider.js';
import { currency } from './schemas.js';
import { type SettlementRate, settlementRate } from './settlement-rate.js';

/**
 * The currency that a channel settles in, and its rates for the currencies that it takes. Part of the channel's settings: whoever places
 * an order has them at hand. An order gets the rate of the moment as a fact of its own and keeps it.
 */
export const RATES_MAX = 100;

/** As somebody sets it: a rate is of one currency, in units of the settlement currency. */
export const channelRate = settlementRate.omit({ currency: true }).extend({ from: currency });

export const channelRates = z.object({
  /** Counts the tables that the channel had, from 1. */
  version: z.int().min(1),
  currency,
  /** Whether an order in another currency is refused where there is no rate for it. */
  required: z.boolean(),
  rates: z.array(channelRate).max(RATES_MAX),
});

export type ChannelRate = z.infer<typeof channelRate>;
export type ChannelRates = z.infer<typeof channelRates>;
export type RateTable = Omit<ChannelRates, 'version'>;

/** The table that follows on `before`: that one itself where it says the same. Rejections: `duplicate_rate`, `invalid_rate`. */
export const reviseRates = (before: ChannelRates | undefined, table: RateTable): ChannelRates | Rejection => {
  const froms = table.rates.map(({ from }) => from);
  if (new Set(froms).size < froms.length) return reject('duplicate_rate', 'a currency has one rate');
  if (froms.includes(table.currency)) {
    return reject('invalid_rate', 'the settlement currency needs no rate for itself');
  }
  const next = channelRates.parse({ ...table, version: (before?.version ?? 0) + 1 });
  const same = JSON.stringify({ ...next, version: 0 }) === JSON.stringify({ ...before, version: 0 });
  return same && before !== undefined ? before : next;
};

/**
 * The rate of an order in that currency; undefined where it needs none, or none is demanded. Rejection: `rate_missing`.
 */
export const rateFor = (
  table: ChannelRates | undefined,
  from: string,
): SettlementRate | Rejection | undefined => {
  if (table === undefined || table.currency === from) return undefined;
  const found = table.rates.find((one) => one.from === from);
  if (found !== undefined) {
    const { rate, source, asOf } = found;
    return { currency: table.currency, rate, source, asOf };
  }
  return table.required
    ? reject('rate_missing', `the channel has no rate from ${from} to ${table.currency}`)
    : undefined;
};
