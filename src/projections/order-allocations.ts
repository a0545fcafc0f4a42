import type { Queryable } from '../runtime/database.js';
import { numbers, texts } from './columns.js';

/**
 * What stock holds for each order, by SKU and place, as the order's own events say. Made and kept with `order_lines`: a cancellation names
 * lines and no SKU, and only the lines know where a SKU is.
 *
 * A row goes with its last unit, so the table costs what is open, and an order that is placed and shipped in one batch never gets one.
 */
export const CREATE_ORDER_ALLOCATIONS = `
CREATE TABLE order_allocations (
  order_id text COLLATE "C" NOT NULL,
  sku      text COLLATE "C" NOT NULL,
  location text COLLATE "C" NOT NULL,
  -- Neither shipped nor let go.
  held     integer NOT NULL CHECK (held > 0),
  PRIMARY KEY (order_id, sku, location)
);
`;

const CHANGE = `
MERGE INTO order_allocations AS place
USING unnest($1::text[], $2::text[], $3::text[], $4::integer[]) AS change (order_id, sku, location, held)
ON place.order_id = change.order_id AND place.sku = change.sku AND place.location = change.location
WHEN MATCHED AND place.held + change.held = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET held = place.held + change.held
WHEN NOT MATCHED THEN INSERT (order_id, sku, location, held)
  VALUES (change.order_id, change.sku, change.location, change.held)`;

const LET_GO = 'DELETE FROM order_allocations WHERE order_id = ANY($1::text[])';

interface Place {
  readonly orderId: string;
  readonly sku: string;
  readonly location: string;
  /** What the batch adds to it. */
  held: number;
}

/** Goods at a place; those without one were never held. */
interface PlacedUnits {
  readonly sku: string;
  readonly location?: string | undefined;
  readonly quantity: number;
}

/** What the events of one batch do to the table. */
export class AllocationChanges {
  readonly #places = new Map<string, Map<string, Place[]>>();
  /** Orders whose holds were let go without a word: those that expired. */
  readonly #over = new Set<string>();

  #at(orderId: string, sku: string, location: string): Place {
    let skus = this.#places.get(orderId);
    if (skus === undefined) {
      skus = new Map();
      this.#places.set(orderId, skus);
    }
    let places = skus.get(sku);
    if (places === undefined) {
      places = [];
      skus.set(sku, places);
    }
    let place = places.find((one) => one.location === location);
    if (place === undefined) {
      place = { orderId, sku, location, held: 0 };
      places.push(place);
    }
    return place;
  }

  hold(orderId: string, units: readonly PlacedUnits[]): void {
    for (const { sku, location, quantity } of units) {
      if (location !== undefined) this.#at(orderId, sku, location).held += quantity;
    }
  }

  /** Shipped, or let go. */
  take(orderId: string, units: readonly PlacedUnits[]): void {
    for (const { sku, location, quantity } of units) {
      if (location !== undefined) this.#at(orderId, sku, location).held -= quantity;
    }
  }

  end(orderId: string): void {
    this.#over.add(orderId);
  }

  async write(tx: Queryable): Promise<void> {
    const changed: Place[] = [];
    for (const skus of this.#places.values()) {
      for (const places of skus.values()) {
        for (const place of places) if (place.held !== 0) changed.push(place);
      }
    }
    if (changed.length > 0) {
      const columns = [
        texts(changed.map(({ orderId }) => orderId)),
        texts(changed.map(({ sku }) => sku)),
        texts(changed.map(({ location }) => location)),
        numbers(changed.map(({ held }) => held)),
      ];
      await tx.query(CHANGE, columns, 'order_allocations.change');
    }
    if (this.#over.size > 0) await tx.query(LET_GO, [texts([...this.#over])], 'order_allocations.let-go');
  }
}
