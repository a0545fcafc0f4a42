import { Map as PersistentMap } from 'immutable';
import { type Decision, reject } from './decider.js';

/**
 * A hold is a promise of some units of something scarce: stock, a coupon, a budget. One life for all of them:
 *
 *     hold --> capture (all or part) | release (all or part)        one id, one owner, idempotent, all recorded
 *
 * Invariants: `held` is the sum of what the open holds still hold; a hold counts until its end is recorded; an ended id can
 * never be used again. Settling is by *target* ("captured so far shall be 3, released 1"), not by difference: a
 * repeated or late command asks for what is already so and yields nothing, whoever sends it and however often.
 */
export interface Hold {
  readonly quantity: number;
  readonly captured: number;
  readonly released: number;
}

export interface Holds {
  /** Units held by open holds and neither captured nor released. */
  readonly held: number;
  readonly open: PersistentMap<string, Hold>;
  /** Ended hold ids with the units they captured. */
  readonly ended: PersistentMap<string, number>;
}

export const noHolds: Holds = { held: 0, open: PersistentMap(), ended: PersistentMap() };

export type HoldStep =
  | { readonly step: 'held'; readonly holdId: string; readonly quantity: number }
  | { readonly step: 'captured'; readonly holdId: string; readonly quantity: number }
  | { readonly step: 'released'; readonly holdId: string; readonly quantity: number };

export const remaining = (hold: Hold): number => hold.quantity - hold.captured - hold.released;

/**
 * Holds `quantity` units when `available` allows it; `partly`: as many as there are, whatever the same hold was asked for before. Rejections: `hold_ended` (the id was used up), `hold_conflict` (the id is
 * open with another quantity); the caller names the shortage itself through `shortage`.
 */
export const decideHold = (
  holds: Holds,
  holdId: string,
  quantity: number,
  available: number,
  shortage: () => ReturnType<typeof reject>,
  partly = false,
): Decision<HoldStep> => {
  const open = holds.open.get(holdId);
  if (open !== undefined) {
    return partly || open.quantity === quantity
      ? []
      : reject('hold_conflict', `hold ${holdId} is open with another quantity`, { holdId });
  }
  if (holds.ended.has(holdId)) return reject('hold_ended', `hold ${holdId} has ended`, { holdId });
  if (partly ? available <= 0 : quantity > available) return shortage();
  return [{ step: 'held', holdId, quantity: Math.min(quantity, available) }];
};

/** What a hold shall have come to: units captured and released in total. `released: 'rest'` lets go of all that is left. */
export interface HoldTarget {
  readonly captured: number;
  readonly released: number | 'rest';
}

/**
 * Brings a hold to its target. An unknown hold has nothing to settle; a target below what is recorded is a late
 * message and yields nothing. Rejections: `hold_ended`, `exceeds_hold` (more than it holds).
 */
export const decideSettle = (holds: Holds, holdId: string, target: HoldTarget): Decision<HoldStep> => {
  const hold = holds.open.get(holdId);
  if (hold === undefined) {
    const captured = holds.ended.get(holdId);
    if (captured === undefined && target.captured === 0) return [];
    if (captured !== undefined && target.captured <= captured) return [];
    return reject('hold_ended', `hold ${holdId} is not open`, { holdId });
  }
  const capture = Math.max(0, target.captured - hold.captured);
  const wanted = target.released === 'rest' ? hold.quantity - hold.captured - capture : target.released;
  const release = Math.max(0, wanted - hold.released);
  if (capture + release > remaining(hold)) {
    return reject('exceeds_hold', `hold ${holdId} holds ${remaining(hold)}`, { holdId });
  }
  const steps: HoldStep[] = [];
  if (capture > 0) steps.push({ step: 'captured', holdId, quantity: capture });
  if (release > 0) steps.push({ step: 'released', holdId, quantity: release });
  return steps;
};

export const evolveHolds = (holds: Holds, { step, holdId, quantity }: HoldStep): Holds => {
  if (step === 'held') {
    return {
      ...holds,
      held: holds.held + quantity,
      open: holds.open.set(holdId, { quantity, captured: 0, released: 0 }),
    };
  }
  const hold = holds.open.get(holdId);
  if (hold === undefined) return holds;
  const next: Hold = { ...hold, [step]: hold[step] + quantity };
  const held = holds.held - quantity;
  return remaining(next) > 0
    ? { ...holds, held, open: holds.open.set(holdId, next) }
    : { held, open: holds.open.delete(holdId), ended: holds.ended.set(holdId, next.captured) };
};
