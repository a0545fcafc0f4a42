import type { OrderEvent } from '../domain/order-events.js';
import type { OnePaymentEvent } from '../domain/payment-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { microsOf } from './calendar.js';
import { FoldedAllocations } from './fold-allocations.js';
import { foldChange } from './fold-changes.js';
import { addLine, checkShares, countUnits, discountLines, goodsOf, locateLines } from './fold-lines.js';
import { costOf, FoldedPayments, overspentBy } from './fold-payments.js';
import type { Promises } from './fold-promises.js';
import { FoldedReturns } from './fold-returns.js';
import { FoldedReviews } from './fold-reviews.js';
import { FoldedSplits } from './fold-splits.js';
import { checkRate, taxOfFirst } from './fold-taxes.js';
import { type FoldedCredit, type FoldedOrder, type FoldedStatus, netOf, type Of } from './folded-order.js';
import { encodePart, stockKey } from './ids.js';
import { carriedByFirst, minorOf } from './money.js';
import { type Place, placeOf } from './place.js';
import { isSearched } from './search-words.js';
import type { Violations } from './violations.js';

/**
 * Facts that come after the goods left, and so perhaps after the order was over; a change may still wait for its answer then. Splits
 * could once be undone then too, which made no difference to anything.
 */
const AFTER_THE_END: ReadonlySet<string> = new Set<OrderEvent['type']>([
  'OrderReturned',
  'OrderReturnRequested',
  'OrderReturnAuthorised',
  'OrderReturnRefused',
  'OrderReturnReceived',
  'OrderReturnInspected',
  'OrderAllowanceGranted',
  'OrderExchangeAgreed',
  'OrderExchangeSettled',
  'OrderExchangeEnded',
  'OrderChangeDeclined',
  'OrderSplitUndone',
]);

