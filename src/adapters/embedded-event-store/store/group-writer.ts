/**
 * Group commit: records that were decided are put behind each other in memory, and written together.
 *
 * States of a group: open (records and answers are added) -> in flight (its write is under way; the next is open) ->
 * written, or failed.
 *
 * Invariants
 * - One group is in flight at a time; what arrives meanwhile is the next one. So a group is as large as the load makes
 *   it, and a lone append waits for nobody.
 * - Answers are given when the group in which they were asked for is on the disk, in the order of their decisions; also
 *   those that wrote nothing, since they may depend on something that is not durable (a repeat of it, a wrong version
 *   because of it).
 * - A failed write fails its group and the open one, which was decided on top of it, and takes both back: `next` is
 *   again the end of the log.
 * - `log.end <= next`; everything between the two is in memory here.
 *
 * Limits: PENDING_MAX_BYTES, CHUNK_BYTES.
 */
import type { Log, RecordAt } from '../log/log.js';
import type { LogPiece } from '../log/log-tail.js';
import { type NewEvent, recordBytes, writeRecord } from '../log/record.js';
import { CHUNK_BYTES } from '../log/scan.js';
import type { AppendOutcome, Done } from './append-outcome.js';

/** Undurable bytes above which `busy` asks callers to stop sending. */
export const PENDING_MAX_BYTES = 64 * 1024 * 1024;

interface Group<Change> {
  readonly start: number;
  end: number;
  /** What is written: the filled parts of the chunks. */
  readonly pieces: LogPiece[];
  readonly changes: Change[];
  readonly answers: { readonly done: Done; readonly outcome: AppendOutcome }[];
}

/** What follows from a write, for those who keep track of it. */
export interface GroupListener<Change> {
  /** These changes are on the disk; answers are given next. */
  written(changes: readonly Change[]): void;
  /** Answers are given; called in a turn of its own, when the next write is under way. */
  announced(changes: readonly Change[]): void;
  /** These changes never happened. */
  takenBack(changes: readonly Change[]): void;
}

export class GroupWriter<Change> {
  readonly #log: Log;
  readonly #listener: GroupListener<Change>;
  readonly #report: (message: string) => void;
  #next: number;
  #open: Group<Change>;
  #inFlight: Group<Change> | undefined;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkUsed = 0;
  #pumpScheduled = false;
  /** Whether a failed write left something behind the end of the log. */
  #torn = false;
  readonly #idle: (() => void)[] = [];
  readonly #calm: (() => void)[] = [];

  constructor(log: Log, listener: GroupListener<Change>, report: (message: string) => void) {
    this.#log = log;
    this.#listener = listener;
    this.#report = report;
    this.#next = log.end;
    this.#open = newGroup(log.end);
  }

  /** Starts at the end that recovery found. */
  resume(): void {
    this.#next = this.#log.end;
    this.#open = newGroup(this.#next);
  }

  /** Whether so much waits for the disk that callers should stop sending until `whenCalm`. */
  get busy(): boolean {
    return this.#next - this.#log.end > PENDING_MAX_BYTES;
  }

