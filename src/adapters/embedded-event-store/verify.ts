import { open } from 'node:fs/promises';
import { logPath } from './log/log-file.js';
import { FLAG_END_OF_APPEND, recordFlags, recordLength } from './log/record.js';
import { nextSoundRecord, scanRecords } from './log/scan.js';
import { LOG_HEADER_BYTES, StorageError } from './log/storage.js';

export interface LogReport {
  readonly events: number;
  readonly appends: number;
  /** Where the last whole append ends. */
  readonly end: number;
  /** Bytes behind it: an append that is being written, or was when the process died. */
  readonly unfinishedBytes: number;
}

/**
 * Checks every record of a log: lengths, checksum, format. May run beside a server; what that is writing counts as
 * unfinished. Throws StorageError `log_damaged` at the first record that is not what was written.
 */
export async function verify(directory: string): Promise<LogReport> {
  const handle = await open(logPath(directory), 'r');
  try {
    const { size } = await handle.stat();
    let events = 0;
    let appends = 0;
    let unfinished = 0;
    let end = LOG_HEADER_BYTES;
    const storage = {
      read: async (into: Buffer, position: number) =>
        (await handle.read(into, 0, into.length, position)).bytesRead,
    };
    const sound = await scanRecords(storage, LOG_HEADER_BYTES, size, (bytes, at, position) => {
      unfinished++;
      if ((recordFlags(bytes, at) & FLAG_END_OF_APPEND) === 0) return;
      events += unfinished;
      unfinished = 0;
      appends++;
      end = position + recordLength(bytes, at);
    });
    if ((await nextSoundRecord(storage, sound, size)) !== undefined) {
      throw new StorageError('log_damaged', `the record at position ${sound} of ${size} is damaged`);
    }
    return { events, appends, end, unfinishedBytes: size - end };
  } finally {
    await handle.close();
  }
}
