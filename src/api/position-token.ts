import type { LogPosition } from '../runtime/event-store.js';

/**
 * A place in the log as clients see it: `commit`, or `commit-prepare` where the two differ. Opaque to them; they hand it back
 * as `?after=` or `?knownAt=`.
 */
export const positionToken = ({ commit, prepare }: LogPosition): string =>
  commit === prepare ? `${commit}` : `${commit}-${prepare}`;

/** Positions are signed 64 bit in the store and in PostgreSQL. */
const POSITION_MAX = 2n ** 63n - 1n;

/** The inverse of {@link positionToken}; undefined when the text is none. */
export const parsePosition = (token: string): LogPosition | undefined => {
  const match = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(token);
  if (match?.[1] === undefined) return undefined;
  const commit = BigInt(match[1]);
  const prepare = match[2] === undefined ? commit : BigInt(match[2]);
  return commit > POSITION_MAX || prepare > POSITION_MAX ? undefined : { commit, prepare };
};
