import type { BlindReturnEvent } from '../domain/blind-return.js';
import type { CouponEvent } from '../domain/coupon.js';
import type { Allocation, OrderEvent, OrderLinesCancelled } from '../domain/order-events.js';
import { isEnded, type OrderStatus } from '../domain/order-state.js';
import type { StockEvent } from '../domain/stock.js';
import { joinId, splitId, stockIdOf } from '../domain/stream-id.js';

/**
 * What one order (or credit note) has promised: on each resource, what its own stream says was held, captured and released,
 * beside what the order's stream wants captured and released.
 *
 * The streams are folded side by side and neither reads the other, so events of different streams may come in any order (a parked
 * stream comes late) and the result is the same. Ids are keys of maps, never of objects: a SKU may be called `__proto__`.
 */
export interface HoldLedger {
  /** Undefined where the order's stream has not said anything, or the order is over and its holds were settled. */
  order: OrderPart | undefined;
  /** By stock stream id (`location~sku`). */
  readonly stock: Map<string, StockHold>;
  /** By code. */
  readonly coupons: Map<string, CouponHold>;
  /** Goods that came back, by id of the return at the stock and stock stream id. */
  readonly returns: Map<string, Restock>;
}

interface OrderPart {
  status: OrderStatus;
  /** Its coupons are then to be redeemed. */
  wasConfirmed: boolean;
  /** Of all lines, not cancelled. */
  openUnits: number;
  /** SKU by goods line: a cancellation names lines only. Emptied when the order is over. */
  lines: Map<string, string>;
  /** Units by stock stream id. */
  allocated: Map<string, number>;
  coupons: readonly string[];
}

export interface StockHold {
  quantity: number;
  captured: number;
  released: number;
  wantedCaptured: number;
  wantedReleased: number;
}

export interface CouponHold {
  quantity: number;
  captured: number;
  released: number;
  givenBack: number;
  wantedCaptured: number;
  wantedGivenBack: number;
}

export interface Restock {
  wanted: number;
  returned: number;
  /** Whose promise it is; the goods may come before it is known. */
  owner: 'order' | 'note' | undefined;
}

export const emptyLedger = (): HoldLedger => ({
  order: undefined,
  stock: new Map(),
  coupons: new Map(),
  returns: new Map(),
});

const getOr = <Value>(map: Map<string, Value>, key: string, make: () => Value): Value => {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
};

const stockHold = (ledger: HoldLedger, stockId: string): StockHold =>
  getOr(ledger.stock, stockId, () => ({
    quantity: 0,
    captured: 0,
    released: 0,
    wantedCaptured: 0,
    wantedReleased: 0,
  }));

const couponHold = (ledger: HoldLedger, code: string): CouponHold =>
  getOr(ledger.coupons, code, () => ({
    quantity: 0,
    captured: 0,
    released: 0,
    givenBack: 0,
    wantedCaptured: 0,
    wantedGivenBack: 0,
  }));

const restock = (ledger: HoldLedger, returnId: string, stockId: string): Restock =>
  getOr(ledger.returns, `${returnId} ${stockId}`, () => ({ wanted: 0, returned: 0, owner: undefined }));

/** As `processes/order-effects.ts` names it at the stock: owner, then the return. Neither part holds a slash. */
const returnIdOf = (ownerId: string, returnId: string): string => `${ownerId}/${joinId(returnId)}`;

/** Owner of a return at the stock, undefined for an id of another make. */
export const ownerOfReturn = (returnId: string): string | undefined => {
  const slash = returnId.indexOf('/');
  return slash > 0 ? returnId.slice(0, slash) : undefined;
};

/** Owner of a hold on stock: an order, whichever round the hold is of (`processes/order-effects.ts`). */
export const ownerOfHold = (holdId: string): string => {
  const slash = holdId.indexOf('/');
  return slash < 0 ? holdId : holdId.slice(0, slash);
};

const allocate = (order: OrderPart, allocations: readonly Allocation[]): void => {
  for (const { sku, location, quantity } of allocations) {
    const stockId = stockIdOf(location, sku);
    order.allocated.set(stockId, (order.allocated.get(stockId) ?? 0) + quantity);
  }
};

