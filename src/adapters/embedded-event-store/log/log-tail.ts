import { LOG_HEADER_BYTES } from './storage.js';

/**
 * How much of the newest log stays in memory. Live subscriptions and reloads of hot streams are served from it without
 * a system call; what is older comes from the file through the page cache.
 */
export const TAIL_MAX_BYTES = 16 * 1024 * 1024;

/** Dropped pieces are removed from the array in batches of this many, so that dropping one costs nothing. */
const COMPACT_PIECES = 1024;

/** A piece of the log in memory: whole records, the first at position `start`. */
export interface LogPiece {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** The newest pieces of the log, contiguous, oldest first. */
export class LogTail {
  readonly #pieces: LogPiece[] = [];
  readonly #maxBytes: number;
  #first = 0;
  #bytes = 0;

  constructor(maxBytes = TAIL_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The position from which on everything is in memory. */
  get start(): number {
    return this.#pieces[this.#first]?.start ?? Number.MAX_SAFE_INTEGER;
  }

  push(piece: LogPiece): void {
    const last = this.#pieces.length - 1;
    const joined = join(last < this.#first ? undefined : this.#pieces[last], piece);
    if (joined === undefined) this.#pieces.push(piece);
    else this.#pieces[last] = joined;
    this.#bytes += piece.bytes.length;
    while (this.#bytes > this.#maxBytes && this.#first < this.#pieces.length - 1) {
      this.#bytes -= (this.#pieces[this.#first] as LogPiece).bytes.length;
      this.#first++;
    }
    if (this.#first >= COMPACT_PIECES) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** The piece that holds the byte at `position`, if it is in memory. */
  find(position: number): LogPiece | undefined {
    if (position < LOG_HEADER_BYTES) return undefined;
    let low = this.#first;
    let high = this.#pieces.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const piece = this.#pieces[middle] as LogPiece;
      if (position < piece.start) high = middle - 1;
      else if (position >= piece.end) low = middle + 1;
      else return piece;
    }
    return undefined;
  }
}

/** Groups lie behind each other in the writer's chunks: as one piece they are found, and read on, in one step. */
function join(last: LogPiece | undefined, next: LogPiece): LogPiece | undefined {
  if (last === undefined || last.bytes.buffer !== next.bytes.buffer) return undefined;
  const { byteOffset, length } = last.bytes;
  if (byteOffset + length !== next.bytes.byteOffset) return undefined;
  const bytes = Buffer.from(last.bytes.buffer, byteOffset, length + next.bytes.length);
  return { start: last.start, end: next.end, bytes };
}
