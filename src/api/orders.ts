import { z } from 'zod';
import { order } from '../domain/order.js';
import type { OrderEvent } from '../domain/order-events.js';
import { findOrder, listOrders } from '../projections/order-pages.js';
import { eventPage, eventQuery, eventView } from './event-view.js';
import { filterFor, isRange, orderFilter, RANGE } from './order-filter.js';
import {
  orderIdFor,
  orderSummary,
  orderView,
  unknownOrder,
  viewOfRow,
  viewOfState,
  viewOfSummary,
} from './order-view.js';
import type { ApiLimits, ApiParts } from './parts.js';
import { asksForPast, foldPast } from './past.js';
import { seesEvent } from './payment-access.js';
import { placeOrderRoute } from './place-order.js';
import { defineRoute, type Route } from './route.js';
import { page, pageQuery, pastQuery } from './schemas.js';

/** Encoded ids are longer than what they encode. */
export const orderParams = z.strictObject({
  id: z.string().min(1).max(4_000).meta({
    description: 'Id of the order as an answer gave it, URL-encoded.',
    example: 'web~1001',
  }),
});

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;

export const orderRoutes = (parts: ApiParts, limits: ApiLimits): Route[] => {
  const { bus, db } = parts;
  return [
    placeOrderRoute(parts, limits),
    defineRoute({
      method: 'get',
      path: '/v1/orders',
      tag: 'orders',
      summary: 'Orders, the newest first',
      description: 'By any filters together. A cursor belongs to the filters it was given with.',
      access: READERS,
      query: z.strictObject({ ...orderFilter, ...pageQuery }).refine(isRange, RANGE),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(orderSummary) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { limit, cursor, ...query }, caller, now }) => {
        const filter = filterFor(query, caller, now);
        if (filter === undefined) return { status: 200, body: { items: [], nextCursor: null } };
        const { items, nextCursor } = await listOrders(db, { ...filter, limit, cursor });
        return { status: 200, body: { items: items.map(viewOfSummary), nextCursor } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}',
      tag: 'orders',
      summary: 'An order, now or in the past',
      description:
        '`asOf` takes what had happened by then, `knownAt` what was recorded by then; both together ask what was known then.',
      access: READERS,
      params: orderParams,
      query: z.strictObject(pastQuery),
      awaitable: true,
      responses: { 200: { description: 'The order with its lines.', schema: orderView } },
      problems: ['unknown_order'],
      handle: async ({ params, query, caller }) => {
        const orderId = orderIdFor(params.id, caller);
        if (asksForPast(query)) {
          const { state } = await foldPast(bus, order, orderId, query);
          const view = viewOfState(orderId, state, caller);
          if (view === undefined) throw unknownOrder();
          return { status: 200, body: view };
        }
        const row = await findOrder(db, orderId);
        if (row === undefined) throw unknownOrder();
        return { status: 200, body: viewOfRow(row, caller) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}/events',
      tag: 'orders',
      summary: 'What happened to an order, as it was recorded',
      description: 'Without those of its payments for a key that may not read them.',
      access: READERS,
      params: orderParams,
      query: eventQuery,
      awaitable: true,
      responses: { 200: { description: 'Events in recorded order.', schema: page(eventView) } },
      problems: ['unknown_order', 'invalid_cursor'],
      handle: async ({ params, query, caller }) => {
        const orderId = orderIdFor(params.id, caller);
        const found = await eventPage(bus.history<OrderEvent>('order', orderId), query, seesEvent(caller));
        if (found.total === 0) throw unknownOrder();
        return { status: 200, body: found.page };
      },
    }),
  ];
};
