import { unitShares } from './apportion.js';
import type { CouponTerms } from './coupon.js';
import { type Decider, type Decision, isRejection, type Rejection, reject } from './decider.js';
import { discountLines } from './discount.js';
import { AMOUNT_DIGITS_MAX, amountOf, fitsAmount, formatAmount, lineAmount, parseAmount } from './money.js';
import type { Allocation, OrderEvent, OrderLineData, OrderPlaced, OrderUnits } from './order-events.js';
import {
  evolveOrder,
  initialOrder,
  type OrderLine,
  type OrderState,
  openUnits,
  unitsIn,
} from './order-state.js';
import { QUANTITY_MAX } from './schemas.js';

/** Units of a line, as a request names them. */
export interface LineQuantity {
  readonly lineId: string;
  readonly quantity: number;
}

export type PlaceOrder = Omit<OrderPlaced['data'], 'lines'> & {
  readonly type: 'place';
  readonly lines: readonly Omit<OrderLineData, 'amount'>[];
};

export type OrderCommand =
  /** Once per channel and external id; the same content again yields nothing, other content is `order_exists`. */
  | PlaceOrder
  /** Its holds are there: freezes the discounts, and confirms where the policy says so. */
  | {
      readonly type: 'reserve';
      readonly allocations: readonly Allocation[];
      readonly coupons: readonly { readonly code: string; readonly terms: CouponTerms }[];
    }
  /** A hold was refused for good. */
  | { readonly type: 'refuse'; readonly code: string; readonly detail: string; readonly sku?: string }
  | { readonly type: 'confirm' }
  /** The deadline of an order that waits for confirmation has passed. Nothing for one without a deadline or before it. */
  | { readonly type: 'expire'; readonly dueAt: string }
  /** Takes back units that were not shipped; all of them when no lines are named. */
  | {
      readonly type: 'cancel';
      readonly cancellationId: string;
      readonly reason: string;
      readonly lines?: readonly LineQuantity[];
    }
  /**
   * Ships units of a confirmed order; all that are open (at that location) when no lines are named. Charges and vouchers
   * go out with the first shipment.
   */
  | {
      readonly type: 'ship';
      readonly shipmentId: string;
      readonly location?: string;
      readonly lines?: readonly LineQuantity[];
    }
  /** Takes shipped units back for their frozen shares, or for `credited` (decimal string) where that was agreed. */
  | {
      readonly type: 'return';
      readonly returnId: string;
      readonly reason: string;
      readonly lines: readonly LineQuantity[];
      readonly note?: string;
      readonly credited?: string;
      /** Where the goods go; where they came from when absent. */
      readonly location?: string;
    };

/** Limits of one order. */
export const LINES_MAX = 2_000;

type Placed = OrderState & { readonly placed: OrderPlaced['data'] };

const isPlaced = (state: OrderState): state is Placed => state.placed !== undefined;

const wrongStatus = (state: OrderState, wanted: string): Rejection =>
  reject('wrong_status', `the order is ${state.status}, not ${wanted}`, { status: state.status });

const decidePlace = ({ type: _, lines, ...rest }: PlaceOrder, state: OrderState): Decision<OrderEvent> => {
  if (state.placed !== undefined) {
    return state.placed.contentHash === rest.contentHash
      ? []
      : reject('order_exists', 'the channel has sent another order under this id');
  }
  if (lines.length > LINES_MAX) return reject('too_many_lines', `an order has at most ${LINES_MAX} lines`);
  if (new Set(lines.map(({ lineId }) => lineId)).size < lines.length) {
    return reject('duplicate_line', 'two lines have the same id');
  }
  if (new Set(rest.coupons).size < rest.coupons.length) {
    return reject('duplicate_coupon', 'a coupon is given once');
  }
  const perSku = new Map<string, number>();
  for (const { sku, quantity } of lines) perSku.set(sku, (perSku.get(sku) ?? 0) + quantity);
  // A hold is for all lines of a SKU together and must be as writable as one line.
  for (const [sku, quantity] of perSku) {
    if (quantity > QUANTITY_MAX) {
      return reject('too_many_units', `an order has at most ${QUANTITY_MAX} units of a SKU`, { sku });
    }
  }
  let total = 0n;
  const priced: OrderLineData[] = [];
  for (const line of lines) {
    const amount = lineAmount(line.unitPrice, line.quantity, rest.currency);
    const tax = parseAmount(line.tax, rest.currency);
    if (amount === undefined || tax === undefined) {
      return reject('invalid_amount', `line ${line.lineId}: not an amount of ${rest.currency}`, {
        lineId: line.lineId,
      });
    }
    total += amount + tax;
    priced.push({
      ...line,
      amount: formatAmount(amount, rest.currency),
      tax: formatAmount(tax, rest.currency),
    });
  }
  // Every later amount of the order (discount, refund) is at most its total, so this one check keeps them all writable.
  if (!fitsAmount(total, rest.currency)) {
    return reject(
      'invalid_amount',
      `an order's total has at most ${AMOUNT_DIGITS_MAX} digits before the point`,
    );
  }
  return [{ type: 'OrderPlaced', data: { ...rest, lines: priced } }];
};

