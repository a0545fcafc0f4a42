import { isRejection } from './decider.js';
import type { OrderEvent } from './order-events.js';
import { decideShip, type Placed } from './order-fulfilment.js';
import { evolveOrder, type OrderState } from './order-state.js';
import { reviewsBlocking } from './review.js';

/** Id of the shipment that a till makes by itself, once. */
const HANDOVER = 'handover:all';

/**
 * At a till the goods leave with the customer: in the append that confirms the order, by whatever it is confirmed, or that lifts the last
 * review which held them back, it is shipped. What was split off is not: somebody said that it goes apart.
 */
export const handOver = (state: Placed, events: readonly OrderEvent[]): readonly OrderEvent[] => {
  if (state.placed.handover !== 'at-once') return events;
  if (!events.some(({ type }) => type === 'OrderConfirmed' || type === 'OrderHoldResolved')) return events;
  const after = events.reduce(evolveOrder, state as OrderState) as Placed;
  if (after.status !== 'confirmed' || reviewsBlocking(after.reviews, 'ship').length > 0) return events;
  const shipped = decideShip({ type: 'ship', shipmentId: HANDOVER }, after);
  // Nothing of it is open there: what follows by itself refuses no decision.
  return isRejection(shipped) ? events : [...events, ...shipped];
};
