import { CHECKPOINT_CHANNEL, LIVE_CHECKPOINT, parseCheckpointNotice, readCheckpoint } from './checkpoint.js';
import type { Database } from './database.js';
import { comparePositions, LOG_START, type LogPosition } from './event-store.js';

/** Behind the notifications: how often the checkpoint is read while somebody waits and nothing is heard. */
const POLL_MS = 100;
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
   * Resolves when everything up to `position` is in the tables; at once, without I/O, when that is known already.
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
  options: { readonly name?: string } = {},
): Promise<PositionWaiter> => {
  const { name = LIVE_CHECKPOINT } = options;
  const waiters = new Set<Waiting>();
  let generation = 0;
  let reached = LOG_START;
  let heardAt = 0;
  let poll: NodeJS.Timeout | undefined;

  const learn = (newGeneration: number, position: LogPosition): void => {
    heardAt = performance.now();
    if (newGeneration < generation) return;
    if (newGeneration === generation && comparePositions(position, reached) <= 0) return;
    generation = newGeneration;
    reached = position;
    for (const waiter of waiters) {
      if (comparePositions(reached, waiter.position) >= 0) waiter.resolve();
    }
  };
  const ask = async (): Promise<void> => {
    const checkpoint = await readCheckpoint(db, name).catch(() => undefined);
    if (checkpoint !== undefined) learn(checkpoint.generation, checkpoint.position);
  };
  const keepPolling = (): void => {
    poll ??= setInterval(() => {
      if (waiters.size === 0) {
        clearInterval(poll);
        poll = undefined;
      } else if (performance.now() - heardAt >= POLL_MS) void ask();
    }, POLL_MS);
  };

  const stopListening = await db.listen(CHECKPOINT_CHANNEL, (payload) => {
    const notice = parseCheckpointNotice(payload);
    if (notice?.name === name) learn(notice.generation, notice.position);
  });
  await ask();

  return {
    get reached() {
      return reached;
    },
    async waitForPosition(position, timeoutMs) {
      if (comparePositions(reached, position) >= 0) return;
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
        keepPolling();
      });
    },
    async close() {
      clearInterval(poll);
      await stopListening();
    },
  };
};
