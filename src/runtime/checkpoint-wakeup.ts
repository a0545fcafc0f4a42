import { CHECKPOINT_CHANNEL, parseCheckpointNotice } from './checkpoint.js';
import type { Database } from './database.js';
import type { LogPosition } from './event-store.js';

/** Where a checkpoint was seen; positions of two generations do not compare. */
export interface CheckpointSeen {
  readonly generation: number;
  readonly position: LogPosition;
}

/**
 * How those who wait for a checkpoint hear that it has moved. A wake-up and no more: it may be lost, late, doubled or false, so whoever
 * waits polls too, and believes only what comes from the database.
 */
export interface CheckpointWakeup {
  /** Says that the checkpoint has moved. Call it after the commit. Never throws, never waits; may be dropped. */
  announce(name: string): void;
  /**
   * Runs `onMoved` whenever the checkpoint may have moved, until the returned function is called. `seen` is there where the database
   * itself speaks; without it, look. Resolves though nobody can be heard yet.
   */
  listen(name: string, onMoved: (seen?: CheckpointSeen) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** PostgreSQL's own: the commit that moves a checkpoint notifies (see `advanceCheckpoint`), so there is nothing left to announce. */
export const databaseWakeup = (db: Pick<Database, 'listen'>): CheckpointWakeup => ({
  announce: () => undefined,
  listen: (name, onMoved) =>
    db.listen(CHECKPOINT_CHANNEL, (payload) => {
      const notice = parseCheckpointNotice(payload);
      if (notice?.name === name) onMoved(notice);
    }),
  close: async () => undefined,
});
