import type { LogPiece, LogTail } from './log-tail.js';
import { RECORD_HEADER_BYTES, RECORD_MAX_BYTES, RECORD_MIN_BYTES, recordLength } from './record.js';
import { damagedAt, type LogStorage } from './storage.js';

/** A record, in whatever bytes it lies. */
export interface RecordAt {
  readonly bytes: Buffer;
  readonly at: number;
  readonly position: number;
}

/** The log as its readers see it: everything before `end` is on the disk, and the newest of it in memory too. */
export class Log {
  readonly storage: LogStorage;
  readonly tail: LogTail;
  #end: number;

  constructor(storage: LogStorage, tail: LogTail, end: number) {
    this.storage = storage;
    this.tail = tail;
    this.#end = end;
  }

  get end(): number {
    return this.#end;
  }

  /** Pieces that are durable now, contiguous from `end` on. */
  grow(pieces: readonly LogPiece[], end: number): void {
    for (const piece of pieces) this.tail.push(piece);
    this.#end = end;
  }

  /** For recovery, which finds the end in the storage. */
  resume(end: number): void {
    this.#end = end;
  }

  /** The whole record at a position, without giving up the turn. For decisions; readers read records or pieces. */
  recordSync(position: number): RecordAt {
    const piece = this.tail.find(position);
    if (piece !== undefined) return { bytes: piece.bytes, at: position - piece.start, position };
    const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
    this.storage.readSync(header, position);
    const length = recordLength(header, 0);
    if (length < RECORD_MIN_BYTES || length > RECORD_MAX_BYTES) throw damagedAt(position);
    const bytes = Buffer.allocUnsafe(length);
    if (this.storage.readSync(bytes, position) < length) throw damagedAt(position);
    return { bytes, at: 0, position };
  }
}
