/** Answers to Append, Delete and Tombstone. */
import { Expected } from '../store/expected.js';
import { ProtoWriter } from './proto-writer.js';

const EMPTY = new ProtoWriter();

/** The last revision and position of an append, as members of two oneofs; -1 where there is none. */
export function appended(last: number, position: number): ProtoWriter {
  const success = new ProtoWriter();
  if (last >= 0) success.uint(1, last);
  else success.message(2, EMPTY);
  if (position >= 0) success.message(3, new ProtoWriter().uint(1, position).uint(2, position));
  else success.message(4, EMPTY);
  return success;
}

export const appendSuccess = (last: number, position: number): Buffer =>
  new ProtoWriter().message(1, appended(last, position)).finish();

export function appendWrongVersion(current: number, expected: number): Buffer {
  const wrong = new ProtoWriter();
  if (current >= 0) wrong.uint(6, current);
  else wrong.message(7, EMPTY);
  if (expected >= 0) wrong.uint(8, expected);
  else wrong.message(expected === Expected.any ? 9 : expected === Expected.streamExists ? 10 : 11, EMPTY);
  return new ProtoWriter().message(2, wrong).finish();
}

/** DeleteResp and TombstoneResp have the same shape. */
export const deleted = (position: number): Buffer =>
  new ProtoWriter().message(1, new ProtoWriter().uint(1, position).uint(2, position)).finish();
