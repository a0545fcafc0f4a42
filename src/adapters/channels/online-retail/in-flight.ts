import { setTimeout as sleep } from 'node:timers/promises';

/** How long one piece of work may go on failing for a passing reason before the import gives up. */
export const RETRY_WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/** Trouble that passes: the store is away, a queue is full. The same command may be sent again. */
function isRetriable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && error.code === 'command_bus_closed') return false;
  return (
    ('retriable' in error && error.retriable === true) ||
    ('code' in error && error.code === 'event_store_unavailable')
  );
}

/** Runs `work` until it does not fail for a passing reason, for at most `windowMs`; then throws what it threw last. */
export async function persist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onRetry: () => void,
  windowMs: number = RETRY_WINDOW_MS,
): Promise<T> {
  let pause = FIRST_PAUSE_MS;
  let since: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      since ??= performance.now();
      if (!isRetriable(error) || performance.now() - since > windowMs) throw error;
      onRetry();
      // half of the pause is random, so that hundreds that failed together do not come back together
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
  }
}

/**
 * Lets a bounded number of pieces of work, of a bounded weight together, run at once; they start in the order of `enter`.
 * A few always may, however heavy they are.
 */
export class Gate {
  #weight = 0;
  #running = 0;
  #wake: (() => void) | undefined;

  constructor(
    private readonly limits: {
      readonly running: number;
      readonly weight: number;
      readonly runningMin: number;
    },
  ) {}

  /** Waits until the piece may start. One caller at a time. */
  async enter(weight: number): Promise<void> {
    while (!this.#fits(weight)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#running += 1;
    this.#weight += weight;
  }

  leave(weight: number): void {
    this.#running -= 1;
    this.#weight -= weight;
    this.#stir();
  }

  /** Waits until nothing runs. */
  async drained(): Promise<void> {
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #fits(weight: number): boolean {
    const { running, runningMin, weight: weightMax } = this.limits;
    if (this.#running < runningMin) return true;
    return this.#running < running && this.#weight + weight <= weightMax;
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
