import type { Allocation, OrderUnits, ReleasedUnits, ShortUnits } from './order-events.js';
import type { OrderLine, OrderState } from './order-state.js';
import { stockIdOf } from './stream-id.js';

/**
 * What stock holds for an order, place by place, and what of it is still there.
 *
 * Holds are made in *rounds*: the first with the reservation, later ones for what was short or was added. In a round there is at most
 * one hold per SKU and location. A round is closed by being recorded on the order's stream, and holds of a round are let go only after
 * it was closed: so nobody lets go what another is about to record.
 *
 * Invariant, per SKU: open units of its lines = units still held + units that are short. What is cancelled comes from what is short
 * first, then from the last allocation; what is shipped from a location comes from the first.
 */
export interface Allocated extends Allocation {
  readonly round: number;
  readonly captured: number;
  readonly released: number;
}

export const openUnits = ({ quantity, shipped, cancelled }: OrderLine): number =>
  quantity - shipped - cancelled;

/** Rounds that one order can have in its life. */
export const ROUNDS_MAX = 1_000;

export const stillHeld = ({ quantity, captured, released }: Allocated): number =>
  quantity - captured - released;

export const allocatedIn = (round: number, allocations: readonly Allocation[]): Allocated[] =>
  allocations.map((one) => ({ round, captured: 0, released: 0, ...one }));

/** Where each SKU was held first. */
export const firstLocations = (allocations: readonly Allocation[]): ReadonlyMap<string, string> => {
  const locations = new Map<string, string>();
  for (const { sku, location } of allocations) if (!locations.has(sku)) locations.set(sku, location);
  return locations;
};

/** Places in the list by SKU: an order may have a thousand lines. */
const placesBySku = (allocations: readonly Allocated[]): ReadonlyMap<string, readonly number[]> => {
  const places = new Map<string, number[]>();
  for (const [index, { sku }] of allocations.entries()) {
    const known = places.get(sku);
    if (known === undefined) places.set(sku, [index]);
    else known.push(index);
  }
  return places;
};

/** After these units went out; those without a location were never held. */
export const afterShipping = (
  allocations: readonly Allocated[],
  units: readonly Pick<OrderUnits, 'sku' | 'location' | 'quantity'>[],
): readonly Allocated[] => {
  const next = [...allocations];
  const places = placesBySku(allocations);
  for (const { sku, location, quantity } of units) {
    let left = location === undefined ? 0 : quantity;
    for (const index of places.get(sku) ?? []) {
      const one = next[index];
      if (left === 0 || one === undefined || one.location !== location) continue;
      const taken = Math.min(left, stillHeld(one));
      next[index] = { ...one, captured: one.captured + taken };
      left -= taken;
    }
  }
  return next;
};

export const afterRelease = (
  allocations: readonly Allocated[],
  released: readonly ReleasedUnits[],
): readonly Allocated[] =>
  released.reduce<readonly Allocated[]>(
    (all, { round, sku, location, quantity }) =>
      all.map((one) =>
        one.round === round && one.sku === sku && one.location === location
          ? { ...one, released: one.released + quantity }
          : one,
      ),
    allocations,
  );

const goodsBySku = (lines: Iterable<OrderLine>, of: (line: OrderLine) => number): Map<string, number> => {
  const units = new Map<string, number>();
  for (const line of lines) {
    if (line.kind === 'goods') units.set(line.sku, (units.get(line.sku) ?? 0) + of(line));
  }
  return units;
};

/** Open units by SKU that nothing holds; SKUs without any are left out. */
export const shortUnits = ({ lines, allocations }: OrderState): Map<string, number> => {
  const short = goodsBySku(lines.values(), openUnits);
  for (const one of allocations) short.set(one.sku, (short.get(one.sku) ?? 0) - stillHeld(one));
  for (const [sku, units] of short) if (units <= 0) short.delete(sku);
  return short;
};

/**
 * Those of the holds that there is room for in what is wanted by SKU. Two who made holds of one round for one order, each unseen by the
 * other, may have made more than that; the largest first, so that one that is all that was wanted is kept.
 */
export const fitting = <Held extends Pick<Allocation, 'sku' | 'quantity'>>(
  holds: readonly Held[],
  wanted: ReadonlyMap<string, number>,
): readonly Held[] => {
  const room = new Map(wanted);
  const kept = new Set<Held>();
  for (const one of [...holds].sort((a, b) => b.quantity - a.quantity)) {
    const left = (room.get(one.sku) ?? 0) - one.quantity;
    if (left < 0) continue;
    room.set(one.sku, left);
    kept.add(one);
  }
  return holds.filter((one) => kept.has(one));
};

