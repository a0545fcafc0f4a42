import type { StoredEvent } from '../../../src/runtime/event-store.js';
import { AfterSales } from './after-sales.js';
import type { Wrong } from './holders.js';
import {
  add,
  allocate,
  countUnits,
  goodsIn,
  newLine,
  type OrderedLine,
  openUnits,
  release,
  type Units,
} from './order-units.js';
import { Parts } from './parts.js';
import { Payments } from './payments.js';
import { count, type Data, dataOf, rows, text } from './raw-log.js';

/** An order as its own stream tells it. */
export interface OrderFold extends Units {
  status: string;
  confirmed: boolean;
  readonly placed: Data;
  readonly coupons: readonly string[];
  readonly sources: string[];
  readonly shipments: Set<string>;
  /** Units that shall be back, by stock and return. */
  readonly back: Map<string, number>;
  readonly parts: Parts;
  readonly payments: Payments;
  readonly afterSales: AfterSales;
}

export const placedOrder = (data: Data): OrderFold => ({
  status: 'placed',
  confirmed: false,
  placed: data,
  coupons: (data.coupons as string[] | undefined) ?? [],
  lines: new Map(rows(data.lines).map((line) => [text(line.lineId), newLine(line)])),
  sources: [...((data.sources as string[] | undefined) ?? [])],
  allocations: [],
  shippedFrom: new Map(),
  shipments: new Set(),
  back: new Map(),
  parts: new Parts(),
  payments: new Payments(),
  afterSales: new AfterSales(),
});

/** Ended with nothing delivered: only its money and its proposals still have anything to say. */
export const ENDED_EMPTY: readonly string[] = ['rejected', 'expired', 'cancelled'];
export const isOver = ({ status }: OrderFold): boolean =>
  status === 'completed' || ENDED_EMPTY.includes(status);
const AFTER_END = /^Order(Payment|Capture|Refund|Void|ChangeDeclined)/;
/** Facts that the ledger follows from. */
const CAUSES =
  /^Order(Shipped|Returned|AllowanceGranted|PaymentCaptured|PaymentRefunded|PaymentChargedBack)$/;

/** One event of an order's stream. What needs an entry in the ledger is added to `causes`. */
export const foldOrder = (order: OrderFold, event: StoredEvent, wrong: Wrong, causes: Set<string>): void => {
  const data = dataOf(event);
  if (ENDED_EMPTY.includes(order.status) && !AFTER_END.test(event.type)) wrong('event_after_end');
  if (CAUSES.test(event.type)) causes.add(event.id);
  order.parts.check(event.type, data, order.lines, wrong);
  order.payments.add(event.type, data, wrong);
  order.afterSales.add(event.type, data, wrong);
  foldUnits(order, event, data, wrong);
  order.parts.add(event.type, data, order.lines, wrong);
};

const foldUnits = (order: OrderFold, event: StoredEvent, data: Data, wrong: Wrong): void => {
  const lines = (): OrderedLine[] => [...order.lines.values()];
  const move = (from: string | undefined, to: string): void => {
    if (from !== undefined && order.status !== from) wrong('wrong_order', order.status);
    order.status = to;
  };
  switch (event.type) {
    case 'OrderReserved':
      move('placed', 'reserved');
      allocate(order, 1, data.allocations);
      break;
    case 'OrderAllocated':
      allocate(order, count(data.round), data.allocations);
      break;
    case 'OrderSourcesExtended':
      order.sources.push(...(data.locations as string[]));
      break;
    case 'OrderConfirmed':
      move('reserved', 'confirmed');
      order.confirmed = true;
      break;
    case 'OrderRejected':
      move(undefined, 'rejected');
      break;
    case 'OrderExpired':
      move('reserved', 'expired');
      break;
    case 'OrderCompleted':
      move(undefined, 'completed');
      if (lines().some((line) => openUnits(line) !== 0)) wrong('completed_early');
      break;
    case 'OrderLinesCancelled':
      countUnits(order, 'cancelled', data.lines, wrong);
      release(order, data);
      if (lines().every((line) => line.cancelled === line.quantity)) move(undefined, 'cancelled');
      break;
    case 'OrderChangeConfirmed':
      countUnits(order, 'cancelled', data.cancelled, wrong);
      release(order, { released: data.released, short: data.short });
      for (const line of rows(data.added)) order.lines.set(text(line.lineId), newLine(line));
      break;
    case 'OrderShipped':
      order.shipments.add(text(data.shipmentId));
      countUnits(order, 'shipped', data.lines, wrong);
      for (const [stock, units] of goodsIn(data.lines)) add(order.shippedFrom, stock, units);
      break;
    case 'OrderReturned': {
      countUnits(order, 'returned', data.lines, wrong);
      const id = `${event.stream.slice('order-'.length)}/${text(data.returnId)}`;
      for (const [stock, units] of goodsIn(data.lines)) add(order.back, `${stock} ${id}`, units);
      break;
    }
    default:
  }
};
