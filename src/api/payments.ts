import { z } from 'zod';
import { order } from '../domain/order.js';
import type { PaymentCommand } from '../domain/order-payment-commands.js';
import { splitId } from '../domain/stream-id.js';
import { listRefundsDue } from '../projections/payment-pages.js';
import { decided, idOrKey } from './answers.js';
import { orderIdFor, unknownOrder } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { asksForPast, foldPast } from './past.js';
import { paymentsPageOf, paymentsView, tenderShape } from './payment-view.js';
import { Problem, type ProblemCode } from './problems.js';
import { type Call, defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, page, pageQuery, pastQuery, slug, text } from './schemas.js';

const READERS = ['channel', 'finance', 'reader'] as const;
const EXPIRES_MAX_SECONDS = 60 * 60 * 24 * 90;

const tender = z.strictObject({
  ...tenderShape,
  reference: id.optional().meta({
    description: 'What its provider or the till calls it; never the number of a card or an account.',
  }),
});
const code = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dots, dashes and underscores')
  .meta({ description: "The provider's word for it.", example: 'card_declined' });
const params = orderParams.extend({ paymentId: id });

const responses = {
  200: { description: 'It was done before.', schema: paymentsView },
  201: { description: 'Done, or asked of the provider.', schema: paymentsView },
};

const PROBLEMS = [
  'unknown_order',
  'id_reused',
  'invalid_amount',
  'effective_in_future',
] as const satisfies readonly ProblemCode[];

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

type PaymentCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined }>;

/**
 * Payments of an order. One of a provider of ours is asked of it; of others we are told. Either way the answer is what the order knows of its
 * payments now.
 */
export const paymentRoutes = ({ bus, db, payments, providers }: ApiParts): Route[] => {
  const run = async (call: PaymentCall, command: PaymentCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body.effectiveAt, channel });
    const answer = await payments.execute(orderId, command, context);
    return decided(answer, paymentsPageOf(answer.state));
  };

  /** Whether the payment is one of a provider of ours; that never changes. */
  const isAsked = async (call: PaymentCall, paymentId: string): Promise<boolean> => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const { state } = await bus.load(order, orderId);
    return state.payments.get(paymentId)?.provider !== undefined;
  };

  return [
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}/payments',
      tag: 'payments',
      summary: 'The payments of an order and its balance, now or in the past',
      access: READERS,
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
      responses,
      problems: [
        ...PROBLEMS,
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
      params,
      body: z.strictObject({ tender, amount: money, effectiveAt }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'below_captured', 'too_many_payments', 'asked_of_provider'],
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
      params,
      body: z.strictObject({
        captureId: id.optional(),
        amount: money,
        tender: tender.optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS,
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
      params,
      body: z.strictObject({ code, reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'unknown_payment', 'payment_captured', 'asked_of_provider'],
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
      params,
      body: z.strictObject({ reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'unknown_payment', 'wrong_payment_status'],
      handle: async (call) => {
        const { paymentId } = call.params;
        const type = (await isAsked(call, paymentId)) ? 'request-void' : 'void-payment';
        return run(call, { type, paymentId, reason: call.body.reason });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/payments/{paymentId}/refunds',
      tag: 'payments',
      summary: 'Gives back a part of what was captured, or tells that it was',
      description:
        'Never more than was captured of this payment, by all refunds together; for whatever reason, also none of the order.',
      access: ['finance'],
      params,
      body: z.strictObject({ refundId: id.optional(), amount: money, reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS,
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
      params,
      body: z.strictObject({ chargebackId: id.optional(), amount: money, reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'unknown_payment', 'too_many_movements', 'idempotency_key_required'],
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
      access: READERS,
      query: z.strictObject({ channel: id.optional(), ...pageQuery }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(refundDue) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { channel, ...query }, caller }) => {
        const own = caller.channel ?? channel;
        if (channel !== undefined && channel !== own) {
          return { status: 200, body: { items: [], nextCursor: null } };
        }
        const { items, nextCursor } = await listRefundsDue(db, { ...query, channel: own });
        const view = items.map(({ since, ...one }) => ({ ...one, since: since.toISOString() }));
        return { status: 200, body: { items: view, nextCursor } };
      },
    }),
  ];
};

const asked = (paymentId: string): Problem =>
  new Problem('asked_of_provider', `the provider of ${paymentId} tells us itself`);
