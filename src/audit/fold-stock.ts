import type { CouponEvent, CouponTerms } from '../domain/coupon.js';
import type { StockEvent } from '../domain/stock.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { type CouponUseStatus, type FoldedHold, openUnits, type Promises } from './fold-promises.js';
import { type Place, placeOf } from './place.js';
import type { Violations } from './violations.js';

/** Stock of one SKU at one location, in units. */
export interface FoldedStock {
  readonly id: string;
  onHand: number;
  held: number;
  last: Place;
}

export interface FoldedCoupon {
  readonly code: string;
  terms: CouponTerms;
  held: number;
  redeemed: number;
  last: Place;
}

const NO_HOLD: FoldedHold = { held: 0, captured: 0, released: 0 };

/** `web~1/2`: the second round of order `web~1`; the first has the order's own id. */
const ownerAndRound = (holdId: string): [owner: string, round: number] => {
  const slash = holdId.indexOf('/');
  return slash < 0 ? [holdId, 1] : [holdId.slice(0, slash), Number(holdId.slice(slash + 1))];
};

/** The streams that hold: stock and coupons. */
export class HoldersFold {
  readonly stock = new Map<string, FoldedStock>();
  readonly coupons = new Map<string, FoldedCoupon>();

  constructor(
    private readonly promises: Promises,
    private readonly violations: Violations,
  ) {}

  applyStock(recorded: RecordedEvent): void {
    const { streamId } = recorded;
    const event = recorded.event as StockEvent;
    const last = placeOf(recorded);
    let stock = this.stock.get(streamId);
    if (stock === undefined) {
      stock = { id: streamId, onHand: 0, held: 0, last };
      this.stock.set(streamId, stock);
    }
    stock.last = last;
    switch (event.type) {
      case 'StockReceived':
        stock.onHand += event.data.quantity;
        break;
      case 'StockAdjusted':
        stock.onHand += event.data.delta;
        break;
      case 'StockReturned': {
        const { returnId, quantity } = event.data;
        stock.onHand += quantity;
        this.promises.restock('returned', returnId, stock.id, quantity, last.recordedAtMs);
        break;
      }
      case 'StockHeld':
        stock.held += event.data.quantity;
        this.#hold(stock, event.data.holdId, 'held', event.data.quantity);
        break;
      case 'StockCaptured':
        stock.onHand -= event.data.quantity;
        stock.held -= event.data.quantity;
        this.#hold(stock, event.data.holdId, 'captured', event.data.quantity);
        break;
      case 'StockReleased':
        stock.held -= event.data.quantity;
        this.#hold(stock, event.data.holdId, 'released', event.data.quantity);
        break;
      default:
        this.violations.add('unknown_event', recorded.stream, recorded.event.type);
    }
    if (stock.onHand < 0) this.violations.add('negative_stock', recorded.stream, `on hand ${stock.onHand}`);
    else if (stock.held > stock.onHand) {
      this.violations.add('oversold', recorded.stream, `${stock.held} held, ${stock.onHand} on hand`);
    }
  }

  #hold({ id, last }: FoldedStock, holdId: string, step: keyof FoldedHold, units: number): void {
    const [owner, round] = ownerAndRound(holdId);
    const { stock } = this.promises.touch(owner, last.recordedAtMs);
    const hold = stock.get(id);
    if (step === 'held') {
      // An order holds a stock once in a round, and rounds come in order.
      if (hold !== undefined && round <= (hold.round ?? 0)) {
        this.violations.add('hold_reused', `stock-${id}`, holdId);
      }
      stock.set(id, { ...(hold ?? NO_HOLD), held: (hold?.held ?? 0) + units, round });
      return;
    }
    const open = hold === undefined ? 0 : openUnits(hold);
    if (units > open) {
      this.violations.add('hold_overdrawn', `stock-${id}`, `${holdId}: ${step} ${units} of ${open}`);
    }
    if (hold === undefined) stock.set(id, { ...NO_HOLD, [step]: units });
    else hold[step] += units;
  }

  applyCoupon(recorded: RecordedEvent): void {
    const { streamId: code, stream } = recorded;
    const event = recorded.event as CouponEvent;
    const last = placeOf(recorded);
    if (event.type === 'CouponIssued') {
      this.coupons.set(code, { code, terms: event.data, held: 0, redeemed: 0, last });
      return;
    }
    const coupon = this.coupons.get(code);
    if (coupon === undefined) {
      this.violations.add('orphan_event', stream, event.type);
      return;
    }
    coupon.last = last;
    const { quantity } = event.data;
    switch (event.type) {
      case 'CouponHeld':
        coupon.held += quantity;
        this.#use(coupon, event.data.holdId, 'held', 'held', quantity);
        break;
      case 'CouponRedeemed':
        coupon.held -= quantity;
        coupon.redeemed += quantity;
        this.#use(coupon, event.data.holdId, 'captured', 'redeemed', quantity);
        break;
      case 'CouponReleased':
        coupon.held -= quantity;
        this.#use(coupon, event.data.holdId, 'released', 'released', quantity);
        break;
      case 'CouponGivenBack':
        coupon.redeemed -= quantity;
        this.#use(coupon, event.data.holdId, 'givenBack', 'given_back', quantity);
        break;
      default:
        this.violations.add('unknown_event', stream, recorded.event.type);
    }
    const { held, redeemed, terms } = coupon;
    if (held < 0 || redeemed < 0 || held + redeemed > terms.limit) {
      this.violations.add(
        'coupon_overused',
        stream,
        `${held} held, ${redeemed} redeemed, limit ${terms.limit}`,
      );
    }
  }

  #use(
    { code, last }: FoldedCoupon,
    holdId: string,
    step: keyof FoldedHold | 'givenBack',
    status: CouponUseStatus,
    units: number,
  ): void {
    const { id: owner, coupons } = this.promises.touch(holdId, last.recordedAtMs);
    const { effectiveAt, recordedAtMs } = last;
    let use = coupons.get(code);
    if (use === undefined) {
      use = { ...NO_HOLD, code, owner, givenBack: 0, status, effectiveAt, recordedAtMs };
      coupons.set(code, use);
    } else if (step === 'held') this.violations.add('hold_reused', `coupon-${code}`, holdId);
    use[step] += units;
    Object.assign(use, { status, effectiveAt, recordedAtMs });
    if (openUnits(use) < 0 || use.givenBack > use.captured) {
      this.violations.add('hold_overdrawn', `coupon-${code}`, `${holdId}: ${status}`);
    }
  }
}
