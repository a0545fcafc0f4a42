/**
 * Every error a client can get, in one place: its gRPC status and the trailers from which EventStoreDB's clients make
 * their typed errors (`exception` names the type; the other keys are that type's fields).
 */

/** gRPC status codes that this server answers with. */
export const Status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** An error with the status and trailers it ends a call with, and a stable code for logs and callers in process. */
export class EventStoreError extends Error {
  readonly code: string;
  readonly status: number;
  readonly trailers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    status: number,
    message: string,
    trailers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.trailers = trailers;
  }
}

export const streamDeleted = (streamName: string) =>
  new EventStoreError(
    'stream_deleted',
    Status.failedPrecondition,
    `Event stream '${streamName}' is deleted.`,
    { exception: 'stream-deleted', 'stream-name': streamName },
  );

export const wrongExpectedVersion = (
  operation: string,
  streamName: string,
  expected: number,
  actual: number,
) =>
  new EventStoreError(
    'wrong_expected_version',
    Status.failedPrecondition,
    `${operation} failed due to WrongExpectedVersion. Stream: ${streamName}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': streamName,
      'expected-version': String(expected),
      'actual-version': String(actual),
    },
  );

export const maximumAppendSizeExceeded = (limit: number) =>
  new EventStoreError(
    'maximum_append_size_exceeded',
    Status.invalidArgument,
    `Maximum Append Size of ${limit} Exceeded.`,
    { exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(limit) },
  );

export const missingMetadata = (property: string) =>
  new EventStoreError(
    'missing_required_metadata_property',
    Status.invalidArgument,
    `Required Metadata Property '${property}' is missing`,
    { exception: 'missing-required-metadata-property', 'required-metadata-properties': 'type,content-type' },
  );

export const invalidArgument = (message: string) =>
  new EventStoreError('invalid_argument', Status.invalidArgument, message);

export const accessDenied = () =>
  new EventStoreError('access_denied', Status.permissionDenied, 'Access Denied', {
    exception: 'access-denied',
  });

export const notAuthenticated = () =>
  new EventStoreError('not_authenticated', Status.unauthenticated, 'Wrong or missing credentials.');

export const notImplemented = (path: string) =>
  new EventStoreError('not_implemented', Status.unimplemented, `This server does not implement ${path}.`);

export const shuttingDown = () =>
  new EventStoreError('shutting_down', Status.unavailable, 'The server is shutting down.');

/** The log could not be written (disk full, I/O error): nothing of the append is stored, and it may be tried again. */
export const writeFailed = (reason: string) =>
  new EventStoreError('write_failed', Status.unavailable, `The log could not be written: ${reason}`);
