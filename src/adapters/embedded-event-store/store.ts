/**
 * The store: one writer over a log and its index.
 *
 * States of an append: decided (in this process's memory, position given) -> written (its group is in the log and on
 * the disk) -> indexed (its rows are in LMDB). Answers are given, and readers see it, at "written".
 *
 * Invariants
 * - Decisions are taken one after the other, on everything decided before. An answer that depends on an undurable
 *   append (a repeat of it, a wrong version because of it) waits for it like the append itself.
 * - One group is being written at a time; what arrives meanwhile is the next group. So a group is as large as the
 *   load makes it, and a lone append waits for nobody.
 * - A failed write fails its group and the one decided on top of it, and takes both back: log, states and ids are
 *   again what they were at the last durable position.
 * - `indexed <= durable <= next`, all of them positions in the log. Recovery reads the log from `indexed`.
 *
 * Limits: the constants below, TAIL_MAX_BYTES, RECENT_IDS_MAX.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AppendDecision, decideAppend } from './append-decision.js';
import { Expected, invalidArgument } from './errors.js';
import { LOG_HEADER_BYTES, type LogStorage } from './log-file.js';
import { type LogPiece, LogTail } from './log-tail.js';
import { RecentIds } from './recent-ids.js';
import {
  FLAG_END_OF_APPEND,
  FLAG_TOMBSTONE,
  type NewEvent,
  RECORD_HEADER_BYTES,
  RECORD_MAX_BYTES,
  recordBytes,
  recordData,
  recordIdKey,
  recordLength,
  TOMBSTONE_REVISION,
  writeRecord,
} from './record.js';
import type { IndexRow, StreamIndex } from './stream-index.js';
import {
  isMetastream,
  limitsOf,
  METASTREAM_LIMITS,
  metastreamOf,
  NO_LIMITS,
  originalOf,
  parseMetadata,
  type StreamLimits,
  type StreamState,
  withTruncateBefore,
} from './stream-state.js';
import { randomUuid } from './uuid.js';

/** The log is written in buffers of this size; each is durable before the next, so a torn end is never longer. */
export const CHUNK_BYTES = 256 * 1024;
/** Undurable bytes above which `busy` asks callers to stop sending. */
export const PENDING_MAX_BYTES = 64 * 1024 * 1024;
/** Events after which, and milliseconds after which, the index follows the log. */
export const INDEX_LAG_EVENTS = 8_192;
export const INDEX_LAG_MS = 500;
/** Rows per transaction of the index. Others get their turn between two of them. */
const INDEX_ROWS_PER_TURN = 512;
/** Streams kept in memory; the rest are looked up in the index. */
export const STREAM_STATES_MAX = 100_000;

export type AppendOutcome =
  | { readonly kind: 'written'; readonly last: number; readonly position: number }
  | { readonly kind: 'repeat'; readonly last: number; readonly position: number }
  | { readonly kind: 'wrong_version'; readonly current: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'failed'; readonly reason: string };

type Done = (outcome: AppendOutcome) => void;

/** Appends that become durable together. */
interface Group {
  readonly start: number;
  end: number;
  readonly pieces: LogPiece[];
  readonly answers: { readonly done: Done; readonly outcome: AppendOutcome }[];
  readonly commits: { readonly state: StreamState; readonly last: number; readonly tombstone: boolean }[];
  events: number;
}

export interface StoreOptions {
  readonly storage: LogStorage;
  /** Absent in memory mode: then everything stays in the states and the tail. */
  readonly index?: StreamIndex | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly log?: (message: string) => void;
}

export class Store {
  readonly tail: LogTail;
  readonly recentIds = new RecentIds();
  readonly storage: LogStorage;
  readonly index: StreamIndex | undefined;
  readonly now: () => number;
  readonly #log: (message: string) => void;

  readonly #states = new Map<string, StreamState>();
  #nextNumber: number;
  #next: number;
  #durable: number;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkUsed = 0;
  #group: Group;
  #writing = false;
  #pumpScheduled = false;
  #broken = false;

  readonly #dirty = new Set<StreamState>();
  #dirtyEvents = 0;
  #indexing: Promise<void> | undefined;
  #indexTimer: NodeJS.Timeout | undefined;

