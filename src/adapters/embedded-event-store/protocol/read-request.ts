import { invalidArgument } from '../errors.js';
import { DEFAULT_SEARCH_WINDOW, decodeFilter, type FilterSpec } from './filter.js';
import type { ProtoReader } from './proto-reader.js';
import { decodeStreamName, optionsOf } from './request-parts.js';

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

type Draft = { -readonly [Key in keyof ReadRequest]: ReadRequest[Key] };

/** Throws MalformedMessageError, or EventStoreError `invalid_argument` for combinations that mean nothing. */
export function decodeRead(message: Buffer): ReadRequest {
  const draft: Draft = {
    streamName: undefined,
    from: { kind: 'start' },
    backwards: false,
    resolveLinks: false,
    subscription: false,
    count: 0,
    filter: undefined,
    checkpointInterval: DEFAULT_SEARCH_WINDOW,
    structuredUuid: true,
    compatibility: 0,
  };
  let target = false;
  const options = optionsOf(message);
  while (options.next()) {
    if (options.field === STREAM || options.field === ALL) target = true;
    decodeOption(options, draft);
  }
  if (!target) throw invalidArgument('the request names neither a stream nor $all');
  if (draft.streamName === '') throw invalidArgument('the name of a stream must not be empty');
  if (draft.subscription && draft.backwards) throw invalidArgument('a subscription cannot read backwards');
  if (draft.filter !== undefined && draft.streamName !== undefined) {
    throw invalidArgument('only $all can be filtered');
  }
  return draft;
}

const STREAM = 1;
const ALL = 2;

function decodeOption(options: ProtoReader, draft: Draft): void {
  switch (options.field) {
    case STREAM:
      decodeStreamOptions(options.message(), draft);
      break;
    case ALL:
      decodeAllOptions(options.message(), draft);
      break;
    case 3:
      draft.backwards = options.uint() === 1;
      break;
    case 4:
      draft.resolveLinks = options.uint() === 1;
      break;
    case 5:
      draft.count = options.uint();
      break;
    case 6:
      draft.subscription = true;
      options.skip();
      break;
    case 7: {
      const { filter, interval } = decodeFilter(options.message());
      draft.filter = filter;
      draft.checkpointInterval = interval;
      break;
    }
    case 9:
      decodeUuidOption(options.message(), draft);
      break;
    case 10:
      decodeControlOption(options.message(), draft);
      break;
    default:
      options.skip();
  }
}

function decodeStreamOptions(stream: ProtoReader, draft: Draft): void {
  draft.streamName = '';
  while (stream.next()) {
    if (stream.field === 1) draft.streamName = decodeStreamName(stream.bytes()).toString('utf8');
    else if (stream.field === 2) draft.from = { kind: 'at', position: stream.uint() };
    else {
      if (stream.field === 4) draft.from = { kind: 'end' };
      stream.skip();
    }
  }
}

function decodeAllOptions(all: ProtoReader, draft: Draft): void {
  while (all.next()) {
    if (all.field === 1) draft.from = decodePosition(all.message());
    else {
      if (all.field === 3) draft.from = { kind: 'end' };
      all.skip();
    }
  }
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

function decodeUuidOption(uuid: ProtoReader, draft: Draft): void {
  while (uuid.next()) {
    if (uuid.field === 2) draft.structuredUuid = false;
    uuid.skip();
  }
}

function decodeControlOption(control: ProtoReader, draft: Draft): void {
  while (control.next()) {
    if (control.field === 1) draft.compatibility = control.uint();
    else control.skip();
  }
}
