import type { Queryable } from '../../../src/runtime/database.js';
import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Violation } from '../history.js';
import { type Data, dataOf, text } from './raw-log.js';

/** A movement of money as the trial provider keeps it: once per id, whoever asked how often. */
export interface ProviderMovement {
  readonly id: string;
  readonly amount: string;
  readonly status: string;
}

/** What the log says of a movement that a provider was asked for. */
const SAYS: Readonly<Record<string, readonly [kind: string, idField: string, status: string]>> = {
  OrderPaymentCaptured: ['capture', 'captureId', 'done'],
  OrderCaptureFailed: ['capture', 'captureId', 'declined'],
  OrderPaymentRefunded: ['refund', 'refundId', 'done'],
  OrderRefundFailed: ['refund', 'refundId', 'declined'],
};

/** Our ids need no encoding, so they are in the provider's as they are. */
const movementIn = (event: StoredEvent): ProviderMovement | undefined => {
  const data: Data = dataOf(event);
  const says = SAYS[event.type];
  // Told by somebody outside: nobody was asked.
  if (says === undefined || data.requested === false) return undefined;
  const [kind, idField, status] = says;
  const orderId = event.stream.slice('order-'.length);
  const id = `${orderId}/${text(data.paymentId)}/${kind}/${text(data[idField])}`;
  return { id, amount: text(data.amount), status };
};

/** Money that moved at the provider is money that moved in the log, by the same amount, and the other way round. */
export const checkProvider = (
  movements: readonly ProviderMovement[],
  log: readonly StoredEvent[],
): Violation[] => {
  const said = new Map<string, ProviderMovement>();
  for (const event of log) {
    const one = movementIn(event);
    if (one !== undefined) said.set(one.id, one);
  }
  const found: Violation[] = [];
  for (const { id, amount, status } of movements) {
    const one = said.get(id);
    said.delete(id);
    if (one === undefined) found.push({ code: 'provider_forgotten', detail: `${id}: ${status} ${amount}` });
    else if (one.amount !== amount || one.status !== status) {
      const detail = `${id}: ${status} ${amount}, and the log says ${one.status} ${one.amount}`;
      found.push({ code: 'provider_unlike_log', detail });
    }
  }
  for (const id of said.keys()) found.push({ code: 'provider_not_asked', detail: id });
  return found;
};

/** None where nobody was ever asked: the provider makes its table with the first call. */
export const readProvider = async (db: Queryable): Promise<readonly ProviderMovement[]> => {
  const { rows } = await db.query<{ made: boolean }>(
    "SELECT to_regclass('trial_payments.calls') IS NOT NULL AS made",
  );
  if (rows[0]?.made !== true) return [];
  const calls = await db.query<ProviderMovement>(
    "SELECT id, amount::text AS amount, status FROM trial_payments.calls WHERE kind IN ('capture', 'refund')",
  );
  return calls.rows;
};
