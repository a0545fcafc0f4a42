import { z } from 'zod';
import { type ChannelSettings, channel, channelSettings } from '../domain/channel.js';
import { location } from '../domain/location.js';
import { type ChannelView, findChannel, listChannels } from '../projections/channels.js';
import { decided, seesChannel } from './answers.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { currency, slug, text } from './schemas.js';

const shape = channelSettings.shape;

const body = z.strictObject({
  name: text.max(200),
  timeZone: z.string().max(64).pipe(shape.timeZone).meta({
    description: "IANA name of a place, or UTC; the channel's days and months are in it.",
    example: 'Europe/London',
  }),
  currencies: z.array(currency).min(1).max(50),
  sources: z
    .array(slug)
    .min(1)
    .max(100)
    .refine((sources) => new Set(sources).size === sources.length, 'no location twice')
    .meta({ description: 'Locations that may deliver, best first.' }),
  confirm: shape.confirm.meta({
    description: 'What an order gets that brings no policy of its own. `payment`: confirmed once it is paid.',
  }),
  expiresInSeconds: shape.expiresInSeconds.meta({
    description: 'How long an order that waits for confirmation keeps its holds.',
  }),
  kind: shape.kind.meta({ description: 'How it sells: a word for people and reports.' }),
  shortage: shape.shortage.meta({
    description:
      'What becomes of units that no location can hold: `all-or-nothing` (the default) rejects the order, `ship-available` cancels ' +
      'them, `backorder` lets them wait for stock, `shortfall` does too, as work for somebody, because they are sold already.',
  }),
  handover: shape.handover.meta({
    description: '`at-once`: a till; the order is shipped in the moment it is confirmed.',
  }),
  refunds: shape.refunds.meta({
    description:
      'Whether what is due to customers is asked back of our providers by itself; `manual` when absent.',
  }),
});

const view = z.object({ id: z.string(), ...body.shape }).meta({ id: 'Channel' });
const viewOf = (channelId: string, settings: ChannelSettings) => ({ id: channelId, ...settings });

const viewOfRow = ({ channel: channelId, ...row }: ChannelView) => ({
  id: channelId,
  name: row.name,
  timeZone: row.timeZone,
  currencies: row.currencies,
  sources: row.sources,
  confirm: row.confirm,
  expiresInSeconds: row.expiresInSeconds,
  kind: row.kind,
  shortage: row.shortage,
  handover: row.handover,
  refunds: row.refunds,
});

/** Settings change rarely and are read with every order. */
export const SETTINGS_AGE_MAX_MS = 1_000;

export const channelRoutes = ({ bus, db }: ApiParts): Route[] => [
  defineRoute({
    method: 'put',
    path: '/v1/channels/{id}',
    tag: 'channels',
    summary: 'Sets up a channel, or changes it',
    access: [],
    params: z.strictObject({ id: slug }),
    body,
    idempotent: true,
    responses: {
      200: { description: 'It was so already.', schema: view },
      201: { description: 'Written.', schema: view },
    },
    problems: ['location_not_set_up'],
    handle: async (call) => {
      const { params, body: settings } = call;
      const sources = await Promise.all(
        settings.sources.map((source) => bus.load(location, source, { maxAgeMs: SETTINGS_AGE_MAX_MS })),
      );
      const missing = settings.sources.filter((_, index) => sources[index]?.state === null);
      if (missing.length > 0) {
        throw new Problem('location_not_set_up', 'set up the locations first', {
          details: { locations: missing },
        });
      }
      const context = call.context({ channel: params.id });
      const result = await bus.execute(channel, params.id, { type: 'configure', settings }, context);
      return decided(result, viewOf(params.id, settings));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/channels/{id}',
    tag: 'channels',
    summary: 'A channel',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    params: z.strictObject({ id: slug }),
    query: z.strictObject({}),
    awaitable: true,
    responses: { 200: { description: 'Its settings.', schema: view } },
    problems: ['unknown_channel'],
    handle: async ({ params, caller }) => {
      const found = seesChannel(caller, params.id) ? await findChannel(db, params.id) : undefined;
      if (found === undefined) throw new Problem('unknown_channel', `there is no channel ${params.id}`);
      return { status: 200, body: viewOfRow(found) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/channels',
    tag: 'channels',
    summary: 'All channels that the key may see',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    query: z.strictObject({}),
    awaitable: true,
    responses: { 200: { description: 'By id.', schema: z.object({ items: z.array(view) }) } },
    handle: async ({ caller }) => {
      const seen = (await listChannels(db)).filter((one) => seesChannel(caller, one.channel));
      return { status: 200, body: { items: seen.map(viewOfRow) } };
    },
  }),
];
