import { LIVE_CHECKPOINT, readCheckpoint } from './checkpoint.js';
import { type CheckpointSeen, type CheckpointWakeup, databaseWakeup } from './checkpoint-wakeup.js';
import type { Database } from './database.js';
import { comparePositions, LOG_START, type LogPosition } from './event-store.js';

/** Behind the wake-ups: how often the checkpoint is read while somebody waits and nothing is heard. */
const POLL_MS = 100;
/** However many wake-ups come: between two reads of the checkpoint, of which one is under way at a time. */
export const LOOK_PAUSE_MS = 5;
/** So long what is known is believed without a word from the database: a wake-up that told of a rebuild may have been lost. */
export const KNOWN_MS_MAX = 1_000;
/** Requests that may wait at once; the next ones are told to come again. */
const WAITERS_MAX = 10_000;

/** The read model has not reached a position in time; it will, later. */
export class PositionNotReached extends Error {
  readonly code = 'position_not_reached';
  constructor(
    readonly position: LogPosition,
    readonly reached: LogPosition,
    readonly waitedMs: number,
  ) {
    super(`the read model has not reached position ${position.commit} after ${Math.round(waitedMs)} ms`);
    this.name = 'PositionNotReached';
  }
}

export interface PositionWaiter {
  /** What is known of the checkpoint now, without asking. */
  readonly reached: LogPosition;
  /**
   * Resolves when everything up to `position` is in the tables; at once, without I/O, when that was known a moment ago.
   * Throws {@link PositionNotReached} after `timeoutMs`, or at once when too many wait.
   */
  waitForPosition(position: LogPosition, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly position: LogPosition;
  readonly resolve: () => void;
}

/**
 * One listener and one poll for all who wait. What it knows is a (generation, position) pair that only grows; a rebuild starts a new
 * generation at the start of the log, so nobody reads half-built tables as if they were complete.
 */
export const createPositionWaiter = async (
  db: Database,
  options: { readonly name?: string; readonly wakeup?: CheckpointWakeup } = {},
): Promise<PositionWaiter> => {
  const { name = LIVE_CHECKPOINT, wakeup = databaseWakeup(db) } = options;
  const waiters = new Set<Waiting>();
  let generation = 0;
  let reached = LOG_START;
  let heardAt = 0;
  let poll: NodeJS.Timeout | undefined;

  const learn = (seen: CheckpointSeen): void => {
    if (seen.generation < generation) return;
    heardAt = performance.now();
    const further = seen.generation > generation || comparePositions(seen.position, reached) > 0;
    if (further) ({ generation, position: reached } = seen);
    for (const waiter of waiters) {
      if (comparePositions(reached, waiter.position) >= 0) waiter.resolve();
    }
  };
  const ask = async (): Promise<void> => {
    const checkpoint = await readCheckpoint(db, name).catch(() => undefined);
    if (checkpoint !== undefined) learn(checkpoint);
  };

  let looking = false;
  /** The checkpoint may have moved since it was last looked at. */
  let moved = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    moved = false;
    await ask();
    await new Promise((done) => setTimeout(done, LOOK_PAUSE_MS));
    looking = false;
    if (moved && waiters.size > 0) void look();
  };
  const keepPolling = (): void => {
    poll ??= setInterval(() => {
      if (waiters.size === 0) {
        clearInterval(poll);
        poll = undefined;
      } else if (performance.now() - heardAt >= POLL_MS) void look();
    }, POLL_MS);
  };

  const stopListening = await wakeup.listen(name, (seen) => {
    if (seen !== undefined) return learn(seen);
    moved = true;
    if (waiters.size > 0) void look();
  });
  await ask();

  return {
    get reached() {
      return reached;
    },
    async waitForPosition(position, timeoutMs) {
      const known = comparePositions(reached, position) >= 0;
      if (known && performance.now() - heardAt < KNOWN_MS_MAX) return;
      if (waiters.size >= WAITERS_MAX) throw new PositionNotReached(position, reached, 0);
      const startedAt = performance.now();
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiting = {
          position,
          resolve: () => {
            clearTimeout(timer);
            waiters.delete(waiter);
            resolve();
          },
        };
        const timer = setTimeout(() => {
          waiters.delete(waiter);
          reject(new PositionNotReached(position, reached, performance.now() - startedAt));
        }, timeoutMs);
        waiters.add(waiter);
        moved ||= known;
        if (moved) void look();
        keepPolling();
      });
    },
    async close() {
      clearInterval(poll);
      await stopListening();
    },
  };
};
