import { describe, expect, test } from '@jest/globals';
import { importsOf, layerOf, reachedFrom, readSources, violationsOf } from './support/import-graph.js';

const check = (files: Readonly<Record<string, string>>): string[] =>
  violationsOf(new Map(Object.entries(files)));

test('the house keeps its own rules: who imports whom, a pure domain, no cycles', () => {
  const sources = readSources(`${import.meta.dirname}/../src`);
  expect(sources.size).toBeGreaterThan(10);
  expect(violationsOf(sources)).toEqual([]);
});

test('the audit folds the log itself: no cached state and no snapshot is within its reach', () => {
  const sources = readSources(`${import.meta.dirname}/../src`);
  const caches = /^runtime\/(snapshot|stream-cache|command-runner)/;
  expect([...reachedFrom('audit', sources)].filter((path) => caches.test(path))).toEqual([]);
  expect([...reachedFrom('main', sources)].filter((path) => caches.test(path)).length).toBeGreaterThan(3);
});

describe('imports are found', () => {
  test.each([
    ["import { a, b as c } from './x.js';", './x.js', ['a', 'b'], false],
    ["import {\n  type A,\n  b,\n} from './x.js';", './x.js', ['b'], false],
    ["import { type A, type B } from './x.js';", './x.js', [], false],
    ["import type { A } from './x.js';", './x.js', [], false],
    ["import type * as all from './x.js';", './x.js', [], false],
    ["import * as all from './x.js';", './x.js', ['*'], false],
    ["import one from './x.js';", './x.js', ['default'], false],
    ["import one, { type A } from './x.js';", './x.js', ['default'], false],
    ["import './x.js';", './x.js', [], true],
    ["export { a } from './x.js';", './x.js', ['a'], false],
    ["export type { A } from './x.js';", './x.js', [], false],
    ["export * from './x.js';", './x.js', ['*'], false],
    ["const x = await import('./x.js');", './x.js', ['*'], false],
    ["const x = require('./x.js');", './x.js', ['*'], false],
    ["/* why */ import { a } from './x.js'; // that is it", './x.js', ['a'], false],
  ])('%j', (text, specifier, values, sideEffect) => {
    expect(importsOf(text)).toEqual([{ specifier, values, sideEffect }]);
  });

  test.each([
    "// import { a } from './x.js';",
    "/*\nimport { a } from './x.js';\n*/",
    "const text = `\\`; import('x')`.length; export const from = 'x';".replace("import('x')", 'import x'),
    'export const a = 1;\nexport { a };',
  ])('none in %j', (text) => {
    expect(importsOf(text)).toEqual([]);
  });

  test('each adapter is a floor of its own, each file at the top too', () => {
    expect(layerOf('domain/order.ts')).toBe('domain');
    expect(layerOf('adapters/postgres/pool.ts')).toBe('adapters/postgres');
    expect(layerOf('adapters/channels/online-retail/row.ts')).toBe('adapters/channels');
    expect(layerOf('main.ts')).toBe('main');
  });
});

