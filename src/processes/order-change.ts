import { order } from '../domain/order.js';
import { unitsWantedBy } from '../domain/order-change.js';
import type { OrderEvent } from '../domain/order-events.js';
import type { Placed } from '../domain/order-fulfilment.js';
import type { OrderState } from '../domain/order-state.js';
import { stockIdOf } from '../domain/stream-id.js';
import type { CommandBus, CommandContext, CommandResult } from '../runtime/command-bus.js';
import { type Effect, holdIdOf, strayEffect } from './order-effects.js';
import { holdPartly } from './order-round.js';

/** Tries against somebody who allocates the same order at the same time. */
const TRIES_MAX = 3;

type OrderResult = CommandResult<OrderEvent, OrderState>;

/**
 * Confirms a change of an order. What it adds is held first, in the order's next round, and recorded with the change; where it cannot be
 * confirmed the round is closed before its holds are let go, so that nobody records a hold that is gone. What is left to do then is in
 * `effects`.
 */
export const confirmChange = async (
  bus: CommandBus,
  orderId: string,
  changeId: string,
  context: CommandContext,
): Promise<{ readonly result: OrderResult; readonly effects: readonly Effect[] }> => {
  const { requestHash: _, ...plain } = context;
  const confirm = { type: 'confirm-change', changeId } as const;
  const effects: Effect[] = [];
  for (let tries = 1; ; tries += 1) {
    const { state } = await bus.load(order, orderId);
    const wanted =
      state.placed === undefined ? new Map<string, number>() : unitsWantedBy(state as Placed, changeId);
    if (wanted.size === 0) return { result: await bus.execute(order, orderId, confirm, context), effects };
    const round = state.round + 1;
    const holdId = holdIdOf(orderId, round);
    const { sources } = state;
    const outcomes = await Promise.all(
      [...wanted].map(([sku, quantity]) =>
        holdPartly({ bus, holdId, sku, quantity, sources, context: plain, fresh: false }),
      ),
    );
    const allocations = outcomes.flatMap((one) => one.allocations);
    const held = [...allocations, ...outcomes.flatMap(({ beyond }) => beyond)];
    const lacking = outcomes.flatMap((one) => (one.lacking === undefined ? [] : [one.lacking]));
    const command = { ...confirm, round, allocations, lacking };
    const result = await bus.execute(order, orderId, command, context);
    const isClosed = result.status === 'accepted' && result.state.round >= round;
    if (!isClosed && held.length === 0 && !outcomes.some(({ usedUp }) => usedUp)) return { result, effects };
    const closed = isClosed
      ? result
      : await bus.execute(order, orderId, { type: 'allocate', round, allocations: [] }, plain);
    const kept = new Set(
      closed.state.allocations
        .filter((one) => one.round === round)
        .map((one) => stockIdOf(one.location, one.sku)),
    );
    for (const one of held) {
      if (!kept.has(stockIdOf(one.location, one.sku))) effects.push(strayEffect(orderId, round, one));
    }
    const again =
      result.status === 'rejected' &&
      (result.rejection.code === 'allocation_changed' || outcomes.some(({ usedUp }) => usedUp));
    if (!again || tries >= TRIES_MAX) return { result, effects };
  }
};
