import { order } from '../../../domain/order.js';
import type { OrderState } from '../../../domain/order-state.js';
import { type StockState, stock } from '../../../domain/stock.js';
import { joinId, stockIdOf } from '../../../domain/stream-id.js';
import type { CommandBus } from '../../../runtime/command-bus.js';

/** What has happened to a stream stays so: an old state may say "done", and if it does not, the command finds out. */
const CACHED_MS = 24 * 3_600_000;

/** Whether an earlier run has done something to its last effect. `false` may be wrong, `true` never is. */
export interface Finished {
  /** Shipped as it is, and every hold captured. `known`: the log has the order at all. */
  order(
    orderId: string,
    contentHash: string,
    shipmentId: string,
  ): Promise<{ readonly known: boolean; readonly finished: boolean }>;
  /** Recorded at the order, and back in stock. */
  orderReturn(orderId: string, returnId: string): Promise<boolean>;
}

/**
 * Looks at states that are read once per stream and then kept, where the commands themselves would ask each stream anew whether
 * it has changed: an import that is run again reads each stream once.
 */
export const createFinished = (bus: CommandBus): Finished => {
  const loadOrder = async (orderId: string): Promise<OrderState> =>
    (await bus.load(order, orderId, { maxAgeMs: CACHED_MS })).state;

  const all = async (
    units: readonly { readonly location: string; readonly sku: string }[],
    is: (state: StockState) => boolean,
  ): Promise<boolean> => {
    const answers = await Promise.all(
      units.map(async ({ location, sku }) =>
        is((await bus.load(stock, stockIdOf(location, sku), { maxAgeMs: CACHED_MS })).state),
      ),
    );
    return answers.every(Boolean);
  };

  return {
    async order(orderId, contentHash, shipmentId) {
      const { status, placed, decided, allocations } = await loadOrder(orderId);
      const known = status !== 'none';
      if (placed?.contentHash !== contentHash || !decided.has(`shipment:${shipmentId}`)) {
        return { known, finished: false };
      }
      return { known, finished: await all(allocations, ({ holds }) => holds.ended.has(orderId)) };
    },
    async orderReturn(orderId, returnId) {
      const { decided, returns } = await loadOrder(orderId);
      if (!decided.has(`return:${returnId}`)) return false;
      const lines = returns.find((one) => one.returnId === returnId)?.lines ?? [];
      const applied = `return:${orderId}/${joinId(returnId)}`;
      return all(lines, (state) => state.applied.has(applied));
    },
  };
};
