/**
 * One process per directory. The lock is a file that names its holder by process id and by when that process started
 * (on Linux, where both are known, a reused process id is not taken for the holder). A lock whose holder is gone is
 * taken over. It holds between processes of one machine that see each other, not across a network file system.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { StorageError } from './log/storage.js';

const LOCK_FILE = 'lock';
const ATTEMPTS_MAX = 5;

interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
  readonly token: string;
}

/** Locks a directory, creating it. Throws StorageError `directory_locked`. */
export function lockDirectory(directory: string): { release(): void } {
  fs.mkdirSync(directory, { recursive: true });
  const path = join(directory, LOCK_FILE);
  const self: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootId(),
    token: randomUUID(),
  };
  const own = join(directory, `${LOCK_FILE}-${self.token}`);
  fs.writeFileSync(own, JSON.stringify(self));
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (link(own, path)) return { release: () => release(path, self.token) };
      const holder = readHolder(path);
      if (holder === undefined) continue;
      if (isAlive(holder)) {
        throw new StorageError('directory_locked', `${directory} is in use by process ${holder.pid}`);
      }
      breakLock(directory, path, holder);
    }
  } finally {
    fs.rmSync(own, { force: true });
  }
  throw new StorageError('directory_locked', `${directory} is being taken by another process`);
}

function link(own: string, path: string): boolean {
  try {
    fs.linkSync(own, path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    if (!isCode(error, 'EPERM') && !isCode(error, 'ENOTSUP')) throw error;
  }
  // A file system without links: creating the file is exclusive too, only not at once with its content.
  try {
    fs.copyFileSync(own, path, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Moves a dead holder's lock away; puts it back if it turns out to be somebody else's by now. */
function breakLock(directory: string, path: string, dead: Holder): void {
  const aside = join(directory, `${LOCK_FILE}-${randomUUID()}`);
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  if (readHolder(aside)?.token !== dead.token) link(aside, path);
  fs.rmSync(aside, { force: true });
}

function release(path: string, token: string): void {
  if (readHolder(path)?.token === token) fs.rmSync(path, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(fs.readFileSync(path, 'utf8'));
    if (
      typeof parsed !== 'object' ||
      parsed === null ||
      !('pid' in parsed) ||
      typeof parsed.pid !== 'number'
    ) {
      return { pid: 0, started: '', boot: '', token: '' };
    }
    const text = (key: string): string => {
      const value: unknown = Reflect.get(parsed, key);
      return typeof value === 'string' ? value : '';
    };
    return { pid: parsed.pid, started: text('started'), boot: text('boot'), token: text('token') };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    return { pid: 0, started: '', boot: '', token: '' };
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.pid <= 0 || holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (isCode(error, 'ESRCH')) return false;
  }
  return startOf(holder.pid) === holder.started;
}

/** When a process started, in the kernel's own clock; empty where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; the start time is the 20th behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
