import type { RecordAt } from '../log/log.js';
import { recordData } from '../log/record.js';
import {
  firstReadable,
  isMetastream,
  limitsOf,
  METASTREAM_LIMITS,
  metastreamOf,
  NO_LIMITS,
  originalOf,
  parseMetadata,
  type StreamLimits,
} from './metadata.js';
import type { StreamIndex } from './stream-index.js';
import { isIdle, NO_POSITIONS, type StreamState } from './stream-state.js';

/** Streams kept in memory; the rest are looked up in the index. */
export const STREAM_STATES_MAX = 20_000;

/** The streams of the store: a bounded cache over the index, and the truth about what the index does not have yet. */
export class Streams {
  readonly #index: StreamIndex | undefined;
  readonly #recordAt: (position: number) => RecordAt;
  readonly #states = new Map<string, StreamState>();
  #nextNumber: number;
  /** Above so many, idle ones are forgotten; it grows while most of them are not idle. */
  #evictAt = STREAM_STATES_MAX;
  #evicting = false;

  /** `recordAt` also finds records that are not durable yet. */
  constructor(index: StreamIndex | undefined, recordAt: (position: number) => RecordAt) {
    this.#index = index;
    this.#recordAt = recordAt;
    this.#nextNumber = index?.nextStreamNumber ?? 1;
  }

  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** How many are in memory. */
  get size(): number {
    return this.#states.size;
  }

  /** What is known of a stream, existing or not. */
  get(name: string): StreamState {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const row = this.#index?.stream(name);
    const last = row?.last ?? -1;
    const tombstoned = row?.tombstoned ?? false;
    const state: StreamState = {
      name,
      number: row?.number ?? 0,
      last,
      durableLast: last,
      tombstoned,
      durableTombstoned: tombstoned,
      positions: NO_POSITIONS,
      base: last + 1,
      first: row?.first ?? -1,
      hasMetadata: row?.hasMetadata ?? false,
      limits: undefined,
      unindexed: 0,
    };
    this.#states.set(name, state);
    if (this.#states.size > this.#evictAt) this.#evictSoon();
    return state;
  }

  /** Gives a stream that is about to get its first row in the index its number there. */
  number(state: StreamState): void {
    if (state.number === 0) state.number = this.#nextNumber++;
  }

  /** What the stream's metadata says; reads the log at most once per cached stream. */
  limits(state: StreamState): StreamLimits {
    if (state.limits === undefined) {
      if (isMetastream(state.name)) state.limits = METASTREAM_LIMITS;
      else if (!state.hasMetadata) state.limits = NO_LIMITS;
      else state.limits = limitsOf(this.metadata(this.get(metastreamOf(state.name))));
    }
    return state.limits;
  }

  /**
   * The revisions that a reader sees (of which `$maxAge` may hide some more); undefined for a stream that is not there
   * or deleted. Tombstones are asked for apart.
   */
  readable(state: StreamState): { readonly first: number; readonly last: number } | undefined {
    const limits = this.limits(state);
    if (state.durableLast < 0 || limits.softDeleted) return undefined;
    return { first: firstReadable(limits, state.durableLast), last: state.durableLast };
  }

  /** The newest metadata in a metadata stream. */
  metadata(metastream: StreamState): Record<string, unknown> {
    if (metastream.last < 0) return {};
    const [position] = this.positions(metastream, metastream.last, metastream.last);
    if (position === undefined) return {};
    const { bytes, at } = this.#recordAt(position);
    return parseMetadata(recordData(bytes, at));
  }

  /**
   * Metadata was written or taken back: whoever asks next reads it again. Returns the stream that it is about when the
   * index has to learn that it has some.
   */
  metadataChanged(metastream: StreamState): StreamState | undefined {
    const original = this.get(originalOf(metastream.name));
    original.limits = undefined;
    if (original.hasMetadata) return undefined;
    original.hasMetadata = true;
    this.number(original);
    return original;
  }

  /** A stream whose name cannot be used any more; its metadata stream goes with it. */
  isTombstoned(state: StreamState): boolean {
    return (
      state.durableTombstoned ||
      (isMetastream(state.name) && this.get(originalOf(state.name)).durableTombstoned)
    );
  }

  /** The same, tombstones that are not durable yet included. */
  isBeingTombstoned(state: StreamState): boolean {
    return state.tombstoned || (isMetastream(state.name) && this.get(originalOf(state.name)).tombstoned);
  }

  /** Positions of the revisions `from` to `to` (both included, both written). */
  positions(state: StreamState, from: number, to: number): number[] {
    const { base } = state;
    const found: number[] = [];
    if (from < base) {
      if (from === 0 && state.first >= 0) found.push(state.first);
      const low = Math.max(from, 1);
      const high = Math.min(to, base - 1);
      if (low <= high) this.#index?.positions(state.number, low, high, found);
    }
    for (let revision = Math.max(from, base); revision <= to; revision++) {
      found.push(state.positions[revision - base] as number);
    }
    return found;
  }

  /** Not at once: whoever decides something holds states until the end of this turn. */
  #evictSoon(): void {
    if (this.#evicting) return;
    this.#evicting = true;
    setImmediate(() => {
      this.#evicting = false;
      this.#evict();
    });
  }

  /** Forgets a tenth of the streams, the longest known first, of those that are idle. */
  #evict(): void {
    let excess = this.#states.size - STREAM_STATES_MAX * 0.9;
    for (const [name, state] of this.#states) {
      if (excess <= 0) break;
      if (!isIdle(state)) continue;
      this.#states.delete(name);
      excess--;
    }
    this.#evictAt = Math.max(STREAM_STATES_MAX, this.#states.size + STREAM_STATES_MAX / 10);
  }
}
