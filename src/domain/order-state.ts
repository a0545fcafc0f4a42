import { amountOf } from './money.js';
import {
  type Allocated,
  afterRelease,
  afterShipping,
  allocatedIn,
  goodsAmong,
  letGo,
} from './order-allocations.js';
import type { OrderChange, OrderChangeConfirmed } from './order-change-events.js';
import type { OrderEvent, OrderLineData, OrderPlaced } from './order-events.js';
import { type AfterSales, evolveAfterSales, evolveCredit, noAfterSales } from './order-return-state.js';
import { evolvePayments, type Payments } from './payment.js';
import { perLine } from './per-line.js';
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
export { openUnits } from './order-allocations.js';

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
  readonly allocations: readonly Allocated[];
  /** The last round that is closed: 0 before the reservation. */
  readonly round: number;
  /** Locations that may deliver, best first: those it was placed with, and those that somebody added. */
  readonly sources: readonly string[];
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
  /** 1 as placed; one more with every change that was confirmed. */
  readonly version: number;
  /** By change id. */
  readonly changes: ReadonlyMap<string, OrderChange>;
  /** What was asked back and given back. */
  readonly afterSales: AfterSales;
  /** When it expires unless it was confirmed: as placed, or later for a payment; never when absent. */
  readonly expiresAt: string | undefined;
  readonly payments: Payments;
  readonly refundDue: bigint;
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
  round: 0,
  sources: [],
  wasConfirmed: false,
  rejection: undefined,
  decided: new Map(),
  returns: [],
  reviews: new Map(),
  version: 1,
  changes: new Map(),
  afterSales: noAfterSales,
  expiresAt: undefined,
  payments: new Map(),
  refundDue: 0n,
  splits: new Map(),
};

/** Nobody knows who it is, or who it is has no account. */
export const isGuest = ({ guest, customerId }: OrderPlaced['data']): boolean =>
  guest ?? customerId === undefined;

/** A day that a calendar has; orders could name one of the year 0 once, which none has. */
const isKnownDay = (day: string | undefined): boolean => day !== undefined && !day.startsWith('0000');

/** The days the customer asked for; undefined when there is none. */
export const requestedDays = ({
  requestedDelivery: asked,
}: OrderPlaced['data']): OrderPlaced['data']['requestedDelivery'] => {
  const from = isKnownDay(asked?.from) ? asked?.from : undefined;
  const to = isKnownDay(asked?.to) ? asked?.to : undefined;
  return from === undefined && to === undefined ? undefined : { from, to };
};

/** Whether a change has said where it goes instead: what went without saying before does not any more. */
export const isReaddressed = ({ changes }: OrderState): boolean =>
  [...changes.values()].some(
    ({ status, proposed }) =>
      status === 'confirmed' && proposed.actions.some(({ kind }) => kind === 'address'),
  );

export const isEnded = (status: OrderStatus): boolean =>
  status === 'completed' || status === 'cancelled' || status === 'rejected' || status === 'expired';

/** What identifies the content of a shipment, cancellation or return: its lines, encoded, in a fixed order. */
export const contentOf = (lines: readonly { lineId: string; quantity: number }[]): string =>
  [...perLine(lines)]
    .map(([lineId, quantity]) => `${encodeURIComponent(lineId)}=${quantity}`)
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

/** New properties stand before the spread: after it every line would get a hidden class of its own (docs/adr/0019). */
const newLine = (line: OrderLineData, currency: string): OrderLine => ({
  discount: 0n,
  shipped: 0,
  cancelled: 0,
  returned: 0,
  ...line,
  amount: amountOf(line.amount, currency),
  tax: amountOf(line.tax, currency),
});

const placedLines = ({ lines, currency }: OrderPlaced['data']): Map<string, OrderLine> =>
  new Map(lines.map((line) => [line.lineId, newLine(line, currency)]));

const withChange = (state: OrderState, change: OrderChange): OrderState => ({
  ...state,
  changes: new Map(state.changes).set(change.proposed.changeId, change),
});

const changed = (state: OrderState, data: OrderChangeConfirmed['data']): OrderState => {
  const { placed } = state;
  const change = state.changes.get(data.changeId);
  if (placed === undefined || change === undefined) return state;
  const lines = new Map(state.lines);
  for (const { lineId, quantity } of data.cancelled) {
    const line = lines.get(lineId);
    if (line !== undefined) lines.set(lineId, { ...line, cancelled: line.cancelled + quantity });
  }
  for (const { lineNo: _, discount, ...line } of data.added) {
    lines.set(line.lineId, {
      ...newLine(line, placed.currency),
      discount: amountOf(discount, placed.currency),
    });
  }
  return {
    ...withChange(state, { ...change, status: 'confirmed' }),
    placed: data.destination === undefined ? placed : { ...placed, destination: data.destination },
    lines,
    allocations: afterRelease(state.allocations, data.released),
    version: data.version,
  };
};

