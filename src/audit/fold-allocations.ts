import type { OrderEvent } from '../domain/order-events.js';
import { stockKey } from './ids.js';
import type { Place } from './place.js';
import type { ViolationCode, Violations } from './violations.js';

type Of<Type extends OrderEvent['type']> = Extract<OrderEvent, { type: Type }>['data'];
type Units = readonly { readonly sku: string; readonly quantity: number }[];

/** What an order's own stream says of its holds on one stock stream, over all rounds. Units. */
export interface FoldedAllocation {
  readonly orderId: string;
  readonly sku: string;
  readonly location: string;
  quantity: number;
  captured: number;
  released: number;
}

/** Units of a SKU that nothing holds. */
export interface FoldedShort {
  readonly orderId: string;
  readonly sku: string;
  quantity: number;
  readonly code: string;
  asked: readonly string[];
  readonly since: string;
  readonly position: bigint;
}

const sum = (units: Units): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of units) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return sums;
};

/** Where an order's goods are held, and what it lacks, as its events say; and whether they add up. */
export class FoldedAllocations {
  /** By stock stream id. */
  readonly at = new Map<string, FoldedAllocation>();
  /** By SKU. */
  readonly short = new Map<string, FoldedShort>();
  #round = 0;

  constructor(
    private readonly orderId: string,
    private readonly heldAt: (stock: string) => number,
    private readonly violations: Violations,
  ) {}

  reserve({ allocations, short = [] }: Of<'OrderReserved'>, demand: Units, last: Place): void {
    this.#round = 1;
    this.#add(allocations);
    for (const { sku, quantity, code, asked } of short) this.lack(sku, quantity, code, asked, last);
    const covered = sum([...allocations, ...short]);
    for (const [sku, units] of sum(demand)) {
      if (covered.get(sku) !== units)
        this.#wrong('wrong_allocation', `${sku}: ${covered.get(sku) ?? 0} of ${units}`);
    }
  }

  lack(sku: string, quantity: number, code: string, asked: readonly string[], last: Place): void {
    const { orderId } = this;
    const before = this.short.get(sku);
    if (before !== undefined) {
      before.quantity += quantity;
      return;
    }
    const { effectiveAt: since, position } = last;
    this.short.set(sku, { orderId, sku, quantity, code, asked, since, position: position.commit });
  }

  allocate({ round, allocations }: Of<'OrderAllocated'>): void {
    if (round !== this.#round + 1) this.#wrong('wrong_round', `${round} after ${this.#round}`);
    this.#round = round;
    this.#add(allocations);
    this.#noLongerShort(allocations);
  }

  /** Units of a SKU that a change takes and adds stay where they are: only the rest is let go, or lacking. */
  change(
    { added, released, short, lacking }: Of<'OrderChangeConfirmed'>,
    cancelled: Units,
    last: Place,
  ): void {
    const goods = sum(added.filter(({ kind }) => kind === 'goods'));
    const missing = sum(lacking);
    const unwanted = [...sum(cancelled)].map(([sku, units]) => ({
      sku,
      quantity: units - ((goods.get(sku) ?? 0) - (missing.get(sku) ?? 0)),
    }));
    this.release(
      { released, short },
      unwanted.filter(({ quantity }) => quantity > 0),
    );
    for (const [sku, units] of missing) {
      if (units > (goods.get(sku) ?? 0)) this.#wrong('wrong_change', `${units} ${sku} lacking`);
    }
    for (const { sku, quantity, code, asked } of lacking) this.lack(sku, quantity, code, asked, last);
  }

  extend({ locations }: Of<'OrderSourcesExtended'>): void {
    for (const one of this.short.values()) one.asked = [...one.asked, ...locations];
  }

  /** Units that are not wanted any more, by SKU; the event says whose holds they were where there is a choice. */
  release(
    { released, short = [] }: Pick<Of<'OrderLinesCancelled'>, 'released' | 'short'>,
    unwanted: Units,
  ): void {
    const wanted = sum(unwanted);
    const only = released === undefined && short.length === 0 ? this.#onlyPlaces(wanted) : (released ?? []);
    for (const { sku, location, quantity } of only) {
      const place = this.at.get(stockKey(location, sku));
      if (place === undefined || place.quantity - place.captured - place.released < quantity) {
        this.#wrong('released_unheld', `${quantity} ${sku} at ${location}`);
      }
      if (place !== undefined) place.released += quantity;
    }
    this.#noLongerShort(short);
    const covered = sum([...only, ...short]);
    for (const [sku, units] of wanted) {
      if (covered.get(sku) !== units)
        this.#wrong('wrong_release', `${sku}: ${covered.get(sku) ?? 0} of ${units}`);
    }
  }

  /** Goods that went out. */
  capture(units: Of<'OrderShipped'>['lines']): void {
    for (const { sku, location, quantity } of units) {
      if (location === undefined) {
        this.#noLongerShort([{ sku, quantity }]);
        continue;
      }
      const place = this.at.get(stockKey(location, sku));
      if (place === undefined || place.quantity - place.captured - place.released < quantity) {
        this.#wrong('wrong_location', `${quantity} ${sku} from ${location}`);
      }
      if (place !== undefined) place.captured += quantity;
    }
  }

  #add(allocations: readonly { sku: string; location: string; quantity: number }[]): void {
    const { orderId } = this;
    for (const { sku, location, quantity } of allocations) {
      const key = stockKey(location, sku);
      const place = this.at.get(key) ?? { orderId, sku, location, quantity: 0, captured: 0, released: 0 };
      place.quantity += quantity;
      this.at.set(key, place);
      if (this.heldAt(key) < place.quantity) {
        this.#wrong(
          'reserved_without_hold',
          `${this.heldAt(key)} of ${place.quantity} ${sku} at ${location}`,
        );
      }
    }
  }

  #onlyPlaces(units: ReadonlyMap<string, number>) {
    const places = new Map([...this.at.values()].map((place) => [place.sku, place]));
    return [...units].flatMap(([sku, quantity]) => {
      const location = places.get(sku)?.location;
      return location === undefined ? [] : [{ sku, location, quantity }];
    });
  }

  #noLongerShort(units: Units): void {
    for (const [sku, quantity] of sum(units)) {
      const one = this.short.get(sku);
      if (one === undefined || one.quantity < quantity) this.#wrong('not_short', `${quantity} ${sku}`);
      if (one === undefined) continue;
      one.quantity -= quantity;
      if (one.quantity <= 0) this.short.delete(sku);
    }
  }

  #wrong(code: ViolationCode, what: string): void {
    this.violations.add(code, `order-${this.orderId}`, what);
  }
}
