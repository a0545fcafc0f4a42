import type { HoldTarget } from '../domain/hold.js';
import type { OrderEvent } from '../domain/order-events.js';
import { isEnded, type OrderState } from '../domain/order-state.js';
import type { StockCommand } from '../domain/stock.js';
import { joinId } from '../domain/stream-id.js';

/**
 * What the state of an order asks of the streams that hold for it. Each effect names a target, not a difference, so any of
 * them may be run again, late, or by two runners at once.
 */
export type Effect =
  | {
      readonly kind: 'settle-stock';
      readonly holdId: string;
      readonly location: string;
      readonly sku: string;
      readonly target: HoldTarget;
      readonly reason: string;
    }
  | {
      readonly kind: 'settle-coupon';
      readonly code: string;
      readonly target: HoldTarget;
      readonly reason: string;
    }
  | { readonly kind: 'give-back-coupon'; readonly code: string; readonly reason: string }
  | {
      readonly kind: 'return-stock';
      readonly location: string;
      readonly sku: string;
      readonly returnId: string;
      readonly quantity: number;
    };

export type StockEffect = Effect & { readonly kind: 'settle-stock' | 'return-stock' };

export const isOfStock = (effect: Effect): effect is StockEffect =>
  effect.kind === 'settle-stock' || effect.kind === 'return-stock';

export const stockCommandOf = (effect: StockEffect): StockCommand =>
  effect.kind === 'settle-stock'
    ? { type: 'settle', holdId: effect.holdId, target: effect.target, reason: effect.reason }
    : { type: 'return', returnId: effect.returnId, quantity: effect.quantity };

/** Id under which stock takes back the units of one SKU of one return of an order. */
export const stockReturnId = (orderId: string, returnId: string): string => `${orderId}/${joinId(returnId)}`;

const letGo: HoldTarget = { captured: 0, released: 'rest' };

/** Whether anybody makes holds for the order after its reservation. */
export const mayHaveRounds = ({ placed, round, changes }: OrderState): boolean =>
  round > 1 || changes.size > 0 || placed?.shortage === 'backorder' || placed?.shortage === 'shortfall';

/** SKUs that somebody may have made holds of for the order: those of its lines, and those that a change would add. */
export const skusOf = (state: OrderState): ReadonlySet<string> => {
  const skus = new Set(demandOf(state).keys());
  for (const { proposed } of state.changes.values()) {
    for (const action of proposed.actions) {
      if (action.kind === 'add' && action.line.kind === 'goods') skus.add(action.line.sku);
    }
  }
  return skus;
};

/** Units wanted per SKU: lines of one SKU are summed before anything is asked of its stock. */
export const demandOf = (state: OrderState): Map<string, number> => {
  const demand = new Map<string, number>();
  for (const { kind, sku, quantity } of state.lines.values()) {
    if (kind === 'goods') demand.set(sku, (demand.get(sku) ?? 0) + quantity);
  }
  return demand;
};

const isOver = (state: OrderState): boolean => state.status === 'rejected' || state.status === 'expired';

/** Id under which stock holds for an order in a round. Neither part holds a slash. */
export const holdIdOf = (orderId: string, round: number): string =>
  round === 1 ? orderId : `${orderId}/${round}`;

const stockEffects = (state: OrderState, orderId: string, touches: (sku: string) => boolean): Effect[] =>
  state.allocations
    .filter(({ sku }) => touches(sku))
    .map(({ round, sku, location, captured, released }) => ({
      kind: 'settle-stock',
      holdId: holdIdOf(orderId, round),
      location,
      sku,
      target: { captured, released: isOver(state) ? 'rest' : released },
      reason: state.status,
    }));

const couponEffects = (state: OrderState): Effect[] =>
  (state.placed?.coupons ?? []).flatMap((code): Effect[] => {
    const reason = state.status;
    if (!state.wasConfirmed) return [{ kind: 'settle-coupon', code, target: letGo, reason }];
    const redeem: Effect = { kind: 'settle-coupon', code, target: { captured: 1, released: 0 }, reason };
    return state.status === 'cancelled' ? [redeem, { kind: 'give-back-coupon', code, reason }] : [redeem];
  });

const returnEffects = (state: OrderState, orderId: string, only?: ReadonlySet<string>): Effect[] =>
  state.returns.flatMap(({ returnId, lines }) => {
    if (only !== undefined && !only.has(returnId)) return [];
    const totals = new Map<string, Effect & { kind: 'return-stock' }>();
    for (const { sku, location, quantity } of lines) {
      const key = joinId(location, sku);
      const before = totals.get(key)?.quantity ?? 0;
      const id = stockReturnId(orderId, returnId);
      totals.set(key, { kind: 'return-stock', location, sku, returnId: id, quantity: before + quantity });
    }
    return [...totals.values()];
  });

/** Everything an order with an outcome asks for, whether done already or not. */
export const allEffects = (state: OrderState, orderId: string): Effect[] => {
  if (state.status === 'none' || state.status === 'placed') return [];
  const waiting = state.status === 'reserved';
  return [
    ...stockEffects(state, orderId, () => true),
    ...(waiting ? [] : couponEffects(state)),
    ...returnEffects(state, orderId),
  ];
};

/** What a set of new events asks for: the hot path of {@link allEffects}. */
export const effectsOf = (state: OrderState, orderId: string, events: readonly OrderEvent[]): Effect[] => {
  const skus = new Set<string>();
  const returns = new Set<string>();
  let coupons = false;
  let everything = false;
  for (const event of events) {
    if (event.type === 'OrderConfirmed') coupons = true;
    else if (event.type === 'OrderExpired' || event.type === 'OrderRejected') everything = true;
    else if (event.type === 'OrderReturned') returns.add(event.data.returnId);
    else if (event.type === 'OrderShipped') for (const line of event.data.lines) skus.add(line.sku);
    else if (event.type === 'OrderLinesCancelled') {
      const { released, short } = event.data;
      coupons ||= state.status === 'cancelled';
      // What nothing held is let go of nowhere.
      if (released === undefined && short !== undefined) continue;
      for (const { lineId } of event.data.lines) skus.add(state.lines.get(lineId)?.sku ?? '');
    } else if (event.type === 'OrderChangeConfirmed') {
      for (const { sku } of event.data.released) skus.add(sku);
    }
  }
  return [
    ...stockEffects(state, orderId, (sku) => everything || skus.has(sku)),
    ...(coupons || everything ? couponEffects(state) : []),
    ...(returns.size === 0 ? [] : returnEffects(state, orderId, returns)),
  ];
};

/** Letting go of what a round held and its order did not keep. */
export const strayEffect = (
  orderId: string,
  round: number,
  { sku, location }: { readonly sku: string; readonly location: string },
  reason = 'stray',
): Effect => ({
  kind: 'settle-stock',
  holdId: holdIdOf(orderId, round),
  location,
  sku,
  target: letGo,
  reason,
});

/** Rounds in which a runner that died may have left holds: those that are closed, and the next one where there will be none. */
export const strayRounds = (state: OrderState): readonly number[] => {
  if (state.placed === undefined || state.status === 'placed') return [];
  const { round } = state;
  const last = isEnded(state.status) && mayHaveRounds(state) ? round + 1 : Math.max(1, round);
  return Array.from({ length: last }, (_, index) => index + 1);
};

/** SKUs of which a runner that died may have left holds. */
export const sourcedSkus = (state: OrderState): ReadonlySet<string> =>
  state.placed === undefined || state.status === 'placed' ? new Set() : skusOf(state);
