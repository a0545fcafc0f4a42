import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { withLock } from '../../../src/adapters/key-file/lock-file.js';

let dir: string;
let lock: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-lock-file-'));
  lock = join(dir, 'a.lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const leftBySomebody = async (ageMs: number): Promise<void> => {
  await writeFile(lock, 'somebody');
  const at = new Date(Date.now() - ageMs);
  await utimes(lock, at, at);
};

test('one after the other, and nothing is left', async () => {
  let inside = 0;
  const most = await Promise.all(
    Array.from({ length: 6 }, () =>
      withLock(lock, async () => {
        inside += 1;
        const seen = inside;
        await sleep(3);
        inside -= 1;
        return seen;
      }),
    ),
  );
  expect(most).toEqual([1, 1, 1, 1, 1, 1]);
  await expect(
    withLock(lock, async () => {
      throw new Error('inside');
    }),
  ).rejects.toThrow('inside');
  expect(await readdir(dir)).toEqual([]);
});

test('of somebody who lives is waited for, not for ever', async () => {
  await leftBySomebody(0);
  const late = withLock(lock, async () => 'in', { staleMs: 60_000, waitMs: 60 });
  await expect(late).rejects.toMatchObject({ code: 'lock_taken' });
  expect(await readFile(lock, 'utf8')).toBe('somebody');
});

test('of somebody who died is broken, by one of those who wait', async () => {
  await leftBySomebody(60_000);
  const times = { staleMs: 1_000, waitMs: 5_000 };
  const all = await Promise.all([1, 2, 3].map((one) => withLock(lock, async () => one, times)));
  expect(all).toEqual([1, 2, 3]);
  expect(await readdir(dir)).toEqual([]);
});

test('whoever was taken for dead is told before the last step, and leaves the lock of the other alone', async () => {
  const slow = withLock(lock, async (stillMine) => {
    await stillMine();
    await writeFile(lock, 'somebody');
    await stillMine();
  });
  await expect(slow).rejects.toMatchObject({ code: 'lock_taken' });
  expect(await readFile(lock, 'utf8')).toBe('somebody');
});
