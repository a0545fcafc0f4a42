import type { AuditReport } from '../../../src/audit/audit.js';
import type { Violation } from '../history.js';

/**
 * What the audit found, judged: every table equals a fresh fold of the log, and nothing is owed. A hand wrote poison into some streams:
 * exactly these are parked and may be violated, and nothing beside them.
 */
export const checkTables = (report: AuditReport, poisoned: ReadonlySet<string>): Violation[] => {
  const { tables, violations, parked, behind, ledger } = report;
  const parkedNow = new Set(parked.map(({ stream }) => stream));
  const details = [
    ...tables
      .filter(({ differences }) => differences > 0)
      .map(
        ({ table, differences, first }) =>
          `${table}: ${differences} rows differ, first ${JSON.stringify(first[0])}`,
      ),
    ...violations.first
      .filter(({ stream }) => !poisoned.has(stream))
      .map(({ code, stream, detail }) => `${code} ${stream}: ${detail}`),
    // The report names only the first ones; what it does not name cannot be excused.
    ...(violations.count > violations.first.length
      ? [`${violations.count} violations, of which ${violations.first.length} are named`]
      : []),
    ...[...parkedNow].filter((stream) => !poisoned.has(stream)).map((stream) => `${stream} is parked`),
    ...[...poisoned]
      .filter((stream) => !parkedNow.has(stream))
      .map((stream) => `${stream} is poisoned and not parked`),
    ...(behind > 0 ? [`the read models are ${behind} events behind`] : []),
    ...(ledger.unposted > 0 ? [`${ledger.unposted} causes have no entry`] : []),
  ];
  return details.map((detail) => ({ code: 'audit', detail }));
};
