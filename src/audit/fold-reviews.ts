import type { BlockableStep, OrderHeld, OrderHoldResolved } from '../domain/review.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Violations } from './violations.js';

/** Who wrote an event of a review, when it happened, and where it is in the log. */
interface Written {
  readonly by: string;
  readonly at: string;
  readonly position: bigint;
}

export interface FoldedReview {
  readonly orderId: string;
  readonly data: OrderHeld['data'];
  readonly put: Written;
  resolution: OrderHoldResolved['data'] | undefined;
  resolved: Written | undefined;
}

const writtenBy = ({ metadata, position }: RecordedEvent): Written => ({
  by: metadata.actor,
  at: metadata.effectiveAt,
  position: position.commit,
});

/** What held one order back, and whether it did: nothing may be done that an open one blocks, and all end before the order. */
export class FoldedReviews {
  readonly all = new Map<string, FoldedReview>();

  constructor(
    private readonly orderId: string,
    private readonly violations: Violations,
  ) {}

  put(recorded: RecordedEvent, data: OrderHeld['data']): void {
    if (this.all.has(data.holdId)) this.violations.add('wrong_review', recorded.stream, data.holdId);
    this.all.set(data.holdId, {
      orderId: this.orderId,
      data,
      put: writtenBy(recorded),
      resolution: undefined,
      resolved: undefined,
    });
  }

  resolve(recorded: RecordedEvent, data: OrderHoldResolved['data']): void {
    const review = this.all.get(data.holdId);
    if (review === undefined || review.resolution !== undefined) {
      this.violations.add('wrong_review', recorded.stream, data.holdId);
      return;
    }
    review.resolution = data;
    review.resolved = writtenBy(recorded);
  }

  /** The order takes a step, with these lines. */
  step(step: BlockableStep, moved: readonly string[]): void {
    for (const { data, resolution } of this.all.values()) {
      if (resolution !== undefined || !data.blocks.includes(step)) continue;
      const { lines } = data;
      if (step === 'ship' && lines !== undefined && !moved.some((lineId) => lines.includes(lineId))) continue;
      this.violations.add('blocked_step', `order-${this.orderId}`, `${step} under ${data.holdId}`);
    }
  }

  end(): void {
    for (const { data, resolution } of this.all.values()) {
      if (resolution === undefined) {
        this.violations.add('review_left_open', `order-${this.orderId}`, data.holdId);
      }
    }
  }
}
