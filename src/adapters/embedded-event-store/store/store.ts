/**
 * The store: decides what becomes of appends, one after the other, and lets readers see what is on the disk.
 *
 * States of an append: decided (in memory, position given) -> written (its group is in the log and on the disk) ->
 * indexed (its rows are in LMDB). Answers are given, and readers see it, at "written".
 *
 * Invariants
 * - Decisions are taken on everything decided before. A failed write takes back all that was decided since the last
 *   durable position, so the states of streams and the recent ids are again what they were there.
 * - `indexed <= log.end <= next`, all of them positions in the log. Recovery reads the log from `indexed`.
 *
 * The parts: group-writer.ts writes, streams.ts remembers, index-follower.ts keeps the index near.
 */

import { invalidArgument } from '../errors.js';
import { Log, type RecordAt } from '../log/log.js';
import { LogTail } from '../log/log-tail.js';
import {
  FLAG_END_OF_APPEND,
  FLAG_TOMBSTONE,
  type NewEvent,
  recordCreatedMs,
  TOMBSTONE_REVISION,
} from '../log/record.js';
import { LOG_HEADER_BYTES, type LogStorage } from '../log/storage.js';
import { type AppendDecision, decideAppend, type StoredEvent } from './append-decision.js';
import type { AppendOutcome, Done } from './append-outcome.js';
import { viewOf } from './append-view.js';
import { GroupWriter } from './group-writer.js';
import { IndexFollower } from './index-follower.js';
import {
  deletionEvent,
  firstReadable,
  isExpired,
  isMetastream,
  metadataEvent,
  metastreamOf,
  originalOf,
  parseMetadata,
  withTruncateBefore,
} from './metadata.js';
import { RecentIds } from './recent-ids.js';
import type { StreamIndex } from './stream-index.js';
import { addPosition, type StreamState } from './stream-state.js';
import { Streams } from './streams.js';
import { Watchers } from './watchers.js';

export interface StoreOptions {
  readonly storage: LogStorage;
  /** Absent in memory mode: then everything stays in the states and the tail. */
  readonly index?: StreamIndex | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly report?: (message: string) => void;
}

/** What an append changes in a stream. */
interface Change {
  readonly state: StreamState;
  readonly last: number;
  readonly tombstone: boolean;
  readonly events: number;
}

/** An event that recovery found in the log behind the index. */
export interface FoundEvent {
  readonly name: string;
  readonly revision: number;
  readonly position: number;
  readonly id: Buffer;
  readonly tombstone: boolean;
}

export class Store {
  readonly log: Log;
  readonly streams: Streams;
  readonly recentIds = new RecentIds();
  readonly watchers = new Watchers();
  readonly writer: GroupWriter<Change>;
  readonly now: () => number;
  readonly #index: StreamIndex | undefined;
  readonly #follower: IndexFollower;
  readonly #report: (message: string) => void;

  constructor({ storage, index, now = Date.now, report = () => undefined }: StoreOptions) {
    const tail = new LogTail(index === undefined ? Number.POSITIVE_INFINITY : undefined);
    this.log = new Log(storage, tail, index?.indexedTo ?? LOG_HEADER_BYTES);
    this.writer = new GroupWriter<Change>(
      this.log,
      {
        written: (changes) => this.#written(changes),
        announced: (changes) => this.#announced(changes),
        takenBack: (changes) => this.#takenBack(changes),
      },
      report,
    );
    this.streams = new Streams(index, (position): RecordAt => this.writer.recordAt(position));
    this.#follower = new IndexFollower(index, this.streams, this.log, report);
    this.#index = index;
    this.#report = report;
    this.now = now;
  }

  // --- appending ----------------------------------------------------------------------------------------------------

  /** Throws EventStoreError `invalid_argument` for a name that no stream can have. */
  append(name: string, expected: number, events: readonly NewEvent[], done: Done): void {
    checkName(name);
    const state = this.streams.get(name);
    const decision = this.#decide(state, expected, events);
    this.writer.answer(
      done,
      decision.kind === 'append'
        ? this.#store(state, events, decision.undelete)
        : this.#withoutWrite(decision, state),
    );
  }