/** A payment makes a deadline later, and never makes one: who waits without a deadline goes on waiting. */
const laterOf = (deadline: string | undefined, wanted: string | undefined): string | undefined =>
  deadline !== undefined && wanted !== undefined && Date.parse(wanted) > Date.parse(deadline)
    ? wanted
    : deadline;

export const evolveOrder = (state: OrderState, event: OrderEvent): OrderState => {
  switch (event.type) {
    case 'OrderPlaced':
      return {
        ...state,
        status: 'placed',
        placed: event.data,
        lines: placedLines(event.data),
        sources: event.data.sources,
        expiresAt: event.data.expiresAt,
      };
    case 'OrderReserved': {
      const lines = new Map(state.lines);
      for (const { lineId, amount } of event.data.discounts.flatMap(({ shares }) => shares)) {
        const line = lines.get(lineId);
        if (line === undefined || state.placed === undefined) continue;
        lines.set(lineId, { ...line, discount: line.discount + amountOf(amount, state.placed.currency) });
      }
      return {
        ...state,
        status: 'reserved',
        lines,
        allocations: allocatedIn(1, event.data.allocations),
        round: 1,
      };
    }
    case 'OrderSourcesExtended':
      return { ...state, sources: [...state.sources, ...event.data.locations] };
    case 'OrderAllocated': {
      const { round, allocations } = event.data;
      return {
        ...state,
        allocations: [...state.allocations, ...allocatedIn(round, allocations)],
        round,
      };
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
      const released = event.data.released ?? letGo(state, goodsAmong(state, lines)).released;
      const next = {
        ...state,
        ...count(state, 'cancelled', `cancellation:${cancellationId}`, lines),
        allocations: afterRelease(state.allocations, released),
        splits: apart === undefined ? state.splits : countInSplits(state.splits, 'cancelled', apart),
      };
      const all = [...next.lines.values()].every((line) => line.cancelled === line.quantity);
      return all ? { ...next, status: 'cancelled' } : next;
    }
    case 'OrderShipped': {
      const { shipmentId, lines, splitId } = event.data;
      return {
        ...state,
        ...count(state, 'shipped', `shipment:${shipmentId}`, lines),
        allocations: afterShipping(state.allocations, lines),
        splits:
          splitId === undefined ? state.splits : shipFromSplit(state.splits, splitId, shipmentId, lines),
      };
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
        afterSales: evolveCredit(state, event),
      };
    }
    case 'OrderChangeProposed':
      return withChange(state, { proposed: event.data, status: 'proposed' });
    case 'OrderChangeConfirmed':
      return changed(state, event.data);
    case 'OrderChangeDeclined': {
      const change = state.changes.get(event.data.changeId);
      return change === undefined ? state : withChange(state, { ...change, status: 'declined' });
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
    case 'OrderReturnRequested':
    case 'OrderReturnAuthorised':
    case 'OrderReturnRefused':
    case 'OrderReturnReceived':
    case 'OrderReturnInspected':
    case 'OrderAllowanceGranted':
    case 'OrderExchangeAgreed':
    case 'OrderExchangeSettled':
    case 'OrderExchangeEnded':
      return { ...state, afterSales: evolveAfterSales(state.afterSales, event) };
    case 'OrderRefundDue':
      return { ...state, refundDue: amountOf(event.data.amount, event.data.currency) };
    case 'OrderPaymentStarted':
      return {
        ...state,
        expiresAt: laterOf(state.expiresAt, event.data.expiresAt),
        payments: evolvePayments(state.payments, event),
      };
    case 'OrderPaymentAuthorised':
    case 'OrderPaymentFailed':
    case 'OrderVoidRequested':
    case 'OrderPaymentVoided':
    case 'OrderCaptureRequested':
    case 'OrderPaymentCaptured':
    case 'OrderCaptureFailed':
    case 'OrderRefundRequested':
    case 'OrderPaymentRefunded':
    case 'OrderRefundFailed':
    case 'OrderPaymentChargedBack':
      return { ...state, payments: evolvePayments(state.payments, event) };
  }
};
