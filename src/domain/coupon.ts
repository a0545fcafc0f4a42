import { Set as PersistentSet } from 'immutable';
import { z } from 'zod';
import { type Decider, type DomainEvent, isRejection, reject } from './decider.js';
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
import { parseAmount } from './money.js';
import { amountText, currency, recordedId } from './schemas.js';

/**
 * A coupon: what it takes off, how often, for whom, and which orders hold or have redeemed it. Held while an order is placed,
 * captured (redeemed) when the order is confirmed, released when it is not to be, given back when the whole order is cancelled.
 */
const amountOff = z.object({ kind: z.literal('amount'), amount: amountText, currency });
const percentOff = z.object({
  kind: z.literal('percent'),
  percent: z
    .string()
    .regex(/^(100(\.0{1,4})?|\d{1,2}(\.\d{1,4})?)$/, 'a percentage up to 100 of at most 4 decimals'),
});
export const couponTerms = z.object({
  discount: z.discriminatedUnion('kind', [amountOff, percentOff]),
  /** How often it may be redeemed in all. */
  limit: z.int().min(1).max(1_000_000_000),
  channels: z.array(recordedId).optional(),
  validFrom: z.iso.datetime().optional(),
  validUntil: z.iso.datetime().optional(),
});
const held = z.object({ holdId: recordedId, quantity: z.int() });
const released = z.object({ holdId: recordedId, quantity: z.int(), reason: z.string() });

export const couponEvents = [
  defineEvent({ type: 'CouponIssued', version: 1, schema: couponTerms }),
  defineEvent({ type: 'CouponHeld', version: 1, schema: held }),
  defineEvent({ type: 'CouponRedeemed', version: 1, schema: held }),
  defineEvent({ type: 'CouponReleased', version: 1, schema: released }),
  defineEvent({ type: 'CouponGivenBack', version: 1, schema: released }),
];

export type CouponTerms = z.infer<typeof couponTerms>;
export type CouponDiscount = CouponTerms['discount'];
export type CouponEvent =
  | DomainEvent<'CouponIssued', CouponTerms>
  | DomainEvent<'CouponHeld', z.infer<typeof held>>
  | DomainEvent<'CouponRedeemed', z.infer<typeof held>>
  | DomainEvent<'CouponReleased', z.infer<typeof released>>
  | DomainEvent<'CouponGivenBack', z.infer<typeof released>>;

export type CouponCommand =
  /** Once per code; the same terms again yield nothing, others `coupon_exists`. Rejections: `invalid_amount`. */
  | { readonly type: 'issue'; readonly terms: CouponTerms }
  /**
   * Rejections: `coupon_unknown`, `coupon_exhausted`, `coupon_not_yet_valid`, `coupon_expired`, `coupon_wrong_channel`,
   * `coupon_wrong_currency`, `hold_ended`.
   */
  | {
      readonly type: 'hold';
      readonly holdId: string;
      readonly channel: string;
      readonly currency: string;
      readonly at: string;
    }
  | { readonly type: 'settle'; readonly holdId: string; readonly target: HoldTarget; readonly reason: string }
  /** A redemption comes back, because nothing of its order was delivered. */
  | { readonly type: 'give-back'; readonly holdId: string; readonly reason: string };

export interface CouponState {
  readonly terms: CouponTerms | undefined;
  readonly holds: Holds;
  readonly redeemed: number;
  readonly givenBack: PersistentSet<string>;
}

const decideCouponHold = (
  state: CouponState,
  command: CouponCommand & { type: 'hold' },
): readonly HoldStep[] | ReturnType<typeof reject> => {
  const { terms: issued } = state;
  if (issued === undefined) return reject('coupon_unknown', 'no such coupon');
  if (issued.channels !== undefined && !issued.channels.includes(command.channel)) {
    return reject('coupon_wrong_channel', 'the coupon is not for this channel');
  }
  if (issued.discount.kind === 'amount' && issued.discount.currency !== command.currency) {
    return reject('coupon_wrong_currency', `the coupon is in ${issued.discount.currency}`);
  }
  const at = Date.parse(command.at);
  if (issued.validFrom !== undefined && at < Date.parse(issued.validFrom)) {
    return reject('coupon_not_yet_valid', `valid from ${issued.validFrom}`);
  }
  if (issued.validUntil !== undefined && at >= Date.parse(issued.validUntil)) {
    return reject('coupon_expired', `was valid until ${issued.validUntil}`);
  }
  const available = issued.limit - state.redeemed - state.holds.held;
  return decideHold(state.holds, command.holdId, 1, available, () =>
    reject('coupon_exhausted', 'the coupon has been used as often as it may be'),
  );
};

const HOLD_EVENT = { held: 'CouponHeld', captured: 'CouponRedeemed', released: 'CouponReleased' } as const;

const toEvent = ({ step, holdId, quantity }: HoldStep, reason: string): CouponEvent =>
  step === 'released'
    ? { type: HOLD_EVENT.released, data: { holdId, quantity, reason } }
    : { type: HOLD_EVENT[step], data: { holdId, quantity } };

export const coupon: Decider<CouponCommand, CouponEvent, CouponState> = {
  category: 'coupon',
  stateVersion: 1,
  initialState: { terms: undefined, holds: noHolds, redeemed: 0, givenBack: PersistentSet() },

  decide(command, state) {
    switch (command.type) {
      case 'issue': {
        if (state.terms === undefined) {
          const { discount } = command.terms;
          // Found out only when an order wants to take it off, it would leave that order without an outcome.
          return discount.kind === 'amount' && parseAmount(discount.amount, discount.currency) === undefined
            ? reject('invalid_amount', `not an amount of ${discount.currency}`)
            : [{ type: 'CouponIssued', data: command.terms }];
        }
        return JSON.stringify(couponTerms.parse(command.terms)) ===
          JSON.stringify(couponTerms.parse(state.terms))
          ? []
          : reject('coupon_exists', 'the code was issued with other terms');
      }
      case 'hold': {
        const known = state.holds.open.has(command.holdId);
        const steps = known ? [] : decideCouponHold(state, command);
        return isRejection(steps) ? steps : steps.map((step) => toEvent(step, ''));
      }
      case 'settle': {
        const steps = decideSettle(state.holds, command.holdId, command.target);
        return isRejection(steps) ? steps : steps.map((step) => toEvent(step, command.reason));
      }
      case 'give-back': {
        const { holdId, reason } = command;
        if (state.givenBack.has(holdId) || (state.holds.ended.get(holdId) ?? 0) === 0) return [];
        return [{ type: 'CouponGivenBack', data: { holdId, quantity: 1, reason } }];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'CouponIssued':
        return { ...state, terms: event.data };
      case 'CouponHeld':
        return { ...state, holds: evolveHolds(state.holds, { step: 'held', ...event.data }) };
      case 'CouponRedeemed':
        return {
          ...state,
          holds: evolveHolds(state.holds, { step: 'captured', ...event.data }),
          redeemed: state.redeemed + event.data.quantity,
        };
      case 'CouponReleased':
        return { ...state, holds: evolveHolds(state.holds, { step: 'released', ...event.data }) };
      case 'CouponGivenBack':
        return {
          ...state,
          redeemed: state.redeemed - event.data.quantity,
          givenBack: state.givenBack.add(event.data.holdId),
        };
    }
  },
};
