import type { ConsignmentEvent, ConsignmentPlan } from '../domain/consignment.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { type Place, placeOf } from './place.js';
import type { Violations } from './violations.js';

export interface FoldedConsignmentOrder {
  readonly consignment: FoldedConsignment;
  readonly orderId: string;
  readonly index: number;
  outcome: 'waiting' | 'shipped' | 'dropped';
  units: number | undefined;
  code: string | undefined;
  detail: string | undefined;
}

export interface FoldedConsignment {
  readonly id: string;
  readonly plan: ConsignmentPlan;
  readonly plannedAt: string;
  readonly orders: Map<string, FoldedConsignmentOrder>;
  closed: boolean;
  last: Place;
}

/** Orders that leave together: each has one outcome, and what is said to be shipped was shipped by the order. */
export class ConsignmentFold {
  readonly all = new Map<string, FoldedConsignment>();

  /** `shippedBy` says how many units an order has shipped under a shipment id; undefined where it has no such shipment. */
  constructor(
    private readonly violations: Violations,
    private readonly shippedBy: (orderId: string, shipmentId: string) => number | undefined,
  ) {}

  apply(recorded: RecordedEvent): void {
    const { streamId: id, stream, metadata } = recorded;
    const event = recorded.event as ConsignmentEvent;
    const wrong = (detail: string): void => this.violations.add('wrong_consignment', stream, detail);
    if (event.type === 'ConsignmentPlanned') {
      if (this.all.has(id)) wrong('planned again');
      this.#plan(recorded, event.data, metadata.effectiveAt);
      return;
    }
    const known = this.all.get(id);
    if (known === undefined) {
      wrong(`${event.type} and never planned`);
      return;
    }
    known.last = placeOf(recorded);
    if (known.closed) wrong(`${event.type} after its end`);
    if (event.type === 'ConsignmentClosed') {
      known.closed = true;
      const outcomes = [...known.orders.values()].map(({ outcome }) => outcome);
      const shipped = outcomes.filter((outcome) => outcome === 'shipped').length;
      const dropped = outcomes.filter((outcome) => outcome === 'dropped').length;
      const { data } = event;
      if (shipped !== data.shipped || dropped !== data.dropped || shipped + dropped !== outcomes.length) {
        wrong(`closed with ${data.shipped} shipped and ${data.dropped} dropped`);
      }
      return;
    }
    const { orderId } = event.data;
    const order = known.orders.get(orderId);
    if (order === undefined || order.outcome !== 'waiting') {
      wrong(`${event.type} of ${orderId}`);
      return;
    }
    if (event.type === 'ConsignmentOrderDropped') {
      order.outcome = 'dropped';
      order.code = event.data.code;
      order.detail = event.data.detail;
      return;
    }
    order.outcome = 'shipped';
    order.units = event.data.units;
    const units = this.shippedBy(orderId, `consignment:${known.plan.consignmentId}`);
    if (units !== order.units) wrong(`${order.units} units of ${orderId}, which shipped ${units ?? 'none'}`);
  }

  #plan(recorded: RecordedEvent, plan: ConsignmentPlan, plannedAt: string): void {
    const consignment: FoldedConsignment = {
      id: recorded.streamId,
      plan,
      plannedAt,
      orders: new Map(),
      closed: false,
      last: placeOf(recorded),
    };
    plan.orders.forEach((orderId, index) => {
      consignment.orders.set(orderId, {
        consignment,
        orderId,
        index,
        outcome: 'waiting',
        units: undefined,
        code: undefined,
        detail: undefined,
      });
    });
    this.all.set(recorded.streamId, consignment);
  }
}
