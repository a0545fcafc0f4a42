import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

/** The rules this house relies on are nursery or off by default in places: a new Biome must not lose them silently. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join('test', 'support', 'lint-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rulesBrokenBy = (source: string): string[] => {
  const file = join(folder, 'example.ts');
  writeFileSync(file, source);
  const run = spawnSync(
    process.execPath,
    ['node_modules/@biomejs/biome/bin/biome', 'lint', '--reporter=json', '--vcs-use-ignore-file=false', file],
    { encoding: 'utf8' },
  );
  const report = JSON.parse(run.stdout) as { diagnostics: { category: string }[] };
  return report.diagnostics.map(({ category }) => category);
};

test.each([
  [
    'a promise that nobody waits for',
    'async function f() {}\nexport function g() {\n  f();\n}\n',
    'noFloatingPromises',
  ],
  [
    'an import of a type that looks like one of a value',
    "import { Foo } from './foo.js';\nexport const f = (x: Foo) => x;\n",
    'useImportType',
  ],
  ['an import of nothing used', "import { foo } from './foo.js';\nexport const x = 1;\n", 'noUnusedImports'],
  ['any', 'export const f = (x: any) => x;\n', 'noExplicitAny'],
])('Biome refuses %s', (_, source, rule) => {
  expect(rulesBrokenBy(source).join()).toContain(rule);
});

test('and takes what is right', () => {
  expect(rulesBrokenBy('export const f = (x: number): number => x;\n')).toEqual([]);
});
