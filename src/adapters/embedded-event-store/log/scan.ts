/** Going through a log record by record and checking each: for recovery, which does not trust what it finds, and verify. */
import { isSoundRecord, RECORD_MAX_BYTES, RECORD_MIN_BYTES, recordLength } from './record.js';
import { damagedAt, type LogStorage, readWhole } from './storage.js';

type Readable = Pick<LogStorage, 'read'>;

/** The log is written in buffers of this size; each is durable before the next, so a torn end is never longer. */
export const CHUNK_BYTES = 256 * 1024;
/** What one interrupted write can leave behind: one chunk, or one record that is longer than that. */
export const TORN_MAX_BYTES = CHUNK_BYTES + 2 * 1024 * 1024;
const SCAN_STEP_BYTES = 1024 * 1024;

/**
 * Visits the sound records between two positions, and returns where the first one that is not begins, or `to`.
 */
export async function scanRecords(
  storage: Readable,
  from: number,
  to: number,
  visit: (bytes: Buffer, at: number, position: number) => void,
  afterStep: () => Promise<void> = async () => undefined,
): Promise<number> {
  let position = from;
  let step = SCAN_STEP_BYTES;
  while (position < to) {
    const bytes = Buffer.allocUnsafe(Math.min(step, to - position));
    await readWhole(storage, bytes, position);
    let at = 0;
    while (bytes.length - at >= RECORD_MIN_BYTES) {
      const length = recordLength(bytes, at);
      if (length > bytes.length - at && length <= RECORD_MAX_BYTES && position + at + length <= to) break;
      if (!isSoundRecord(bytes, at)) return position + at;
      visit(bytes, at, position + at);
      at += length;
    }
    if (at === 0 && bytes.length === to - position) return position;
    if (at === 0) step = Math.max(step * 2, recordLength(bytes, 0));
    else step = SCAN_STEP_BYTES;
    position += at;
    await afterStep();
  }
  return position;
}

/**
 * Looks for a sound record in what lies behind one that is not: whether an append was cut short there, or something
 * that was acknowledged is damaged. Throws StorageError `log_damaged` when it is more than one write can leave behind.
 */
export async function nextSoundRecord(
  storage: Readable,
  from: number,
  to: number,
): Promise<number | undefined> {
  if (to - from > TORN_MAX_BYTES) throw damagedAt(from);
  const bytes = Buffer.allocUnsafe(to - from);
  await readWhole(storage, bytes, from);
  for (let at = 1; at <= bytes.length - RECORD_MIN_BYTES; at++) {
    if (isSoundRecord(bytes, at)) return from + at;
  }
  return undefined;
}
