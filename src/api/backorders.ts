import { z } from 'zod';
import { location } from '../domain/location.js';
import { order } from '../domain/order.js';
import { stillHeld } from '../domain/order-allocations.js';
import { splitId } from '../domain/stream-id.js';
import { listBackorders } from '../projections/backorder-queue.js';
import { decided } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderIdFor, orderView, unknownOrder, viewOfState } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { asksForPast, foldPast } from './past.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { effectiveAt, id, page, pageQuery, pastQuery, slug, text } from './schemas.js';
import { emptyPage, seenChannel } from './seen-channel.js';

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;
const units = z.int();

const allocationView = z
  .object({
    sku: z.string(),
    location: z.string(),
    quantity: units,
    shipped: units,
    released: units,
    held: units.meta({ description: 'What is still there for the order.' }),
    refused: z
      .array(z.object({ location: z.string(), code: z.string() }))
      .meta({ description: 'Who was asked before and said no.' }),
  })
  .meta({ id: 'Allocation' });

const backorderView = z
  .object({
    orderId: z.string(),
    channel: z.string(),
    sku: z.string(),
    quantity: units,
    code: z.string().meta({ description: 'Why the last location refused.' }),
    locations: z.array(z.string()).meta({ description: 'Who may deliver it.' }),
    kind: z.string().meta({ description: '`backorder` waits for stock; `shortfall` was sold already.' }),
    priority: units,
    since: z.iso.datetime(),
    placedAt: z.iso.datetime(),
  })
  .meta({ id: 'Backorder', description: 'Units of an order that nothing holds.' });

export const backorderRoutes = ({ bus, db, orders }: ApiParts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/backorders',
    tag: 'orders',
    summary: 'What orders lack, those that are served first in front',
    description: 'Served by priority, then by time of placement, as soon as a location has any.',
    access: READERS,
    query: z.strictObject({
      kind: z.enum(['backorder', 'shortfall']).optional(),
      channel: id.optional(),
      sku: id.optional(),
      ...pageQuery,
    }),
    awaitable: true,
    responses: { 200: { description: 'A page.', schema: page(backorderView) } },
    problems: ['invalid_cursor'],
    handle: async ({ query: { channel, ...query }, caller }) => {
      const seen = seenChannel(channel, caller);
      if (seen === undefined) return emptyPage();
      const { items, nextCursor } = await listBackorders(db, { ...query, ...seen });
      const body = items.map(({ since, placedAt, locations, ...rest }) => ({
        ...rest,
        locations: [...locations],
        since: since.toISOString(),
        placedAt: placedAt.toISOString(),
      }));
      return { status: 200, body: { items: body, nextCursor } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders/{id}/allocations',
    tag: 'orders',
    summary: 'Where the goods of an order are held, and which locations refused',
    access: READERS,
    params: orderParams,
    query: z.strictObject(pastQuery),
    awaitable: true,
    responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(allocationView) }) } },
    problems: ['unknown_order'],
    handle: async ({ params, query, caller }) => {
      const orderId = orderIdFor(params.id, caller);
      const { state } = asksForPast(query)
        ? await foldPast(bus, order, orderId, query)
        : await bus.load(order, orderId);
      if (state.placed === undefined) throw unknownOrder();
      const items = state.allocations.map((one) => ({
        sku: one.sku,
        location: one.location,
        quantity: one.quantity,
        shipped: one.captured,
        released: one.released,
        held: stillHeld(one),
        refused: [...one.refused],
      }));
      return { status: 200, body: { items } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/orders/{id}/allocations',
    tag: 'orders',
    summary: 'Holds what an order lacks, as far as there is any now',
    description:
      'Happens by itself when a location of the order gets stock. With `location` another one may deliver from now on, too.',
    access: ['channel', 'warehouse'],
    params: orderParams,
    body: z.strictObject({
      location: slug.optional(),
      reason: text.meta({ description: 'Why another location.' }),
      effectiveAt,
    }),
    idempotent: true,
    responses: {
      200: { description: 'What the order has come to.', schema: orderView },
      201: { description: 'Another location was added.', schema: orderView },
    },
    problems: ['unknown_order', 'location_not_set_up', 'too_many_sources', 'effective_in_future'],
    handle: async (call) => {
      const { location: more, reason, effectiveAt: at } = call.body;
      const orderId = orderIdFor(call.params.id, call.caller);
      const [channel = ''] = splitId(orderId);
      const context = call.context({ effectiveAt: at, channel });
      if (more !== undefined) {
        const { state } = await bus.load(location, more, { maxAgeMs: SETTINGS_AGE_MAX_MS });
        if (state === null) throw new Problem('location_not_set_up', `there is no location ${more}`);
      }
      const locations = more === undefined ? [] : [more];
      const added = await orders.execute(orderId, { type: 'extend-sources', locations, reason }, context);
      if (added.status === 'rejected') return decided(added, undefined);
      const { requestHash: _, ...plain } = context;
      const { state, position } = await orders.advance(orderId, plain);
      const answer = decided({ ...added, position }, viewOfState(orderId, state, call.caller));
      // Without a location there is nothing that could have been recorded before: what was held is held now.
      return more === undefined ? { ...answer, replayed: false } : answer;
    },
  }),
];
