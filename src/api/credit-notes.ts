import { z } from 'zod';
import { channel } from '../domain/channel.js';
import { location } from '../domain/location.js';
import { parseAmount } from '../domain/money.js';
import { LINE_KINDS } from '../domain/order-events.js';
import { decided, requireChannel } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { currency, effectiveAt, id, money, quantity, slug, text } from './schemas.js';

const body = z.strictObject({
  channel: slug,
  lineId: id.meta({ description: 'Once per note.' }),
  kind: z.enum(LINE_KINDS).default('goods'),
  sku: id,
  account: id.optional(),
  quantity,
  currency,
  amount: money.meta({ description: 'Credited for the whole line.' }),
  customerId: id.optional(),
  location: slug.optional().meta({ description: 'Goods that can be sold again go there.' }),
  reason: text,
  effectiveAt,
});

const { effectiveAt: _, ...recorded } = body.shape;
const view = z.object({ note: z.string(), ...recorded }).meta({ id: 'CreditNoteLine' });

export const creditNoteRoutes = ({ bus, returns }: ApiParts): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/credit-notes/{note}/lines',
    tag: 'credit notes',
    summary: 'Credits what names no order: goods that came back without one, charges taken back',
    description: 'What comes back of a known order is a return of that order, with the number of its note.',
    access: ['channel', 'finance'],
    params: z.strictObject({ note: id }),
    body,
    idempotent: true,
    responses: {
      200: { description: 'It was recorded before.', schema: view },
      201: { description: 'Recorded.', schema: view },
    },
    problems: [
      'forbidden_channel',
      'unknown_channel',
      'location_not_set_up',
      'invalid_amount',
      'id_reused',
      'effective_in_future',
    ],
    handle: async (call) => {
      const { effectiveAt: at, ...line } = call.body;
      requireChannel(call.caller, line.channel);
      const { state } = await bus.load(channel, line.channel, { maxAgeMs: SETTINGS_AGE_MAX_MS });
      if (state === null) throw new Problem('unknown_channel', `there is no channel ${line.channel}`);
      if (parseAmount(line.amount, line.currency) === undefined) {
        throw new Problem('invalid_amount', `${line.amount} is not an amount of ${line.currency}`);
      }
      if (line.location !== undefined) {
        const to = await bus.load(location, line.location, { maxAgeMs: SETTINGS_AGE_MAX_MS });
        if (to.state === null) {
          throw new Problem('location_not_set_up', `there is no location ${line.location}`);
        }
      }
      const full = { note: call.params.note, ...line };
      const context = call.context({ effectiveAt: at, channel: line.channel });
      return decided(await returns.record(full, context), full);
    },
  }),
];
