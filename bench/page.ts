/**
 *     npm run bench -- full --json run.json && npm run bench:page -- run.json
 *
 * Writes the figures of a run into docs/performance.md, between the two marks there; what people wrote around them stays.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchRun, isReached, numberText, withUnit } from './report.js';

const PAGE = join(import.meta.dirname, '../../docs/performance.md');
const BEGIN = '<!-- begin of the figures: npm run bench:page -->';
const END = '<!-- end of the figures -->';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
];

const figuresOf = ({ at, commit, preset, machine, reports }: BenchRun): string[] => {
  const { cpu, cores, memoryGib, system, node, loadBefore, loadAfter } = machine;
  const checks = reports.flatMap((report) => report.checks);
  return [
    `Measured ${at.slice(0, 16).replace('T', ' ')} UTC at ${commit}, preset \`${preset}\`, on ${cores} cores of ${cpu}, ` +
      `${numberText(memoryGib)} GiB, ${system}, Node ${node.slice(1)}; load average ${loadBefore.toFixed(1)} before and ` +
      `${loadAfter.toFixed(1)} after. The load generator ran on the same cores. ${checks.filter(({ ok }) => ok).length} of ` +
      `${checks.length} checks held.`,
    '',
    ...table(
      ['what', 'reach', 'reached', ''],
      reports.flatMap(({ reaches }) =>
        reaches.map((reach) => {
          const { what, direction, limit, got, unit } = reach;
          const sign = direction === 'at least' ? '>=' : '<=';
          const word = isReached(reach) ? 'yes' : '**no**';
          return [what, `${sign} ${withUnit(limit, unit)}`, withUnit(got, unit), word];
        }),
      ),
    ),
    '',
    ...reports.flatMap(({ bench, conditions, figures, checks: own, seconds }) => [
      `### ${bench}`,
      '',
      `${conditions}. ${numberText(Math.round(seconds))} s in all.`,
      '',
      ...table(
        ['figure', ''],
        figures.map(({ what, value, unit }) => [what, withUnit(value, unit)]),
      ),
      '',
      ...own.map(({ what, ok }) => `- ${ok ? 'held' : '**FAILED**'}: ${what}`),
      '',
    ]),
  ];
};

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('which run? npm run bench:page -- run.json');
const run = JSON.parse(readFileSync(file, 'utf8')) as BenchRun;
const page = readFileSync(PAGE, 'utf8');
const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
if (begin < 0 || end < begin) throw new Error(`${PAGE} lacks its marks`);
const figures = figuresOf(run).join('\n').trimEnd();
writeFileSync(PAGE, `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`);
