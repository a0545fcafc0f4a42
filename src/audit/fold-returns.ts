import type { ExchangeEvent } from '../domain/exchange-events.js';
import type { OrderReturned } from '../domain/order-events.js';
import type { ReturnEvent } from '../domain/return-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { FoldedAllowances } from './fold-allowances.js';
import { FoldedExchanges } from './fold-exchanges.js';
import type { FoldedOrder } from './folded-order.js';
import type { FoldedReturn, FoldedReturnLine } from './folded-return.js';
import type { Violations } from './violations.js';

const none = { received: 0, accepted: 0, damaged: 0, missing: 0, refused: 0 };
const STEPS: Readonly<Record<string, readonly string[]>> = {
  OrderReturnAuthorised: ['requested'],
  OrderReturnReceived: ['authorised'],
  OrderReturnInspected: ['received'],
  OrderReturnRefused: ['requested', 'authorised', 'received', 'inspected'],
};

/** What was asked back and given back of one order: every step in its order, no unit twice, and no more than was charged. */
export class FoldedReturns {
  readonly returns = new Map<string, FoldedReturn>();
  readonly allowances: FoldedAllowances;
  readonly exchanges: FoldedExchanges;
  /** Units by line that the customer has back for good. */
  readonly #refused = new Map<string, number>();

  constructor(
    private readonly order: FoldedOrder,
    private readonly violations: Violations,
  ) {
    this.exchanges = new FoldedExchanges(order.id, violations);
    this.allowances = new FoldedAllowances(order, violations);
  }

