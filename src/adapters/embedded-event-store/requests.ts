/** Requests as the services want them. Field numbers are those of EventStoreDB's streams.proto and shared.proto. */
import { Expected, invalidArgument, missingMetadata } from './errors.js';
import type { FilterSpec } from './event-filter.js';
import { MalformedMessageError, ProtoReader } from './protobuf.js';
import type { NewEvent } from './record.js';
import { parseUuid, UUID_BYTES } from './uuid.js';

const EMPTY: Buffer = Buffer.alloc(0);
const JSON_CONTENT = 'application/json';
/** The type's length has two bytes in a record. */
export const EVENT_TYPE_MAX_BYTES = 65_535;

/** Where to begin: `position` is a revision for streams. */
export type StartPoint =
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'at'; readonly position: number };

export interface ReadRequest {
  /** Undefined for `$all`. */
  readonly streamName: string | undefined;
  readonly from: StartPoint;
  readonly backwards: boolean;
  readonly resolveLinks: boolean;
  readonly subscription: boolean;
  /** Ignored for subscriptions. */
  readonly count: number;
  readonly filter: FilterSpec | undefined;
  /** Events to look at between two checkpoints. */
  readonly checkpointInterval: number;
  readonly structuredUuid: boolean;
  /** Whether the client understands first and last stream positions. */
  readonly compatibility: number;
}

/** EventStoreDB looks at this many events per window when a filter names no number. */
const DEFAULT_SEARCH_WINDOW = 32;

/** Throws MalformedMessageError, or EventStoreError `invalid_argument` for combinations that mean nothing. */
export function decodeRead(message: Buffer): ReadRequest {
  const request = {
    streamName: undefined as string | undefined,
    from: { kind: 'start' } as StartPoint,
    backwards: false,
    resolveLinks: false,
    subscription: false,
    count: 0,
    filter: undefined as FilterSpec | undefined,
    checkpointInterval: DEFAULT_SEARCH_WINDOW,
    structuredUuid: true,
    compatibility: 0,
  };
  let target = false;
  const options = optionsOf(message);
  while (options.next()) {
    switch (options.field) {
      case 1: {
        target = true;
        const stream = options.message();
        request.streamName = '';
        while (stream.next()) {
          if (stream.field === 1) request.streamName = decodeStreamName(stream.bytes()).toString('utf8');
          else if (stream.field === 2) request.from = { kind: 'at', position: stream.uint() };
          else if (stream.field === 4) request.from = endOf(stream);
          else stream.skip();
        }
        break;
      }
      case 2: {
        target = true;
        const all = options.message();
        while (all.next()) {
          if (all.field === 1) request.from = decodePosition(all.message());
          else if (all.field === 3) request.from = endOf(all);
          else all.skip();
        }
        break;
      }
      case 3:
        request.backwards = options.uint() === 1;
        break;
      case 4:
        request.resolveLinks = options.uint() === 1;
        break;
      case 5:
        request.count = options.uint();
        break;
      case 6:
        options.skip();
        request.subscription = true;
        break;
      case 7: {
        const { filter, interval } = decodeFilter(options.message());
        request.filter = filter;
        request.checkpointInterval = interval;
        break;
      }
      case 9: {
        const uuid = options.message();
        while (uuid.next()) {
          if (uuid.field === 2) request.structuredUuid = false;
          uuid.skip();
        }
        break;
      }
      case 10: {
        const control = options.message();
        while (control.next()) {
          if (control.field === 1) request.compatibility = control.uint();
          else control.skip();
        }
        break;
      }
      default:
        options.skip();
    }
  }
  if (!target) throw invalidArgument('the request names neither a stream nor $all');
  if (request.streamName === '') throw invalidArgument('the name of a stream must not be empty');
  if (request.subscription && request.backwards)
    throw invalidArgument('a subscription cannot read backwards');
  if (request.filter !== undefined && request.streamName !== undefined) {
    throw invalidArgument('only $all can be filtered');
  }
  return request;
}

function endOf(reader: ProtoReader): StartPoint {
  reader.skip();
  return { kind: 'end' };
}

