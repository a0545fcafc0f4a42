import { z } from 'zod';
import { location } from '../domain/location.js';
import { LINES_MAX, type OrderCommand } from '../domain/order.js';
import { CREDIT_ON, INSPECTION_OUTCOMES } from '../domain/return-events.js';
import { splitId } from '../domain/stream-id.js';
import { decided, idOrKey } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderIdFor } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { returnOfState, returnView } from './return-view.js';
import { type Call, defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, quantity, slug, text } from './schemas.js';

const lines = z
  .array(z.strictObject({ lineId: id, quantity }))
  .min(1)
  .max(LINES_MAX);

const responses = {
  200: { description: 'It was done before.', schema: returnView },
  201: { description: 'Done.', schema: returnView },
};

const params = orderParams.extend({ returnId: id });
const PROBLEMS = [
  'unknown_order',
  'unknown_return',
  'wrong_return_status',
  'id_reused',
  'effective_in_future',
] as const;

type ReturnCall = Call<
  { id: string; returnId?: string },
  unknown,
  { readonly effectiveAt?: string | undefined } | undefined
>;

/** Returns by request, step by step; decided by the order, whose stock follows. A return without a request is in order-actions.ts. */
export const returnRoutes = ({ bus, orders }: ApiParts): Route[] => {
  const run = async (call: ReturnCall, command: OrderCommand & { readonly returnId: string }) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body?.effectiveAt, channel });
    const answer = await orders.execute(orderId, command, context);
    return decided(answer, returnOfState(orderId, answer.state, command.returnId));
  };

  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests',
      tag: 'returns',
      summary: 'Asks to send shipped units back',
      description:
        'The units are taken: no other request or return can have them while this one is open. Charges named beside goods are ' +
        'credited with them, as soon as any of the goods are accepted.',
      access: ['channel'],
      params: orderParams,
      body: z.strictObject({ returnId: id.optional(), reason: text, lines, effectiveAt }),
      idempotent: true,
      responses,
      problems: [
        'unknown_order',
        'unknown_line',
        'exceeds_shipped_quantity',
        'nothing_open',
        'too_many_returns',
        'id_reused',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: (call) => {
        const { returnId, reason, lines: named } = call.body;
        return run(call, {
          type: 'request-return',
          returnId: idOrKey(returnId, call, 'returnId'),
          reason,
          lines: named,
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests/{returnId}/authorisation',
      tag: 'returns',
      summary: 'Lets the goods of a request come',
      access: ['channel', 'finance'],
      params,
      body: z.strictObject({
        instructions: text.optional().meta({ description: 'For who sends the goods or takes them.' }),
        creditOn: z.enum(CREDIT_ON).optional().meta({
          description:
            '`inspection` (the default) credits what it accepts at once, `command` when somebody says so.',
        }),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: PROBLEMS,
      handle: (call) => {
        const { instructions: note, creditOn } = call.body;
        return run(call, {
          type: 'authorise-return',
          returnId: call.params.returnId,
          ...(note === undefined ? {} : { note }),
          ...(creditOn === undefined ? {} : { creditOn }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests/{returnId}/refusal',
      tag: 'returns',
      summary: 'Declines a request, or the goods of one',
      description:
        'Before anything came, its units are free again. Goods that came go back to the customer for good and cannot be returned again.',
      access: ['channel', 'warehouse', 'finance'],
      params,
      body: z.strictObject({ reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: PROBLEMS,
      handle: (call) =>
        run(call, { type: 'refuse-return', returnId: call.params.returnId, reason: call.body.reason }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests/{returnId}/receipt',
      tag: 'returns',
      summary: 'Takes in the goods of a request, at any location and perhaps fewer of them',
      description: 'Once. What did not come is free to be requested again. Charges need no receipt.',
      access: ['warehouse'],
      params,
      body: z.strictObject({ location: slug, lines, effectiveAt }),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS,
        'unknown_line',
        'nothing_open',
        'exceeds_requested_quantity',
        'location_not_set_up',
      ],
      handle: async (call) => {
        const { location: at, lines: named } = call.body;
        orderIdFor(call.params.id, call.caller);
        const { state } = await bus.load(location, at, { maxAgeMs: SETTINGS_AGE_MAX_MS });
        if (state === null) throw new Problem('location_not_set_up', `there is no location ${at}`);
        return run(call, {
          type: 'receive-return',
          returnId: call.params.returnId,
          location: at,
          lines: named,
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests/{returnId}/inspection',
      tag: 'returns',
      summary: 'Says of every received unit what it is, and credits what is accepted',
      description:
        'Resaleable units go into the stock of the location, damaged ones into none; both are credited by their frozen shares. ' +
        'Missing ones may be requested again, refused ones go back to the customer for good.',
      access: ['warehouse'],
      params,
      body: z.strictObject({
        lines: z
          .array(z.strictObject({ lineId: id, quantity, outcome: z.enum(INSPECTION_OUTCOMES) }))
          .min(1)
          .max(LINES_MAX * INSPECTION_OUTCOMES.length),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'unknown_line', 'inspection_incomplete'],
      handle: (call) =>
        run(call, { type: 'inspect-return', returnId: call.params.returnId, lines: call.body.lines }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/return-requests/{returnId}/credit',
      tag: 'returns',
      summary: 'Credits what an inspection accepted, where the authorisation left that to somebody',
      access: ['finance'],
      params,
      body: z.strictObject({
        note: id.optional().meta({ description: 'Number of the credit note.' }),
        credited: money
          .optional()
          .meta({ description: 'What is due when absent; at most what is left of what was paid.' }),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS, 'invalid_amount', 'exceeds_paid'],
      handle: (call) => {
        const { note, credited } = call.body;
        return run(call, {
          type: 'credit-return',
          returnId: call.params.returnId,
          ...(note === undefined ? {} : { note }),
          ...(credited === undefined ? {} : { credited }),
        });
      },
    }),
  ];
};
