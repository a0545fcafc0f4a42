import { amountOf } from './money.js';
import type { Allocation, OrderEvent, OrderLineData, OrderPlaced } from './order-events.js';
import type { Review } from './review.js';
import { addSplit, countInSplits, type Splits, shipFromSplit, undoSplit } from './split.js';

/**
 *     placed --> reserved --> confirmed --> completed        everything shipped or cancelled, something shipped
 *        |          |  |          `-------> cancelled        everything cancelled, nothing shipped
 *        |          |  `------------------> cancelled
 *        |          `---------------------> expired
 *        `--------------------------------> rejected
 *
 * Per line: quantity = open + shipped + cancelled, and returned <= shipped. Units are numbered from 0: shipping takes them
 * from the front, cancelling from the back, returning from the front of what was shipped. So every unit has one fixed
 * share of the line's amounts, whatever happens in whatever order.
 */
export type OrderStatus =
  | 'none'
  | 'placed'
  | 'reserved'
  | 'confirmed'
  | 'completed'
  | 'cancelled'
  | 'rejected'
  | 'expired';

export interface OrderLine extends Omit<OrderLineData, 'amount' | 'tax'> {
  readonly amount: bigint;
  readonly tax: bigint;
  readonly discount: bigint;
  readonly shipped: number;
  readonly cancelled: number;
  readonly returned: number;
}

export interface OrderState {
  readonly status: OrderStatus;
  readonly placed: OrderPlaced['data'] | undefined;
  readonly lines: ReadonlyMap<string, OrderLine>;
  readonly allocations: readonly Allocation[];
  /** Whether it ever was confirmed: its coupons are then redeemed. */
  readonly wasConfirmed: boolean;
  readonly rejection:
    | { readonly code: string; readonly detail: string; readonly sku?: string | undefined }
    | undefined;
  /** Shipments, cancellations and returns decided, `kind:id`, with what they asked for. */
  readonly decided: ReadonlyMap<string, string>;
  /** Returns in the order they were recorded: what stock gets back. */
  readonly returns: readonly { readonly returnId: string; readonly lines: readonly ReturnedUnits[] }[];
  /** What blocks it or did, by hold id. */
  readonly reviews: ReadonlyMap<string, Review>;
  /** Units that ship apart, or did. */
  readonly splits: Splits;
}

export interface ReturnedUnits {
  readonly sku: string;
  readonly location: string;
  readonly quantity: number;
}

export const initialOrder: OrderState = {
  status: 'none',
  placed: undefined,
  lines: new Map(),
  allocations: [],
  wasConfirmed: false,
  rejection: undefined,
  decided: new Map(),
  returns: [],
  reviews: new Map(),
  splits: new Map(),
};

export const openUnits = (line: OrderLine): number => line.quantity - line.shipped - line.cancelled;

export const isEnded = (status: OrderStatus): boolean =>
  status === 'completed' || status === 'cancelled' || status === 'rejected' || status === 'expired';

/** What identifies the content of a shipment, cancellation or return: its lines, encoded, in a fixed order. */
export const contentOf = (lines: readonly { lineId: string; quantity: number }[]): string =>
  lines
    .map(({ lineId, quantity }) => `${encodeURIComponent(lineId)}=${quantity}`)
    .sort()
    .join('&');

/** The inverse of {@link contentOf}. */
export const unitsIn = (content: string): Map<string, number> =>
  new Map(
    content.split('&').map((entry) => {
      const cut = entry.lastIndexOf('=');
      return [decodeURIComponent(entry.slice(0, cut)), Number(entry.slice(cut + 1))];
    }),
  );

type Counter = 'shipped' | 'cancelled' | 'returned';

const count = (
  state: OrderState,
  counter: Counter,
  key: string,
  moved: readonly { lineId: string; quantity: number }[],
): Pick<OrderState, 'lines' | 'decided'> => {
  const lines = new Map(state.lines);
  for (const { lineId, quantity } of moved) {
    const line = lines.get(lineId);
    if (line !== undefined) lines.set(lineId, { ...line, [counter]: line[counter] + quantity });
  }
  return { lines, decided: new Map(state.decided).set(key, contentOf(moved)) };
};

const placedLines = ({ lines, currency }: OrderPlaced['data']): Map<string, OrderLine> =>
  new Map(
    lines.map((line) => [
      line.lineId,
      {
        ...line,
        amount: amountOf(line.amount, currency),
        tax: amountOf(line.tax, currency),
        discount: 0n,
        shipped: 0,
        cancelled: 0,
        returned: 0,
      },
    ]),
  );

export const evolveOrder = (state: OrderState, event: OrderEvent): OrderState => {
  switch (event.type) {
    case 'OrderPlaced':
      return { ...state, status: 'placed', placed: event.data, lines: placedLines(event.data) };
    case 'OrderReserved': {
      const lines = new Map(state.lines);
      for (const { lineId, amount } of event.data.discounts.flatMap(({ shares }) => shares)) {
        const line = lines.get(lineId);
        if (line === undefined || state.placed === undefined) continue;
        lines.set(lineId, { ...line, discount: line.discount + amountOf(amount, state.placed.currency) });
      }
      return { ...state, status: 'reserved', lines, allocations: event.data.allocations };
    }
    case 'OrderConfirmed':
      return { ...state, status: 'confirmed', wasConfirmed: true };
    case 'OrderRejected':
      return { ...state, status: 'rejected', rejection: event.data };
    case 'OrderExpired':
      return { ...state, status: 'expired' };
    case 'OrderCompleted':
      return { ...state, status: 'completed' };
    case 'OrderLinesCancelled': {
      const { cancellationId, lines, splits: apart } = event.data;
      const counted = count(state, 'cancelled', `cancellation:${cancellationId}`, lines);
      const splits = apart === undefined ? state.splits : countInSplits(state.splits, 'cancelled', apart);
      const next = { ...state, ...counted, splits };
      const all = [...next.lines.values()].every((line) => line.cancelled === line.quantity);
      return all ? { ...next, status: 'cancelled' } : next;
    }
    case 'OrderShipped': {
      const { shipmentId, lines, splitId } = event.data;
      const counted = count(state, 'shipped', `shipment:${shipmentId}`, lines);
      if (splitId === undefined) return { ...state, ...counted };
      return { ...state, ...counted, splits: shipFromSplit(state.splits, splitId, shipmentId, lines) };
    }
    case 'OrderReturned': {
      const { returnId, lines } = event.data;
      const goods = lines.flatMap(({ sku, location, quantity }) =>
        location === undefined ? [] : [{ sku, location, quantity }],
      );
      return {
        ...state,
        ...count(state, 'returned', `return:${returnId}`, lines),
        returns: [...state.returns, { returnId, lines: goods }],
      };
    }
    case 'OrderSplit':
      return { ...state, splits: addSplit(state.splits, event.data) };
    case 'OrderSplitUndone':
      return { ...state, splits: undoSplit(state.splits, event.data.splitId) };
    case 'OrderHeld':
      return {
        ...state,
        reviews: new Map(state.reviews).set(event.data.holdId, { held: event.data }),
      };
    case 'OrderHoldResolved': {
      const { holdId, ...resolution } = event.data;
      const review = state.reviews.get(holdId);
      if (review === undefined) return state;
      return { ...state, reviews: new Map(state.reviews).set(holdId, { ...review, resolution }) };
    }
  }
};
