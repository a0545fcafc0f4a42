import type { OrderEvent, OrderUnits } from '../domain/order-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Promises } from './fold-promises.js';
import { FoldedReviews } from './fold-reviews.js';
import { FoldedSplits } from './fold-splits.js';
import { encodePart, stockKey } from './ids.js';
import { carriedByFirst, minorOf, priceTimes } from './money.js';
import { type Place, placeOf } from './place.js';
import { isSearched } from './search-words.js';
import type { Violations } from './violations.js';

type Of<Type extends OrderEvent['type']> = Extract<OrderEvent, { type: Type }>['data'];

/** Amounts in minor units, of the whole line as placed. */
export interface FoldedLine {
  readonly order: FoldedOrder;
  readonly lineId: string;
  /** Place in the order, from 0. */
  readonly index: number;
  readonly kind: 'goods' | 'charge' | 'voucher';
  readonly sku: string;
  readonly account: string | undefined;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly amount: bigint;
  readonly tax: bigint;
  discount: bigint;
  shipped: number;
  cancelled: number;
  returned: number;
  location: string | undefined;
}

export type FoldedStatus =
  | 'placed'
  | 'reserved'
  | 'confirmed'
  | 'completed'
  | 'cancelled'
  | 'rejected'
  | 'expired';

export interface FoldedOrder {
  readonly id: string;
  readonly placed: Omit<Of<'OrderPlaced'>, 'lines' | 'sources' | 'contentHash'>;
  readonly lines: Map<string, FoldedLine>;
  status: FoldedStatus;
  confirmed: boolean;
  confirmedAt: string | undefined;
  rejection: Of<'OrderRejected'> | undefined;
  /** Recorded time of the event that ended it. */
  endedAtMs: number | undefined;
  /** What is paid for the units shipped, given back for those returned, and credited beyond. Minor units. */
  charged: bigint;
  credited: bigint;
  allowance: bigint;
  /** What held it back; undefined for an order that nothing ever did. */
  reviews: FoldedReviews | undefined;
  /** Credit notes that it is found by; undefined for an order that has none. */
  notes: Set<string> | undefined;
  /** Units that ship apart; undefined for an order that was never split. */
  splits: FoldedSplits | undefined;
  last: Place;
}

/** Money given back, by whatever it was given. */
export interface FoldedCredit {
  readonly channel: string;
  readonly note: string;
  readonly currency: string;
  readonly at: string;
  readonly units: number;
  readonly amount: bigint;
}

/** What the customer pays for units. */
export const netOf = ({ amount, discount, tax }: OrderUnits, currency: string): bigint =>
  minorOf(amount, currency) - minorOf(discount, currency) + minorOf(tax, currency);

/** The order streams, and the shares that every movement of units must have. */
export class OrderFold {
  readonly orders = new Map<string, FoldedOrder>();
  readonly credits: FoldedCredit[] = [];
  /** Units that orders shipped as part of a consignment, by order and shipment. */
  readonly consigned = new Map<string, number>();

  constructor(
    private readonly promises: Promises,
    private readonly violations: Violations,
  ) {}

  apply(recorded: RecordedEvent): void {
    const { streamId: id, stream } = recorded;
    const event = recorded.event as OrderEvent;
    const last = placeOf(recorded);
    this.promises.touch(id, last.recordedAtMs);
    if (event.type === 'OrderPlaced') {
      this.#place(id, stream, event.data, last);
      return;
    }
    const order = this.orders.get(id);
    if (order === undefined) {
      this.violations.add('orphan_event', stream, event.type);
      return;
    }
    order.last = last;
    if (order.endedAtMs !== undefined && event.type !== 'OrderReturned') {
      this.violations.add('event_after_end', stream, `${event.type} when ${order.status}`);
    }
    switch (event.type) {
      case 'OrderReserved':
        order.status = 'reserved';
        this.#reserve(order, event.data);
        break;
      case 'OrderConfirmed':
        order.reviews?.step('confirm', []);
        order.status = 'confirmed';
        order.confirmed = true;
        order.confirmedAt = last.effectiveAt;
        break;
      case 'OrderRejected':
        order.rejection = event.data;
        this.#end(order, 'rejected');
        break;
      case 'OrderExpired':
        this.#end(order, 'expired');
        break;
      case 'OrderCompleted':
        this.#end(order, 'completed');
        break;
      case 'OrderLinesCancelled':
        this.#cancel(order, event.data);
        break;
      case 'OrderShipped':
        this.#ship(order, event.data);
        break;
      case 'OrderReturned':
        this.#return(order, event.data);
        break;
      case 'OrderSplit':
        order.splits ??= new FoldedSplits(order.id, this.violations);
        order.splits.split(recorded, event.data);
        this.#checkSplits(order);
        break;
      case 'OrderSplitUndone':
        order.splits ??= new FoldedSplits(order.id, this.violations);
        order.splits.undo(event.data.splitId);
        break;
      case 'OrderHeld':
        order.reviews ??= new FoldedReviews(order.id, this.violations);
        order.reviews.put(recorded, event.data);
        break;
      case 'OrderHoldResolved':
        order.reviews ??= new FoldedReviews(order.id, this.violations);
        order.reviews.resolve(recorded, event.data);
        break;
      default:
        this.violations.add('unknown_event', stream, recorded.event.type);
    }
  }

