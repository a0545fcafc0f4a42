import type { RecordedEvent } from '../runtime/event-store.js';

/**
 * The audit's own fold. It shares the codec with the product and nothing else: no decider, no projection, no poster. Written
 * plainly, so that an auditor can read it against the description of the events.
 *
 * Amounts are minor units (bigint); quantities are units.
 */
export interface FoldedLine {
  readonly lineId: string;
  readonly kind: string;
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly amount: bigint;
  readonly tax: bigint;
  discount: bigint;
  shipped: number;
  cancelled: number;
  returned: number;
  location: string | null;
  readonly account: string | null;
}

/** Where an event stands: every row that follows a stream says it of the stream's last event. */
export interface Place {
  readonly revision: number;
  readonly position: bigint;
  readonly effectiveAt: string;
  readonly recordedAt: Date;
}

export interface FoldedOrder {
  readonly channel: string;
  readonly currency: string;
  readonly placedAt: string;
  /** The placement without its lines. */
  readonly header: Readonly<Record<string, unknown>>;
  last: Place;
  confirmedAt: string | null;
  rejection: Readonly<Record<string, unknown>>;
  status: string;
  confirmed: boolean;
  readonly lines: FoldedLine[];
  /** What was charged for the units shipped so far. */
  charged: bigint;
  /** Frozen shares given back, and what was credited beyond them. */
  credited: bigint;
  allowance: bigint;
}

export interface FoldedStock {
  last: Place;
  onHand: number;
  held: number;
  /** Units that each open hold still holds. */
  readonly holds: Map<string, number>;
}

export interface FoldedCoupon {
  limit: number;
  held: number;
  redeemed: number;
}

export interface FoldedCredit {
  readonly channel: string;
  readonly note: string;
  readonly currency: string;
  readonly at: string;
  readonly units: number;
  readonly amount: bigint;
}

export interface FoldedPosting {
  readonly party: string;
  readonly currency: string;
  readonly account: string;
  readonly amount: bigint;
}

/** Minor units of a decimal string that carries its currency's decimals: the digits without the point. */
export const minorUnits = (text: string): bigint => BigInt(text.replace('.', ''));

const placeOf = ({ revision, position, metadata, recordedAt }: RecordedEvent): Place => ({
  revision,
  position: position.commit,
  effectiveAt: metadata.effectiveAt,
  recordedAt,
});

type Data = Record<string, never> & Readonly<Record<string, unknown>>;
interface Units {
  readonly lineId: string;
  readonly quantity: number;
  readonly amount: string;
  readonly discount: string;
  readonly tax: string;
}

const net = ({ amount, discount, tax }: Units): bigint =>
  minorUnits(amount) - minorUnits(discount) + minorUnits(tax);

/** Something in the log that cannot be: the books are wrong, whatever the tables say. */
export interface Violation {
  readonly code: string;
  readonly stream: string;
  readonly detail: string;
}

export const VIOLATIONS_KEPT = 100;

export class LogFold {
  readonly channels = new Map<string, string>();
  readonly orders = new Map<string, FoldedOrder>();
  readonly stock = new Map<string, FoldedStock>();
  readonly coupons = new Map<string, FoldedCoupon>();
  readonly credits: FoldedCredit[] = [];
  readonly balances = new Map<string, bigint>();
  readonly eventsPerType = new Map<string, number>();
  readonly violations: Violation[] = [];
  violationCount = 0;
  entries = 0;

