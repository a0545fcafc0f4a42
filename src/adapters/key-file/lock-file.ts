/**
 * A lock among processes: whoever makes the file has it, until it is removed. A lock of somebody who died in it is broken once it is old;
 * what it protects takes milliseconds, and whoever has it asks before the last step whether it still does.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LockTimes {
  /** So old it is of somebody who died. */
  readonly staleMs: number;
  /** Longer than that, so that one call outlives a dead one. */
  readonly waitMs: number;
}
export const LOCK_TIMES: LockTimes = { staleMs: 10_000, waitMs: 20_000 };
const LOOK_AGAIN_MS = 20;

export class LockTaken extends Error {
  readonly code = 'lock_taken';
  constructor(file: string, waitedMs: number) {
    super(`${file} is held by somebody else, for ${waitedMs} ms at least`);
    this.name = 'LockTaken';
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

const tryToTake = async (file: string, token: string): Promise<boolean> => {
  try {
    await writeFile(file, token, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
};

/**
 * Only one of those who see the same old lock moves it away. Between the look and the move somebody may have taken it anew: they are told
 * by `stillMine`, and have done nothing.
 */
const breakIfStale = async (file: string, staleMs: number): Promise<void> => {
  const aside = `${file}.${randomUUID()}`;
  try {
    if (Date.now() - (await stat(file)).mtimeMs < staleMs) return;
    await rename(file, aside);
    await rm(aside);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
};

/**
 * Runs `act` while nobody else does under the same lock. `stillMine` throws {@link LockTaken} when somebody took it for dead. Throws the same
 * when the lock cannot be had in time.
 */
export const withLock = async <Result>(
  file: string,
  act: (stillMine: () => Promise<void>) => Promise<Result>,
  { staleMs, waitMs }: LockTimes = LOCK_TIMES,
): Promise<Result> => {
  const token = randomUUID();
  const isMine = async (): Promise<boolean> =>
    (await readFile(file, 'utf8').catch(() => undefined)) === token;
  const deadline = performance.now() + waitMs;
  while (!(await tryToTake(file, token))) {
    if (performance.now() >= deadline) throw new LockTaken(file, waitMs);
    await breakIfStale(file, staleMs);
    await sleep(LOOK_AGAIN_MS * (0.5 + Math.random()));
  }
  try {
    return await act(async () => {
      if (!(await isMine())) throw new LockTaken(file, 0);
    });
  } finally {
    if (await isMine()) await rm(file, { force: true });
  }
};
