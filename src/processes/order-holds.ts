import { isRejection } from '../domain/decider.js';
import type { OrderState } from '../domain/order-state.js';
import { type StockState, stock } from '../domain/stock.js';
import { stockIdOf } from '../domain/stream-id.js';
import type { CommandBus } from '../runtime/command-bus.js';
import type { LogPosition } from '../runtime/event-store.js';
import {
  allEffects,
  type Effect,
  holdIdOf,
  isOfStock,
  type StockEffect,
  sourcedSkus,
  stockCommandOf,
  strayEffect,
  strayRounds,
} from './order-effects.js';

interface Place {
  readonly sku: string;
  readonly location: string;
  /** What the order asks for here, whether done already or not. */
  readonly effects: StockEffect[];
}

/** Wherever somebody may have held for the order, and wherever it asks for something. */
const placesOf = (state: OrderState, effects: readonly Effect[]): Place[] => {
  const places = new Map<string, Place>();
  const at = (location: string, sku: string): Place => {
    const id = stockIdOf(location, sku);
    let place = places.get(id);
    if (place === undefined) {
      place = { sku, location, effects: [] };
      places.set(id, place);
    }
    return place;
  };
  for (const sku of sourcedSkus(state)) for (const location of state.sources) at(location, sku);
  for (const effect of effects) if (isOfStock(effect)) at(effect.location, effect.sku).effects.push(effect);
  return [...places.values()];
};

/** Whether it is not done yet; refused is left to whoever runs it. */
const isLeft = (effect: StockEffect, state: StockState): boolean => {
  const decision = stock.decide(stockCommandOf(effect), state);
  return isRejection(decision) || decision.length > 0;
};

export interface EffectsLeft {
  readonly effects: readonly Effect[];
  /** How far the streams were that were read. */
  readonly seen: readonly LogPosition[];
}

/**
 * What of all that an order with an outcome asks for is not done: each stock is read once and only what its state lacks is asked of it, however
 * many rounds the order had. Also lets go of whatever a runner that died may have held and the order did not keep: in rounds that are
 * closed, and in the next one where there will be none.
 */
export const effectsLeft = async (
  bus: CommandBus,
  orderId: string,
  state: OrderState,
): Promise<EffectsLeft> => {
  const effects = allEffects(state, orderId);
  const rounds = strayRounds(state);
  const ofPlaces = await Promise.all(
    placesOf(state, effects).map(async ({ sku, location, effects: asked }) => {
      const { state: level, position } = await bus.load(stock, stockIdOf(location, sku));
      const kept = new Set(asked.map((effect) => (effect.kind === 'settle-stock' ? effect.holdId : '')));
      const strays = rounds.filter((round) => {
        const holdId = holdIdOf(orderId, round);
        return level.holds.open.has(holdId) && !kept.has(holdId);
      });
      const left: Effect[] = [
        ...asked.filter((effect) => isLeft(effect, level)),
        ...strays.map((round) => strayEffect(orderId, round, { sku, location })),
      ];
      return { left, position };
    }),
  );
  return {
    effects: [...ofPlaces.flatMap(({ left }) => left), ...effects.filter((effect) => !isOfStock(effect))],
    seen: ofPlaces.map(({ position }) => position),
  };
};
