import { z } from 'zod';
import { listRefundsDue } from '../projections/payment-pages.js';
import { idOrKey } from './answers.js';
import type { ApiParts } from './parts.js';
import { PAYMENT_READERS } from './payment-access.js';
import { PAYMENT_PROBLEMS, PAYMENT_RESPONSES, paymentCalls, paymentParams } from './payment-calls.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, page, pageQuery, text } from './schemas.js';
import { emptyPage, seenChannel } from './seen-channel.js';

const refundDue = z
  .object({
    orderId: z.string(),
    channel: z.string(),
    currency: z.string(),
    amount: z.string(),
    requested: z.string().meta({ description: 'Of it, what a provider was asked for and has not answered.' }),
    since: z.iso.datetime(),
  })
  .meta({ id: 'RefundDue' });

/** Money that goes back, and what is due to. */
export const refundRoutes = (parts: ApiParts): Route[] => {
  const { db } = parts;
  const { run, isAsked } = paymentCalls(parts);
  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/refunds',
      tag: 'payments',
      summary: 'Gives back a part of what was captured, or tells that it was',
      description:
        'Never more than was captured of this payment, by all refunds together; for whatever reason, also none of the order.',
      access: ['finance'],
      params: paymentParams,
      body: z.strictObject({ refundId: id.optional(), amount: money, reason: text, effectiveAt }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [
        ...PAYMENT_PROBLEMS,
        'unknown_payment',
        'exceeds_captured',
        'too_many_movements',
        'idempotency_key_required',
      ],
      handle: async (call) => {
        const { paymentId } = call.params;
        const { refundId, amount, reason } = call.body;
        const type = (await isAsked(call, paymentId)) ? 'request-refund' : 'refund-payment';
        return run(call, { type, paymentId, refundId: idOrKey(refundId, call, 'refundId'), amount, reason });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/chargebacks',
      tag: 'payments',
      summary: 'Tells that a bank took money back',
      description:
        'Recorded whatever was given back before; what is more than came in is `excess`, and the customer owes it.',
      access: ['finance'],
      params: paymentParams,
      body: z.strictObject({ chargebackId: id.optional(), amount: money, reason: text, effectiveAt }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [...PAYMENT_PROBLEMS, 'unknown_payment', 'too_many_movements', 'idempotency_key_required'],
      handle: (call) => {
        const { chargebackId, amount, reason } = call.body;
        return run(call, {
          type: 'charge-back-payment',
          paymentId: call.params.paymentId,
          chargebackId: idOrKey(chargebackId, call, 'chargebackId'),
          amount,
          reason,
        });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/payments/refunds-due',
      tag: 'payments',
      summary: 'Orders of which something is due to their customers, the longest first',
      access: PAYMENT_READERS,
      query: z.strictObject({ channel: id.optional(), ...pageQuery }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(refundDue) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { channel, ...query }, caller }) => {
        const seen = seenChannel(channel, caller);
        if (seen === undefined) return emptyPage();
        const { items, nextCursor } = await listRefundsDue(db, { ...query, ...seen });
        const view = items.map(({ since, ...one }) => ({ ...one, since: since.toISOString() }));
        return { status: 200, body: { items: view, nextCursor } };
      },
    }),
  ];
};
