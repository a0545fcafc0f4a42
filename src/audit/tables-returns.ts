import { type Cell, instants, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedAllowance } from './fold-allowances.js';
import type { FoldedExchange } from './fold-exchanges.js';
import type { FoldedReturns } from './fold-returns.js';
import type { FoldedReturn, FoldedReturnLine } from './folded-return.js';
import { minorOf } from './money.js';
import { jsonbText } from './tables-holders.js';
import { instantCell, textCell } from './tables-orders.js';

function* returnsIn({ orders: { orders } }: LogFold): Generator<FoldedReturns> {
  for (const { returns } of orders.values()) if (returns !== undefined) yield returns;
}

const channelOf = ({ orders: { orders } }: LogFold, orderId: string): Cell =>
  textCell(orders.get(orderId)?.placed.channel);

const minorCell = (amount: string | undefined, currency: string | undefined): Cell =>
  amount === undefined || currency === undefined ? null : `${minorOf(amount, currency)}`;

const UNITS = ['requested', 'received', 'accepted', 'damaged', 'missing', 'refused'] as const;

const sumOf = (lines: Iterable<FoldedReturnLine>, name: (typeof UNITS)[number]): string => {
  let sum = 0;
  for (const line of lines) sum += line[name];
  return `${sum}`;
};

const returns = (fold: LogFold): TableCheck => {
  function* all(): Generator<FoldedReturn> {
    for (const one of returnsIn(fold)) yield* one.returns.values();
  }
  return keyedCheck<FoldedReturn>({
    table: 'returns',
    key: texts('order_id', 'return_id'),
    columns: [
      ...texts('channel', 'state', 'reason', 'instructions', 'refusal', 'location', 'note'),
      ...texts(...UNITS.map((name) => `${name}_units`)),
      ...texts('currency', 'credited', 'allowance', 'goodwill', 'lines', 'opened_by'),
      ...instants('opened_at', 'authorised_at', 'received_at', 'inspected_at', 'credited_at', 'refused_at'),
      ...texts('position'),
    ],
    all,
    find: ([id = '', returnId = '']) => fold.orders.orders.get(id)?.returns?.returns.get(returnId),
    keyOf: ({ orderId, returnId }) => [orderId, returnId],
    cellsOf: (one) => [
      channelOf(fold, one.orderId),
      one.state,
      textCell(one.reason),
      textCell(one.instructions),
      textCell(one.refusal),
      textCell(one.location),
      textCell(one.credit?.note),
      ...UNITS.map((name) => sumOf(one.lines.values(), name)),
      textCell(one.credit?.currency),
      one.credit === undefined ? null : `${one.credited}`,
      minorCell(one.credit?.allowance, one.credit?.currency),
      textCell(one.credit?.goodwill),
      jsonbText([...one.lines.values()]),
      textCell(one.by),
      instantCell(one.openedAt),
      instantCell(one.authorisedAt),
      instantCell(one.receivedAt),
      instantCell(one.inspectedAt),
      instantCell(one.creditedAt),
      instantCell(one.refusedAt),
      `${one.position}`,
    ],
  });
};

const exchanges = (fold: LogFold): TableCheck => {
  function* all(): Generator<FoldedExchange> {
    for (const one of returnsIn(fold)) yield* one.exchanges.all.values();
  }
  return keyedCheck<FoldedExchange>({
    table: 'exchanges',
    key: texts('order_id', 'exchange_id'),
    columns: [
      ...texts('channel', 'return_id', 'new_order_id', 'currency', 'credit', 'state'),
      ...texts('charged', 'to_pay', 'to_give_back', 'owed', 'code', 'detail', 'agreed_by'),
      ...instants('agreed_at', 'over_at'),
      ...texts('position'),
    ],
    all,
    find: ([id = '', exchangeId = '']) => fold.orders.orders.get(id)?.returns?.exchanges.all.get(exchangeId),
    keyOf: ({ orderId, data }) => [orderId, data.exchangeId],
    cellsOf: ({ data, by, at, settled, ended, overAt, position }) => [
      textCell(data.channel),
      textCell(data.returnId),
      textCell(data.newOrderId),
      data.currency,
      minorCell(data.credit, data.currency),
      settled !== undefined ? 'settled' : ended !== undefined ? 'ended' : 'agreed',
      minorCell(settled?.charged, data.currency),
      minorCell(settled?.toPay, data.currency),
      minorCell(settled?.toGiveBack, data.currency),
      minorCell(ended?.owed, data.currency),
      textCell(ended?.code),
      textCell(ended?.detail),
      textCell(by),
      instantCell(at),
      instantCell(overAt),
      `${position}`,
    ],
  });
};

const allowances = (fold: LogFold): TableCheck => {
  function* all(): Generator<FoldedAllowance> {
    for (const one of returnsIn(fold)) yield* one.allowances.all.values();
  }
  return keyedCheck<FoldedAllowance>({
    table: 'order_allowances',
    key: texts('order_id', 'allowance_id'),
    columns: [
      ...texts('channel', 'currency', 'amount', 'line_id', 'reason', 'granted_by'),
      ...instants('granted_at'),
      ...texts('position'),
    ],
    all,
    find: ([id = '', allowanceId = '']) =>
      fold.orders.orders.get(id)?.returns?.allowances.all.get(allowanceId),
    keyOf: ({ orderId, data }) => [orderId, data.allowanceId],
    cellsOf: ({ data, by, at, position }) => [
      textCell(data.channel),
      data.currency,
      minorCell(data.amount, data.currency),
      textCell(data.lineId),
      textCell(data.reason),
      textCell(by),
      instantCell(at),
      `${position}`,
    ],
  });
};

export const returnTables = (fold: LogFold): TableCheck[] => [
  returns(fold),
  exchanges(fold),
  allowances(fold),
];