/** Where the units of a cancellation were held. An event that does not say so is of an order whose SKUs have one place each. */
const release = (ledger: HoldLedger, order: OrderPart, data: OrderLinesCancelled['data']): void => {
  const wanted = (stockId: string, quantity: number): void => {
    stockHold(ledger, stockId).wantedReleased += quantity;
  };
  for (const { location, sku, quantity } of data.released ?? []) wanted(stockIdOf(location, sku), quantity);
  if (data.released !== undefined || data.short !== undefined) return;
  const placeOf = new Map([...order.allocated.keys()].map((stockId) => [splitId(stockId)[1], stockId]));
  for (const { lineId, quantity } of data.lines) {
    const stockId = placeOf.get(order.lines.get(lineId));
    if (stockId !== undefined) wanted(stockId, quantity);
  }
};

/** All that makes, moves or ends a promise, after the placement. Whatever else is said may be said when the order is long over. */
const PROMISES: ReadonlySet<string> = new Set<OrderEvent['type']>([
  'OrderReserved',
  'OrderAllocated',
  'OrderConfirmed',
  'OrderRejected',
  'OrderExpired',
  'OrderCompleted',
  'OrderLinesCancelled',
  'OrderChangeConfirmed',
  'OrderShipped',
]);

export const foldOrder = (ledger: HoldLedger, orderId: string, event: OrderEvent): void => {
  if (event.type === 'OrderPlaced') {
    const { lines, coupons } = event.data;
    ledger.order = {
      status: 'placed',
      wasConfirmed: false,
      openUnits: lines.reduce((sum, { quantity }) => sum + quantity, 0),
      lines: new Map(lines.flatMap(({ kind, lineId, sku }) => (kind === 'goods' ? [[lineId, sku]] : []))),
      allocated: new Map(),
      coupons,
    };
    return;
  }
  if (event.type === 'OrderReturned') {
    for (const { sku, location, quantity } of event.data.lines) {
      if (location === undefined) continue;
      const back = restock(ledger, returnIdOf(orderId, event.data.returnId), stockIdOf(location, sku));
      back.wanted += quantity;
      back.owner = 'order';
    }
    return;
  }
  if (!PROMISES.has(event.type)) return;
  const { order } = ledger;
  if (order === undefined) throw new Error(`order ${orderId}: ${event.type} before its placement`);
  switch (event.type) {
    case 'OrderReserved':
      order.status = 'reserved';
      allocate(order, event.data.allocations);
      break;
    case 'OrderAllocated':
      allocate(order, event.data.allocations);
      break;
    case 'OrderConfirmed':
      order.status = 'confirmed';
      order.wasConfirmed = true;
      for (const code of order.coupons) couponHold(ledger, code).wantedCaptured = 1;
      break;
    case 'OrderRejected':
      order.status = 'rejected';
      break;
    case 'OrderExpired':
      order.status = 'expired';
      break;
    case 'OrderCompleted':
      order.status = 'completed';
      break;
    case 'OrderLinesCancelled':
      for (const { quantity } of event.data.lines) order.openUnits -= quantity;
      release(ledger, order, event.data);
      // An order that shipped anything has shipped units among its open ones, so it does not come down to none.
      if (order.openUnits > 0) break;
      order.status = 'cancelled';
      if (order.wasConfirmed) for (const code of order.coupons) couponHold(ledger, code).wantedGivenBack = 1;
      break;
    case 'OrderChangeConfirmed':
      for (const { quantity } of event.data.cancelled) order.openUnits -= quantity;
      for (const { kind, lineId, sku, quantity } of event.data.added) {
        order.openUnits += quantity;
        if (kind === 'goods') order.lines.set(lineId, sku);
      }
      for (const { location, sku, quantity } of event.data.released) {
        stockHold(ledger, stockIdOf(location, sku)).wantedReleased += quantity;
      }
      break;
    case 'OrderShipped':
      for (const { location, sku, quantity } of event.data.lines) {
        if (location !== undefined) stockHold(ledger, stockIdOf(location, sku)).wantedCaptured += quantity;
      }
      break;
  }
  if (isEnded(order.status)) order.lines.clear();
};

