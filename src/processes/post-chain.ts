import { LRUCache } from 'lru-cache';
import type { CausePlace } from '../domain/settlement.js';

/** Settlement streams whose last cause is remembered; for others the next command makes no claim. */
const STREAMS_MAX = 10_000;

/** For each settlement stream the cause that was sent to it before the next one. */
export class PostChain {
  readonly #confirmed = new LRUCache<string, CausePlace>({ max: STREAMS_MAX });
  readonly #sent = new Map<string, CausePlace>();

  /** The cause before this one, which becomes the last; null where none is known. */
  link(stream: string, cause: CausePlace): CausePlace | null {
    const before = this.#sent.get(stream) ?? this.#confirmed.get(stream) ?? null;
    this.#sent.set(stream, cause);
    return before;
  }

  /** Everything linked so far is posted. */
  confirm(): void {
    for (const [stream, cause] of this.#sent) this.#confirmed.set(stream, cause);
    this.#sent.clear();
  }

  /** What was linked since the last confirmation will be sent again. */
  forget(): void {
    this.#sent.clear();
  }
}
