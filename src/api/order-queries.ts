import { z } from 'zod';
import { HOLD_TYPES } from '../domain/review.js';
import { countOrdersBy, orderAges } from '../projections/order-counts.js';
import { filterFor, isRange, orderFilter, RANGE } from './order-filter.js';
import { ORDER_STATUSES } from './order-view.js';
import type { ApiParts } from './parts.js';
import { defineRoute, type Route } from './route.js';
import { id } from './schemas.js';
import { seenChannel } from './seen-channel.js';

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;

const count = z.int();
const counts = z
  .object({
    total: count,
    byStatus: z.array(z.object({ status: z.enum(ORDER_STATUSES), count })),
    byChannel: z.array(z.object({ channel: z.string(), count })),
    byHoldType: z
      .array(z.object({ holdType: z.enum(HOLD_TYPES), count }))
      .meta({ description: 'Orders with an open review of the type; one may be in several.' }),
  })
  .meta({ id: 'OrderCounts' });

const ages = z
  .object({
    fromHours: z.int().meta({ description: 'Placed at least so many hours ago.' }),
    belowHours: z
      .int()
      .nullable()
      .meta({ description: 'And fewer than so many; null for the oldest class.' }),
    status: z.enum(['placed', 'reserved', 'confirmed']),
    channel: z.string(),
    count,
    oldest: z.object({ orderId: z.string(), placedAt: z.iso.datetime() }),
  })
  .meta({ id: 'OrderAges' });

const NONE: z.input<typeof counts> = { total: 0, byStatus: [], byChannel: [], byHoldType: [] };

/** What there is of orders: how many, and how old those that are open. Before `/v1/orders/{id}`, which would take their paths. */
export const orderQueryRoutes = ({ db }: ApiParts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/orders/counts',
    tag: 'orders',
    summary: 'How many orders there are, by status, channel and open hold type',
    description: 'Takes the filters of the list, and counts exactly what it would show.',
    access: READERS,
    query: z.strictObject(orderFilter).refine(isRange, RANGE),
    awaitable: true,
    responses: { 200: { description: 'The counts, all of one moment.', schema: counts } },
    handle: async ({ query, caller, now }) => {
      const filter = filterFor(query, caller, now);
      return { status: 200, body: filter === undefined ? NONE : await countOrdersBy(db, filter) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders/ages',
    tag: 'orders',
    summary: 'Open orders by age, state and channel, the oldest class first',
    access: READERS,
    query: z.strictObject({ channel: id.optional() }),
    awaitable: true,
    responses: {
      200: { description: 'All classes with orders.', schema: z.object({ items: z.array(ages) }) },
    },
    handle: async ({ query: { channel }, caller, now }) => {
      const seen = seenChannel(channel, caller);
      const found = seen === undefined ? [] : await orderAges(db, now, seen.channel);
      const items = found.map(({ oldest, ...row }) => ({
        ...row,
        oldest: { ...oldest, placedAt: oldest.placedAt.toISOString() },
      }));
      return { status: 200, body: { items } };
    },
  }),
];
