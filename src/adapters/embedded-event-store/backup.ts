import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { logPath } from './log/log-file.js';
import { LOG_HEADER_BYTES, StorageError } from './log/storage.js';
import { type LogReport, verify } from './verify.js';

const COPY_STEP_BYTES = 1024 * 1024;

/**
 * Copies the log of a running or stopped server into an empty directory, up to the last whole append of this moment,
 * and checks every record of the copy. A log only grows, so copying its beginning needs no pause; the index is not
 * copied, it is built at the first start. Throws StorageError `backup_exists`, `log_damaged`.
 */
export async function backup(directory: string, to: string): Promise<LogReport> {
  const target = logPath(to);
  await mkdir(dirname(target), { recursive: true });
  const source = await open(logPath(directory), 'r');
  try {
    const copy = await open(target, 'wx').catch((error: unknown) => {
      throw new StorageError('backup_exists', `${target} cannot be created: ${error}`);
    });
    try {
      const { size } = await source.stat();
      const bytes = Buffer.allocUnsafe(COPY_STEP_BYTES);
      for (let position = 0; position < size; ) {
        const { bytesRead } = await source.read(bytes, 0, Math.min(bytes.length, size - position), position);
        if (bytesRead === 0) break;
        await copy.write(bytes, 0, bytesRead, position);
        position += bytesRead;
      }
      const report = await verify(to);
      await copy.truncate(Math.max(report.end, LOG_HEADER_BYTES));
      await copy.sync();
      return { ...report, unfinishedBytes: 0 };
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}
