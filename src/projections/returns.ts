import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { foldReturn, type ReturnRow, returnOf } from './return-row.js';

/**
 * One row per return of an order, by request or without one (`credited` from the start): the work queues, and what the page of an
 * order shows. A return changes a few times in its life, by steps that look at each other's units, so the rows a batch touches
 * are read once, folded in memory and written once.
 */
const create = `
CREATE TABLE returns (
  order_id        text COLLATE "C" NOT NULL,
  return_id       text COLLATE "C" NOT NULL,
  channel         text COLLATE "C" NOT NULL,
  -- requested, authorised, received, inspected, credited, refused, closed (nothing of it was accepted)
  state           text COLLATE "C" NOT NULL,
  reason          text NOT NULL,
  -- Of who let the goods come.
  instructions    text,
  -- Why it was refused.
  refusal         text,
  -- Where the goods came to.
  location        text COLLATE "C",
  -- The credit note.
  note            text,
  -- Units over all lines, as each step counted them. Accepted ones are credited, damaged ones among them.
  requested_units bigint NOT NULL,
  received_units  bigint NOT NULL,
  accepted_units  bigint NOT NULL,
  damaged_units   bigint NOT NULL,
  missing_units   bigint NOT NULL,
  refused_units   bigint NOT NULL,
  -- Minor units. Null until credited; the allowance is what of it is beyond the shares.
  currency        text COLLATE "C",
  credited        bigint,
  allowance       bigint,
  -- Why more was given back than was paid.
  goodwill        text,
  -- [{lineId, sku, requested, received, accepted, damaged, missing, refused}]
  lines           jsonb NOT NULL,
  opened_by       text NOT NULL,
  opened_at       timestamptz NOT NULL,
  authorised_at   timestamptz,
  received_at     timestamptz,
  inspected_at    timestamptz,
  credited_at     timestamptz,
  refused_at      timestamptz,
  -- Of its last event.
  position        bigint NOT NULL,
  PRIMARY KEY (order_id, return_id)
);
CREATE INDEX returns_by_time ON returns (opened_at, order_id, return_id);
-- A key of a channel always asks for that channel's, and a small one must not read what the others have.
CREATE INDEX returns_by_channel ON returns (channel, opened_at, order_id, return_id);
CREATE INDEX returns_by_location ON returns (location, opened_at, order_id, return_id) WHERE location IS NOT NULL;
CREATE INDEX returns_by_state ON returns (state, opened_at, order_id, return_id);
-- In the order of the list: those that are open are the newest, behind all that is over.
CREATE INDEX returns_open ON returns (opened_at, order_id, return_id)
  WHERE state IN ('requested', 'authorised', 'received', 'inspected');
`;

const TEXTS = ['order_id', 'return_id', 'channel', 'state', 'reason', 'instructions', 'refusal', 'location'];
const UNITS = ['requested', 'received', 'accepted', 'damaged', 'missing', 'refused'] as const;
const TIMES = ['opened_at', 'authorised_at', 'received_at', 'inspected_at', 'credited_at', 'refused_at'];

const COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ...TEXTS.map((name) => [name, 'text'] as const),
  ['note', 'text'],
  ...UNITS.map((name) => [`${name}_units`, 'bigint'] as const),
  ['currency', 'text'],
  ['credited', 'bigint'],
  ['allowance', 'bigint'],
  ['goodwill', 'text'],
  ['lines', 'jsonb'],
  ['opened_by', 'text'],
  ...TIMES.map((name) => [name, 'timestamptz'] as const),
  ['position', 'bigint'],
];
const NAMES = COLUMNS.map(([name]) => name);
const UPSERT = `
INSERT INTO returns (${NAMES.join(', ')})
SELECT * FROM unnest(${COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})
ON CONFLICT (order_id, return_id) DO UPDATE SET
  ${NAMES.slice(2)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}`;

/** Times as text: a Date would lose their microseconds on the way back. */
const LOAD = `
SELECT ${COLUMNS.map(([name, type]) => (type === 'timestamptz' ? `${name}::text` : name)).join(', ')}
FROM returns JOIN unnest($1::text[], $2::text[]) AS wanted (of_order, of_return)
  ON order_id = of_order AND return_id = of_return`;

const minor = (value: bigint | null): string | null => (value === null ? null : `${value}`);

const columnsOf = (rows: readonly ReturnRow[]): string[] => {
  const text = (name: keyof ReturnRow): string => texts(rows.map((row) => row[name] as string | null));
  return [
    ...TEXTS.map((name) => text(name as keyof ReturnRow)),
    text('note'),
    ...UNITS.map((name) => numbers(rows.map((row) => row[`${name}_units`]))),
    text('currency'),
    texts(rows.map(({ credited }) => minor(credited))),
    texts(rows.map(({ allowance }) => minor(allowance))),
    text('goodwill'),
    texts(rows.map(({ lines }) => JSON.stringify(lines))),
    text('opened_by'),
    ...TIMES.map((name) => text(name as keyof ReturnRow)),
    numbers(rows.map(({ position }) => position)),
  ];
};

const keyOf = (orderId: string, returnId: string): string => `${orderId}\0${returnId}`;

export const returns: Projection = {
  name: 'returns',
  version: 2,
  categories: ['order'],
  tables: ['returns'],
  create,
  async apply(events, tx) {
    const steps = events.flatMap((recorded) => {
      const returnId = returnOf(recorded);
      return returnId === undefined ? [] : [{ recorded, returnId, key: keyOf(recorded.streamId, returnId) }];
    });
    if (steps.length === 0) return;
    const rows = await load(steps, tx);
    for (const { recorded, key } of steps) rows.set(key, foldReturn(rows.get(key), recorded));
    await tx.query(UPSERT, columnsOf([...rows.values()]), 'returns.upsert');
  },
};

interface Step {
  readonly recorded: RecordedEvent;
  readonly returnId: string;
  readonly key: string;
}

/** Rows of returns that this batch goes on with; none of those that begin in it. */
const load = async (steps: readonly Step[], tx: Queryable): Promise<Map<string, ReturnRow>> => {
  const begun = new Set<string>();
  const wanted = new Map<string, Step>();
  for (const step of steps) {
    if (step.recorded.event.type === 'OrderReturnRequested') begun.add(step.key);
    else if (!begun.has(step.key)) wanted.set(step.key, step);
  }
  if (wanted.size === 0) return new Map();
  const { rows } = await tx.query<ReturnRow>(
    LOAD,
    [
      texts([...wanted.values()].map(({ recorded }) => recorded.streamId)),
      texts([...wanted.values()].map(({ returnId }) => returnId)),
    ],
    'returns.load',
  );
  return new Map(rows.map((row) => [keyOf(row.order_id, row.return_id), row]));
};