export const foldStock = (ledger: HoldLedger, stockId: string, event: StockEvent): void => {
  switch (event.type) {
    case 'StockHeld':
      stockHold(ledger, stockId).quantity += event.data.quantity;
      break;
    case 'StockCaptured':
      stockHold(ledger, stockId).captured += event.data.quantity;
      break;
    case 'StockReleased':
      stockHold(ledger, stockId).released += event.data.quantity;
      break;
    case 'StockReturned':
      restock(ledger, event.data.returnId, stockId).returned += event.data.quantity;
      break;
    default:
      break;
  }
};

export const foldCoupon = (ledger: HoldLedger, code: string, event: CouponEvent): void => {
  if (event.type === 'CouponIssued') return;
  const hold = couponHold(ledger, code);
  if (event.type === 'CouponHeld') hold.quantity += event.data.quantity;
  else if (event.type === 'CouponRedeemed') hold.captured += event.data.quantity;
  else if (event.type === 'CouponReleased') hold.released += event.data.quantity;
  else hold.givenBack += event.data.quantity;
};

export const foldNote = (ledger: HoldLedger, noteId: string, { data }: BlindReturnEvent): void => {
  if (data.kind !== 'goods' || data.location === undefined) return;
  const back = restock(ledger, returnIdOf(noteId, data.lineId), stockIdOf(data.location, data.sku));
  back.wanted += data.quantity;
  back.owner = 'note';
};

const remaining = (hold: { quantity: number; captured: number; released: number }): number =>
  hold.quantity - hold.captured - hold.released;

/** Whether nothing will be asked of the order's holds any more but their end. */
const isOver = (order: OrderPart | undefined): boolean => order === undefined || isEnded(order.status);

/**
 * Whether a hold on stock is where the order wants it. When the order is over, or has no use for it, that is: empty. One that its
 * own stream knows nothing of (parked; or let go and forgotten while the order was parked) has nothing to let go.
 */
const stockSettled = (order: OrderPart | undefined, stockId: string, hold: StockHold): boolean => {
  if (hold.captured !== hold.wantedCaptured) return false;
  const allocated = order?.allocated.get(stockId);
  if (isOver(order) || allocated === undefined) return remaining(hold) === 0;
  return hold.quantity === 0 || hold.quantity - hold.released === allocated - hold.wantedReleased;
};

/** A hold that is to be redeemed has no rest: it is of one. */
const couponSettled = (order: OrderPart | undefined, hold: CouponHold): boolean =>
  hold.captured === hold.wantedCaptured &&
  hold.givenBack === hold.wantedGivenBack &&
  (order?.status === 'reserved' || remaining(hold) === 0);

/**
 * Drops what is settled for good. After every event, so that the ledger is a function of the events and not of how they were cut
 * into batches. Exported for the projection only.
 */
export const forget = (ledger: HoldLedger): void => {
  const { order, stock, coupons, returns } = ledger;
  for (const [key, { wanted, returned }] of returns) if (wanted === returned) returns.delete(key);
  if (!isOver(order)) return;
  for (const [id, hold] of stock) if (stockSettled(order, id, hold)) stock.delete(id);
  for (const [code, hold] of coupons) if (couponSettled(order, hold)) coupons.delete(code);
  if (stock.size === 0 && coupons.size === 0) ledger.order = undefined;
};

/** What a ledger waits for: the outcome of the order, its holds or goods to follow, or the goods of a credit note. */
export type Attention = 'outcome' | 'order' | 'note';

const holdsSettled = ({ order, stock, coupons }: HoldLedger): boolean => {
  for (const [stockId, hold] of stock) if (!stockSettled(order, stockId, hold)) return false;
  for (const hold of coupons.values()) if (!couponSettled(order, hold)) return false;
  return true;
};

/** What somebody has to do for it now; undefined when everything is where it shall be. */
export const attentionOf = (ledger: HoldLedger): Attention | undefined => {
  if (ledger.order?.status === 'placed') return 'outcome';
  if (!holdsSettled(ledger)) return 'order';
  const owed = [...ledger.returns.values()].filter(({ wanted, returned }) => returned < wanted);
  if (owed.length === 0) return undefined;
  return owed.some(({ owner }) => owner === 'order') ? 'order' : 'note';
};

/** Whether it says nothing any more, so that its row may go. A late hold starts a new one. */
export const isEmpty = ({ order, stock, coupons, returns }: HoldLedger): boolean =>
  order === undefined && stock.size === 0 && coupons.size === 0 && returns.size === 0;
