import { comparePositions, type LogPosition } from './event-store.js';

export interface ReadModelLagParts {
  /** Where the log ends now; undefined while it is empty. */
  readEnd(): Promise<LogPosition | undefined>;
  /** What the read models have reached; undefined while there are none. */
  readReached(): Promise<LogPosition | undefined>;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
}

/** Ends of the log that are remembered; while there are more the newest is replaced. */
const ENDS_MAX = 1_000;

/**
 * How far the read models are behind the log in time, without anybody's wall clock: each look remembers where the log ended, and
 * the lag is the age of the oldest such end that is not reached. So it is a lower bound, which a first look cannot know and
 * later ones make exact.
 */
export const createReadModelLag = (parts: ReadModelLagParts): (() => Promise<number>) => {
  const nowMs = parts.nowMs ?? (() => performance.now());
  const ends: { readonly position: LogPosition; readonly atMs: number }[] = [];
  return async () => {
    const [end, reached] = await Promise.all([parts.readEnd(), parts.readReached()]);
    const atMs = nowMs();
    if (end !== undefined) {
      if (ends.length >= ENDS_MAX) ends.pop();
      ends.push({ position: end, atMs });
    }
    const behind = ends.findIndex(
      ({ position }) => reached === undefined || comparePositions(position, reached) > 0,
    );
    ends.splice(0, behind < 0 ? ends.length : behind);
    return ends[0] === undefined ? 0 : atMs - ends[0].atMs;
  };
};
