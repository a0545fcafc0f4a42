import { expect, test } from '@jest/globals';
import { importsOf, readSources } from '../../support/import-graph.js';

test('nothing but Node itself and LMDB is needed', () => {
  const sources = readSources(`${import.meta.dirname}/../../../src/adapters/embedded-event-store`);
  expect(sources.size).toBeGreaterThan(30);
  const outside = [...sources.values()]
    .flatMap((text) => importsOf(text))
    .map(({ specifier }) => specifier)
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'));
  expect([...new Set(outside)]).toEqual(['lmdb']);
});
