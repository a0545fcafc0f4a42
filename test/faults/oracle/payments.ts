import type { Wrong } from './holders.js';
import { type Data, minorUnits, text } from './raw-log.js';

interface Payment {
  readonly asked: boolean;
  /** Begun, and nobody has said yet what came of it. */
  waits: boolean;
  authorised: bigint | undefined;
  captured: bigint;
  refunded: bigint;
  chargedBack: bigint;
  excess: bigint;
  readonly captures: Set<string>;
  readonly refunds: Map<string, bigint>;
  refundFailed: boolean;
  voids: boolean;
}

/** The first facts that anybody may hear of a payment; all others are about one that is known. */
const FIRST = ['OrderPaymentStarted', 'OrderPaymentAuthorised', 'OrderPaymentCaptured'];

/** The payments of an order: no more comes than was authorised, no more goes than came, and a provider that is asked has answered. */
export class Payments {
  readonly #payments = new Map<string, Payment>();
  #due = 0n;

  #of(type: string, data: Data, wrong: Wrong): Payment {
    const id = text(data.paymentId);
    const known = this.#payments.get(id);
    if (known !== undefined) return known;
    if (!FIRST.includes(type)) wrong('unknown_payment', id);
    const sums = { authorised: undefined, captured: 0n, refunded: 0n, chargedBack: 0n, excess: 0n };
    const asked = { captures: new Set<string>(), refunds: new Map<string, bigint>() };
    const flags = { asked: data.provider !== undefined, waits: false, refundFailed: false, voids: false };
    const payment = { ...sums, ...asked, ...flags };
    this.#payments.set(id, payment);
    return payment;
  }

  add(type: string, data: Data, wrong: Wrong): void {
    if (type === 'OrderRefundDue') this.#due = minorUnits(data.amount);
    if (data.paymentId === undefined) return;
    const payment = this.#of(type, data, wrong);
    const amount = minorUnits(data.amount);
    const [capture, refund] = [text(data.captureId), text(data.refundId)];
    if (data.excess !== undefined) payment.excess += minorUnits(data.excess);
    switch (type) {
      case 'OrderPaymentStarted':
        payment.waits = payment.authorised === undefined && payment.captured === 0n;
        break;
      case 'OrderPaymentAuthorised':
        payment.authorised = amount;
        payment.waits = false;
        break;
      case 'OrderPaymentFailed':
        payment.waits = false;
        break;
      case 'OrderVoidRequested':
        payment.voids = true;
        break;
      case 'OrderPaymentVoided':
        payment.voids = false;
        payment.waits = false;
        break;
      case 'OrderCaptureRequested':
        payment.captures.add(capture);
        break;
      case 'OrderPaymentCaptured':
        if (data.requested === true && !payment.captures.has(capture)) wrong('never_asked', capture);
        payment.captures.delete(capture);
        payment.captured += amount;
        break;
      case 'OrderCaptureFailed':
        payment.captures.delete(capture);
        break;
      case 'OrderRefundRequested':
        payment.refunds.set(refund, amount);
        break;
      case 'OrderPaymentRefunded':
        if (data.requested === true && !payment.refunds.has(refund)) wrong('never_asked', refund);
        payment.refunds.delete(refund);
        payment.refunded += amount;
        break;
      case 'OrderRefundFailed':
        payment.refunds.delete(refund);
        payment.refundFailed = true;
        break;
      case 'OrderPaymentChargedBack':
        payment.chargedBack += amount;
        break;
      default:
    }
    const { authorised, captured, refunded, chargedBack, excess } = payment;
    if (authorised !== undefined && captured > authorised) wrong('captured_unauthorised');
    if (refunded > captured) wrong('refunded_uncaptured');
    if (refunded + chargedBack - excess > captured) wrong('paid_back_twice');
  }

  /** What is still asked for; where money is asked back by itself, also what is due and nobody has asked for. */
  left(asksByItself: boolean): string[] {
    const found: string[] = [];
    let due = this.#due;
    let refundable = 0n;
    for (const [id, payment] of this.#payments) {
      const { asked, waits, captures, refunds, voids, refundFailed } = payment;
      const requested = [...refunds.values()].reduce((sum, amount) => sum + amount, 0n);
      due -= requested;
      if (!asked) continue;
      if (waits || voids || captures.size > 0 || refunds.size > 0)
        found.push(`provider of ${id} has not answered`);
      const left = payment.captured - payment.refunded - payment.chargedBack - requested;
      if (!refundFailed && left > 0n) refundable += left;
    }
    if (asksByItself && due > 0n && refundable > 0n)
      found.push(`${due} minor units are due, and nobody asks`);
    return found;
  }
}