/** Sums what is asked per line, so that naming a line twice cannot pass a check twice. */
const summed = (lines: readonly LineQuantity[]): LineQuantity[] => {
  const totals = new Map<string, number>();
  for (const { lineId, quantity } of lines) totals.set(lineId, (totals.get(lineId) ?? 0) + quantity);
  return [...totals].map(([lineId, quantity]) => ({ lineId, quantity }));
};

/** The lines asked for with what they may take, or the rejection: `unknown_line`, or `code` when one asks for more. */
const resolve = (
  state: OrderState,
  asked: readonly LineQuantity[],
  allowed: (line: OrderLine) => number,
  code: string,
): { line: OrderLine; quantity: number }[] | Rejection => {
  const found: { line: OrderLine; quantity: number }[] = [];
  for (const { lineId, quantity } of summed(asked)) {
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
const repeated = (
  state: OrderState,
  key: string,
  asked?: readonly LineQuantity[],
): Decision<OrderEvent> | undefined => {
  const before = state.decided.get(key);
  if (before === undefined) return undefined;
  if (asked === undefined) return [];
  const recorded = unitsIn(before);
  const wanted = new Map(summed(asked).map(({ lineId, quantity }) => [lineId, quantity]));
  const same =
    [...wanted.keys()].every((lineId) => recorded.has(lineId)) &&
    [...recorded].every(([lineId, quantity]) => {
      const named = wanted.get(lineId) ?? 0;
      return state.lines.get(lineId)?.kind === 'goods' ? named === quantity : named <= quantity;
    });
  return same ? [] : reject('id_reused', `${key} was recorded with other lines`, { id: key });
};

const unitsOf = (
  { currency }: OrderPlaced['data'],
  line: OrderLine,
  from: number,
  quantity: number,
  location: string | undefined,
): OrderUnits => {
  const share = (total: bigint): string =>
    formatAmount(unitShares(total, line.quantity, from, from + quantity), currency);
  return {
    lineId: line.lineId,
    kind: line.kind,
    sku: line.sku,
    ...(line.account === undefined ? {} : { account: line.account }),
    quantity,
    amount: share(line.amount),
    discount: share(line.discount),
    tax: share(line.tax),
    ...(location === undefined ? {} : { location }),
  };
};

export const sourceOf = (state: OrderState, line: OrderLine): string | undefined =>
  line.kind === 'goods' ? state.allocations.find(({ sku }) => sku === line.sku)?.location : undefined;

const decideReserve = (command: OrderCommand & { type: 'reserve' }, state: Placed): Decision<OrderEvent> => {
  const discounts = discountLines([...state.lines.values()], command.coupons, state.placed.currency);
  const reserved: OrderEvent = {
    type: 'OrderReserved',
    data: { allocations: [...command.allocations], discounts },
  };
  return state.placed.confirm === 'auto' ? [reserved, { type: 'OrderConfirmed', data: {} }] : [reserved];
};

/** With the last open unit gone, an order that shipped anything is complete. */
const andComplete = (state: OrderState, event: OrderEvent): OrderEvent[] => {
  const lines = [...evolveOrder(state, event).lines.values()];
  const done = lines.every((line) => openUnits(line) === 0) && lines.some((line) => line.shipped > 0);
  return done ? [event, { type: 'OrderCompleted', data: {} }] : [event];
};

const decideCancel = (command: OrderCommand & { type: 'cancel' }, state: Placed): Decision<OrderEvent> => {
  const before = repeated(state, `cancellation:${command.cancellationId}`, command.lines);
  if (before !== undefined) return before;
  if (state.status !== 'reserved' && state.status !== 'confirmed')
    return wrongStatus(state, 'reserved or confirmed');
  const all = [...state.lines.values()].filter((line) => openUnits(line) > 0);
  const found =
    command.lines === undefined
      ? all.map((line) => ({ line, quantity: openUnits(line) }))
      : resolve(state, command.lines, openUnits, 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const taken = new Map(found.map(({ line, quantity }) => [line.lineId, quantity]));
  const goodsLeft = all.some(
    (line) => line.kind === 'goods' && openUnits(line) > (taken.get(line.lineId) ?? 0),
  );
  const nothingShipped = [...state.lines.values()].every((line) => line.shipped === 0);
  // Charges would wait for ever for a first shipment that cannot come any more. An order without goods is cancelled as asked.
  const goodsOpen = all.some((line) => line.kind === 'goods');
  if (goodsOpen && !goodsLeft && nothingShipped) {
    for (const line of all) if (line.kind !== 'goods') taken.set(line.lineId, openUnits(line));
  }
  const lines = [...taken].map(([lineId, quantity]) => ({ lineId, quantity }));
  if (lines.length === 0) return reject('nothing_open', 'no unit of the order is open');
  const { cancellationId, reason } = command;
  return andComplete(state, { type: 'OrderLinesCancelled', data: { cancellationId, reason, lines } });
};

const decideShip = (command: OrderCommand & { type: 'ship' }, state: Placed): Decision<OrderEvent> => {
  const before = repeated(state, `shipment:${command.shipmentId}`, command.lines);
  if (before !== undefined) return before;
  if (state.status !== 'confirmed') return wrongStatus(state, 'confirmed');
  const leaves = (line: OrderLine): boolean =>
    line.kind !== 'goods' || command.location === undefined || sourceOf(state, line) === command.location;
  const open = [...state.lines.values()].filter((line) => openUnits(line) > 0);
  const found =
    command.lines === undefined
      ? open.filter(leaves).map((line) => ({ line, quantity: openUnits(line) }))
      : resolve(state, command.lines, openUnits, 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const elsewhere = found.find(({ line }) => !leaves(line));
  if (elsewhere !== undefined) {
    const { lineId } = elsewhere.line;
    return reject('wrong_location', `line ${lineId} is not at ${command.location}`, { lineId });
  }
  const goodsOpen = open.some((line) => line.kind === 'goods');
  const goodsHere = found.some(({ line }) => line.kind === 'goods');
  // Nothing leaves a place that has none of the goods, so no charge leaves from there either.
  if (command.lines === undefined && goodsOpen && !goodsHere) {
    return reject('nothing_open', 'no unit of the order is open there');
  }
  const first = [...state.lines.values()].every((line) => line.shipped === 0);
  const charges = open.filter((line) => line.kind !== 'goods' && !found.some((entry) => entry.line === line));
  const moved = first ? [...found, ...charges.map((line) => ({ line, quantity: openUnits(line) }))] : found;
  if (found.length === 0) return reject('nothing_open', 'no unit of the order is open there');
  return andComplete(state, {
    type: 'OrderShipped',
    data: {
      shipmentId: command.shipmentId,
      channel: state.placed.channel,
      currency: state.placed.currency,
      lines: moved.map(({ line, quantity }) =>
        unitsOf(state.placed, line, line.shipped, quantity, sourceOf(state, line)),
      ),
    },
  });
};

const decideReturn = (command: OrderCommand & { type: 'return' }, state: Placed): Decision<OrderEvent> => {
  const before = repeated(state, `return:${command.returnId}`, command.lines);
  if (before !== undefined) return before;
  const returnable = (line: OrderLine): number => line.shipped - line.returned;
  const found = resolve(state, command.lines, returnable, 'exceeds_shipped_quantity');
  if (isRejection(found)) return found;
  if (found.length === 0) return reject('nothing_open', 'a return names at least one line');
  const { currency, channel } = state.placed;
  const lines = found.map(({ line, quantity }) => {
    const location = line.kind === 'goods' ? (command.location ?? sourceOf(state, line)) : undefined;
    return unitsOf(state.placed, line, line.returned, quantity, location);
  });
  const paid = lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    0n,
  );
  const credited = command.credited === undefined ? paid : parseAmount(command.credited, currency);
  if (credited === undefined || credited < 0n)
    return reject('invalid_amount', `not an amount of ${currency}`);
  const { returnId, reason, note } = command;
  return [
    {
      type: 'OrderReturned',
      data: {
        returnId,
        channel,
        currency,
        reason,
        ...(note === undefined ? {} : { note }),
        lines,
        allowance: formatAmount(credited - paid, currency),
      },
    },
  ];
};

/** A deadline that the order never had, or one that comes too early, is somebody's stale hint. */
const isDue = ({ expiresAt }: OrderPlaced['data'], dueAt: string): boolean =>
  expiresAt !== undefined && Date.parse(dueAt) >= Date.parse(expiresAt);

/** The arbiter of an order: its life, its money, the fate of its holds. Never more shipped, cancelled or returned than there was. */
export const order: Decider<OrderCommand, OrderEvent, OrderState> = {
  category: 'order',
  stateVersion: 1,
  initialState: initialOrder,
  evolve: evolveOrder,

  decide(command, state) {
    if (command.type === 'place') return decidePlace(command, state);
    if (!isPlaced(state)) return reject('unknown_order', 'there is no such order');
    switch (command.type) {
      case 'reserve':
        return state.status === 'placed' ? decideReserve(command, state) : [];
      case 'refuse': {
        if (state.status !== 'placed') return [];
        const { code, detail, sku } = command;
        return [
          { type: 'OrderRejected', data: sku === undefined ? { code, detail } : { code, detail, sku } },
        ];
      }
      case 'confirm':
        if (state.status === 'confirmed' || state.status === 'completed') return [];
        return state.status === 'reserved'
          ? [{ type: 'OrderConfirmed', data: {} }]
          : wrongStatus(state, 'reserved');
      case 'expire':
        return state.status === 'reserved' && isDue(state.placed, command.dueAt)
          ? [{ type: 'OrderExpired', data: { dueAt: command.dueAt } }]
          : [];
      case 'cancel':
        return decideCancel(command, state);
      case 'ship':
        return decideShip(command, state);
      case 'return':
        return decideReturn(command, state);
    }
  },
};
