import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import { formatAmount, parseAmount } from './money.js';
import { type Drawn, goodsAmong, shippedUnits, type UnitsByPlace } from './order-allocations.js';
import { dueForUnits, leftToCredit, paidFor } from './order-charge.js';
import type { OrderCommand } from './order-commands.js';
import type { OrderEvent, OrderUnits } from './order-events.js';
import { type Placed, settlementOf } from './order-fulfilment.js';
import { repeated, resolve, unitsOf } from './order-lines.js';
import { type ReturnCredit, returnableUnits } from './order-return-state.js';
import type { OrderLine, ReturnedUnits } from './order-state.js';

/** What a credit says besides its units. `credited`: decimal string, what is due when absent. */
export interface Credit {
  readonly returnId: string;
  readonly reason: string;
  readonly note?: string | undefined;
  readonly credited?: string | undefined;
  /** Why more may be given back than was paid; recorded only where it is. */
  readonly goodwill?: string | undefined;
}

export const exceedsPaid = (left: bigint, currency: string): Rejection => {
  const rest = formatAmount(left > 0n ? left : 0n, currency);
  return reject('exceeds_paid', `${rest} ${currency} is left of what was charged`, { left: rest });
};

/**
 * Gives back what units are worth by their frozen shares, or what was agreed. All that an order gives back, by whatever path, is
 * at most what it charged: without an amount a credit is cut to what is left of that, for each line and for the order, so a full return after
 * an allowance still comes to exactly what was paid; with one that is more it is `exceeds_paid`, unless somebody says why (goodwill).
 */
export const creditUnits = (state: Placed, credit: Credit, lines: OrderUnits[]): Decision<OrderEvent> => {
  const { currency, channel } = state.placed;
  const { returnId, reason, note, goodwill } = credit;
  const shares = paidFor(lines, currency);
  const left = leftToCredit(state);
  const credited =
    credit.credited === undefined ? dueForUnits(state, lines) : parseAmount(credit.credited, currency);
  if (credited === undefined || credited < 0n)
    return reject('invalid_amount', `not an amount of ${currency}`);
  const exceeds = credited > left && credited > 0n;
  if (exceeds && goodwill === undefined) return exceedsPaid(left, currency);
  return [
    {
      type: 'OrderReturned',
      data: {
        returnId,
        channel,
        currency,
        ...settlementOf(state.placed),
        reason,
        ...(note === undefined ? {} : { note }),
        lines,
        allowance: formatAmount(credited - shares, currency),
        ...(exceeds ? { goodwill } : {}),
      },
    },
  ];
};

/** Whether a credit was recorded with this note and amount. */
export const isSameCredit = (
  { shares, allowance, asDue, note: recorded }: ReturnCredit,
  { note, credited }: Pick<Credit, 'note' | 'credited'>,
  currency: string,
): boolean =>
  recorded === note &&
  (credited === undefined ? asDue : parseAmount(credited, currency) === shares + allowance);

/** Whether these are all goods of a return, and went to that place. */
const isAllAt = (
  location: string,
  returned: readonly ReturnedUnits[],
  goods: ReadonlyMap<string, number>,
): boolean => {
  let left = [...goods.values()].reduce((sum, units) => sum + units, 0);
  for (const one of returned) left -= one.location === location ? one.quantity : 0;
  return left === 0;
};

/** As {@link repeated}, with all that a return says: the same goods for another amount, note or location are another return. */
const repeatedReturn = (
  { returnId, lines, note, credited, location }: OrderCommand & { type: 'return' },
  state: Placed,
): Decision<OrderEvent> | undefined => {
  const id = `return:${returnId}`;
  if (state.afterSales.requests.has(returnId)) {
    return reject('id_reused', `${returnId} is the return of a request`, { id });
  }
  const before = repeated(state, id, lines);
  if (before === undefined || isRejection(before)) return before;
  const credit = state.afterSales.credits.get(returnId);
  const recorded = state.returns.find((one) => one.returnId === returnId);
  if (credit === undefined || recorded === undefined) return before;
  const same =
    isSameCredit(credit, { note, credited }, state.placed.currency) &&
    // Without one they went where they came from.
    (location === undefined || isAllAt(location, recorded.lines, goodsAmong(state, lines)));
  return same ? [] : reject('id_reused', `${id} was recorded with other content`, { id });
};

/** Where units of a line go: to a place that is named, else where they came from. What was sold without being held came from nowhere. */
const placesOf = (
  { kind, sku }: OrderLine,
  quantity: number,
  location: string | undefined,
  shipped: UnitsByPlace,
): Drawn[] => {
  if (kind !== 'goods') return [{ location: undefined, quantity }];
  if (location !== undefined) return [{ location, quantity }];
  const drawn = shipped.draw(sku, quantity);
  const rest = quantity - drawn.reduce((sum, part) => sum + part.quantity, 0);
  return rest === 0 ? drawn : [...drawn, { location: undefined, quantity: rest }];
};

/** Takes units back without a request: over the counter, or because another system did. */
export const decideReturn = (
  command: OrderCommand & { type: 'return' },
  state: Placed,
): Decision<OrderEvent> => {
  const before = repeatedReturn(command, state);
  if (before !== undefined) return before;
  const returnable = (line: Parameters<typeof returnableUnits>[1]): number =>
    returnableUnits(state.afterSales, line);
  const found = resolve(state, command.lines, returnable, 'exceeds_shipped_quantity');
  if (isRejection(found)) return found;
  if (found.length === 0) return reject('nothing_open', 'a return names at least one line');
  const shipped = shippedUnits(state);
  const lines = found.flatMap(({ line, quantity }) => {
    let from = line.returned;
    return placesOf(line, quantity, command.location, shipped).map((part) => {
      from += part.quantity;
      return unitsOf(state.placed, line, from - part.quantity, part.quantity, part.location);
    });
  });
  return creditUnits(state, command, lines);
};