  /**
   * Deletes a stream so that the next append brings it back; what metadata it had is gone. The position is that of the
   * `$metadata` event. A stream that never was cannot be deleted, whatever was expected.
   */
  delete(name: string, expected: number, done: Done): void {
    checkName(name);
    const state = this.streams.get(name);
    const decision = this.#decide(state, expected, [deletionEvent()]);
    if (decision.kind !== 'append') {
      this.writer.answer(done, this.#withoutWrite(decision, state));
      return;
    }
    const metastream = this.streams.get(metastreamOf(name));
    if (state.last < 0 && metastream.last < 0) {
      this.writer.answer(done, { kind: 'wrong_version', current: state.last });
      return;
    }
    const position = this.#write(
      metastream,
      [metadataEvent(withTruncateBefore({}, TOMBSTONE_REVISION))],
      true,
    );
    this.writer.answer(done, { kind: 'written', last: state.last, position });
  }

  /** Deletes a stream for good: its name can never be used again. */
  tombstone(name: string, expected: number, done: Done): void {
    checkName(name);
    const state = this.streams.get(name);
    const event = deletionEvent();
    const decision = this.#decide(state, expected, [event]);
    if (decision.kind !== 'append') {
      this.writer.answer(done, this.#withoutWrite(decision, state));
      return;
    }
    this.streams.number(state);
    const flags = FLAG_END_OF_APPEND | FLAG_TOMBSTONE;
    const position = this.writer.add(Buffer.from(name, 'utf8'), event, 0, this.now(), flags);
    state.tombstoned = true;
    this.writer.change({ state, last: state.last, tombstone: true, events: 1 });
    this.writer.answer(done, { kind: 'written', last: state.last, position });
  }

  #decide(state: StreamState, expected: number, events: readonly NewEvent[]): AppendDecision {
    return decideAppend(viewOf(state, this.streams, this.recentIds, this.writer), expected, events);
  }

  /** What an append is answered with that writes nothing. */
  #withoutWrite(decision: Exclude<AppendDecision, { kind: 'append' }>, state: StreamState): AppendOutcome {
    if (decision.kind === 'deleted') return { kind: 'deleted' };
    if (decision.kind === 'wrong_version') return { kind: 'wrong_version', current: state.last };
    const { revision, position } = decision.last;
    return { kind: 'repeat', last: revision, position: this.#isHidden(state, decision.last) ? -1 : position };
  }

