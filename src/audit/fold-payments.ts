import type { OnePaymentEvent, Tender } from '../domain/payment-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { taxOfFirst } from './fold-taxes.js';
import type { FoldedOrder } from './folded-order.js';
import { carriedByFirst, minorOf } from './money.js';
import type { Violations } from './violations.js';

type Stage = 'none' | 'started' | 'authorised' | 'failed' | 'voided';

/** One payment, in minor units. */
export interface FoldedPayment {
  readonly orderId: string;
  readonly paymentId: string;
  readonly provider: string | undefined;
  readonly currency: string;
  readonly firstAt: string;
  tender: Tender;
  stage: Stage;
  amount: bigint | undefined;
  authorised: bigint | undefined;
  voidRequested: boolean;
  failure: { readonly code: string; readonly reason: string } | undefined;
  expiresAt: string | undefined;
  captured: bigint;
  captureRequested: bigint;
  refunded: bigint;
  refundRequested: bigint;
  refundFailed: boolean;
  chargedBack: bigint;
  excess: bigint;
  changedAt: string;
  position: bigint;
  /** Captures, refunds and chargebacks, `kind:id`, to whether they are asked for, done or failed. */
  readonly movements: Map<string, 'asked' | 'done' | 'failed'>;
}

/** What is due to a customer, and since when. */
export interface FoldedRefundDue {
  readonly orderId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly since: string;
  readonly position: bigint;
}

/** The payments of one order: nothing is taken that was not authorised, nothing given back that did not come. */
export class FoldedPayments {
  readonly all = new Map<string, FoldedPayment>();
  due: FoldedRefundDue | undefined;

  constructor(
    private readonly orderId: string,
    private readonly violations: Violations,
  ) {}

  #wrong(what: string): void {
    this.violations.add('wrong_payment', `order-${this.orderId}`, what);
  }

  #find(recorded: RecordedEvent, event: OnePaymentEvent): FoldedPayment | undefined {
    const { data } = event;
    const known = this.all.get(data.paymentId);
    if (known !== undefined) {
      if (event.type === 'OrderPaymentStarted') this.#wrong(`${data.paymentId} started again`);
      return known;
    }
    const made =
      event.type === 'OrderPaymentStarted' ||
      event.type === 'OrderPaymentAuthorised' ||
      event.type === 'OrderPaymentCaptured';
    if (!made) {
      this.#wrong(`${event.type} of ${data.paymentId}, which nobody made`);
      return undefined;
    }
    const payment: FoldedPayment = {
      orderId: this.orderId,
      paymentId: data.paymentId,
      provider: event.type === 'OrderPaymentStarted' ? event.data.provider : undefined,
      currency: event.data.currency,
      firstAt: recorded.metadata.effectiveAt,
      tender: event.data.tender,
      stage: 'none',
      amount: undefined,
      authorised: undefined,
      voidRequested: false,
      failure: undefined,
      expiresAt: undefined,
      captured: 0n,
      captureRequested: 0n,
      refunded: 0n,
      refundRequested: 0n,
      refundFailed: false,
      chargedBack: 0n,
      excess: 0n,
      changedAt: recorded.metadata.effectiveAt,
      position: recorded.position.commit,
      movements: new Map(),
    };
    this.all.set(data.paymentId, payment);
    return payment;
  }

  apply(recorded: RecordedEvent, event: OnePaymentEvent): void {
    const payment = this.#find(recorded, event);
    if (payment === undefined) return;
    payment.changedAt = recorded.metadata.effectiveAt;
    payment.position = recorded.position.commit;
    if ('tender' in event.data && event.data.tender.reference !== undefined)
      payment.tender = event.data.tender;
    const minor = 'amount' in event.data ? minorOf(event.data.amount, event.data.currency) : 0n;
    switch (event.type) {
      case 'OrderPaymentStarted':
        this.#stage(payment, 'started');
        payment.amount = minor;
        payment.expiresAt = event.data.expiresAt;
        break;
      case 'OrderPaymentAuthorised':
        if (payment.authorised !== undefined && payment.stage !== 'failed')
          this.#wrong(`${payment.paymentId} authorised again`);
        this.#stage(payment, 'authorised');
        payment.authorised = minor;
        break;
      case 'OrderPaymentFailed':
        this.#stage(payment, 'failed');
        payment.failure = { code: event.data.code, reason: event.data.reason };
        break;
      case 'OrderVoidRequested':
        payment.voidRequested = true;
        break;
      case 'OrderPaymentVoided':
        payment.voidRequested = false;
        this.#stage(payment, 'voided');
        break;
      case 'OrderCaptureRequested':
        this.#move(payment, `capture:${event.data.captureId}`, 'asked');
        payment.captureRequested += minor;
        break;
      case 'OrderPaymentCaptured':
        if (this.#answer(payment, `capture:${event.data.captureId}`, event.data.requested)) {
          payment.captureRequested -= minor;
        }
        payment.captured += minor;
        break;
      case 'OrderCaptureFailed':
        if (this.#move(payment, `capture:${event.data.captureId}`, 'failed'))
          payment.captureRequested -= minor;
        break;
      case 'OrderRefundRequested':
        this.#move(payment, `refund:${event.data.refundId}`, 'asked');
        payment.refundRequested += minor;
        break;
      case 'OrderPaymentRefunded':
        if (this.#answer(payment, `refund:${event.data.refundId}`, event.data.requested)) {
          payment.refundRequested -= minor;
        }
        payment.refunded += minor;
        payment.excess += minorOf(event.data.excess ?? '0.00', event.data.currency);
        break;
      case 'OrderRefundFailed':
        if (this.#move(payment, `refund:${event.data.refundId}`, 'failed')) payment.refundRequested -= minor;
        payment.refundFailed = true;
        break;
      case 'OrderPaymentChargedBack':
        this.#move(payment, `chargeback:${event.data.chargebackId}`, 'done');
        payment.chargedBack += minor;
        payment.excess += minorOf(event.data.excess ?? '0.00', event.data.currency);
        break;
    }
    this.#check(payment);
  }

  #stage(payment: FoldedPayment, next: Stage): void {
    if (payment.stage !== 'voided') payment.stage = next;
  }

  /** Whether it was asked for before. A movement is done once. */
  #move({ movements, paymentId }: FoldedPayment, id: string, next: 'asked' | 'done' | 'failed'): boolean {
    const before = movements.get(id);
    if (before === 'done' || before === next || (next === 'failed' && before !== 'asked')) {
      this.#wrong(`${paymentId}: ${id} ${next} when ${before ?? 'unheard of'}`);
    }
    movements.set(id, next);
    return before === 'asked';
  }

  #answer(payment: FoldedPayment, id: string, requested: boolean): boolean {
    const asked = this.#move(payment, id, 'done');
    if (asked !== requested) this.#wrong(`${payment.paymentId}: ${id} answers ${asked ? 'a' : 'no'} request`);
    return asked;
  }

  #check(payment: FoldedPayment): void {
    const { authorised, captured, refunded, chargedBack, excess, paymentId } = payment;
    if (authorised !== undefined && captured > authorised) {
      this.#wrong(`${paymentId}: ${captured} captured of ${authorised}`);
    }
    if (refunded > captured || refunded + chargedBack - excess > captured) {
      this.violations.add('more_refunded_than_captured', `order-${this.orderId}`, paymentId);
    }
  }

  /** Captured and kept. */
  paid(): bigint {
    let sum = 0n;
    for (const { captured, refunded, chargedBack } of this.all.values())
      sum += captured - refunded - chargedBack;
    return sum;
  }

  /** Authorised and still to be captured. */
  promised(): bigint {
    let sum = 0n;
    for (const { stage, voidRequested, authorised, captured } of this.all.values()) {
      if (stage !== 'authorised' || voidRequested || authorised === undefined) continue;
      if (authorised > captured) sum += authorised - captured;
    }
    return sum;
  }

  refundDue({ metadata, position }: RecordedEvent, currency: string, amount: bigint, cost: bigint): void {
    const left = this.paid() - cost;
    if (amount !== (left > 0n ? left : 0n)) {
      this.violations.add('wrong_refund_due', `order-${this.orderId}`, `${amount}, not ${left}`);
    }
    const since = this.due?.since ?? metadata.effectiveAt;
    this.due =
      amount === 0n
        ? undefined
        : { orderId: this.orderId, currency, amount, since, position: position.commit };
  }
}

