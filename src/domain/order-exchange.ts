import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import { EXCHANGES_MAX, type ExchangeOrder } from './exchange-events.js';
import { formatAmount, parseAmount } from './money.js';
import { leftToSpend } from './order-balance.js';
import { dueFor } from './order-charge.js';
import type { PlaceOrder } from './order-commands.js';
import type { OrderEvent } from './order-events.js';
import { type Placed, settlementOf } from './order-fulfilment.js';
import { decidePlace } from './order-placement.js';
import type { ExchangeCommand } from './order-return-commands.js';
import type { Exchange } from './order-return-state.js';
import { initialOrder } from './order-state.js';
import { ID_LENGTH_MAX } from './schemas.js';
import { orderIdOf } from './stream-id.js';

type Of<Type extends ExchangeCommand['type']> = ExchangeCommand & { type: Type };

/** The command that places the new order of an exchange: the same whoever sends it, so that it is placed once. */
export const placementOf = (orderId: string, exchangeId: string, exchange: Exchange): PlaceOrder => ({
  type: 'place',
  ...exchange.order,
  channel: exchange.channel,
  currency: exchange.currency,
  exchangeOf: {
    orderId,
    exchangeId,
    returnId: exchange.returnId,
    credit: formatAmount(exchange.credit, exchange.currency),
  },
});

/**
 * What a return gave, and what of it was neither carried anywhere nor given back in money, in minor units. Money does not say for which
 * return it goes back, so the limit is what is left of the whole order.
 */
const leftToCarry = (state: Placed, returnId: string): { given: bigint; left: bigint } | undefined => {
  const { credits, exchanges } = state.afterSales;
  const credit = credits.get(returnId);
  if (credit === undefined) return undefined;
  const given = credit.shares + credit.allowance;
  let left = given;
  for (const { returnId: of, status, credit: carried } of exchanges.values()) {
    if (of === returnId && status !== 'ended') left -= carried;
  }
  return { given, left: dueFor(left, leftToSpend(state) ?? left) };
};

const sameExchange = (before: Exchange, { returnId, credit, order }: Of<'agree-exchange'>): boolean =>
  before.returnId === returnId &&
  before.order.contentHash === order.contentHash &&
  (order.externalId === undefined || before.order.externalId === order.externalId) &&
  (credit === undefined || parseAmount(credit, before.currency) === before.credit);

const notCredited = ({ afterSales }: Placed, returnId: string): Rejection => {
  const request = afterSales.requests.get(returnId);
  if (request === undefined) return reject('unknown_return', `the order has no return ${returnId}`);
  const { status } = request;
  return reject('wrong_return_status', `the return is ${status}, not credited`, { status });
};

const decideAgree = (command: Of<'agree-exchange'>, state: Placed): Decision<OrderEvent> => {
  const { exchangeId, returnId, credit: asked, order } = command;
  const { exchanges } = state.afterSales;
  const before = exchanges.get(exchangeId);
  if (before !== undefined) {
    return sameExchange(before, command)
      ? []
      : reject('id_reused', `exchange ${exchangeId} was agreed with other content`, { id: exchangeId });
  }
  if (exchanges.size >= EXCHANGES_MAX) {
    return reject('too_many_exchanges', `an order has at most ${EXCHANGES_MAX} exchanges`);
  }
  const carriable = leftToCarry(state, returnId);
  if (carriable === undefined) return notCredited(state, returnId);
  const { given, left } = carriable;
  const { channel, currency, externalId: old } = state.placed;
  const credit = asked === undefined ? left : parseAmount(asked, currency);
  if (credit === undefined) return reject('invalid_amount', `not an amount of ${currency}`);
  // Who says no amount means the credit, and not a new order at its full price.
  const isGone = asked === undefined && left === 0n && given > 0n;
  if (isGone || credit > left || credit < 0n) {
    const rest = formatAmount(left, currency);
    return reject('exceeds_credit', `${rest} ${currency} of the return's credit is left`, { left: rest });
  }
  const externalId = order.externalId ?? `${old}-x${exchanges.size + 1}`;
  if (externalId.length > ID_LENGTH_MAX) {
    // Shortened it could be that of another order, and a caller would have to guess it.
    return reject(
      'external_id_too_long',
      `${externalId} has more than ${ID_LENGTH_MAX} characters: name another`,
    );
  }
  const newOrder: ExchangeOrder = {
    ...order,
    // What goes from one receivable to the other is worth the same in both.
    ...settlementOf(state.placed),
    externalId,
    lines: [...order.lines],
  };
  // What can never be placed is not agreed. That the id or the stock is gone is found out when it is placed.
  const { contentHash, ...content } = newOrder;
  const placing = decidePlace({ type: 'place', channel, currency, ...content, contentHash }, initialOrder);
  if (isRejection(placing)) return placing;
  const newOrderId = orderIdOf(channel, externalId);
  const agreed = { exchangeId, returnId, newOrderId, channel, currency };
  return [
    {
      type: 'OrderExchangeAgreed',
      data: { ...agreed, credit: formatAmount(credit, currency), order: newOrder },
    },
  ];
};

const decideSettle = (
  { exchangeId, charged }: Of<'settle-exchange'>,
  { status, credit, currency, charged: before }: Exchange,
): Decision<OrderEvent> => {
  const minor = parseAmount(charged, currency);
  if (minor === undefined || minor < 0n) return reject('invalid_amount', `not an amount of ${currency}`);
  if (status === 'settled' && before !== minor) {
    return reject('id_reused', `exchange ${exchangeId} was settled with another amount`, { id: exchangeId });
  }
  if (status !== 'agreed') return [];
  const carried = minor < credit ? minor : credit;
  const money = (amount: bigint): string => formatAmount(amount, currency);
  return [
    {
      type: 'OrderExchangeSettled',
      data: {
        exchangeId,
        currency,
        charged: money(minor),
        carried: money(carried),
        toPay: money(minor - carried),
        toGiveBack: money(credit - carried),
      },
    },
  ];
};

/** Carries the credit of a return to a new order, and says how that ended. */
export const decideExchange = (command: ExchangeCommand, state: Placed): Decision<OrderEvent> => {
  if (command.type === 'agree-exchange') return decideAgree(command, state);
  const { exchangeId } = command;
  const exchange = state.afterSales.exchanges.get(exchangeId);
  if (exchange === undefined) return reject('unknown_exchange', `the order has no exchange ${exchangeId}`);
  if (command.type === 'settle-exchange') return decideSettle(command, exchange);
  if (exchange.status !== 'agreed') return [];
  const { code, detail } = command;
  const { currency, credit } = exchange;
  const owed = formatAmount(credit, currency);
  return [{ type: 'OrderExchangeEnded', data: { exchangeId, code, detail, currency, owed } }];
};
