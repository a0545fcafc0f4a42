import type { Wrong } from './holders.js';
import { type OrderedLine, openUnits } from './order-units.js';
import { count, type Data, rows, text } from './raw-log.js';

interface Review {
  readonly blocks: readonly string[];
  readonly lines: readonly string[] | undefined;
  open: boolean;
}

interface Split {
  readonly left: Map<string, number>;
  shipped: boolean;
  undone: boolean;
}

type Lines = ReadonlyMap<string, OrderedLine>;

/** What blocks an order, and what of it ships apart. */
export class Parts {
  readonly #reviews = new Map<string, Review>();
  readonly #splits = new Map<string, Split>();

  get openReviews(): string[] {
    return [...this.#reviews].filter(([, { open }]) => open).map(([holdId]) => holdId);
  }

  #blocks(step: string, lineIds: readonly string[]): boolean {
    return [...this.#reviews.values()].some(
      ({ open, blocks, lines }) =>
        open &&
        blocks.includes(step) &&
        (step === 'confirm' || lines === undefined || lines.some((lineId) => lineIds.includes(lineId))),
    );
  }

  /** Before the event is counted: whether it may happen. */
  check(type: string, data: Data, lines: Lines, wrong: Wrong): void {
    if (type === 'OrderConfirmed' && this.#blocks('confirm', [])) wrong('blocked_step', 'confirmed');
    if (type !== 'OrderShipped') return;
    const ids = rows(data.lines).map(({ lineId }) => text(lineId));
    if (this.#blocks('ship', ids)) wrong('blocked_step', 'shipped');
    const split = this.#splits.get(text(data.splitId));
    if (data.splitId === undefined) return;
    const strange = ids.filter((id) => lines.get(id)?.kind === 'goods' && split?.left.has(id) !== true);
    if (split === undefined || split.undone || strange.length > 0) wrong('split_wrong', text(data.splitId));
  }

  #take(splitId: unknown, lineId: unknown, quantity: unknown, wrong: Wrong): void {
    const left = this.#splits.get(text(splitId))?.left;
    const before = left?.get(text(lineId));
    if (left === undefined || before === undefined) return;
    left.set(text(lineId), before - count(quantity));
    if (before < count(quantity)) wrong('split_wrong', `${text(splitId)} has ${before} of ${text(lineId)}`);
  }

  add(type: string, data: Data, lines: Lines, wrong: Wrong): void {
    switch (type) {
      case 'OrderHeld': {
        const { blocks, lines: on } = data as { blocks: string[]; lines?: string[] };
        this.#reviews.set(text(data.holdId), { blocks, lines: on, open: true });
        return;
      }
      case 'OrderHoldResolved': {
        const review = this.#reviews.get(text(data.holdId));
        if (review?.open !== true) wrong('resolved_unheld', text(data.holdId));
        else review.open = false;
        return;
      }
      case 'OrderSplit': {
        const left = new Map(
          rows(data.lines).map(({ lineId, quantity }) => [text(lineId), count(quantity)] as const),
        );
        this.#splits.set(text(data.splitId), { left, shipped: false, undone: false });
        break;
      }
      case 'OrderSplitUndone': {
        const split = this.#splits.get(text(data.splitId));
        if (split === undefined || split.shipped || split.undone) wrong('split_wrong', 'undone');
        else split.undone = true;
        return;
      }
      case 'OrderShipped': {
        const split = this.#splits.get(text(data.splitId));
        if (split !== undefined) split.shipped = true;
        for (const { lineId, quantity } of rows(data.lines))
          this.#take(data.splitId, lineId, quantity, wrong);
        break;
      }
      case 'OrderLinesCancelled':
        for (const { splitId, lineId, quantity } of rows(data.splits))
          this.#take(splitId, lineId, quantity, wrong);
        break;
      default:
        return;
    }
    this.#checkApart(lines, wrong);
  }

  /** No more ships apart than is open. */
  #checkApart(lines: Lines, wrong: Wrong): void {
    const apart = new Map<string, number>();
    for (const { left, undone } of this.#splits.values()) {
      if (undone) continue;
      for (const [lineId, units] of left) apart.set(lineId, (apart.get(lineId) ?? 0) + units);
    }
    for (const [lineId, units] of apart) {
      const line = lines.get(lineId);
      if (line === undefined || openUnits(line) < units) wrong('split_taken', lineId);
    }
  }
}
