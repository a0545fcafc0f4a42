import { invalidArgument } from '../errors.js';
import {
  RECORD_HEADER_BYTES,
  recordName,
  recordNameLength,
  recordType,
  recordTypeLength,
} from '../log/record.js';
import type { FilterSpec } from '../protocol/filter.js';

/** Patterns and prefixes come from clients; these bounds keep one of them from costing the server its processor. */
export const FILTER_PREFIXES_MAX = 1_000;
export const FILTER_REGEX_MAX_CHARS = 4_096;

/** Whether the record at `at` passes. */
export type EventFilter = (bytes: Buffer, at: number) => boolean;

/** Throws EventStoreError `invalid_argument` for a pattern that is none. */
export function compileFilter(spec: FilterSpec): EventFilter {
  const onStream = spec.on === 'stream';
  if (spec.regex !== '') {
    const regex = compileRegex(spec.regex);
    return onStream
      ? (bytes, at) => regex.test(recordName(bytes, at))
      : (bytes, at) => regex.test(recordType(bytes, at));
  }
  const { prefixes } = spec;
  if (prefixes.length > FILTER_PREFIXES_MAX) {
    throw invalidArgument(`a filter has at most ${FILTER_PREFIXES_MAX} prefixes`);
  }
  return (bytes, at) => {
    let from = at + RECORD_HEADER_BYTES;
    let length = recordNameLength(bytes, at);
    if (!onStream) {
      from += length;
      length = recordTypeLength(bytes, at);
    }
    return prefixes.some((prefix) => startsWith(bytes, from, length, prefix));
  };
}

function startsWith(bytes: Buffer, from: number, length: number, prefix: Buffer): boolean {
  if (prefix.length > length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[from + i] !== prefix[i]) return false;
  return true;
}

function compileRegex(pattern: string): RegExp {
  if (pattern.length > FILTER_REGEX_MAX_CHARS) {
    throw invalidArgument(`a pattern has at most ${FILTER_REGEX_MAX_CHARS} characters`);
  }
  try {
    return new RegExp(pattern);
  } catch {
    throw invalidArgument(`'${pattern}' is not a regular expression`);
  }
}
