import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '../../src/settings.js';
import type { Violation } from './history.js';
import { Link } from './link.js';
import { RoleProcess } from './role-process.js';
import { freePort, type Servers, startServers } from './servers.js';
import { untilTrue } from './until.js';

/** What a link leads to: the API from the harness's clients, the others from the processes of the house. */
export type Server = 'event store' | 'database' | 'redis' | 'api';

/**
 * A Holdfast as production runs it, each role in processes of its own, two of each by default, on one event store, one PostgreSQL and
 * one Redis, with a network of ours between every process and each of those, and between the clients and each API.
 */
export interface FaultHouse {
  readonly dir: string;
  readonly processes: readonly RoleProcess[];
  readonly links: readonly { readonly of: RoleProcess; readonly to: Server; readonly link: Link }[];
  readonly urls: readonly string[];
  readonly adminKey: string;
  readonly clockFile: string;
  readonly servers: Servers;
  /** Resolves when every process is up, the APIs say they are ready, and who uses Redis has it. */
  untilReady(): Promise<void>;
  /** Who holds a lease now, or undefined. */
  holderOf(lease: string): Promise<{ readonly epoch: bigint; readonly pid: number } | undefined>;
  /** Ends everything and removes the directory. Safe to call twice. */
  stop(): Promise<void>;
}

const READY_MAX_MS = 90_000;
export const LEASES: Readonly<Partial<Record<Role, string>>> = {
  processes: 'processes',
  projections: 'projections:live',
};

/** Last in, first out; one that fails does not keep the others. */
const lastFirst = async (cleanups: readonly (() => Promise<unknown>)[]): Promise<void> => {
  for (const clean of [...cleanups].reverse()) {
    await clean().catch((error: unknown) => process.stderr.write(`while stopping: ${String(error)}\n`));
  }
};

export interface FaultHouseOptions {
  readonly apis?: number;
  readonly violated: (violation: Violation) => void;
}

export const startFaultHouse = async ({ apis = 2, violated }: FaultHouseOptions): Promise<FaultHouse> => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  const clockFile = join(dir, 'clock');
  const cleanups: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= lastFirst(cleanups);
    return stopped;
  };
  try {
    await writeFile(clockFile, '0');
    const servers = await startServers(dir, cleanups);
    const processes: RoleProcess[] = [];
    const links: { of: RoleProcess; to: Server; link: Link }[] = [];
    const urls: string[] = [];

    const add = async (role: Role, index: number): Promise<RoleProcess> => {
      const port = role === 'api' ? await freePort() : 0;
      const own: [Server, Link][] = [];
      const open = async (to: Server, targetPort: number): Promise<Link> => {
        const link = await Link.open(targetPort);
        own.push([to, link]);
        cleanups.push(() => link.close());
        return link;
      };
      const [eventStore, database] = [
        await open('event store', servers.eventStore.port),
        await open('database', Number(new URL(servers.databaseUrl).port)),
      ];
      const redis = servers.redis === undefined ? undefined : await open('redis', servers.redis.port);
      if (role === 'api') urls.push(`http://127.0.0.1:${(await open('api', port)).port}`);
      const one = new RoleProcess({
        name: `${role}-${index}`,
        role,
        port,
        eventStore,
        database,
        redis,
        databaseUrl: servers.databaseUrl,
        dataDir: join(dir, 'data'),
        clockFile,
        onDeath: ({ name, lastLines }, code) => {
          const detail = `${name} (${code}): ${lastLines.slice(-6).join(' | ')}`;
          if (stopped === undefined) violated({ code: 'died_by_itself', detail });
        },
      });
      processes.push(one);
      links.push(...own.map(([to, link]) => ({ of: one, to, link })));
      cleanups.push(() => one.shutDown());
      return one;
    };

    const untilReady = async (): Promise<void> => {
      await untilTrue('all processes up', READY_MAX_MS, () => processes.every(({ ready }) => ready)).catch(
        (error: unknown) => {
          const late = processes.filter(({ ready }) => !ready);
          throw new Error(late.map(({ name, lastLines }) => `${name}: ${lastLines.join(' | ')}`).join('\n'), {
            cause: error,
          });
        },
      );
      for (const url of urls) {
        await untilTrue(`${url} ready`, READY_MAX_MS, async () => {
          const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) });
          await answer.arrayBuffer();
          return answer.status === 200;
        });
      }
      for (const { of, link } of links.filter(({ of, to }) => to === 'redis' && of.role === 'api'))
        await untilTrue(`${of.name} has its Redis`, READY_MAX_MS, () => link.connections > 0);
    };

    // The first one makes the admin key and the tables; those after it find them.
    (await add('api', 1)).start();
    await untilReady();
    for (let index = 2; index <= apis; index += 1) await add('api', index);
    for (const role of ['processes', 'projections'] as const) {
      for (const index of [1, 2]) await add(role, index);
    }
    for (const one of processes) one.start();
    await untilReady();

    return {
      dir,
      processes,
      links,
      urls,
      adminKey: (await readFile(join(dir, 'data', 'admin.key'), 'utf8')).trim(),
      clockFile,
      servers,
      untilReady,
      holderOf: async (lease) => {
        const { rows } = await servers.db.query<{ epoch: bigint; holder: string; held: boolean }>(
          'SELECT epoch, holder, expires_at > clock_timestamp() AS held FROM runtime.leases WHERE name = $1',
          [lease],
        );
        const [row] = rows;
        return row?.held === true ? { epoch: row.epoch, pid: Number(row.holder.split('/')[1]) } : undefined;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
