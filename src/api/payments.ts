import { z } from 'zod';
import { order } from '../domain/order.js';
import { idOrKey } from './answers.js';
import { orderIdFor, unknownOrder } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { asksForPast, foldPast } from './past.js';
import { PAYMENT_READERS } from './payment-access.js';
import { PAYMENT_PROBLEMS, PAYMENT_RESPONSES, paymentCalls, paymentParams, tender } from './payment-calls.js';
import { paymentsPageOf, paymentsView } from './payment-view.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, pastQuery, slug, text } from './schemas.js';

const EXPIRES_MAX_SECONDS = 60 * 60 * 24 * 90;

const code = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dots, dashes and underscores')
  .meta({ description: "The provider's word for it.", example: 'card_declined' });
/**
 * Payments of an order. One of a provider of ours is asked of it; of others we are told. Either way the answer is what the order knows of its
 * payments now.
 */
export const paymentRoutes = (parts: ApiParts): Route[] => {
  const { bus, providers } = parts;
  const { run, isAsked } = paymentCalls(parts);
  return [
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}/payments',
      tag: 'payments',
      summary: 'The payments of an order and its balance, now or in the past',
      access: PAYMENT_READERS,
      params: orderParams,
      query: z.strictObject(pastQuery),
      awaitable: true,
      responses: { 200: { description: 'With every capture, refund and chargeback.', schema: paymentsView } },
      problems: ['unknown_order'],
      handle: async ({ params: { id: of }, query, caller }) => {
        const orderId = orderIdFor(of, caller);
        const past = asksForPast(query);
        const { state } = past ? await foldPast(bus, order, orderId, query) : await bus.load(order, orderId);
        const body = paymentsPageOf(state);
        if (body === undefined) throw unknownOrder();
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments',
      tag: 'payments',
      summary: 'Begins a payment: the order keeps its stock for it',
      description:
        'With `provider` it is authorised there at once, as far as the answer comes in time; without, tell what comes of it. A deadline ' +
        'of the order becomes later by it, never earlier.',
      access: ['channel'],
      params: orderParams,
      body: z.strictObject({
        paymentId: id.optional(),
        tender,
        amount: money,
        provider: slug.optional().meta({ description: 'Of ours: `trial`.', example: 'trial' }),
        expiresInSeconds: z
          .int()
          .min(1)
          .max(EXPIRES_MAX_SECONDS)
          .optional()
          .meta({ description: 'How long it may take.' }),
        effectiveAt,
      }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [
        ...PAYMENT_PROBLEMS,
        'unknown_provider',
        'wrong_status',
        'too_many_payments',
        'idempotency_key_required',
      ],
      handle: (call) => {
        const { paymentId, expiresInSeconds, provider, tender: by, amount } = call.body;
        if (provider !== undefined && !providers.includes(provider)) {
          throw new Problem('unknown_provider', `there is no provider ${provider}`);
        }
        const expiresAt =
          expiresInSeconds === undefined
            ? {}
            : { expiresAt: new Date(call.now.getTime() + expiresInSeconds * 1_000).toISOString() };
        return run(call, {
          type: 'start-payment',
          paymentId: idOrKey(paymentId, call, 'paymentId'),
          tender: by,
          amount,
          ...(provider === undefined ? {} : { provider }),
          ...expiresAt,
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/authorisation',
      tag: 'payments',
      summary: 'Tells that a payment was authorised, also one that nobody has heard of',
      access: ['channel'],
      params: paymentParams,
      body: z.strictObject({ tender, amount: money, effectiveAt }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [...PAYMENT_PROBLEMS, 'below_captured', 'too_many_payments', 'asked_of_provider'],
      handle: async (call) => {
        const { paymentId } = call.params;
        if (await isAsked(call, paymentId)) throw asked(paymentId);
        const { tender: by, amount } = call.body;
        return run(call, { type: 'authorise-payment', paymentId, tender: by, amount });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/captures',
      tag: 'payments',
      summary: 'Captures a part of a payment, or tells that it was',
      description:
        'Of a payment that nobody has heard of (a marketplace, a till), with its `tender`: the money is here.',
      access: ['channel', 'finance'],
      params: paymentParams,
      body: z.strictObject({
        captureId: id.optional(),
        amount: money,
        tender: tender.optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [
        ...PAYMENT_PROBLEMS,
        'unknown_payment',
        'wrong_payment_status',
        'exceeds_authorised',
        'too_many_payments',
        'too_many_movements',
        'idempotency_key_required',
      ],
      handle: async (call) => {
        const { paymentId } = call.params;
        const { captureId, amount, tender: by } = call.body;
        const what = { paymentId, captureId: idOrKey(captureId, call, 'captureId'), amount };
        if (await isAsked(call, paymentId)) return run(call, { type: 'request-capture', ...what });
        return run(call, {
          type: 'capture-payment',
          ...what,
          ...(by === undefined ? {} : { tender: by }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/failure',
      tag: 'payments',
      summary: 'Tells that a payment failed, or that its authorisation has lapsed',
      access: ['channel'],
      params: paymentParams,
      body: z.strictObject({ code, reason: text, effectiveAt }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [...PAYMENT_PROBLEMS, 'unknown_payment', 'payment_captured', 'asked_of_provider'],
      handle: async (call) => {
        const { paymentId } = call.params;
        if (await isAsked(call, paymentId)) throw asked(paymentId);
        const { code: why, reason } = call.body;
        return run(call, { type: 'fail-payment', paymentId, code: why, reason });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/void',
      tag: 'payments',
      summary: 'Lets go of what is authorised and not captured, or tells that it was',
      access: ['channel', 'finance'],
      params: paymentParams,
      body: z.strictObject({ reason: text, effectiveAt }),
      idempotent: true,
      responses: PAYMENT_RESPONSES,
      problems: [...PAYMENT_PROBLEMS, 'unknown_payment', 'wrong_payment_status'],
      handle: async (call) => {
        const { paymentId } = call.params;
        const type = (await isAsked(call, paymentId)) ? 'request-void' : 'void-payment';
        return run(call, { type, paymentId, reason: call.body.reason });
      },
    }),
  ];
};

const asked = (paymentId: string): Problem =>
  new Problem('asked_of_provider', `the provider of ${paymentId} tells us itself`);
