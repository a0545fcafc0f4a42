/**
 * Reading single records, which is what a stream is: from the tail in memory where it reaches that far, else from the
 * file.
 *
 * The load of a short stream is the most frequent of all reads, and its records are most often in the system's page
 * cache. There a read of 2 KiB takes 2 µs at once, and 13 µs of processor through Node's thread pool (2026-11-22). So
 * records are read at once, until one was not cached: whatever else the call wants then goes through the pool, so that
 * it holds others up for one disk access at most.
 */
import type { Log, RecordAt } from './log.js';
import { isSoundRecord, RECORD_MAX_BYTES, RECORD_MIN_BYTES, recordLength } from './record.js';
import { damagedAt, LOG_HEADER_BYTES, readWhole } from './storage.js';

/** How much is read where one record is wanted, whose length is not known before. */
const GUESS_BYTES = 2 * 1024;
/** Records that lie no further apart than this are read in one piece, of at most so much. */
const NEAR_BYTES = 4 * 1024;
const BLOCK_MAX_BYTES = 64 * 1024;
/** What takes longer came from the disk. */
const CACHED_MS = 0.5;

/** One record, valid until the function returns; when it has to wait for something it returns a promise. */
export type Visit = (record: RecordAt) => Promise<void> | undefined;

/**
 * Visits the records at these positions, in the order given. What is read at once is read into bytes that all readers
 * share: buffers of their own were a fifth of what a load cost, in garbage. Throws StorageError `log_damaged`.
 */
export async function visitRecords(log: Log, positions: readonly number[], visit: Visit): Promise<void> {
  let block: Block | undefined;
  let cached = true;
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] as number;
    const piece = log.tail.find(position);
    let record: RecordAt;
    if (piece !== undefined) record = { bytes: piece.bytes, at: position - piece.start, position };
    else {
      for (let length = spanFrom(positions, i); block === undefined || !holds(block, position); ) {
        length = Math.min(length, log.end - position);
        if (cached) {
          const started = performance.now();
          block = readNow(log, position, length);
          cached = performance.now() - started < CACHED_MS;
        } else block = await readLater(log, position, length);
        length = lengthAt(log, block);
      }
      record = { bytes: block.bytes, at: position - block.start, position };
    }
    const waiting = visit(record);
    if (waiting === undefined) continue;
    await waiting;
    // Others have read meanwhile.
    block = undefined;
  }
}

/** The whole record at a position, in bytes of its own. Throws StorageError `log_damaged`. */
export async function readRecord(log: Log, position: number): Promise<RecordAt | undefined> {
  let found: RecordAt | undefined;
  await visitRecords(log, [position], (record) => {
    found = copyOf(record);
    return undefined;
  });
  return found;
}

/** A record that stays as it is. */
export function copyOf({ bytes, at, position }: RecordAt): RecordAt {
  return { bytes: Buffer.from(bytes.subarray(at, at + recordLength(bytes, at))), at: 0, position };
}

/** Whether a position of the log is where a record starts. */
export async function isRecordStart(log: Log, position: number): Promise<boolean> {
  if (position < LOG_HEADER_BYTES || position > log.end - RECORD_MIN_BYTES) return false;
  const inMemory = log.tail.find(position);
  if (inMemory !== undefined) return isSoundRecord(inMemory.bytes, position - inMemory.start);
  const guess = Buffer.allocUnsafe(Math.min(GUESS_BYTES, log.end - position));
  await readWhole(log.storage, guess, position);
  const length = recordLength(guess, 0);
  if (length < RECORD_MIN_BYTES || length > Math.min(RECORD_MAX_BYTES, log.end - position)) return false;
  if (length <= guess.length) return isSoundRecord(guess, 0);
  const bytes = Buffer.allocUnsafe(length);
  await readWhole(log.storage, bytes, position);
  return isSoundRecord(bytes, 0);
}

interface Block {
  readonly start: number;
  readonly bytes: Buffer;
}

/** How much to read for the record at `positions[i]` and those behind it that are near enough to come along. */
function spanFrom(positions: readonly number[], i: number): number {
  const from = positions[i] as number;
  let reach = from;
  for (let k = i + 1; k < positions.length; k++) {
    const next = positions[k] as number;
    if (next < reach || next - reach > NEAR_BYTES || next - from > BLOCK_MAX_BYTES) break;
    reach = next;
  }
  return reach - from + GUESS_BYTES;
}

/** Read at once, into the bytes that the next such read overwrites. */
const shared = Buffer.allocUnsafeSlow(BLOCK_MAX_BYTES + GUESS_BYTES);

function readNow(log: Log, position: number, length: number): Block {
  const bytes = length <= shared.length ? shared.subarray(0, length) : Buffer.allocUnsafe(length);
  if (log.storage.readSync(bytes, position) < length) throw damagedAt(position);
  return { start: position, bytes };
}

async function readLater(log: Log, position: number, length: number): Promise<Block> {
  const bytes = Buffer.allocUnsafe(length);
  await readWhole(log.storage, bytes, position);
  return { start: position, bytes };
}

function holds({ start, bytes }: Block, position: number): boolean {
  const at = position - start;
  return at >= 0 && at + RECORD_MIN_BYTES <= bytes.length && at + recordLength(bytes, at) <= bytes.length;
}

/** The length of the record with which the block begins. */
function lengthAt(log: Log, { start, bytes }: Block): number {
  const length = recordLength(bytes, 0);
  const longest = Math.min(RECORD_MAX_BYTES, log.end - start);
  if (length < RECORD_MIN_BYTES || length > longest) throw damagedAt(start);
  return length;
}