  apply(recorded: RecordedEvent): void {
    const { type } = recorded.event;
    this.eventsPerType.set(type, (this.eventsPerType.get(type) ?? 0) + 1);
    const data = recorded.event.data as Data;
    switch (recorded.category) {
      case 'channel':
        this.channels.set(decodeURIComponent(recorded.streamId), String(data.timeZone));
        break;
      case 'stock':
        this.#stock(recorded, type, data);
        break;
      case 'order':
        this.#order(recorded, type, data);
        break;
      case 'coupon':
        this.#coupon(recorded.streamId, type, data);
        break;
      case 'return':
        this.credits.push({
          channel: String(data.channel),
          note: String(data.note),
          currency: String(data.currency),
          at: recorded.metadata.effectiveAt,
          units: Number(data.quantity),
          amount: minorUnits(String(data.amount)),
        });
        break;
      case 'settlement':
        this.#settlement(recorded.stream, type, data);
        break;
      default:
        break;
    }
  }

  #violate(code: string, stream: string, detail: string): void {
    this.violationCount += 1;
    if (this.violations.length < VIOLATIONS_KEPT) this.violations.push({ code, stream, detail });
  }

  #stock(recorded: RecordedEvent, type: string, data: Data): void {
    const id = recorded.streamId;
    const last = placeOf(recorded);
    let stock = this.stock.get(id);
    if (stock === undefined) {
      stock = { onHand: 0, held: 0, holds: new Map(), last };
      this.stock.set(id, stock);
    }
    stock.last = last;
    const units = Number(data.quantity ?? data.delta);
    const hold = String(data.holdId);
    const before = stock.holds.get(hold) ?? 0;
    switch (type) {
      case 'StockReceived':
      case 'StockReturned':
      case 'StockAdjusted':
        stock.onHand += units;
        break;
      case 'StockHeld':
        stock.held += units;
        stock.holds.set(hold, before + units);
        break;
      case 'StockCaptured':
      case 'StockReleased': {
        if (before < units) this.#violate('hold_overdrawn', `stock-${id}`, `${hold}: ${units} of ${before}`);
        if (type === 'StockCaptured') stock.onHand -= units;
        stock.held -= units;
        if (before === units) stock.holds.delete(hold);
        else stock.holds.set(hold, before - units);
        break;
      }
      default:
        this.#violate('unknown_event', `stock-${id}`, type);
    }
    if (stock.onHand < 0) this.#violate('negative_stock', `stock-${id}`, `on hand ${stock.onHand}`);
    if (stock.held > stock.onHand)
      this.#violate('oversold', `stock-${id}`, `${stock.held} of ${stock.onHand}`);
  }

  #order(recorded: RecordedEvent, type: string, data: Data): void {
    const id = recorded.streamId;
    if (type === 'OrderPlaced') {
      const { lines: placedLines, ...header } = data;
      const lines = placedLines as unknown as readonly Record<string, string>[];
      this.orders.set(id, {
        channel: String(data.channel),
        currency: String(data.currency),
        placedAt: String(data.placedAt),
        status: 'placed',
        confirmed: false,
        header,
        last: placeOf(recorded),
        confirmedAt: null,
        rejection: {},
        charged: 0n,
        credited: 0n,
        allowance: 0n,
        lines: lines.map((line) => ({
          lineId: String(line.lineId),
          kind: String(line.kind),
          sku: String(line.sku),
          quantity: Number(line.quantity),
          unitPrice: String(line.unitPrice),
          amount: minorUnits(String(line.amount)),
          tax: minorUnits(String(line.tax)),
          discount: 0n,
          shipped: 0,
          cancelled: 0,
          returned: 0,
          location: null,
          account: line.account ?? null,
        })),
      });
      return;
    }
    const order = this.orders.get(id);
    if (order === undefined) {
      this.#violate('orphan_event', `order-${id}`, type);
      return;
    }
    order.last = placeOf(recorded);
    const lineOf = (lineId: string): FoldedLine | undefined =>
      order.lines.find((line) => line.lineId === lineId);
    const count = (counter: 'shipped' | 'cancelled' | 'returned', units: readonly Units[]): void => {
      for (const { lineId, quantity } of units) {
        const line = lineOf(lineId);
        if (line === undefined) this.#violate('unknown_line', `order-${id}`, lineId);
        else {
          line[counter] += quantity;
          const over = line.shipped + line.cancelled > line.quantity || line.returned > line.shipped;
          if (over) this.#violate('more_than_ordered', `order-${id}`, `${lineId}: ${counter}`);
        }
      }
    };
    const units = (data.lines ?? []) as unknown as readonly Units[];
    switch (type) {
      case 'OrderReserved': {
        order.status = 'reserved';
        const discounts = data.discounts as unknown as readonly { shares: readonly Units[] }[];
        for (const { lineId, amount } of discounts.flatMap(({ shares }) => shares)) {
          const line = lineOf(lineId);
          if (line !== undefined) line.discount += minorUnits(amount);
        }
        const allocations = data.allocations as unknown as readonly { sku: string; location: string }[];
        const locations = new Map(allocations.map(({ sku, location }) => [sku, location]));
        for (const line of order.lines) {
          if (line.kind === 'goods') line.location = locations.get(line.sku) ?? null;
        }
        break;
      }
      case 'OrderConfirmed':
        order.status = 'confirmed';
        order.confirmed = true;
        order.confirmedAt = recorded.metadata.effectiveAt;
        break;
      case 'OrderRejected':
        order.status = 'rejected';
        order.rejection = data;
        break;
      case 'OrderExpired':
        order.status = 'expired';
        break;
      case 'OrderCompleted':
        order.status = 'completed';
        break;
      case 'OrderLinesCancelled':
        count('cancelled', units);
        if (order.lines.every((line) => line.cancelled === line.quantity)) order.status = 'cancelled';
        break;
      case 'OrderShipped':
        count('shipped', units);
        for (const line of units) order.charged += net(line);
        break;
      case 'OrderReturned': {
        count('returned', units);
        const shares = units.reduce((sum, line) => sum + net(line), 0n);
        const allowance = minorUnits(String(data.allowance));
        const amount = shares + allowance;
        order.credited += shares;
        order.allowance += allowance;
        if (order.credited > order.charged)
          this.#violate('more_refunded_than_paid', `order-${id}`, String(shares));
        this.credits.push({
          channel: order.channel,
          note: String(data.note ?? `${id}/${String(data.returnId)}`),
          currency: order.currency,
          at: recorded.metadata.effectiveAt,
          units: units.reduce((sum, { quantity }) => sum + quantity, 0),
          amount,
        });
        break;
      }
      default:
        this.#violate('unknown_event', `order-${id}`, type);
    }
  }

  #coupon(id: string, type: string, data: Data): void {
    const coupon = this.coupons.get(id) ?? { limit: 0, held: 0, redeemed: 0 };
    const count = Number(data.quantity ?? 0);
    if (type === 'CouponIssued') coupon.limit = Number(data.limit);
    if (type === 'CouponHeld') coupon.held += count;
    if (type === 'CouponRedeemed' || type === 'CouponReleased') coupon.held -= count;
    if (type === 'CouponRedeemed') coupon.redeemed += count;
    if (type === 'CouponGivenBack') coupon.redeemed -= count;
    if (coupon.held < 0 || coupon.redeemed < 0 || coupon.held + coupon.redeemed > coupon.limit) {
      this.#violate('coupon_overused', `coupon-${id}`, `${coupon.held} held, ${coupon.redeemed} redeemed`);
    }
    this.coupons.set(id, coupon);
  }

  #settlement(stream: string, type: string, data: Data): void {
    if (type !== 'EntryPosted') return;
    this.entries += 1;
    const postings = data.postings as unknown as readonly { account: string; amount: string }[];
    const currency = String(data.currency);
    let sum = 0n;
    for (const { account, amount } of postings) {
      const minor = minorUnits(amount);
      sum += minor;
      const key = JSON.stringify([String(data.party), account, currency]);
      this.balances.set(key, (this.balances.get(key) ?? 0n) + minor);
    }
    if (sum !== 0n) this.#violate('unbalanced_entry', stream, String(data.entryId));
  }
}
