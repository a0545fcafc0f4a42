import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Violation } from '../history.js';
import { foldOrder, type Held, leftOf, type OrderFold, placedOrder, reservedWithoutHold } from './follow.js';
import { count, type Data, dataOf, rows, text } from './raw-log.js';

/**
 * Stock, coupons, orders and ledger folded together, in their order. `violations` can never be; `unsettled` must go away by itself: an
 * order without an outcome, a hold, capture or return that does not yet follow its order, a shipment or return without its entry.
 */
export const foldShop = (log: readonly StoredEvent[]): { violations: Violation[]; unsettled: string[] } => {
  const fold = new ShopFold();
  for (const event of log) fold.add(event);
  return fold.end();
};

const added = (map: Map<string, number>, key: string, delta: number): number => {
  const value = (map.get(key) ?? 0) + delta;
  map.set(key, value);
  return value;
};

/** Minor units: of one entry all amounts have the same number of places. */
const minorUnits = (amount: unknown): bigint => BigInt(text(amount).replace('.', ''));

class ShopFold {
  readonly #violations: Violation[] = [];
  readonly #onHand = new Map<string, number>();
  readonly #heldAt = new Map<string, number>();
  readonly #holds = new Map<string, Map<string, Held>>();
  readonly #restocked = new Map<string, number>();
  readonly #limits = new Map<string, number>();
  readonly #used = new Map<string, number>();
  readonly #orders = new Map<string, OrderFold>();
  readonly #causes = new Set<string>();
  readonly #posted = new Set<string>();

  add(event: StoredEvent): void {
    const { stream, type, revision } = event;
    const data = dataOf(event);
    const wrong = (code: string, detail = ''): void => {
      this.#violations.push({ code, detail: `${stream}@${revision} ${type} ${detail}` });
    };
    if (type.startsWith('Stock')) this.#addStock(stream, type, data, wrong);
    else if (type.startsWith('Coupon')) this.#addCoupon(stream, type, data, wrong);
    else if (type === 'OrderPlaced') this.#orders.set(stream, placedOrder(data));
    else if (type === 'EntryPosted') this.#addEntry(data, wrong);
    else {
      const order = this.#orders.get(stream);
      if (order !== undefined) foldOrder(order, event, wrong, this.#causes);
    }
  }

  end(): { violations: Violation[]; unsettled: string[] } {
    const elsewhere = { holds: this.#holds, restocked: this.#restocked };
    const unsettled: string[] = [];
    for (const [stream, order] of this.#orders) {
      unsettled.push(...leftOf(stream, order, elsewhere));
      this.#violations.push(...reservedWithoutHold(stream, order, elsewhere));
    }
    for (const [stream, owners] of this.#holds) {
      for (const [owner, { held }] of owners) {
        if (!this.#orders.has(`order-${owner}`))
          unsettled.push(`${stream}: a hold of ${owner}, which is no order (${held})`);
      }
    }
    for (const id of this.#causes)
      if (!this.#posted.has(id)) unsettled.push(`no ledger entry for event ${id}`);
    return { violations: this.#violations, unsettled };
  }

  #hold(stream: string, owner: string): Held {
    const ofStream = this.#holds.get(stream) ?? new Map<string, Held>();
    this.#holds.set(stream, ofStream);
    const hold = ofStream.get(owner) ?? { held: 0, captured: 0, released: 0, givenBack: 0 };
    ofStream.set(owner, hold);
    return hold;
  }

  #addStock(stream: string, type: string, data: Data, wrong: (code: string, detail?: string) => void): void {
    const units = count(data.quantity);
    const owner = text(data.holdId);
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
        added(this.#restocked, `${stream} ${text(data.returnId)}`, units);
        break;
      case 'StockHeld': {
        const hold = this.#hold(stream, owner);
        if (hold.held > 0) wrong('hold_reused', owner);
        hold.held += units;
        if (added(this.#heldAt, stream, units) > onHand) wrong('oversold');
        break;
      }
      case 'StockCaptured':
      case 'StockReleased': {
        const hold = this.#hold(stream, owner);
        hold[type === 'StockCaptured' ? 'captured' : 'released'] += units;
        if (hold.captured + hold.released > hold.held) wrong('hold_overdrawn', owner);
        added(this.#heldAt, stream, -units);
        if (type === 'StockCaptured' && added(this.#onHand, stream, -units) < 0) wrong('negative_stock');
        break;
      }
      default:
    }
  }

  #addCoupon(stream: string, type: string, data: Data, wrong: (code: string) => void): void {
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

  #addEntry(data: Data, wrong: (code: string, detail?: string) => void): void {
    const cause = text((data.cause as Data | undefined)?.id);
    if (!this.#causes.has(cause)) wrong('entry_without_cause', cause);
    if (this.#posted.has(cause)) wrong('posted_twice', cause);
    this.#posted.add(cause);
    const sum = rows(data.postings).reduce((all, { amount }) => all + minorUnits(amount), 0n);
    if (sum !== 0n) wrong('unbalanced', `by ${sum}`);
  }
}
