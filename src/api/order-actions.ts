import { z } from 'zod';
import { location } from '../domain/location.js';
import { LINES_MAX, type OrderCommand } from '../domain/order.js';
import { splitId } from '../domain/stream-id.js';
import { decided, idOrKey } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderIdFor, orderView, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { Problem, type ProblemCode } from './problems.js';
import { type Call, defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, quantity, slug, text } from './schemas.js';

const lines = z
  .array(z.strictObject({ lineId: id, quantity }))
  .min(1)
  .max(LINES_MAX);

const responses = {
  200: { description: 'It was done before.', schema: orderView },
  201: { description: 'Done.', schema: orderView },
};

const PROBLEMS_OF_ALL = ['unknown_order', 'wrong_status', 'effective_in_future'] as const;
const PROBLEMS_OF_LINES = [
  ...PROBLEMS_OF_ALL,
  'unknown_line',
  'id_reused',
  'nothing_open',
  'idempotency_key_required',
] as const satisfies readonly ProblemCode[];

type OrderCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined } | undefined>;

/** What is done to an order after it was placed. Each is decided by the order; its stock and coupons follow. */
export const orderActionRoutes = ({ bus, orders }: ApiParts): Route[] => {
  const run = async (call: OrderCall, command: OrderCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body?.effectiveAt, channel });
    const answer = await orders.execute(orderId, command, context);
    return decided(answer, viewOfState(orderId, answer.state, call.caller));
  };

  const requireLocation = async (of: string | undefined): Promise<void> => {
    if (of === undefined) return;
    const { state } = await bus.load(location, of, { maxAgeMs: SETTINGS_AGE_MAX_MS });
    if (state === null) throw new Problem('location_not_set_up', `there is no location ${of}`);
  };

  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/confirm',
      tag: 'orders',
      summary: 'Confirms an order that waits for it',
      access: ['channel'],
      params: orderParams,
      body: z.strictObject({ effectiveAt }).optional(),
      idempotent: true,
      responses,
      problems: [...PROBLEMS_OF_ALL, 'order_held'],
      handle: (call) => run(call, { type: 'confirm' }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/cancellations',
      tag: 'orders',
      summary: 'Cancels units that were not shipped; all of them when no lines are named',
      access: ['channel'],
      params: orderParams,
      body: z.strictObject({
        cancellationId: id.optional(),
        reason: text,
        lines: lines.optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS_OF_LINES, 'exceeds_open_quantity'],
      handle: (call) => {
        const { cancellationId, reason, lines: named } = call.body;
        const command = {
          type: 'cancel',
          cancellationId: idOrKey(cancellationId, call, 'cancellationId'),
          reason,
        } as const;
        return run(call, named === undefined ? command : { ...command, lines: named });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/shipments',
      tag: 'orders',
      summary:
        'Ships units of a confirmed order; all that are open (at that location) when no lines are named',
      access: ['channel', 'warehouse'],
      params: orderParams,
      body: z.strictObject({
        shipmentId: id.optional(),
        splitId: id.optional().meta({ description: 'The split that it ships; else what was not split off.' }),
        location: slug.optional(),
        lines: lines.optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS_OF_LINES,
        'order_held',
        'exceeds_open_quantity',
        'wrong_location',
        'unknown_split',
      ],
      handle: (call) => {
        const { shipmentId, splitId: of, location: from, lines: named } = call.body;
        return run(call, {
          type: 'ship',
          shipmentId: idOrKey(shipmentId, call, 'shipmentId'),
          ...(of === undefined ? {} : { splitId: of }),
          ...(from === undefined ? {} : { location: from }),
          ...(named === undefined ? {} : { lines: named }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/returns',
      tag: 'orders',
      summary: 'Takes shipped units back, for what was paid for them or for what was agreed',
      access: ['channel', 'warehouse', 'finance'],
      params: orderParams,
      body: z.strictObject({
        returnId: id.optional(),
        reason: text,
        lines,
        note: id.optional().meta({ description: 'Number of the credit note.' }),
        credited: money.optional().meta({
          description: 'Credited in all where that is not what was paid; the difference is an allowance.',
        }),
        location: slug
          .optional()
          .meta({ description: 'Where the goods go; where they came from when absent.' }),
        goodwill: text.optional().meta({
          description:
            'Why more may be given back than was paid, which is `exceeds_paid` without; for finance.',
        }),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS_OF_LINES,
        'exceeds_shipped_quantity',
        'exceeds_paid',
        'invalid_amount',
        'location_not_set_up',
      ],
      handle: async (call) => {
        const { returnId, reason, lines: named, note, credited, location: to, goodwill } = call.body;
        const command: OrderCommand = {
          type: 'return',
          returnId: idOrKey(returnId, call, 'returnId'),
          reason,
          lines: named,
          ...(note === undefined ? {} : { note }),
          ...(credited === undefined ? {} : { credited }),
          ...(to === undefined ? {} : { location: to }),
          ...(goodwill === undefined ? {} : { goodwill }),
        };
        orderIdFor(call.params.id, call.caller);
        if (goodwill !== undefined && call.caller.role !== 'finance' && call.caller.role !== 'admin') {
          throw new Problem('forbidden', 'giving back more than was paid is for finance');
        }
        await requireLocation(to);
        return run(call, command);
      },
    }),
  ];
};
