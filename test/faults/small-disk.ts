import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A disk of its own that can be filled to the last byte: an ext4 in a sparse file, mounted through a loop device, so that fsync and
 * ENOSPC are the kernel's. Needs root, a loop device and mkfs.ext4. One whose harness was killed stays mounted: `umount` it.
 */
export interface SmallDisk {
  readonly dir: string;
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

const SIZE_MB = 448;
const BLOCK_BYTES = 4_096;

const run = promisify(execFile);

const takeTheRest = async (file: string): Promise<void> => {
  const handle = await open(file, 'a');
  const block = Buffer.alloc(BLOCK_BYTES);
  try {
    // A zero that comes back means full as well.
    while ((await handle.write(block)).bytesWritten > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await handle.close().catch(() => undefined);
  }
};

/** The disk, or why there is none on this machine. */
export const openSmallDisk = async (parent: string): Promise<SmallDisk | string> => {
  const image = join(parent, 'disk.ext4');
  const dir = join(parent, 'disk');
  if (process.getuid?.() !== 0) return 'only root may mount a disk';
  if (!existsSync('/dev/loop-control')) return 'there is no loop device';
  try {
    await mkdir(dir, { recursive: true });
    await (await open(image, 'w')).close();
    await truncate(image, SIZE_MB * 1024 * 1024);
    await run('mkfs.ext4', ['-q', '-b', String(BLOCK_BYTES), '-m', '0', image]);
    await run('mount', ['-o', 'loop', image, dir]);
  } catch (error) {
    return `no disk could be mounted (${String(error).split('\n')[0]})`;
  }
  const ballast = join(dir, 'ballast');
  return {
    dir,
    fill: async () => {
      const { bavail, bsize } = await statfs(dir);
      // At once, without writing it; what others take or leave meanwhile is taken block by block.
      await run('fallocate', ['-l', String(Math.max(1, bavail - 64) * bsize), ballast]).catch(
        () => undefined,
      );
      await takeTheRest(ballast);
    },
    free: () => rm(ballast, { force: true }),
    close: async () => {
      await run('umount', [dir]).catch(() => run('umount', ['-l', dir]));
    },
  };
};
