/**
 * A real PostgreSQL server of our own, from npm, in `dir`:
 *   data/          the cluster, made once (in data.new, then renamed, so that a killed initdb leaves nothing half)
 *   password       of its only role, mode 0600
 *   owner.pid      the guard that runs it now
 *   postgres.log   what the server says
 *
 * Invariants: TCP on 127.0.0.1 only, with a password. One server per directory. It never outlives the process that started it
 * (guard.ts), and one that did, because guard and parent were killed at once, is stopped by the next start. What a commit
 * has returned is on disk (fsync and synchronous_commit on).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { findBinaries, type PostgresBinaries } from './binaries.js';
import type { GuardOrder } from './guard.js';
import { findServerUser, type ServerUser } from './server-user.js';

const run = promisify(execFile);

const ROLE = 'holdfast';
const DATABASE = 'holdfast';
/** Recovery after a kill reads at most max_wal_size of log. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const LOG_MAX_BYTES = 10 * 1024 * 1024;
const LOG_TAIL_CHARACTERS = 1_500;

/**
 * For a machine shared with the program itself (2 cores and a few GB are enough). shared_buffers holds the hot part of the read
 * models; a large max_wal_size keeps checkpoints, which double the WAL by full pages, out of a catch-up; parallel workers
 * and JIT cost more than they bring to statements of milliseconds. wal_level minimal: nobody replicates from here.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '80',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_buffers: '16MB',
  min_wal_size: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  autovacuum_naptime: '20s',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

export interface EmbeddedPostgresOptions {
  /** Made when absent. */
  readonly dir: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Server settings over the defaults, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Of the database `holdfast`, with the password in it. */
  readonly url: string;
  readonly port: number;
  /** The server's process at the start; its guard starts another when it dies. */
  readonly pid: number;
  /** Resolves when the server has shut down cleanly. */
  stop(): Promise<void>;
}

export class EmbeddedPostgresError extends Error {
  constructor(
    readonly code: 'embedded_postgres_in_use' | 'embedded_postgres_failed' | 'embedded_postgres_unusable',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
  }
}

const readText = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? done(address.port) : fail(new Error('no port')),
      );
    });
  });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** The command line of a process; undefined when it is gone or nothing can be known. Pids are used again, so a pid says little. */
const commandLineOf = async (pid: number): Promise<string | undefined> => {
  if (!isAlive(pid)) return undefined;
  if (process.platform === 'linux') return readText(`/proc/${pid}/cmdline`);
  return run('ps', ['-p', String(pid), '-o', 'command=']).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
};

const untilDead = async (pid: number, timeoutMs: number): Promise<boolean> => {
  for (const end = Date.now() + timeoutMs; isAlive(pid); await delay(POLL_MS)) {
    if (Date.now() > end) return false;
  }
  return true;
};

