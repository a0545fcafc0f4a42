import { randomBytes } from 'node:crypto';

/** Ids kept in each of the two generations: an append is recognised again among at least this many later events. */
export const RECENT_IDS_MAX = 50_000;

/** Slots of a generation, a power of two: at most three of eight are taken. */
const SLOTS = 131_072;
/** Slots tried for one id. So many in a row are taken only when many events have the same id; then one is forgotten. */
const PROBES_MAX = 64;
const FREE = 0;
const FORGOTTEN = -1;
/** Nobody can choose ids that are all in one row. */
const SEED = randomBytes(4).readUInt32LE();

/**
 * Where the events with the newest ids are, for appends that name no revision: EventStoreDB promises to recognise those
 * "best effort", by a bounded cache too. Two generations make the bound cheap; the older is dropped whole.
 *
 * It knows hashes and positions only. What the event at a position really is, its record says; so a hundred thousand
 * ids are 3 MB of numbers that no garbage collector looks at. As a Map of strings and objects they cost 5 µs of the 50
 * of an append, most of it in the collector (2026-11-22).
 */
export class RecentIds {
  #young = new Generation();
  #old = new Generation();

  /** The newest position at which `isIt` finds the event with this id. */
  find(id: Buffer, isIt: (position: number) => boolean): number | undefined {
    const hash = hashOf(id, 0);
    return this.#young.find(hash, isIt) ?? this.#old.find(hash, isIt);
  }

  /** Adds the id at `at` in `bytes`. Positions are above 0 and only grow. */
  add(bytes: Buffer, at: number, position: number): void {
    if (this.#young.size >= RECENT_IDS_MAX) {
      const oldest = this.#old;
      oldest.clear();
      this.#old = this.#young;
      this.#young = oldest;
    }
    this.#young.add(hashOf(bytes, at), position);
  }

  /** Forgets events from `position` on: they were never stored. */
  forgetFrom(position: number): void {
    this.#young.forgetFrom(position);
    this.#old.forgetFrom(position);
  }
}

/** A table with open addressing: an id is in the first slot at or behind its hash that was free when it came. */
class Generation {
  readonly #hashes = new Uint32Array(SLOTS);
  readonly #positions = new Float64Array(SLOTS).fill(FREE);
  size = 0;

  add(hash: number, position: number): void {
    let slot = hash % SLOTS;
    for (let probe = 1; probe < PROBES_MAX && this.#positions[slot] !== FREE; probe++)
      slot = (slot + 1) % SLOTS;
    this.#hashes[slot] = hash;
    this.#positions[slot] = position;
    this.size++;
  }

  find(hash: number, isIt: (position: number) => boolean): number | undefined {
    let newest: number | undefined;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = (hash + probe) % SLOTS;
      const position = this.#positions[slot] as number;
      if (position === FREE) break;
      if (position !== FORGOTTEN && this.#hashes[slot] === hash && isIt(position)) newest = position;
    }
    return newest;
  }

  forgetFrom(position: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      if ((this.#positions[slot] as number) >= position) this.#positions[slot] = FORGOTTEN;
    }
  }

  clear(): void {
    this.#positions.fill(FREE);
    this.size = 0;
  }
}

/** Ids are random, or should be; all of their bits count, so that those which are not are told apart too. */
function hashOf(bytes: Buffer, at: number): number {
  let hash = SEED;
  for (let i = 0; i < 16; i++) hash = Math.imul(hash ^ (bytes[at + i] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
