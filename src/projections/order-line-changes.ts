import { amountOf } from '../domain/money.js';
import type { OrderChangeConfirmed } from '../domain/order-change-events.js';
import type { Allocation, OrderLineData, OrderLinesCancelled } from '../domain/order-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { isOf } from './event-of.js';
import { AllocationChanges } from './order-allocations.js';

/** What the events of one batch do to one line. */
export class Change {
  /** Everywhere the line was held, the first place first; as before when there is none. */
  places: readonly string[] = [];
  discount = 0n;
  shipped = 0;
  cancelled = 0;
  returned = 0;
  constructor(
    readonly orderId: string,
    readonly lineId: string,
  ) {}
}

export class NewLine extends Change {
  constructor(
    orderId: string,
    readonly data: OrderLineData,
    readonly lineNo: number,
    readonly currency: string,
    override discount = 0n,
  ) {
    super(orderId, data.lineId);
  }
}

/** A line as far as a reservation must know it. */
export interface KnownLine {
  readonly lineId: string;
  readonly sku: string;
  readonly kind: string;
  readonly currency: string;
  /** As of earlier batches. */
  readonly places?: readonly string[];
}

const asKnown = (lines: ReadonlyMap<string, NewLine> = new Map()): KnownLine[] =>
  [...lines.values()].map(({ lineId, currency, data: { sku, kind } }) => ({ lineId, sku, kind, currency }));

const placesBySku = (allocations: readonly Allocation[]): Map<string, readonly string[]> => {
  const places = new Map<string, readonly string[]>();
  for (const { sku, location } of allocations) {
    const known = places.get(sku);
    if (known === undefined) places.set(sku, [location]);
    else if (!known.includes(location)) places.set(sku, [...known, location]);
  }
  return places;
};

/** What the events of one batch come to, line by line; `before`: lines of orders that earlier batches placed. */
export class Collapsed {
  /** Lines by order: those placed in the batch, and those that it changes. */
  readonly added = new Map<string, Map<string, NewLine>>();
  readonly changed = new Map<string, Map<string, Change>>();
  /** Lines that a change adds to orders of earlier batches. */
  readonly late = new Map<string, Map<string, NewLine>>();
  readonly allocations = new AllocationChanges();

  constructor(private readonly before: ReadonlyMap<string, readonly KnownLine[]>) {}

  change(orderId: string, lineId: string): Change {
    const added = this.added.get(orderId)?.get(lineId) ?? this.late.get(orderId)?.get(lineId);
    if (added !== undefined) return added;
    let lines = this.changed.get(orderId);
    if (lines === undefined) {
      lines = new Map();
      this.changed.set(orderId, lines);
    }
    let line = lines.get(lineId);
    if (line === undefined) {
      line = new Change(orderId, lineId);
      lines.set(lineId, line);
    }
    return line;
  }

  known(orderId: string): readonly KnownLine[] {
    const added = this.added.get(orderId);
    const late = asKnown(this.late.get(orderId));
    return added === undefined ? [...(this.before.get(orderId) ?? []), ...late] : asKnown(added);
  }

