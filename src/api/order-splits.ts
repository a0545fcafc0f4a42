import { z } from 'zod';
import { LINES_MAX, type OrderCommand } from '../domain/order.js';
import { SPLIT_PRIORITY_MAX } from '../domain/split.js';
import { splitId as partsOf } from '../domain/stream-id.js';
import { decided, idOrKey } from './answers.js';
import { orderIdFor, orderView, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { type Call, defineRoute, type Route } from './route.js';
import { day, effectiveAt, id, quantity, text } from './schemas.js';

const responses = {
  200: { description: 'It was done before.', schema: orderView },
  201: { description: 'Done.', schema: orderView },
};

type OrderCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined }>;

/** Orders split by hand: units that ship apart, and back again. */
export const orderSplitRoutes = ({ orders }: ApiParts): Route[] => {
  const run = async (call: OrderCall, command: OrderCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = partsOf(orderId);
    const context = call.context({ effectiveAt: call.body.effectiveAt, channel });
    const answer = await orders.execute(orderId, command, context);
    return decided(answer, viewOfState(orderId, answer.state, call.caller));
  };

  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/splits',
      tag: 'orders',
      summary: 'Splits units off that ship apart, with a day and a priority of their own',
      description:
        'A shipment ships them by naming the split; one that names none ships the rest. Prices, discounts, taxes and holds stay as they are.',
      access: ['channel', 'warehouse'],
      params: orderParams,
      body: z.strictObject({
        splitId: id.optional(),
        lines: z
          .array(z.strictObject({ lineId: id, quantity }))
          .min(1)
          .max(LINES_MAX),
        requestedDate: day.optional().meta({ description: 'The day it is wanted.' }),
        priority: z
          .int()
          .min(1)
          .max(SPLIT_PRIORITY_MAX)
          .optional()
          .meta({ description: '1 is the most urgent.' }),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        'unknown_order',
        'wrong_status',
        'unknown_line',
        'not_goods',
        'exceeds_open_quantity',
        'too_many_splits',
        'id_reused',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: (call) => {
        const { splitId, lines, requestedDate, priority } = call.body;
        return run(call, {
          type: 'split',
          splitId: idOrKey(splitId, call, 'splitId'),
          lines,
          ...(requestedDate === undefined ? {} : { requestedDate }),
          ...(priority === undefined ? {} : { priority }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/splits/{splitId}/undo',
      tag: 'orders',
      summary: 'Gives the units of a split back to the rest, while none of them was shipped',
      access: ['channel', 'warehouse'],
      params: orderParams.extend({ splitId: id }),
      body: z.strictObject({ reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: ['unknown_order', 'unknown_split', 'wrong_status', 'split_shipped', 'effective_in_future'],
      handle: (call) =>
        run(call, { type: 'undo-split', splitId: call.params.splitId, reason: call.body.reason }),
    }),
  ];
};
