import type { Wrong } from './holders.js';
import type { OrderFold } from './order-fold.js';
import { type Data, text } from './raw-log.js';

interface Consignment {
  readonly shipmentId: string;
  readonly orders: readonly string[];
  readonly outcomes: Map<string, 'shipped' | 'dropped'>;
  closed: boolean;
}

/** Orders that leave together: each has an outcome, and it is that of its own stream. */
export class Consignments {
  readonly #all = new Map<string, Consignment>();

  add(stream: string, type: string, data: Data, wrong: Wrong): void {
    if (type === 'ConsignmentPlanned') {
      const shipmentId = `consignment:${text(data.consignmentId)}`;
      const orders = data.orders as readonly string[];
      this.#all.set(stream, { shipmentId, orders, outcomes: new Map(), closed: false });
      return;
    }
    const one = this.#all.get(stream);
    if (one === undefined) return;
    const orderId = text(data.orderId);
    if (type === 'ConsignmentClosed') one.closed = true;
    else if (one.closed || !one.orders.includes(orderId) || one.outcomes.has(orderId))
      wrong('consignment_outcome', orderId);
    else one.outcomes.set(orderId, type === 'ConsignmentOrderShipped' ? 'shipped' : 'dropped');
  }

  end(orders: ReadonlyMap<string, OrderFold>, wrong: Wrong): string[] {
    const unsettled: string[] = [];
    for (const [stream, { shipmentId, orders: planned, outcomes, closed }] of this.#all) {
      if (!closed) unsettled.push(`${stream} is not closed`);
      for (const orderId of planned) {
        const outcome = outcomes.get(orderId);
        const left = orders.get(`order-${orderId}`)?.shipments.has(shipmentId) === true;
        if (outcome !== undefined && left !== (outcome === 'shipped'))
          wrong('consignment_unlike_order', `${stream}: ${orderId} was ${outcome}`);
      }
    }
    return unsettled;
  }
}