  #addLater(orderId: string, { added, currency }: OrderChangeConfirmed['data']): void {
    const lines = this.added.get(orderId) ?? this.late.get(orderId) ?? new Map<string, NewLine>();
    if (!this.added.has(orderId)) this.late.set(orderId, lines);
    const places = this.#placesOf(orderId);
    for (const { lineNo, discount, ...data } of added) {
      const line = new NewLine(orderId, data, lineNo, currency, amountOf(discount, currency));
      // What it takes over from another line stays held where it is.
      if (data.kind === 'goods') line.places = places.get(data.sku) ?? [];
      lines.set(data.lineId, line);
    }
  }

  /** Where each SKU of an order was held, as its lines say. */
  #placesOf(orderId: string): ReadonlyMap<string, readonly string[]> {
    const bySku = new Map<string, readonly string[]>();
    for (const line of this.known(orderId)) {
      const places = this.#placesOfLine(orderId, line);
      if (line.kind === 'goods' && places.length > 0) bySku.set(line.sku, places);
    }
    return bySku;
  }

  #placesOfLine(orderId: string, { lineId, places = [] }: KnownLine): readonly string[] {
    const now = this.#existing(orderId, lineId)?.places ?? [];
    return now.length > 0 ? now : places;
  }

  #existing(orderId: string, lineId: string): Change | undefined {
    return (
      this.added.get(orderId)?.get(lineId) ??
      this.late.get(orderId)?.get(lineId) ??
      this.changed.get(orderId)?.get(lineId)
    );
  }

  /** Lines say where their SKU is held. */
  #locate(orderId: string, allocations: readonly Allocation[]): void {
    this.allocations.hold(orderId, allocations);
    const places = placesBySku(allocations);
    for (const line of this.known(orderId)) {
      const more = line.kind === 'goods' ? places.get(line.sku) : undefined;
      if (more === undefined) continue;
      const before = this.#placesOfLine(orderId, line);
      this.change(orderId, line.lineId).places =
        before.length === 0 ? more : [...new Set([...before, ...more])];
    }
  }

  /** A cancellation that does not say whose holds it lets go has no choice: each SKU is at one place and lacks nothing. */
  #cancel(orderId: string, { lines, released, short }: OrderLinesCancelled['data']): void {
    for (const { lineId, quantity } of lines) this.change(orderId, lineId).cancelled += quantity;
    if (released !== undefined || short !== undefined) {
      this.allocations.take(orderId, released ?? []);
      return;
    }
    const skus = new Map<string, string>();
    for (const { lineId, sku, kind } of this.known(orderId)) if (kind === 'goods') skus.set(lineId, sku);
    const places = this.#placesOf(orderId);
    const only = lines.flatMap(({ lineId, quantity }) => {
      const sku = skus.get(lineId);
      return sku === undefined ? [] : [{ sku, location: places.get(sku)?.[0], quantity }];
    });
    this.allocations.take(orderId, only);
  }

  fold(recorded: RecordedEvent): void {
    if (!isOf(recorded, 'order')) return;
    const { event, streamId: orderId } = recorded;
    switch (event.type) {
      case 'OrderPlaced': {
        const { lines, currency } = event.data;
        const added = new Map<string, NewLine>();
        lines.forEach((data, lineNo) => {
          added.set(data.lineId, new NewLine(orderId, data, lineNo, currency));
        });
        this.added.set(orderId, added);
        break;
      }
      case 'OrderAllocated':
        this.#locate(orderId, event.data.allocations);
        break;
      case 'OrderReserved': {
        this.#locate(orderId, event.data.allocations);
        const known = this.known(orderId);
        const currency = known[0]?.currency;
        if (currency === undefined) throw new Error(`order ${orderId} was reserved but never placed`);
        for (const { shares } of event.data.discounts) {
          for (const { lineId, amount } of shares) {
            this.change(orderId, lineId).discount += amountOf(amount, currency);
          }
        }
        break;
      }
      case 'OrderChangeConfirmed':
        this.#addLater(orderId, event.data);
        for (const { lineId, quantity } of event.data.cancelled)
          this.change(orderId, lineId).cancelled += quantity;
        this.allocations.take(orderId, event.data.released);
        break;
      case 'OrderLinesCancelled':
        this.#cancel(orderId, event.data);
        break;
      case 'OrderExpired':
        this.allocations.end(orderId);
        break;
      case 'OrderShipped':
        for (const { lineId, quantity } of event.data.lines) this.change(orderId, lineId).shipped += quantity;
        this.allocations.take(orderId, event.data.lines);
        break;
      case 'OrderReturned':
        for (const { lineId, quantity } of event.data.lines)
          this.change(orderId, lineId).returned += quantity;
        break;
      default:
        break;
    }
  }
}
