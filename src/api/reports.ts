import { z } from 'zod';
import { SALES_MAX_ROWS, salesByDay } from '../projections/sales.js';
import { seesChannel } from './answers.js';
import type { ApiParts } from './parts.js';
import { defineRoute, type Route } from './route.js';
import { day, slug } from './schemas.js';

const amount = z.string();

const salesView = z
  .object({
    day: z.iso.date(),
    channel: z.string(),
    currency: z.string(),
    orders: z.int(),
    units: z.int(),
    gross: amount.meta({ description: 'Goods, charges and vouchers, before discount and tax.' }),
    discount: amount,
    tax: amount,
    net: amount.meta({ description: 'What customers were to pay.' }),
    allowances: amount.meta({
      description: 'Given back so far beyond what came back; not taken off `net`.',
    }),
  })
  .meta({ id: 'SalesDay' });

export const reportRoutes = ({ db }: ApiParts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/reports/sales',
    tag: 'reports',
    summary: 'Sales by day and channel, as they were placed',
    description: `Days are those of the channel's time zone. At most ${SALES_MAX_ROWS} rows: narrow the days down for more.`,
    access: ['channel', 'finance', 'reader'],
    query: z.strictObject({ channel: slug.optional(), from: day.optional(), to: day.optional() }),
    awaitable: true,
    responses: { 200: { description: 'By day.', schema: z.object({ items: z.array(salesView) }) } },
    handle: async ({ query, caller }) => {
      const channel = caller.channel ?? query.channel;
      const foreign = query.channel !== undefined && !seesChannel(caller, query.channel);
      return { status: 200, body: { items: foreign ? [] : await salesByDay(db, { ...query, channel }) } };
    },
  }),
];