  /** Resolves when it is not `busy` any more. */
  async whenCalm(): Promise<void> {
    if (this.busy) await new Promise<void>((resolve) => this.#calm.push(resolve));
  }

  /** Resolves when nothing that was added so far waits for the disk any more. */
  async whenIdle(): Promise<void> {
    if (this.#inFlight === undefined && this.#open.answers.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Adds a record to the open group and returns its position. */
  add(name: Buffer, event: NewEvent, revision: number, createdMs: number, flags: number): number {
    const length = recordBytes(name, event);
    if (this.#chunk.length - this.#chunkUsed < length) {
      this.#seal();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length));
      this.#chunkUsed = 0;
    }
    const position = this.#next;
    this.#chunkUsed = writeRecord(this.#chunk, this.#chunkUsed, name, event, revision, createdMs, flags);
    this.#next += length;
    this.#open.end = this.#next;
    return position;
  }

  /** Adds what the listener is told with the open group. */
  change(change: Change): void {
    this.#open.changes.push(change);
  }

  /** Adds an answer that is given when the open group is on the disk. */
  answer(done: Done, outcome: AppendOutcome): void {
    this.#open.answers.push({ done, outcome });
    this.#pumpSoon();
  }

  /** The record at a position, durable or not. */
  recordAt(position: number): RecordAt {
    if (position < this.#log.end) return this.#log.recordSync(position);
    const piece = pieceAt(this.#inFlight, position) ?? pieceAt(this.#open, position);
    if (piece !== undefined) return { bytes: piece.bytes, at: position - piece.start, position };
    return { bytes: this.#chunk, at: this.#chunkUsed - (this.#next - position), position };
  }

  /** Closes the part of the chunk that the open group has filled. */
  #seal(): void {
    const { pieces, start } = this.#open;
    const from = pieces.at(-1)?.end ?? start;
    const length = this.#next - from;
    if (length === 0) return;
    const bytes = this.#chunk.subarray(this.#chunkUsed - length, this.#chunkUsed);
    pieces.push({ start: from, end: this.#next, bytes });
  }

  /**
   * Whatever else arrives in this turn of the event loop joins the group: answers leave first, and clients are heard
   * first. Writing at once after a write cost a tenth more processor per append at 64 in flight (2026-11-22).
   */
  #pumpSoon(): void {
    if (this.#inFlight !== undefined || this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.busy) for (const resolve of this.#calm.splice(0)) resolve();
    if (this.#open.answers.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#seal();
    const group = this.#open;
    this.#inFlight = group;
    this.#open = newGroup(this.#next);
    this.#write(group).then(
      () => this.#written(group),
      (error: unknown) => this.#failed(group, error),
    );
  }

  async #write({ pieces, start }: Group<Change>): Promise<void> {
    if (this.#torn) await this.#cutOff();
    if (pieces.length === 0) return;
    const buffers = pieces.map(({ bytes }) => bytes);
    try {
      await this.#log.storage.write(buffers, start);
    } catch (error) {
      this.#torn = true;
      // At once, because it is room on a disk that is full; but if it cannot be done now, there is time.
      await this.#cutOff().catch(() => undefined);
      throw error;
    }
  }

  async #cutOff(): Promise<void> {
    await this.#log.storage.truncate(this.#log.end);
    this.#torn = false;
  }

  #written(group: Group<Change>): void {
    const { pieces, end, changes, answers } = group;
    this.#inFlight = undefined;
    this.#log.grow(pieces, end);
    this.#listener.written(changes);
    for (const { done, outcome } of answers) this.#tell(done, outcome);
    this.#pumpSoon();
    if (changes.length > 0) setImmediate(() => this.#listener.announced(changes));
  }

  #failed(group: Group<Change>, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#report(`append failed, nothing of it is stored: ${reason}`);
    const undone = [group, this.#open];
    this.#inFlight = undefined;
    this.#chunk = Buffer.alloc(0);
    this.#chunkUsed = 0;
    this.resume();
    this.#listener.takenBack(undone.flatMap(({ changes }) => changes));
    for (const { answers } of undone) {
      for (const { done } of answers) this.#tell(done, { kind: 'failed', reason });
    }
    this.#pumpSoon();
  }

  /** What goes wrong while one client is told must not keep the others waiting. */
  #tell(done: Done, outcome: AppendOutcome): void {
    try {
      done(outcome);
    } catch (error) {
      this.#report(`an answer was lost: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

const newGroup = <Change>(start: number): Group<Change> => ({
  start,
  end: start,
  pieces: [],
  changes: [],
  answers: [],
});

const pieceAt = <Change>(group: Group<Change> | undefined, position: number): LogPiece | undefined =>
  group?.pieces.find(({ start, end }) => position >= start && position < end);
