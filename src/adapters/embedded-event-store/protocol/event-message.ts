/**
 * Events on their way out. They go by the ten thousand, so each is measured and then written in place, behind the one
 * before it, straight from the log's bytes.
 */

import type { RecordAt } from '../log/log.js';
import {
  FLAG_JSON,
  FLAG_TOMBSTONE,
  RECORD_HEADER_BYTES,
  RECORD_ID_OFFSET,
  RECORD_TRAILER_BYTES,
  recordCreatedMs,
  recordFlags,
  recordLength,
  recordMetadataLength,
  recordNameLength,
  recordRevision,
  recordTypeLength,
} from '../log/record.js';
import type { FrameBuffer } from './frame-buffer.js';
import { ProtoWriter } from './proto-writer.js';
import { UUID_TEXT_BYTES, writeUuidText } from './uuid.js';
import { varintSize, writeVarint } from './wire.js';

/** .NET counts 100 ns ticks; events are stamped in milliseconds. */
const TICKS_PER_MS_DIGITS = '0000';

const UUID_TEXT_FIELD_BYTES = 2 + 2 + UUID_TEXT_BYTES;
const JSON_TYPE = mapEntry('content-type', 'application/json');
const BINARY_TYPE = mapEntry('content-type', 'application/octet-stream');
const TYPE_KEY = Buffer.from('\n\u0004type\u0012', 'latin1');
const CREATED_KEY = Buffer.from('\n\u0007created\u0012', 'latin1');
const TOMBSTONE_VARINT = Buffer.from('ffffffffffffffff7f', 'hex');

function mapEntry(key: string, value: string): Buffer {
  return new ProtoWriter().message(6, new ProtoWriter().string(1, key).string(2, value)).finish();
}

/** A record with the lengths of its parts, of their fields, and of the RecordedEvent that it becomes. */
interface Measured extends RecordAt {
  readonly name: number;
  readonly type: number;
  readonly metadata: number;
  readonly data: number;
  readonly flags: number;
  readonly created: string;
  /** The id as two halves, for a client that does not take text. */
  readonly structured: Buffer | undefined;
  readonly size: number;
}

/** Adds a ReadResp with an event, and the link it was found through. Either may be missing, not both. */
export function writeReadEvent(
  frames: FrameBuffer,
  event: RecordAt | undefined,
  link: RecordAt | undefined,
  structuredUuid: boolean,
): void {
  const origin = link ?? event;
  if (origin === undefined) return;
  const inner = event === undefined ? undefined : measure(event, structuredUuid);
  const outer = link === undefined ? undefined : measure(link, structuredUuid);
  let body = 1 + varintSize(origin.position);
  if (inner !== undefined) body += 1 + varintSize(inner.size) + inner.size;
  if (outer !== undefined) body += 1 + varintSize(outer.size) + outer.size;
  let at = frames.reserve(1 + varintSize(body) + body);
  const { bytes } = frames;
  bytes[at++] = 0x0a;
  at = writeVarint(bytes, at, body);
  if (inner !== undefined) at = writeEvent(bytes, at, 0x0a, inner);
  if (outer !== undefined) at = writeEvent(bytes, at, 0x12, outer);
  bytes[at++] = 0x18;
  writeVarint(bytes, at, origin.position);
}

