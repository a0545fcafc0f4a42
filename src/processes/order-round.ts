import { order } from '../domain/order.js';
import { fitting, ROUNDS_MAX, shortUnits } from '../domain/order-allocations.js';
import type { Allocation, LackingUnits } from '../domain/order-events.js';
import type { OrderState } from '../domain/order-state.js';
import { stock } from '../domain/stock.js';
import { stockIdOf } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import { comparePositions, type LogPosition } from '../runtime/event-store.js';
import { holdIdOf, skusOf } from './order-effects.js';

/** Rounds that one run closes without getting anything before it leaves the rest to the next. */
const VAIN_ROUNDS_MAX = 3;

/** What a round holds of a SKU, and what it lacks. */
export interface HeldPartly {
  readonly allocations: readonly Allocation[];
  /** Holds that somebody else made of the round and that are more than is wanted: to be let go once the round is closed. */
  readonly beyond: readonly Allocation[];
  readonly lacking: Omit<LackingUnits, 'quantity'> | undefined;
  /** Somewhere the id of this round was used up: by a hold of it that was let go. */
  readonly usedUp: boolean;
}

export interface PartlyOptions {
  readonly bus: CommandBus;
  readonly holdId: string;
  readonly sku: string;
  /** Units wanted; 0 only looks for holds that somebody left. */
  readonly quantity: number;
  readonly sources: readonly string[];
  readonly context: CommandContext;
  /** Nobody can have made holds of this round before. */
  readonly fresh: boolean;
}

/** Holds as much of a SKU as there is, location by location; what an earlier runner of the same round held comes first. */
export const holdPartly = async (options: PartlyOptions): Promise<HeldPartly> => {
  const { bus, holdId, sku, sources, context } = options;
  const held: Allocation[] = [];
  if (!options.fresh) {
    for (const location of sources) {
      const { state } = await bus.load(stock, stockIdOf(location, sku));
      const hold = state.holds.open.get(holdId);
      if (hold !== undefined) held.push({ sku, location, quantity: hold.quantity, refused: [] });
    }
  }
  const found = new Set(held.map(({ location }) => location));
  const wanted = new Map([[sku, options.quantity]]);
  let allocations = fitting(held, wanted);
  const left = (): number => allocations.reduce((sum, one) => sum - one.quantity, options.quantity);
  const refused: { location: string; code: string }[] = [];
  let code = 'insufficient_stock';
  let usedUp = false;
  for (const location of sources) {
    if (left() <= 0) break;
    if (found.has(location)) continue;
    const hold = { type: 'hold', holdId, quantity: left(), partly: true } as const;
    const result = await bus.execute(stock, stockIdOf(location, sku), hold, context);
    if (result.status === 'rejected') {
      usedUp ||= result.rejection.code === 'hold_ended';
      code = result.rejection.code;
      refused.push({ location, code });
      continue;
    }
    // More than was asked for where somebody else was here in between.
    const quantity = result.state.holds.open.get(holdId)?.quantity ?? 0;
    if (quantity === 0) continue;
    held.push({ sku, location, quantity, refused: [...refused] });
    allocations = fitting(held, wanted);
  }
  return {
    allocations,
    beyond: held.filter((one) => !allocations.includes(one)),
    lacking: left() > 0 ? { sku, code, asked: [...sources] } : undefined,
    usedUp,
  };
};

const isWaiting = ({ status }: OrderState): boolean => status === 'reserved' || status === 'confirmed';

export interface Rounded {
  readonly state: OrderState;
  readonly position: LogPosition;
  /** Holds of closed rounds that the order did not keep. */
  readonly strays: readonly { readonly round: number; readonly sku: string; readonly location: string }[];
}

/**
 * Holds what an order lacks, as far as there is any, and records it: one round, or some more where one came to nothing because of holds
 * that were let go. Also closes a round of somebody who died in it, even when nothing is short any more. Writes nothing when there is
 * nothing to hold.
 */
export const allocateShort = async (
  bus: CommandBus,
  orderId: string,
  from: { readonly state: OrderState; readonly position: LogPosition },
  context: CommandContext,
): Promise<Rounded> => {
  let { state, position } = from;
  const strays: { round: number; sku: string; location: string }[] = [];
  for (let vain = 0; vain < VAIN_ROUNDS_MAX && isWaiting(state) && state.round < ROUNDS_MAX; vain += 1) {
    const round = state.round + 1;
    const short = shortUnits(state);
    const { sources } = state;
    const holdId = holdIdOf(orderId, round);
    const outcomes = await Promise.all(
      [...skusOf(state)].map((sku) =>
        holdPartly({ bus, holdId, sku, quantity: short.get(sku) ?? 0, sources, context, fresh: false }),
      ),
    );
    const allocations = outcomes.flatMap((outcome) => outcome.allocations);
    const held = [...allocations, ...outcomes.flatMap(({ beyond }) => beyond)];
    const usedUp = outcomes.some((outcome) => outcome.usedUp);
    if (held.length === 0 && !usedUp) break;
    const decided = await bus.execute(order, orderId, { type: 'allocate', round, allocations }, context);
    ({ state } = decided);
    if (comparePositions(decided.position, position) > 0) ({ position } = decided);
    const kept = new Set(
      state.allocations.filter((one) => one.round === round).map((one) => stockIdOf(one.location, one.sku)),
    );
    strays.push(
      ...held
        .filter(({ sku, location }) => !kept.has(stockIdOf(location, sku)))
        .map(({ sku, location }) => ({ round, sku, location })),
    );
    if (kept.size > 0 && !usedUp) break;
  }
  return { state, position, strays };
};
