import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

/**
 * The guide shows what is compiled and run: each of its blocks stands, line by line, in the file that its fence names. Indentation at
 * its left may differ, so that a part of a function can be shown; `// ...` leaves lines out.
 */
const ROOT = `${import.meta.dirname}/../..`;
const GUIDE = 'docs/guides/writing-a-decider.md';
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');

interface Block {
  readonly file: string;
  readonly code: string;
}

const blocks: readonly Block[] = [...read(GUIDE).matchAll(/^```ts(?: +(\S+))?\n([\s\S]*?)^```$/gm)].map(
  ([, file = '', code = '']) => ({ file, code }),
);

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Whether these lines follow each other somewhere. */
const contains = (all: readonly string[], part: readonly string[]): boolean =>
  all.some((_, at) => part.every((line, index) => all[at + index] === line));

test('the guide has examples', () => {
  expect(blocks.length).toBeGreaterThan(8);
});

test.each(blocks)('what it shows of $file is there', ({ file, code }) => {
  expect(existsSync(`${ROOT}/${file}`) && file.startsWith('test/guide/')).toBe(true);
  const source = linesOf(read(file));
  for (const part of code.split(/^\s*\/\/ \.\.\.$/m))
    expect([part, contains(source, linesOf(part))]).toEqual([part, true]);
});
