import { formatAmount } from '../domain/money.js';
import type { Queryable } from '../runtime/database.js';

/** An exchange as people read it. Amounts are decimal strings of `currency`; null until they are known. */
export interface ExchangeView {
  readonly orderId: string;
  readonly exchangeId: string;
  readonly returnId: string;
  readonly newOrderId: string;
  readonly currency: string;
  readonly credit: string;
  readonly state: 'agreed' | 'settled' | 'ended';
  readonly charged: string | null;
  readonly toPay: string | null;
  readonly toGiveBack: string | null;
  /** In money again, where the exchange came to nothing. */
  readonly owed: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly agreedBy: string;
  readonly agreedAt: Date;
  readonly overAt: Date | null;
}

interface Row {
  readonly order_id: string;
  readonly exchange_id: string;
  readonly return_id: string;
  readonly new_order_id: string;
  readonly currency: string;
  readonly credit: bigint;
  readonly state: ExchangeView['state'];
  readonly charged: bigint | null;
  readonly to_pay: bigint | null;
  readonly to_give_back: bigint | null;
  readonly owed: bigint | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly agreed_by: string;
  readonly agreed_at: Date;
  readonly over_at: Date | null;
}

const toView = (row: Row): ExchangeView => {
  const money = (minor: bigint | null): string | null =>
    minor === null ? null : formatAmount(minor, row.currency);
  return {
    orderId: row.order_id,
    exchangeId: row.exchange_id,
    returnId: row.return_id,
    newOrderId: row.new_order_id,
    currency: row.currency,
    credit: formatAmount(row.credit, row.currency),
    state: row.state,
    charged: money(row.charged),
    toPay: money(row.to_pay),
    toGiveBack: money(row.to_give_back),
    owed: money(row.owed),
    code: row.code,
    detail: row.detail,
    agreedBy: row.agreed_by,
    agreedAt: row.agreed_at,
    overAt: row.over_at,
  };
};

/** Exchanges of an order, and the one it was placed for, the oldest first. */
export const exchangesOf = async (db: Queryable, orderId: string): Promise<readonly ExchangeView[]> => {
  const { rows } = await db.query<Row>(
    `SELECT * FROM exchanges WHERE order_id = $1
     UNION ALL
     SELECT e.* FROM orders o
     JOIN exchanges e ON e.order_id = o.exchanged_order_id AND e.exchange_id = o.exchange_id
     WHERE o.order_id = $1
     ORDER BY agreed_at, exchange_id`,
    [orderId],
    'exchanges.of-order',
  );
  return rows.map(toView);
};
