/**
 * Answers as bytes. Events go out by the ten thousand, so they are written in place, frame after frame, into one
 * buffer that is sent as a whole; the rest is built with ProtoWriter.
 */
import { Expected } from './errors.js';
import { ProtoWriter, varintSize, writeVarint } from './protobuf.js';
import {
  FLAG_JSON,
  FLAG_TOMBSTONE,
  RECORD_HEADER_BYTES,
  RECORD_TRAILER_BYTES,
  recordCreatedMs,
  recordFlags,
  recordLength,
  recordMetadataLength,
  recordNameLength,
  recordRevision,
  recordTypeLength,
} from './record.js';
import { UUID_BYTES, writeUuidText } from './uuid.js';

/** gRPC puts a flag and a length before every message. */
export const FRAME_HEAD_BYTES = 5;
/** .NET counts 100 ns ticks; events are stamped in milliseconds. */
const TICKS_PER_MS_DIGITS = '0000';

const UUID_TEXT_FIELD_BYTES = 2 + 2 + 36;
const JSON_TYPE = mapEntry('content-type', 'application/json');
const BINARY_TYPE = mapEntry('content-type', 'application/octet-stream');
const TYPE_KEY = Buffer.from('\n\u0004type\u0012', 'latin1');
const CREATED_KEY = Buffer.from('\n\u0007created\u0012', 'latin1');
const TOMBSTONE_VARINT = Buffer.from('ffffffffffffffff7f', 'hex');

function mapEntry(key: string, value: string): Buffer {
  return new ProtoWriter().message(6, new ProtoWriter().string(1, key).string(2, value)).finish();
}

/** An event to be sent: a record, where it is, and how the client wants ids. */
export interface EventSource {
  readonly bytes: Buffer;
  readonly at: number;
  readonly position: number;
}

interface Measured extends EventSource {
  readonly size: number;
  readonly created: string;
  readonly structured: Buffer | undefined;
}

/** Collects framed messages into one buffer. */
export class FrameBuffer {
  #bytes: Buffer;
  #used = 0;
  readonly #initialBytes: number;

  constructor(initialBytes: number) {
    this.#initialBytes = initialBytes;
    this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#used;
  }

  /** The frames so far; the buffer starts anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#used);
    this.#bytes = Buffer.allocUnsafe(this.#initialBytes);
    this.#used = 0;
    return taken;
  }

  message(message: Buffer): void {
    this.#reserve(FRAME_HEAD_BYTES + message.length);
    this.#head(message.length);
    this.#bytes.set(message, this.#used);
    this.#used += message.length;
  }

  /** A ReadResp with an event, and the link it was found through. Either may be missing, not both. */
  event(event: EventSource | undefined, link: EventSource | undefined, structuredUuid: boolean): void {
    const origin = link ?? event;
    if (origin === undefined) return;
    const inner = event === undefined ? undefined : measure(event, structuredUuid);
    const outer = link === undefined ? undefined : measure(link, structuredUuid);
    let body = 1 + varintSize(origin.position);
    for (const part of [inner, outer]) {
      if (part !== undefined) body += 1 + varintSize(part.size) + part.size;
    }
    const total = 1 + varintSize(body) + body;
    this.#reserve(FRAME_HEAD_BYTES + total);
    this.#head(total);
    const bytes = this.#bytes;
    let at = this.#used;
    bytes[at++] = 0x0a;
    at = writeVarint(bytes, at, body);
    if (inner !== undefined) at = writeEvent(bytes, at, 0x0a, inner);
    if (outer !== undefined) at = writeEvent(bytes, at, 0x12, outer);
    bytes[at++] = 0x18;
    this.#used = writeVarint(bytes, at, origin.position);
  }

