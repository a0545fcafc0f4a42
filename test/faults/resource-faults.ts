import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { between, type Fault } from './fault-context.js';

const run = promisify(execFile);

export const outOfConnections: Fault = async ({ house, dice }) => {
  const taken: pg.Client[] = [];
  try {
    for (;;) {
      const client = new pg.Client({
        connectionString: house.servers.databaseUrl,
        connectionTimeoutMillis: 5_000,
      });
      client.on('error', () => undefined);
      taken.push(client);
      await client.connect();
    }
  } catch {
    // There are none left, which is the point; whoever reconnects now is refused.
    for (const { link } of house.links.filter(({ to }) => to === 'database' && dice.chance(0.5))) link.cut();
    await between(dice, 1_000, 3_000);
  } finally {
    await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
  }
  return '';
};

const POISONED = ['order-web~', 'stock-east~', 'coupon-', 'settlement-web~'];

/** Two events that nobody can read, in a stream of their own. */
export const poison: Fault = async ({ house, dice, round, poisoned }) => {
  const stream = `${dice.pick(POISONED)}poison-${round}-${poisoned.size}`;
  poisoned.add(stream);
  const event = () => ({ id: randomUUID(), type: 'Haunted', data: { boo: true }, metadata: { by: 'hand' } });
  await house.servers.store.append(stream, [event(), event()], 'any');
  return `in ${stream.slice(0, stream.indexOf('-'))}`;
};

const HOUR_MS = 3_600_000;
/** Ahead by less than the patience of the oracle: orders of that time expire as late as the clock said. */
const API_JUMPS_MS = [-HOUR_MS, -60_000, 5_000, 30_000];
const JUMPS_MS = [-HOUR_MS, -60_000, 60_000, HOUR_MS];

/** One process's clock goes forth and back, up to three times, before it is right again. */
export const clockJump: Fault = async ({ house, dice }) => {
  const victim = dice.pick(house.processes);
  const jump = async (ms: number): Promise<void> => {
    if (!victim.ready) return;
    await writeFile(house.clockFile, String(ms));
    victim.signal('SIGUSR2');
  };
  const jumps = victim.role === 'api' ? API_JUMPS_MS : JUMPS_MS;
  for (let times = dice.between(1, 3); times > 0; times -= 1) {
    await jump(dice.pick(jumps));
    await between(dice, 700, 2_500);
  }
  await jump(0);
  return `of one ${victim.role}`;
};

/** A limit on the size of files stands for a full disk: what the log can still take is a few KB. */
export const fullLogDisk: Fault = async ({ house, dice }) => {
  const { size } = await stat(join(house.dir, 'event-store', 'events.log'));
  const limit = (soft: string) =>
    run('prlimit', ['--pid', String(house.servers.eventStore.pid), `--fsize=${soft}:unlimited`]);
  await limit(String(size + dice.between(100, 3_000)));
  try {
    await between(dice, 1_000, 3_000);
  } finally {
    await limit('unlimited');
  }
  return '';
};

/** Whatever PostgreSQL wants to write fails; killed amid it, it cannot start until there is room. */
export const fullDatabaseDisk: Fault = async ({ house: { servers }, dice }) => {
  if (servers.disk === undefined) throw new Error('there is no disk to fill');
  const killed = dice.chance(0.4);
  try {
    await servers.disk.fill();
    if (killed) await servers.killDatabase();
    await between(dice, 2_000, killed ? 9_000 : 5_000);
  } finally {
    await servers.disk.free();
  }
  if (killed) await servers.untilDatabaseAnswers();
  return killed ? 'and killed' : '';
};
