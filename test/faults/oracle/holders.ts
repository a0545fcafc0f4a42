import { count, type Data, text } from './raw-log.js';

/** A hold at one stock or coupon, in units. */
export interface Held {
  held: number;
  captured: number;
  released: number;
  givenBack: number;
}

export type Wrong = (code: string, detail?: string) => void;

const added = (map: Map<string, number>, key: string, delta: number): number => {
  const value = (map.get(key) ?? 0) + delta;
  map.set(key, value);
  return value;
};

/** Whose a hold is: an order holds in rounds, `web~1` and then `web~1/2`. */
export const ownerOf = (holdId: string): string => holdId.split('/')[0] ?? '';

/** What stock and coupons hold, by their own streams. */
export class Holders {
  readonly #onHand = new Map<string, number>();
  readonly #heldAt = new Map<string, number>();
  readonly #limits = new Map<string, number>();
  readonly #used = new Map<string, number>();
  /** By stream of stock or coupon, then by hold. */
  readonly holds = new Map<string, Map<string, Held>>();
  /** Units put back, by stock and return. */
  readonly restocked = new Map<string, number>();

  available(stock: string): number {
    return (this.#onHand.get(stock) ?? 0) - (this.#heldAt.get(stock) ?? 0);
  }

  #hold(stream: string, holdId: string): Held {
    const ofStream = this.holds.get(stream) ?? new Map<string, Held>();
    this.holds.set(stream, ofStream);
    const hold = ofStream.get(holdId) ?? { held: 0, captured: 0, released: 0, givenBack: 0 };
    ofStream.set(holdId, hold);
    return hold;
  }

  /** All rounds of each owner together, by stream. */
  byOwner(): ReadonlyMap<string, ReadonlyMap<string, Held>> {
    const owners = new Map<string, Map<string, Held>>();
    for (const [stream, holds] of this.holds) {
      for (const [holdId, one] of holds) {
        const of = owners.get(ownerOf(holdId)) ?? new Map<string, Held>();
        owners.set(ownerOf(holdId), of);
        const sum = of.get(stream) ?? { held: 0, captured: 0, released: 0, givenBack: 0 };
        of.set(stream, sum);
        for (const name of ['held', 'captured', 'released', 'givenBack'] as const) sum[name] += one[name];
      }
    }
    return owners;
  }

  addStock(stream: string, type: string, data: Data, wrong: Wrong): void {
    const units = count(data.quantity);
    const holdId = text(data.holdId);
    const onHand = this.#onHand.get(stream) ?? 0;
    switch (type) {
      case 'StockReceived':
        added(this.#onHand, stream, units);
        break;
      case 'StockAdjusted':
        if (added(this.#onHand, stream, count(data.delta)) < (this.#heldAt.get(stream) ?? 0))
          wrong('below_held');
        break;
      case 'StockReturned':
        added(this.#onHand, stream, units);
        added(this.restocked, `${stream} ${text(data.returnId)}`, units);
        break;
      case 'StockHeld': {
        const hold = this.#hold(stream, holdId);
        if (hold.held > 0) wrong('hold_reused', holdId);
        hold.held += units;
        if (added(this.#heldAt, stream, units) > onHand) wrong('oversold');
        break;
      }
      case 'StockCaptured':
      case 'StockReleased': {
        const hold = this.#hold(stream, holdId);
        hold[type === 'StockCaptured' ? 'captured' : 'released'] += units;
        if (hold.captured + hold.released > hold.held) wrong('hold_overdrawn', holdId);
        added(this.#heldAt, stream, -units);
        if (type === 'StockCaptured' && added(this.#onHand, stream, -units) < 0) wrong('negative_stock');
        break;
      }
      default:
    }
  }

  addCoupon(stream: string, type: string, data: Data, wrong: Wrong): void {
    const units = count(data.quantity);
    const hold = (): Held => this.#hold(stream, text(data.holdId));
    switch (type) {
      case 'CouponIssued':
        this.#limits.set(stream, count(data.limit));
        break;
      case 'CouponHeld':
        hold().held += units;
        if (added(this.#used, stream, units) > (this.#limits.get(stream) ?? 0)) wrong('coupon_overused');
        break;
      case 'CouponRedeemed':
        hold().captured += units;
        break;
      case 'CouponReleased':
        hold().released += units;
        added(this.#used, stream, -units);
        break;
      case 'CouponGivenBack':
        hold().givenBack += units;
        added(this.#used, stream, -units);
        break;
      default:
    }
  }
}