/**
 * What an order spent: the units that are neither cancelled nor came back, less what was credited beyond them, and exchanges that took
 * credit away; and what of it the credit of an exchange paid.
 */
const spentOf = (order: FoldedOrder): { readonly spent: bigint; readonly byCredit: bigint } => {
  const { status, lines, allowance, placed } = order;
  if (status === 'rejected' || status === 'expired' || status === 'cancelled')
    return { spent: 0n, byCredit: 0n };
  const { currency } = placed;
  let ordered = 0n;
  let back = 0n;
  for (const line of lines.values()) {
    const paid = (units: number): bigint =>
      carriedByFirst(line.amount, line.quantity, units) -
      carriedByFirst(line.discount, line.quantity, units) +
      taxOfFirst(line, currency, units);
    ordered += paid(line.quantity - line.cancelled);
    back += paid(line.returned);
  }
  return { spent: ordered - back - allowance + carriedAway(order), byCredit: carriedIn(placed, ordered) };
};

/** What an order costs. It never spent less than nothing. */
export const costOf = (order: FoldedOrder): bigint => {
  const { spent, byCredit } = spentOf(order);
  return (spent > 0n ? spent : 0n) - byCredit;
};

/** Where an order is paid here: by how much it spent, gave back or is asked to give back more than came. */
export const overspentBy = (order: FoldedOrder): bigint => {
  const { payments, placed } = order;
  let captured = 0n;
  let asked = 0n;
  for (const one of payments?.all.values() ?? []) {
    captured += one.captured;
    asked += one.refundRequested;
  }
  if (placed.confirm !== 'payment' && captured === 0n) return 0n;
  const { spent, byCredit } = spentOf(order);
  return spent - byCredit + asked - (payments?.paid() ?? 0n);
};

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Credit that exchanges took to other orders: as much as these needed, once that is known. */
const carriedAway = ({ returns, placed: { currency } }: FoldedOrder): bigint => {
  let sum = 0n;
  for (const { data, settled, ended } of returns?.exchanges.all.values() ?? []) {
    if (ended !== undefined) continue;
    const credit = minorOf(data.credit, currency);
    const charged = settled === undefined ? credit : minorOf(settled.charged, currency);
    sum += least(charged, credit);
  }
  return sum;
};

/** Credit that pays a new order, at most what it came to. */
const carriedIn = ({ exchangeOf, currency }: FoldedOrder['placed'], ordered: bigint): bigint => {
  const credit = exchangeOf === undefined ? 0n : minorOf(exchangeOf.credit, currency);
  return least(credit, ordered);
};