const PAYMENT_TYPES: ReadonlySet<string> = new Set([
  'OrderPaymentStarted',
  'OrderPaymentAuthorised',
  'OrderPaymentFailed',
  'OrderVoidRequested',
  'OrderPaymentVoided',
  'OrderCaptureRequested',
  'OrderPaymentCaptured',
  'OrderCaptureFailed',
  'OrderRefundRequested',
  'OrderPaymentRefunded',
  'OrderRefundFailed',
  'OrderPaymentChargedBack',
]);
const isPayment = (event: OrderEvent): event is OnePaymentEvent => PAYMENT_TYPES.has(event.type);
/** Money may come and go after the end of its order. */
const isMoney = ({ type }: OrderEvent): boolean => type === 'OrderRefundDue' || PAYMENT_TYPES.has(type);

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
    if (!isMoney(event)) this.promises.touch(id, last.recordedAtMs);
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
    if (order.endedAtMs !== undefined && !AFTER_THE_END.has(event.type) && !isMoney(event)) {
      this.violations.add('event_after_end', stream, `${event.type} when ${order.status}`);
    }
    switch (event.type) {
      case 'OrderReserved':
        order.status = 'reserved';
        this.#reserve(order, event.data);
        break;
      case 'OrderSourcesExtended':
        order.allocations.extend(event.data);
        break;
      case 'OrderAllocated':
        order.allocations.allocate(event.data);
        locateLines(order);
        break;
      case 'OrderConfirmed':
        order.reviews?.step('confirm', []);
        this.#checkPaid(order);
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
        this.#return(order, event.data, recorded);
        break;
      case 'OrderChangeProposed':
      case 'OrderChangeConfirmed':
      case 'OrderChangeDeclined':
        order.changes ??= new Map();
        foldChange(order.changes, recorded, event);
        if (event.type === 'OrderChangeConfirmed') this.#change(order, event.data);
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
      case 'OrderReturnRequested':
      case 'OrderReturnAuthorised':
      case 'OrderReturnRefused':
      case 'OrderReturnReceived':
      case 'OrderReturnInspected':
      case 'OrderExchangeSettled':
      case 'OrderExchangeEnded':
        this.#returnsOf(order).apply(recorded, event);
        break;
      case 'OrderExchangeAgreed':
        this.#returnsOf(order).apply(recorded, event);
        // Credit is carried once: to another order, or back in money.
        if (/[1-9]/.test(event.data.credit) && overspentBy(order) > 0n) {
          this.violations.add(
            'wrong_exchange',
            stream,
            `${event.data.exchangeId}: its credit went back in money`,
          );
        }
        break;
      case 'OrderAllowanceGranted':
        this.#returnsOf(order).apply(recorded, event);
        this.#allow(order, event.data);
        break;
      case 'OrderRefundDue': {
        order.payments ??= new FoldedPayments(order.id, this.violations);
        const { amount, currency } = event.data;
        order.payments.refundDue(recorded, currency, minorOf(amount, currency), costOf(order));
        break;
      }
      default:
        if (!isPayment(event)) {
          this.violations.add('unknown_event', stream, recorded.event.type);
          break;
        }
        order.payments ??= new FoldedPayments(order.id, this.violations);
        order.payments.apply(recorded, event);
        if (event.type === 'OrderPaymentStarted') this.#extend(order, event.data.expiresAt);
    }
  }

  #checkPaid(order: FoldedOrder): void {
    if (order.placed.confirm !== 'payment') return;
    const covered = (order.payments?.paid() ?? 0n) + (order.payments?.promised() ?? 0n);
    const cost = costOf(order);
    if (covered < cost) {
      this.violations.add('confirmed_unpaid', `order-${order.id}`, `${covered} of ${cost}`);
    }
  }

  /** A payment makes a deadline later; an order without one goes on without. */
  #extend(order: FoldedOrder, until: string | undefined): void {
    if (until === undefined || order.expiresAt === undefined) return;
    if (BigInt(microsOf(until)) > BigInt(microsOf(order.expiresAt))) order.expiresAt = until;
  }

  #end(order: FoldedOrder, status: FoldedStatus): void {
    order.reviews?.end();
    order.allocations.short.clear();
    order.status = status;
    order.endedAtMs = order.last.recordedAtMs;
  }

  #place(id: string, stream: string, data: Of<'OrderPlaced'>, last: Place): void {
    if (this.orders.has(id)) this.violations.add('placed_twice', stream, `revision ${last.revision}`);
    const { lines, sources: _, contentHash: __, ...placed } = data;
    const order: FoldedOrder = {
      id,
      placed,
      lines: new Map(),
      version: 1,
      changes: undefined,
      status: 'placed',
      confirmed: false,
      confirmedAt: undefined,
      rejection: undefined,
      endedAtMs: undefined,
      charged: 0n,
      credited: 0n,
      allowance: 0n,
      reviews: undefined,
      allocations: new FoldedAllocations(
        id,
        (stock) => this.promises.owners.get(id)?.stock.get(stock)?.held ?? 0,
        this.violations,
      ),
      returns: undefined,
      expiresAt: data.expiresAt,
      payments: undefined,
      notes: undefined,
      splits: undefined,
      last,
    };
    for (const line of lines) addLine(order, line, this.violations);
    this.orders.set(id, order);
    if (data.exchangeOf !== undefined) this.#checkExchange(id, stream, data.exchangeOf);
  }

  #reserve(order: FoldedOrder, data: Of<'OrderReserved'>): void {
    const goods = [...order.lines.values()].filter(({ kind }) => kind === 'goods');
    order.allocations.reserve(data, goods, order.last);
    locateLines(order);
    discountLines(order, data.discounts, this.violations);
  }

  #change(order: FoldedOrder, data: Of<'OrderChangeConfirmed'>): void {
    const stream = `order-${order.id}`;
    const { currency } = order.placed;
    if (data.version !== order.version + 1) this.violations.add('wrong_version', stream, `${data.version}`);
    order.version = data.version;
    let difference = 0n;
    for (const { lineId, quantity } of data.cancelled) {
      const line = order.lines.get(lineId);
      if (line === undefined) continue;
      // Cancelling takes units from the back.
      const to = line.quantity - line.cancelled;
      const share = (total: bigint): bigint =>
        carriedByFirst(total, line.quantity, to) - carriedByFirst(total, line.quantity, to - quantity);
      const tax = taxOfFirst(line, currency, to) - taxOfFirst(line, currency, to - quantity);
      difference -= share(line.amount) - share(line.discount) + tax;
    }
    order.allocations.change(data, goodsOf(order, data.cancelled), order.last);
    countUnits(order, 'cancelled', data.cancelled, this.violations);
    for (const added of data.added) {
      const before = [...order.lines.values()].find(({ kind, sku }) => kind === 'goods' && sku === added.sku);
      const line = addLine(order, added, this.violations);
      // What it takes over from another line stays held where it is.
      if (line.kind === 'goods') {
        line.location = before?.location;
        line.alsoAt = before?.alsoAt;
      }
      line.discount = minorOf(added.discount, currency);
      if (line.discount > line.amount || line.index !== added.lineNo) {
        this.violations.add('wrong_change', stream, added.lineId);
      }
      difference += line.amount - line.discount + line.tax;
    }
    if (difference !== minorOf(data.difference, currency)) {
      this.violations.add('wrong_difference', stream, `${data.changeId}: ${data.difference}`);
    }
    if (data.destination !== undefined) order.placed = { ...order.placed, destination: data.destination };
  }

  #checkSplits({ splits, lines }: FoldedOrder): void {
    splits?.check((lineId) => {
      const line = lines.get(lineId);
      return line === undefined ? 0 : line.quantity - line.shipped - line.cancelled;
    });
  }

  #cancel(order: FoldedOrder, data: Of<'OrderLinesCancelled'>): void {
    const { lines, splits } = data;
    order.allocations.release(data, goodsOf(order, lines));
    countUnits(order, 'cancelled', lines, this.violations);
    if (splits !== undefined) {
      order.splits ??= new FoldedSplits(order.id, this.violations);
      order.splits.take('cancelled', splits);
    }
    this.#checkSplits(order);
    for (const { quantity, cancelled } of order.lines.values()) if (cancelled < quantity) return;
    this.#end(order, 'cancelled');
  }

  #ship(order: FoldedOrder, data: Of<'OrderShipped'>): void {
    const { lines, currency, settlement, splitId, shipmentId } = data;
    order.reviews?.step(
      'ship',
      lines.map(({ lineId }) => lineId),
    );
    checkShares(order, 'shipped', lines, this.violations);
    order.allocations.capture(lines.filter(({ kind }) => kind === 'goods'));
    checkRate(order, settlement, this.violations);
    countUnits(order, 'shipped', lines, this.violations);
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

  #returnsOf(order: FoldedOrder): FoldedReturns {
    order.returns ??= new FoldedReturns(order, this.violations);
    return order.returns;
  }

  /** All that was given back is at most what was charged, unless somebody said why. */
  #checkCredit(order: FoldedOrder, credited: bigint, goodwill: boolean, what: string): void {
    const over = order.credited + order.allowance > order.charged;
    if (order.credited > order.charged || (over && credited > 0n && !goodwill)) {
      this.violations.add('more_refunded_than_paid', `order-${order.id}`, what);
    }
  }

  #allow(order: FoldedOrder, { channel, currency, allowanceId, amount }: Of<'OrderAllowanceGranted'>): void {
    const minor = minorOf(amount, currency);
    order.allowance += minor;
    this.#checkCredit(order, minor, false, `allowance ${allowanceId}`);
    const note = `${order.id}/${allowanceId}`;
    this.credits.push({ channel, note, currency, at: order.last.effectiveAt, units: 0, amount: minor });
  }

  /** A new order of an exchange is the one that was agreed, for the credit that was. */
  #checkExchange(id: string, stream: string, of: NonNullable<Of<'OrderPlaced'>['exchangeOf']>): void {
    const agreed = this.orders.get(of.orderId)?.returns?.exchanges.all.get(of.exchangeId)?.data;
    if (agreed?.newOrderId !== id || agreed.credit !== of.credit || agreed.returnId !== of.returnId) {
      this.violations.add('wrong_exchange', stream, `${of.exchangeId} of ${of.orderId}`);
    }
  }

  #return(order: FoldedOrder, data: Of<'OrderReturned'>, recorded: RecordedEvent): void {
    const { lines, currency, returnId, note, channel } = data;
    checkShares(order, 'returned', lines, this.violations);
    checkRate(order, data.settlement, this.violations);
    countUnits(order, 'returned', lines, this.violations);
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
    this.#checkCredit(order, shares + allowance, data.goodwill !== undefined, `return ${returnId}`);
    this.#returnsOf(order).credit(recorded, data, shares + allowance);
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
