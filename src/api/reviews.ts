import { z } from 'zod';
import type { OrderCommand } from '../domain/order.js';
import { blocks, holdType, resolverRole } from '../domain/review.js';
import { LINES_NAMED_MAX } from '../domain/review-rules.js';
import { splitId } from '../domain/stream-id.js';
import { countReviews, listReviews } from '../projections/review-queue.js';
import { decided, idOrKey } from './answers.js';
import type { Caller } from './api-keys.js';
import { orderIdFor, orderView, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { reviewShape, viewOfReview } from './review-view.js';
import { type Call, defineRoute, type Route } from './route.js';
import { effectiveAt, id, instant, page, pageQuery, text } from './schemas.js';
import { emptyPage, momentOf, seenFilter } from './seen-channel.js';

const PUTTERS = ['channel', 'warehouse', 'finance'] as const;
const READERS = [...PUTTERS, 'reader'] as const;

const responses = {
  200: { description: 'It was done before.', schema: orderView },
  201: { description: 'Done.', schema: orderView },
};

const filter = {
  holdType: holdType.optional(),
  channel: id.optional(),
  role: resolverRole.optional().meta({ description: 'Those that this role may resolve.' }),
  heldBefore: instant.optional().meta({ description: 'Put before: what waits for so long.' }),
};
type Filter = z.output<z.ZodObject<typeof filter>>;

const queued = z.object({ orderId: z.string(), channel: z.string(), ...reviewShape }).meta({
  id: 'QueuedReview',
});
const counted = z
  .object({
    channel: z.string(),
    holdType,
    role: resolverRole,
    count: z.int(),
    oldest: z.iso.datetime(),
  })
  .meta({ id: 'ReviewCount' });

type OrderCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined }>;

/** What blocks orders until somebody resolves it: put by hand, resolved, and the queue of what waits. */
export const reviewRoutes = ({ orders, db }: ApiParts): Route[] => {
  const run = async (call: OrderCall, command: OrderCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body.effectiveAt, channel });
    const answer = await orders.execute(orderId, command, context);
    return decided(answer, viewOfState(orderId, answer.state, call.caller));
  };
  const filterFor = ({ heldBefore, ...query }: Filter, caller: Caller) =>
    seenFilter({ ...query, heldBefore: momentOf(heldBefore) }, caller);

  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/reviews',
      tag: 'reviews',
      summary: 'Holds an order, or lines of it, until somebody resolves it',
      description: 'Cancelling is never blocked. A deadline of the order stays as it is.',
      access: PUTTERS,
      params: orderParams,
      body: z.strictObject({
        holdId: id.optional(),
        holdType,
        blocks: blocks.meta({ description: 'Steps that shall wait for it.' }),
        role: resolverRole.meta({ description: 'Of the key that may resolve it, besides `admin`.' }),
        lines: z
          .array(id)
          .min(1)
          .max(LINES_NAMED_MAX)
          .optional()
          .meta({ description: 'Ids of lines; the whole order when absent.' }),
        reason: text,
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        'unknown_order',
        'wrong_status',
        'unknown_line',
        'nothing_open',
        'id_reused',
        'too_many_reviews',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: (call) => {
        const { holdId, effectiveAt: _, lines, ...rest } = call.body;
        return run(call, {
          type: 'review',
          holdId: idOrKey(holdId, call, 'holdId'),
          ...rest,
          ...(lines === undefined ? {} : { lines }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/reviews/{holdId}/resolution',
      tag: 'reviews',
      summary: 'Releases what a review blocks, or cancels what it is on',
      description:
        'Only with a key of its role, or `admin`. `released`: an order that confirms itself is confirmed once nothing blocks ' +
        'that any more. `rejected`: the open units of the order, or of the lines it is on, are cancelled with the reason.',
      access: PUTTERS,
      params: orderParams.extend({ holdId: id }),
      body: z.strictObject({ outcome: z.enum(['released', 'rejected']), reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [
        'unknown_order',
        'unknown_review',
        'wrong_role',
        'review_resolved',
        'wrong_status',
        'effective_in_future',
      ],
      handle: (call) => {
        const { outcome, reason } = call.body;
        const { role } = call.caller;
        return run(call, { type: 'resolve-review', holdId: call.params.holdId, outcome, reason, role });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/reviews',
      tag: 'reviews',
      summary: 'The work queue: reviews of all orders, the oldest first',
      access: READERS,
      query: z.strictObject({
        state: z.enum(['open', 'resolved']).optional().meta({ description: '`open` when absent.' }),
        ...filter,
        ...pageQuery,
      }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(queued) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { state, limit, cursor, ...asked }, caller }) => {
        const allowed = filterFor(asked, caller);
        if (allowed === undefined) return emptyPage();
        const { items, nextCursor } = await listReviews(db, { state, limit, cursor, ...allowed });
        const view = items.map((one) => ({
          orderId: one.orderId,
          channel: one.channel,
          ...viewOfReview(one),
        }));
        return { status: 200, body: { items: view, nextCursor } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/reviews/counts',
      tag: 'reviews',
      summary: 'How many reviews are open, by channel, type and role, and since when',
      access: READERS,
      query: z.strictObject(filter),
      awaitable: true,
      responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(counted) }) } },
      handle: async ({ query, caller }) => {
        const allowed = filterFor(query, caller);
        const found = allowed === undefined ? [] : await countReviews(db, allowed);
        const items = found.map(({ oldest, ...one }) => ({ ...one, oldest: oldest.toISOString() }));
        return { status: 200, body: { items } };
      },
    }),
  ];
};
