import { describe, expect, test } from '@jest/globals';
import { type ChannelSettings, channel, channelSettings } from '../../src/domain/channel.js';
import { type LocationSettings, location, locationSettings } from '../../src/domain/location.js';
import { given } from '../support/decider-spec.js';

const web: ChannelSettings = {
  name: 'Web shop',
  timeZone: 'Europe/London',
  currencies: ['GBP', 'EUR'],
  sources: ['main', 'shop'],
  confirm: 'explicit',
  expiresInSeconds: 900,
};

describe('a channel', () => {
  test('is configured, and configured again only when something differs', () => {
    given(channel)
      .when({ type: 'configure', settings: web })
      .thenEvents({ type: 'ChannelConfigured', data: web });
    given(channel, { type: 'ChannelConfigured', data: web })
      .when({ type: 'configure', settings: { ...web, sources: ['shop', 'main'] } })
      .thenEvents({ type: 'ChannelConfigured', data: { ...web, sources: ['shop', 'main'] } });
  });

  test('the order in which settings are written makes no difference', () => {
    const { name, ...rest } = web;
    given(channel, { type: 'ChannelConfigured', data: web })
      .when({ type: 'configure', settings: { ...rest, name } })
      .thenNothing();
  });

  test.each([
    ['an unknown time zone', { timeZone: 'Europe/Atlantis' }],
    ['an offset', { timeZone: '+01:00' }],
    ['a zone that PostgreSQL lacks', { timeZone: 'AET' }],
    ['a zone that PostgreSQL lacks, by another name', { timeZone: 'US/Pacific-New' }],
    ['a zone that is India here and Israel in PostgreSQL', { timeZone: 'IST' }],
    ['a zone that is Bangladesh here and Britain in PostgreSQL', { timeZone: 'BST' }],
    ['an unknown currency', { currencies: ['GBP', 'QQQ'] }],
    ['no currency', { currencies: [] }],
    ['no source', { sources: [] }],
    ['another policy', { confirm: 'later' }],
    ['a hold of no time', { expiresInSeconds: 0 }],
    ['a hold for ever', { expiresInSeconds: 10 ** 9 }],
    ['a name that no database keeps', { name: 'a\u0000' }],
  ])('does not take %s', (_, wrong) => {
    expect(channelSettings.safeParse({ ...web, ...wrong }).success).toBe(false);
  });

  test.each([
    'UTC',
    'Europe/London',
    'Asia/Kolkata',
    'Asia/Calcutta',
    'Europe/Kyiv',
    'America/Argentina/Salta',
  ])('is in %s', (timeZone) => {
    expect(channelSettings.parse({ ...web, timeZone })).toMatchObject({ timeZone });
  });

  test('that took another zone once is still read, and may be set right', () => {
    const table = { currency: 'USD', required: false, rates: [] };
    const old = { type: 'ChannelConfigured', data: { ...web, timeZone: 'IST' } } as const;
    given(channel, old)
      .when({ type: 'set-rates', table })
      .thenEvents({ type: 'ChannelConfigured', data: { ...old.data, rates: { version: 1, ...table } } });
    given(channel, old)
      .when({ type: 'configure', settings: web })
      .thenEvents({ type: 'ChannelConfigured', data: web });
  });
});

describe('a location', () => {
  const main: LocationSettings = { name: 'Main', country: 'GB' };

  test('is configured, and configured again only when something differs', () => {
    given(location)
      .when({ type: 'configure', settings: main })
      .thenEvents({ type: 'LocationConfigured', data: main });
    given(location, { type: 'LocationConfigured', data: main })
      .when({ type: 'configure', settings: { country: 'GB', name: 'Main' } })
      .thenNothing();
    given(location, { type: 'LocationConfigured', data: main })
      .when({ type: 'configure', settings: { name: 'Main' } })
      .thenEvents({ type: 'LocationConfigured', data: { name: 'Main' } });
  });

  test('does not take a country that is no code, nor no name', () => {
    expect(locationSettings.safeParse({ name: 'Main', country: 'Britain' }).success).toBe(false);
    expect(locationSettings.safeParse({ name: '' }).success).toBe(false);
  });
});
