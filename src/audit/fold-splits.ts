import type { OrderSplit, SplitUnits } from '../domain/split.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Violations } from './violations.js';

export interface FoldedSplitLine {
  readonly orderId: string;
  readonly data: OrderSplit['data'];
  readonly lineId: string;
  readonly index: number;
  readonly quantity: number;
  readonly by: string;
  readonly at: string;
  readonly revision: number;
  shipped: number;
  cancelled: number;
  undone: boolean;
}

/** The units of one order that ship apart: every group ships and cancels its own, and undoes nothing that was shipped. */
export class FoldedSplits {
  /** By group and line. */
  readonly groups = new Map<string, Map<string, FoldedSplitLine>>();

  constructor(
    private readonly orderId: string,
    private readonly violations: Violations,
  ) {}

  split({ metadata, revision }: RecordedEvent, data: OrderSplit['data']): void {
    if (this.groups.has(data.splitId)) this.#wrong(`${data.splitId} again`);
    const lines = new Map<string, FoldedSplitLine>();
    data.lines.forEach(({ lineId, quantity }, index) => {
      lines.set(lineId, {
        orderId: this.orderId,
        data,
        lineId,
        index,
        quantity,
        by: metadata.actor,
        at: metadata.effectiveAt,
        revision,
        shipped: 0,
        cancelled: 0,
        undone: false,
      });
    });
    this.groups.set(data.splitId, lines);
  }

  undo(splitId: string): void {
    const lines = this.groups.get(splitId);
    if (lines === undefined) this.#wrong(`${splitId} undone and never made`);
    for (const line of lines?.values() ?? []) {
      if (line.undone || line.shipped > 0) this.#wrong(`${splitId} undone`);
      line.undone = true;
    }
  }

  take(counter: 'shipped' | 'cancelled', units: readonly SplitUnits[]): void {
    for (const { splitId, lineId, quantity } of units) {
      const line = this.groups.get(splitId)?.get(lineId);
      if (line === undefined) {
        this.#wrong(`${splitId} has no line ${lineId}`);
        continue;
      }
      line[counter] += quantity;
      if (line.undone || line.shipped + line.cancelled > line.quantity) {
        this.#wrong(`${splitId}: ${quantity} of line ${lineId} ${counter}`);
      }
    }
  }

  /** No more is apart than is open. */
  check(openOf: (lineId: string) => number): void {
    const apart = new Map<string, number>();
    for (const { lineId, quantity, shipped, cancelled, undone } of this.lines()) {
      if (!undone) apart.set(lineId, (apart.get(lineId) ?? 0) + quantity - shipped - cancelled);
    }
    for (const [lineId, units] of apart) {
      if (units > openOf(lineId)) this.#wrong(`${units} of line ${lineId} apart, ${openOf(lineId)} open`);
    }
  }

  *lines(): Generator<FoldedSplitLine> {
    for (const lines of this.groups.values()) yield* lines.values();
  }

  #wrong(detail: string): void {
    this.violations.add('wrong_split', `order-${this.orderId}`, detail);
  }
}