  /** EventStoreDB reads a repeated event to know its position, and leaves it out where no reader would see the event. */
  #isHidden(state: StreamState, { revision, position }: StoredEvent): boolean {
    const limits = this.streams.limits(state);
    if (limits.softDeleted || revision < firstReadable(limits, state.last)) return true;
    const { bytes, at } = this.writer.recordAt(position);
    return isExpired(limits, recordCreatedMs(bytes, at), this.now());
  }

  #store(state: StreamState, events: readonly NewEvent[], undelete: boolean): AppendOutcome {
    // Where nothing is stored there is no position that is true of it.
    if (events.length === 0) return { kind: 'written', last: state.last, position: -1 };
    const metadata = this.#metadataToUndelete(state, events, undelete);
    const position = this.#write(state, events, metadata === undefined);
    const { last } = state;
    if (metadata !== undefined) this.#write(metadata.state, [metadata.event], true);
    return { kind: 'written', last, position };
  }

  /**
   * An append to a deleted stream, or to its metadata, is followed in the same append by metadata that lets its new
   * events, and only those, be seen.
   */
  #metadataToUndelete(state: StreamState, events: readonly NewEvent[], undelete: boolean) {
    if (undelete) {
      const metastream = this.streams.get(metastreamOf(state.name));
      const metadata = withTruncateBefore(this.streams.metadata(metastream), state.last + 1);
      return { state: metastream, event: metadataEvent(metadata) };
    }
    if (!isMetastream(state.name)) return undefined;
    const original = this.streams.get(originalOf(state.name));
    const written = events.at(-1);
    if (written === undefined || !this.streams.limits(original).softDeleted) return undefined;
    const metadata = withTruncateBefore(parseMetadata(written.data), original.last + 1);
    return { state, event: metadataEvent(metadata) };
  }

  /** Adds the events to the open group and returns the position of the last. */
  #write(state: StreamState, events: readonly NewEvent[], endOfAppend: boolean): number {
    this.streams.number(state);
    const name = Buffer.from(state.name, 'utf8');
    const now = this.now();
    let position = 0;
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as NewEvent;
      const flags = endOfAppend && i === events.length - 1 ? FLAG_END_OF_APPEND : 0;
      const revision = state.last + 1;
      position = this.writer.add(name, event, revision, now, flags);
      state.last = revision;
      addPosition(state, position);
      this.recentIds.add(event.id, 0, position);
    }
    if (isMetastream(state.name)) this.#metadataChanged(state);
    this.writer.change({ state, last: state.last, tombstone: false, events: events.length });
    return position;
  }

  #metadataChanged(metastream: StreamState): void {
    const unknown = this.streams.metadataChanged(metastream);
    if (unknown !== undefined) this.#follower.touch(unknown);
  }

  // --- what became of it --------------------------------------------------------------------------------------------

  #written(changes: readonly Change[]): void {
    let written = 0;
    for (const { state, last, tombstone, events } of changes) {
      state.durableLast = last;
      if (tombstone) state.durableTombstoned = true;
      this.#follower.touch(state);
      written += events;
    }
    this.#follower.follow(written);
  }

  #announced(changes: readonly Change[]): void {
    this.watchers.announce(changes.map(({ state }) => state.name));
  }

  #takenBack(changes: readonly Change[]): void {
    this.recentIds.forgetFrom(this.log.end);
    for (const { state } of changes) {
      state.last = state.durableLast;
      state.tombstoned = state.durableTombstoned;
      const written = Math.max(0, state.durableLast + 1 - state.base);
      if (state.positions.length > written) state.positions = state.positions.slice(0, written);
      state.limits = undefined;
      if (isMetastream(state.name)) this.#metadataChanged(state);
    }
  }

  // --- beginning and end --------------------------------------------------------------------------------------------

  /** Takes in an event of a whole append that recovery found. */
  recover({ name, revision, position, id, tombstone }: FoundEvent): void {
    const state = this.streams.get(name);
    if (tombstone) {
      state.tombstoned = true;
      state.durableTombstoned = true;
    } else {
      this.recentIds.add(id, 0, position);
      if (revision > state.last) {
        addPosition(state, position);
        state.last = revision;
        state.durableLast = revision;
      }
    }
    this.streams.number(state);
    if (isMetastream(name)) this.#metadataChanged(state);
    this.#follower.touch(state);
  }

  /** Ends recovery, or a step of it: the log's whole appends end here. */
  recoveredTo(position: number): void {
    this.log.resume(position);
    this.writer.resume();
    this.#follower.follow(0);
  }

  /** Brings the index up to the end of the log; for recovery in steps. */
  async catchUpIndex(): Promise<void> {
    await this.#follower.catchUp();
  }

  /** Waits for the disk, brings the index up to the log and closes both. */
  async close(): Promise<void> {
    await this.writer.whenIdle();
    // An index that stays behind costs the next start some reading, and nothing else.
    await this.#follower
      .catchUp()
      .catch((error: unknown) => this.#report(`the index was not written: ${error}`));
    await this.#index?.close();
    await this.log.storage.close();
  }
}

function checkName(name: string): void {
  if (name === '' || name === '$$' || name === '$all') {
    throw invalidArgument(`'${name}' is not the name of a stream that can be written`);
  }
}
