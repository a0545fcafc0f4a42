import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

describe('a secret in a file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const fileWith = (text: string): string => {
    const file = join(dir, 'secret');
    writeFileSync(file, text);
    return file;
  };

  test('is read without the line end that editors put there', () => {
    const file = fileWith('postgres://holdfast:secret@db/holdfast\n');
    expect(readSettings({ DATABASE_URL_FILE: file }).databaseUrl).toBe(
      'postgres://holdfast:secret@db/holdfast',
    );
  });

  test('that is wrong is refused without being shown', () => {
    const file = fileWith('hunter2');
    expect(() => readSettings({ REDIS_URL_FILE: file })).toThrow(/^REDIS_URL: (?!.*hunter2)/);
  });

  test.each([
    [{ DATABASE_URL_FILE: '/nowhere/secret' }, 'DATABASE_URL_FILE: /nowhere/secret cannot be read'],
    [
      { REDIS_URL: 'redis://a', REDIS_URL_FILE: '/nowhere/secret' },
      'give REDIS_URL or REDIS_URL_FILE, not both',
    ],
  ])('%j is refused', (environment, message) => {
    expect(() => readSettings(environment)).toThrow(message);
  });
});

test('the settings page is what the schema says; `npx holdfast settings > docs/settings.md` renews it', () => {
  expect(readFileSync('docs/settings.md', 'utf8')).toBe(settingsPage());
});
