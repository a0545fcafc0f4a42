/** What keeps the bytes of a log: a file, or nothing but memory. */

/** The file begins with a header (magic, format, the log's random id); the first record is behind it. */
export const LOG_HEADER_BYTES = 64;

/** A damaged, foreign or truncated directory; `code` says which. */
export class StorageError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export const damagedAt = (position: number): StorageError =>
  new StorageError('log_damaged', `the log is damaged at or before position ${position}; restore a backup`);

/** Positions are offsets; the first record is at LOG_HEADER_BYTES. */
export interface LogStorage {
  /** Random bytes that tell one log from another. */
  readonly id: Buffer;
  /** Bytes in storage, whole records or not. */
  readonly size: number;
  /**
   * Writes the buffers one behind the other; durable when it resolves, and each durable before the next begins. On
   * rejection nothing behind `position` counts any more.
   */
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /** Up to `into.length` bytes from `position`; returns how many there were. */
  read(into: Buffer, position: number): Promise<number>;
  /** The same, and everybody waits for it: for a few bytes that are most likely cached. */
  readSync(into: Buffer, position: number): number;
  /** Forgets everything from `size` on. */
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** Fills the buffer. Throws StorageError `log_truncated` when the log ends before. */
export async function readWhole(
  storage: Pick<LogStorage, 'read'>,
  into: Buffer,
  position: number,
): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const read = await storage.read(done === 0 ? into : into.subarray(done), position + done);
    if (read === 0) {
      throw new StorageError('log_truncated', `the log ends at ${position + done} while it is read`);
    }
    done += read;
  }
}
