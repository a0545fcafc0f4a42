import { randomUUID } from 'node:crypto';
import { SYSTEM_LOG_CATEGORY } from '../domain/system-log.js';
import type { EventStore, Revision } from './event-store.js';

/** So long a process loses every append before it asks for a turn, at least, and in appends. */
const ASK_AFTER_MS = 250;
const ASK_AFTER_APPENDS = 8;
/** It asks again after twice as long, at most after this. */
const ASK_AGAIN_MAX_MS = 30_000;
/** A stream with fewer own appends since the last look is not hot: a look costs a read. */
const LOOK_APPENDS = 16;

const TYPE = 'TurnRequested';

/** Where processes that lose every append to `stream` say so. No read model and no fold reads it. */
export const turnsStreamOf = (stream: string): string => `${SYSTEM_LOG_CATEGORY}-turns~${stream}`;

/**
 * How a process that cannot win against another on a hot stream makes itself heard: an event in a stream beside it, at which the other
 * looks now and then. Waiting to be seen in the stream itself is not enough: one process appends more events a second than another can read
 * (46,000 against 27,000 while it does, on two cores, 2026-11-28), so whoever is behind falls further behind, and no pause that is
 * affordable lets it catch up.
 *
 * Guarantees nothing: a request or a look that fails is left to the next one.
 */
export class TurnRequests {
  #timer: NodeJS.Timeout | undefined;
  #lookedAtMs = 0;
  #appends = 0;
  /** The last request known; undefined until the first look of a run, which asks what is old. */
  #known: Revision | undefined;

  /** `onRequest` is called when another process has asked since the look before. */
  constructor(
    private readonly store: EventStore,
    private readonly stream: string,
    private readonly lookEveryMs: number,
    private readonly onRequest: () => void,
  ) {}

  /** The writer begins to write after a pause. */
  started(nowMs: number): void {
    this.#lookedAtMs = nowMs;
    this.#appends = 0;
    this.#known = undefined;
  }

  /** An append was lost. Asks for a turn unless one goes through before: reading what was written may already take too long. */
  losing(appendMs: number): void {
    if (this.#timer !== undefined || this.lookEveryMs === Number.POSITIVE_INFINITY) return;
    this.#askIn(Math.max(ASK_AFTER_MS, ASK_AFTER_APPENDS * appendMs));
  }

  /** Nothing to write any more. */
  quiet(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Own append went through. Looks for requests when it is time, beside the writing. */
  wrote(nowMs: number): void {
    if (this.#timer !== undefined) this.quiet();
    this.#appends += 1;
    if (nowMs - this.#lookedAtMs < this.lookEveryMs || this.#appends < LOOK_APPENDS) return;
    this.#lookedAtMs = nowMs;
    this.#appends = 0;
    void this.#look();
  }

  async #look(): Promise<void> {
    try {
      const { revision = -1 } = (await this.store.readLast(turnsStreamOf(this.stream))) ?? {};
      const isNew = this.#known !== undefined && revision > this.#known;
      this.#known = revision;
      if (isNew) this.onRequest();
    } catch {
      // What ails the store is for the commands to meet.
    }
  }

  #askIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#askIn(Math.min(ASK_AGAIN_MAX_MS, 2 * ms));
      const request = { id: randomUUID(), type: TYPE, data: {}, metadata: {} };
      void this.store.append(turnsStreamOf(this.stream), [request], 'any').catch(() => undefined);
    }, ms);
  }
}
