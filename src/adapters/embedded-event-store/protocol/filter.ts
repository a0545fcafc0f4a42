import { invalidArgument } from '../errors.js';
import type { ProtoReader } from './proto-reader.js';

/** What of the log a client asked for. */
export interface FilterSpec {
  readonly on: 'stream' | 'type';
  /** Empty when prefixes are given. */
  readonly regex: string;
  readonly prefixes: readonly Buffer[];
}

/** EventStoreDB looks at this many events per window when a filter names no number. */
export const DEFAULT_SEARCH_WINDOW = 32;

/** FilterOptions; `interval` is how many events are looked at between two checkpoints. */
export function decodeFilter(reader: ProtoReader): { filter: FilterSpec; interval: number } {
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
