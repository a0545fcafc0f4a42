import {
  type ConsignmentPlan,
  type ConsignmentState,
  consignment,
  shipmentIdOf,
  waitingOrders,
} from '../domain/consignment.js';
import { refusalToMerge } from '../domain/consignment-order.js';
import { type Rejection, reject } from '../domain/decider.js';
import { order } from '../domain/order.js';
import { type OrderState, unitsIn } from '../domain/order-state.js';
import { joinId, splitId } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import { comparePositions, type LogPosition } from '../runtime/event-store.js';
import type { OrderProcess } from './order-process.js';
import { OutcomeRefused } from './process-errors.js';

export type ConsignmentAnswer = { readonly state: ConsignmentState; readonly position: LogPosition } & (
  | { readonly status: 'accepted'; readonly replayed: boolean }
  | { readonly status: 'rejected'; readonly rejection: Rejection }
);

/** What is asked for: open orders of one customer, to leave a location together. */
export type ConsignmentRequest = Omit<ConsignmentPlan, 'customerId'>;

/** Stream id of a channel's consignment. */
export const consignmentIdOf = (channel: string, id: string): string => joinId(channel, id);

/**
 * Ships orders together. No memory of its own: the consignment's stream says which orders are left, and each order decides about its own
 * units, under a shipment id that both know, so any step may be done again, late, or by two at once.
 */
export interface ConsignmentProcess {
  /** Plans it and runs it to its end. Rejections: `not_mergeable` with the orders and why, `id_reused`, and of the plan. */
  plan(request: ConsignmentRequest, context: CommandContext): Promise<ConsignmentAnswer>;
  /** Brings a consignment to its end, order by order. Idempotent; nothing for one that never was. */
  advance(consignmentId: string, context: CommandContext): Promise<ConsignmentAnswer>;
}

const farther = (a: LogPosition, b: LogPosition): LogPosition => (comparePositions(a, b) > 0 ? a : b);

/** Units of every kind that went out under a shipment. */
const shippedUnits = ({ decided }: OrderState, shipmentId: string): number =>
  [...unitsIn(decided.get(`shipment:${shipmentId}`) ?? '').values()].reduce((sum, units) => sum + units, 0);

export const createConsignmentProcess = (bus: CommandBus, orders: OrderProcess): ConsignmentProcess => {
  const advance: ConsignmentProcess['advance'] = async (id, { requestHash: _, ...context }) => {
    let { state, position } = await bus.load(consignment, id);
    const { plan } = state;
    for (const orderId of waitingOrders(state)) {
      if (plan === undefined) break;
      const shipmentId = shipmentIdOf(plan);
      const ship = { type: 'ship', shipmentId, location: plan.location } as const;
      const [channel = ''] = splitId(orderId);
      const answer = await orders.execute(orderId, ship, { ...context, channel });
      const outcome =
        answer.status === 'accepted'
          ? ({ type: 'record-shipped', orderId, units: shippedUnits(answer.state, shipmentId) } as const)
          : ({
              type: 'drop',
              orderId,
              code: answer.rejection.code,
              detail: answer.rejection.message,
            } as const);
      const recorded = await bus.execute(consignment, id, outcome, context);
      if (recorded.status === 'rejected') throw new OutcomeRefused(`consignment ${id}`, recorded.rejection);
      state = recorded.state;
      position = farther(farther(position, answer.position), recorded.position);
    }
    return { status: 'accepted', replayed: false, state, position };
  };

  /** Why these orders cannot leave together; undefined when they can. All are asked before anything is written. */
  const refusal = async (request: ConsignmentRequest) => {
    const loaded = await Promise.all(
      request.orders.map(async (id) => ({ id, ...(await bus.load(order, id)) })),
    );
    const [first] = loaded;
    const refused = loaded.flatMap(({ id, state }) => {
      const [of] = splitId(id);
      // Nothing is told of what another channel has.
      const why =
        of === request.channel ? refusalToMerge(state, first?.state ?? state, request) : 'other_channel';
      return why === undefined ? [] : [{ orderId: id, code: why }];
    });
    return { refused, customerId: first?.state.placed?.customerId };
  };

  return {
    advance,
    plan: async (request, context) => {
      const id = consignmentIdOf(request.channel, request.consignmentId);
      const { state, position } = await bus.load(consignment, id);
      let customerId = state.plan?.customerId;
      if (customerId === undefined) {
        const found = await refusal(request);
        customerId =
          found.refused.length === 0
            ? found.customerId
            : // They may say no because this very consignment, sent twice at once, has shipped them since it was looked for.
              (await bus.load(consignment, id)).state.plan?.customerId;
        if (customerId === undefined) {
          const said = found.refused.map(({ orderId, code }) => `${orderId}: ${code}`).join(', ');
          const rejection = reject('not_mergeable', said, { orders: found.refused });
          return { status: 'rejected', rejection, state, position };
        }
      }
      const command = { type: 'plan', plan: { ...request, customerId } } as const;
      const planned = await bus.execute(consignment, id, command, context);
      if (planned.status === 'rejected') {
        const { rejection } = planned;
        return { status: 'rejected', rejection, state: planned.state, position: planned.position };
      }
      const replayed = planned.replayed || planned.events.length === 0;
      const done = await advance(id, context);
      return { ...done, status: 'accepted', replayed, position: farther(done.position, planned.position) };
    },
  };
};