function decodePosition(reader: ProtoReader): StartPoint {
  let position = 0;
  while (reader.next()) {
    if (reader.field === 1) position = reader.uint();
    else reader.skip();
  }
  // The largest number is how some clients say "end".
  return position > Number.MAX_SAFE_INTEGER ? { kind: 'end' } : { kind: 'at', position };
}

function decodeFilter(reader: ProtoReader): { filter: FilterSpec; interval: number } {
  let filter: FilterSpec | undefined;
  let window = DEFAULT_SEARCH_WINDOW;
  let multiplier = 1;
  while (reader.next()) {
    if (reader.field === 1) filter = decodeExpression('stream', reader.message());
    else if (reader.field === 2) filter = decodeExpression('type', reader.message());
    else if (reader.field === 3) window = reader.uint();
    else if (reader.field === 5) multiplier = reader.uint();
    else reader.skip();
  }
  if (filter === undefined) throw invalidArgument('the filter has no expression');
  if (window === 0 || multiplier === 0) throw invalidArgument('a checkpoint interval must be positive');
  return { filter, interval: window * multiplier };
}

function decodeExpression(on: FilterSpec['on'], reader: ProtoReader): FilterSpec {
  let regex = '';
  const prefixes: Buffer[] = [];
  while (reader.next()) {
    if (reader.field === 1) regex = reader.string();
    else if (reader.field === 2) prefixes.push(Buffer.from(reader.bytes()));
    else reader.skip();
  }
  return { on, regex, prefixes };
}

/** `Options` is field 1 of every request. */
function optionsOf(message: Buffer): ProtoReader {
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field === 1) return reader.message();
    reader.skip();
  }
  throw invalidArgument('the request has no options');
}

/** StreamIdentifier: the name is its field 3, whatever became of 1 and 2. */
function decodeStreamName(identifier: Buffer): Buffer {
  const reader = new ProtoReader(identifier);
  let name: Buffer = EMPTY;
  while (reader.next()) {
    if (reader.field === 3) name = reader.bytes();
    else reader.skip();
  }
  return name;
}

export interface StreamTarget {
  readonly streamName: Buffer;
  readonly expected: number;
}

/** DeleteReq, TombstoneReq and the options of AppendReq: identifier, then revision | no_stream | any | stream_exists. */
export function decodeTarget(message: Buffer): StreamTarget {
  return decodeTargetOptions(optionsOf(message));
}

function decodeTargetOptions(options: ProtoReader): StreamTarget {
  let streamName: Buffer = EMPTY;
  let expected: number | undefined;
  while (options.next()) {
    switch (options.field) {
      case 1:
        streamName = decodeStreamName(options.bytes());
        break;
      case 2:
        expected = options.uint();
        break;
      case 3:
        expected = Expected.noStream;
        options.skip();
        break;
      case 4:
        expected = Expected.any;
        options.skip();
        break;
      case 5:
        expected = Expected.streamExists;
        options.skip();
        break;
      default:
        options.skip();
    }
  }
  if (expected === undefined) throw invalidArgument('the request has no expected revision');
  return { streamName, expected };
}

/** A message of an Append call: first the target, then events. */
export function decodeAppend(
  message: Buffer,
): { readonly target: StreamTarget } | { readonly event: NewEvent } {
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field === 1) return { target: decodeTargetOptions(reader.message()) };
    if (reader.field === 2) return { event: decodeEvent(reader.message()) };
    reader.skip();
  }
  throw invalidArgument('the message has neither options nor an event');
}

/** A chunk of one append in a BatchAppend call. Fields that only the first chunk has are undefined in the others. */
export interface BatchChunk {
  /** The UUID message as it came. */
  readonly correlation: Buffer;
  readonly options: BatchOptions | undefined;
  readonly events: readonly NewEvent[];
  readonly isFinal: boolean;
  /** Why the chunk cannot be an append, when it cannot. */
  readonly refusal: string | undefined;
}

export interface BatchOptions {
  readonly streamName: Buffer | undefined;
  readonly expected: number;
  /** Milliseconds since 1970; Infinity when the client set none. */
  readonly deadlineMs: number;
}

