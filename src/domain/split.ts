import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { quantity, recordedId } from './schemas.js';

/**
 * A split: units of an order's lines that ship apart, as a *delivery group* of their own. It counts units and names none: the order's
 * money, holds and shares stay as they were frozen, whoever ships first. What is in no group is the rest.
 *
 *     open --> shipped or cancelled, in one go or in parts
 *       `----> undone, while nothing of it was shipped: its units are of the rest again
 */

/** Groups of one order in its life. */
export const SPLITS_MAX = 100;
/** 1 is the most urgent. */
export const SPLIT_PRIORITY_MAX = 9;

const split = z.object({
  splitId: recordedId,
  lines: z.array(z.object({ lineId: recordedId, quantity })).min(1),
  /** The day it is wanted, `YYYY-MM-DD`; no other than the order's when absent. */
  requestedDate: z.string().optional(),
  priority: z.int().min(1).max(SPLIT_PRIORITY_MAX).optional(),
});
const undone = z.object({ splitId: recordedId, reason: z.string() });

/** Units of a line in a group, in an event that takes them out of it. */
export const splitUnits = z.object({ splitId: recordedId, lineId: recordedId, quantity });

/** Facts of an order's stream. */
export const splitEvents = [
  defineEvent({ type: 'OrderSplit', version: 1, schema: split }),
  defineEvent({ type: 'OrderSplitUndone', version: 1, schema: undone }),
];

export type OrderSplit = DomainEvent<'OrderSplit', z.infer<typeof split>>;
export type OrderSplitUndone = DomainEvent<'OrderSplitUndone', z.infer<typeof undone>>;
export type SplitEvent = OrderSplit | OrderSplitUndone;
export type SplitUnits = z.infer<typeof splitUnits>;

export interface SplitLine {
  readonly quantity: number;
  readonly shipped: number;
  readonly cancelled: number;
}

/** A group in the state of its order. Per line: quantity = open + shipped + cancelled. */
export interface Split {
  readonly split: OrderSplit['data'];
  readonly lines: ReadonlyMap<string, SplitLine>;
  readonly undone: boolean;
  /** Ids of the shipments that took units of it. */
  readonly shipments: readonly string[];
}

/** By id, the oldest first. */
export type Splits = ReadonlyMap<string, Split>;

/** Units of a line that a group still has to ship. */
export const openInSplit = ({ lines, undone: gone }: Split, lineId: string): number => {
  const line = lines.get(lineId);
  return gone || line === undefined ? 0 : line.quantity - line.shipped - line.cancelled;
};

/** Units of a line that any group still has to ship. */
export const openApart = (splits: Splits, lineId: string): number => {
  let units = 0;
  for (const one of splits.values()) units += openInSplit(one, lineId);
  return units;
};

export const addSplit = (splits: Splits, data: OrderSplit['data']): Splits =>
  new Map(splits).set(data.splitId, {
    split: data,
    lines: new Map(
      data.lines.map((line) => [line.lineId, { quantity: line.quantity, shipped: 0, cancelled: 0 }]),
    ),
    undone: false,
    shipments: [],
  });

export const undoSplit = (splits: Splits, splitId: string): Splits => {
  const one = splits.get(splitId);
  return one === undefined ? splits : new Map(splits).set(splitId, { ...one, undone: true });
};

/** Counts units of groups as shipped or cancelled; what is of no group makes no difference. */
export const countInSplits = (
  splits: Splits,
  counter: 'shipped' | 'cancelled',
  units: readonly SplitUnits[],
): Splits => {
  const next = new Map(splits);
  for (const { splitId, lineId, quantity: moved } of units) {
    const one = next.get(splitId);
    const line = one?.lines.get(lineId);
    if (one === undefined || line === undefined) continue;
    const counted = { ...line, [counter]: line[counter] + moved };
    next.set(splitId, { ...one, lines: new Map(one.lines).set(lineId, counted) });
  }
  return next;
};

/** A shipment has taken units of a group. */
export const shipFromSplit = (
  splits: Splits,
  splitId: string,
  shipmentId: string,
  lines: readonly Omit<SplitUnits, 'splitId'>[],
): Splits => {
  const units = lines.map(({ lineId, quantity }) => ({ splitId, lineId, quantity }));
  const next = countInSplits(splits, 'shipped', units);
  const one = next.get(splitId);
  if (one === undefined) return next;
  return new Map(next).set(splitId, { ...one, shipments: [...one.shipments, shipmentId] });
};

/** The group that a shipment took units of; undefined where it took the rest, or is none. */
export const splitOfShipment = (splits: Splits, shipmentId: string): string | undefined => {
  for (const { split: data, shipments } of splits.values()) {
    if (shipments.includes(shipmentId)) return data.splitId;
  }
  return undefined;
};
