/** So long a stream is written to without a pause in which another process could get in. */
const STRETCH_MAX_MS = 400;
const GAP_APPENDS = 3;
const GAP_MAX_MS = 60;
/** How long to wait for the others' turn, in own appends, in earlier turns of theirs, and at least and at most. */
const TURN_APPENDS = 3;
const TURN_TURNS = 3;
const TURN_MIN_MS = 50;
const TURN_MAX_MS = 250;
/** So many turns in a row that nobody took, and the stream is ours alone again. */
const TURNS_MISSED_MAX = 2;

const average = (before: number, value: number): number =>
  before === 0 ? value : 0.8 * before + 0.2 * value;

/**
 * Lets several processes write to one hot stream in turns, through the log alone. Without it the one that wrote last always
 * wins: it appends again before another has read what it wrote. While others write too, whoever wrote waits until it sees
 * events of somebody else (or nobody comes). A process that meets nobody makes a short pause now and then, since the one that
 * always loses has no other way to be seen.
 */
export class Turns {
  #contended = false;
  #wroteLast = false;
  #stretchFromMs = 0;
  #appendMs = 0;
  #turnMs = 0;
  #missed = 0;

  /** Others write to the stream as well, as far as we know. */
  get contended(): boolean {
    return this.#contended;
  }

  /** The writer has something to do after it had nothing. */
  started(nowMs: number): void {
    this.#stretchFromMs = nowMs;
  }

  wrote(durationMs: number): void {
    this.#wroteLast = true;
    this.#appendMs = average(this.#appendMs, durationMs);
  }

  /** Somebody else wrote before us. */
  lost(): void {
    this.#contended = true;
    this.#wroteLast = false;
    this.#missed = 0;
  }

  /** How long to wait for others before the next batch; mostly 0. */
  waitMs(nowMs: number): number {
    if (this.#contended && this.#wroteLast) {
      const usualMs = Math.max(TURN_APPENDS * this.#appendMs, TURN_TURNS * this.#turnMs);
      return Math.min(TURN_MAX_MS, Math.max(TURN_MIN_MS, usualMs));
    }
    if (nowMs - this.#stretchFromMs < STRETCH_MAX_MS) return 0;
    return Math.min(GAP_MAX_MS, GAP_APPENDS * this.#appendMs);
  }

  waited(nowMs: number, waitedMs: number, sawOthers: boolean): void {
    if (sawOthers) {
      this.#contended = true;
      this.#missed = 0;
      this.#turnMs = average(this.#turnMs, waitedMs);
    } else {
      this.#missed += 1;
      if (this.#missed >= TURNS_MISSED_MAX) this.#contended = false;
    }
    this.#wroteLast = false;
    this.#stretchFromMs = nowMs;
  }
}
