import type { ReturnEvent } from '../domain/return-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { checkRate, taxOfFirst } from './fold-taxes.js';
import type { FoldedOrder } from './folded-order.js';
import { carriedByFirst, minorOf } from './money.js';
import type { Violations } from './violations.js';

export interface FoldedAllowance {
  readonly orderId: string;
  readonly data: Extract<ReturnEvent, { type: 'OrderAllowanceGranted' }>['data'];
  readonly by: string;
  readonly at: string;
  readonly position: bigint;
}

/** Money given back for one order without a return: each once, and for a line no more than is left of what was charged for it. */
export class FoldedAllowances {
  readonly all = new Map<string, FoldedAllowance>();

  constructor(
    private readonly order: FoldedOrder,
    private readonly violations: Violations,
  ) {}

  grant({ metadata, position }: RecordedEvent, data: FoldedAllowance['data']): void {
    const { allowanceId, lineId } = data;
    const stream = `order-${this.order.id}`;
    if (this.all.has(allowanceId)) {
      this.violations.add('wrong_return', stream, `allowance ${allowanceId} granted again`);
    }
    checkRate(this.order, data.settlement, this.violations);
    const { actor: by, effectiveAt: at } = metadata;
    this.all.set(allowanceId, { orderId: this.order.id, data, by, at, position: position.commit });
    if (lineId !== undefined) this.#checkLine(stream, allowanceId, lineId);
  }

  #checkLine(stream: string, allowanceId: string, lineId: string): void {
    const line = this.order.lines.get(lineId);
    if (line === undefined) {
      this.violations.add('unknown_line', stream, lineId);
      return;
    }
    const paid = (units: number): bigint =>
      carriedByFirst(line.amount, line.quantity, units) -
      carriedByFirst(line.discount, line.quantity, units) +
      taxOfFirst(line, this.order.placed.currency, units);
    let left = paid(line.shipped) - paid(line.returned);
    for (const { data } of this.all.values()) {
      if (data.lineId === lineId) left -= minorOf(data.amount, data.currency);
    }
    if (left < 0n) this.violations.add('more_refunded_than_paid', stream, `allowance ${allowanceId}`);
  }
}
