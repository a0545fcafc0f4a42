import { invalidArgument, missingMetadata } from '../errors.js';
import { ID_BYTES, type NewEvent } from '../log/record.js';
import type { ProtoReader } from './proto-reader.js';
import { parseUuid } from './uuid.js';

const EMPTY: Buffer = Buffer.alloc(0);
const JSON_CONTENT = 'application/json';
/** The type's length has two bytes in a record. */
export const EVENT_TYPE_MAX_BYTES = 65_535;

/** ProposedMessage: id, a map with `type` and `content-type`, custom metadata, data. */
export function decodeEvent(reader: ProtoReader): NewEvent {
  const id = Buffer.allocUnsafe(ID_BYTES);
  let hasId = false;
  let type: Buffer | undefined;
  let contentType: string | undefined;
  let metadata: Buffer = EMPTY;
  let data: Buffer = EMPTY;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        hasId = decodeUuid(reader.message(), id);
        break;
      case 2: {
        const entry = reader.message();
        let key = '';
        let value: Buffer = EMPTY;
        while (entry.next()) {
          if (entry.field === 1) key = entry.string();
          else if (entry.field === 2) value = entry.bytes();
          else entry.skip();
        }
        if (key === 'type') type = value;
        else if (key === 'content-type') contentType = value.toString('latin1');
        break;
      }
      case 3:
        metadata = reader.bytes();
        break;
      case 4:
        data = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  if (!hasId) throw invalidArgument('an event needs an id that is a UUID');
  if (type === undefined) throw missingMetadata('type');
  if (contentType === undefined) throw missingMetadata('content-type');
  if (type.length === 0 || type.length > EVENT_TYPE_MAX_BYTES) {
    throw invalidArgument(`the type of an event has 1 to ${EVENT_TYPE_MAX_BYTES} bytes`);
  }
  return { id, type, isJson: contentType === JSON_CONTENT, metadata, data };
}

function decodeUuid(reader: ProtoReader, into: Buffer): boolean {
  let found = false;
  while (reader.next()) {
    if (reader.field === 2) found = parseUuid(reader.bytes(), into, 0);
    else if (reader.field === 1) {
      const halves = reader.message();
      while (halves.next()) {
        if (halves.field === 1) into.writeBigUInt64BE(halves.uint64(), 0);
        else if (halves.field === 2) into.writeBigUInt64BE(halves.uint64(), 8);
        else halves.skip();
      }
      found = true;
    } else reader.skip();
  }
  return found;
}
