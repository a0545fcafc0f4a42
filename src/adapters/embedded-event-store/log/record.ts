/**
 * One event in the log.
 *
 *     offset  bytes
 *          0      4  length of the whole record
 *          4      4  CRC-32 of everything behind this field, up to the trailing length
 *          8      1  flags
 *          9      1  format version of the record
 *         10      2  length of the event type
 *         12      4  length of the stream name
 *         16      6  revision in the stream
 *         22      6  created, milliseconds since 1970
 *         28     16  event id
 *         44      4  length of the custom metadata
 *         48         stream name, event type, custom metadata, data
 *      end-4      4  length of the whole record again, so that the log can be read backwards
 *
 * All integers are little endian. The position of an event is the offset of its record in the log, so that positions
 * increase, need no index, and `$all` is read as one sequential scan. The last record of an append carries
 * FLAG_END_OF_APPEND; recovery keeps whole appends only.
 */
import { crc32 } from './crc32.js';

/** Length of an event id. */
export const ID_BYTES = 16;

export const RECORD_HEADER_BYTES = 48;
/** Where the event's id is in a record. */
export const RECORD_ID_OFFSET = 28;
export const RECORD_TRAILER_BYTES = 4;
export const RECORD_MIN_BYTES = RECORD_HEADER_BYTES + RECORD_TRAILER_BYTES;
/** Longer records cannot be: the limit of an append is far below, and a larger length means damage. */
export const RECORD_MAX_BYTES = 32 * 1024 * 1024;
const RECORD_VERSION = 1;

export const FLAG_END_OF_APPEND = 1;
export const FLAG_JSON = 2;
/** The stream is gone for good; its revision is EventStoreDB's number for that. */
export const FLAG_TOMBSTONE = 4;

/** The revision of a tombstone: the largest 64 bit integer, which no JavaScript number holds. */
export const TOMBSTONE_REVISION = 9_223_372_036_854_775_807n;

/** An event as a client proposes it. */
export interface NewEvent {
  /** 16 bytes. */
  readonly id: Buffer;
  readonly type: Buffer;
  readonly isJson: boolean;
  readonly metadata: Buffer;
  readonly data: Buffer;
}

export const recordBytes = (streamName: Buffer, event: NewEvent): number =>
  RECORD_MIN_BYTES + streamName.length + event.type.length + event.metadata.length + event.data.length;

/** Writes the record of `event` at `at` and returns the offset behind it. */
export function writeRecord(
  into: Buffer,
  at: number,
  streamName: Buffer,
  event: NewEvent,
  revision: number,
  createdMs: number,
  flags: number,
): number {
  const length = recordBytes(streamName, event);
  into.writeUInt32LE(length, at);
  into[at + 8] = flags | (event.isJson ? FLAG_JSON : 0);
  into[at + 9] = RECORD_VERSION;
  into.writeUInt16LE(event.type.length, at + 10);
  into.writeUInt32LE(streamName.length, at + 12);
  into.writeUIntLE(revision, at + 16, 6);
  into.writeUIntLE(createdMs, at + 22, 6);
  into.set(event.id, at + RECORD_ID_OFFSET);
  into.writeUInt32LE(event.metadata.length, at + 44);
  let offset = at + RECORD_HEADER_BYTES;
  into.set(streamName, offset);
  offset += streamName.length;
  into.set(event.type, offset);
  offset += event.type.length;
  into.set(event.metadata, offset);
  offset += event.metadata.length;
  into.set(event.data, offset);
  offset += event.data.length;
  into.writeUInt32LE(crc32(into.subarray(at + 8, offset)), at + 4);
  into.writeUInt32LE(length, offset);
  return at + length;
}

/* Reading: each function takes the bytes and the offset at which a record starts in them. */

export const recordLength = (bytes: Buffer, at: number): number =>
  ((bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)) >>>
  0;
export const recordFlags = (bytes: Buffer, at: number): number => bytes[at + 8] as number;
export const recordRevision = (bytes: Buffer, at: number): number => bytes.readUIntLE(at + 16, 6);
export const recordCreatedMs = (bytes: Buffer, at: number): number => bytes.readUIntLE(at + 22, 6);
export const recordTypeLength = (bytes: Buffer, at: number): number =>
  (bytes[at + 10] as number) | ((bytes[at + 11] as number) << 8);
export const recordNameLength = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 12);
export const recordMetadataLength = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 44);

export const recordId = (bytes: Buffer, at: number): Buffer =>
  bytes.subarray(at + RECORD_ID_OFFSET, at + RECORD_ID_OFFSET + ID_BYTES);
export const recordName = (bytes: Buffer, at: number): string =>
  bytes.toString('utf8', at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + recordNameLength(bytes, at));
export function recordType(bytes: Buffer, at: number): string {
  const from = at + RECORD_HEADER_BYTES + recordNameLength(bytes, at);
  return bytes.toString('utf8', from, from + recordTypeLength(bytes, at));
}
export function recordData(bytes: Buffer, at: number): Buffer {
  const from =
    at +
    RECORD_HEADER_BYTES +
    recordNameLength(bytes, at) +
    recordTypeLength(bytes, at) +
    recordMetadataLength(bytes, at);
  return bytes.subarray(from, at + recordLength(bytes, at) - RECORD_TRAILER_BYTES);
}

/**
 * Whether a whole and undamaged record starts at `at`: lengths that fit, checksum, and the length repeated at its end.
 */
export function isSoundRecord(bytes: Buffer, at: number): boolean {
  if (bytes.length - at < RECORD_MIN_BYTES) return false;
  const length = recordLength(bytes, at);
  if (length < RECORD_MIN_BYTES || length > bytes.length - at) return false;
  if (bytes[at + 9] !== RECORD_VERSION) return false;
  if (bytes.readUInt32LE(at + length - 4) !== length) return false;
  const payload = recordNameLength(bytes, at) + recordTypeLength(bytes, at) + recordMetadataLength(bytes, at);
  if (payload > length - RECORD_MIN_BYTES) return false;
  return crc32(bytes.subarray(at + 8, at + length - 4)) === bytes.readUInt32LE(at + 4);
}