  #head(length: number): void {
    this.#bytes[this.#used] = 0;
    this.#bytes.writeUInt32BE(length, this.#used + 1);
    this.#used += FRAME_HEAD_BYTES;
  }

  #reserve(length: number): void {
    if (this.#bytes.length - this.#used >= length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + length));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}

function measure(source: EventSource, structuredUuid: boolean): Measured {
  const { bytes, at, position } = source;
  const name = recordNameLength(bytes, at);
  const type = recordTypeLength(bytes, at);
  const metadata = recordMetadataLength(bytes, at);
  const data = recordLength(bytes, at) - RECORD_HEADER_BYTES - RECORD_TRAILER_BYTES - name - type - metadata;
  const flags = recordFlags(bytes, at);
  const created = `${recordCreatedMs(bytes, at)}${TICKS_PER_MS_DIGITS}`;
  const structured = structuredUuid ? structuredId(bytes, at + 28) : undefined;
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
  return { bytes, at, position, size, created, structured };
}

/** Writes a RecordedEvent of `measure`d size behind its tag. */
function writeEvent(into: Buffer, at: number, tag: number, event: Measured): number {
  const { bytes, position } = event;
  const from = event.at;
  const name = recordNameLength(bytes, from);
  const type = recordTypeLength(bytes, from);
  const metadata = recordMetadataLength(bytes, from);
  const flags = recordFlags(bytes, from);
  into[at++] = tag;
  at = writeVarint(into, at, event.size);

  if (event.structured !== undefined) {
    into.set(event.structured, at);
    at += event.structured.length;
  } else {
    into[at++] = 0x0a;
    into[at++] = 38;
    into[at++] = 0x12;
    into[at++] = 36;
    at = writeUuidText(bytes, from + 28, into, at);
  }

  let source = from + RECORD_HEADER_BYTES;
  into[at++] = 0x12;
  at = writeVarint(into, at, 1 + varintSize(name) + name);
  at = writeBytes(into, at, 0x1a, bytes, source, name);
  source += name;

  into[at++] = 0x18;
  if (flags & FLAG_TOMBSTONE) {
    into.set(TOMBSTONE_VARINT, at);
    at += TOMBSTONE_VARINT.length;
  } else {
    at = writeVarint(into, at, recordRevision(bytes, from));
  }
  into[at++] = 0x20;
  at = writeVarint(into, at, position);
  into[at++] = 0x28;
  at = writeVarint(into, at, position);

  into[at++] = 0x32;
  at = writeVarint(into, at, TYPE_KEY.length + varintSize(type) + type);
  into.set(TYPE_KEY, at);
  at = writeVarint(into, at + TYPE_KEY.length, type);
  bytes.copy(into, at, source, source + type);
  at += type;
  source += type;

  into[at++] = 0x32;
  into[at++] = CREATED_KEY.length + 1 + event.created.length;
  into.set(CREATED_KEY, at);
  at += CREATED_KEY.length;
  into[at++] = event.created.length;
  at += into.write(event.created, at, 'latin1');

  const contentType = flags & FLAG_JSON ? JSON_TYPE : BINARY_TYPE;
  into.set(contentType, at);
  at += contentType.length;

  if (metadata > 0) at = writeBytes(into, at, 0x3a, bytes, source, metadata);
  source += metadata;
  const data = from + recordLength(bytes, from) - RECORD_TRAILER_BYTES - source;
  if (data > 0) at = writeBytes(into, at, 0x42, bytes, source, data);
  return at;
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
    .int64(2, bytes.readBigInt64BE(from + UUID_BYTES / 2));
  return new ProtoWriter().message(1, new ProtoWriter().message(1, halves)).finish();
}

// --- reading ----------------------------------------------------------------------------------------------------------

export const confirmation = (subscriptionId: string): Buffer =>
  new ProtoWriter().message(2, new ProtoWriter().string(1, subscriptionId)).finish();

export const checkpoint = (position: number): Buffer =>
  new ProtoWriter().message(3, new ProtoWriter().uint(1, position).uint(2, position)).finish();

export const streamNotFound = (name: Buffer): Buffer =>
  new ProtoWriter().message(4, new ProtoWriter().message(1, new ProtoWriter().bytes(3, name))).finish();

export const firstStreamPosition = (revision: number): Buffer => new ProtoWriter().uint(5, revision).finish();
export const lastStreamPosition = (revision: number): Buffer => new ProtoWriter().uint(6, revision).finish();
export const lastAllStreamPosition = (position: number): Buffer =>
  new ProtoWriter().message(7, new ProtoWriter().uint(1, position).uint(2, position)).finish();

export const CAUGHT_UP: Buffer = new ProtoWriter().message(8, new ProtoWriter()).finish();

// --- appending --------------------------------------------------------------------------------------------------------

const EMPTY = new ProtoWriter();

/** The last revision and position of an append, as members of two oneofs; -1 where there is none. */
function appended(last: number, position: number): ProtoWriter {
  const success = new ProtoWriter();
  if (last >= 0) success.uint(1, last);
  else success.message(2, EMPTY);
  if (position >= 0) success.message(3, new ProtoWriter().uint(1, position).uint(2, position));
  else success.message(4, EMPTY);
  return success;
}

export const appendSuccess = (last: number, position: number): Buffer =>
  new ProtoWriter().message(1, appended(last, position)).finish();

export function appendWrongVersion(current: number, expected: number): Buffer {
  const wrong = new ProtoWriter();
  if (current >= 0) wrong.uint(6, current);
  else wrong.message(7, EMPTY);
  if (expected >= 0) wrong.uint(8, expected);
  else wrong.message(expected === Expected.any ? 9 : expected === Expected.streamExists ? 10 : 11, EMPTY);
  return new ProtoWriter().message(2, wrong).finish();
}

/** The answer to one append of a BatchAppend call: which it was, and what became of it. */
export interface BatchTarget {
  /** The UUID message as the client sent it. */
  readonly correlation: Buffer;
  /** Undefined when the client named no stream. */
  readonly streamName: Buffer | undefined;
}

export function batchSuccess(target: BatchTarget, last: number, position: number): Buffer {
  return batchAnswer(target, 3, appended(last, position));
}

/** google.rpc codes of the errors that a batch can end with. */
const RpcCode = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
} as const;

