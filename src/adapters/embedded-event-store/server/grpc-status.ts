import { EventStoreError, Status } from '../errors.js';
import { MalformedMessageError } from '../protocol/proto-reader.js';

export const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc' };
export const OK_TRAILERS: Readonly<Record<string, string>> = { 'grpc-status': String(Status.ok) };

/** How a call is told what it ended with. */
export function trailersOf(error: unknown): Record<string, string> {
  if (error instanceof EventStoreError) {
    const trailers: Record<string, string> = {
      'grpc-status': String(error.status),
      'grpc-message': encodeURI(error.message),
    };
    for (const [key, value] of Object.entries(error.trailers)) trailers[key] = asciiOnly(value);
    return trailers;
  }
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof MalformedMessageError ? Status.invalidArgument : Status.internal;
  return { 'grpc-status': String(status), 'grpc-message': encodeURI(message) };
}

/** Header values are ASCII; a stream name with other characters is percent encoded there. */
const asciiOnly = (value: string): string =>
  /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value);
