/**
 * A real PostgreSQL server of our own, from npm, in `dir`:
 *   data/          the cluster, made once (in data.new, then renamed, so that a killed initdb leaves nothing half)
 *   password       of its only role, mode 0600
 *   owner.pid      the guard that runs it now
 *   postgres.log   what the server says
 *
 * Invariants: TCP on 127.0.0.1 only, with a password. One server per directory. It comes back on its port when it dies (guard.ts)
 * or its guard does. It never outlives the process that started it (guard.ts), and one that did, because guard and parent were killed at once, is stopped by the next start. What a commit
 * has returned is on disk (fsync and synchronous_commit on).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findBinaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-error.js';
import type { GuardOrder } from './guard.js';
import { initialise, ROLE, readPassword } from './initdb.js';
import { commandLineOf, isServerOf, readText, untilDead } from './os-process.js';
import { SERVER_SETTINGS } from './server-settings.js';
import { findServerUser } from './server-user.js';

export { EmbeddedPostgresError } from './embedded-error.js';

const DATABASE = 'holdfast';
/** Recovery after a kill reads at most max_wal_size of log. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
/** Of killed guards, in the life of this process. */
const GUARD_RESTARTS_MAX = 100;
const LOG_MAX_BYTES = 10 * 1024 * 1024;
const LOG_TAIL_LINES = 4;

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

const tail = async (file: string): Promise<string> =>
  ((await readText(file)) ?? '').trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');

const guardScript = (): string => {
  const here = fileURLToPath(new URL('./guard.js', import.meta.url));
  // Tests run the sources; processes always run what was built (the benches build into a directory of their own).
  if (existsSync(here)) return here;
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

const untilReady = async (dir: string, guardOf: () => ChildProcess, port: number): Promise<number> => {
  const pidFile = join(dir, 'data', 'postmaster.pid');
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end; await delay(POLL_MS)) {
    if (guardOf().exitCode !== null) break;
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
  const settings = Object.entries({ ...SERVER_SETTINGS, ...options.settings, port: String(port) });
  const order: GuardOrder = {
    ...user.command(binaries.postgres, [
      '-D',
      data,
      ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ]),
    env: { LC_ALL: 'C', PATH: process.env.PATH ?? '/usr/bin:/bin' },
  };
  let stopping = false;
  let hasAnswered = false;
  let restarts = 0;
  let guard: ChildProcess;
  let gone: Promise<void>;
  const tellGuard = (): void => void guard.stdin?.write('it answers\n');
  const launch = async (): Promise<void> => {
    const launched = await startGuard(order, join(dir, 'postgres.log'));
    guard = launched;
    if (hasAnswered) tellGuard();
    gone = new Promise<void>((done) => launched.once('exit', () => done())).then(async () => {
      // A guard that was killed leaves its server behind, and nobody would stop that one: begin again, with another guard.
      if (stopping || launched.signalCode === null || restarts >= GUARD_RESTARTS_MAX) return;
      restarts += 1;
      await stopOrphan(dir);
      if (!stopping) await launch();
    });
    gone.catch(() => undefined);
    await writeFile(join(dir, 'owner.pid'), `${launched.pid ?? 0}\n`);
  };
  await launch();
  const stop = async (): Promise<void> => {
    stopping = true;
    // Again when another guard was being started just then.
    for (let waited: Promise<void> | undefined; waited !== gone; ) {
      guard.ref();
      guard.stdin?.end();
      waited = gone;
      await waited.catch(() => undefined);
    }
    await stopOrphan(dir);
    await rm(join(dir, 'owner.pid'), { force: true });
  };
  try {
    const pid = await untilReady(dir, () => guard, port);
    const base = `postgresql://${ROLE}:${password}@127.0.0.1:${port}`;
    await createDatabase(`${base}/postgres`);
    hasAnswered = true;
    tellGuard();
    return { url: `${base}/${DATABASE}`, port, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
