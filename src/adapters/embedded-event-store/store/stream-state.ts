import type { StreamLimits } from './metadata.js';

/**
 * What the store knows of one stream. `last`, `tombstoned` and `limits` include appends that are not on the disk yet,
 * because the next append is decided on them; whatever starts with `durable` is what a reader may see.
 */
export interface StreamState {
  readonly name: string;
  /** Its number in the index; 0 until the first event. */
  number: number;
  last: number;
  durableLast: number;
  tombstoned: boolean;
  durableTombstoned: boolean;
  /** Positions of the revisions from `base` on, which the index does not have yet. */
  positions: readonly number[];
  base: number;
  /** Position of revision 0 once it is indexed, else -1. */
  first: number;
  /** Whether a metadata stream exists, so that the many streams without one cost no second lookup. */
  hasMetadata: boolean;
  /** Undefined until somebody asks. */
  limits: StreamLimits | undefined;
  /** Above 0, the index has still to learn something about it. */
  unindexed: number;
}

export const NO_POSITIONS: readonly number[] = [];

/** Most streams have few positions here, and for a moment; an array that grows begins with room for sixteen. */
export function addPosition(state: StreamState, position: number): void {
  if (state.positions.length === 0) state.positions = [position];
  else (state.positions as number[]).push(position);
}

/** Forgets the first `count` positions: the index has them. */
export function dropPositions(state: StreamState, count: number): void {
  const left = state.positions.length - count;
  state.positions = left <= 0 ? NO_POSITIONS : state.positions.slice(count);
  state.base += count;
}

/** Whether the index knows it as well as the memory. */
export const isIdle = (state: StreamState): boolean =>
  state.unindexed === 0 && state.last === state.durableLast && state.tombstoned === state.durableTombstoned;