function batchError(target: BatchTarget, code: number, name: string, details: ProtoWriter): Buffer {
  const any = new ProtoWriter()
    .string(1, `type.googleapis.com/event_store.client.${name}`)
    .message(2, details);
  return batchAnswer(target, 2, new ProtoWriter().uint(1, code).string(2, name).message(3, any));
}

export function batchWrongVersion(target: BatchTarget, current: number, expected: number): Buffer {
  const details = new ProtoWriter();
  if (current >= 0) details.uint(1, current);
  else details.message(2, EMPTY);
  if (expected >= 0) details.uint(3, expected);
  else details.message(expected === Expected.any ? 4 : expected === Expected.streamExists ? 5 : 6, EMPTY);
  return batchError(target, RpcCode.alreadyExists, 'WrongExpectedVersion', details);
}

export const batchStreamDeleted = (target: BatchTarget): Buffer =>
  batchError(
    target,
    RpcCode.notFound,
    'StreamDeleted',
    new ProtoWriter().message(1, new ProtoWriter().bytes(3, target.streamName ?? Buffer.alloc(0))),
  );

export const batchTooLarge = (target: BatchTarget, limit: number): Buffer =>
  batchError(target, RpcCode.invalidArgument, 'MaximumAppendSizeExceeded', new ProtoWriter().uint(1, limit));

export const batchTimeout = (target: BatchTarget): Buffer =>
  batchError(target, RpcCode.deadlineExceeded, 'Timeout', EMPTY);

export const batchBadRequest = (target: BatchTarget, message: string): Buffer =>
  batchError(target, RpcCode.invalidArgument, 'BadRequest', new ProtoWriter().string(1, message));

export const batchUnknown = (target: BatchTarget): Buffer =>
  batchError(target, RpcCode.unknown, 'Unknown', EMPTY);

function batchAnswer(target: BatchTarget, field: number, content: ProtoWriter): Buffer {
  const answer = new ProtoWriter().bytes(1, target.correlation).message(field, content);
  if (target.streamName !== undefined) answer.message(4, new ProtoWriter().bytes(3, target.streamName));
  return answer.finish();
}

/** DeleteResp and TombstoneResp have the same shape. */
export const deleted = (position: number): Buffer =>
  new ProtoWriter().message(1, new ProtoWriter().uint(1, position).uint(2, position)).finish();

// --- about the server -------------------------------------------------------------------------------------------------

export function supportedMethods(
  version: string,
  methods: readonly {
    readonly service: string;
    readonly method: string;
    readonly features: readonly string[];
  }[],
): Buffer {
  const answer = new ProtoWriter();
  for (const { service, method, features } of methods) {
    const entry = new ProtoWriter().string(1, method).string(2, service);
    for (const feature of features) entry.string(3, feature);
    answer.message(1, entry);
  }
  return answer.string(2, version).finish();
}

/** A cluster of one live leader. */
export function clusterInfo(instanceId: string, host: string, port: number, timeTicks: bigint): Buffer {
  const VNODE_STATE_LEADER = 8;
  const member = new ProtoWriter()
    .message(1, new ProtoWriter().string(2, instanceId))
    .int64(2, timeTicks)
    .uint(3, VNODE_STATE_LEADER)
    .uint(4, 1)
    .message(5, new ProtoWriter().string(1, host).uint(2, port));
  return new ProtoWriter().message(1, member).finish();
}
