import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImportReport } from '../../adapters/channels/online-retail/import-types.js';
import type { Plan } from '../../adapters/channels/online-retail/plan-types.js';

/** Of each kind; the rest is in the report file. */
export const LINES_SHOWN_MAX = 20;

const bounded = (title: string, lines: readonly string[]): string[] => {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, LINES_SHOWN_MAX).map((line) => `  ${line}`);
  const more = lines.length - shown.length;
  return [
    `${title}: ${lines.length}`,
    ...shown,
    ...(more > 0 ? [`  ... and ${more} more (--report FILE has all)`] : []),
  ];
};

/** What did not go in as it stands in the file, for a person: the first of each kind. */
export const summaryOf = (plan: Plan, report: ImportReport): string[] => [
  ...bounded(
    'bad rows',
    plan.bad.map(({ row, reason, detail }) => `row ${row}: ${reason} ${JSON.stringify(detail)}`),
  ),
  ...bounded(
    'rows without effect (not goods, and free)',
    plan.withoutEffect.map(({ row, id, sku, delta }) => `row ${row}: ${id}, ${delta} of ${sku}`),
  ),
  ...bounded(
    'refused',
    report.refusals.map(
      ({ row, type, id, code, message }) => `row ${row}: ${type} ${id}: ${code} (${message})`,
    ),
  ),
];

/** All of it, as one JSON object a line: `{"kind":"bad_row"|"without_effect"|"refused","row":...,...}`. Replaces the file. */
export const writeReport = async (file: string, plan: Plan, report: ImportReport): Promise<void> => {
  await pipeline(Readable.from(linesOf(plan, report)), createWriteStream(file));
};

function* linesOf({ bad, withoutEffect }: Plan, { refusals }: ImportReport): Generator<string> {
  for (const entry of bad) yield lineOf('bad_row', entry);
  for (const entry of withoutEffect) yield lineOf('without_effect', entry);
  for (const entry of refusals) yield lineOf('refused', entry);
}

const lineOf = (kind: string, entry: object): string => `${JSON.stringify({ kind, ...entry })}\n`;
