import { randomBytes } from 'node:crypto';
import { ID_BYTES } from './record.js';
import { LOG_HEADER_BYTES, type LogStorage, StorageError } from './storage.js';

const notInMemory = () =>
  new StorageError('not_in_memory', 'a record left the tail of a log that is in memory only');

/**
 * A log that keeps nothing itself: everything is in the log's tail, which is unbounded in memory mode. The same code
 * runs on top of it.
 */
export function memoryLog(): LogStorage {
  let size = LOG_HEADER_BYTES;
  return {
    id: randomBytes(ID_BYTES),
    get size() {
      return size;
    },
    async write(buffers, position) {
      size = buffers.reduce((sum, buffer) => sum + buffer.length, position);
    },
    read: () => Promise.reject(notInMemory()),
    readSync: () => {
      throw notInMemory();
    },
    async truncate(to) {
      size = to;
    },
    close: async () => undefined,
  };
}
