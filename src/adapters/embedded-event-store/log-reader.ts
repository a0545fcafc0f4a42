/**
 * Reading the durable part of the log: in pieces for scans, record by record for streams. From the tail in memory
 * where it reaches that far, else from the file. A piece holds whole records only.
 */
import { LOG_HEADER_BYTES, StorageError } from './log-file.js';
import type { LogPiece } from './log-tail.js';
import {
  isSoundRecord,
  RECORD_MAX_BYTES,
  RECORD_MIN_BYTES,
  RECORD_TRAILER_BYTES,
  recordLength,
} from './record.js';
import type { Store } from './store.js';

/** How much of the file one step of a scan reads: the memory that a scan costs, however deep it goes. */
export const SCAN_BYTES = 256 * 1024;
/** How much is read where one record is wanted, whose length is not known before. */
const GUESS_BYTES = 4 * 1024;
/** Records wanted from the file that lie no further apart than this are read in one piece. */
const NEAR_BYTES = 64 * 1024;

export interface RecordAt {
  readonly bytes: Buffer;
  readonly at: number;
  readonly position: number;
}

const damaged = (position: number) =>
  new StorageError('log_damaged', `the log has no sound record at position ${position}`);

/** The records from `position` on, or undefined at the end. `position` must be the start of a record. */
export async function pieceFrom(store: Store, position: number): Promise<LogPiece | undefined> {
  if (position >= store.end) return undefined;
  const inMemory = store.tail.find(position);
  if (inMemory !== undefined)
    return { start: position, end: inMemory.end, bytes: inMemory.bytes.subarray(position - inMemory.start) };
  const available = Math.min(store.end, store.tail.start) - position;
  let bytes = await readFile(store, position, Math.min(SCAN_BYTES, available));
  const first = recordLength(bytes, 0);
  if (first > bytes.length) {
    if (first > available || first > RECORD_MAX_BYTES) throw damaged(position);
    bytes = await readFile(store, position, first);
  }
  let used = 0;
  while (bytes.length - used >= RECORD_MIN_BYTES) {
    const length = recordLength(bytes, used);
    if (length < RECORD_MIN_BYTES) throw damaged(position + used);
    if (length > bytes.length - used) break;
    used += length;
  }
  if (used === 0) throw damaged(position);
  return { start: position, end: position + used, bytes: bytes.subarray(0, used) };
}

/** The records that end at `position`, or undefined at the beginning. `position` must be the end of a record. */
export async function pieceBefore(store: Store, position: number): Promise<LogPiece | undefined> {
  if (position <= LOG_HEADER_BYTES) return undefined;
  const inMemory = store.tail.find(position - 1);
  if (inMemory !== undefined) {
    return {
      start: inMemory.start,
      end: position,
      bytes: inMemory.bytes.subarray(0, position - inMemory.start),
    };
  }
  const available = position - LOG_HEADER_BYTES;
  let length = Math.min(SCAN_BYTES, available);
  let bytes = await readFile(store, position - length, length);
  const last = bytes.readUInt32LE(bytes.length - RECORD_TRAILER_BYTES);
  if (last > bytes.length) {
    if (last > available || last > RECORD_MAX_BYTES) throw damaged(position);
    length = last;
    bytes = await readFile(store, position - length, length);
  }
  let from = bytes.length;
  while (from >= RECORD_MIN_BYTES) {
    const size = bytes.readUInt32LE(from - RECORD_TRAILER_BYTES);
    if (size < RECORD_MIN_BYTES) throw damaged(position);
    if (size > from) break;
    from -= size;
  }
  return { start: position - length + from, end: position, bytes: bytes.subarray(from) };
}

/** The records at these positions, in the order given. */
export async function recordsAt(store: Store, positions: readonly number[]): Promise<RecordAt[]> {
  const found: RecordAt[] = [];
  let block: { start: number; bytes: Buffer } | undefined;
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] as number;
    const inMemory = store.tail.find(position);
    if (inMemory !== undefined) {
      found.push({ bytes: inMemory.bytes, at: position - inMemory.start, position });
      continue;
    }
    if (block === undefined || !holds(block, position)) {
      block = { start: position, bytes: await readNear(store, positions, i) };
    }
    found.push({ bytes: block.bytes, at: position - block.start, position });
  }
  return found;
}

/** Whether a position of the log is where a record starts. */
export async function isRecordStart(store: Store, position: number): Promise<boolean> {
  if (position < LOG_HEADER_BYTES || position > store.end - RECORD_MIN_BYTES) return false;
  const inMemory = store.tail.find(position);
  if (inMemory !== undefined) return isSoundRecord(inMemory.bytes, position - inMemory.start);
  const bytes = await readFile(store, position, Math.min(GUESS_BYTES, store.end - position));
  const length = recordLength(bytes, 0);
  if (length < RECORD_MIN_BYTES || length > Math.min(RECORD_MAX_BYTES, store.end - position)) return false;
  return isSoundRecord(length > bytes.length ? await readFile(store, position, length) : bytes, 0);
}

function holds(block: { start: number; bytes: Buffer }, position: number): boolean {
  const at = position - block.start;
  if (at < 0 || at + RECORD_MIN_BYTES > block.bytes.length) return false;
  return at + recordLength(block.bytes, at) <= block.bytes.length;
}

/** Reads the record at `positions[i]`, and those behind it that are near enough to come along. */
async function readNear(store: Store, positions: readonly number[], i: number): Promise<Buffer> {
  const position = positions[i] as number;
  let reach = position;
  for (let k = i + 1; k < positions.length; k++) {
    const next = positions[k] as number;
    if (next < reach || next - position > NEAR_BYTES) break;
    reach = next;
  }
  const bytes = await readFile(
    store,
    position,
    Math.min(reach - position + GUESS_BYTES, store.end - position),
  );
  const length = recordLength(bytes, 0);
  if (length < RECORD_MIN_BYTES || length > RECORD_MAX_BYTES) throw damaged(position);
  return length > bytes.length ? readFile(store, position, length) : bytes;
}

async function readFile(store: Store, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const read = await store.storage.read(bytes, position);
  if (read < length) throw damaged(position);
  return bytes;
}
