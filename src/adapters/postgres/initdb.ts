import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresBinaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-error.js';
import { readText } from './os-process.js';
import type { ServerUser } from './server-user.js';

const run = promisify(execFile);
/** The cluster's only role. */
export const ROLE = 'holdfast';

/** The role's password: kept, or for a fresh cluster made. */
export const readPassword = async (dir: string, fresh: boolean): Promise<string> => {
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

/** Makes the cluster `data` in `dir`, whole or not at all. */
export const initialise = async (
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
