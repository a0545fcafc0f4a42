import { z } from 'zod';
import { listShipments } from '../projections/shipment-queue.js';
import { workQueues } from '../projections/work-queues.js';
import type { Caller } from './api-keys.js';
import type { ApiParts } from './parts.js';
import { defineRoute, type Route } from './route.js';
import { id, page, pageQuery, slug } from './schemas.js';
import { emptyPage, seenChannel } from './seen-channel.js';

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;

const oldest = z.iso.datetime();
const queue = z
  .object({
    name: z.string().meta({ example: 'shipments' }),
    about: z.string(),
    count: z.int().meta({ description: 'Over its parts.' }),
    oldest: oldest.nullable(),
    parts: z.array(
      z.object({
        of: z
          .record(z.string(), z.string())
          .meta({ description: 'What it is a part by; empty where it has none.' }),
        count: z.int(),
        units: z.int().nullable(),
        oldest,
        path: z.string().meta({ description: 'Of the list behind it.' }),
      }),
    ),
  })
  .meta({ id: 'WorkQueue' });

const shipment = z
  .object({
    orderId: z.string(),
    channel: z.string(),
    externalId: z.string(),
    customerId: z.string().optional(),
    location: z.string(),
    splitId: z
      .string()
      .optional()
      .meta({ description: 'The group that ships apart; the rest of the order when absent.' }),
    requestedDate: z.string().optional().meta({ description: 'The day it is wanted.' }),
    priority: z.int().meta({ description: '1 is the most urgent, 5 when it has none of its own.' }),
    placedAt: z.iso.datetime(),
    confirmedAt: z.iso.datetime().optional(),
    lines: z.int().meta({ description: 'With goods that can leave now.' }),
    units: z.int(),
    begun: z.boolean().meta({ description: 'Something of the order has gone out before.' }),
  })
  .meta({ id: 'WaitingShipment' });

/** Whether a caller may open the list behind a queue, by the access of its route: what may not be listed is not counted either. */
const mayOpen = (routes: readonly Route[], list: string, { role }: Caller): boolean => {
  const [path] = list.split('?');
  const access = routes.find((route) => route.method === 'get' && route.path === path)?.access;
  return role === 'admin' || (access !== undefined && access !== 'open' && access.includes(role));
};

/** What waits for somebody, and the lists that only a queue needs. `routes` are all of the API. */
export const workQueueRoutes = ({ db }: ApiParts, routes: () => readonly Route[]): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/work-queues',
    tag: 'work queues',
    summary: 'What waits for somebody: every queue with counts, the oldest, and the lists behind it',
    description: 'Of the queues whose lists the key may open.',
    access: READERS,
    query: z.strictObject({ channel: id.optional() }),
    awaitable: true,
    responses: {
      200: { description: 'All queues, of one moment.', schema: z.object({ items: z.array(queue) }) },
    },
    handle: async ({ query: { channel }, caller, now }) => {
      const seen = seenChannel(channel, caller);
      if (seen === undefined) return { status: 200, body: { items: [] } };
      const queues = await workQueues(db, now, seen.channel);
      const open = queues.filter(({ list }) => mayOpen(routes(), list, caller));
      const items = open.map(({ list: _, parts, ...one }) => ({
        ...one,
        oldest: one.oldest?.toISOString() ?? null,
        parts: parts.map((part) => ({ ...part, oldest: part.oldest.toISOString() })),
      }));
      return { status: 200, body: { items } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/work-queues/shipments',
    tag: 'work queues',
    summary: 'What a location can ship of confirmed orders: the most urgent first, then the oldest',
    description: 'By order and split. What a review holds back is left out: whole orders, or lines of them.',
    access: READERS,
    query: z.strictObject({
      location: slug,
      channel: id.optional(),
      late: z
        .literal('true')
        .optional()
        .meta({ description: 'Only what was wanted on a day that is over where the channel is.' }),
      ...pageQuery,
    }),
    awaitable: true,
    responses: { 200: { description: 'A page.', schema: page(shipment) } },
    problems: ['invalid_cursor'],
    handle: async ({ query: { channel, late, ...query }, caller, now }) => {
      const seen = seenChannel(channel, caller);
      if (seen === undefined) return emptyPage();
      const lateAt = late === undefined ? undefined : now;
      const { items, nextCursor } = await listShipments(db, { ...query, ...seen, lateAt });
      const view = items.map(({ customerId, splitId, requestedDate, placedAt, confirmedAt, ...one }) => ({
        ...one,
        splitId: splitId ?? undefined,
        requestedDate: requestedDate ?? undefined,
        customerId: customerId ?? undefined,
        placedAt: placedAt.toISOString(),
        confirmedAt: confirmedAt?.toISOString(),
      }));
      return { status: 200, body: { items: view, nextCursor } };
    },
  }),
];
