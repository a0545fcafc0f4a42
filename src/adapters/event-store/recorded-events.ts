import streams from '@eventstore/db-client/generated/streams_pb.js';
import { ReadEvent, ReadResponse, Recorded } from './plain-event.js';
import { NOT_PLAIN, ProtoCursor } from './proto-cursor.js';

/**
 * The answers of a read, read here as far as they are plain events: that is all but a handful of them. The client's generated code makes a
 * message, a map and several strings of each event, digit by digit where a number has 64 bits; here is kept where its parts stand, and
 * `convertGrpcEvent` of the client makes of it what it always does. Whatever is not known in full (a link, an id in halves, a field of a
 * later server, numbers above 2^49, too few bytes) goes to the generated code. 17.5 and 9 us of CPU per event, 58,000 and 110,000
 * events a second, without and with (2026-11-28, 200,000 events of 300 B, four rounds in turn).
 *
 *   ReadResp      { 1: ReadEvent }
 *   ReadEvent     { 1: RecordedEvent, 3: commit position | 4: Empty }
 *   RecordedEvent { 1: UUID { 2: string }, 2: StreamIdentifier { 3: bytes }, 3: revision, 4: prepare position, 5: commit position,
 *                   6: map<string, string>, 7: custom metadata, 8: data }
 */
export const decodeReadResponse = (bytes: Buffer): streams.ReadResp | ReadResponse =>
  responseIn(bytes) ?? streams.ReadResp.deserializeBinary(new Uint8Array(bytes));

/** A field's number and how its value is written, as they stand in one byte. */
const sized = (field: number): number => field * 8 + 2;
const varint = (field: number): number => field * 8;

const RESPONSE = { event: sized(1) };
const EVENT = { record: sized(1), commit: varint(3), noCommit: sized(4) };
const UUID = { text: sized(2) };
const STREAM = { name: sized(3) };
const RECORD = {
  id: sized(1),
  stream: sized(2),
  revision: varint(3),
  prepare: varint(4),
  commit: varint(5),
  metadata: sized(6),
  customMetadata: sized(7),
  data: sized(8),
};
const MAP = { key: sized(1), value: sized(2) };

const responseIn = (bytes: Buffer): ReadResponse | undefined => {
  // Not left to an exception: a subscription hears of checkpoints all the time.
  if (bytes[0] !== RESPONSE.event) return undefined;
  const cursor = new ProtoCursor(bytes);
  try {
    cursor.only(RESPONSE.event, bytes.length);
    return new ReadResponse(readEventOf(cursor));
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
};

const readEventOf = (cursor: ProtoCursor): ReadEvent => {
  let recorded: Recorded | undefined;
  let commit: number | undefined;
  const end = cursor.bytes.length;
  while (cursor.at < end) {
    const field = cursor.bytes[cursor.at++];
    if (field === EVENT.record && recorded === undefined) recorded = recordedOf(cursor, cursor.end(end));
    else if (field === EVENT.commit) commit = cursor.number();
    else if (field === EVENT.noCommit && cursor.end(end) === cursor.at) commit = undefined;
    else throw NOT_PLAIN;
  }
  if (recorded === undefined || cursor.at !== end) throw NOT_PLAIN;
  return new ReadEvent(recorded, commit);
};

const recordedOf = (cursor: ProtoCursor, end: number): Recorded => {
  const recorded = new Recorded();
  const { bytes } = cursor;
  while (cursor.at < end) {
    switch (bytes[cursor.at++]) {
      case RECORD.id:
        recorded.id = cursor.text(cursor.inside(UUID.text, end));
        break;
      case RECORD.stream:
        recorded.stream = cursor.rest(cursor.inside(STREAM.name, end));
        break;
      case RECORD.revision:
        recorded.revision = cursor.number();
        break;
      case RECORD.prepare:
        recorded.prepare = cursor.number();
        break;
      case RECORD.commit:
        recorded.commit = cursor.number();
        break;
      case RECORD.metadata:
        readEntry(cursor, cursor.end(end), recorded);
        break;
      case RECORD.customMetadata:
        recorded.customMetadata = cursor.rest(cursor.end(end));
        break;
      case RECORD.data:
        recorded.data = cursor.rest(cursor.end(end));
        break;
      default:
        throw NOT_PLAIN;
    }
  }
  // The client has words of its own for an event without one of these.
  if (recorded.id === '' || recorded.stream.length === 0 || cursor.at !== end) throw NOT_PLAIN;
  return recorded;
};

/** What the client does not ask for is left out. */
const readEntry = (cursor: ProtoCursor, end: number, recorded: Recorded): void => {
  if (cursor.bytes[cursor.at++] !== MAP.key) throw NOT_PLAIN;
  const key = cursor.text(cursor.end(end));
  cursor.only(MAP.value, end);
  const value = cursor.text(end);
  if (key === 'type') recorded.type = value;
  else if (key === 'created') recorded.created = value;
  else if (key === 'content-type') recorded.contentType = value;
};
