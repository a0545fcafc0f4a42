import type { Plan, PlannedOrder } from '../../../../src/adapters/channels/online-retail/plan-types.js';
import type { StoredEvent } from '../../../../src/runtime/event-store.js';

const goodsOf = ({ lines }: PlannedOrder): number =>
  new Set(lines.filter(({ kind }) => kind === 'goods').map(({ sku }) => sku)).size;

/** How many events of each type the import of a plan leaves in an empty log, worked out from the plan alone; none with a count of 0. */
export function expectedEvents(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (type: string, count: number) => {
    if (count > 0) counts[type] = (counts[type] ?? 0) + count;
  };
  add('ChannelConfigured', 1);
  add('LocationConfigured', 1);
  add('StockReceived', plan.opening.length);
  for (const item of plan.items) {
    if (item.type === 'order') {
      for (const step of ['Placed', 'Reserved', 'Confirmed', 'Shipped', 'Completed']) add(`Order${step}`, 1);
      add('StockHeld', goodsOf(item));
      add('StockCaptured', goodsOf(item));
      add('EntryPosted', 1);
    } else if (item.type === 'credit') {
      const returns = item.disposition === 'matched' ? item.dependsOn.length : 1;
      add(item.disposition === 'matched' ? 'OrderReturned' : 'BlindReturnRecorded', returns);
      if (item.kind === 'goods') add('StockReturned', returns);
      add('EntryPosted', returns);
    } else if (item.type === 'adjustment') add('StockAdjusted', 1);
    else add('EntryPosted', 1);
  }
  return counts;
}

export function countByType(log: Iterable<StoredEvent>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of log) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
