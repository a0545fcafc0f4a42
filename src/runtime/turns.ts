/** So long a process goes on writing to a stream that others write to as well. */
const TURN_MS = 100;
/** That pause, in own appends, at least and at most: time for another to fail, to read what was written and to append. */
const GAP_APPENDS = 4;
const GAP_MIN_MS = 30;
const GAP_MAX_MS = 80;
/** How long to wait until others take their turn: a multiple of what they usually need, at least, and at most. */
const HAND_OVER_FACTOR = 3;
const HAND_OVER_MIN_MS = 50;
const HAND_OVER_MAX_MS = 250;
/** So many turns in a row that nobody took, and the stream is ours alone again. */
const MISSED_TURNS_MAX = 2;
/** Nothing new for so many of the own appends, and the others' turn is over. */
const QUIET_APPENDS = 1.5;
const QUIET_MIN_MS = 8;
const QUIET_MAX_MS = 60;

const average = (before: number, value: number): number =>
  before === 0 ? value : 0.8 * before + 0.2 * value;
const between = (min: number, value: number, max: number): number => Math.min(max, Math.max(min, value));

/** How to watch the stream before writing to it: until somebody writes, and then until it is quiet. */
export interface Watch {
  readonly forOthersMs: number;
  readonly quietMs: number;
}

/**
 * Lets several processes write to one hot stream in turns, through the log alone. Without it the one that wrote last always
 * wins: it appends again before another has read what it wrote.
 *
 * States: alone -> (lost an append, or saw events of others in a pause) -> contended -> (nobody took two turns) -> alone.
 * Contended: who has written for a turn waits until it sees events of others, then until their turn is over. Alone: a short
 * pause now and then, since one that always loses has no other way to be seen. That one does not wait but tries again at once,
 * with ever smaller batches, until it had its first turn.
 */
export class Turns {
  #contended = false;
  #hadTurn = false;
  #wroteLast = false;
  #stretchFromMs = 0;
  #turnFromMs = 0;
  #appendMs = 0;
  #handOverMs = 0;
  #missed = 0;

  /** `stretchMs`: so long the stream is written to without a pause in which another process could be seen. */
  constructor(private readonly stretchMs: number) {}

  get contended(): boolean {
    return this.#contended;
  }

  /** The writer has something to do after it had nothing. */
  started(nowMs: number): void {
    this.#stretchFromMs = nowMs;
  }

  wrote(nowMs: number, durationMs: number): void {
    if (!this.#wroteLast) this.#turnFromMs = nowMs - durationMs;
    this.#wroteLast = true;
    if (this.#contended) this.#hadTurn = true;
    this.#appendMs = average(this.#appendMs, durationMs);
  }

  /** Somebody else wrote before us. What to wait for before trying again; undefined for "at once". */
  lost(): Watch | undefined {
    const watch = this.#contended && this.#hadTurn ? { forOthersMs: 0, quietMs: this.#quietMs } : undefined;
    this.#contended = true;
    this.#wroteLast = false;
    this.#missed = 0;
    // If the others do not stop this time, they do not know of us any more: be seen again.
    this.#hadTurn = false;
    return watch;
  }

  /** What to wait for before the next batch; mostly nothing. */
  next(nowMs: number): Watch | undefined {
    if (this.#contended) {
      if (!this.#wroteLast || nowMs - this.#turnFromMs < TURN_MS) return undefined;
      const usualMs = HAND_OVER_FACTOR * Math.max(this.#appendMs, this.#handOverMs);
      return {
        forOthersMs: between(HAND_OVER_MIN_MS, usualMs, HAND_OVER_MAX_MS),
        quietMs: this.#quietMs,
      };
    }
    if (nowMs - this.#stretchFromMs < this.stretchMs) return undefined;
    return {
      forOthersMs: between(GAP_MIN_MS, GAP_APPENDS * this.#appendMs, GAP_MAX_MS),
      quietMs: this.#quietMs,
    };
  }

  /** The watch is over. `firstSeenMs`: when others were seen first, counted from its start; undefined for not at all. */
  watched(nowMs: number, firstSeenMs: number | undefined): void {
    if (firstSeenMs !== undefined) {
      this.#contended = true;
      this.#missed = 0;
      this.#handOverMs = average(this.#handOverMs, firstSeenMs);
    } else if (this.#contended) {
      this.#missed += 1;
      if (this.#missed >= MISSED_TURNS_MAX) {
        this.#contended = false;
        this.#hadTurn = false;
      }
    }
    this.#wroteLast = false;
    this.#stretchFromMs = nowMs;
  }

  get #quietMs(): number {
    return between(QUIET_MIN_MS, QUIET_APPENDS * this.#appendMs, QUIET_MAX_MS);
  }
}
