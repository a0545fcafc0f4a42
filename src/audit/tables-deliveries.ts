import { instants, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedConsignment, FoldedConsignmentOrder } from './fold-consignments.js';
import type { FoldedSplitLine } from './fold-splits.js';
import type { FoldedOrder } from './folded-order.js';
import { instantCell, PLACE_COLUMNS, placeCells, textCell } from './tables-orders.js';

function* splitLinesOf(orders: Iterable<FoldedOrder>): Generator<FoldedSplitLine> {
  for (const { splits } of orders) if (splits !== undefined) yield* splits.lines();
}

const orderSplits = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedSplitLine>({
    table: 'order_splits',
    key: texts('order_id', 'split_id', 'line_id'),
    columns: [
      ...texts('line_no', 'requested_date', 'priority', 'split_by'),
      ...instants('split_at'),
      ...texts('quantity', 'shipped', 'cancelled', 'undone', 'revision'),
    ],
    all: () => splitLinesOf(all.values()),
    find: ([id = '', splitId = '', lineId = '']) => all.get(id)?.splits?.groups.get(splitId)?.get(lineId),
    keyOf: ({ orderId, data, lineId }) => [orderId, data.splitId, lineId],
    cellsOf: (line) => [
      `${line.index}`,
      textCell(line.data.requestedDate),
      textCell(line.data.priority),
      textCell(line.by),
      instantCell(line.at),
      `${line.quantity}`,
      `${line.shipped}`,
      `${line.cancelled}`,
      `${line.undone}`,
      `${line.revision}`,
    ],
  });

const consignments = ({ consignments: { all } }: LogFold): TableCheck =>
  keyedCheck<FoldedConsignment>({
    table: 'consignments',
    key: texts('stream_id'),
    columns: [
      ...texts('channel', 'consignment_id', 'location', 'customer_id'),
      ...texts('closed'),
      ...instants('planned_at'),
      ...PLACE_COLUMNS,
    ],
    all: () => all.values(),
    find: ([id = '']) => all.get(id),
    keyOf: ({ id }) => [id],
    cellsOf: ({ plan, closed, plannedAt, last }) => [
      textCell(plan.channel),
      textCell(plan.consignmentId),
      textCell(plan.location),
      textCell(plan.customerId),
      `${closed}`,
      instantCell(plannedAt),
      ...placeCells(last),
    ],
  });

function* ordersOf({ consignments: { all } }: LogFold): Generator<FoldedConsignmentOrder> {
  for (const { orders } of all.values()) yield* orders.values();
}

const consignmentOrders = (fold: LogFold): TableCheck =>
  keyedCheck<FoldedConsignmentOrder>({
    table: 'consignment_orders',
    key: texts('stream_id', 'order_id'),
    columns: texts('order_no', 'outcome', 'units', 'code', 'detail'),
    all: () => ordersOf(fold),
    find: ([id = '', orderId = '']) => fold.consignments.all.get(id)?.orders.get(orderId),
    keyOf: ({ consignment, orderId }) => [consignment.id, orderId],
    cellsOf: ({ index, outcome, units, code, detail }) => [
      `${index}`,
      outcome,
      textCell(units),
      textCell(code),
      textCell(detail),
    ],
  });

/** How orders are shipped other than whole and alone. */
export const deliveryTables = (fold: LogFold): TableCheck[] => [
  orderSplits(fold),
  consignments(fold),
  consignmentOrders(fold),
];
