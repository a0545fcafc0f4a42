/**
 * Opening a directory: what the index has is taken as it is, what the log has behind that is read, checked and taken
 * in, and an append that was being written when the process died is cut off.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logPath, openLogFile } from '../log/log-file.js';
import { memoryLog } from '../log/memory-log.js';
import {
  FLAG_END_OF_APPEND,
  FLAG_TOMBSTONE,
  isSoundRecord,
  RECORD_ID_OFFSET,
  RECORD_MIN_BYTES,
  recordFlags,
  recordId,
  recordLength,
  recordName,
  recordRevision,
} from '../log/record.js';
import { CHUNK_BYTES, nextSoundRecord, scanRecords } from '../log/scan.js';
import { damagedAt, LOG_HEADER_BYTES, type LogStorage, readWhole, StorageError } from '../log/storage.js';
import { type FoundEvent, Store, type StoreOptions } from './store.js';
import type { StreamIndex } from './stream-index.js';

const INDEX_DIRECTORY = 'index';
/** Log that is read back at start, to check it and to recognise repeated appends across a restart. */
export const WARM_BYTES = 2 * 1024 * 1024;
/** Events taken in between two steps of the index. */
const RECOVER_STEP_EVENTS = 50_000;
type Options = Pick<StoreOptions, 'now' | 'report'>;

/** A store that keeps nothing. */
export function openMemoryStore(options: Options = {}): Store {
  return new Store({ ...options, storage: memoryLog() });
}

/**
 * Opens or creates the store in a directory. The caller holds the directory's lock.
 *
 * Throws StorageError: `log_truncated` (the index knows more than the log has), `log_damaged` (an acknowledged record
 * is not what was written), `index_of_another_log`, `not_a_log`.
 */
export async function openStore(directory: string, options: Options = {}): Promise<Store> {
  // A store in memory starts without LMDB.
  const { StreamIndex } = await import('./stream-index.js');
  await mkdir(directory, { recursive: true });
  const storage = await openLogFile(logPath(directory));
  let index: StreamIndex | undefined;
  try {
    index = await StreamIndex.open(join(directory, INDEX_DIRECTORY), storage.id);
    const from = index.indexedTo;
    if (storage.size < from) {
      throw new StorageError(
        'log_truncated',
        `the log has ${storage.size} bytes, but ${from} were in it: events are missing at its end`,
      );
    }
    const store = new Store({ ...options, storage, index });
    await warm(store, from);
    await takeIn(store, from, directory, options.report ?? (() => undefined));
    return store;
  } catch (error) {
    await index?.close();
    await storage.close();
    throw error;
  }
}

/** Goes back from the indexed end: checks the newest records and remembers their ids. */
async function warm(store: Store, to: number): Promise<void> {
  const start = Math.max(LOG_HEADER_BYTES, to - WARM_BYTES);
  const bytes = Buffer.allocUnsafe(to - start);
  await readWhole(store.log.storage, bytes, start);
  const offsets: number[] = [];
  for (let end = bytes.length; end >= RECORD_MIN_BYTES; ) {
    const at = end - bytes.readUInt32LE(end - 4);
    if (at < 0) break;
    if (at > end - RECORD_MIN_BYTES || !isSoundRecord(bytes.subarray(0, end), at))
      throw damagedAt(start + end);
    offsets.push(at);
    end = at;
  }
  for (const at of offsets.reverse()) {
    if (recordFlags(bytes, at) & FLAG_TOMBSTONE) continue;
    store.recentIds.add(bytes, at + RECORD_ID_OFFSET, start + at);
  }
}

/** Reads the log behind the index, append by append. */
async function takeIn(
  store: Store,
  from: number,
  directory: string,
  report: (message: string) => void,
): Promise<void> {
  const { storage } = store.log;
  let whole = from;
  let events = 0;
  const append: FoundEvent[] = [];
  const visit = (bytes: Buffer, at: number, position: number): void => {
    append.push({
      name: recordName(bytes, at),
      revision: recordRevision(bytes, at),
      position,
      id: recordId(bytes, at),
      tombstone: (recordFlags(bytes, at) & FLAG_TOMBSTONE) !== 0,
    });
    if ((recordFlags(bytes, at) & FLAG_END_OF_APPEND) === 0) return;
    for (const event of append.splice(0)) {
      store.recover(event);
      events++;
    }
    whole = position + recordLength(bytes, at);
  };
  // A log without an index is taken in from its beginning: in steps, so that its size is not a size in memory.
  const indexStep = async (): Promise<void> => {
    if (events < RECOVER_STEP_EVENTS) return;
    events = 0;
    store.recoveredTo(whole);
    await store.catchUpIndex();
  };
  const sound = await scanRecords(storage, from, storage.size, visit, indexStep);
  // Chunks are durable one after the other, so whatever is sound a chunk further on was acknowledged after this.
  const next = await nextSoundRecord(storage, sound, storage.size);
  if (next !== undefined && next > sound + CHUNK_BYTES) throw damagedAt(sound);
  if (storage.size > whole) await cutOff(storage, whole, directory, report);
  store.recoveredTo(whole);
}

/** Removes what an interrupted write left behind the last whole append, and keeps it aside, where there is room. */
async function cutOff(
  storage: LogStorage,
  whole: number,
  directory: string,
  report: (message: string) => void,
): Promise<void> {
  const torn = Buffer.allocUnsafe(storage.size - whole);
  await readWhole(storage, torn, whole);
  const kept = join(directory, `torn-${whole}.bin`);
  const where = await writeFile(kept, torn).then(
    () => `they are in ${kept}`,
    (error: unknown) => `they could not be kept: ${error}`,
  );
  report(`cut ${torn.length} bytes of an unfinished append at position ${whole}; ${where}`);
  await storage.truncate(whole);
}
