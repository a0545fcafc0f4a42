import { unitShares } from './apportion.js';
import { type Decision, type Rejection, reject } from './decider.js';
import { formatAmount } from './money.js';
import { firstLocations } from './order-allocations.js';
import type { LineQuantity } from './order-commands.js';
import type { OrderEvent, OrderPlaced, OrderUnits } from './order-events.js';
import { type OrderLine, type OrderState, openUnits, unitsIn } from './order-state.js';
import { perLine } from './per-line.js';
import { openApart, openInSplit, type SplitUnits } from './split.js';
import { taxShares } from './tax.js';

/** The lines asked for with what they may take, or the rejection: `unknown_line`, or `code` when one asks for more. */
export const resolve = (
  state: OrderState,
  asked: readonly LineQuantity[],
  allowed: (line: OrderLine) => number,
  code: string,
): { line: OrderLine; quantity: number }[] | Rejection => {
  const found: { line: OrderLine; quantity: number }[] = [];
  for (const [lineId, quantity] of perLine(asked)) {
    const line = state.lines.get(lineId);
    if (line === undefined) return reject('unknown_line', `the order has no line ${lineId}`, { lineId });
    if (quantity > allowed(line)) {
      return reject(code, `line ${lineId}: ${allowed(line)} left`, { lineId, left: allowed(line) });
    }
    found.push({ line, quantity });
  }
  return found;
};

/**
 * Nothing when the id was decided with the same content, a rejection when with another, undefined when it is new. Charges
 * and vouchers that came along by themselves make no difference.
 */
export const repeated = (
  state: OrderState,
  key: string,
  asked?: readonly LineQuantity[],
): Decision<OrderEvent> | undefined => {
  const before = state.decided.get(key);
  if (before === undefined) return undefined;
  if (asked === undefined) return [];
  const recorded = unitsIn(before);
  const wanted = perLine(asked);
  const same =
    [...wanted.keys()].every((lineId) => recorded.has(lineId)) &&
    [...recorded].every(([lineId, quantity]) => {
      const named = wanted.get(lineId) ?? 0;
      return state.lines.get(lineId)?.kind === 'goods' ? named === quantity : named <= quantity;
    });
  return same ? [] : reject('id_reused', `${key} was recorded with other lines`, { id: key });
};

export const unitsOf = (
  { currency }: OrderPlaced['data'],
  line: OrderLine,
  from: number,
  quantity: number,
  location: string | undefined,
): OrderUnits => {
  const share = (total: bigint): string =>
    formatAmount(unitShares(total, line.quantity, from, from + quantity), currency);
  const parts =
    line.taxes === undefined
      ? undefined
      : taxShares(line.taxes, currency, line.quantity, from, from + quantity);
  return {
    lineId: line.lineId,
    kind: line.kind,
    sku: line.sku,
    ...(line.account === undefined ? {} : { account: line.account }),
    quantity,
    amount: share(line.amount),
    discount: share(line.discount),
    tax: parts === undefined ? share(line.tax) : formatAmount(parts.tax, currency),
    ...(parts === undefined ? {} : { taxes: parts.taxes }),
    ...(location === undefined ? {} : { location }),
  };
};

/** Where the goods of each line were held first; asked once per decision, since an order may have a thousand lines. */
export const sourcesOf = (state: OrderState): ((line: OrderLine) => string | undefined) => {
  const locations = firstLocations(state.allocations);
  return ({ kind, sku }) => (kind === 'goods' ? locations.get(sku) : undefined);
};

/** Units of a line that a shipment may take: of the named split, else of what was not split off. Charges are in no split. */
export const leftToShip = ({ splits }: OrderState, splitId?: string): ((line: OrderLine) => number) => {
  if (splits.size === 0 && splitId === undefined) return openUnits;
  const split = splitId === undefined ? undefined : splits.get(splitId);
  return (line) => {
    if (line.kind !== 'goods') return openUnits(line);
    if (splitId === undefined) return openUnits(line) - openApart(splits, line.lineId);
    return split === undefined ? 0 : openInSplit(split, line.lineId);
  };
};

/** What a cancellation takes from splits: of each line first what is in none, then the units of the youngest. */
export const cancelledApart = (
  { splits, lines }: OrderState,
  cancelled: readonly LineQuantity[],
): SplitUnits[] => {
  if (splits.size === 0) return [];
  const youngestFirst = [...splits].reverse();
  return cancelled.flatMap(({ lineId, quantity }) => {
    const line = lines.get(lineId);
    if (line === undefined) return [];
    let left = quantity - (openUnits(line) - openApart(splits, lineId));
    return youngestFirst.flatMap(([splitId, split]): SplitUnits[] => {
      const taken = Math.min(left, openInSplit(split, lineId));
      if (taken <= 0) return [];
      left -= taken;
      return [{ splitId, lineId, quantity: taken }];
    });
  });
};
