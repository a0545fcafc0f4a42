import type { LogFold } from './fold.js';
import type { FoldedAllocation } from './fold-allocations.js';
import { type FoldedCouponUse, type FoldedHold, type FoldedOwner, openUnits } from './fold-promises.js';
import type { FoldedOrder } from './folded-order.js';

/** An order with an outcome may lag this far behind it, by recorded time; then what it still holds is leaked. */
export const SETTLING_MAX_MS = 60_000;

/** Who must follow up a promise: nobody knows the outcome yet, its holds or goods, or goods of a credit note. */
export type Attention = 'outcome' | 'order' | 'note';

/** An owner of promises that are not all kept. */
export interface OpenPromises {
  readonly owner: FoldedOwner;
  readonly attention: Attention | undefined;
  /** Units still held, by resource: `stock main~A`, `coupon TEN`. */
  readonly open: ReadonlyMap<string, number>;
}

const isOver = (order: FoldedOrder | undefined): boolean =>
  order === undefined || order.endedAtMs !== undefined;

const isCaptured = (hold: FoldedHold, wanted: FoldedAllocation | undefined): boolean =>
  hold.captured === (wanted?.captured ?? 0);

const isStockSettled = (
  order: FoldedOrder | undefined,
  hold: FoldedHold,
  wanted: FoldedAllocation | undefined,
): boolean =>
  isCaptured(hold, wanted) &&
  (isOver(order) || wanted === undefined
    ? openUnits(hold) === 0
    : hold.held - hold.released === wanted.quantity - wanted.released);

const isCouponSettled = (order: FoldedOrder | undefined, use: FoldedCouponUse): boolean => {
  if (order?.status === 'reserved') return true;
  const redeems = order?.confirmed === true && order.placed.coupons.includes(use.code);
  const back = redeems && order.status === 'cancelled';
  return (
    use.captured === (redeems ? 1 : 0) &&
    use.givenBack === (back ? 1 : 0) &&
    (redeems || openUnits(use) === 0)
  );
};

const attentionOf = (
  order: FoldedOrder | undefined,
  owner: FoldedOwner,
  settled: boolean,
): Attention | undefined => {
  if (order?.status === 'placed') return 'outcome';
  if (!settled) return 'order';
  const owed = [...owner.returns.values()].filter(({ wanted, returned }) => returned < wanted);
  if (owed.length === 0) return undefined;
  return owed.some(({ by }) => by === 'order') ? 'order' : 'note';
};

const openOf = ({ stock, coupons }: FoldedOwner): Map<string, number> => {
  const open = new Map<string, number>();
  for (const [id, hold] of stock) if (openUnits(hold) !== 0) open.set(`stock ${id}`, openUnits(hold));
  for (const [code, use] of coupons) if (openUnits(use) !== 0) open.set(`coupon ${code}`, openUnits(use));
  return open;
};

/** Whatever is open or waits for somebody, by owner; adds what has waited for too long to the fold's violations. */
export const openPromises = (fold: LogFold): Map<string, OpenPromises> => {
  const found = new Map<string, OpenPromises>();
  const { violations } = fold;
  const tooOld = (sinceMs: number): boolean => fold.recordedAtMs - sinceMs > SETTLING_MAX_MS;
  for (const [id, owner] of fold.promises.owners) {
    const order = fold.orders.orders.get(id);
    const wanted = order?.allocations.at;
    let settled = true;
    for (const [stock, hold] of owner.stock) {
      const asked = wanted?.get(stock);
      if (isStockSettled(order, hold, asked)) continue;
      settled = false;
      if (order !== undefined && !isCaptured(hold, asked) && tooOld(order.last.recordedAtMs)) {
        violations.add(
          'stock_not_captured',
          `stock-${stock}`,
          `${id}: ${hold.captured} of ${asked?.captured ?? 0}`,
        );
      }
    }
    for (const use of owner.coupons.values()) settled &&= isCouponSettled(order, use);
    const open = openOf(owner);
    const endedMs = order === undefined ? owner.recordedAtMs : order.endedAtMs;
    if (endedMs !== undefined && tooOld(endedMs)) {
      const code = order === undefined ? 'hold_without_order' : 'hold_leaked';
      for (const [resource, units] of open)
        violations.add(code, resource.replace(' ', '-'), `${id}: ${units}`);
    }
    for (const { stock, wanted: units, returned, sinceMs } of owner.returns.values()) {
      if (returned < units && tooOld(sinceMs)) {
        violations.add('goods_not_restocked', `stock-${stock}`, `${id}: ${returned} of ${units}`);
      }
    }
    if (isOver(order) && settled && owner.returns.size === 0) continue;
    found.set(id, { owner, attention: attentionOf(order, owner, settled), open });
  }
  return found;
};
