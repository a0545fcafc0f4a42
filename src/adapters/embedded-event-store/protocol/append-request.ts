import { invalidArgument } from '../errors.js';
import type { NewEvent } from '../log/record.js';
import { decodeEvent } from './proposed-event.js';
import { ProtoReader } from './proto-reader.js';
import { decodeExpected, decodeStreamName, optionsOf } from './request-parts.js';

const EMPTY: Buffer = Buffer.alloc(0);

export interface StreamTarget {
  readonly streamName: Buffer;
  readonly expected: number;
}

/** DeleteReq, TombstoneReq and the options of AppendReq: which stream, and what it is expected to be. */
export function decodeTarget(message: Buffer): StreamTarget {
  return decodeTargetOptions(optionsOf(message));
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

function decodeTargetOptions(options: ProtoReader): StreamTarget {
  let streamName: Buffer = EMPTY;
  let expected: number | undefined;
  while (options.next()) {
    const found = decodeExpected(options);
    if (found !== undefined) expected = found;
    else if (options.field === 1) streamName = decodeStreamName(options.bytes());
    else options.skip();
  }
  if (expected === undefined) throw invalidArgument('the request has no expected revision');
  return { streamName, expected };
}
