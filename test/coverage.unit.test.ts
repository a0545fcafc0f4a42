import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { allEventDefinitions } from '../src/domain/events.js';

/** Everything that docs/coverage.md names exists: commands, events, routes and tests, by the names they have in the code. */
interface Behaviour {
  readonly title: string;
  /** `order/ship`: category and type. */
  readonly commands: readonly string[];
  readonly events: readonly string[];
  /** `POST /v1/orders`. */
  readonly routes: readonly string[];
  readonly tests: readonly (readonly [file: string, name: string])[];
}

const read = (path: string): string => readFileSync(path, 'utf8');
const sources = (folder: string): { file: string; text: string }[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, text: read(join(folder, file)) }));
const quoted = (line: string): string[] => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const behaviours = read('docs/coverage.md')
  .split(/^### /m)
  .slice(1)
  .map((section): Behaviour => {
    const [title = '', ...lines] = section.split('\n');
    const items = lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2));
    const named = (word: string): string[] =>
      quoted(items.find((item) => item.startsWith(`${word}: `)) ?? '');
    const tests = items.flatMap((item): [string, string][] => {
      const [, file, name] = /^(test\/\S+\.test\.ts): (.+)$/.exec(item) ?? [];
      return file === undefined || name === undefined ? [] : [[file, name]];
    });
    return { title, commands: named('command'), events: named('event'), routes: named('route'), tests };
  });

const COMMANDS = new Set(
  sources('src/domain').flatMap(({ file, text }) =>
    [...text.matchAll(/readonly type: '([\w-]+)'/g)].map(([, type]) => `${file.split(/[-.]/)[0]}/${type}`),
  ),
);
const ROUTES = new Set(
  sources('src/api').flatMap(({ text }) =>
    [...text.matchAll(/method: '(\w+)',\s+path: '([^']+)'/g)].map(
      ([, method = '', path]) => `${method.toUpperCase()} ${path}`,
    ),
  ),
);
const EVENTS = new Set(allEventDefinitions.map(({ type }) => type));

describe('docs/coverage.md', () => {
  test('says of each behaviour a command, an event, a route and a test', () => {
    expect(behaviours.length).toBeGreaterThan(10);
    for (const { title, commands, events, routes, tests } of behaviours) {
      const counts = [commands, events, routes, tests].map((names) => names.length > 0);
      expect([title, ...counts]).toEqual([title, true, true, true, true]);
    }
  });

  test.each(behaviours)('$title', ({ commands, events, routes, tests }) => {
    expect(commands.filter((name) => !COMMANDS.has(name))).toEqual([]);
    expect(events.filter((name) => !EVENTS.has(name))).toEqual([]);
    expect(routes.filter((name) => !ROUTES.has(name))).toEqual([]);
    // A name is a whole literal: the title of a test, or of a case of one.
    const missing = tests.filter(
      ([file, name]) =>
        !existsSync(file) || !["'", '"'].some((mark) => read(file).includes(mark + name + mark)),
    );
    expect(missing).toEqual([]);
  });
});
