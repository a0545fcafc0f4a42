import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDatabase } from '../../../src/adapters/postgres/connect.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/adapters/postgres/embedded.js';

// mkdtemp makes mode 0700: as root, the server's own user cannot enter it without help.
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-embedded-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const settings = { shared_buffers: '16MB', fsync: 'off' };
const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dir, settings });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const until = async (condition: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> => {
  for (const end = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 20));
  }
};

const countRows = async (url: string): Promise<unknown> => {
  const db = await connectDatabase({ url, poolSize: 1 });
  try {
    return (await db.query('SELECT count(*)::int AS n FROM public.kept')).rows[0];
  } finally {
    await db.close();
  }
};

const hasTwoRows = (url: string): Promise<boolean> =>
  countRows(url).then(
    (row) => JSON.stringify(row) === '{"n":2}',
    () => false,
  );

/** A program that starts the server, commits a row, says the server's pid and waits to be killed. */
const startOwner = async (): Promise<{ owner: number; server: number; gone: Promise<unknown> }> => {
  const dist = new URL('../../../dist/adapters/postgres/', import.meta.url);
  const program = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL('embedded.js', dist).href)});
    const { connectDatabase } = await import(${JSON.stringify(new URL('connect.js', dist).href)});
    const server = await startEmbeddedPostgres(${JSON.stringify({ dir, settings })});
    const db = await connectDatabase({ url: server.url });
    await db.query('INSERT INTO public.kept VALUES (1)');
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((done) => child.once('exit', done));
  const server = await new Promise<number>((done, fail) => {
    child.stdout.once('data', (line) => done(Number(String(line))));
    child.once('exit', () => fail(new Error('the owner ended')));
  });
  return { owner: child.pid ?? 0, server, gone };
};

describe('the embedded PostgreSQL', () => {
  test('starts in an empty directory, keeps its data over a clean stop, and shows its password to nobody', async () => {
    const first = await start();
    const db = await connectDatabase({ url: first.url, poolSize: 1 });
    await db.query('CREATE TABLE public.kept (x int); INSERT INTO public.kept VALUES (0)');
    await expect(connectDatabase({ url: first.url.replace(/:[^:@]+@/, ':wrong@') })).rejects.toMatchObject({
      code: '28P01',
    });
    expect((await stat(join(dir, 'password'))).mode & 0o777).toBe(0o600);
    await db.close();
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    const startedAt = performance.now();
    const second = await start();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await countRows(second.url)).toEqual({ n: 1 });
    await second.stop();
  }, 60_000);

  test('refuses a second start in the same directory', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: 'embedded_postgres_in_use' });
    expect(await countRows(first.url)).toEqual({ n: 1 });
    await first.stop();
  }, 60_000);

  test('does not outlive a program that is killed, and keeps what was committed', async () => {
    const { owner, server, gone } = await startOwner();
    process.kill(owner, 'SIGKILL');
    await gone;
    await until(() => !isAlive(server));
    const next = await start();
    expect(await countRows(next.url)).toEqual({ n: 2 });
    await next.stop();
  }, 60_000);

  test('comes back by itself on the same port when the server is killed', async () => {
    const first = await start();
    process.kill(first.pid, 'SIGKILL');
    await until(() => hasTwoRows(first.url));
    await first.stop();
  }, 60_000);

  const FULL = '/dev/full';
  (existsSync(FULL) ? test : test.skip)(
    'comes back where its log cannot be written',
    async () => {
      const log = join(dir, 'postgres.log');
      await rename(log, `${log}.kept`);
      await symlink(FULL, log);
      const first = await start();
      process.kill(first.pid, 'SIGKILL');
      await until(() => hasTwoRows(first.url));
      await first.stop();
      await rename(`${log}.kept`, log);
    },
    60_000,
  );

  test('once it has worked it comes back however often it could not start, as with a full disk', async () => {
    const first = await start();
    const needed = join(dir, 'data', 'global');
    await rename(needed, `${needed}.away`);
    process.kill(first.pid, 'SIGKILL');
    const log = () => readFile(join(dir, 'postgres.log'), 'utf8');
    const before = (await log()).length;
    // More starts that fail at once than a server that never worked is given.
    await until(async () => (await log()).slice(before).split('guard: the server ended').length > 27, 60_000);
    await rename(`${needed}.away`, needed);
    await until(() => hasTwoRows(first.url));
    await first.stop();
  }, 90_000);

  test('comes back by itself when its guard is killed, and is stopped with its program all the same', async () => {
    const first = await start();
    process.kill(Number(await readFile(join(dir, 'owner.pid'), 'utf8')), 'SIGKILL');
    await until(() => !isAlive(first.pid));
    await until(() => hasTwoRows(first.url));
    const second = Number((await readFile(join(dir, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    await first.stop();
    expect(isAlive(second)).toBe(false);
  }, 60_000);

  test('left behind without guard and parent is stopped by the next start', async () => {
    const { owner, server, gone } = await startOwner();
    const guard = Number(await readFile(join(dir, 'owner.pid'), 'utf8'));
    process.kill(owner, 'SIGSTOP');
    process.kill(guard, 'SIGKILL');
    process.kill(owner, 'SIGKILL');
    await gone;
    expect(isAlive(server)).toBe(true);
    const next = await start();
    expect(isAlive(server)).toBe(false);
    expect(await countRows(next.url)).toEqual({ n: 3 });
    await next.stop();
  }, 60_000);

  test('is not fooled by a pid file whose number belongs to another process now', async () => {
    const pidFile = join(dir, 'data', 'postmaster.pid');
    await writeFile(pidFile, `${process.pid}\n${join(dir, 'data')}\n0\n5432\n\n127.0.0.1\n\nready   \n`);
    const next = await startEmbeddedPostgres({ dir, settings });
    await next.stop();
  }, 60_000);
});
