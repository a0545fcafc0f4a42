import { splitId } from '../domain/stream-id.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { collapsePayments, type PaymentChange } from './payment-changes.js';

/**
 * One row per payment of an order with the sums of what moved, and one per order of which something is due to its customer. Minor units of
 * the row's currency. What moves only adds up, what is said replaces what was said before, so a batch is one statement per table.
 */
const create = `
CREATE TABLE payments (
  order_id          text COLLATE "C" NOT NULL,
  payment_id        text COLLATE "C" NOT NULL,
  channel           text COLLATE "C" NOT NULL,
  currency          text COLLATE "C" NOT NULL,
  -- card, bank_transfer, wallet, cash, gift_card, store_credit, invoice, exchange, marketplace
  tender            text COLLATE "C" NOT NULL,
  reference         text,
  -- Of ours, which is asked; null where somebody outside tells.
  provider          text COLLATE "C",
  -- none (only captures were heard of), started, authorised, failed, voided
  stage             text COLLATE "C" NOT NULL,
  -- As it began.
  amount            bigint,
  authorised        bigint,
  captured          bigint NOT NULL,
  -- Asked for and not answered.
  capture_requested bigint NOT NULL,
  refunded          bigint NOT NULL,
  refund_requested  bigint NOT NULL,
  charged_back      bigint NOT NULL,
  -- By how much what went back is more than what came.
  excess            bigint NOT NULL,
  -- Whether a refund of it ever failed.
  refund_failed     boolean NOT NULL,
  void_requested    boolean NOT NULL,
  failure_code      text,
  failure_reason    text,
  expires_at        timestamptz,
  -- Of its first fact and of its last.
  first_at          timestamptz NOT NULL,
  changed_at        timestamptz NOT NULL,
  position          bigint NOT NULL,
  -- Not from the log: when this row was written, or handed to somebody to follow up.
  touched_at        timestamptz NOT NULL,
  PRIMARY KEY (order_id, payment_id)
);
CREATE INDEX payments_unanswered ON payments (touched_at) WHERE provider IS NOT NULL
  AND (stage = 'started' OR void_requested OR capture_requested > 0 OR refund_requested > 0);

CREATE TABLE refunds_due (
  order_id   text COLLATE "C" PRIMARY KEY,
  channel    text COLLATE "C" NOT NULL,
  currency   text COLLATE "C" NOT NULL,
  amount     bigint NOT NULL,
  since      timestamptz NOT NULL,
  position   bigint NOT NULL,
  touched_at timestamptz NOT NULL
);
CREATE INDEX refunds_due_by_time ON refunds_due (since, order_id);
CREATE INDEX refunds_due_by_channel ON refunds_due (channel, since, order_id);
CREATE INDEX refunds_due_touched ON refunds_due (touched_at);
`;

/** As before, and what the batch says: `voided` is for good, and a batch that only moves money says nothing of the stage. */
const UPSERT = `
INSERT INTO payments (order_id, payment_id, channel, currency, tender, reference, provider, stage, amount, authorised,
  captured, capture_requested, refunded, refund_requested, charged_back, excess, refund_failed, void_requested,
  failure_code, failure_reason, expires_at, first_at, changed_at, position, touched_at)
SELECT c.order_id, c.payment_id, c.channel, coalesce(p.currency, c.currency), coalesce(p.tender, c.tender),
  coalesce(c.reference, p.reference), CASE WHEN p.order_id IS NULL THEN c.provider ELSE p.provider END,
  CASE WHEN p.stage = 'voided' THEN 'voided' ELSE coalesce(c.stage, p.stage, 'none') END,
  coalesce(p.amount, c.amount), coalesce(p.authorised, c.authorised),
  coalesce(p.captured, 0) + c.captured, coalesce(p.capture_requested, 0) + c.capture_requested,
  coalesce(p.refunded, 0) + c.refunded, coalesce(p.refund_requested, 0) + c.refund_requested,
  coalesce(p.charged_back, 0) + c.charged_back, coalesce(p.excess, 0) + c.excess,
  coalesce(p.refund_failed, false) OR c.refund_failed, coalesce(c.void_requested, p.void_requested, false),
  coalesce(c.failure_code, p.failure_code), coalesce(c.failure_reason, p.failure_reason),
  coalesce(p.expires_at, c.expires_at), coalesce(p.first_at, c.first_at), c.changed_at, c.position, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
  $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
  $17::boolean[], $18::boolean[], $19::text[], $20::text[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[],
  $24::bigint[]) AS c
  (order_id, payment_id, channel, currency, tender, reference, provider, stage, amount, authorised, captured,
   capture_requested, refunded, refund_requested, charged_back, excess, refund_failed, void_requested, failure_code,
   failure_reason, expires_at, first_at, changed_at, position)
LEFT JOIN payments AS p ON p.order_id = c.order_id AND p.payment_id = c.payment_id
ON CONFLICT (order_id, payment_id) DO UPDATE SET reference = excluded.reference, stage = excluded.stage,
  amount = excluded.amount, authorised = excluded.authorised, captured = excluded.captured,
  capture_requested = excluded.capture_requested, refunded = excluded.refunded,
  refund_requested = excluded.refund_requested, charged_back = excluded.charged_back, excess = excluded.excess,
  refund_failed = excluded.refund_failed, void_requested = excluded.void_requested,
  failure_code = excluded.failure_code, failure_reason = excluded.failure_reason, expires_at = excluded.expires_at,
  changed_at = excluded.changed_at, position = excluded.position, touched_at = excluded.touched_at`;

