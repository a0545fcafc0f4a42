import { type AuditReport, BEHIND_COUNT_MAX } from '../../audit/audit.js';
import type { Comparison, Difference } from '../../audit/compare.js';
import { amountText } from '../../audit/money.js';
import { VIOLATION_CODES } from '../../audit/violations.js';

type Cells = readonly string[];

/** Rows in columns: the first to the left, the others to the right. */
const layOut = (rows: readonly Cells[]): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    `  ${row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ')}`.trimEnd(),
  );
};

/** `1234567` is `1,234,567`; decimals stay. */
const grouped = (number: string | number | bigint): string => {
  const [whole = '', fraction] = String(number).split('.');
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? digits : `${digits}.${fraction}`;
};

const money = (minor: bigint, currency: string): string => grouped(amountText(minor, currency));

const totalsLines = ({ totals }: AuditReport): string[] =>
  [...totals].flatMap(([currency, sums]) => [
    '',
    `Sales and credits, ${currency}`,
    ...layOut([
      ['', 'amount', 'documents', 'units'],
      ['sales', money(sums.sales, currency), `${grouped(sums.orders)} orders`, grouped(sums.units)],
      [
        'credit notes',
        money(-sums.credits, currency),
        `${grouped(sums.creditNotes)} notes`,
        grouped(sums.creditedUnits),
      ],
      ...(sums.freeUnits === 0 ? [] : [['free of charge', '', '', grouped(sums.freeUnits)]]),
    ]),
    '',
    ...layOut([
      ['month', 'sales', 'credits'],
      ...[...sums.months].map(([month, one]) => [
        month,
        money(one.sales, currency),
        money(-one.credits, currency),
      ]),
    ]),
  ]);

const balanceLines = ({ trialBalances, ledger }: AuditReport): string[] => [
  ...[...trialBalances].flatMap(([currency, { debit, credit, accounts }]) => [
    '',
    `Trial balance, ${currency}`,
    ...layOut([
      ['account', 'debit', 'credit'],
      ...[...accounts].map(([account, minor]) => [
        account,
        minor > 0n ? money(minor, currency) : '',
        minor < 0n ? money(-minor, currency) : '',
      ]),
      ['total', money(debit, currency), money(credit, currency)],
      ['difference', money(debit - credit, currency)],
    ]),
  ]),
  '',
  `Ledger: ${grouped(ledger.entries)} entries, ${grouped(ledger.unposted)} shipments and returns not posted yet`,
];

const stockLines = ({ locations }: AuditReport): string[] => [
  '',
  'Stock',
  ...layOut([
    ['location', 'SKUs', 'on hand', 'held'],
    ...[...locations].map(([location, { skus, onHand, held }]) => [
      location,
      ...[skus, onHand, held].map(grouped),
    ]),
  ]),
];

const said = (value: string | null): string => (value === null ? 'nothing' : JSON.stringify(value));

const differenceLines = (table: string, { key, problem, cells }: Difference): string[] => {
  const row = Object.entries(key)
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .join(' ');
  if (problem === 'missing') return [`  ${table} ${row}: the log says it, the table lacks it`];
  if (problem === 'unexpected') return [`  ${table} ${row}: the table has it, the log does not`];
  return (cells ?? []).map(
    ({ column, log, table: has }) =>
      `  ${table} ${row}: ${column}: log says ${said(log)}, table says ${said(has)}`,
  );
};

const tableLines = ({ tables }: AuditReport): string[] => {
  const wrong = tables.filter(({ differences }: Comparison) => differences > 0);
  const sum = (of: (table: Comparison) => number): number => tables.reduce((all, one) => all + of(one), 0);
  return [
    '',
    'Read models',
    ...layOut([
      ['table', 'rows', 'differences'],
      ...tables.map(({ table, rows, differences }) => [table, grouped(rows), grouped(differences)]),
      ['total', grouped(sum(({ rows }) => rows)), grouped(sum(({ differences }) => differences))],
    ]),
    ...wrong.flatMap(({ table, differences, first }) => [
      '',
      `${table}: ${grouped(differences)} rows differ${differences > first.length ? `, the first ${first.length}:` : ':'}`,
      ...first.flatMap((one) => differenceLines(table, one)),
    ]),
  ];
};

const violationLines = ({ violations: { count, first } }: AuditReport): string[] =>
  count === 0
    ? []
    : [
        '',
        `${grouped(count)} violations in the log itself${count > first.length ? `, the first ${first.length}:` : ':'}`,
        ...first.map(
          ({ code, stream, detail }) => `  ${stream}: ${VIOLATION_CODES[code]} (${code}): ${detail}`,
        ),
      ];

const parkedLines = ({ parked }: AuditReport): string[] =>
  parked.length === 0
    ? []
    : [
        '',
        `${parked.length} parked streams; their later events are not in the read models:`,
        ...parked.map(
          ({ stream, events, revision, type, error }) =>
            `  ${stream}: ${events} events, from ${type} at revision ${revision}: ${error}`,
        ),
      ];

const verdict = ({ ok, tables, violations, parked }: AuditReport): string => {
  if (ok) return 'Nothing differs.';
  const differences = tables.reduce((sum, one) => sum + one.differences, 0);
  return `NOT SOUND: ${differences} rows differ, ${violations.count} violations, ${parked.length} parked streams.`;
};

/** The report as people read it, line by line. */
export const auditLines = (report: AuditReport, options: { readonly verbose: boolean }): string[] => {
  const { checkpoint, behind, events, eventsPerType, foldSeconds, seconds } = report;
  const more = behind >= BEHIND_COUNT_MAX ? 'at least ' : '';
  const rate = foldSeconds === 0 ? 0 : Math.round(events / foldSeconds);
  return [
    `Audit at position ${checkpoint.commit}: ${grouped(events)} events folded in ${seconds.toFixed(1)} s (${grouped(rate)} events/s)`,
    ...(behind === 0
      ? []
      : [
          `The read models are ${more}${grouped(behind)} events behind the end of the log; audited as of where they are.`,
        ]),
    ...(options.verbose ? ['', ...layOut(eventsPerType.map(([type, count]) => [type, grouped(count)]))] : []),
    ...totalsLines(report),
    ...balanceLines(report),
    ...stockLines(report),
    ...tableLines(report),
    ...violationLines(report),
    ...parkedLines(report),
    '',
    verdict(report),
  ];
};