function measure({ bytes, at, position }: RecordAt, structuredUuid: boolean): Measured {
  const name = recordNameLength(bytes, at);
  const type = recordTypeLength(bytes, at);
  const metadata = recordMetadataLength(bytes, at);
  const data = recordLength(bytes, at) - RECORD_HEADER_BYTES - RECORD_TRAILER_BYTES - name - type - metadata;
  const flags = recordFlags(bytes, at);
  const created = `${recordCreatedMs(bytes, at)}${TICKS_PER_MS_DIGITS}`;
  const structured = structuredUuid ? structuredId(bytes, at + RECORD_ID_OFFSET) : undefined;
  const identifier = 1 + varintSize(name) + name;
  const typeEntry = TYPE_KEY.length + varintSize(type) + type;
  const createdEntry = CREATED_KEY.length + 1 + created.length;
  const revision = flags & FLAG_TOMBSTONE ? TOMBSTONE_VARINT.length : varintSize(recordRevision(bytes, at));
  const size =
    (structured?.length ?? UUID_TEXT_FIELD_BYTES) +
    (1 + varintSize(identifier) + identifier) +
    (1 + revision) +
    2 * (1 + varintSize(position)) +
    (1 + varintSize(typeEntry) + typeEntry) +
    (2 + createdEntry) +
    (flags & FLAG_JSON ? JSON_TYPE : BINARY_TYPE).length +
    (metadata === 0 ? 0 : 1 + varintSize(metadata) + metadata) +
    (data === 0 ? 0 : 1 + varintSize(data) + data);
  return { bytes, at, position, name, type, metadata, data, flags, created, structured, size };
}

/** Writes a RecordedEvent of `measure`d size behind its tag. */
function writeEvent(into: Buffer, at: number, tag: number, event: Measured): number {
  const { bytes, position, name, type, metadata, data, flags, created, structured } = event;
  into[at++] = tag;
  at = writeVarint(into, at, event.size);
  if (structured !== undefined) at = writeAll(into, at, structured);
  else {
    into[at++] = 0x0a;
    into[at++] = 2 + UUID_TEXT_BYTES;
    into[at++] = 0x12;
    into[at++] = UUID_TEXT_BYTES;
    at = writeUuidText(bytes, event.at + RECORD_ID_OFFSET, into, at);
  }

  let source = event.at + RECORD_HEADER_BYTES;
  into[at++] = 0x12;
  at = writeVarint(into, at, 1 + varintSize(name) + name);
  at = writeBytes(into, at, 0x1a, bytes, source, name);
  source += name;

  into[at++] = 0x18;
  if (flags & FLAG_TOMBSTONE) at = writeAll(into, at, TOMBSTONE_VARINT);
  else at = writeVarint(into, at, recordRevision(bytes, event.at));
  into[at++] = 0x20;
  at = writeVarint(into, at, position);
  into[at++] = 0x28;
  at = writeVarint(into, at, position);

  into[at++] = 0x32;
  at = writeVarint(into, at, TYPE_KEY.length + varintSize(type) + type);
  at = writeAll(into, at, TYPE_KEY);
  at = writeVarint(into, at, type);
  bytes.copy(into, at, source, source + type);
  at += type;
  source += type;

  into[at++] = 0x32;
  into[at++] = CREATED_KEY.length + 1 + created.length;
  at = writeAll(into, at, CREATED_KEY);
  into[at++] = created.length;
  at += into.write(created, at, 'latin1');

  at = writeAll(into, at, flags & FLAG_JSON ? JSON_TYPE : BINARY_TYPE);
  if (metadata > 0) at = writeBytes(into, at, 0x3a, bytes, source, metadata);
  source += metadata;
  if (data > 0) at = writeBytes(into, at, 0x42, bytes, source, data);
  return at;
}

function writeAll(into: Buffer, at: number, bytes: Buffer): number {
  into.set(bytes, at);
  return at + bytes.length;
}

function writeBytes(
  into: Buffer,
  at: number,
  tag: number,
  from: Buffer,
  source: number,
  length: number,
): number {
  into[at++] = tag;
  at = writeVarint(into, at, length);
  from.copy(into, at, source, source + length);
  return at + length;
}

/** The id as two signed 64 bit halves, the form for clients that do not ask for text. */
function structuredId(bytes: Buffer, from: number): Buffer {
  const halves = new ProtoWriter()
    .int64(1, bytes.readBigInt64BE(from))
    .int64(2, bytes.readBigInt64BE(from + 8));
  return new ProtoWriter().message(1, new ProtoWriter().message(1, halves)).finish();
}
