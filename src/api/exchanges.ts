import { z } from 'zod';
import { type Channel, channel } from '../domain/channel.js';
import { formatAmount } from '../domain/money.js';
import { type OrderCommand, order } from '../domain/order.js';
import { paidForFirst } from '../domain/order-charge.js';
import type { Exchange } from '../domain/order-return-state.js';
import type { OrderState } from '../domain/order-state.js';
import { createExchangeProcess } from '../processes/exchange-process.js';
import { decided, idOrKey } from './answers.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderIdFor, orderView, unknownOrder, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { orderBody, placeCommandOf } from './place-order.js';
import { Problem } from './problems.js';
import { exchangeView } from './return-view.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, money } from './schemas.js';

const { lines, coupons, destination, policy } = orderBody.shape;

const body = z.strictObject({
  exchangeId: id.optional(),
  returnId: id.meta({ description: 'A return of the order that is credited.' }),
  credit: money
    .optional()
    .meta({ description: 'What of its credit is carried; all that is left when absent.' }),
  externalId: id.optional().meta({
    description:
      'Of the new order; that of the old one with `-x1`, `-x2`, ... behind it when absent, as long as that is an id.',
  }),
  destination: destination.meta({ description: 'That of the old order when absent.' }),
  lines,
  coupons,
  policy,
  effectiveAt,
});
type Body = z.output<typeof body>;

const answerView = z
  .object({
    exchange: exchangeView,
    expected: z
      .object({ total: z.string(), toPay: z.string(), toGiveBack: z.string() })
      .optional()
      .meta({ description: 'As the new order stands; what counts in the end is what it ships.' }),
    order: orderView
      .optional()
      .meta({ description: 'The new order; absent where its id is of another one.' }),
  })
  .meta({ id: 'ExchangeAnswer' });

const commandOf = (
  { effectiveAt: placedAt, exchangeId: _, externalId, returnId, credit, destination: to, ...sent }: Body,
  exchangeId: string,
  orderId: string,
  placed: NonNullable<OrderState['placed']>,
  settings: Channel,
  now: Date,
): OrderCommand & { type: 'agree-exchange' } => {
  const { currency, customerId } = placed;
  const whole = {
    ...sent,
    channel: placed.channel,
    externalId: externalId ?? '',
    currency,
    customerId,
    destination: to ?? placed.destination,
    placedAt,
  };
  const {
    type: _type,
    channel: _channel,
    currency: _currency,
    review: _review,
    settlement: _settlement,
    ...placement
  } = placeCommandOf(whole, settings, now, {});
  // Of what was sent: the exchange sent again tomorrow is still the same one.
  const contentHash = sha256(
    canonicalJson({ orderId, exchangeId, returnId, externalId, destination: to, ...sent }),
  );
  return {
    type: 'agree-exchange',
    exchangeId,
    returnId,
    ...(credit === undefined ? {} : { credit }),
    order: { ...placement, externalId, contentHash },
  };
};

const expectedOf = ({ credit, currency }: Exchange, newOrder: OrderState) => {
  const money = (minor: bigint): string => formatAmount(minor, currency);
  let total = 0n;
  for (const line of newOrder.lines.values())
    total += paidForFirst(line, line.quantity - line.cancelled, currency);
  const carried = total < credit ? total : credit;
  return { total: money(total), toPay: money(total - carried), toGiveBack: money(credit - carried) };
};

export const exchangeRoutes = ({ bus, orders }: ApiParts): Route[] => {
  const exchanges = createExchangeProcess(bus, orders);
  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/exchanges',
      tag: 'returns',
      summary: 'Carries the credit of a return to a new order of the same channel, and places it',
      description:
        'The new order is an order like any other, with `exchangeOf`; the rules for reviews do not see it, since somebody agreed ' +
        'to it. When it is complete the exchange is `settled`, with what is to pay or to give back. When it comes to nothing (no ' +
        'stock, cancelled) the exchange is `ended` and the credit is owed in money again.',
      access: ['channel'],
      params: orderParams,
      body,
      idempotent: true,
      responses: {
        200: { description: 'It was agreed before.', schema: answerView },
        201: { description: 'Agreed, with the new order and its outcome.', schema: answerView },
      },
      problems: [
        'unknown_order',
        'unknown_channel',
        'unknown_return',
        'wrong_return_status',
        'exceeds_credit',
        'external_id_too_long',
        'too_many_exchanges',
        'id_reused',
        'duplicate_line',
        'duplicate_coupon',
        'invalid_amount',
        'amount_too_large',
        'append_too_large',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: async (call) => {
        const orderId = orderIdFor(call.params.id, call.caller);
        const { placed } = (await bus.load(order, orderId)).state;
        if (placed === undefined) throw unknownOrder();
        const { state: settings } = await bus.load(channel, placed.channel, {
          maxAgeMs: SETTINGS_AGE_MAX_MS,
        });
        if (settings === null) throw new Problem('unknown_channel', `there is no channel ${placed.channel}`);
        const exchangeId = idOrKey(call.body.exchangeId, call, 'exchangeId');
        const command = commandOf(call.body, exchangeId, orderId, placed, settings, call.now);
        const context = call.context({ effectiveAt: call.body.effectiveAt, channel: placed.channel });
        const answer = await exchanges.agree(orderId, command, context);
        if (answer.status === 'rejected') return decided(answer, undefined);
        const { exchange, newOrder } = answer;
        const { newOrderId, returnId, currency, credit, status: state } = exchange;
        const shown = {
          ...{ orderId, exchangeId, returnId, newOrderId, currency, state },
          credit: formatAmount(credit, currency),
        };
        return decided(answer, {
          exchange: shown,
          expected: state === 'ended' || newOrder === undefined ? undefined : expectedOf(exchange, newOrder),
          order: newOrder && viewOfState(newOrderId, newOrder, call.caller),
        });
      },
    }),
  ];
};