const DELETE_DUE = 'DELETE FROM refunds_due WHERE order_id = ANY($1::text[])';
const UPSERT_DUE = `
INSERT INTO refunds_due (order_id, channel, currency, amount, since, position, touched_at)
SELECT order_id, channel, currency, amount, since, position, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::bigint[]) AS row
  (order_id, channel, currency, amount, since, position)
ON CONFLICT (order_id) DO UPDATE SET amount = excluded.amount, position = excluded.position,
  touched_at = excluded.touched_at`;

const channelOf = (orderId: string): string | undefined => splitId(orderId)[0];

const changeColumns = (rows: readonly PaymentChange[]): string[] => [
  texts(rows.map(({ orderId }) => orderId)),
  texts(rows.map(({ paymentId }) => paymentId)),
  texts(rows.map(({ orderId }) => channelOf(orderId))),
  texts(rows.map(({ currency }) => currency)),
  texts(rows.map(({ tender }) => tender)),
  texts(rows.map(({ reference }) => reference)),
  texts(rows.map(({ provider }) => provider)),
  texts(rows.map(({ stage }) => stage)),
  texts(rows.map(({ amount }) => amount?.toString())),
  texts(rows.map(({ authorised }) => authorised?.toString())),
  numbers(rows.map(({ captured }) => captured)),
  numbers(rows.map(({ captureRequested }) => captureRequested)),
  numbers(rows.map(({ refunded }) => refunded)),
  numbers(rows.map(({ refundRequested }) => refundRequested)),
  numbers(rows.map(({ chargedBack }) => chargedBack)),
  numbers(rows.map(({ excess }) => excess)),
  texts(rows.map(({ refundFailed }) => `${refundFailed}`)),
  texts(rows.map(({ voidRequested }) => voidRequested?.toString())),
  texts(rows.map(({ failure }) => failure?.code)),
  texts(rows.map(({ failure }) => failure?.reason)),
  texts(rows.map(({ expiresAt }) => expiresAt)),
  texts(rows.map(({ firstAt }) => firstAt)),
  texts(rows.map(({ last }) => last.metadata.effectiveAt)),
  numbers(rows.map(({ last }) => last.position.commit)),
];

const applyPayments = async (events: readonly RecordedEvent[], tx: Queryable): Promise<void> => {
  const { changes, dues } = collapsePayments(events);
  if (changes.length > 0) await tx.query(UPSERT, changeColumns(changes), 'payments.upsert');
  if (dues.size === 0) return;
  const over = [...dues].filter(([, { ended }]) => ended).map(([orderId]) => orderId);
  if (over.length > 0) await tx.query(DELETE_DUE, [texts(over)], 'refunds-due.delete');
  const due = [...dues].filter(([, { amount }]) => amount > 0n);
  if (due.length === 0) return;
  await tx.query(
    UPSERT_DUE,
    [
      texts(due.map(([orderId]) => orderId)),
      texts(due.map(([orderId]) => channelOf(orderId))),
      texts(due.map(([, { currency }]) => currency)),
      numbers(due.map(([, { amount }]) => amount)),
      texts(due.map(([, { since }]) => since)),
      numbers(due.map(([, { position }]) => position)),
    ],
    'refunds-due.upsert',
  );
};

export const payments: Projection = {
  name: 'payments',
  version: 2,
  categories: ['order'],
  tables: ['payments', 'refunds_due'],
  create,
  apply: applyPayments,
};
