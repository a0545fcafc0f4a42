import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;

/** How to start a program so that PostgreSQL, which refuses to run as root, accepts its user. */
export interface ServerUser {
  /** Set when this process is root: who the server runs as, and who must own its data. */
  readonly uid?: number;
  readonly gid?: number;
  /** Wraps a command line; the options go to `spawn`. */
  command(
    program: string,
    args: readonly string[],
  ): { command: string; args: string[]; uid?: number; gid?: number };
}

export class ServerUserProblem extends Error {
  readonly code = 'embedded_postgres_user';
  constructor(message: string) {
    super(message);
    this.name = 'ServerUserProblem';
  }
}

const idsOf = async (name: string): Promise<{ uid: number; gid: number } | undefined> => {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return undefined;
  }
};

// A root's project or data may lie below a directory of mode 0700 (/root, mkdtemp), where the server's user cannot go. It keeps
// the one capability that file modes do not bind; the secure bit makes access(2), by which PostgreSQL checks its own files, agree.
const CAPABILITY = [
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
  '--securebits=+no_setuid_fixup',
];

/**
 * Who runs the server: this user; or, for root, the owner of the data that is there, the user `postgres`, or `nobody`, in this
 * order. No user is created. Throws {@link ServerUserProblem} when that user can reach neither the programs nor the data.
 */
export const findServerUser = async (
  dataDir: string,
  parentDir: string,
  program: string,
): Promise<ServerUser> => {
  const owner = await stat(dataDir).catch(() => undefined);
  if (process.platform === 'win32' || userInfo().uid !== 0) {
    if (owner !== undefined && process.platform !== 'win32' && owner.uid !== userInfo().uid) {
      throw new ServerUserProblem(
        `${dataDir} belongs to user ${owner.uid}, not to you; run as that user or as root`,
      );
    }
    return { command: (command, args) => ({ command, args: [...args] }) };
  }
  const ids =
    owner !== undefined && owner.uid !== 0
      ? { uid: owner.uid, gid: owner.gid }
      : ((await idsOf('postgres')) ?? (await idsOf('nobody')));
  if (ids === undefined) {
    throw new ServerUserProblem(
      'PostgreSQL does not run as root and there is neither a user "postgres" nor "nobody"',
    );
  }
  const direct: ServerUser = { ...ids, command: (command, args) => ({ command, args: [...args], ...ids }) };
  const capable: ServerUser = {
    ...ids,
    command: (command, args) => ({
      command: 'setpriv',
      args: [
        `--reuid=${ids.uid}`,
        `--regid=${ids.gid}`,
        '--clear-groups',
        ...CAPABILITY,
        '--',
        command,
        ...args,
      ],
    }),
  };
  for (const user of [direct, capable]) {
    const probe = user.command('/bin/sh', ['-c', 'test -x "$1" && cd "$2"', 'sh', program, parentDir]);
    const reachable = await run(probe.command, probe.args, {
      timeout: PROBE_TIMEOUT_MS,
      cwd: '/',
      ...(probe.uid === undefined ? {} : { uid: probe.uid, gid: probe.gid }),
    }).then(
      () => true,
      () => false,
    );
    if (reachable) return user;
  }
  throw new ServerUserProblem(
    `PostgreSQL does not run as root, and user ${ids.uid} cannot reach ${program} and ${parentDir}; ` +
      'use directories that others may enter, run as a user other than root, or set DATABASE_URL',
  );
};
