import { formatAmount } from '../domain/money.js';
import type { EntryKind } from '../domain/settlement.js';
import type { Queryable } from '../runtime/database.js';
import { type Page, type PageRequest, PLACE, pageSize, readCursor, toPage } from './cursor.js';

/** An entry as people read it. Amounts are decimal strings of `currency`, debit positive, and sum to zero. */
export interface LedgerEntry {
  readonly id: string;
  readonly party: string;
  /** `YYYY-MM`: the period it was posted to. */
  readonly month: string;
  readonly kind: EntryKind;
  readonly currency: string;
  readonly effectiveAt: Date;
  /** `YYYY-MM-DD` in the party's time zone. */
  readonly effectiveDay: string;
  readonly recordedAt: Date;
  readonly reference: {
    readonly orderId: string | null;
    readonly shipmentId: string | null;
    readonly returnId: string | null;
    readonly paymentId: string | null;
    readonly note: string | null;
    readonly lineId: string | null;
    readonly document: string | null;
    readonly adjustmentId: string | null;
  };
  readonly reason: string | null;
  /** The event it follows from; null for an adjustment. */
  readonly cause: { readonly type: string; readonly stream: string; readonly revision: number } | null;
  /** The currency that its order is settled in, where that is another one. */
  readonly settlement?: {
    readonly currency: string;
    readonly rate: string;
    readonly source: string;
    readonly asOf: Date;
  };
  /** `settled` is of the settlement currency, where there is one; these sum to zero too. */
  readonly postings: readonly {
    readonly account: string;
    readonly amount: string;
    readonly settled?: string;
  }[];
  /** Commit position in the log (decimal). */
  readonly position: string;
}

export interface EntryFilter extends PageRequest {
  readonly party?: string | undefined;
  /** `YYYY-MM`. */
  readonly month?: string | undefined;
  readonly kind?: EntryKind | undefined;
  readonly currency?: string | undefined;
  /** Stream id of an order. */
  readonly orderId?: string | undefined;
  readonly note?: string | undefined;
  /** Only entries that touch this account. */
  readonly account?: string | undefined;
  /** Effective days `YYYY-MM-DD`, both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

interface Row {
  readonly commit_position: bigint;
  readonly prepare_position: bigint;
  readonly entry_id: string;
  readonly party: string;
  readonly month: string;
  readonly kind: EntryKind;
  readonly currency: string;
  readonly effective_at: Date;
  readonly effective_day: string;
  readonly recorded_at: Date;
  readonly order_id: string | null;
  readonly shipment_id: string | null;
  readonly return_id: string | null;
  readonly payment_id: string | null;
  readonly note: string | null;
  readonly line_id: string | null;
  readonly document: string | null;
  readonly reason: string | null;
  readonly cause_type: string | null;
  readonly cause_stream: string | null;
  readonly cause_revision: bigint | null;
  readonly adjustment_id: string | null;
  readonly settlement_currency: string | null;
  readonly settlement_rate: string | null;
  readonly settlement_source: string | null;
  readonly settlement_as_of: Date | null;
  readonly postings: readonly {
    readonly account: string;
    readonly amount: string;
    readonly settled: string | null;
  }[];
}

const settlementOf = (row: Row): Pick<LedgerEntry, 'settlement'> => {
  const { settlement_currency: currency, settlement_rate: rate, settlement_as_of: asOf } = row;
  if (currency === null || rate === null || asOf === null) return {};
  return { settlement: { currency, rate, source: row.settlement_source ?? '', asOf } };
};

const settledOf = (settled: string | null, currency: string | null): { readonly settled?: string } =>
  settled === null || currency === null ? {} : { settled: formatAmount(BigInt(settled), currency) };

const toEntry = (row: Row): LedgerEntry => ({
  id: row.entry_id,
  party: row.party,
  month: row.month,
  kind: row.kind,
  currency: row.currency,
  effectiveAt: row.effective_at,
  effectiveDay: row.effective_day,
  recordedAt: row.recorded_at,
  reference: {
    orderId: row.order_id,
    shipmentId: row.shipment_id,
    returnId: row.return_id,
    paymentId: row.payment_id,
    note: row.note,
    lineId: row.line_id,
    document: row.document,
    adjustmentId: row.adjustment_id,
  },
  reason: row.reason,
  cause:
    row.cause_type === null || row.cause_stream === null
      ? null
      : { type: row.cause_type, stream: row.cause_stream, revision: Number(row.cause_revision) },
  ...settlementOf(row),
  postings: row.postings.map(({ account, amount, settled }) => ({
    account,
    amount: formatAmount(BigInt(amount), row.currency),
    ...settledOf(settled, row.settlement_currency),
  })),
  position: row.commit_position.toString(),
});

const LIST = 'ledger';

/** Column of each filter that is a plain equality. */
const EQUALITIES = {
  party: 'party',
  month: 'month',
  kind: 'kind',
  currency: 'currency',
  orderId: 'order_id',
  note: 'note',
} as const;

/** Entries in the order they were posted. Throws `InvalidCursor`. */
export const listEntries = async (db: Queryable, filter: EntryFilter = {}): Promise<Page<LedgerEntry>> => {
  const size = pageSize(filter);
  const after = readCursor(LIST, filter, [PLACE, PLACE]);
  const parameters: unknown[] = [];
  const conditions: string[] = [];
  const where = (values: readonly unknown[], condition: (...names: string[]) => string): void => {
    conditions.push(condition(...values.map((value) => `$${parameters.push(value)}`)));
  };
  for (const [name, column] of Object.entries(EQUALITIES)) {
    const value = filter[name as keyof typeof EQUALITIES];
    if (value !== undefined) where([value], (at) => `${column} = ${at}`);
  }
  if (filter.from !== undefined) where([filter.from], (at) => `effective_day >= ${at}::date`);
  if (filter.to !== undefined) where([filter.to], (at) => `effective_day <= ${at}::date`);
  if (filter.account !== undefined) {
    where(
      [filter.account],
      (at) => `(commit_position, prepare_position) IN (
        SELECT commit_position, prepare_position FROM ledger_postings WHERE account = ${at})`,
    );
  }
  if (after !== undefined) {
    where(after, (commit, prepare) => {
      return `(commit_position, prepare_position) > (${commit}::bigint, ${prepare}::bigint)`;
    });
  }
  const { rows } = await db.query<Row>(
    `SELECT e.*, (
       SELECT coalesce(json_agg(json_build_object('account', account, 'amount', amount::text,
         'settled', settlement_amount::text) ORDER BY line), '[]')
       FROM ledger_postings p
       WHERE p.commit_position = e.commit_position AND p.prepare_position = e.prepare_position
     ) AS postings
     FROM ledger_entries e ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY commit_position, prepare_position LIMIT $${parameters.push(size + 1)}`,
    parameters,
  );
  const keyOf = ({ commit_position, prepare_position }: Row) => [
    commit_position.toString(),
    prepare_position.toString(),
  ];
  return toPage(LIST, rows, size, keyOf, toEntry);
};
