import { z } from 'zod';
import { order } from '../domain/order.js';
import { allowancesOf } from '../projections/allowances.js';
import { exchangesOf } from '../projections/exchange-pages.js';
import { countReturns, listReturns, returnsOf } from '../projections/return-queue.js';
import type { Caller } from './api-keys.js';
import { orderIdFor, unknownOrder } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import {
  allowanceView,
  exchangeView,
  RETURN_STATES,
  returnState,
  returnView,
  viewOfAllowance,
  viewOfExchange,
  viewOfReturn,
} from './return-view.js';
import { defineRoute, type Route } from './route.js';
import { id, instant, page, pageQuery, slug } from './schemas.js';
import { emptyPage, momentOf, seenFilter } from './seen-channel.js';

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;

const filter = {
  channel: id.optional(),
  location: slug.optional().meta({ description: 'Where the goods came to.' }),
  openedBefore: instant.optional().meta({ description: 'Opened before: what waits for so long.' }),
};
type Filter = z.output<z.ZodObject<typeof filter>>;

const counted = z
  .object({
    channel: z.string(),
    state: returnState,
    location: z.string().optional(),
    count: z.int(),
    units: z.int(),
    oldest: z.iso.datetime(),
  })
  .meta({ id: 'ReturnCount' });

/** What people read of returns: the work queues, how much is in them, and all of one order. */
export const returnListRoutes = ({ bus, db }: ApiParts): Route[] => {
  const filterFor = ({ openedBefore, ...query }: Filter, caller: Caller) =>
    seenFilter({ ...query, openedBefore: momentOf(openedBefore) }, caller);

  return [
    defineRoute({
      method: 'get',
      path: '/v1/returns',
      tag: 'returns',
      summary: 'Returns of all orders, the oldest first',
      access: READERS,
      query: z.strictObject({
        state: z
          .enum([...RETURN_STATES, 'open'])
          .optional()
          .meta({
            description: '`open`: all that somebody has to go on with. All returns when absent.',
          }),
        ...filter,
        ...pageQuery,
      }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(returnView) } },
      problems: ['invalid_cursor'],
      handle: async ({ query: { state, limit, cursor, ...asked }, caller }) => {
        const allowed = filterFor(asked, caller);
        if (allowed === undefined) return emptyPage();
        const { items, nextCursor } = await listReturns(db, { state, limit, cursor, ...allowed });
        return { status: 200, body: { items: items.map(viewOfReturn), nextCursor } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/returns/counts',
      tag: 'returns',
      summary: 'How many returns wait, by channel, state and location, and since when',
      access: READERS,
      query: z.strictObject(filter),
      awaitable: true,
      responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(counted) }) } },
      handle: async ({ query, caller }) => {
        const allowed = filterFor(query, caller);
        const found = allowed === undefined ? [] : await countReturns(db, allowed);
        const items = found.map(({ oldest, location, ...one }) => ({
          ...one,
          location: location ?? undefined,
          oldest: oldest.toISOString(),
        }));
        return { status: 200, body: { items } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/orders/{id}/returns',
      tag: 'returns',
      summary: 'Returns, allowances and exchanges of an order',
      access: READERS,
      params: orderParams,
      awaitable: true,
      responses: {
        200: {
          description: 'All of them, the oldest first.',
          schema: z.object({
            returns: z.array(returnView),
            allowances: z.array(allowanceView),
            exchanges: z.array(exchangeView).meta({
              description: 'Also the one that the order was placed for.',
            }),
          }),
        },
      },
      problems: ['unknown_order'],
      handle: async ({ params, caller }) => {
        const orderId = orderIdFor(params.id, caller);
        const [returns, allowances, exchanges] = await Promise.all([
          returnsOf(db, orderId),
          allowancesOf(db, orderId),
          exchangesOf(db, orderId),
        ]);
        if (returns.length + allowances.length + exchanges.length === 0) {
          const { state } = await bus.load(order, orderId);
          if (state.status === 'none') throw unknownOrder();
        }
        return {
          status: 200,
          body: {
            returns: returns.map(viewOfReturn),
            allowances: allowances.map(viewOfAllowance),
            exchanges: exchanges.map(viewOfExchange),
          },
        };
      },
    }),
  ];
};
