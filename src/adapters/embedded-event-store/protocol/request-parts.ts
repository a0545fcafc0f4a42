/** What the requests have in common. Field numbers are those of EventStoreDB's streams.proto and shared.proto. */
import { invalidArgument } from '../errors.js';
import { Expected } from '../store/expected.js';
import { ProtoReader } from './proto-reader.js';

const EMPTY: Buffer = Buffer.alloc(0);

/** `Options` is field 1 of every request. */
export function optionsOf(message: Buffer): ProtoReader {
  const reader = new ProtoReader(message);
  while (reader.next()) {
    if (reader.field === 1) return reader.message();
    reader.skip();
  }
  throw invalidArgument('the request has no options');
}

/** StreamIdentifier: the name is its field 3, whatever became of 1 and 2. */
export function decodeStreamName(identifier: Buffer): Buffer {
  const reader = new ProtoReader(identifier);
  let name: Buffer = EMPTY;
  while (reader.next()) {
    if (reader.field === 3) name = reader.bytes();
    else reader.skip();
  }
  return name;
}

/** Reads the field when it is one of revision | no_stream | any | stream_exists; else leaves it and returns undefined. */
export function decodeExpected(options: ProtoReader): number | undefined {
  switch (options.field) {
    case 2:
      return options.uint();
    case 3:
      options.skip();
      return Expected.noStream;
    case 4:
      options.skip();
      return Expected.any;
    case 5:
      options.skip();
      return Expected.streamExists;
    default:
      return undefined;
  }
}
