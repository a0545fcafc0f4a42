import { z } from 'zod';
import {
  CONSIGNMENT_ORDERS_MAX,
  CONSIGNMENT_ORDERS_MIN,
  type ConsignmentState,
} from '../domain/consignment.js';
import { joinId, splitId } from '../domain/stream-id.js';
import { consignmentIdOf } from '../processes/consignment-process.js';
import {
  CANDIDATE_ORDERS_MAX,
  CANDIDATES_MAX,
  type ConsignmentView,
  consignmentCandidates,
  findConsignment,
} from '../projections/consignment-pages.js';
import { decided, idOrKey, requireChannel, seesChannel } from './answers.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, slug } from './schemas.js';
import { seenChannel } from './seen-channel.js';

/** Channel and what follows it, of an id that is written as we write them. */
const partsOf = (key: string): readonly [string, string] | undefined => {
  try {
    const [channel, rest, ...more] = splitId(key);
    if (channel === undefined || rest === undefined || more.length > 0) return undefined;
    return joinId(channel, rest) === key ? [channel, rest] : undefined;
  } catch {
    return undefined; // half an escape: no id of ours
  }
};

const view = z
  .object({
    id: z.string().meta({ description: 'Channel and consignment id, as in the path.', example: 'web~c-7' }),
    channel: z.string(),
    consignmentId: z.string(),
    location: z.string(),
    customerId: z.string(),
    status: z.enum(['open', 'closed']),
    shipmentId: z.string().meta({ description: 'Of the shipment that each of its orders has.' }),
    orders: z.array(
      z.object({
        orderId: z.string(),
        outcome: z.enum(['waiting', 'shipped', 'dropped']),
        units: z.int().optional(),
        code: z.string().optional().meta({ description: 'Why the order did not ship after all.' }),
        detail: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Consignment' });
type View = z.input<typeof view>;

/** Encoded ids are longer than what they encode. */
const orderRef = z
  .string()
  .max(2_000)
  .refine((text) => partsOf(text) !== undefined, 'an id of an order as an answer gave it')
  .meta({ example: 'web~1001' });

const candidate = z
  .object({
    channel: z.string(),
    customerId: z.string(),
    destination: z.object({
      country: z.string(),
      region: z.string().optional(),
      postalCode: z.string().optional(),
    }),
    orders: z
      .array(z.string())
      .meta({ description: `Ids, the oldest first; ${CANDIDATE_ORDERS_MAX} at most.` }),
    units: z.int(),
    oldest: z.iso.datetime(),
  })
  .meta({ id: 'ConsignmentCandidate' });

const viewOfState = (key: string, { plan, status, outcomes }: ConsignmentState): View | undefined => {
  if (plan === undefined || status === 'none') return undefined;
  const { orders, ...rest } = plan;
  return {
    id: key,
    ...rest,
    status,
    shipmentId: `consignment:${plan.consignmentId}`,
    orders: orders.map((orderId) => ({ orderId, ...(outcomes.get(orderId) ?? { outcome: 'waiting' }) })),
  };
};

const viewOfRow = ({ plannedAt: _, closed, orders, ...row }: ConsignmentView): View => ({
  ...row,
  status: closed ? 'closed' : 'open',
  shipmentId: `consignment:${row.consignmentId}`,
  orders: orders.map(({ units, code, detail, ...order }) => ({
    ...order,
    units: units ?? undefined,
    code: code ?? undefined,
    detail: detail ?? undefined,
  })),
});

const unknown = (): Problem => new Problem('unknown_consignment', 'there is no such consignment');

/** Open orders of one customer that leave a location together. */
export const consignmentRoutes = ({ consignments, db }: ApiParts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/consignments/candidates',
    tag: 'consignments',
    summary: 'Customers with two open orders or more that could leave a location together',
    description:
      `The longest waiting first, ${CANDIDATES_MAX} at most. A hint: those that name different addresses of the customer ` +
      '(`destination.deliveryAddressId`) do not leave together.',
    access: ['channel', 'warehouse', 'reader'],
    query: z.strictObject({ location: slug, channel: id.optional() }),
    awaitable: true,
    responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(candidate) }) } },
    handle: async ({ query: { location, channel }, caller }) => {
      const seen = seenChannel(channel, caller);
      const found = seen === undefined ? [] : await consignmentCandidates(db, location, seen.channel);
      const items = found.map(({ country, region, postalCode, oldest, ...row }) => ({
        ...row,
        destination: { country, region: region ?? undefined, postalCode: postalCode ?? undefined },
        oldest: oldest.toISOString(),
      }));
      return { status: 200, body: { items } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/consignments',
    tag: 'consignments',
    summary: 'Ships the open units of several orders of one customer as one shipment',
    description:
      'All of the channel, customer and destination of the first, confirmed, with all open goods at the location and nothing that holds ' +
      'the shipment back; else 409 `not_mergeable` with `details.orders`. One that says no by then drops out with its reason.',
    access: ['channel', 'warehouse'],
    body: z.strictObject({
      channel: slug,
      consignmentId: id.optional(),
      location: slug,
      orders: z
        .array(orderRef)
        .min(CONSIGNMENT_ORDERS_MIN)
        .max(CONSIGNMENT_ORDERS_MAX)
        .meta({ description: 'Ids of orders as an answer gave them.' }),
      effectiveAt,
    }),
    idempotent: true,
    responses: {
      200: { description: 'It was done before.', schema: view },
      201: { description: 'Done.', schema: view },
    },
    problems: [
      'forbidden_channel',
      'not_mergeable',
      'duplicate_order',
      'id_reused',
      'idempotency_key_required',
      'effective_in_future',
    ],
    handle: async (call) => {
      const { channel, consignmentId, location, orders, effectiveAt: at } = call.body;
      requireChannel(call.caller, channel);
      const request = {
        channel,
        consignmentId: idOrKey(consignmentId, call, 'consignmentId'),
        location,
        orders,
      };
      const answer = await consignments.plan(request, call.context({ effectiveAt: at, channel }));
      const key = consignmentIdOf(channel, request.consignmentId);
      return decided(answer, viewOfState(key, answer.state), {
        Location: `/v1/consignments/${encodeURIComponent(key)}`,
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/consignments/{id}',
    tag: 'consignments',
    summary: 'A consignment, and what became of each of its orders',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    params: z.strictObject({
      id: z.string().min(1).max(4_000).meta({
        description: 'Id of the consignment as an answer gave it, URL-encoded.',
        example: 'web~c-7',
      }),
    }),
    awaitable: true,
    responses: { 200: { description: 'The consignment.', schema: view } },
    problems: ['unknown_consignment'],
    handle: async ({ params, caller }) => {
      const [channel] = partsOf(params.id) ?? [];
      if (channel === undefined || !seesChannel(caller, channel)) throw unknown();
      const found = await findConsignment(db, params.id);
      if (found === undefined) throw unknown();
      return { status: 200, body: viewOfRow(found) };
    },
  }),
];