/** Throws MalformedMessageError only: what is wrong with one append must not end the call that others share. */
export function decodeBatchChunk(message: Buffer, nowMs: number): BatchChunk {
  const reader = new ProtoReader(message);
  let correlation: Buffer = EMPTY;
  let options: BatchOptions | undefined;
  const events: NewEvent[] = [];
  let isFinal = false;
  let refusal: string | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        correlation = reader.bytes();
        break;
      case 2:
        options = decodeBatchOptions(reader.message(), nowMs);
        break;
      case 3:
        try {
          events.push(decodeEvent(reader.message()));
        } catch (error) {
          if (error instanceof MalformedMessageError) throw error;
          refusal ??= error instanceof Error ? error.message : String(error);
        }
        break;
      case 4:
        isFinal = reader.uint() === 1;
        break;
      default:
        reader.skip();
    }
  }
  return { correlation, options, events, isFinal, refusal };
}

/** Stands for "the client set none": no append has it, and it is refused as such. */
export const NO_EXPECTATION = Number.NaN;

function decodeBatchOptions(reader: ProtoReader, nowMs: number): BatchOptions {
  let streamName: Buffer | undefined;
  let expected = NO_EXPECTATION;
  let deadlineMs = Number.POSITIVE_INFINITY;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        streamName = decodeStreamName(reader.bytes());
        break;
      case 2:
        expected = reader.uint();
        break;
      case 3:
        expected = Expected.noStream;
        reader.skip();
        break;
      case 4:
        expected = Expected.any;
        reader.skip();
        break;
      case 5:
        expected = Expected.streamExists;
        reader.skip();
        break;
      case 6:
        deadlineMs = decodeSeconds(reader.message()) * 1000;
        break;
      case 7:
        deadlineMs = nowMs + decodeSeconds(reader.message()) * 1000;
        break;
      default:
        reader.skip();
    }
  }
  return { streamName, expected, deadlineMs };
}

/** google.protobuf.Timestamp and Duration: seconds and nanoseconds. */
function decodeSeconds(reader: ProtoReader): number {
  let seconds = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds += reader.uint();
    else if (reader.field === 2) seconds += reader.uint() / 1e9;
    else reader.skip();
  }
  return seconds;
}

/** ProposedMessage: id, a map with `type` and `content-type`, custom metadata, data. */
function decodeEvent(reader: ProtoReader): NewEvent {
  const id = Buffer.allocUnsafe(UUID_BYTES);
  let hasId = false;
  let type: Buffer | undefined;
  let contentType: string | undefined;
  let metadata: Buffer = EMPTY;
  let data: Buffer = EMPTY;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        hasId = decodeUuid(reader.message(), id);
        break;
      case 2: {
        const entry = reader.message();
        let key = '';
        let value: Buffer = EMPTY;
        while (entry.next()) {
          if (entry.field === 1) key = entry.string();
          else if (entry.field === 2) value = entry.bytes();
          else entry.skip();
        }
        if (key === 'type') type = value;
        else if (key === 'content-type') contentType = value.toString('latin1');
        break;
      }
      case 3:
        metadata = reader.bytes();
        break;
      case 4:
        data = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  if (!hasId) throw invalidArgument('an event needs an id that is a UUID');
  if (type === undefined) throw missingMetadata('type');
  if (contentType === undefined) throw missingMetadata('content-type');
  if (type.length === 0 || type.length > EVENT_TYPE_MAX_BYTES) {
    throw invalidArgument(`the type of an event has 1 to ${EVENT_TYPE_MAX_BYTES} bytes`);
  }
  return { id, type, isJson: contentType === JSON_CONTENT, metadata, data };
}

function decodeUuid(reader: ProtoReader, into: Buffer): boolean {
  let found = false;
  while (reader.next()) {
    if (reader.field === 2) found = parseUuid(reader.bytes(), into, 0);
    else if (reader.field === 1) {
      const halves = reader.message();
      while (halves.next()) {
        if (halves.field === 1) into.writeBigUInt64BE(halves.uint64(), 0);
        else if (halves.field === 2) into.writeBigUInt64BE(halves.uint64(), 8);
        else halves.skip();
      }
      found = true;
    } else reader.skip();
  }
  return found;
}
