/**
 * So long a process goes on writing to a stream that others write to as well. A hand-over takes some 50 ms, and the other's commands
 * wait for the turn and that. 100 / 200 / 300 ms: two processes do 46 / 50 / 64 % of what one does (2026-11-28, two runs each);
 * 250 ms and events decoded by ourselves: 60 to 74 % (five runs).
 */
const TURN_MS = 250;
/** How long to wait for one that asked for a turn: it has all to read that was written since it lost. */
const ASKED_WAIT_MS = 500;
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

/** How to watch the stream before writing to it: until somebody writes, and then until it is quiet or their turn is over. */
export interface Watch {
  readonly forOthersMs: number;
  readonly quietMs: number;
  readonly turnMs: number;
}

/**
 * Lets several processes write to one hot stream in turns, through the log alone. Without it the one that wrote last always
 * wins: it appends again before another has read what it wrote.
 *
 * States: alone -> (lost an append, or another asked for a turn) -> contended -> (nobody took two turns) -> alone.
 * Contended: who has written for a turn waits until it sees events of others, then until their turn is over. One that always
 * loses does not wait but tries again at once, with ever smaller batches, until it had its first turn; when that does not help it
 * asks for one (turn-requests.ts).
 */
export class Turns {
  #contended = false;
  #hadTurn = false;
  #wroteLast = false;
  #asked = false;
  #turnFromMs = 0;
  #appendMs = 0;
  #handOverMs = 0;
  #missed = 0;

  get contended(): boolean {
    return this.#contended;
  }

  /** Another process loses every append to us. */
  asked(): void {
    this.#asked = true;
  }

  wrote(nowMs: number, durationMs: number): void {
    if (!this.#wroteLast) this.#turnFromMs = nowMs - durationMs;
    this.#wroteLast = true;
    if (this.#contended) this.#hadTurn = true;
    this.#appendMs = average(this.#appendMs, durationMs);
  }

  /** Somebody else wrote before us. What to wait for before trying again; undefined for "at once". */
  lost(): Watch | undefined {
    const watch = this.#contended && this.#hadTurn ? this.#watch(0) : undefined;
    this.#contended = true;
    this.#wroteLast = false;
    this.#missed = 0;
    // If the others do not stop this time, they do not know of us any more: be seen again.
    this.#hadTurn = false;
    return watch;
  }

  /** What to wait for before the next batch; mostly nothing. */
  next(nowMs: number): Watch | undefined {
    if (this.#asked) return this.#watch(ASKED_WAIT_MS);
    if (!this.#contended || !this.#wroteLast || nowMs - this.#turnFromMs < TURN_MS) return undefined;
    const usualMs = HAND_OVER_FACTOR * Math.max(this.#appendMs, this.#handOverMs);
    return this.#watch(between(HAND_OVER_MIN_MS, usualMs, HAND_OVER_MAX_MS));
  }

  /** The watch is over. `firstSeenMs`: when others were seen first, counted from its start; undefined for not at all. */
  watched(firstSeenMs: number | undefined): void {
    this.#asked = false;
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
  }

  #watch(forOthersMs: number): Watch {
    const quietMs = between(QUIET_MIN_MS, QUIET_APPENDS * this.#appendMs, QUIET_MAX_MS);
    return { forOthersMs, quietMs, turnMs: TURN_MS };
  }
}
