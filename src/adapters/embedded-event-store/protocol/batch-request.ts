import type { NewEvent } from '../log/record.js';
import { decodeEvent } from './proposed-event.js';
import { MalformedMessageError, ProtoReader } from './proto-reader.js';
import { decodeExpected, decodeStreamName } from './request-parts.js';

const EMPTY: Buffer = Buffer.alloc(0);

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

function decodeBatchOptions(options: ProtoReader, nowMs: number): BatchOptions {
  let streamName: Buffer | undefined;
  let expected = NO_EXPECTATION;
  let deadlineMs = Number.POSITIVE_INFINITY;
  while (options.next()) {
    const found = decodeExpected(options);
    if (found !== undefined) expected = found;
    else if (options.field === 1) streamName = decodeStreamName(options.bytes());
    else if (options.field === 6) deadlineMs = decodeSeconds(options.message()) * 1000;
    else if (options.field === 7) deadlineMs = nowMs + decodeSeconds(options.message()) * 1000;
    else options.skip();
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
