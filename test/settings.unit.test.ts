import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { InvalidSettings, readSettings, settingsPage } from '../src/settings.js';

test('without any variable everything is embedded and every role runs here', () => {
  expect(readSettings({})).toMatchObject({
    dataDir: '.holdfast',
    eventStoreUrl: undefined,
    databaseUrl: undefined,
    roles: ['api', 'processes', 'projections'],
  });
});

test('an empty variable counts as absent', () => {
  expect(readSettings({ DATABASE_URL: '', HOLDFAST_PORT: '' })).toEqual(readSettings({}));
});

test('a wrong setting is refused with its name and a stable code, whatever else is wrong beside it', () => {
  const wrong = {
    HOLDFAST_PORT: '70000',
    EVENTSTORE_URL: 'http://x',
    HOLDFAST_ROLES: 'api,cook',
    HOLDFAST_NAMESPACE: 'a-b',
  };
  try {
    readSettings(wrong);
    throw new Error('was taken');
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidSettings);
    expect(error).toMatchObject({ code: 'invalid_settings' });
    for (const name of Object.keys(wrong)) expect(String(error)).toContain(name);
  }
});

test('the settings page is what the schema says; `npx holdfast settings > docs/settings.md` renews it', () => {
  expect(readFileSync('docs/settings.md', 'utf8')).toBe(settingsPage());
});
