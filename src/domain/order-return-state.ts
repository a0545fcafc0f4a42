import type { ExchangeEvent, OrderExchangeAgreed } from './exchange-events.js';
import { amountOf } from './money.js';
import { dueForUnits, type Money, paidFor, takenOff } from './order-charge.js';
import type { OrderReturned } from './order-events.js';
import type { OrderLine } from './order-state.js';
import type { CreditOn, OrderAllowanceGranted, OrderReturnInspected, ReturnEvent } from './return-events.js';

/** What was asked back and given back of an order. Amounts in minor units. */
export interface AfterSales {
  readonly requests: ReadonlyMap<string, ReturnRequest>;
  /** What each return came to, by its id, with and without a request. */
  readonly credits: ReadonlyMap<string, ReturnCredit>;
  /** Units by line that came and were refused: the customer has them back for good. */
  readonly refused: ReadonlyMap<string, number>;
  readonly allowances: ReadonlyMap<string, Omit<OrderAllowanceGranted['data'], 'allowanceId'>>;
  /** What allowances for a line gave and no credit of it was made less by, by line. */
  readonly openAllowances: ReadonlyMap<string, bigint>;
  /** Given back beyond the shares (below them: negative), by returns and by allowances. */
  readonly beyondShares: bigint;
  readonly exchanges: ReadonlyMap<string, Exchange>;
}

export type ReturnStatus =
  | 'requested'
  | 'authorised'
  | 'received'
  | 'inspected'
  | 'credited'
  | 'refused'
  | 'closed';

export interface ReturnRequest {
  readonly status: ReturnStatus;
  readonly reason: string;
  readonly lines: ReadonlyMap<string, RequestedUnits>;
  readonly authorised?: { readonly note?: string | undefined; readonly creditOn: CreditOn };
  /** Where the goods came to. */
  readonly location?: string;
  readonly refusal?: string;
}

/** Units of a line, as each step counted them. Received = resaleable + damaged + missing + refused, once inspected. */
export interface RequestedUnits {
  readonly sku: string;
  readonly requested: number;
  readonly received: number;
  readonly resaleable: number;
  readonly damaged: number;
  readonly missing: number;
  readonly refused: number;
  /** Of charges and vouchers, which are credited and never received. */
  readonly credited: number;
}

export interface ReturnCredit {
  readonly shares: bigint;
  /** Beyond the shares. */
  readonly allowance: bigint;
  /** Whether it is what was due without saying an amount. */
  readonly asDue: boolean;
  readonly note: string | undefined;
}

export interface Exchange extends Omit<OrderExchangeAgreed['data'], 'exchangeId' | 'credit'> {
  readonly status: 'agreed' | 'settled' | 'ended';
  readonly credit: bigint;
  /** Of the new order, once settled. */
  readonly charged?: bigint;
}

export const noAfterSales: AfterSales = {
  requests: new Map(),
  credits: new Map(),
  refused: new Map(),
  allowances: new Map(),
  openAllowances: new Map(),
  beyondShares: 0n,
  exchanges: new Map(),
};

export const acceptedUnits = ({ resaleable, damaged, credited }: RequestedUnits): number =>
  resaleable + damaged + credited;

/** Units of a line that a request keeps from being returned otherwise. */
const takenBy = ({ status, lines }: ReturnRequest, { lineId, kind }: OrderLine): number => {
  const units = lines.get(lineId);
  if (units === undefined) return 0;
  switch (status) {
    case 'requested':
    case 'authorised':
      return units.requested;
    case 'received':
      return kind === 'goods' ? units.received : units.requested;
    case 'inspected':
      return acceptedUnits(units);
    default:
      return 0;
  }
};

/** Units that may still be asked back: shipped, not returned, not under an open request, not refused for good. */
export const returnableUnits = ({ requests, refused }: AfterSales, line: OrderLine): number => {
  let left = line.shipped - line.returned - (refused.get(line.lineId) ?? 0);
  for (const request of requests.values()) left -= takenBy(request, line);
  return left;
};

const REQUESTED = { received: 0, resaleable: 0, damaged: 0, missing: 0, refused: 0, credited: 0 };

const withRequest = (
  state: AfterSales,
  returnId: string,
  change: (request: ReturnRequest) => ReturnRequest,
): AfterSales => {
  const request = state.requests.get(returnId);
  if (request === undefined) return state;
  return { ...state, requests: new Map(state.requests).set(returnId, change(request)) };
};

const refuse = (state: AfterSales, units: Iterable<readonly [lineId: string, units: number]>): AfterSales => {
  const refused = new Map(state.refused);
  for (const [lineId, count] of units) {
    if (count > 0) refused.set(lineId, (refused.get(lineId) ?? 0) + count);
  }
  return { ...state, refused };
};

