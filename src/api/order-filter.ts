import { z } from 'zod';
import { HOLD_TYPES, RESOLVER_ROLES } from '../domain/review.js';
import type { OrderFilter } from '../projections/order-filter.js';
import { questionOf, SEARCHED_TEXT_MAX } from '../projections/order-search.js';
import type { Caller } from './api-keys.js';
import { ORDER_STATUSES } from './order-view.js';
import { day, id, instant, slug } from './schemas.js';
import { seenChannel } from './seen-channel.js';

const moment = z.union([day, instant]);

/** Which orders, as a query says it: any of these together. */
export const orderFilter = {
  status: z.enum(ORDER_STATUSES).optional(),
  channel: id.optional(),
  externalId: id.optional(),
  customerId: id.optional(),
  sku: id.optional().meta({ description: 'Of a line of any kind.' }),
  location: slug.optional().meta({ description: 'Where goods of it are or were held.' }),
  holdType: z
    .enum([...HOLD_TYPES, 'any'])
    .optional()
    .meta({ description: 'With an open review of this type; `any` is any.' }),
  holdRole: z
    .enum(RESOLVER_ROLES)
    .optional()
    .meta({ description: 'With an open review that this role may resolve.' }),
  text: z
    .string()
    .max(SEARCHED_TEXT_MAX)
    .refine((text) => questionOf(text) !== undefined, 'at least one word')
    .optional()
    .meta({
      description:
        'Words, each of which begins a word of its ids, customer, coupons, SKUs, credit notes, or of why it was held or rejected.',
    }),
  placedFrom: moment.optional().meta({
    description: "Placed at or after; a day is one in the time zone of the order's channel.",
    example: '2026-11-22',
  }),
  placedTo: moment.optional().meta({
    description: 'Placed before; a day counts whole.',
    example: '2026-11-22T18:00:00Z',
  }),
  overdue: z
    .literal('true')
    .optional()
    .meta({ description: 'Waits for its confirmation though its deadline is over.' }),
};

type Query = z.output<z.ZodObject<typeof orderFilter>>;

const isDay = (text: string): boolean => text.length === 'YYYY-MM-DD'.length;
const bound = (text: string | undefined): Date | string | undefined =>
  text === undefined || isDay(text) ? text : new Date(text);

/** A range that ends before it begins is a mistake, as far as one can see it without a time zone. */
export const isRange = ({ placedFrom, placedTo }: Pick<Query, 'placedFrom' | 'placedTo'>): boolean => {
  if (placedFrom === undefined || placedTo === undefined) return true;
  if (isDay(placedFrom) !== isDay(placedTo)) return true;
  return Date.parse(placedFrom) <= Date.parse(placedTo);
};
export const RANGE = { path: ['placedTo'], error: 'before placedFrom' };

/** The filter as far as the caller may see; undefined when it names a channel that the caller may not. */
export const filterFor = (
  { overdue, placedFrom, placedTo, ...query }: Query,
  caller: Caller,
  now: Date,
): OrderFilter | undefined => {
  const seen = seenChannel(query.channel, caller);
  if (seen === undefined) return undefined;
  return {
    ...query,
    ...seen,
    placedFrom: bound(placedFrom),
    placedTo: bound(placedTo),
    overdueAt: overdue === undefined ? undefined : now,
  };
};
