import { keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedAllocation } from './fold-allocations.js';
import type { FoldedOrder } from './folded-order.js';
import { stockKey } from './ids.js';

/** Nobody says of an order that expired that its holds are let go: it is what expiring means. */
const heldOf = (order: FoldedOrder, { quantity, captured, released }: FoldedAllocation): number =>
  order.status === 'expired' ? 0 : quantity - captured - released;

function* allocationsOf(orders: Iterable<FoldedOrder>): Generator<FoldedAllocation> {
  for (const order of orders) {
    for (const one of order.allocations.at.values()) if (heldOf(order, one) > 0) yield one;
  }
}

/** Where the goods of each order are held. */
export const orderAllocations = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedAllocation>({
    table: 'order_allocations',
    key: texts('order_id', 'sku', 'location'),
    columns: texts('held'),
    all: () => allocationsOf(all.values()),
    find: ([id = '', sku = '', location = '']) => {
      const order = all.get(id);
      const one = order?.allocations.at.get(stockKey(location, sku));
      return order !== undefined && one !== undefined && heldOf(order, one) > 0 ? one : undefined;
    },
    keyOf: ({ orderId, sku, location }) => [orderId, sku, location],
    cellsOf: (one) => {
      const order = all.get(one.orderId);
      return [`${order === undefined ? 0 : heldOf(order, one)}`];
    },
  });
