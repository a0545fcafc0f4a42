/**
 * What was promised to whom: per owner (an order, or a credit note) what each resource's own stream says was held, captured and
 * released for it, and what came back. Units.
 */
export interface FoldedHold {
  held: number;
  captured: number;
  released: number;
  /** Of stock: the last round that held there. */
  round?: number;
}

export type CouponUseStatus = 'held' | 'redeemed' | 'released' | 'given_back';

export interface FoldedCouponUse extends FoldedHold {
  readonly code: string;
  readonly owner: string;
  givenBack: number;
  /** By the last event. */
  status: CouponUseStatus;
  effectiveAt: string;
  recordedAtMs: number;
}

/** Goods that shall come back to one stock stream by one return. */
export interface FoldedRestock {
  readonly stock: string;
  wanted: number;
  returned: number;
  /** Undefined while only the stock has spoken. */
  by: 'order' | 'note' | undefined;
  sinceMs: number;
}

export interface FoldedOwner {
  readonly id: string;
  /** By stock stream id. */
  readonly stock: Map<string, FoldedHold>;
  /** By code. */
  readonly coupons: Map<string, FoldedCouponUse>;
  /** By id of the return at the stock, and stock stream id. Gone when all is back. */
  readonly returns: Map<string, FoldedRestock>;
  /** Of the last event that concerns it. */
  recordedAtMs: number;
}

export const openUnits = ({ held, captured, released }: FoldedHold): number => held - captured - released;

export class Promises {
  readonly owners = new Map<string, FoldedOwner>();

  /** The owner, touched by an event recorded at that time. */
  touch(id: string, recordedAtMs: number): FoldedOwner {
    let owner = this.owners.get(id);
    if (owner === undefined) {
      owner = { id, stock: new Map(), coupons: new Map(), returns: new Map(), recordedAtMs };
      this.owners.set(id, owner);
    }
    owner.recordedAtMs = recordedAtMs;
    return owner;
  }

  /** Units that shall come back (`wanted`) or that came back (`returned`) by a return `owner/return`. */
  restock(
    what: 'wanted' | 'returned',
    returnId: string,
    stock: string,
    units: number,
    recordedAtMs: number,
    by?: 'order' | 'note',
  ): void {
    const slash = returnId.indexOf('/');
    // Put back by hand, under an id of somebody's own: nobody waits for it.
    if (slash <= 0) return;
    const { returns } = this.touch(returnId.slice(0, slash), recordedAtMs);
    const key = `${returnId} ${stock}`;
    const entry = returns.get(key) ?? { stock, wanted: 0, returned: 0, by, sinceMs: recordedAtMs };
    entry[what] += units;
    entry.by ??= by;
    if (entry.wanted === entry.returned) returns.delete(key);
    else returns.set(key, entry);
  }
}