  #wrong(what: string): void {
    this.violations.add('wrong_return', `order-${this.order.id}`, what);
  }

  #isGoods(lineId: string): boolean {
    return this.order.lines.get(lineId)?.kind === 'goods';
  }

  /** Units of a line that an open return keeps. */
  #kept({ state, lines }: FoldedReturn, lineId: string): number {
    const line = lines.get(lineId);
    if (line === undefined) return 0;
    if (state === 'requested' || state === 'authorised') return line.requested;
    if (state === 'received') return this.#isGoods(lineId) ? line.received : line.requested;
    return state === 'inspected' ? line.accepted : 0;
  }

  #checkUnits(lineIds: Iterable<string>): void {
    for (const lineId of lineIds) {
      const line = this.order.lines.get(lineId);
      if (line === undefined) continue;
      let taken = line.returned + (this.#refused.get(lineId) ?? 0);
      for (const one of this.returns.values()) taken += this.#kept(one, lineId);
      // More returned alone is more than was shipped, which the lines find.
      if (taken > line.shipped && line.returned <= line.shipped)
        this.#wrong(`${lineId}: ${taken} asked back of ${line.shipped}`);
    }
  }

  #refuse(lineId: string, units: number): void {
    if (units > 0) this.#refused.set(lineId, (this.#refused.get(lineId) ?? 0) + units);
  }

  #begin(
    { metadata, position }: RecordedEvent,
    returnId: string,
    reason: string,
    lines: readonly FoldedReturnLine[],
  ): FoldedReturn {
    const begun: FoldedReturn = {
      orderId: this.order.id,
      returnId,
      reason,
      lines: new Map(lines.map((line) => [line.lineId, line])),
      by: metadata.actor,
      openedAt: metadata.effectiveAt,
      state: 'requested',
      instructions: undefined,
      refusal: undefined,
      location: undefined,
      credit: undefined,
      credited: 0n,
      authorisedAt: undefined,
      receivedAt: undefined,
      inspectedAt: undefined,
      creditedAt: undefined,
      refusedAt: undefined,
      position: position.commit,
    };
    this.returns.set(returnId, begun);
    return begun;
  }

  apply(recorded: RecordedEvent, event: ReturnEvent | ExchangeEvent): void {
    switch (event.type) {
      case 'OrderAllowanceGranted':
        this.allowances.grant(recorded, event.data);
        return;
      case 'OrderExchangeAgreed':
        this.exchanges.agree(recorded, event.data, this.returns.get(event.data.returnId)?.credited);
        return;
      case 'OrderExchangeSettled':
        this.exchanges.settle(recorded, event.data);
        return;
      case 'OrderExchangeEnded':
        this.exchanges.end(recorded, event.data);
        return;
      case 'OrderReturnRequested': {
        const { returnId, reason, lines } = event.data;
        if (this.returns.has(returnId)) this.#wrong(`${returnId} requested again`);
        const units = lines.map(({ lineId, sku, quantity }) => {
          if (this.order.lines.get(lineId)?.sku !== sku) this.#wrong(`${returnId}: ${lineId} is not ${sku}`);
          return { lineId, sku, requested: quantity, ...none };
        });
        this.#begin(recorded, returnId, reason, units);
        this.#checkUnits(lines.map(({ lineId }) => lineId));
        return;
      }
      default:
        this.#step(recorded, event);
    }
  }

  #step(
    { metadata, position }: RecordedEvent,
    event: Exclude<ReturnEvent, { type: 'OrderReturnRequested' | 'OrderAllowanceGranted' }>,
  ): void {
    const found = this.returns.get(event.data.returnId);
    if (found === undefined || !STEPS[event.type]?.includes(found.state)) {
      this.#wrong(`${event.data.returnId}: ${event.type} when ${found?.state ?? 'never requested'}`);
      if (found === undefined) return;
    }
    const at = metadata.effectiveAt;
    found.position = position.commit;
    switch (event.type) {
      case 'OrderReturnAuthorised':
        found.state = 'authorised';
        found.instructions = event.data.note;
        found.authorisedAt = at;
        break;
      case 'OrderReturnRefused':
        for (const [lineId, line] of found.lines) {
          if (!this.#isGoods(lineId)) continue;
          if (found.state === 'received') this.#refuse(lineId, line.received);
          if (found.state === 'inspected') this.#refuse(lineId, line.accepted);
        }
        found.state = 'refused';
        found.refusal = event.data.reason;
        found.refusedAt = at;
        break;
      case 'OrderReturnReceived':
        for (const { lineId, quantity } of event.data.lines) {
          const line = found.lines.get(lineId);
          if (line === undefined || quantity > line.requested) this.#wrong(`${lineId}: received ${quantity}`);
          if (line !== undefined) line.received = quantity;
        }
        found.state = 'received';
        found.location = event.data.location;
        found.receivedAt = at;
        break;
      case 'OrderReturnInspected':
        for (const { lineId, quantity, outcome } of event.data.lines)
          this.#inspect(found, lineId, quantity, outcome);
        for (const { lineId, received, accepted, missing, refused } of found.lines.values()) {
          if (this.#isGoods(lineId) && accepted + missing + refused !== received) {
            this.#wrong(`${found.returnId}: ${lineId} inspected otherwise than received`);
          }
        }
        found.state = [...found.lines.values()].some(({ accepted }) => accepted > 0) ? 'inspected' : 'closed';
        found.inspectedAt = at;
        break;
    }
  }

  #inspect(found: FoldedReturn, lineId: string, quantity: number, outcome: string): void {
    const line = found.lines.get(lineId);
    if (line === undefined) {
      this.#wrong(`${found.returnId}: ${lineId} inspected and never requested`);
      return;
    }
    if (outcome === 'missing') line.missing += quantity;
    else if (outcome === 'refused') {
      line.refused += quantity;
      this.#refuse(lineId, quantity);
    } else line.accepted += quantity;
    if (outcome === 'damaged') line.damaged += quantity;
    if ((outcome === 'credited') === this.#isGoods(lineId)) this.#wrong(`${lineId} is not for ${outcome}`);
  }

  /** Units came back for good, by a request or without one. `credited`: minor units. */
  credit(recorded: RecordedEvent, data: OrderReturned['data'], credited: bigint): void {
    const units = new Map<string, { sku: string; units: number }>();
    for (const { lineId, sku, quantity } of data.lines) {
      units.set(lineId, { sku, units: (units.get(lineId)?.units ?? 0) + quantity });
    }
    let found = this.returns.get(data.returnId);
    if (found === undefined) {
      const lines = [...units].map(([lineId, { sku, units: all }]) => ({
        ...{ lineId, sku, requested: all, ...none },
        received: all,
        accepted: all,
      }));
      found = this.#begin(recorded, data.returnId, data.reason, lines);
      found.location = data.lines.find(({ location }) => location !== undefined)?.location;
    } else {
      if (found.state !== 'inspected') this.#wrong(`${data.returnId} credited when ${found.state}`);
      for (const { lineId, accepted } of found.lines.values()) {
        if ((units.get(lineId)?.units ?? 0) !== accepted) this.#wrong(`${data.returnId}: ${lineId} credited`);
      }
    }
    found.state = 'credited';
    found.credit = data;
    found.credited = credited;
    found.creditedAt = recorded.metadata.effectiveAt;
    found.position = recorded.position.commit;
    this.#checkUnits(units.keys());
  }
}
