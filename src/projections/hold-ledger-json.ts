import type { OrderStatus } from '../domain/order-state.js';
import type { HoldLedger } from './hold-ledger.js';

/** A ledger as JSON: compact, because it is written again whenever its order moves. */
export interface LedgerJson {
  readonly order: {
    readonly status: OrderStatus;
    readonly wasConfirmed: boolean;
    readonly openUnits: number;
    readonly lines: readonly (readonly [lineId: string, sku: string])[];
    readonly allocated: readonly (readonly [stockId: string, quantity: number])[];
    readonly coupons: readonly string[];
  } | null;
  readonly stock: readonly (readonly [
    stockId: string,
    quantity: number,
    captured: number,
    released: number,
    wantedCaptured: number,
    wantedReleased: number,
  ])[];
  readonly coupons: readonly (readonly [
    code: string,
    quantity: number,
    captured: number,
    released: number,
    givenBack: number,
    wantedCaptured: number,
    wantedGivenBack: number,
  ])[];
  /** Keys are `returnId stockId`. */
  readonly returns: readonly (readonly [
    key: string,
    wanted: number,
    returned: number,
    owner: 'order' | 'note' | null,
  ])[];
}

/** Maps are written in key order, so that equal ledgers are equal texts. */
const entries = <Value>(map: ReadonlyMap<string, Value>): [string, Value][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

export const ledgerToJson = ({ order, stock, coupons, returns }: HoldLedger): LedgerJson => ({
  order:
    order === undefined
      ? null
      : {
          status: order.status,
          wasConfirmed: order.wasConfirmed,
          openUnits: order.openUnits,
          lines: entries(order.lines),
          allocated: entries(order.allocated),
          coupons: order.coupons,
        },
  stock: entries(stock).map(([id, hold]) => [
    id,
    hold.quantity,
    hold.captured,
    hold.released,
    hold.wantedCaptured,
    hold.wantedReleased,
  ]),
  coupons: entries(coupons).map(([code, hold]) => [
    code,
    hold.quantity,
    hold.captured,
    hold.released,
    hold.givenBack,
    hold.wantedCaptured,
    hold.wantedGivenBack,
  ]),
  returns: entries(returns).map(([key, { wanted, returned, owner }]) => [
    key,
    wanted,
    returned,
    owner ?? null,
  ]),
});

export const ledgerFromJson = ({ order, stock, coupons, returns }: LedgerJson): HoldLedger => ({
  order:
    order === null
      ? undefined
      : { ...order, lines: new Map(order.lines), allocated: new Map(order.allocated) },
  stock: new Map(
    stock.map(([id, quantity, captured, released, wantedCaptured, wantedReleased]) => [
      id,
      { quantity, captured, released, wantedCaptured, wantedReleased },
    ]),
  ),
  coupons: new Map(
    coupons.map(([code, quantity, captured, released, givenBack, wantedCaptured, wantedGivenBack]) => [
      code,
      { quantity, captured, released, givenBack, wantedCaptured, wantedGivenBack },
    ]),
  ),
  returns: new Map(
    returns.map(([key, wanted, returned, owner]) => [key, { wanted, returned, owner: owner ?? undefined }]),
  ),
});
