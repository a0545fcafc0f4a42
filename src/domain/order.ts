import { type Decider, type Decision, isRejection, reject } from './decider.js';
import { discountLines } from './discount.js';
import type { OrderCommand } from './order-commands.js';
import type { OrderEvent, OrderPlaced } from './order-events.js';
import { decideCancel, decideReturn, decideShip, type Placed, wrongStatus } from './order-fulfilment.js';
import { decidePlace } from './order-placement.js';
import { decideResolve, decideReview, settleReviews } from './order-review.js';
import { decideSplit, decideUndoSplit } from './order-split.js';
import { evolveOrder, initialOrder, type OrderState } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';

export type { LineQuantity, OrderCommand, PlaceOrder } from './order-commands.js';
export { sourcesOf } from './order-lines.js';
export { LINES_MAX } from './order-placement.js';

const isPlaced = (state: OrderState): state is Placed => state.placed !== undefined;

const decideReserve = (command: OrderCommand & { type: 'reserve' }, state: Placed): Decision<OrderEvent> => {
  const discounts = discountLines([...state.lines.values()], command.coupons, state.placed.currency);
  const reserved: OrderEvent = {
    type: 'OrderReserved',
    data: { allocations: [...command.allocations], discounts },
  };
  const confirms = state.placed.confirm === 'auto' && reviewsBlocking(state.reviews, 'confirm').length === 0;
  return confirms ? [reserved, { type: 'OrderConfirmed', data: {} }] : [reserved];
};

/** A deadline that the order never had, or one that comes too early, is somebody's stale hint. */
const isDue = ({ expiresAt }: OrderPlaced['data'], dueAt: string): boolean =>
  expiresAt !== undefined && Date.parse(dueAt) >= Date.parse(expiresAt);

const decideConfirm = (state: Placed): Decision<OrderEvent> => {
  if (state.status === 'confirmed' || state.status === 'completed') return [];
  if (state.status !== 'reserved') return wrongStatus(state, 'reserved');
  const blocking = reviewsBlocking(state.reviews, 'confirm');
  return blocking.length > 0 ? orderHeld(blocking) : [{ type: 'OrderConfirmed', data: {} }];
};

const decidePlaced = (
  command: Exclude<OrderCommand, { type: 'place' }>,
  state: Placed,
): Decision<OrderEvent> => {
  switch (command.type) {
    case 'reserve':
      return state.status === 'placed' ? decideReserve(command, state) : [];
    case 'refuse': {
      if (state.status !== 'placed') return [];
      const { code, detail, sku } = command;
      return [{ type: 'OrderRejected', data: sku === undefined ? { code, detail } : { code, detail, sku } }];
    }
    case 'confirm':
      return decideConfirm(state);
    case 'expire':
      return state.status === 'reserved' && isDue(state.placed, command.dueAt)
        ? [{ type: 'OrderExpired', data: { dueAt: command.dueAt } }]
        : [];
    case 'cancel':
      return decideCancel(command, state);
    case 'ship':
      return decideShip(command, state);
    case 'return':
      return decideReturn(command, state);
    case 'review':
      return decideReview(command, state);
    case 'resolve-review':
      return decideResolve(command, state);
    case 'split':
      return decideSplit(command, state);
    case 'undo-split':
      return decideUndoSplit(command, state);
  }
};

/** The arbiter of an order: its life, its money, the fate of its holds. Never more shipped, cancelled or returned than there was. */
export const order: Decider<OrderCommand, OrderEvent, OrderState> = {
  category: 'order',
  stateVersion: 3,
  initialState: initialOrder,
  evolve: evolveOrder,

  decide(command, state) {
    if (command.type === 'place') return decidePlace(command, state);
    if (!isPlaced(state)) return reject('unknown_order', 'there is no such order');
    const decision = decidePlaced(command, state);
    return state.reviews.size === 0 || isRejection(decision) ? decision : settleReviews(state, decision);
  },
};
