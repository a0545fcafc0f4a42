import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault, ofRole } from './fault-context.js';
import { killHolder, sleepPastLease, stolenLease, stopHolder } from './lease-faults.js';
import { network } from './network-faults.js';
import { rebuild } from './rebuild-fault.js';
import { clockJump, fullDatabaseDisk, fullLogDisk, outOfConnections, poison } from './resource-faults.js';
import type { Servers } from './servers.js';

const killApi: Fault = async ({ house, dice }) => {
  await dice.pick(ofRole(house, 'api')).end('SIGKILL', between(dice, 0, 1_500));
  return '';
};

const stopApi: Fault = async ({ house, dice }) => {
  await dice.pick(ofRole(house, 'api')).end('SIGTERM');
  return '';
};

/** It wakes in the middle of requests whose clients have long asked another. */
const sleepingApi: Fault = async ({ house, dice }) => {
  const victim = dice.pick(ofRole(house, 'api'));
  try {
    victim.signal('SIGSTOP');
    await sleep(dice.pick([500, 4_000, 13_000]));
  } finally {
    victim.signal('SIGCONT');
  }
  return '';
};

/** Up to beyond an append's attempt (5 s), and beyond all of them (15 s): it then does what nobody waits for any more. */
const sleepingEventStore: Fault = async ({ house, dice }) => {
  const { eventStore } = house.servers;
  try {
    eventStore.kill('SIGSTOP');
    await sleep(dice.pick([500, 6_500, 17_000]));
  } finally {
    eventStore.kill('SIGCONT');
  }
  return '';
};

/** Half open for everybody, without a network: connections stand, and are taken, and nothing is answered. */
const sleepingRedis: Fault = async ({ house, dice }) => {
  try {
    house.servers.redis?.signal('SIGSTOP');
    await between(dice, 500, 5_000);
  } finally {
    house.servers.redis?.signal('SIGCONT');
  }
  return '';
};

const killEventStore: Fault = async ({ house, dice }) => {
  await house.servers.killEventStore(dice.between(0, 1_500));
  return '';
};

const killDatabase: Fault = async ({ house }) => {
  await house.servers.killDatabase();
  await house.servers.untilDatabaseAnswers();
  return '';
};

const killRedis: Fault = async ({ house, dice }) => {
  await house.servers.redis?.kill(dice.between(0, 2_500));
  return '';
};

const killAll: Fault = async (context) => {
  const { house } = context;
  await Promise.all([
    ...house.processes.map((one) => one.end('SIGKILL')),
    house.servers.killEventStore(0),
    killDatabase(context),
    house.servers.redis?.kill(0),
  ]);
  return '';
};

export const FAULTS = {
  kill_event_store: killEventStore,
  kill_database: killDatabase,
  kill_redis: killRedis,
  kill_api: killApi,
  kill_processes: killHolder('processes'),
  kill_projections: killHolder('projections'),
  kill_all: killAll,
  stop_api: stopApi,
  stop_processes: stopHolder('processes'),
  stop_projections: stopHolder('projections'),
  sleep_api: sleepingApi,
  sleep_event_store: sleepingEventStore,
  sleep_redis: sleepingRedis,
  sleep_past_lease: sleepPastLease('processes', 'projections'),
  stolen_lease: stolenLease,
  log_cut: network('event store', 'cut'),
  log_refused: network('event store', 'refused'),
  log_half_open: network('event store', 'silent'),
  log_late: network('event store', 'late'),
  log_slow: network('event store', 'slow'),
  database_cut: network('database', 'cut'),
  database_refused: network('database', 'refused'),
  database_half_open: network('database', 'silent'),
  database_late: network('database', 'late'),
  database_slow: network('database', 'slow'),
  redis_cut: network('redis', 'cut'),
  redis_refused: network('redis', 'refused'),
  redis_half_open: network('redis', 'silent'),
  redis_slow: network('redis', 'slow'),
  http_cut: network('api', 'cut'),
  http_half_open: network('api', 'silent'),
  http_late: network('api', 'late'),
  out_of_connections: outOfConnections,
  poison_event: poison,
  rebuild,
  clock_jump: clockJump,
  full_log_disk: fullLogDisk,
  full_database_disk: fullDatabaseDisk,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** What a fault needs of the machine; the rest of them need nothing. */
const needOf = (name: FaultName): keyof Servers['lacks'] | undefined => {
  if (name.includes('redis')) return 'redis';
  if (name === 'full_database_disk') return 'disk';
  return name === 'full_log_disk' ? 'prlimit' : undefined;
};

/** Those of the faults that this house can have, and in words why it cannot have the others. */
export const possible = (
  { lacks }: Pick<Servers, 'lacks'>,
  names: readonly FaultName[],
): { readonly names: FaultName[]; readonly skipped: string[] } => {
  const allowed: FaultName[] = [];
  const skipped = new Map<string, FaultName[]>();
  for (const name of names) {
    const need = needOf(name);
    const reason = need === undefined ? undefined : lacks[need];
    if (reason === undefined) allowed.push(name);
    else skipped.set(reason, [...(skipped.get(reason) ?? []), name]);
  }
  return {
    names: allowed,
    skipped: [...skipped].map(([reason, left]) => `skipped, because ${reason}: ${left.join(', ')}`),
  };
};
