import type { Command } from 'commander';
import { type AuditReport, runAudit } from '../audit/audit.js';
import type { House } from '../main.js';
import { allProjections } from '../projections/index.js';
import type { ModelSet } from '../runtime/model-sets.js';
import { ProjectionsChanged, projectionChanges } from '../runtime/projection-tables.js';
import { auditDocument } from './audit/document.js';
import { auditLines } from './audit/report.js';
import { createProgress } from './import/progress.js';
import { toModelSet } from './set-option.js';
import { withHouse } from './with-house.js';

type AuditedHouse = Pick<House, 'store' | 'codec' | 'db'>;

const progressLine = (line: string): boolean => process.stderr.write(`${line}\n`);

/** Throws {@link ProjectionsChanged} where the tables are not those of this program; else as `runAudit`. */
export const auditHouse = async (
  { store, codec, db }: AuditedHouse,
  options: { readonly quiet?: boolean; readonly set?: ModelSet | undefined } = {},
): Promise<AuditReport> => {
  const { quiet = false, set = 'live' } = options;
  const changes = (await projectionChanges(db, allProjections, set)) ?? [];
  if (changes.length > 0) throw new ProjectionsChanged(changes);
  const progress = createProgress('auditing', progressLine);
  try {
    return await runAudit({
      store,
      codec,
      db,
      set,
      onProgress: (events, position, end) => {
        if (!quiet) progress.update(Number(position.commit), Number(end.commit), () => `${events} events`);
      },
    });
  } finally {
    progress.stop();
  }
};

/** Audits and prints the report; whether nothing differs. */
export const printAudit = async (
  house: AuditedHouse,
  options: { readonly verbose: boolean; readonly set?: ModelSet | undefined } = { verbose: false },
): Promise<boolean> => {
  const report = await auditHouse(house, { set: options.set });
  for (const line of auditLines(report, options)) process.stdout.write(`${line}\n`);
  return report.ok;
};

export const registerAudit = (program: Command): void => {
  program
    .command('audit')
    .description('fold the log independently, compare every row of every read model, print the totals')
    .option('--json', 'one JSON document', false)
    .option('--verbose', 'events per type, and with --json how this run went', false)
    .option('--set <set>', 'read models other than the live ones: next, previous', toModelSet)
    .action(({ json, verbose, set }: { json: boolean; verbose: boolean; set?: ModelSet }) =>
      withHouse({}, async (house) => {
        if (!json) {
          if (!(await printAudit(house, { verbose, set }))) process.exitCode = 1;
          return;
        }
        const report = await auditHouse(house, { quiet: true, set });
        process.stdout.write(`${JSON.stringify(auditDocument(report, { verbose }), null, 2)}\n`);
        if (!report.ok) process.exitCode = 1;
      }),
    );
};
