import type { ExchangeEvent } from '../domain/exchange-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { minorOf } from './money.js';
import type { Violations } from './violations.js';

type Of<Type extends ExchangeEvent['type']> = Extract<ExchangeEvent, { type: Type }>['data'];

export interface FoldedExchange {
  readonly orderId: string;
  readonly data: Of<'OrderExchangeAgreed'>;
  readonly by: string;
  readonly at: string;
  settled: Of<'OrderExchangeSettled'> | undefined;
  ended: Of<'OrderExchangeEnded'> | undefined;
  overAt: string | undefined;
  position: bigint;
}

/** The exchanges of one order: no credit carried twice, each over once, and its sums right. */
export class FoldedExchanges {
  readonly all = new Map<string, FoldedExchange>();

  constructor(
    private readonly orderId: string,
    private readonly violations: Violations,
  ) {}

  #wrong(what: string): void {
    this.violations.add('wrong_exchange', `order-${this.orderId}`, what);
  }

  /** `credited`: what its return came to, in minor units; undefined where there was none. */
  agree(
    { metadata, position }: RecordedEvent,
    data: FoldedExchange['data'],
    credited: bigint | undefined,
  ): void {
    const { exchangeId, returnId } = data;
    if (this.all.has(exchangeId)) this.#wrong(`${exchangeId} agreed again`);
    this.all.set(exchangeId, {
      orderId: this.orderId,
      data,
      by: metadata.actor,
      at: metadata.effectiveAt,
      settled: undefined,
      ended: undefined,
      overAt: undefined,
      position: position.commit,
    });
    let carried = 0n;
    for (const { data: one, ended } of this.all.values()) {
      if (one.returnId === returnId && ended === undefined) carried += minorOf(one.credit, one.currency);
    }
    if (credited === undefined || carried > credited)
      this.#wrong(`${exchangeId}: more than ${returnId} gave`);
  }

  #over({ metadata, position }: RecordedEvent, exchangeId: string): FoldedExchange | undefined {
    const found = this.all.get(exchangeId);
    if (found === undefined || found.overAt !== undefined) {
      this.#wrong(`${exchangeId}: over, and not open`);
      return undefined;
    }
    found.overAt = metadata.effectiveAt;
    found.position = position.commit;
    return found;
  }

  settle(recorded: RecordedEvent, data: Of<'OrderExchangeSettled'>): void {
    const found = this.#over(recorded, data.exchangeId);
    if (found === undefined) return;
    found.settled = data;
    const minor = (amount: string): bigint => minorOf(amount, data.currency);
    const credit = minor(found.data.credit);
    const charged = minor(data.charged);
    const carried = minor(data.carried);
    const right =
      (carried === charged || carried === credit) &&
      carried + minor(data.toPay) === charged &&
      carried + minor(data.toGiveBack) === credit;
    // With what is to pay and to give back not below zero, the smaller of both was carried.
    if (!right) this.#wrong(`${data.exchangeId}: ${data.carried} carried of ${found.data.credit}`);
  }

  end(recorded: RecordedEvent, data: Of<'OrderExchangeEnded'>): void {
    const found = this.#over(recorded, data.exchangeId);
    if (found === undefined) return;
    found.ended = data;
    if (data.owed !== found.data.credit) this.#wrong(`${data.exchangeId}: owes ${data.owed}`);
  }
}
