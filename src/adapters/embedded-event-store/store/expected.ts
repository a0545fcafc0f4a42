/** What a client expected a stream's last revision to be: a revision (0 and up) or one of EventStoreDB's magic numbers. */
export const Expected = { noStream: -1, any: -2, streamExists: -4 } as const;

/** Whether an expectation from the wire is one. */
export const isExpectation = (expected: number): boolean =>
  expected >= 0 ||
  expected === Expected.any ||
  expected === Expected.noStream ||
  expected === Expected.streamExists;