  readonly #listeners = new Set<() => void>();
  readonly #streamListeners = new Map<string, Set<() => void>>();
  readonly #idle: (() => void)[] = [];
  readonly #calm: (() => void)[] = [];

  constructor(options: StoreOptions) {
    this.storage = options.storage;
    this.index = options.index;
    this.tail = new LogTail(options.index === undefined ? Number.POSITIVE_INFINITY : undefined);
    this.now = options.now ?? Date.now;
    this.#log = options.log ?? (() => undefined);
    this.#nextNumber = this.index?.nextStreamNumber ?? 1;
    this.#next = this.index?.indexedTo ?? LOG_HEADER_BYTES;
    this.#durable = this.#next;
    this.#group = newGroup(this.#next);
  }

  /** Everything before this position is on the disk and may be read. */
  get end(): number {
    return this.#durable;
  }

  /** Whether so much waits for the disk that callers should stop sending until `whenCalm`. */
  get busy(): boolean {
    return this.#next - this.#durable > PENDING_MAX_BYTES;
  }

  /** Resolves when the store is not `busy` any more. */
  async whenCalm(): Promise<void> {
    if (this.busy) await new Promise<void>((resolve) => this.#calm.push(resolve));
  }

  /** Resolves when nothing that was appended so far waits for the disk any more. */
  async whenIdle(): Promise<void> {
    if (!this.#writing && this.#group.answers.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Calls `listener` after every group that became durable; returns how to stop that. */
  onWritten(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The same for appends to one stream. */
  onStreamWritten(name: string, listener: () => void): () => void {
    let listeners = this.#streamListeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#streamListeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#streamListeners.get(name) === listeners) {
        this.#streamListeners.delete(name);
      }
    };
  }

  /** Throws EventStoreError `invalid_argument` for a name that no stream can have. */
  append(name: string, expected: number, events: readonly NewEvent[], done: Done): void {
    checkName(name);
    const state = this.stream(name);
    const decision = this.#decide(state, expected, events);
    if (decision.kind !== 'append') {
      this.#answer(done, refusal(decision, state));
      return;
    }
    if (events.length === 0) {
      // Nothing was stored, so there is no position that is true of it.
      this.#answer(done, { kind: 'written', last: state.last, position: -1 });
      return;
    }
    const metadata = this.#metadataToUndelete(state, events, decision.undelete);
    const position = this.#write(state, events, metadata === undefined);
    const outcome: AppendOutcome = { kind: 'written', last: state.last, position };
    if (metadata !== undefined) this.#write(metadata.state, [metadata.event], true);
    this.#answer(done, outcome);
  }

  /** Deletes a stream so that the next append brings it back. The position is that of the `$metadata` event. */
  delete(name: string, expected: number, done: Done): void {
    checkName(name);
    const state = this.stream(name);
    const decision = this.#decide(state, expected, [deletion()]);
    if (decision.kind !== 'append') {
      this.#answer(done, refusal(decision, state));
      return;
    }
    const metastream = this.stream(metastreamOf(name));
    const event = metadataEvent(withTruncateBefore(this.#metadata(metastream), TOMBSTONE_REVISION));
    const position = this.#write(metastream, [event], true);
    this.#answer(done, { kind: 'written', last: state.last, position });
  }

  /** Deletes a stream for good: its name can never be used again. */
  tombstone(name: string, expected: number, done: Done): void {
    checkName(name);
    const state = this.stream(name);
    const event = deletion();
    const decision = this.#decide(state, expected, [event]);
    if (decision.kind !== 'append') {
      this.#answer(done, refusal(decision, state));
      return;
    }
    const position = this.#writeOne(state, event, 0, FLAG_END_OF_APPEND | FLAG_TOMBSTONE);
    state.tombstoned = true;
    this.#group.commits.push({ state, last: state.last, tombstone: true });
    this.#answer(done, { kind: 'written', last: state.last, position });
  }

  /** What is known of a stream, existing or not. */
  stream(name: string): StreamState {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const row = this.index?.stream(name);
    const last = row?.last ?? -1;
    const state: StreamState = {
      name,
      number: row?.number ?? 0,
      last,
      durableLast: last,
      tombstoned: row?.tombstoned ?? false,
      durableTombstoned: row?.tombstoned ?? false,
      positions: [],
      base: last + 1,
      first: row?.first ?? -1,
      hasMetadata: row?.hasMetadata ?? false,
      limits: undefined,
    };
    this.#states.set(name, state);
    return state;
  }

  /** What the stream's metadata says; reads the log at most once per cached stream. */
  limits(state: StreamState): StreamLimits {
    if (state.limits !== undefined) return state.limits;
    if (isMetastream(state.name)) state.limits = METASTREAM_LIMITS;
    else if (!state.hasMetadata) state.limits = NO_LIMITS;
    else state.limits = limitsOf(this.#metadata(this.stream(metastreamOf(state.name))));
    return state.limits;
  }

  /** A stream whose name cannot be used any more; its metadata stream goes with it. */
  isTombstoned(state: StreamState): boolean {
    return (
      state.durableTombstoned ||
      (isMetastream(state.name) && this.stream(originalOf(state.name)).durableTombstoned)
    );
  }

  /** Positions of the revisions `from` to `to` (both included, both written). */
  positions(state: StreamState, from: number, to: number): number[] {
    const indexed: number[] = [];
    if (from < state.base) {
      if (from === 0 && state.first >= 0) indexed.push(state.first);
      const low = Math.max(from, 1);
      const high = Math.min(to, state.base - 1);
      if (low <= high) indexed.push(...(this.index?.positions(state.number, low, high) ?? []));
    }
    if (to < state.base) return indexed;
    const recent = state.positions.slice(Math.max(from, state.base) - state.base, to - state.base + 1);
    return indexed.length === 0 ? recent : [...indexed, ...recent];
  }

  /** The whole record at a position, without giving up the turn. For decisions; readers read pieces. */
  recordSync(position: number): { readonly bytes: Buffer; readonly at: number } {
    for (const piece of this.#group.pieces) {
      if (position >= piece.start && position < piece.end)
        return { bytes: piece.bytes, at: position - piece.start };
    }
    if (position >= this.#group.start && position < this.#next) {
      const from = this.#chunkUsed - (this.#next - position);
      if (from >= 0) return { bytes: this.#chunk, at: from };
    }
    const piece = this.#inFlight(position) ?? this.tail.find(position);
    if (piece !== undefined) return { bytes: piece.bytes, at: position - piece.start };
    const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
    this.storage.readSync(header, position);
    const bytes = Buffer.allocUnsafe(Math.min(recordLength(header, 0), RECORD_MAX_BYTES));
    this.storage.readSync(bytes, position);
    return { bytes, at: 0 };
  }

  /** Takes in a whole append that recovery found in the log behind the index. */
  recover(
    name: string,
    revision: number,
    position: number,
    idKey: string,
    options: { readonly tombstone: boolean },
  ): void {
    const state = this.stream(name);
    if (options.tombstone) {
      state.tombstoned = true;
      state.durableTombstoned = true;
    } else {
      this.recentIds.set(idKey, { streamName: name, revision, position });
      if (revision > state.last) {
        state.positions.push(position);
        state.last = revision;
        state.durableLast = revision;
      }
    }
    if (state.number === 0) state.number = this.#nextNumber++;
    this.#touchOriginal(state);
    this.#dirty.add(state);
    this.#dirtyEvents++;
  }

  /** Ends recovery: the log's whole appends end here. */
  recoveredTo(position: number): void {
    this.#next = position;
    this.#durable = position;
    this.#group = newGroup(position);
    if (this.#dirtyEvents > 0) this.#scheduleIndexing();
  }

  /** Waits for the disk, brings the index up to the log and closes both. */
  async close(): Promise<void> {
    await this.whenIdle();
    clearTimeout(this.#indexTimer);
    await this.#indexing;
    // An index that stays behind costs the next start some reading, and nothing else.
    await this.#followLog().catch((error: unknown) => this.#log(`the index was not written: ${error}`));
    await this.index?.close();
    await this.storage.close();
  }

  /** Brings the index up to the durable end of the log; for recovery in steps. */
  async followLog(): Promise<void> {
    await this.#indexing;
    await this.#followLog();
  }

  // --- deciding -----------------------------------------------------------------------------------------------------

  #decide(state: StreamState, expected: number, events: readonly NewEvent[]) {
    const tombstoned =
      state.tombstoned || (isMetastream(state.name) && this.stream(originalOf(state.name)).tombstoned);
    return decideAppend(
      {
        last: state.last,
        tombstoned,
        softDeleted: () => this.limits(state).softDeleted,
        hasMetadata: () => this.stream(metastreamOf(state.name)).last >= 0,
        recent: (id) => {
          const found = this.recentIds.get(id.toString('latin1'));
          return found?.streamName === state.name ? found : undefined;
        },
        at: (revision, id) => {
          if (revision > state.last) return undefined;
          const [position] = this.positions(state, revision, revision);
          if (position === undefined) return undefined;
          const { bytes, at } = this.recordSync(position);
          return recordIdKey(bytes, at) === id.toString('latin1') ? { revision, position } : undefined;
        },
      },
      expected,
      events.map((event) => event.id),
    );
  }

  #metadata(metastream: StreamState): Record<string, unknown> {
    if (metastream.last < 0) return {};
    const [position] = this.positions(metastream, metastream.last, metastream.last);
    if (position === undefined) return {};
    const { bytes, at } = this.recordSync(position);
    return parseMetadata(recordData(bytes, at));
  }

  /**
   * An append to a deleted stream, or to its metadata, is followed in the same append by metadata that lets its new
   * events, and only those, be seen.
   */
  #metadataToUndelete(state: StreamState, events: readonly NewEvent[], undelete: boolean) {
    if (undelete) {
      const metastream = this.stream(metastreamOf(state.name));
      const data = withTruncateBefore(this.#metadata(metastream), state.last + 1);
      return { state: metastream, event: metadataEvent(data) };
    }
    if (!isMetastream(state.name)) return undefined;
    const original = this.stream(originalOf(state.name));
    const written = events.at(-1);
    if (written === undefined || !this.limits(original).softDeleted) return undefined;
    const data = withTruncateBefore(parseMetadata(written.data), original.last + 1);
    return { state, event: metadataEvent(data) };
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** Puts the events into the group and returns the position of the last. */
  #write(state: StreamState, events: readonly NewEvent[], endOfAppend: boolean): number {
    if (state.number === 0) state.number = this.#nextNumber++;
    let position = 0;
    for (const [i, event] of events.entries()) {
      const flags = endOfAppend && i === events.length - 1 ? FLAG_END_OF_APPEND : 0;
      const revision = state.last + 1;
      position = this.#writeOne(state, event, revision, flags);
      state.last = revision;
      state.positions.push(position);
      this.recentIds.set(event.id.toString('latin1'), { streamName: state.name, revision, position });
    }
    this.#touchOriginal(state);
    this.#group.commits.push({ state, last: state.last, tombstone: false });
    return position;
  }

  #writeOne(state: StreamState, event: NewEvent, revision: number, flags: number): number {
    if (state.number === 0) state.number = this.#nextNumber++;
    const name = Buffer.from(state.name, 'utf8');
    const length = recordBytes(name, event);
    if (this.#chunk.length - this.#chunkUsed < length) {
      this.#sealPiece();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length));
      this.#chunkUsed = 0;
    }
    const position = this.#next;
    this.#chunkUsed = writeRecord(this.#chunk, this.#chunkUsed, name, event, revision, this.now(), flags);
    this.#next += length;
    this.#group.end = this.#next;
    this.#group.events++;
    return position;
  }

  /** Closes the part of the chunk that this group has filled. */
  #sealPiece(): void {
    const last = this.#group.pieces.at(-1);
    const start = last?.end ?? this.#group.start;
    const length = this.#next - start;
    if (length === 0) return;
    const bytes = this.#chunk.subarray(this.#chunkUsed - length, this.#chunkUsed);
    this.#group.pieces.push({ start, end: this.#next, bytes });
  }

  /** Metadata of a stream changed: whoever asks next reads it again. */
  #touchOriginal(state: StreamState): void {
    if (!isMetastream(state.name)) return;
    const original = this.stream(originalOf(state.name));
    original.limits = undefined;
    if (original.hasMetadata) return;
    original.hasMetadata = true;
    if (original.number === 0) original.number = this.#nextNumber++;
    this.#dirty.add(original);
  }

  #answer(done: Done, outcome: AppendOutcome): void {
    this.#group.answers.push({ done, outcome });
    if (this.#writing || this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    // Whatever else arrived in this turn of the event loop joins the group.
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #inFlightGroup: Group | undefined;

  #inFlight(position: number): LogPiece | undefined {
    return this.#inFlightGroup?.pieces.find((piece) => position >= piece.start && position < piece.end);
  }

  #pump(): void {
    if (this.#writing) return;
    if (!this.busy) for (const resolve of this.#calm.splice(0)) resolve();
    if (this.#group.answers.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#sealPiece();
    const group = this.#group;
    this.#group = newGroup(this.#next);
    this.#inFlightGroup = group;
    this.#writing = true;
    this.#writeGroup(group).then(
      () => this.#written(group),
      (error: unknown) => this.#failed(group, error),
    );
  }

  async #writeGroup(group: Group): Promise<void> {
    if (this.#broken) {
      await this.storage.truncate(this.#durable);
      this.#broken = false;
    }
    if (group.pieces.length === 0) return;
    await this.storage.write(
      group.pieces.map((piece) => piece.bytes),
      group.start,
    );
  }

  #written(group: Group): void {
    this.#durable = group.end;
    this.#writing = false;
    this.#inFlightGroup = undefined;
    for (const piece of group.pieces) this.tail.push(piece);
    for (const { state, last, tombstone } of group.commits) {
      state.durableLast = last;
      if (tombstone) state.durableTombstoned = true;
      this.#dirty.add(state);
    }
    for (const { done, outcome } of group.answers) this.#tell(done, outcome);
    this.#pump();
    if (group.events === 0) return;
    for (const listener of [...this.#listeners]) listener();
    if (this.#streamListeners.size > 0) {
      for (const { state } of group.commits) {
        for (const listener of [...(this.#streamListeners.get(state.name) ?? [])]) listener();
      }
    }
    this.#dirtyEvents += group.events;
    this.#scheduleIndexing();
  }

  /** Takes back the failed group and the one that was decided on top of it. */
  #failed(group: Group, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log(`append failed, nothing of it is stored: ${reason}`);
    const undone = [group, this.#group];
    for (const { commits } of undone) {
      for (const { state } of commits) {
        state.last = state.durableLast;
        state.tombstoned = state.durableTombstoned;
        state.positions.length = Math.max(
          0,
          Math.min(state.positions.length, state.durableLast + 1 - state.base),
        );
        state.limits = undefined;
        this.#forgetLimits(state);
      }
    }
    this.#next = this.#durable;
    this.recentIds.forgetFrom(this.#durable);
    this.#broken = true;
    this.#writing = false;
    this.#inFlightGroup = undefined;
    this.#chunk = Buffer.alloc(0);
    this.#chunkUsed = 0;
    this.#group = newGroup(this.#durable);
    for (const { answers } of undone) {
      for (const { done } of answers) this.#tell(done, { kind: 'failed', reason });
    }
    this.#pump();
  }

  /** What goes wrong while one client is told must not keep the others waiting. */
  #tell(done: Done, outcome: AppendOutcome): void {
    try {
      done(outcome);
    } catch (error) {
      this.#log(`an answer was lost: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  #forgetLimits(state: StreamState): void {
    if (isMetastream(state.name)) this.stream(originalOf(state.name)).limits = undefined;
  }

  // --- indexing -----------------------------------------------------------------------------------------------------

  #scheduleIndexing(): void {
    if (this.index === undefined || this.#indexing !== undefined) return;
    if (this.#dirtyEvents >= INDEX_LAG_EVENTS) this.#startIndexing();
    else this.#indexTimer ??= setTimeout(() => this.#startIndexing(), INDEX_LAG_MS).unref();
  }

  #startIndexing(): void {
    clearTimeout(this.#indexTimer);
    this.#indexTimer = undefined;
    if (this.#indexing !== undefined) return;
    this.#indexing = this.#followLog()
      .catch((error: unknown) =>
        this.#log(`the index could not be written and will be tried again: ${error}`),
      )
      .finally(() => {
        this.#indexing = undefined;
        if (this.#dirty.size > 0) this.#scheduleIndexing();
      });
  }

  async #followLog(): Promise<void> {
    const index = this.index;
    if (index === undefined || this.#dirty.size === 0) return;
    const target = this.#durable;
    const nextNumber = this.#nextNumber;
    const plan = [...this.#dirty].map((state) => ({
      state,
      from: state.base,
      to: state.durableLast,
      tombstoned: state.durableTombstoned,
    }));
    // Neighbours in the index share its pages: sorted, a transaction touches and syncs fewer of them.
    plan.sort((a, b) => (a.state.name < b.state.name ? -1 : 1));
    this.#dirty.clear();
    this.#dirtyEvents = 0;
    try {
      let rows: IndexRow[] = [];
      const add = (row: IndexRow): Promise<void> | undefined => {
        rows.push(row);
        if (rows.length < INDEX_ROWS_PER_TURN) return undefined;
        index.write(rows);
        rows = [];
        return nextTurn();
      };
      for (const { state, from, to, tombstoned } of plan) {
        const { number, hasMetadata, positions } = state;
        const first = from === 0 ? (positions[0] ?? -1) : state.first;
        for (let revision = Math.max(from, 1); revision <= to; revision++) {
          await add({ number, revision, position: positions[revision - from] as number });
        }
        await add({ name: state.name, row: { number, last: to, first, hasMetadata, tombstoned } });
      }
      index.write(rows);
      index.mark(target, nextNumber);
    } catch (error) {
      for (const { state } of plan) this.#dirty.add(state);
      throw error;
    }
    for (const { state, from, to } of plan) {
      if (from === 0 && to >= 0) state.first = state.positions[0] as number;
      state.positions.splice(0, to - from + 1);
      state.base = to + 1;
    }
    this.#evict();
  }

  #evict(): void {
    if (this.#states.size <= STREAM_STATES_MAX) return;
    let excess = this.#states.size - Math.floor(STREAM_STATES_MAX * 0.9);
    for (const [name, state] of this.#states) {
      if (excess-- <= 0) return;
      const idle =
        state.positions.length === 0 && state.last === state.durableLast && !this.#dirty.has(state);
      if (idle && state.tombstoned === state.durableTombstoned) this.#states.delete(name);
    }
  }
}

const newGroup = (start: number): Group => ({
  start,
  end: start,
  pieces: [],
  answers: [],
  commits: [],
  events: 0,
});

/** What an append is answered with that writes nothing. */
function refusal(decision: Exclude<AppendDecision, { kind: 'append' }>, state: StreamState): AppendOutcome {
  if (decision.kind === 'deleted') return { kind: 'deleted' };
  if (decision.kind === 'wrong_version') return { kind: 'wrong_version', current: state.last };
  return { kind: 'repeat', last: decision.last.revision, position: decision.last.position };
}

const EMPTY = Buffer.alloc(0);
const METADATA_TYPE = Buffer.from('$metadata');
const DELETED_TYPE = Buffer.from('$streamDeleted');

const metadataEvent = (data: Buffer): NewEvent => ({
  id: randomUuid(),
  type: METADATA_TYPE,
  isJson: true,
  metadata: EMPTY,
  data,
});

const deletion = (): NewEvent => ({
  id: randomUuid(),
  type: DELETED_TYPE,
  isJson: false,
  metadata: EMPTY,
  data: EMPTY,
});

function checkName(name: string): void {
  if (name === '' || name === '$$' || name === '$all') {
    throw invalidArgument(`'${name}' is not the name of a stream that can be written`);
  }
}

/** Whether an expectation from the wire is one: a revision or a magic number. */
export const isExpectation = (expected: number): boolean =>
  expected >= 0 ||
  expected === Expected.any ||
  expected === Expected.noStream ||
  expected === Expected.streamExists;