const readPassword = async (dir: string, fresh: boolean): Promise<string> => {
  const file = join(dir, 'password');
  const known = (await readText(file))?.trim();
  if (known) return known;
  if (!fresh) {
    throw new EmbeddedPostgresError(
      'embedded_postgres_unusable',
      `${file} is missing; remove ${join(dir, 'data')} to build the database again from the log`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
};

const initialise = async (
  binaries: PostgresBinaries,
  user: ServerUser,
  dir: string,
  password: string,
  durable: boolean,
): Promise<void> => {
  const target = join(dir, 'data.new');
  const passwordFile = join(dir, 'password.new');
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(target, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const { command, args, uid, gid } = user.command(binaries.initdb, [
    `--pgdata=${target}`,
    `--username=${ROLE}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same order of text on every machine.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]);
  try {
    await run(command, args, { cwd: '/', ...(uid === undefined ? {} : { uid, gid }) });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? '';
    throw new EmbeddedPostgresError('embedded_postgres_failed', `initdb failed: ${said || String(error)}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(target, join(dir, 'data'));
};

/** Refuses a directory that is in use; ends a server that lost its guard; removes a pid file that a kill left behind. */
const clearTheWay = async (dir: string): Promise<void> => {
  const guardPid = Number((await readText(join(dir, 'owner.pid')))?.trim() ?? 0);
  if (guardPid > 0 && (await commandLineOf(guardPid))?.includes('guard.js')) {
    // A guard whose parent has just died is on its way out.
    if (!(await untilDead(guardPid, 1_000))) {
      throw new EmbeddedPostgresError(
        'embedded_postgres_in_use',
        `the database in ${dir} is in use by another process (guard ${guardPid})`,
      );
    }
  }
  await stopOrphan(dir);
};

const stopOrphan = async (dir: string): Promise<void> => {
  const pidFile = join(dir, 'data', 'postmaster.pid');
  const serverPid = Number((await readText(pidFile))?.split('\n')[0] ?? 0);
  if (serverPid <= 0) return;
  if (await isServerOf(serverPid, join(dir, 'data'))) {
    process.kill(serverPid, 'SIGINT');
    if (!(await untilDead(serverPid, STOP_TIMEOUT_MS))) {
      throw new EmbeddedPostgresError(
        'embedded_postgres_in_use',
        `the server ${serverPid} in ${dir} does not stop`,
      );
    }
  }
  await rm(pidFile, { force: true });
};

const isServerOf = async (pid: number, dataDir: string): Promise<boolean> => {
  const line = await commandLineOf(pid);
  if (line === undefined || !line.includes('postgres')) return false;
  if (process.platform !== 'linux') return line.includes(dataDir);
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === dataDir;
};

const tail = async (file: string): Promise<string> =>
  ((await readText(file)) ?? '').slice(-LOG_TAIL_CHARACTERS).trim();

const guardScript = (): string => {
  const here = fileURLToPath(new URL('./guard.js', import.meta.url));
  // Tests run the sources; processes always run what was built.
  const at = here.lastIndexOf(join('src', 'adapters', 'postgres'));
  return at < 0 ? here : join(here.slice(0, at), 'dist', here.slice(at + 'src'.length));
};

const startGuard = async (order: GuardOrder, logFile: string): Promise<ChildProcess> => {
  const script = guardScript();
  if (!(await exists(script))) {
    throw new EmbeddedPostgresError('embedded_postgres_failed', `${script} is missing: run npm run build`);
  }
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (size > LOG_MAX_BYTES) await rename(logFile, `${logFile}.1`);
  const log = await open(logFile, 'a', 0o600);
  try {
    const guard = spawn(process.execPath, [script, JSON.stringify(order)], {
      stdio: ['pipe', log.fd, log.fd],
      cwd: '/',
      // Not the parent's: NODE_OPTIONS may open a debugger's port a second time.
      env: { PATH: process.env.PATH },
      // Its own process group: Ctrl-C must not reach the server while the program still needs it to shut down.
      detached: true,
    });
    await new Promise<void>((done, fail) => {
      guard.once('spawn', done);
      guard.once('error', fail);
    });
    // It must not keep a program alive that has nothing else to do; the closing pipe then stops the server.
    guard.unref();
    (guard.stdin as { unref?: () => void } | null)?.unref?.();
    guard.stdin?.on('error', () => undefined);
    return guard;
  } finally {
    await log.close();
  }
};

const untilReady = async (dir: string, guard: ChildProcess, port: number): Promise<number> => {
  const pidFile = join(dir, 'data', 'postmaster.pid');
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end; await delay(POLL_MS)) {
    if (guard.exitCode !== null || guard.signalCode !== null) break;
    const lines = (await readText(pidFile))?.split('\n') ?? [];
    if (lines[7]?.trim() === 'ready' && lines[3] === String(port)) return Number(lines[0]);
  }
  throw new EmbeddedPostgresError(
    'embedded_postgres_failed',
    `PostgreSQL in ${dir} did not start: ${await tail(join(dir, 'postgres.log'))}`,
  );
};

const createDatabase = async (adminUrl: string): Promise<void> => {
  const client = new pg.Client({ connectionString: adminUrl });
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end().catch(() => undefined);
  }
};

/**
 * Starts the server in `dir` (about a second the first time, then a fraction of one) and resolves when it answers.
 * Throws {@link EmbeddedPostgresError}: `embedded_postgres_in_use` when another process runs it.
 */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const data = join(dir, 'data');
  const binaries = await findBinaries();
  const user = await findServerUser(data, dir, binaries.postgres);
  await clearTheWay(dir);
  const fresh = !(await exists(data));
  const password = await readPassword(dir, fresh);
  if (fresh) await initialise(binaries, user, dir, password, options.settings?.fsync !== 'off');

  const port = options.port ?? (await freePort());
  const settings = Object.entries({ ...SETTINGS, ...options.settings, port: String(port) });
  const order: GuardOrder = {
    ...user.command(binaries.postgres, [
      '-D',
      data,
      ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ]),
    env: { LC_ALL: 'C', PATH: process.env.PATH ?? '/usr/bin:/bin' },
  };
  const guard = await startGuard(order, join(dir, 'postgres.log'));
  const ended = new Promise<void>((done) => guard.once('exit', () => done()));
  const stop = async (): Promise<void> => {
    guard.ref();
    guard.stdin?.end();
    await ended;
    await stopOrphan(dir);
    await rm(join(dir, 'owner.pid'), { force: true });
  };
  try {
    await writeFile(join(dir, 'owner.pid'), `${guard.pid ?? 0}\n`);
    const pid = await untilReady(dir, guard, port);
    // A guard that was killed leaves its server behind: better none than one that nobody stops.
    void ended.then(() => stopOrphan(dir)).catch(() => undefined);
    const base = `postgresql://${ROLE}:${password}@127.0.0.1:${port}`;
    await createDatabase(`${base}/postgres`);
    return { url: `${base}/${DATABASE}`, port, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
