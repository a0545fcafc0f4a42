/**
 * Reading the log in one direction, piece by piece: from the tail in memory where it reaches that far, else from the
 * file. A piece holds whole records only.
 */
import type { Log } from './log.js';
import type { LogPiece } from './log-tail.js';
import { RECORD_MAX_BYTES, RECORD_MIN_BYTES, RECORD_TRAILER_BYTES, recordLength } from './record.js';
import { damagedAt, LOG_HEADER_BYTES, readWhole } from './storage.js';

/** How much of the file one step of a scan reads: the memory that a scan costs, however deep it goes. */
export const SCAN_BYTES = 256 * 1024;

/** The records from `position` on, or undefined at the end. `position` must be the start of a record. */
export async function pieceFrom(log: Log, position: number): Promise<LogPiece | undefined> {
  if (position >= log.end) return undefined;
  const inMemory = log.tail.find(position);
  if (inMemory !== undefined) {
    return { start: position, end: inMemory.end, bytes: inMemory.bytes.subarray(position - inMemory.start) };
  }
  const available = Math.min(log.end, log.tail.start) - position;
  let bytes = await readFile(log, position, Math.min(SCAN_BYTES, available));
  const first = recordLength(bytes, 0);
  if (first > bytes.length) {
    if (first > available || first > RECORD_MAX_BYTES) throw damagedAt(position);
    bytes = await readFile(log, position, first);
  }
  let used = 0;
  while (bytes.length - used >= RECORD_MIN_BYTES) {
    const length = recordLength(bytes, used);
    if (length < RECORD_MIN_BYTES) throw damagedAt(position + used);
    if (length > bytes.length - used) break;
    used += length;
  }
  if (used === 0) throw damagedAt(position);
  return { start: position, end: position + used, bytes: bytes.subarray(0, used) };
}

/** The records that end at `position`, or undefined at the beginning. `position` must be the end of a record. */
export async function pieceBefore(log: Log, position: number): Promise<LogPiece | undefined> {
  if (position <= LOG_HEADER_BYTES) return undefined;
  const inMemory = log.tail.find(position - 1);
  if (inMemory !== undefined) {
    const bytes = inMemory.bytes.subarray(0, position - inMemory.start);
    return { start: inMemory.start, end: position, bytes };
  }
  const available = position - LOG_HEADER_BYTES;
  let length = Math.min(SCAN_BYTES, available);
  let bytes = await readFile(log, position - length, length);
  const last = bytes.readUInt32LE(bytes.length - RECORD_TRAILER_BYTES);
  if (last > bytes.length) {
    if (last > available || last > RECORD_MAX_BYTES) throw damagedAt(position);
    length = last;
    bytes = await readFile(log, position - length, length);
  }
  let from = bytes.length;
  while (from >= RECORD_MIN_BYTES) {
    const size = bytes.readUInt32LE(from - RECORD_TRAILER_BYTES);
    if (size < RECORD_MIN_BYTES) throw damagedAt(position);
    if (size > from) break;
    from -= size;
  }
  return { start: position - length + from, end: position, bytes: bytes.subarray(from) };
}

async function readFile(log: Log, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  await readWhole(log.storage, bytes, position);
  return bytes;
}
