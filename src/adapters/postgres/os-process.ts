import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const POLL_MS = 10;

/** Undefined when it cannot be read. */
export const readText = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch(() => undefined);

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** The command line of a process; undefined when it is gone or nothing can be known. Pids are used again, so a pid says little. */
export const commandLineOf = async (pid: number): Promise<string | undefined> => {
  if (!isAlive(pid)) return undefined;
  if (process.platform === 'linux') return readText(`/proc/${pid}/cmdline`);
  return run('ps', ['-p', String(pid), '-o', 'command=']).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
};

/** False when it still lives after the time. */
export const untilDead = async (pid: number, timeoutMs: number): Promise<boolean> => {
  for (const end = Date.now() + timeoutMs; isAlive(pid); await delay(POLL_MS)) {
    if (Date.now() > end) return false;
  }
  return true;
};

/** Whether this pid is a PostgreSQL server over `dataDir` (a real path). */
export const isServerOf = async (pid: number, dataDir: string): Promise<boolean> => {
  const line = await commandLineOf(pid);
  if (line === undefined || !line.includes('postgres')) return false;
  if (process.platform !== 'linux') return line.includes(dataDir);
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === dataDir;
};
