import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../log/log.js';
import type { IndexRow, StreamIndex } from './stream-index.js';
import { dropPositions, type StreamState } from './stream-state.js';
import type { Streams } from './streams.js';

/** Events after which, and milliseconds after which, the index follows the log. */
export const INDEX_LAG_EVENTS = 8_192;
export const INDEX_LAG_MS = 500;
/** Rows per transaction of the index. Others get their turn between two of them. */
const ROWS_PER_TURN = 512;

/** What the index has to learn about one stream, as it was when a round began. */
interface Entry {
  readonly state: StreamState;
  readonly from: number;
  readonly to: number;
  readonly tombstoned: boolean;
}

/**
 * Brings the index up to the log, a bounded distance behind it. Without an index (in memory mode) nothing is done, and
 * what there is to learn stays in the states of the streams.
 */
export class IndexFollower {
  readonly #index: StreamIndex | undefined;
  readonly #streams: Streams;
  readonly #log: Log;
  readonly #report: (message: string) => void;
  readonly #changed = new Set<StreamState>();
  #events = 0;
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> | undefined;

  constructor(index: StreamIndex | undefined, streams: Streams, log: Log, report: (message: string) => void) {
    this.#index = index;
    this.#streams = streams;
    this.#log = log;
    this.#report = report;
  }

  /** Notes that the index has something to learn about a stream. */
  touch(state: StreamState): void {
    if (this.#changed.has(state)) return;
    this.#changed.add(state);
    state.unindexed++;
  }

  /** Has the index follow soon; `events` were written since the last call. */
  follow(events: number): void {
    this.#events += events;
    if (this.#index === undefined || this.#following !== undefined || this.#changed.size === 0) return;
    if (this.#events >= INDEX_LAG_EVENTS) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), INDEX_LAG_MS).unref();
  }

  /** Brings the index up to the end of the log now. Throws what the disk says; the rows are tried again later. */
  async catchUp(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#following;
    await this.#round();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#following !== undefined) return;
    this.#following = this.#round()
      .catch((error: unknown) =>
        this.#report(`the index could not be written and will be tried again: ${error}`),
      )
      .finally(() => {
        this.#following = undefined;
        this.follow(0);
      });
  }

  async #round(): Promise<void> {
    const index = this.#index;
    if (index === undefined || this.#changed.size === 0) return;
    const end = this.#log.end;
    const { nextNumber } = this.#streams;
    const entries = this.#takeChanged();
    try {
      let rows: IndexRow[] = [];
      for (const entry of entries) {
        addRows(rows, entry);
        if (rows.length < ROWS_PER_TURN) continue;
        index.write(rows, nextNumber);
        rows = [];
        await nextTurn();
      }
      index.write(rows, nextNumber);
      index.mark(end);
    } catch (error) {
      for (const { state } of entries) this.touch(state);
      for (const { state } of entries) state.unindexed--;
      throw error;
    }
    for (const entry of entries) settle(entry);
  }

  #takeChanged(): Entry[] {
    const entries = Array.from(this.#changed, (state) => ({
      state,
      from: state.base,
      to: state.durableLast,
      tombstoned: state.durableTombstoned,
    }));
    // Neighbours in the index share its pages: sorted, a transaction touches and syncs fewer of them.
    entries.sort((a, b) => (a.state.name < b.state.name ? -1 : 1));
    this.#changed.clear();
    this.#events = 0;
    return entries;
  }
}

function addRows(rows: IndexRow[], { state, from, to, tombstoned }: Entry): void {
  const { name, number, positions, hasMetadata } = state;
  const first = from === 0 ? (positions[0] ?? -1) : state.first;
  for (let revision = Math.max(from, 1); revision <= to; revision++) {
    rows.push({ number, revision, position: positions[revision - from] as number });
  }
  rows.push({ name, row: { number, last: to, first, hasMetadata, tombstoned } });
}

/** The index knows it now: the memory may forget it. */
function settle({ state, from, to }: Entry): void {
  if (from === 0 && to >= 0) state.first = state.positions[0] as number;
  dropPositions(state, to - from + 1);
  state.unindexed--;
}
