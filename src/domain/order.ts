import { type Decider, type Decision, isRejection, reject } from './decider.js';
import { decideAllowance } from './order-allowance.js';
import { decideConfirmChange, decideDecline, decidePropose } from './order-change.js';
import type { OrderCommand } from './order-commands.js';
import { decideReturn } from './order-credit.js';
import type { OrderEvent } from './order-events.js';
import { decideExchange } from './order-exchange.js';
import { decideCancel, decideShip, type Placed, wrongStatus } from './order-fulfilment.js';
import { handOver } from './order-handover.js';
import { decidePayments, paymentDue, settlePayments } from './order-payments.js';
import { decidePlace } from './order-placement.js';
import { decideAllocate, decideReserve, decideSources } from './order-reservation.js';
import { decideReturnStep } from './order-return.js';
import { decideResolve, decideReview, settleReviews } from './order-review.js';
import { decideSplit, decideUndoSplit } from './order-split.js';
import { evolveOrder, initialOrder, type OrderState } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';

export type { LineQuantity, OrderCommand, PlaceOrder } from './order-commands.js';
export { sourcesOf } from './order-lines.js';
export { LINES_MAX } from './order-placement.js';

/** The first fact about its money may come to an order that nobody expected to be paid. */
const isPayment = ({ type }: OrderCommand): boolean =>
  type === 'start-payment' || type === 'authorise-payment' || type === 'capture-payment';

const isPlaced = (state: OrderState): state is Placed => state.placed !== undefined;

/** A deadline that the order never had, or one that comes too early, is somebody's stale hint. */
const isDue = ({ expiresAt }: OrderState, dueAt: string): boolean =>
  expiresAt !== undefined && Date.parse(dueAt) >= Date.parse(expiresAt);

const decideConfirm = (state: Placed): Decision<OrderEvent> => {
  if (state.status === 'confirmed' || state.status === 'completed') return [];
  if (state.status !== 'reserved') return wrongStatus(state, 'reserved');
  const blocking = reviewsBlocking(state.reviews, 'confirm');
  if (blocking.length > 0) return orderHeld(blocking);
  return paymentDue(state) ?? [{ type: 'OrderConfirmed', data: {} }];
};

const decidePlaced = (
  command: Exclude<OrderCommand, { type: 'place' }>,
  state: Placed,
): Decision<OrderEvent> => {
  switch (command.type) {
    case 'reserve':
      return state.status === 'placed' ? decideReserve(command, state) : [];
    case 'extend-sources':
      return decideSources(command, state);
    case 'allocate':
      return decideAllocate(command, state);
    case 'refuse': {
      if (state.status !== 'placed') return [];
      const { code, detail, sku } = command;
      return [{ type: 'OrderRejected', data: sku === undefined ? { code, detail } : { code, detail, sku } }];
    }
    case 'confirm':
      return decideConfirm(state);
    case 'expire':
      return state.status === 'reserved' && isDue(state, command.dueAt)
        ? [{ type: 'OrderExpired', data: { dueAt: command.dueAt } }]
        : [];
    case 'cancel':
      return decideCancel(command, state);
    case 'ship':
      return decideShip(command, state);
    case 'return':
      return decideReturn(command, state);
    case 'propose-change':
      return decidePropose(command, state);
    case 'confirm-change':
      return decideConfirmChange(command, state);
    case 'decline-change':
      return decideDecline(command, state);
    case 'review':
      return decideReview(command, state);
    case 'resolve-review':
      return decideResolve(command, state);
    case 'request-return':
    case 'authorise-return':
    case 'refuse-return':
    case 'receive-return':
    case 'inspect-return':
    case 'credit-return':
      return decideReturnStep(command, state);
    case 'grant-allowance':
      return decideAllowance(command, state);
    case 'agree-exchange':
    case 'settle-exchange':
    case 'end-exchange':
      return decideExchange(command, state);
    case 'split':
      return decideSplit(command, state);
    case 'undo-split':
      return decideUndoSplit(command, state);
    default:
      return decidePayments(command, state);
  }
};

/** The arbiter of an order: its life, its money, the fate of its holds. Never more shipped, cancelled or returned than there was. */
export const order: Decider<OrderCommand, OrderEvent, OrderState> = {
  category: 'order',
  stateVersion: 4,
  initialState: initialOrder,
  evolve: evolveOrder,

  decide(command, state) {
    if (command.type === 'place') return decidePlace(command, state);
    if (!isPlaced(state)) return reject('unknown_order', 'there is no such order');
    const decision = decidePlaced(command, state);
    if (isRejection(decision)) return decision;
    const settled = state.reviews.size === 0 ? decision : settleReviews(state, decision);
    const money = state.payments.size > 0 || state.placed.confirm === 'payment' || isPayment(command);
    const paid = money ? settlePayments(state, settled) : settled;
    return isRejection(paid) ? paid : handOver(state, paid);
  },
};