describe('the rules', () => {
  const house: Record<string, string> = {
    'domain/decider.ts': "import { z } from 'zod';\nexport const reject = (at: string) => new Date(at);",
    'domain/order.ts': "import { reject } from './decider.js';",
    'runtime/event-store.ts': 'export class Unavailable extends Error {}\nexport const START = 0;',
    'runtime/errors.ts': 'export class Full extends RetriableError {}\nexport class Queue {}',
    'runtime/bus.ts':
      "import { reject } from '../domain/decider.js';\nimport type { O } from '../domain/order.js';",
    'processes/orders.ts': "import { o } from '../domain/order.js';\nimport { b } from '../runtime/bus.js';",
    'projections/orders.ts':
      "import { o } from '../domain/order.js';\nimport { b } from '../runtime/bus.js';",
    'api/orders.ts':
      "import { a } from '../processes/orders.js';\nimport { q } from '../projections/orders.js';",
    'adapters/event-store/client.ts':
      "import { x } from '@eventstore/db-client';\nimport { START } from '../../runtime/event-store.js';\nimport { Full } from '../../runtime/errors.js';\nimport type { T } from '../../processes/orders.js';",
    'adapters/embedded-event-store/server.ts': "import { l } from './log.js';\nimport net from 'node:net';",
    'adapters/embedded-event-store/log.ts': '',
    'adapters/channels/csv/import.ts':
      "import { o } from '../../../domain/order.js';\nimport type { B } from '../../../runtime/bus.js';",
    'audit/fold.ts': "import { b } from '../runtime/bus.js';\nimport type { O } from '../domain/order.js';",
    'embedded.ts': "import { s } from './adapters/embedded-event-store/server.js';",
    'settings.ts': '',
    'main.ts': "import { s } from './settings.js';\nimport { c } from './adapters/event-store/client.js';",
    'cli/serve.ts': "import { m } from '../main.js';",
  };

  test('hold in a house that keeps them', () => {
    expect(check(house)).toEqual([]);
  });

  test.each([
    ['domain/x.ts', "import type { B } from '../runtime/bus.js';", 'domain may not import runtime/bus.ts'],
    ['runtime/x.ts', "import { o } from '../domain/order.js';", 'may import only types from domain/order.ts'],
    ['runtime/x.ts', "import type { S } from '../settings.js';", 'runtime may not import settings.ts'],
    [
      'runtime/x.ts',
      "import type { P } from '../processes/orders.js';",
      'runtime may not import processes/orders.ts',
    ],
    [
      'processes/x.ts',
      "import { q } from '../projections/orders.js';",
      'may not import projections/orders.ts',
    ],
    ['projections/x.ts', "import { p } from '../processes/orders.js';", 'may not import processes/orders.ts'],
    ['projections/x.ts', "export * from '../api/orders.js';", 'may not import api/orders.ts'],
    ['api/x.ts', "import { c } from '../adapters/event-store/client.js';", 'api may not import adapters/'],
    ['api/x.ts', "const { m } = await import('../main.js');", 'api may not import main.ts'],
    [
      'adapters/a/x.ts',
      "import { b } from '../../runtime/bus.js';",
      'may import only types from runtime/bus.ts',
    ],
    [
      'adapters/a/x.ts',
      "import { Queue } from '../../runtime/errors.js';",
      'may import only types from runtime/errors.ts',
    ],
    [
      'adapters/a/x.ts',
      "import * as all from '../../runtime/errors.js';",
      'may import only types from runtime/errors.ts',
    ],
    [
      'adapters/a/x.ts',
      "import { o } from '../../domain/order.js';",
      'may import only types from domain/order.ts',
    ],
    [
      'adapters/a/x.ts',
      "import type { C } from '../event-store/client.js';",
      'adapters/a may not import adapters/event-store',
    ],
    ['adapters/a/x.ts', "import type { R } from '../../api/orders.js';", 'may not import api/orders.ts'],
    [
      'adapters/embedded-event-store/x.ts',
      "import type { E } from '../../runtime/event-store.js';",
      'may not import runtime/event-store.ts',
    ],
    [
      'adapters/a/x.ts',
      "import { type B, Full, Queue } from '../../runtime/errors.js';",
      'may import only types from runtime/errors.ts',
    ],
    [
      'adapters/channels/x.ts',
      "import { b } from '../../runtime/bus.js';",
      'may import only types from runtime/bus.ts',
    ],
    ['audit/x.ts', "import type { Q } from '../projections/orders.js';", 'audit may not import projections'],
    ['audit/x.ts', "import { o } from '../domain/order.js';", 'may import only types from domain/order.ts'],
    ['cli/x.ts', "import { t } from '../../test/support/x.js';", 'outside src'],
    [
      'api/x.ts',
      "import { EventStoreDBClient } from '@eventstore/db-client';",
      'only an adapter may import @eventstore/db-client',
    ],
    ['helpers/x.ts', '', 'belongs to no layer'],
    ['utils.ts', '', 'belongs to no layer'],
    ['domain/x.ts', "import { readFileSync } from 'node:fs';", 'may not import the package node:fs'],
    ['domain/x.ts', "import { DateTime } from 'luxon';", 'may not import the package luxon'],
    ['domain/x.ts', 'export const at = () => Date.now();', 'reads the clock'],
    ['domain/x.ts', 'export const at = () => new Date();', 'reads the clock'],
    ['domain/x.ts', 'export const id = () => Math.random();', 'is random'],
    ['domain/x.ts', 'export const id = () => crypto.randomUUID();', 'is random'],
    ['domain/x.ts', 'export const zone = () => process.env.TZ;', 'reads its environment'],
    ['domain/x.ts', 'export const show = (n: number) => n.toLocaleString();', 'reads its environment'],
    ['domain/x.ts', 'export const wait = async () => {};', 'does I/O'],
  ])('%s with %s breaks one', (path, text, complaint) => {
    const found = check({ ...house, [path]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(complaint);
  });

  test('what is said in a comment or a message breaks none', () => {
    expect(
      check({ ...house, 'domain/x.ts': "// Date.now() is not for us\nexport const a = 'no process';" }),
    ).toEqual([]);
  });

  test('a cycle at run time is named, and only once; types alone make none', () => {
    const found = check({
      'domain/a.ts': "import { b } from './b.js';",
      'domain/b.ts': "import { type B, c } from './c.js';",
      'domain/c.ts': "import { a } from './a.js';",
      'domain/d.ts': "import { a } from './a.js';",
    });
    expect(
      check({
        'domain/a.ts': "import type { B } from './b.js';",
        'domain/b.ts': "import { a } from './a.js';",
      }),
    ).toEqual([]);
    expect(found).toEqual(['cycle: domain/a.ts -> domain/b.ts -> domain/c.ts -> domain/a.ts']);
  });
});
