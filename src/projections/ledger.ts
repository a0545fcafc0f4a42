import { ENTRY_KINDS, type EntryPosted } from '../domain/settlement.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/**
 * The journal as rows, and what it comes to per day. Amounts are minor units of the row's currency, debit positive and credit
 * negative; numeric, because sums of amounts may be longer than 64 bits. The place in the log names an entry: within one append
 * it needs both numbers.
 */
const create = `
CREATE TABLE ledger_entries (
  commit_position  bigint NOT NULL,
  prepare_position bigint NOT NULL,
  entry_id         text COLLATE "C" NOT NULL UNIQUE,
  party            text COLLATE "C" NOT NULL,
  -- YYYY-MM: the period it was posted to.
  month            text COLLATE "C" NOT NULL,
  -- ${ENTRY_KINDS.join(', ')}
  kind             text COLLATE "C" NOT NULL,
  currency         text COLLATE "C" NOT NULL,
  -- In the world, and the party's day of that; then when the log had it.
  effective_at     timestamptz NOT NULL,
  effective_day    date NOT NULL,
  recorded_at      timestamptz NOT NULL,
  order_id         text COLLATE "C",
  shipment_id      text,
  return_id        text,
  note             text COLLATE "C",
  line_id          text,
  document         text,
  reason           text,
  -- The event it follows from; null for an adjustment.
  cause_type       text,
  cause_stream     text,
  cause_revision   bigint,
  adjustment_id    text,
  -- The currency that its order is settled in, and the rate; null where that is the same currency.
  settlement_currency text,
  settlement_rate     text,
  settlement_source   text,
  settlement_as_of    timestamptz,
  payment_id       text,
  PRIMARY KEY (commit_position, prepare_position)
);
CREATE INDEX ledger_entries_by_party ON ledger_entries (party, month, commit_position, prepare_position);
CREATE INDEX ledger_entries_by_order ON ledger_entries (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX ledger_entries_by_note ON ledger_entries (note) WHERE note IS NOT NULL;
CREATE INDEX ledger_entries_by_day ON ledger_entries (effective_day);

CREATE TABLE ledger_postings (
  commit_position  bigint NOT NULL,
  prepare_position bigint NOT NULL,
  line             integer NOT NULL,
  account          text COLLATE "C" NOT NULL,
  amount           numeric(38, 0) NOT NULL,
  -- In the settlement currency of the entry, where it has one.
  settlement_amount numeric(38, 0),
  PRIMARY KEY (commit_position, prepare_position, line)
);
CREATE INDEX ledger_postings_by_account ON ledger_postings (account, commit_position, prepare_position);

-- What one day moved; a balance is the sum up to a day.
CREATE TABLE ledger_days (
  party    text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL,
  account  text COLLATE "C" NOT NULL,
  day      date NOT NULL,
  kind     text COLLATE "C" NOT NULL,
  debit    numeric(38, 0) NOT NULL,
  credit   numeric(38, 0) NOT NULL,
  amount   numeric(38, 0) GENERATED ALWAYS AS (debit - credit) STORED,
  PRIMARY KEY (party, currency, account, day, kind)
) WITH (fillfactor = 50);
`;

const INSERT_ENTRIES = `
INSERT INTO ledger_entries (commit_position, prepare_position, entry_id, party, month, kind, currency, effective_at,
  effective_day, recorded_at, order_id, shipment_id, return_id, note, line_id, document, reason, cause_type,
  cause_stream, cause_revision, adjustment_id, settlement_currency, settlement_rate, settlement_source,
  settlement_as_of, payment_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::timestamptz[], $9::date[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
  $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[], $21::text[],
  $22::text[], $23::text[], $24::text[], $25::timestamptz[], $26::text[])`;

const INSERT_POSTINGS = `
INSERT INTO ledger_postings (commit_position, prepare_position, line, account, amount, settlement_amount)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::numeric[], $6::numeric[])`;

const UPSERT_DAYS = `
INSERT INTO ledger_days AS d (party, currency, account, day, kind, debit, credit)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::numeric[], $7::numeric[])
ON CONFLICT (party, currency, account, day, kind)
DO UPDATE SET debit = d.debit + excluded.debit, credit = d.credit + excluded.credit`;

