import { Map as PersistentMap } from 'immutable';
import { z } from 'zod';
import { type Decider, type Decision, type DomainEvent, isRejection, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import {
  decideHold,
  decideSettle,
  evolveHolds,
  type HoldStep,
  type Holds,
  type HoldTarget,
  noHolds,
} from './hold.js';
import { quantity, reasonText, recordedId, signedQuantity } from './schemas.js';

/**
 * Stock of one SKU at one location. On hand is what lies there; held is promised to orders; available to sell is the difference and
 * never below zero.
 */
const received = z.object({ receiptId: recordedId, quantity, reason: reasonText.optional() });
const held = z.object({ holdId: recordedId, quantity });
const released = z.object({ holdId: recordedId, quantity, reason: reasonText });
const returned = z.object({ returnId: recordedId, quantity });
const adjusted = z.object({ adjustmentId: recordedId, delta: signedQuantity, reason: reasonText });

export const stockEvents = [
  defineEvent({ type: 'StockReceived', version: 1, schema: received }),
  defineEvent({ type: 'StockHeld', version: 1, schema: held }),
  defineEvent({ type: 'StockCaptured', version: 1, schema: held }),
  defineEvent({ type: 'StockReleased', version: 1, schema: released }),
  defineEvent({ type: 'StockReturned', version: 1, schema: returned }),
  defineEvent({ type: 'StockAdjusted', version: 1, schema: adjusted }),
];

export type StockEvent =
  | DomainEvent<'StockReceived', z.infer<typeof received>>
  | DomainEvent<'StockHeld', z.infer<typeof held>>
  | DomainEvent<'StockCaptured', z.infer<typeof held>>
  | DomainEvent<'StockReleased', z.infer<typeof released>>
  | DomainEvent<'StockReturned', z.infer<typeof returned>>
  | DomainEvent<'StockAdjusted', z.infer<typeof adjusted>>;

export type StockCommand =
  /** Goods came in. `receiptId` once. */
  | {
      readonly type: 'receive';
      readonly receiptId: string;
      readonly quantity: number;
      readonly reason?: string;
    }
  /**
   * Promises units to an order; `partly`: as many of them as there are, at least one. Rejections: `insufficient_stock`, `hold_ended`,
   * `hold_conflict`.
   */
  | { readonly type: 'hold'; readonly holdId: string; readonly quantity: number; readonly partly?: boolean }
  /** Brings a hold to its target: captured when shipped, released when not wanted any more. */
  | { readonly type: 'settle'; readonly holdId: string; readonly target: HoldTarget; readonly reason: string }
  /** Resaleable goods came back from an order. `returnId` once. */
  | { readonly type: 'return'; readonly returnId: string; readonly quantity: number }
  /**
   * A count, a find, a write-off. `adjustmentId` once. `expectedOnHand` makes it a compare-and-set. Rejections:
   * `stale_on_hand`, `insufficient_on_hand`, `below_held` (what is promised must be released first).
   */
  | {
      readonly type: 'adjust';
      readonly adjustmentId: string;
      readonly delta: number;
      readonly reason: string;
      readonly expectedOnHand?: number;
    };

export interface StockState {
  readonly onHand: number;
  readonly holds: Holds;
  /** Receipts, returns and adjustments already applied, with their quantity. */
  readonly applied: PersistentMap<string, number>;
}

export const availableToSell = (state: StockState): number => state.onHand - state.holds.held;

/** Units on hand may not pass this, so that sums over all locations stay exact in a double. */
export const ON_HAND_MAX = 1_000_000_000_000;

const HOLD_EVENT = { held: 'StockHeld', captured: 'StockCaptured', released: 'StockReleased' } as const;

const toEvents = (decision: Decision<HoldStep>, reason: string): Decision<StockEvent> =>
  isRejection(decision)
    ? decision
    : decision.map(({ step, holdId, quantity: units }) =>
        step === 'released'
          ? { type: HOLD_EVENT.released, data: { holdId, quantity: units, reason } }
          : { type: HOLD_EVENT[step], data: { holdId, quantity: units } },
      );

/** Applies once per business id: a repeat yields nothing, the same id with another quantity is refused. */
const once = (
  state: StockState,
  id: string,
  units: number,
  decide: () => Decision<StockEvent>,
): Decision<StockEvent> => {
  const before = state.applied.get(id);
  if (before === undefined) return decide();
  return before === units ? [] : reject('id_reused', `${id} was recorded with another quantity`, { id });
};

const decideReceive = (state: StockState, event: StockEvent, units: number): Decision<StockEvent> =>
  state.onHand + units > ON_HAND_MAX
    ? reject('too_much_stock', `no location holds more than ${ON_HAND_MAX} units of a SKU`)
    : [event];

const decideAdjust = (
  state: StockState,
  { adjustmentId, delta, reason, expectedOnHand }: StockCommand & { type: 'adjust' },
): Decision<StockEvent> => {
  if (expectedOnHand !== undefined && expectedOnHand !== state.onHand) {
    return reject('stale_on_hand', `on hand is ${state.onHand}`, { onHand: state.onHand });
  }
  const after = state.onHand + delta;
  if (after < 0)
    return reject('insufficient_on_hand', `on hand is ${state.onHand}`, { onHand: state.onHand });
  if (after < state.holds.held) {
    return reject('below_held', `${state.holds.held} units are promised to orders`, {
      held: state.holds.held,
    });
  }
  return decideReceive(state, { type: 'StockAdjusted', data: { adjustmentId, delta, reason } }, delta);
};

export const stock: Decider<StockCommand, StockEvent, StockState> = {
  category: 'stock',
  stateVersion: 1,
  initialState: { onHand: 0, holds: noHolds, applied: PersistentMap() },

  decide(command, state) {
    switch (command.type) {
      case 'receive': {
        const { receiptId, quantity: units, reason } = command;
        const data =
          reason === undefined ? { receiptId, quantity: units } : { receiptId, quantity: units, reason };
        return once(state, `receipt:${receiptId}`, units, () =>
          decideReceive(state, { type: 'StockReceived', data }, units),
        );
      }
      case 'hold': {
        const available = availableToSell(state);
        const shortage = () => reject('insufficient_stock', `${available} available to sell`, { available });
        const { holdId, quantity: units, partly } = command;
        return toEvents(decideHold(state.holds, holdId, units, available, shortage, partly), '');
      }
      case 'settle':
        return toEvents(decideSettle(state.holds, command.holdId, command.target), command.reason);
      case 'return': {
        const { returnId, quantity: units } = command;
        return once(state, `return:${returnId}`, units, () =>
          decideReceive(state, { type: 'StockReturned', data: { returnId, quantity: units } }, units),
        );
      }
      case 'adjust':
        return once(state, `adjustment:${command.adjustmentId}`, command.delta, () =>
          decideAdjust(state, command),
        );
    }
  },

  evolve(state, event) {
    const apply = (id: string, delta: number): StockState => ({
      ...state,
      onHand: state.onHand + delta,
      applied: state.applied.set(id, delta),
    });
    const step = (kind: HoldStep['step'], data: z.infer<typeof held>): Holds =>
      evolveHolds(state.holds, { step: kind, holdId: data.holdId, quantity: data.quantity });
    switch (event.type) {
      case 'StockReceived':
        return apply(`receipt:${event.data.receiptId}`, event.data.quantity);
      case 'StockReturned':
        return apply(`return:${event.data.returnId}`, event.data.quantity);
      case 'StockAdjusted':
        return apply(`adjustment:${event.data.adjustmentId}`, event.data.delta);
      case 'StockHeld':
        return { ...state, holds: step('held', event.data) };
      case 'StockCaptured':
        return { ...state, onHand: state.onHand - event.data.quantity, holds: step('captured', event.data) };
      case 'StockReleased':
        return { ...state, holds: step('released', event.data) };
    }
  },
};
