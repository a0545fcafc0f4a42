import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Projection } from '../../src/runtime/projection.js';
import { type CounterEvent, counterEvents } from './counter.js';
import { type TestDatabase, testDatabase } from './postgres.js';
import { createRecorder, type Fact, type ProjectionSpec, projectionSpec } from './projection-spec.js';

let database: TestDatabase;
let spec: ProjectionSpec;

/** Totals per counter; wrong on purpose: what a batch brings replaces what earlier ones brought. */
const forgetful: Projection = {
  name: 'totals',
  version: 1,
  categories: ['counter'],
  tables: ['totals'],
  create: 'CREATE TABLE totals (id text PRIMARY KEY, total bigint NOT NULL)',
  async apply(events, tx) {
    const totals = new Map<string, number>();
    for (const { streamId, event } of events) {
      const { units } = (event as CounterEvent).data;
      totals.set(streamId, (totals.get(streamId) ?? 0) + units);
    }
    for (const row of totals) {
      await tx.query('INSERT INTO totals VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET total = $2', row);
    }
  },
};

beforeAll(async () => {
  database = await testDatabase({ poolSize: 1 });
  spec = await projectionSpec(database.db, [forgetful], counterEvents);
});
afterAll(() => database.drop());

const added = (id: string, units: number): Fact => [`counter-${id}`, { type: 'Added', data: { units } }];

test('a projection spec finds rows that depend on where a batch ends, and only those', async () => {
  await spec.given(added('a', 2), added('b', 3)).thenRows('totals', [{ id: 'a', total: 2n }, { id: 'b' }]);
  const twice = spec.given(added('a', 2), added('a', 3));
  await expect(twice.thenRows('totals', [{ id: 'a', total: 5n }])).rejects.toThrow('deep equality');
  const record = createRecorder(counterEvents);
  const log = [record(...added('a', 2)), record(...added('a', 3))];
  await spec.expectSame(log, []);
  await expect(spec.expectSame(log, [1])).rejects.toThrow('deep equality');
});

test('it finds other rows than were expected, and facts that could not have been recorded', async () => {
  const one = spec.given(added('a', 2));
  await expect(one.thenRows('totals', [{ id: 'a', total: 3n }])).rejects.toThrow('toMatchObject');
  await expect(one.thenRows('totals', [])).rejects.toThrow('toMatchObject');
  await expect(spec.given(added('a', -1)).thenRows('totals', [])).rejects.toThrow('cannot be written');
});
