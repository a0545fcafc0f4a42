import { describe, expect, test } from '@jest/globals';
import { type Channel, channel } from '../../src/domain/channel.js';
import { type RateTable, rateFor } from '../../src/domain/channel-rates.js';
import { given } from '../support/decider-spec.js';

const settings = {
  name: 'Web',
  timeZone: 'Europe/London',
  currencies: ['GBP', 'USD'],
  sources: ['main'],
  confirm: 'auto' as const,
};
const usd = { from: 'USD', rate: '0.92', source: 'ECB', asOf: '2026-11-27T00:00:00Z' };
const gbp = { from: 'GBP', rate: '1.1732', source: 'ECB', asOf: '2026-11-27T00:00:00Z' };
const table = (more: Partial<RateTable> = {}): RateTable => ({
  currency: 'EUR',
  required: true,
  rates: [usd, gbp],
  ...more,
});
const configured = (data: Channel) => ({ type: 'ChannelConfigured', data }) as const;
const set = (of: RateTable) => ({ type: 'set-rates', table: of }) as const;
const withRates = configured({ ...settings, rates: { version: 1, ...table() } });

describe('the rates of a channel', () => {
  test('are set with a version, once, and a new table has the next one', () => {
    given(channel, configured(settings)).when(set(table())).thenEvents(withRates);
    given(channel, withRates).when(set(table())).thenNothing();
    const other = table({ rates: [usd] });
    given(channel, withRates)
      .when(set(other))
      .thenEvents(configured({ ...settings, rates: { version: 2, ...other } }));
  });

  test('and the settings leave each other alone', () => {
    const renamed = { ...settings, name: 'Shop' };
    given(channel, withRates)
      .when({ type: 'configure', settings: renamed })
      .thenEvents(configured({ ...renamed, rates: { version: 1, ...table() } }));
    given(channel, withRates).when({ type: 'configure', settings }).thenNothing();
  });

  test('are refused: of a channel that is not set up, two of one currency, of the currency itself', () => {
    given(channel).when(set(table())).thenRejected('unknown_channel');
    given(channel, configured(settings))
      .when(set(table({ rates: [usd, { ...usd, rate: '0.93' }] })))
      .thenRejected('duplicate_rate');
    given(channel, configured(settings))
      .when(set(table({ currency: 'USD' })))
      .thenRejected('invalid_rate');
  });
});

describe('an order gets', () => {
  const rates = { version: 1, ...table() };
  test('the rate of its currency as a fact of its own', () => {
    expect(rateFor(rates, 'USD')).toEqual({
      currency: 'EUR',
      rate: '0.92',
      source: 'ECB',
      asOf: '2026-11-27T00:00:00Z',
    });
  });

  test('none where it needs none: no table, or the currency of the settlement', () => {
    expect(rateFor(undefined, 'USD')).toBeUndefined();
    expect(rateFor(rates, 'EUR')).toBeUndefined();
  });

  test('a refusal where the channel demands a rate and has none, and else nothing', () => {
    expect(rateFor(rates, 'JPY')).toMatchObject({ code: 'rate_missing' });
    expect(rateFor({ ...rates, required: false }, 'JPY')).toBeUndefined();
  });
});
