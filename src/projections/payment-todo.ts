import type { Queryable } from '../runtime/database.js';
import type { Abandoned } from './holds.js';

/** Taken: the age starts anew, so that one that cannot be finished does not stand before the others. */
const TAKE_UNANSWERED = `
WITH left_over AS (
  SELECT order_id, payment_id FROM payments
  WHERE touched_at <= now() - $1 * interval '1 millisecond' AND provider IS NOT NULL
    AND (stage = 'started' OR void_requested OR capture_requested > 0 OR refund_requested > 0)
  ORDER BY touched_at LIMIT $2 FOR UPDATE SKIP LOCKED),
taken AS (
  UPDATE payments SET touched_at = now() FROM left_over
  WHERE payments.order_id = left_over.order_id AND payments.payment_id = left_over.payment_id
  RETURNING payments.order_id)
SELECT DISTINCT order_id FROM taken`;

/** Only what a provider of ours could still be asked for: the rest waits for a person. */
const TAKE_DUE = `
WITH left_over AS (
  SELECT order_id FROM refunds_due
  WHERE touched_at <= now() - $1 * interval '1 millisecond'
    AND channel IN (SELECT channel FROM channels WHERE policies::jsonb ->> 'refunds' = 'automatic')
    AND EXISTS (
      SELECT 1 FROM payments WHERE payments.order_id = refunds_due.order_id AND provider IS NOT NULL
        AND NOT refund_failed AND captured - refunded - charged_back - refund_requested > 0)
  ORDER BY touched_at LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE refunds_due SET touched_at = now() FROM left_over
WHERE refunds_due.order_id = left_over.order_id RETURNING refunds_due.order_id`;

const take = async (db: Queryable, sql: string, name: string, { olderThanMs, limit }: Abandoned) => {
  const { rows } = await db.query<{ order_id: string }>(sql, [olderThanMs, limit], name);
  return rows.map(({ order_id }) => order_id);
};

/**
 * Takes the ids of orders of which a provider was asked for something and has not answered, and of orders of which something is due to their
 * customer where the channel has it asked for by itself.
 */
export const takeUnansweredPayments = async (db: Queryable, which: Abandoned): Promise<readonly string[]> => {
  const unanswered = await take(db, TAKE_UNANSWERED, 'payments.take', which);
  const due = await take(db, TAKE_DUE, 'refunds-due.take', which);
  return [...new Set([...unanswered, ...due])];
};