  #end(order: FoldedOrder, status: FoldedStatus): void {
    order.reviews?.end();
    order.status = status;
    order.endedAtMs = order.last.recordedAtMs;
  }

  #place(id: string, stream: string, data: Of<'OrderPlaced'>, last: Place): void {
    if (this.orders.has(id)) this.violations.add('placed_twice', stream, `revision ${last.revision}`);
    const { lines, sources: _, contentHash: __, ...placed } = data;
    const { currency } = data;
    const order: FoldedOrder = {
      id,
      placed,
      lines: new Map(),
      status: 'placed',
      confirmed: false,
      confirmedAt: undefined,
      rejection: undefined,
      endedAtMs: undefined,
      charged: 0n,
      credited: 0n,
      allowance: 0n,
      reviews: undefined,
      notes: undefined,
      splits: undefined,
      last,
    };
    for (const { lineId, kind, sku, account, quantity, unitPrice, amount, tax } of lines) {
      const line: FoldedLine = {
        order,
        lineId,
        index: order.lines.size,
        kind,
        sku,
        account,
        quantity,
        unitPrice,
        amount: minorOf(amount, currency),
        tax: minorOf(tax, currency),
        discount: 0n,
        shipped: 0,
        cancelled: 0,
        returned: 0,
        location: undefined,
      };
      if (line.amount !== priceTimes(unitPrice, quantity, currency)) {
        this.violations.add(
          'wrong_line_amount',
          stream,
          `${lineId}: ${quantity} x ${unitPrice} is ${amount}`,
        );
      }
      order.lines.set(lineId, line);
    }
    this.orders.set(id, order);
  }

  #reserve(order: FoldedOrder, { allocations, discounts }: Of<'OrderReserved'>): void {
    const stream = `order-${order.id}`;
    const { currency } = order.placed;
    const locations = new Map<string, string>();
    const { stock } = this.promises.touch(order.id, order.last.recordedAtMs);
    for (const { sku, location, quantity } of allocations) {
      locations.set(sku, location);
      const held = stock.get(stockKey(location, sku))?.held ?? 0;
      if (held < quantity) {
        this.violations.add('reserved_without_hold', stream, `${held} of ${quantity} ${sku} at ${location}`);
      }
    }
    for (const line of order.lines.values()) {
      if (line.kind === 'goods') line.location = locations.get(line.sku);
    }
    for (const { code, amount, shares } of discounts) {
      let sum = 0n;
      for (const share of shares) {
        const line = order.lines.get(share.lineId);
        const minor = minorOf(share.amount, currency);
        sum += minor;
        if (line === undefined) {
          this.violations.add('unknown_line', stream, share.lineId);
          continue;
        }
        line.discount += minor;
        if (line.discount > line.amount)
          this.violations.add('wrong_discount', stream, `${code}: ${line.lineId}`);
      }
      if (sum !== minorOf(amount, currency)) {
        this.violations.add('wrong_discount', stream, `${code}: ${amount}`);
      }
    }
  }

  #count(
    order: FoldedOrder,
    counter: 'shipped' | 'cancelled' | 'returned',
    moved: readonly { readonly lineId: string; readonly quantity: number }[],
  ): void {
    for (const { lineId, quantity } of moved) {
      const line = order.lines.get(lineId);
      if (line === undefined) {
        this.violations.add('unknown_line', `order-${order.id}`, lineId);
        continue;
      }
      line[counter] += quantity;
      if (line.shipped + line.cancelled > line.quantity || line.returned > line.shipped) {
        this.violations.add('more_than_ordered', `order-${order.id}`, `${lineId}: ${counter} ${quantity}`);
      }
    }
  }

  /** Units go out, and come back, from the front: those after `before` must carry exactly their part of the line. */
  #checkShares(order: FoldedOrder, counter: 'shipped' | 'returned', moved: readonly OrderUnits[]): void {
    const { currency } = order.placed;
    for (const { lineId, quantity, ...given } of moved) {
      const line = order.lines.get(lineId);
      if (line === undefined || line[counter] + quantity > line.quantity) continue;
      const [from, to] = [line[counter], line[counter] + quantity];
      const share = (total: bigint): bigint =>
        carriedByFirst(total, line.quantity, to) - carriedByFirst(total, line.quantity, from);
      const right =
        minorOf(given.amount, currency) === share(line.amount) &&
        minorOf(given.discount, currency) === share(line.discount) &&
        minorOf(given.tax, currency) === share(line.tax);
      if (!right) {
        this.violations.add('wrong_share', `order-${order.id}`, `${lineId}: ${counter} ${quantity}`);
      }
      if (counter === 'shipped' && given.location !== line.location) {
        this.violations.add('wrong_location', `order-${order.id}`, `${lineId}: ${given.location ?? 'none'}`);
      }
    }
  }

  #checkSplits({ splits, lines }: FoldedOrder): void {
    splits?.check((lineId) => {
      const line = lines.get(lineId);
      return line === undefined ? 0 : line.quantity - line.shipped - line.cancelled;
    });
  }

  #cancel(order: FoldedOrder, { lines, splits }: Of<'OrderLinesCancelled'>): void {
    this.#count(order, 'cancelled', lines);
    if (splits !== undefined) {
      order.splits ??= new FoldedSplits(order.id, this.violations);
      order.splits.take('cancelled', splits);
    }
    this.#checkSplits(order);
    for (const { quantity, cancelled } of order.lines.values()) if (cancelled < quantity) return;
    this.#end(order, 'cancelled');
  }

  #ship(order: FoldedOrder, { lines, currency, splitId, shipmentId }: Of<'OrderShipped'>): void {
    order.reviews?.step(
      'ship',
      lines.map(({ lineId }) => lineId),
    );
    this.#checkShares(order, 'shipped', lines);
    this.#count(order, 'shipped', lines);
    if (splitId !== undefined) {
      order.splits ??= new FoldedSplits(order.id, this.violations);
      const goods = lines.filter(({ kind }) => kind === 'goods');
      order.splits.take(
        'shipped',
        goods.map(({ lineId, quantity }) => ({ splitId, lineId, quantity })),
      );
    }
    this.#checkSplits(order);
    if (shipmentId.startsWith('consignment:')) {
      const units = lines.reduce((sum, { quantity }) => sum + quantity, 0);
      this.consigned.set(JSON.stringify([order.id, shipmentId]), units);
    }
    for (const line of lines) order.charged += netOf(line, currency);
  }

  #return(order: FoldedOrder, data: Of<'OrderReturned'>): void {
    const { lines, currency, returnId, note, channel } = data;
    this.#checkShares(order, 'returned', lines);
    this.#count(order, 'returned', lines);
    if (note !== undefined && isSearched(order.last)) order.notes = (order.notes ?? new Set()).add(note);
    const { effectiveAt, recordedAtMs } = order.last;
    const allowance = minorOf(data.allowance, currency);
    let shares = 0n;
    let units = 0;
    for (const line of lines) {
      shares += netOf(line, currency);
      units += line.quantity;
      if (line.location === undefined) continue;
      const atStock = `${order.id}/${encodePart(returnId)}`;
      const stock = stockKey(line.location, line.sku);
      this.promises.restock('wanted', atStock, stock, line.quantity, recordedAtMs, 'order');
    }
    order.credited += shares;
    order.allowance += allowance;
    if (order.credited > order.charged) {
      this.violations.add('more_refunded_than_paid', `order-${order.id}`, `return ${returnId}`);
    }
    this.credits.push({
      channel,
      note: note ?? `${order.id}/${returnId}`,
      currency,
      at: effectiveAt,
      units,
      amount: shares + allowance,
    });
  }
}
