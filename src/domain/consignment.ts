import { z } from 'zod';
import { type Decider, type Decision, type DomainEvent, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { recordedId } from './schemas.js';

/**
 * A consignment: orders of one customer to one destination that leave a location as one shipment. It plans and keeps the books of that;
 * each order ships its own units by its own decider, under the shipment id of {@link shipmentIdOf}, so an order that was cancelled,
 * held or shipped meanwhile says no and drops out.
 *
 *     open --> closed        once every order is shipped or dropped
 */

/** Orders in one consignment, at least and at most. */
export const CONSIGNMENT_ORDERS_MIN = 2;
export const CONSIGNMENT_ORDERS_MAX = 50;

const planned = z.object({
  channel: recordedId,
  consignmentId: recordedId,
  location: recordedId,
  customerId: recordedId,
  /** Ids of order streams, in the order they were asked for. */
  orders: z.array(recordedId).min(CONSIGNMENT_ORDERS_MIN).max(CONSIGNMENT_ORDERS_MAX),
});
const shipped = z.object({
  orderId: recordedId,
  /** Of lines of every kind. */
  units: z.int().min(1),
});
const dropped = z.object({
  orderId: recordedId,
  /** Why it did not ship: the order's own "no". */
  code: z.string(),
  detail: z.string(),
});
const closed = z.object({ shipped: z.int().min(0), dropped: z.int().min(0) });

export const consignmentEvents = [
  defineEvent({ type: 'ConsignmentPlanned', version: 1, schema: planned }),
  defineEvent({ type: 'ConsignmentOrderShipped', version: 1, schema: shipped }),
  defineEvent({ type: 'ConsignmentOrderDropped', version: 1, schema: dropped }),
  defineEvent({ type: 'ConsignmentClosed', version: 1, schema: closed }),
];

export type ConsignmentPlan = z.infer<typeof planned>;
export type ConsignmentEvent =
  | DomainEvent<'ConsignmentPlanned', ConsignmentPlan>
  | DomainEvent<'ConsignmentOrderShipped', z.infer<typeof shipped>>
  | DomainEvent<'ConsignmentOrderDropped', z.infer<typeof dropped>>
  | DomainEvent<'ConsignmentClosed', z.infer<typeof closed>>;

export type ConsignmentCommand =
  /** Once per id; the same again yields nothing, other content is `id_reused`. Rejections: `duplicate_order`, `too_few_orders`, `too_many_orders`. */
  | { readonly type: 'plan'; readonly plan: ConsignmentPlan }
  /** An order has shipped its units; nothing when that, or its drop, is known. With the last order it closes. */
  | { readonly type: 'record-shipped'; readonly orderId: string; readonly units: number }
  /** An order does not take part after all. As above. */
  | { readonly type: 'drop'; readonly orderId: string; readonly code: string; readonly detail: string };

export type ConsignmentOutcome =
  | { readonly outcome: 'shipped'; readonly units: number }
  | { readonly outcome: 'dropped'; readonly code: string; readonly detail: string };

export interface ConsignmentState {
  readonly status: 'none' | 'open' | 'closed';
  readonly plan: ConsignmentPlan | undefined;
  /** By order id; those that are missing are still to ship. */
  readonly outcomes: ReadonlyMap<string, ConsignmentOutcome>;
}

/** Under which id every order of it ships. */
export const shipmentIdOf = ({ consignmentId }: Pick<ConsignmentPlan, 'consignmentId'>): string =>
  `consignment:${consignmentId}`;

/** Orders without an outcome, in the order of the plan. */
export const waitingOrders = ({ plan, outcomes }: ConsignmentState): readonly string[] =>
  (plan?.orders ?? []).filter((orderId) => !outcomes.has(orderId));

const initialConsignment: ConsignmentState = { status: 'none', plan: undefined, outcomes: new Map() };

const decidePlan = (plan: ConsignmentPlan, { plan: known }: ConsignmentState): Decision<ConsignmentEvent> => {
  if (known !== undefined) {
    return JSON.stringify(planned.parse(plan)) === JSON.stringify(planned.parse(known))
      ? []
      : reject('id_reused', 'the consignment was planned with other content', { id: plan.consignmentId });
  }
  const { orders } = plan;
  if (new Set(orders).size < orders.length) return reject('duplicate_order', 'an order is named once');
  if (orders.length < CONSIGNMENT_ORDERS_MIN) {
    return reject('too_few_orders', `a consignment has at least ${CONSIGNMENT_ORDERS_MIN} orders`);
  }
  if (orders.length > CONSIGNMENT_ORDERS_MAX) {
    return reject('too_many_orders', `a consignment has at most ${CONSIGNMENT_ORDERS_MAX} orders`);
  }
  return [{ type: 'ConsignmentPlanned', data: plan }];
};

const evolve = (state: ConsignmentState, event: ConsignmentEvent): ConsignmentState => {
  const after = (orderId: string, outcome: ConsignmentOutcome): ConsignmentState => ({
    ...state,
    outcomes: new Map(state.outcomes).set(orderId, outcome),
  });
  switch (event.type) {
    case 'ConsignmentPlanned':
      return { ...state, status: 'open', plan: event.data };
    case 'ConsignmentOrderShipped':
      return after(event.data.orderId, { outcome: 'shipped', units: event.data.units });
    case 'ConsignmentOrderDropped': {
      const { orderId, code, detail } = event.data;
      return after(orderId, { outcome: 'dropped', code, detail });
    }
    case 'ConsignmentClosed':
      return { ...state, status: 'closed' };
  }
};

/** With the outcome of its last order a consignment closes. */
const andClose = (state: ConsignmentState, event: ConsignmentEvent): ConsignmentEvent[] => {
  const next = evolve(state, event);
  if (waitingOrders(next).length > 0) return [event];
  const outcomes = [...next.outcomes.values()];
  const shippedOrders = outcomes.filter(({ outcome }) => outcome === 'shipped').length;
  const data = { shipped: shippedOrders, dropped: outcomes.length - shippedOrders };
  return [event, { type: 'ConsignmentClosed', data }];
};

export const consignment: Decider<ConsignmentCommand, ConsignmentEvent, ConsignmentState> = {
  category: 'consignment',
  stateVersion: 1,
  initialState: initialConsignment,
  evolve,

  decide(command, state) {
    if (command.type === 'plan') return decidePlan(command.plan, state);
    const { orderId } = command;
    if (state.plan === undefined) return reject('unknown_consignment', 'there is no such consignment');
    if (!state.plan.orders.includes(orderId)) {
      return reject('unknown_order', `the consignment has no order ${orderId}`);
    }
    if (state.outcomes.has(orderId)) return [];
    if (command.type === 'record-shipped') {
      return andClose(state, { type: 'ConsignmentOrderShipped', data: { orderId, units: command.units } });
    }
    const { code, detail } = command;
    return andClose(state, { type: 'ConsignmentOrderDropped', data: { orderId, code, detail } });
  },
};
