import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { orderPlaced } from './order-events.js';
import { line as orderLine } from './order-parts.js';
import { amountText, currency, recordedId } from './schemas.js';

/**
 * An exchange: the credit of a return is carried to a new order of the same channel instead of being owed in money. Facts of the
 * order whose goods came back; the new order says `exchangeOf`.
 *
 *     agreed --> settled    the new order is complete: carried, and the difference to pay or to give back
 *        `-----> ended      the new order came to nothing: the credit is owed in money again
 */

/** Exchanges that one order can have in its life. */
export const EXCHANGES_MAX = 50;

const agreed = z.object({
  exchangeId: recordedId,
  /** The credited return whose credit is carried. */
  returnId: recordedId,
  newOrderId: recordedId,
  channel: recordedId,
  currency,
  credit: amountText,
  /** The order to place, whole: whoever carries the exchange on has nothing but this stream. */
  order: orderPlaced
    .omit({ channel: true, currency: true, exchangeOf: true })
    .extend({ lines: z.array(orderLine.omit({ amount: true })).min(1) }),
});
const settled = z.object({
  exchangeId: recordedId,
  currency,
  /** What the customer pays for what the new order shipped. `charged` = `carried` + `toPay`; the credit = `carried` + `toGiveBack`. */
  charged: amountText,
  carried: amountText,
  toPay: amountText,
  toGiveBack: amountText,
});
const ended = z.object({
  exchangeId: recordedId,
  /** Why the new order came to nothing. */
  code: z.string(),
  detail: z.string(),
  currency,
  /** Owed in money again: the whole credit. */
  owed: amountText,
});

export const exchangeEvents = [
  defineEvent({ type: 'OrderExchangeAgreed', version: 1, schema: agreed }),
  defineEvent({ type: 'OrderExchangeSettled', version: 1, schema: settled }),
  defineEvent({ type: 'OrderExchangeEnded', version: 1, schema: ended }),
];

export type OrderExchangeAgreed = DomainEvent<'OrderExchangeAgreed', z.infer<typeof agreed>>;
export type OrderExchangeSettled = DomainEvent<'OrderExchangeSettled', z.infer<typeof settled>>;
export type OrderExchangeEnded = DomainEvent<'OrderExchangeEnded', z.infer<typeof ended>>;
export type ExchangeEvent = OrderExchangeAgreed | OrderExchangeSettled | OrderExchangeEnded;
export type ExchangeOrder = OrderExchangeAgreed['data']['order'];
