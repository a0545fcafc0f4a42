import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../../src/cli/demo/random.js';
import type { Role } from '../../src/settings.js';
import { type FaultHouse, LEASES, type Server } from './fault-house.js';
import type { Violation } from './history.js';
import type { Link } from './link.js';
import type { RoleProcess } from './role-process.js';

export interface FaultContext {
  readonly house: FaultHouse;
  readonly dice: Dice;
  readonly round: number;
  /** What strikes some links strikes them all. */
  readonly everybody: boolean;
  /** Streams with an event that nobody can read. */
  readonly poisoned: Set<string>;
  readonly violated: (violation: Violation) => void;
  readonly say: (line: string) => void;
}

/** Does its harm, waits, heals. Resolves with whom it struck ('' where there is only one), for the report. */
export type Fault = (context: FaultContext) => Promise<string>;

export const ofRole = (house: FaultHouse, role: Role): RoleProcess[] =>
  house.processes.filter((one) => one.role === role);

export const between = (dice: Dice, low: number, high: number): Promise<void> =>
  sleep(dice.between(low, high));

/** The process that holds the lease of its role, when one does; else any of the role. */
export const holder = async ({ house, dice }: FaultContext, role: Role): Promise<RoleProcess> => {
  const all = ofRole(house, role);
  const lease = LEASES[role];
  const held = lease === undefined ? undefined : await house.holderOf(lease);
  return all.find(({ pid }) => pid === held?.pid) ?? dice.pick(all);
};

export const linksTo = (house: FaultHouse, to: Server, of: (one: RoleProcess) => boolean): Link[] =>
  house.links.filter((one) => one.to === to && of(one.of)).map(({ link }) => link);

/** The links of everybody, of all processes of one role, or of one process of it. */
export const someLinks = (
  { house, dice, everybody }: FaultContext,
  to: Server,
): { readonly whom: string; readonly links: readonly Link[] } => {
  const users = house.links.filter((one) => one.to === to).map(({ of }) => of);
  const of = (whom: string, strikes: (one: RoleProcess) => boolean) => ({
    whom,
    links: linksTo(house, to, strikes),
  });
  if (everybody || dice.chance(0.25)) return of('of all', () => true);
  const { role } = dice.pick(users);
  if (dice.chance(0.4)) return of(`of all ${role}`, (one) => one.role === role);
  const victim = dice.pick(users.filter((one) => one.role === role));
  return of(`of one ${role}`, (one) => one === victim);
};
