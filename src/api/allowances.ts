import { z } from 'zod';
import { splitId } from '../domain/stream-id.js';
import { decided, idOrKey } from './answers.js';
import { orderIdFor } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { allowanceView } from './return-view.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, text } from './schemas.js';

const responses = {
  200: { description: 'It was granted before.', schema: allowanceView },
  201: { description: 'Granted.', schema: allowanceView },
};

/** Refunds without a return. */
export const allowanceRoutes = ({ orders }: ApiParts): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/orders/{id}/allowances',
    tag: 'returns',
    summary: 'Gives money back while the customer keeps the goods',
    description:
      'At most what is left of what the order charged, or of what was charged for the line: else `exceeds_paid`.',
    access: ['finance'],
    params: orderParams,
    body: z.strictObject({
      allowanceId: id.optional(),
      amount: money,
      reason: text,
      lineId: id.optional().meta({ description: 'The line it is for; the whole order when absent.' }),
      effectiveAt,
    }),
    idempotent: true,
    responses,
    problems: [
      'unknown_order',
      'unknown_line',
      'invalid_amount',
      'exceeds_paid',
      'too_many_allowances',
      'id_reused',
      'idempotency_key_required',
      'effective_in_future',
    ],
    handle: async (call) => {
      const { allowanceId: given, amount, reason, lineId, effectiveAt: at } = call.body;
      const orderId = orderIdFor(call.params.id, call.caller);
      const [channel = ''] = splitId(orderId);
      const allowanceId = idOrKey(given, call, 'allowanceId');
      const asked = { allowanceId, amount, reason, ...(lineId === undefined ? {} : { lineId }) };
      const context = call.context({ effectiveAt: at, channel });
      const answer = await orders.execute(orderId, { type: 'grant-allowance', ...asked }, context);
      const granted = answer.state.afterSales.allowances.get(allowanceId);
      return decided(answer, granted && { allowanceId, ...granted });
    },
  }),
];
