import { z } from 'zod';
import { channel } from '../domain/channel.js';
import { type ChannelRates, RATES_MAX } from '../domain/channel-rates.js';
import { rateText } from '../domain/settlement-rate.js';
import { decided, seesChannel } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { currency, instant, slug, text } from './schemas.js';

const rate = z.strictObject({
  from: currency.meta({ description: 'Currency of the order.' }),
  rate: rateText.meta({ description: 'Units of the settlement currency for one of it.', example: '1.1732' }),
  source: text.max(100).meta({ description: 'Who states the rate.' }),
  asOf: instant.meta({ description: 'Of when it is.' }),
});
const shape = {
  currency: currency.meta({ description: 'The channel is settled in it.' }),
  required: z.boolean().meta({
    description: 'Whether an order in another currency is refused where there is no rate for it.',
  }),
  rates: z.array(rate).max(RATES_MAX),
};
const view = z
  .object({ version: z.int().meta({ description: '0: no rates were ever set.' }), ...shape })
  .partial({ currency: true, required: true })
  .meta({ id: 'ChannelRates' });

const viewOf = (rates: ChannelRates | undefined): z.input<typeof view> => rates ?? { version: 0, rates: [] };

/** The currency that a channel is settled in, and at which rates. */
export const channelRateRoutes = ({ bus }: Pick<ApiParts, 'bus'>): Route[] => [
  defineRoute({
    method: 'put',
    path: '/v1/channels/{id}/rates',
    tag: 'channels',
    summary: 'Sets the currency that a channel is settled in, and its rates',
    description:
      'All of them at once. An order gets the rate that is set when it is placed, unless it brings one, and keeps it.',
    access: ['finance'],
    params: z.strictObject({ id: slug }),
    body: z.strictObject(shape),
    idempotent: true,
    responses: {
      200: { description: 'They were so already.', schema: view },
      201: { description: 'Written.', schema: view },
    },
    problems: ['unknown_channel', 'duplicate_rate', 'invalid_rate', 'append_too_large'],
    handle: async (call) => {
      const { id } = call.params;
      const context = call.context({ channel: id });
      const result = await bus.execute(channel, id, { type: 'set-rates', table: call.body }, context);
      return decided(result, viewOf(result.state?.rates));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/channels/{id}/rates',
    tag: 'channels',
    summary: 'The currency that a channel is settled in, and its rates',
    access: ['channel', 'finance', 'reader'],
    params: z.strictObject({ id: slug }),
    query: z.strictObject({}),
    responses: { 200: { description: 'As orders get them now.', schema: view } },
    problems: ['unknown_channel', 'event_store_unavailable'],
    handle: async ({ params: { id }, caller }) => {
      const unknown = new Problem('unknown_channel', `there is no channel ${id}`);
      if (!seesChannel(caller, id)) throw unknown;
      const { state } = await bus.load(channel, id, { maxAgeMs: SETTINGS_AGE_MAX_MS });
      if (state === null) throw unknown;
      return { status: 200, body: viewOf(state.rates) };
    },
  }),
];
