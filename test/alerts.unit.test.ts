import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createHttpMetrics } from '../src/api/metrics.js';
import { createHouseMetrics } from '../src/metrics.js';
import type { RunnerStatus } from '../src/runtime/projection-runner.js';

/** Names as Prometheus has them; a histogram has three. */
const known = (): Set<string> => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  createHttpMetrics(registry);
  // Nobody asks for the status here: only what is registered counts.
  const { projections } = createHouseMetrics(registry);
  projections.observe(() => ({}) as RunnerStatus);
  projections.observeSets(async () => new Map());
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  return new Set([
    ...names,
    ...names.flatMap((name) => ['bucket', 'count', 'sum'].map((part) => `${name}_${part}`)),
  ]);
};
const named = (page: string): string[] => [
  ...new Set(readFileSync(page, 'utf8').match(/\b(?:holdfast|nodejs|process)_[a-z0-9_]+\b/g)),
];

test.each(['docs/guides/production.md', 'docs/guides/operations.md'])(
  '%s names metrics that exist',
  (page) => {
    const metrics = known();
    const mentioned = named(page);
    expect(mentioned.length).toBeGreaterThan(5);
    expect(mentioned.filter((name) => !metrics.has(name))).toEqual([]);
  },
);