/** Minor units of an amount that carries all decimals of its currency. */
const minorOf = (amount: string): bigint => BigInt(amount.replace('.', ''));

type Recorded = RecordedEvent & { readonly event: { readonly data: EntryPosted } };

interface Day {
  readonly key: readonly [party: string, currency: string, account: string, day: string, kind: string];
  debit: bigint;
  credit: bigint;
}

const collapseDays = (entries: readonly Recorded[]): Day[] => {
  const days = new Map<string, Day>();
  for (const { event } of entries) {
    const { party, currency, effectiveDay, kind, postings } = event.data;
    for (const { account, amount } of postings) {
      const key = [party, currency, account, effectiveDay, kind] as const;
      const name = JSON.stringify(key);
      let day = days.get(name);
      if (day === undefined) {
        day = { key, debit: 0n, credit: 0n };
        days.set(name, day);
      }
      const minor = minorOf(amount);
      if (minor > 0n) day.debit += minor;
      else day.credit -= minor;
    }
  }
  return [...days.values()];
};

export const ledger: Projection = {
  name: 'ledger',
  version: 2,
  categories: ['settlement'],
  tables: ['ledger_entries', 'ledger_postings', 'ledger_days'],
  create,
  async apply(events, tx) {
    const entries = events.filter((recorded) => isOf(recorded, 'settlement'));
    if (entries.length === 0) return;
    const data = entries.map(({ event }) => event.data);
    const commits = numbers(entries.map(({ position }) => position.commit));
    const prepares = numbers(entries.map(({ position }) => position.prepare));
    const column = (of: (entry: EntryPosted) => string | undefined): string => texts(data.map(of));
    await tx.query(
      INSERT_ENTRIES,
      [
        commits,
        prepares,
        column(({ entryId }) => entryId),
        column(({ party }) => party),
        column(({ month }) => month),
        column(({ kind }) => kind),
        column(({ currency }) => currency),
        column(({ effectiveAt }) => effectiveAt),
        column(({ effectiveDay }) => effectiveDay),
        texts(entries.map(({ recordedAt }) => recordedAt.toISOString())),
        column(({ reference }) => reference.orderId),
        column(({ reference }) => reference.shipmentId),
        column(({ reference }) => reference.returnId),
        column(({ reference }) => reference.note),
        column(({ reference }) => reference.lineId),
        column(({ reference }) => reference.document),
        column(({ reason }) => reason),
        column(({ cause }) => cause?.type),
        column(({ cause }) => cause?.stream),
        column(({ cause }) => cause?.revision.toString()),
        column(({ adjustmentId }) => adjustmentId),
        column(({ settlement }) => settlement?.currency),
        column(({ settlement }) => settlement?.rate),
        column(({ settlement }) => settlement?.source),
        column(({ settlement }) => settlement?.asOf),
        column(({ reference }) => reference.paymentId),
      ],
      'ledger.entries',
    );
    const postings = entries.flatMap(({ position, event }) =>
      event.data.postings.map(({ account, amount }, line) => {
        const settled = event.data.settlement?.amounts[line];
        return { position, line, account, amount, settled };
      }),
    );
    if (postings.length === 0) return;
    await tx.query(
      INSERT_POSTINGS,
      [
        numbers(postings.map(({ position }) => position.commit)),
        numbers(postings.map(({ position }) => position.prepare)),
        numbers(postings.map(({ line }) => line)),
        texts(postings.map(({ account }) => account)),
        numbers(postings.map(({ amount }) => minorOf(amount))),
        texts(postings.map(({ settled }) => (settled === undefined ? undefined : `${minorOf(settled)}`))),
      ],
      'ledger.postings',
    );
    const days = collapseDays(entries);
    const part = (index: 0 | 1 | 2 | 3 | 4): string => texts(days.map(({ key }) => key[index]));
    const [debits, credits] = [days.map(({ debit }) => debit), days.map(({ credit }) => credit)];
    const columns = [part(0), part(1), part(2), part(3), part(4), numbers(debits), numbers(credits)];
    await tx.query(UPSERT_DAYS, columns, 'ledger.days');
  },
};
