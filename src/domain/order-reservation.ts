import { type Decision, isRejection, reject } from './decider.js';
import { discountLines } from './discount.js';
import { fitting, ROUNDS_MAX, shortUnits } from './order-allocations.js';
import type { LineQuantity, OrderCommand } from './order-commands.js';
import type { LackingUnits, OrderEvent } from './order-events.js';
import { cancelUnits, type Placed } from './order-fulfilment.js';
import { evolveOrder, isEnded } from './order-state.js';
import { reviewsBlocking } from './review.js';

/** Locations an order may have in its life. */
const SOURCES_MAX = 200;
/** Id of what an order does by itself, once. */
const SHORTAGE = 'shortage:all';

/** Units that nothing holds, each with what the last location said; `lacking` is as far as that is known. */
export const lackingUnits = (
  { lacking = [] }: Pick<OrderCommand & { type: 'reserve' }, 'lacking'>,
  short: ReadonlyMap<string, number>,
): LackingUnits[] => {
  const why = new Map(lacking.map((one) => [one.sku, one]));
  return [...short].map(([sku, quantity]) => {
    const { code = 'insufficient_stock', asked = [] } = why.get(sku) ?? {};
    return { sku, quantity, code, asked };
  });
};

/** Which lines go without: the last ones of a SKU first. */
const lastUnits = ({ lines }: Placed, short: ReadonlyMap<string, number>): LineQuantity[] => {
  const left = new Map(short);
  const found: LineQuantity[] = [];
  for (const { lineId, kind, sku, quantity } of [...lines.values()].reverse()) {
    const units = kind === 'goods' ? Math.min(quantity, left.get(sku) ?? 0) : 0;
    if (units === 0) continue;
    left.set(sku, (left.get(sku) ?? 0) - units);
    found.push({ lineId, quantity: units });
  }
  return found.reverse();
};

const isNothingHeld = ({ lines }: Placed, allocations: readonly unknown[]): boolean =>
  allocations.length === 0 && [...lines.values()].some(({ kind }) => kind === 'goods');

/**
 * Freezes what was held, never more than is wanted, and the discounts; then, in the same append, what the policies say: what is short is
 * cancelled, and the order is confirmed. Rejection: `insufficient_stock` where the policy does not allow for what is short.
 */
export const decideReserve = (
  command: OrderCommand & { type: 'reserve' },
  state: Placed,
): Decision<OrderEvent> => {
  const { currency, shortage = 'all-or-nothing', confirm } = state.placed;
  const { coupons } = command;
  // A hold that is not among them is let go by whoever made it: the order never says that it holds more than it wants.
  const allocations = fitting(command.allocations, shortUnits(state));
  const discounts = discountLines([...state.lines.values()], coupons, currency);
  const reserved: OrderEvent = { type: 'OrderReserved', data: { allocations: [...allocations], discounts } };
  const after = evolveOrder(state, reserved) as Placed;
  const short = shortUnits(after);
  const events: OrderEvent[] = [reserved];
  if (short.size > 0) {
    const waits = shortage === 'backorder' || shortage === 'shortfall';
    if (shortage === 'all-or-nothing' || (!waits && isNothingHeld(state, allocations))) {
      const [sku = ''] = [...short.keys()];
      return reject('insufficient_stock', `${short.get(sku)} of ${sku} lack`, { sku });
    }
    reserved.data.short = lackingUnits(command, short);
    if (!waits) {
      const cancelled = cancelUnits(after, SHORTAGE, 'insufficient_stock', lastUnits(state, short));
      if (isRejection(cancelled)) return cancelled;
      events.push(...cancelled);
    }
  }
  if (confirm !== 'auto' || reviewsBlocking(state.reviews, 'confirm').length > 0) return events;
  return [...events, { type: 'OrderConfirmed', data: {} }];
};

export const decideSources = (
  { locations, reason }: OrderCommand & { type: 'extend-sources' },
  state: Placed,
): Decision<OrderEvent> => {
  const more = [...new Set(locations)].filter((location) => !state.sources.includes(location));
  if (isEnded(state.status) || more.length === 0) return [];
  if (state.sources.length + more.length > SOURCES_MAX) {
    return reject('too_many_sources', `an order has at most ${SOURCES_MAX} locations`);
  }
  return [{ type: 'OrderSourcesExtended', data: { locations: more, reason } }];
};

export const decideAllocate = (
  { round, allocations }: OrderCommand & { type: 'allocate' },
  state: Placed,
): Decision<OrderEvent> => {
  if ((state.status !== 'reserved' && state.status !== 'confirmed') || round !== state.round + 1) return [];
  if (round > ROUNDS_MAX) {
    return reject('too_many_rounds', `an order is allocated at most ${ROUNDS_MAX} times`);
  }
  const short = shortUnits(state);
  for (const { sku, quantity } of allocations) short.set(sku, (short.get(sku) ?? 0) - quantity);
  const fits = [...short.values()].every((units) => units >= 0);
  return [{ type: 'OrderAllocated', data: { round, allocations: fits ? [...allocations] : [] } }];
};