const inspect = (state: AfterSales, { returnId, lines }: OrderReturnInspected['data']): AfterSales => {
  const next = withRequest(state, returnId, (request) => {
    const counted = new Map(request.lines);
    for (const { lineId, quantity, outcome } of lines) {
      const units = counted.get(lineId);
      if (units !== undefined) counted.set(lineId, { ...units, [outcome]: units[outcome] + quantity });
    }
    const any = [...counted.values()].some((units) => acceptedUnits(units) > 0);
    return { ...request, lines: counted, status: any ? 'inspected' : 'closed' };
  });
  return refuse(
    next,
    lines.map(({ lineId, quantity, outcome }) => [lineId, outcome === 'refused' ? quantity : 0] as const),
  );
};

/** Goods that came and are refused as a whole go back for good; of a request before that, nothing has happened yet. */
const refuseRequest = (state: AfterSales, returnId: string, reason: string): AfterSales => {
  const request = state.requests.get(returnId);
  const gone = [...(request?.lines ?? [])].map(([lineId, units]) => {
    const came = request?.status === 'received' ? units.received : 0;
    return [lineId, request?.status === 'inspected' ? units.resaleable + units.damaged : came] as const;
  });
  return withRequest(refuse(state, gone), returnId, (one) => ({
    ...one,
    status: 'refused',
    refusal: reason,
  }));
};

const withExchange = (state: AfterSales, exchangeId: string, change: Partial<Exchange>): AfterSales => {
  const exchange = state.exchanges.get(exchangeId);
  if (exchange === undefined) return state;
  return { ...state, exchanges: new Map(state.exchanges).set(exchangeId, { ...exchange, ...change }) };
};

export const evolveAfterSales = (state: AfterSales, event: ReturnEvent | ExchangeEvent): AfterSales => {
  switch (event.type) {
    case 'OrderReturnRequested': {
      const { returnId, reason, lines } = event.data;
      const units = lines.map(
        ({ lineId, sku, quantity }) => [lineId, { sku, requested: quantity, ...REQUESTED }] as const,
      );
      const request: ReturnRequest = { status: 'requested', reason, lines: new Map(units) };
      return { ...state, requests: new Map(state.requests).set(returnId, request) };
    }
    case 'OrderReturnAuthorised': {
      const { returnId, ...authorised } = event.data;
      return withRequest(state, returnId, (one) => ({ ...one, status: 'authorised', authorised }));
    }
    case 'OrderReturnRefused':
      return refuseRequest(state, event.data.returnId, event.data.reason);
    case 'OrderReturnReceived': {
      const { returnId, location, lines } = event.data;
      return withRequest(state, returnId, (one) => {
        const counted = new Map(one.lines);
        for (const { lineId, quantity } of lines) {
          const units = counted.get(lineId);
          if (units !== undefined) counted.set(lineId, { ...units, received: quantity });
        }
        return { ...one, status: 'received', location, lines: counted };
      });
    }
    case 'OrderReturnInspected':
      return inspect(state, event.data);
    case 'OrderAllowanceGranted': {
      const { allowanceId, ...granted } = event.data;
      const { lineId } = granted;
      const minor = amountOf(granted.amount, granted.currency);
      const open = state.openAllowances;
      return {
        ...state,
        allowances: new Map(state.allowances).set(allowanceId, granted),
        openAllowances:
          lineId === undefined ? open : new Map(open).set(lineId, (open.get(lineId) ?? 0n) + minor),
        beyondShares: state.beyondShares + minor,
      };
    }
    case 'OrderExchangeAgreed': {
      const { exchangeId, credit, ...rest } = event.data;
      const exchange: Exchange = { ...rest, status: 'agreed', credit: amountOf(credit, rest.currency) };
      return { ...state, exchanges: new Map(state.exchanges).set(exchangeId, exchange) };
    }
    case 'OrderExchangeSettled': {
      const { exchangeId, charged, currency } = event.data;
      return withExchange(state, exchangeId, { status: 'settled', charged: amountOf(charged, currency) });
    }
    case 'OrderExchangeEnded':
      return withExchange(state, event.data.exchangeId, { status: 'ended' });
  }
};

/** After a return; `before` is the order without it. */
export const evolveCredit = (before: Money, { data }: OrderReturned): AfterSales => {
  const { returnId, currency, lines, note } = data;
  const shares = paidFor(lines, currency);
  const allowance = amountOf(data.allowance, currency);
  const asDue = shares + allowance === dueForUnits(before, lines);
  const { afterSales } = before;
  const credits = new Map(afterSales.credits).set(returnId, { shares, allowance, asDue, note });
  const openAllowances = new Map(afterSales.openAllowances);
  // Who says an amount takes nothing off by the allowances.
  for (const [lineId, taken] of asDue ? takenOff(before, lines) : [])
    openAllowances.set(lineId, (openAllowances.get(lineId) ?? 0n) - taken);
  const beyondShares = afterSales.beyondShares + allowance;
  const state = { ...afterSales, credits, openAllowances, beyondShares };
  return withRequest(state, returnId, (request) => ({ ...request, status: 'credited' }));
};