/** What becomes of the holds when units by SKU are not wanted any more. */
export interface LetGo {
  readonly released: readonly ReleasedUnits[];
  readonly short: readonly ShortUnits[];
}

export const letGo = (state: OrderState, unwanted: ReadonlyMap<string, number>): LetGo => {
  const shortNow = shortUnits(state);
  const places = placesBySku(state.allocations);
  const released: ReleasedUnits[] = [];
  const short: ShortUnits[] = [];
  for (const [sku, units] of unwanted) {
    const unheld = Math.min(units, shortNow.get(sku) ?? 0);
    if (unheld > 0) short.push({ sku, quantity: unheld });
    let left = units - unheld;
    for (const index of [...(places.get(sku) ?? [])].reverse()) {
      const one = state.allocations[index];
      if (left === 0 || one === undefined) continue;
      const taken = Math.min(left, stillHeld(one));
      if (taken === 0) continue;
      released.push({ round: one.round, sku, location: one.location, quantity: taken });
      left -= taken;
    }
  }
  return { released, short };
};

/**
 * What an event must say of it: nothing where every SKU has one place and lacks nothing, since then there is only one way. That is
 * nearly every order, and how events were written before there were rounds.
 */
export const letGoFields = (state: OrderState, { released, short }: LetGo): Partial<LetGo> => {
  const simple = short.length === 0 && state.round <= 1 && state.allocations.length === skuCount(state);
  if (simple) return {};
  return { ...(released.length > 0 ? { released } : {}), ...(short.length > 0 ? { short } : {}) };
};

const skuCount = ({ allocations }: OrderState): number => new Set(allocations.map(({ sku }) => sku)).size;

/** Units by SKU of goods lines among these. */
export const goodsAmong = (
  { lines }: Pick<OrderState, 'lines'>,
  named: readonly { readonly lineId: string; readonly quantity: number }[],
): Map<string, number> => {
  const units = new Map<string, number>();
  for (const { lineId, quantity } of named) {
    const line = lines.get(lineId);
    if (line?.kind === 'goods') units.set(line.sku, (units.get(line.sku) ?? 0) + quantity);
  }
  return units;
};

/** Units of one line at one place; no place where nothing holds them. */
export interface Drawn {
  readonly location: string | undefined;
  readonly quantity: number;
}

/** Draws units from places, the first place first; each unit once. */
export class UnitsByPlace {
  readonly #left: Map<string, { readonly location: string; units: number }[]> = new Map();

  constructor(places: Iterable<Pick<Allocation, 'sku' | 'location' | 'quantity'>>) {
    for (const { sku, location, quantity } of places) {
      const known = this.#left.get(sku) ?? [];
      known.push({ location, units: quantity });
      this.#left.set(sku, known);
    }
  }

  /** Whether anything of the SKU is there, or was. */
  knows(sku: string): boolean {
    return this.#left.has(sku);
  }

  of(sku: string): number {
    return (this.#left.get(sku) ?? []).reduce((sum, { units }) => sum + units, 0);
  }

  /** At most so many. */
  draw(sku: string, quantity: number): Drawn[] {
    const drawn: Drawn[] = [];
    let left = quantity;
    for (const place of this.#left.get(sku) ?? []) {
      const taken = Math.min(left, place.units);
      if (taken === 0) continue;
      place.units -= taken;
      left -= taken;
      const last = drawn.at(-1);
      if (last?.location === place.location)
        drawn.splice(-1, 1, { ...last, quantity: last.quantity + taken });
      else drawn.push({ location: place.location, quantity: taken });
    }
    return drawn;
  }
}

/** What is still held, anywhere or at a location. */
export const heldUnits = (
  { allocations }: Pick<OrderState, 'allocations'>,
  location?: string | undefined,
): UnitsByPlace =>
  new UnitsByPlace(
    allocations
      .filter((one) => location === undefined || one.location === location)
      .map((one) => ({ ...one, quantity: stillHeld(one) })),
  );

/** What was shipped from each place and has not come back there. */
export const shippedUnits = ({
  allocations,
  returns,
}: Pick<OrderState, 'allocations' | 'returns'>): UnitsByPlace => {
  const back = new Map<string, number>();
  const keyOf = ({ sku, location }: { readonly sku: string; readonly location: string }): string =>
    stockIdOf(location, sku);
  for (const one of returns.flatMap(({ lines }) => lines)) {
    back.set(keyOf(one), (back.get(keyOf(one)) ?? 0) + one.quantity);
  }
  return new UnitsByPlace(
    allocations.map((one) => {
      const came = Math.min(one.captured, back.get(keyOf(one)) ?? 0);
      back.set(keyOf(one), (back.get(keyOf(one)) ?? 0) - came);
      return { ...one, quantity: one.captured - came };
    }),
  );
};
