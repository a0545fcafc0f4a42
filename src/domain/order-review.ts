import { type Decision, isRejection, reject } from './decider.js';
import type { OrderCommand } from './order-commands.js';
import type { OrderEvent } from './order-events.js';
import { cancelUnits, type Placed, wrongStatus } from './order-fulfilment.js';
import { evolveOrder, isEnded, type OrderState, openUnits } from './order-state.js';
import { BLOCKABLE_STEPS, type OrderHeld, openReviews, REVIEWS_MAX, reviewsBlocking } from './review.js';

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort();
const contentOf = ({ holdType, blocks, role, lines, reason }: Omit<OrderHeld['data'], 'holdId'>): string =>
  JSON.stringify([holdType, sorted(blocks), role, lines === undefined ? null : sorted(lines), reason]);

/** Puts a review by hand. */
export const decideReview = (
  { type: _, ...asked }: OrderCommand & { type: 'review' },
  state: Placed,
): Decision<OrderEvent> => {
  const { holdId, holdType, role, reason, lines } = asked;
  const before = state.reviews.get(holdId);
  if (before !== undefined) {
    return contentOf(before.held) ===
      contentOf({ ...asked, blocks: [...asked.blocks], lines: lines && [...lines] })
      ? []
      : reject('id_reused', `${holdId} was recorded with other content`, { id: holdId });
  }
  if (isEnded(state.status)) return wrongStatus(state, 'open');
  if (state.status === 'confirmed' && !asked.blocks.includes('ship')) return wrongStatus(state, 'reserved');
  if (state.reviews.size >= REVIEWS_MAX) {
    return reject('too_many_reviews', `an order has at most ${REVIEWS_MAX} reviews`);
  }
  const unknown = lines?.find((lineId) => !state.lines.has(lineId));
  if (unknown !== undefined)
    return reject('unknown_line', `the order has no line ${unknown}`, { lineId: unknown });
  const held: OrderHeld['data'] = {
    holdId,
    holdType,
    blocks: BLOCKABLE_STEPS.filter((step) => asked.blocks.includes(step)),
    role,
    ...(lines === undefined ? {} : { lines: sorted(lines) }),
    reason,
  };
  if (!holdsAnything(state, held)) return reject('nothing_open', 'no unit of these lines is open');
  return [{ type: 'OrderHeld', data: held }];
};

/** Units of the lines a review is on, or of the order, that nobody shipped or cancelled. */
const openUnder = (state: OrderState, { lines }: OrderHeld['data']): { lineId: string; quantity: number }[] =>
  [...state.lines.values()]
    .filter(({ lineId }) => lines === undefined || lines.includes(lineId))
    .map((line) => ({ lineId: line.lineId, quantity: openUnits(line) }))
    .filter(({ quantity }) => quantity > 0);

const holdsAnything = (state: OrderState, held: OrderHeld['data']): boolean =>
  !isEnded(state.status) && openUnder(state, held).length > 0;

/** Releases what a review blocks, or cancels what it is on. What else follows is {@link settleReviews}. */
export const decideResolve = (
  { holdId, outcome, reason, role }: OrderCommand & { type: 'resolve-review' },
  state: Placed,
): Decision<OrderEvent> => {
  const review = state.reviews.get(holdId);
  if (review === undefined) return reject('unknown_review', `the order has no review ${holdId}`);
  const { held, resolution } = review;
  if (role !== 'admin' && role !== held.role) {
    return reject('wrong_role', `${held.role} resolves this review`, { role: held.role });
  }
  if (resolution !== undefined) {
    return resolution.outcome === outcome && resolution.reason === reason
      ? []
      : reject('review_resolved', `the review was ${resolution.outcome} before`, resolution);
  }
  const resolved: OrderEvent = { type: 'OrderHoldResolved', data: { holdId, outcome, reason } };
  if (outcome === 'released') return [resolved];
  // Until the reservation is decided somebody is making holds of stock for it: its outcome comes first, within moments.
  if (state.status === 'placed') return wrongStatus(state, 'reserved or confirmed');
  const whole = held.lines === undefined;
  const cancelled = cancelUnits(
    state,
    `review:${holdId}`,
    reason,
    whole ? undefined : openUnder(state, held),
  );
  return isRejection(cancelled) ? cancelled : [resolved, ...cancelled];
};

/**
 * What follows from a decision for the reviews: those that hold nothing any more lapse (before the events that end the order, which
 * are its last), and an order that confirms itself does so when the last review that blocked it is gone.
 */
export const settleReviews = (state: Placed, events: readonly OrderEvent[]): readonly OrderEvent[] => {
  if (events.length === 0) return events;
  const after = events.reduce(evolveOrder, state as OrderState);
  const lapsed = openReviews(after.reviews)
    .filter(({ held }) => !holdsAnything(after, held))
    .map(
      ({ held: { holdId } }): OrderEvent => ({
        type: 'OrderHoldResolved',
        data: { holdId, outcome: 'lapsed', reason: isEnded(after.status) ? after.status : 'lines cancelled' },
      }),
    );
  const end = lapsed.reduce(evolveOrder, after);
  const confirms =
    end.status === 'reserved' &&
    state.placed.confirm === 'auto' &&
    reviewsBlocking(end.reviews, 'confirm').length === 0;
  return [...lapsed, ...events, ...(confirms ? [{ type: 'OrderConfirmed', data: {} } as const] : [])];
};
