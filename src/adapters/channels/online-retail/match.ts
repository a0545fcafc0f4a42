/** Part of an earlier order line that a credit takes back. */
export interface SoldUnits {
  /** The order's external id. */
  readonly externalId: string;
  readonly lineId: string;
  /** Units, positive. */
  readonly quantity: number;
}

interface Purchase {
  readonly externalId: string;
  readonly lineId: string;
  left: number;
}

interface Purchases {
  readonly lines: Purchase[];
  /** The first line with something left. */
  next: number;
  left: number;
}

/** Finds what a credit line returns. Results depend on nothing but the calls before. */
export interface Matcher {
  /** Takes note of a sold row. Call in row order. */
  sold(customer: string, sku: string, units: SoldUnits): void;
  /**
   * The earlier order lines that a credit of `quantity` units takes back, first in first out, and takes their units
   * away for good; or `undefined`, and nothing taken, when the customer has not that many left.
   */
  take(customer: string, sku: string, quantity: number): SoldUnits[] | undefined;
}

/** A matcher that has seen no sale. */
export function createMatcher(): Matcher {
  const byCustomer = new Map<string, Map<string, Purchases>>();
  return {
    sold(customer, sku, { externalId, lineId, quantity }) {
      let bySku = byCustomer.get(customer);
      if (bySku === undefined) {
        bySku = new Map();
        byCustomer.set(customer, bySku);
      }
      const purchases = bySku.get(sku);
      const purchase = { externalId, lineId, left: quantity };
      if (purchases === undefined) bySku.set(sku, { lines: [purchase], next: 0, left: quantity });
      else {
        purchases.lines.push(purchase);
        purchases.left += quantity;
      }
    },
    take(customer, sku, quantity) {
      const purchases = byCustomer.get(customer)?.get(sku);
      if (purchases === undefined || purchases.left < quantity) return undefined;
      const taken: SoldUnits[] = [];
      purchases.left -= quantity;
      let open = quantity;
      while (open > 0) {
        const purchase = purchases.lines[purchases.next];
        if (purchase === undefined) throw new Error('the units left of a purchase do not sum to their total');
        const part = Math.min(open, purchase.left);
        purchase.left -= part;
        open -= part;
        if (part > 0)
          taken.push({ externalId: purchase.externalId, lineId: purchase.lineId, quantity: part });
        if (purchase.left === 0) purchases.next += 1;
      }
      return taken;
    },
  };
}
