import { setMaxListeners } from 'node:events';
import type { Rejection } from '../../../domain/decider.js';
import type { RefusedItem } from './import-types.js';
import { Gate, persist } from './in-flight.js';

export const IN_FLIGHT_MIN = 128;
/** The year has 27 lines an order; this many per piece may be on their way together. */
const LINES_PER_PIECE_MAX = 32;

/** Errors that are about one piece alone: a number too large for its event, a hold that does not follow its order. */
const CODES_OF_ONE_PIECE: readonly unknown[] = ['invalid_event', 'effect_refused'];

/** What a piece of work came to; `undefined` is done. */
export type Outcome = Rejection | undefined;

export interface Piece extends Pick<RefusedItem, 'row' | 'type' | 'id'> {
  /** About how many commands it has on their way at once. */
  readonly weight: number;
  /** Pieces with a key in common run one after the other, in the order of `start`. */
  readonly keys: readonly string[];
  /** Repeated when it fails for a passing reason. */
  run(): Promise<Outcome>;
}

/**
 * Runs pieces of work, many at a time, each after those it follows from.
 *
 * A piece ends done or refused (kept in `refusals`), or it stops the whole with an error that no retry cured: pieces that
 * have not begun then never do, those on their way end, and `drained` throws the error. The outer signal stops it likewise.
 */
export class Dispatcher {
  readonly refusals: RefusedItem[] = [];
  done = 0;
  retries = 0;
  readonly #gate: Gate;
  readonly #tails = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(
    inFlight: number,
    private readonly outer: AbortSignal | undefined,
    private readonly onDone: () => void,
  ) {
    const running = Math.max(IN_FLIGHT_MIN, inFlight);
    // One listener per piece that waits to be sent again.
    setMaxListeners(2 * running, this.#stop.signal);
    this.#gate = new Gate({ running, runningMin: IN_FLIGHT_MIN, weight: running * LINES_PER_PIECE_MAX });
  }

  /** Begins a piece as soon as there is room for it. Throws when the whole has stopped. One caller at a time. */
  async start(piece: Piece): Promise<void> {
    this.#check();
    await this.#gate.enter(piece.weight);
    const before = piece.keys.map((key) => this.#tails.get(key));
    const end = this.#run(piece, before);
    for (const key of piece.keys) this.#tails.set(key, end);
  }

  /** Waits until everything that was started has ended. Throws what stopped the whole. */
  async drained(): Promise<void> {
    await this.#gate.drained();
    this.#check();
  }

  /** Never rejects: others wait for it. */
  async #run(piece: Piece, before: readonly (Promise<void> | undefined)[]): Promise<void> {
    try {
      for (const tail of before) await tail;
      this.#check();
      const outcome = await persist(
        () => piece.run().catch(asOutcome),
        this.#stop.signal,
        () => {
          this.retries += 1;
        },
      );
      if (outcome !== undefined) {
        const { row, type, id } = piece;
        this.refusals.push({ row, type, id, code: outcome.code, message: outcome.message });
      }
      this.done += 1;
      this.onDone();
    } catch (error) {
      this.#stop.abort(error);
    } finally {
      this.#gate.leave(piece.weight);
    }
  }

  #check(): void {
    if (this.outer?.aborted) this.#stop.abort(this.outer.reason);
    this.#stop.signal.throwIfAborted();
  }
}

function asOutcome(error: unknown): Rejection {
  if (error instanceof Error && 'code' in error && CODES_OF_ONE_PIECE.includes(error.code)) {
    return { code: String(error.code), message: error.message };
  }
  throw error;
}
