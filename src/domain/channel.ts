import { z } from 'zod';
import type { Decider, DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { currency, recordedId, STORABLE_TEXT } from './schemas.js';

/** A channel: where orders come from, and by which settings they are taken. */
const settings = z.object({
  name: z.string().min(1).max(200).regex(STORABLE_TEXT),
  /** IANA name; days and months of the channel's ledger and reports are in it. */
  timeZone: z.string().refine((zone) => {
    try {
      // Offsets such as +01:00 are no zones: newer runtimes take them, and PostgreSQL reads their sign the other way round.
      return /^[A-Za-z]/.test(zone) && Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
    } catch {
      return false;
    }
  }, 'an IANA time zone'),
  currencies: z.array(currency).min(1).max(50),
  /** Locations that may deliver, best first. */
  sources: z.array(recordedId).min(1).max(100),
  /** What an order gets that brings no policy of its own. */
  confirm: z.enum(['auto', 'explicit']),
  /** How long an order that waits for confirmation keeps its holds. */
  expiresInSeconds: z
    .int()
    .min(1)
    .max(60 * 60 * 24 * 90)
    .optional(),
});

export const channelSettings = settings;
export type ChannelSettings = z.infer<typeof settings>;
export type ChannelEvent = DomainEvent<'ChannelConfigured', ChannelSettings>;
export type ChannelCommand = { readonly type: 'configure'; readonly settings: ChannelSettings };
export type ChannelState = ChannelSettings | null;

export const channelEvents = [
  defineEvent({
    type: 'ChannelConfigured',
    version: 1,
    schema: settings.extend({ timeZone: z.string() }),
  }),
];

export const channel: Decider<ChannelCommand, ChannelEvent, ChannelState> = {
  category: 'channel',
  stateVersion: 1,
  initialState: null,
  decide: ({ settings: wanted }, state) =>
    JSON.stringify(settings.parse(wanted)) === JSON.stringify(state)
      ? []
      : [{ type: 'ChannelConfigured', data: settings.parse(wanted) }],
  evolve: (_, event) => event.data,
};
