import type { AuditReport } from '../../audit/audit.js';
import { amountText } from '../../audit/money.js';

/**
 * The report as one JSON document in a fixed order. Amounts are decimal strings, credits negative. The same for two logs of the
 * same facts, but for `run` (only when verbose): positions and times.
 */
export const auditDocument = (report: AuditReport, options: { readonly verbose: boolean }): unknown => {
  const { tables, violations, parked, ledger } = report;
  return {
    ok: report.ok,
    currencies: Object.fromEntries(
      [...report.totals].map(([currency, totals]) => {
        const money = (minor: bigint): string => amountText(minor, currency);
        return [
          currency,
          {
            sales: money(totals.sales),
            orders: totals.orders,
            units: totals.units,
            freeUnits: totals.freeUnits,
            credits: money(-totals.credits),
            creditNotes: totals.creditNotes,
            creditedUnits: totals.creditedUnits,
            months: Object.fromEntries(
              [...totals.months].map(([month, { sales, credits }]) => [
                month,
                { sales: money(sales), credits: money(-credits) },
              ]),
            ),
          },
        ];
      }),
    ),
    ledger: {
      ...ledger,
      trialBalances: Object.fromEntries(
        [...report.trialBalances].map(([currency, { debit, credit, accounts }]) => {
          const money = (minor: bigint): string => amountText(minor, currency);
          const balances = [...accounts].map(([account, minor]) => [account, money(minor)]);
          return [
            currency,
            {
              debit: money(debit),
              credit: money(credit),
              difference: money(debit - credit),
              accounts: Object.fromEntries(balances) as Record<string, string>,
            },
          ];
        }),
      ),
    },
    stock: Object.fromEntries(report.locations),
    events: { total: report.events, types: Object.fromEntries(report.eventsPerType) },
    readModels: {
      differences: tables.reduce((sum, { differences }) => sum + differences, 0),
      tables: Object.fromEntries(tables.map(({ table, ...comparison }) => [table, comparison])),
    },
    violations,
    parked: parked.map(({ stream, events, revision, type, error }) => ({
      stream,
      events,
      revision,
      type,
      error,
    })),
    ...(options.verbose
      ? {
          run: {
            checkpoint: report.checkpoint.commit.toString(),
            behind: report.behind,
            foldSeconds: report.foldSeconds,
            seconds: report.seconds,
          },
        }
      : {}),
  };
};
