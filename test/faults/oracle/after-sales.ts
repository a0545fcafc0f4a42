import type { Wrong } from './holders.js';
import { type Data, minorUnits, rows, text } from './raw-log.js';

/** Which steps a return may have behind it when the next one comes. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  OrderReturnAuthorised: ['OrderReturnRequested'],
  OrderReturnReceived: ['OrderReturnAuthorised'],
  OrderReturnInspected: ['OrderReturnReceived'],
  OrderReturnRefused: [
    'OrderReturnRequested',
    'OrderReturnAuthorised',
    'OrderReturnReceived',
    'OrderReturnInspected',
  ],
  OrderReturned: ['OrderReturnInspected'],
};

export interface Exchange {
  readonly newOrderId: string;
  readonly returnId: string;
  readonly credit: bigint;
  over: boolean;
}

/** What the customer pays for units, by the shares that are frozen to them. */
const paidFor = (lines: unknown): bigint =>
  rows(lines).reduce(
    (sum, { amount, discount, tax }) => sum + minorUnits(amount) - minorUnits(discount) + minorUnits(tax),
    0n,
  );

/** What comes back and is given back: in its steps, and never more than was charged unless somebody says why. */
export class AfterSales {
  readonly exchanges = new Map<string, Exchange>();
  readonly #steps = new Map<string, string>();
  readonly #credits = new Map<string, bigint>();
  #charged = 0n;
  #givenBack = 0n;
  #goodwill = false;

  add(type: string, data: Data, wrong: Wrong): void {
    this.#step(type, data, wrong);
    switch (type) {
      case 'OrderShipped':
        this.#charged += paidFor(data.lines);
        break;
      case 'OrderReturned': {
        const credit = paidFor(data.lines) + minorUnits(data.allowance);
        this.#credits.set(text(data.returnId), credit);
        this.#goodwill ||= data.goodwill !== undefined;
        this.#giveBack(credit, wrong);
        break;
      }
      case 'OrderAllowanceGranted':
        this.#giveBack(minorUnits(data.amount), wrong);
        break;
      case 'OrderExchangeAgreed': {
        const { exchangeId, newOrderId, returnId, credit } = data;
        const one = { newOrderId: text(newOrderId), returnId: text(returnId), credit: minorUnits(credit) };
        this.exchanges.set(text(exchangeId), { ...one, over: false });
        this.#checkCarried(one.returnId, wrong);
        break;
      }
      case 'OrderExchangeSettled':
      case 'OrderExchangeEnded': {
        const exchange = this.exchanges.get(text(data.exchangeId));
        if (exchange?.over !== false) wrong('exchange_over', text(data.exchangeId));
        else if (type === 'OrderExchangeSettled') exchange.over = true;
        // What came back may be carried again.
        else this.exchanges.set(text(data.exchangeId), { ...exchange, credit: 0n, over: true });
        break;
      }
      default:
    }
  }

  #step(type: string, data: Data, wrong: Wrong): void {
    const id = text(data.returnId);
    const before = this.#steps.get(id);
    if (type === 'OrderReturnRequested') this.#steps.set(id, type);
    const wanted = BEFORE[type];
    // A return without a request has no steps.
    if (wanted === undefined || (type === 'OrderReturned' && before === undefined)) return;
    if (before === undefined || !wanted.includes(before)) wrong('return_step', `${id}: ${before}`);
    this.#steps.set(id, type);
  }

  #giveBack(amount: bigint, wrong: Wrong): void {
    this.#givenBack += amount;
    if (this.#givenBack > this.#charged && !this.#goodwill) wrong('more_than_charged');
  }

  #checkCarried(returnId: string, wrong: Wrong): void {
    let carried = 0n;
    for (const one of this.exchanges.values()) if (one.returnId === returnId) carried += one.credit;
    if (carried > (this.#credits.get(returnId) ?? 0n)) wrong('credit_twice', returnId);
  }
}
