/**
 * Opening a directory: what the index has is taken as it is, what the log has behind that is read, checked and taken
 * in, and an append that was being written when the process died is cut off.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_HEADER_BYTES, type LogStorage, memoryLog, openLogFile, StorageError } from './log-file.js';
import {
  FLAG_END_OF_APPEND,
  FLAG_TOMBSTONE,
  isSoundRecord,
  RECORD_MAX_BYTES,
  RECORD_MIN_BYTES,
  recordFlags,
  recordIdKey,
  recordLength,
  recordName,
  recordRevision,
} from './record.js';
import { CHUNK_BYTES, Store, type StoreOptions } from './store.js';
import { StreamIndex } from './stream-index.js';

export const LOG_FILE = 'events.log';
export const INDEX_DIRECTORY = 'index';
/** Log that is read back at start, to check it and to recognise repeated appends across a restart. */
export const WARM_BYTES = 2 * 1024 * 1024;
const SCAN_STEP_BYTES = 1024 * 1024;
/** Events taken in between two steps of the index. */
const RECOVER_STEP_EVENTS = 50_000;
/** What one interrupted write can leave behind: one chunk, or one record that is longer than that. */
export const TORN_MAX_BYTES = CHUNK_BYTES + 2 * 1024 * 1024;

/** A store that keeps nothing. */
export function openMemoryStore(options: Pick<StoreOptions, 'now' | 'log'> = {}): Store {
  return new Store({ ...options, storage: memoryLog() });
}

/**
 * Opens or creates the store in a directory. The caller holds the directory's lock.
 *
 * Throws StorageError: `log_truncated` (the index knows more than the log has), `log_damaged` (an acknowledged record
 * is not what was written), `index_of_another_log`, `not_a_log`.
 */
export async function openStore(
  directory: string,
  options: Pick<StoreOptions, 'now' | 'log'> = {},
): Promise<Store> {
  await mkdir(directory, { recursive: true });
  const storage = await openLogFile(join(directory, LOG_FILE));
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
    await takeIn(store, from, directory, options.log ?? (() => undefined));
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
  await readWhole(store.storage, bytes, start);
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
    store.recentIds.set(recordIdKey(bytes, at), {
      streamName: recordName(bytes, at),
      revision: recordRevision(bytes, at),
      position: start + at,
    });
  }
}

const damagedAt = (position: number) =>
  new StorageError('log_damaged', `the log is damaged at or before position ${position}; restore a backup`);

/** Reads the log behind the index, append by append. */
async function takeIn(
  store: Store,
  from: number,
  directory: string,
  log: (message: string) => void,
): Promise<void> {
  const { storage } = store;
  let whole = from;
  let events = 0;
  const append: { name: string; revision: number; position: number; idKey: string; tombstone: boolean }[] =
    [];
  const visit = (bytes: Buffer, at: number, position: number): void => {
    append.push({
      name: recordName(bytes, at),
      revision: recordRevision(bytes, at),
      position,
      idKey: recordIdKey(bytes, at),
      tombstone: (recordFlags(bytes, at) & FLAG_TOMBSTONE) !== 0,
    });
    if ((recordFlags(bytes, at) & FLAG_END_OF_APPEND) === 0) return;
    for (const { name, revision, position: at, idKey, tombstone } of append.splice(0)) {
      store.recover(name, revision, at, idKey, { tombstone });
      events++;
    }
    whole = position + recordLength(bytes, at);
  };
  // A log without an index is taken in from its beginning: in steps, so that its size is not a size in memory.
  const indexStep = async (): Promise<void> => {
    if (events < RECOVER_STEP_EVENTS) return;
    events = 0;
    store.recoveredTo(whole);
    await store.followLog();
  };
  const sound = await scanRecords(storage, from, storage.size, visit, indexStep);
  // Chunks are durable one after the other, so whatever is sound a chunk further on was acknowledged after this.
  const next = await nextSoundRecord(storage, sound, storage.size);
  if (next !== undefined && next > sound + CHUNK_BYTES) throw damagedAt(sound);
  if (storage.size > whole) {
    const torn = Buffer.allocUnsafe(storage.size - whole);
    await readWhole(storage, torn, whole);
    const kept = join(directory, `torn-${whole}.bin`);
    await writeFile(kept, torn);
    log(`cut ${torn.length} bytes of an unfinished append at position ${whole}; they are in ${kept}`);
    await storage.truncate(whole);
  }
  store.recoveredTo(whole);
}

/**
 * Visits the sound records between two positions, and returns where the first one that is not begins, or `to`.
 */
export async function scanRecords(
  storage: Pick<LogStorage, 'read'>,
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
  storage: Pick<LogStorage, 'read'>,
  from: number,
  to: number,
): Promise<number | undefined> {
  if (to - from > TORN_MAX_BYTES) throw damagedAt(from);
  const bytes = Buffer.allocUnsafe(to - from);
  await readWhole(storage, bytes, from);
  for (let at = 1; at <= bytes.length - RECORD_MIN_BYTES; at++)
    if (isSoundRecord(bytes, at)) return from + at;
  return undefined;
}

async function readWhole(storage: Pick<LogStorage, 'read'>, into: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const read = await storage.read(into.subarray(done), position + done);
    if (read === 0)
      throw new StorageError('log_truncated', `the log ends at ${position + done} while it is read`);
    done += read;
  }
}
