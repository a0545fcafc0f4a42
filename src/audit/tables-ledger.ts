import type { SettlementEvent } from '../domain/settlement.js';
import { microsOf } from './calendar.js';
import { type Cell, instants, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedDay } from './fold-ledger.js';
import type { LogOrderedTable } from './lockstep.js';
import { minorOf } from './money.js';
import { textCell } from './tables-orders.js';

const PLACE_KEY = texts('commit_position', 'prepare_position');

const ledgerEntries: LogOrderedTable = {
  table: 'ledger_entries',
  key: PLACE_KEY,
  columns: [
    ...texts('entry_id', 'party', 'month', 'kind', 'currency'),
    ...instants('effective_at'),
    ...texts('effective_day'),
    ...instants('recorded_at'),
    ...texts('order_id', 'shipment_id', 'return_id', 'note', 'line_id', 'document', 'reason'),
    ...texts('cause_type', 'cause_stream', 'cause_revision', 'adjustment_id'),
    ...texts('settlement_currency', 'settlement_rate', 'settlement_source'),
    ...instants('settlement_as_of'),
    ...texts('payment_id'),
  ],
  order: 'commit_position, prepare_position',
  category: 'settlement',
  rowsOf: ({ event, position, recordedAt }) => {
    const { data } = event as SettlementEvent;
    const { reference, cause, settlement } = data;
    return [
      [
        `${position.commit}`,
        `${position.prepare}`,
        textCell(data.entryId),
        textCell(data.party),
        data.month,
        data.kind,
        data.currency,
        microsOf(data.effectiveAt),
        data.effectiveDay,
        `${recordedAt.getTime() * 1_000}`,
        textCell(reference.orderId),
        textCell(reference.shipmentId),
        textCell(reference.returnId),
        textCell(reference.note),
        textCell(reference.lineId),
        textCell(reference.document),
        textCell(data.reason),
        textCell(cause?.type),
        textCell(cause?.stream),
        textCell(cause?.revision),
        textCell(data.adjustmentId),
        textCell(settlement?.currency),
        textCell(settlement?.rate),
        textCell(settlement?.source),
        settlement === undefined ? null : microsOf(settlement.asOf),
        textCell(reference.paymentId),
      ],
    ];
  },
};

const ledgerPostings: LogOrderedTable = {
  table: 'ledger_postings',
  key: [...PLACE_KEY, ...texts('line')],
  columns: texts('account', 'amount', 'settlement_amount'),
  order: 'commit_position, prepare_position, line',
  category: 'settlement',
  rowsOf: ({ event, position }) => {
    const { postings, currency, settlement } = (event as SettlementEvent).data;
    return postings.map(({ account, amount }, line): Cell[] => [
      `${position.commit}`,
      `${position.prepare}`,
      `${line}`,
      textCell(account),
      `${minorOf(amount, currency)}`,
      settlement === undefined
        ? null
        : textCell(minorOf(settlement.amounts[line] ?? '0', settlement.currency)),
    ]);
  },
};

const dayKey = ({ party, currency, account, day, kind }: FoldedDay): string[] => [
  party,
  currency,
  account,
  day,
  kind,
];

export const ledgerDays = ({ ledger: { days } }: LogFold): TableCheck =>
  keyedCheck<FoldedDay>({
    table: 'ledger_days',
    key: texts('party', 'currency', 'account', 'day', 'kind'),
    columns: texts('debit', 'credit', 'amount'),
    all: () => days.values(),
    find: (key) => days.get(JSON.stringify(key)),
    keyOf: dayKey,
    cellsOf: ({ debit, credit }) => [`${debit}`, `${credit}`, `${debit - credit}`],
  });

export const ledgerRows: readonly LogOrderedTable[] = [ledgerEntries, ledgerPostings];
