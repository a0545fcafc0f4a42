import { createDice, type Dice } from '../../src/cli/demo/random.js';
import type { FaultName } from './faults.js';

/** What the seed decides of a round. */
export interface RoundPlan {
  readonly round: number;
  readonly customers: number;
  readonly concurrency: number;
  /** Whether things are done whose end only the watchdog brings, after some seconds: yes when absent. */
  readonly patient?: boolean;
  /** A network that fails fails for all processes, not for some. */
  readonly everybody?: boolean;
  /** When how many commands were sent, in order. The next begins when the one before has healed. */
  readonly faults: readonly { readonly afterCommands: number; readonly names: readonly FaultName[] }[];
}

const CUSTOMERS = 130;
const CONCURRENCY_MAX = 16;
const FAULTS_PER_ROUND_MAX = 4;
/** Of each customer, roughly: faults strike while there is load. */
const COMMANDS_PER_CUSTOMER = 3.5;

/** A takeover can be timed only while PostgreSQL is there, and only one at a time: two could sleep on each other's lease. */
const LEASES = /processes|projections|lease/;
const DATABASE = /database|connections/;
const EVENT_STORE = /^kill_event_store|full_log_disk|sleep_event_store/;
const REDIS = /^kill_redis|sleep_redis/;
const DATABASE_SERVER = /^kill_database|full_database_disk/;

const excludes = (one: FaultName, other: FaultName): boolean =>
  one === other ||
  one === 'kill_all' ||
  other === 'kill_all' ||
  (LEASES.test(one) && (LEASES.test(other) || DATABASE.test(other))) ||
  (DATABASE.test(one) && LEASES.test(other)) ||
  [EVENT_STORE, REDIS, DATABASE_SERVER].some((server) => server.test(one) && server.test(other));

const together = (dice: Dice, names: readonly FaultName[]): FaultName[] => {
  const first = dice.pick(names);
  const others = names.filter((name) => !excludes(first, name));
  return others.length > 0 && dice.chance(0.3) ? [first, dice.pick(others)] : [first];
};

/** The same for the same seed, round and faults to choose from. */
export const planOf = (seed: number, round: number, names: readonly FaultName[]): RoundPlan => {
  const dice = createDice((seed * 2_654_435 + round * 97) >>> 0);
  const commands = CUSTOMERS * COMMANDS_PER_CUSTOMER;
  const faults = Array.from({ length: dice.between(1, FAULTS_PER_ROUND_MAX) }, () => ({
    afterCommands: dice.between(5, Math.floor(commands * 0.8)),
    names: together(dice, names),
  })).sort((a, b) => a.afterCommands - b.afterCommands);
  return { round, customers: CUSTOMERS, concurrency: dice.between(4, CONCURRENCY_MAX), faults };
};
