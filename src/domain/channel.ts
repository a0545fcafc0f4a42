import { z } from 'zod';
import { type Decider, type Decision, type DomainEvent, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { CONFIRM_POLICIES } from './order-events.js';
import {
  type ReviewPolicy,
  type RuleText,
  reviewPolicy,
  revisePolicy,
  ruleWithoutAmount,
} from './review-rules.js';
import { currency, recordedId, STORABLE_TEXT } from './schemas.js';

export const REFUND_POLICIES = ['manual', 'automatic'] as const;

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
  confirm: z.enum(CONFIRM_POLICIES),
  /** How long an order that waits for confirmation keeps its holds. */
  expiresInSeconds: z
    .int()
    .min(1)
    .max(60 * 60 * 24 * 90)
    .optional(),
  /** Whether what is due to customers is asked back of our providers by itself, or by a person (when absent). */
  refunds: z.enum(REFUND_POLICIES).optional(),
});

export const channelSettings = settings;
export type ChannelSettings = z.infer<typeof settings>;
/** All that is set of a channel: every event says the whole. */
export type Channel = ChannelSettings & { readonly review?: ReviewPolicy | undefined };
export type ChannelEvent = DomainEvent<'ChannelConfigured', Channel>;
export type ChannelCommand =
  /** Leaves the rules for reviews as they are. */
  | { readonly type: 'configure'; readonly settings: ChannelSettings }
  /** Replaces the rules that put reviews on the orders of the channel; none when there are none. */
  | { readonly type: 'set-review-rules'; readonly keepSeconds: number; readonly rules: readonly RuleText[] };
export type ChannelState = Channel | null;

export const channelEvents = [
  defineEvent({
    type: 'ChannelConfigured',
    version: 1,
    schema: settings.extend({ timeZone: z.string(), review: reviewPolicy.optional() }),
  }),
];

const configured = (data: Channel): ChannelEvent => ({ type: 'ChannelConfigured', data });

const decideRules = (
  { keepSeconds, rules }: ChannelCommand & { type: 'set-review-rules' },
  state: ChannelState,
): Decision<ChannelEvent> => {
  if (state === null) return reject('unknown_channel', 'set up the channel first');
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    return reject('duplicate_rule', 'two rules have the same id');
  }
  const wrong = ruleWithoutAmount(rules);
  if (wrong !== undefined) {
    return reject('invalid_amount', `rule ${wrong.id}: the currency has no such amount`, {
      ruleId: wrong.id,
    });
  }
  const review = revisePolicy(state.review, keepSeconds, rules);
  return review === state.review ? [] : [configured({ ...state, review })];
};

export const channel: Decider<ChannelCommand, ChannelEvent, ChannelState> = {
  category: 'channel',
  stateVersion: 1,
  initialState: null,
  decide(command, state) {
    if (command.type === 'set-review-rules') return decideRules(command, state);
    const wanted = settings.parse(command.settings);
    if (state === null) return [configured(wanted)];
    const { review, ...present } = state;
    if (JSON.stringify(wanted) === JSON.stringify(present)) return [];
    return [configured(review === undefined ? wanted : { ...wanted, review })];
  },
  evolve: (_, event) => event.data,
};
