import { z } from 'zod';
import { order } from '../domain/order.js';
import type { OrderEvent } from '../domain/order-events.js';
import { PAGE_DEFAULT_ROWS } from '../projections/cursor.js';
import { sentenceOf } from '../projections/order-sentences.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { orderIdFor, unknownOrder } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { belongsTo, PAST_EVENTS_MAX, type PastQuery } from './past.js';
import { seesEvent } from './payment-access.js';
import { positionToken } from './position-token.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { page, pageQuery, pastQuery } from './schemas.js';

const entryView = z
  .object({
    revision: z.int(),
    position: z.string(),
    type: z.string().meta({ description: 'Of the event; its data are in `/events`.' }),
    text: z.string().meta({
      description: 'What happened, as one sentence.',
      example: '2 of 3 MUG shipped from main as shipment s1',
    }),
    effectiveAt: z.iso.datetime().meta({ description: 'When it happened in the world.' }),
    recordedAt: z.iso.datetime(),
    actor: z.string(),
  })
  .meta({ id: 'TimelineEntry' });

type Entry = z.input<typeof entryView>;

interface TimelinePage extends PastQuery {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

const entryOf = (
  { event, revision, position, recordedAt, metadata }: RecordedEvent,
  text: string,
): Entry => ({
  revision,
  position: positionToken(position),
  type: event.type,
  text,
  effectiveAt: metadata.effectiveAt,
  recordedAt: recordedAt.toISOString(),
  actor: metadata.actor,
});

/** One page of an order's life in words; undefined when nothing of it belongs to the past that is asked for. */
const timelineOf = async (
  history: AsyncIterable<RecordedEvent<OrderEvent>>,
  { cursor, limit = PAGE_DEFAULT_ROWS, ...past }: TimelinePage,
  shows: (recorded: RecordedEvent) => boolean,
): Promise<{ items: Entry[]; nextCursor: string | null } | undefined> => {
  if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) {
    throw new Problem('invalid_cursor', 'the cursor is not one of this list');
  }
  const from = Number(cursor ?? 0);
  const belongs = belongsTo(past);
  const items: Entry[] = [];
  let state = order.initialState;
  let read = 0;
  let known = false;
  for await (const recorded of history) {
    read += 1;
    if (read > PAST_EVENTS_MAX) {
      throw new Problem(
        'history_too_long',
        `more than ${PAST_EVENTS_MAX} events are not folded in a request`,
      );
    }
    if (!belongs(recorded)) continue;
    known = true;
    if (recorded.revision >= from && shows(recorded)) {
      if (items.length === limit) return { items, nextCursor: String(recorded.revision) };
      items.push(entryOf(recorded, sentenceOf(recorded.event, state)));
    }
    state = order.evolve(state, recorded.event);
  }
  return known ? { items, nextCursor: null } : undefined;
};

export const orderTimelineRoutes = ({ bus }: ApiParts): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/orders/{id}/timeline',
    tag: 'orders',
    summary: 'What happened to an order, in words',
    description:
      'In recorded order. `asOf` and `knownAt` as on the order: the entries that belong to that past. Without those of payments ' +
      'for a key that may not read them.',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    params: orderParams,
    query: z.strictObject({ ...pastQuery, ...pageQuery }),
    awaitable: true,
    responses: { 200: { description: 'A page.', schema: page(entryView) } },
    problems: ['unknown_order', 'invalid_cursor', 'history_too_long'],
    handle: async ({ params, query, caller }) => {
      const orderId = orderIdFor(params.id, caller);
      const found = await timelineOf(bus.history<OrderEvent>('order', orderId), query, seesEvent(caller));
      if (found === undefined) throw unknownOrder();
      return { status: 200, body: found };
    },
  }),
];
