import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LOG_START, type RecordedEvent } from '../../src/runtime/event-store.js';
import { applyToAll } from '../../src/runtime/parked.js';
import type { Projection } from '../../src/runtime/projection.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const event: RecordedEvent = {
  event: { type: 'Counted', data: {} },
  id: '00000000-0000-4000-8000-000000000000',
  stream: 'counter-1',
  category: 'counter',
  streamId: '1',
  revision: 0,
  position: LOG_START,
  recordedAt: new Date(0),
  metadata: {
    commandId: 'c',
    $correlationId: 'c',
    $causationId: 'c',
    actor: 'test',
    effectiveAt: '2026-01-01T00:00:00Z',
    schemaVersion: 1,
  },
};

const projection = (name: string, statements: readonly string[], sent: string[]): Projection => ({
  name,
  version: 1,
  categories: ['counter'],
  tables: [],
  create: '',
  async apply(_events, tx) {
    for (const sql of statements) {
      sent.push(name);
      await tx.query(sql);
    }
  },
});

test('projections do not wait for the statements of each other', async () => {
  const sent: string[] = [];
  const three = ['a', 'b', 'c'].map((name) => projection(name, ['SELECT 1', 'SELECT 2'], sent));
  await database.db.transaction((tx) => applyToAll(three, [event], tx));
  expect(sent.slice(0, 3)).toEqual(['a', 'b', 'c']);
  expect(sent.length).toBe(6);
});

test('of several that fail, the error is the one that the others are the aftermath of', async () => {
  const fine = projection('fine', ['SELECT 1', 'SELECT 2'], []);
  const wrong = projection('wrong', ['SELECT 1 / 0'], []);
  const later = projection('later', ['SELECT 3', 'SELECT 4'], []);
  const applying = database.db.transaction((tx) => applyToAll([fine, wrong, later], [event], tx));
  await expect(applying).rejects.toMatchObject({ code: '22012' });
  expect((await database.db.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
