import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import type { BenchRun } from '../bench/report.js';

/** The benches are programs that nobody runs for weeks: that they still build, run and check themselves is tested in small. */
const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-test-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the benches build, and two of them in small print figures, ratios and checks that hold', async () => {
  const build = join(root, 'dist-bench');
  await run('node_modules/.bin/tsc', ['-p', 'bench/tsconfig.json', '--noCheck'], { cwd: root });
  const json = join(dir, 'run.json');
  const program = join(build, 'bench/main.js');
  const { stdout } = await run(process.execPath, [program, 'smoke', '--only', 'append,hot', '--json', json], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stdout).toContain('2 benches, 0 checks failed');

  const { preset, machine, reports } = JSON.parse(readFileSync(json, 'utf8')) as BenchRun;
  expect(preset).toBe('smoke');
  expect(machine.cores).toBeGreaterThan(0);
  expect(reports.map(({ bench }) => bench)).toEqual(['append', 'hot']);
  for (const { checks, figures } of reports) {
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.length).toBeGreaterThan(0);
    for (const { value } of figures) expect(Number.isFinite(value)).toBe(true);
  }
  const hot = reports.find(({ bench }) => bench === 'hot');
  expect(hot?.checks.map(({ what }) => what)).toContain(
    'two processes: exactly 500 units promised, each once, by the log',
  );
  expect(hot?.reaches.map(({ what }) => what)).toEqual([
    'hot: reservations/s of append/s',
    'hot: two processes of one',
    'hot: smaller share of the two',
  ]);
});
