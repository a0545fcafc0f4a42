import { z } from 'zod';
import type { OrderCommand } from '../domain/order.js';
import { CHANGE_ACTIONS_MAX } from '../domain/order-change-events.js';
import { LINE_KINDS } from '../domain/order-events.js';
import { splitId } from '../domain/stream-id.js';
import { type ChangeView, listChanges } from '../projections/change-proposals.js';
import { isKnownOrder } from '../projections/order-pages.js';
import { decided, idOrKey } from './answers.js';
import { lineTaxes } from './cross-border.js';
import { orderIdFor, orderView, unknownOrder, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { orderBody } from './place-order.js';
import type { ProblemCode } from './problems.js';
import { type Call, defineRoute, type Route } from './route.js';
import { effectiveAt, id, money, page, pageQuery, quantity, text, unitPrice } from './schemas.js';
import { emptyPage, seenChannel } from './seen-channel.js';

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;

const action = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('reduce'), lineId: id, quantity })
    .meta({ description: 'So many open units of a line are not wanted any more.' }),
  z
    .strictObject({
      kind: z.literal('add'),
      line: z.strictObject({
        lineId: id,
        kind: z.enum(LINE_KINDS).default('goods'),
        sku: id,
        account: id.optional(),
        quantity,
        unitPrice,
        tax: money,
        taxes: lineTaxes.optional(),
      }),
    })
    .meta({ description: 'A new line; more units of a line are a new line too.' }),
  z
    .strictObject({
      kind: z.literal('reprice'),
      lineId: id,
      newLineId: id,
      unitPrice,
      tax: money,
      taxes: lineTaxes.optional(),
      reason: text,
    })
    .meta({ description: 'Another price for the open units of a line, which become a line of their own.' }),
  z
    .strictObject({ kind: z.literal('address'), destination: orderBody.shape.destination.unwrap() })
    .meta({ description: 'Where it goes instead, whole: without `deliveryAddressId` no address is known.' }),
]);

const changeView = z
  .object({
    orderId: z.string(),
    changeId: z.string(),
    channel: z.string(),
    status: z.enum(['proposed', 'confirmed', 'declined']),
    reason: z.string(),
    actions: z.array(z.looseObject({ kind: z.string() })),
    proposedBy: z.string(),
    proposedAt: z.iso.datetime(),
    version: z.int().optional().meta({ description: 'The version it made of the order.' }),
    difference: z
      .string()
      .optional()
      .meta({ description: 'What the customer has to pay more; negative: less.' }),
    currency: z.string().optional(),
    declined: z.string().optional(),
    resolvedBy: z.string().optional(),
    resolvedAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'OrderChange' });

const viewOf = (row: ChangeView): z.input<typeof changeView> => ({
  ...row,
  actions: row.actions as { kind: string }[],
  proposedAt: row.proposedAt.toISOString(),
  version: row.version ?? undefined,
  difference: row.difference ?? undefined,
  currency: row.currency ?? undefined,
  declined: row.declined ?? undefined,
  resolvedBy: row.resolvedBy ?? undefined,
  resolvedAt: row.resolvedAt?.toISOString(),
});

const responses = {
  200: { description: 'It was done before.', schema: orderView },
  201: { description: 'Done.', schema: orderView },
};
const PROBLEMS_OF_ALL = ['unknown_order', 'wrong_status', 'effective_in_future'] as const;
const PROBLEMS_OF_PLAN = [
  ...PROBLEMS_OF_ALL,
  'unknown_line',
  'exceeds_open_quantity',
  'nothing_open',
  'duplicate_line',
  'too_many_lines',
  'too_many_units',
  'invalid_amount',
  'amount_too_large',
  'tax_mismatch',
  'order_held',
] as const satisfies readonly ProblemCode[];

type ChangeCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined } | undefined>;

/** Changes of an order: proposed, then confirmed or declined. Each that is confirmed makes a version of the order. */
export const orderChangeRoutes = ({ db, orders }: ApiParts): Route[] => {
  const run = async (call: ChangeCall, command: OrderCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body?.effectiveAt, channel });
    const answer = await orders.execute(orderId, command, context);
    return decided(answer, viewOfState(orderId, answer.state, call.caller));
  };
  const changeParams = orderParams.extend({ changeId: z.string().min(1).max(400) });

  return [
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/changes',
      tag: 'orders',
      summary: 'Proposes a change: quantities, lines, prices, the address',
      description: 'Nothing changes and nothing is held before it is confirmed.',
      access: ['channel'],
      params: orderParams,
      body: z.strictObject({
        changeId: id.optional(),
        reason: text,
        actions: z.array(action).min(1).max(CHANGE_ACTIONS_MAX),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS_OF_PLAN, 'id_reused', 'too_many_changes', 'idempotency_key_required'],
      handle: (call) => {
        const { reason, actions } = call.body;
        const changeId = idOrKey(call.body.changeId, call, 'changeId');
        return run(call, { type: 'propose-change', changeId, reason, actions });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/changes/{changeId}/confirmation',
      tag: 'orders',
      summary: 'Confirms a change: it is done to the order as it is now',
      description:
        'What it adds is held first. An order that may not wait for stock is changed whole or not at all.',
      access: ['channel'],
      params: changeParams,
      body: z.strictObject({ effectiveAt }).optional(),
      idempotent: true,
      responses,
      problems: [
        ...PROBLEMS_OF_PLAN,
        'unknown_change',
        'change_resolved',
        'insufficient_stock',
        'allocation_changed',
        'too_many_rounds',
      ],
      handle: (call) => run(call, { type: 'confirm-change', changeId: call.params.changeId }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/orders/{id}/changes/{changeId}/refusal',
      tag: 'orders',
      summary: 'Declines a change',
      access: ['channel'],
      params: changeParams,
      body: z.strictObject({ reason: text, effectiveAt }),
      idempotent: true,
      responses,
      problems: [...PROBLEMS_OF_ALL, 'unknown_change', 'change_resolved'],
      handle: (call) =>
        run(call, { type: 'decline-change', changeId: call.params.changeId, reason: call.body.reason }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}/changes',
      tag: 'orders',
      summary: 'Changes of an order, the oldest first',
      access: READERS,
      params: orderParams,
      query: z.strictObject(pageQuery),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(changeView) } },
      problems: ['unknown_order', 'invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        const orderId = orderIdFor(params.id, caller);
        if (!(await isKnownOrder(db, orderId))) throw unknownOrder();
        const { items, nextCursor } = await listChanges(db, { ...query, orderId });
        return { status: 200, body: { items: items.map(viewOf), nextCursor } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/order-changes',
      tag: 'orders',
      summary: 'Changes that wait for somebody, the oldest first',
      description: 'Not those of orders that have ended since: nothing can be done with them.',
      access: READERS,
      query: z.strictObject({ channel: id.optional(), ...pageQuery }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(changeView) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { channel, ...query }, caller }) => {
        const seen = seenChannel(channel, caller);
        if (seen === undefined) return emptyPage();
        const { items, nextCursor } = await listChanges(db, { ...query, ...seen, waiting: true });
        return { status: 200, body: { items: items.map(viewOf), nextCursor } };
      },
    }),
  ];
};
