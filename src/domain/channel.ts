import { z } from 'zod';
import { type ChannelRates, channelRates, type RateTable, reviseRates } from './channel-rates.js';
import { type Decider, type Decision, type DomainEvent, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { CONFIRM_POLICIES, HANDOVERS, SHORTAGE_POLICIES } from './order-events.js';
import {
  type ReviewPolicy,
  type RuleText,
  reviewPolicy,
  revisePolicy,
  ruleWithoutAmount,
} from './review-rules.js';
import { currency, recordedId, STORABLE_TEXT } from './schemas.js';

/** How a channel sells. A word for people and reports: what it means for an order is in the policies beside it. */
export const CHANNEL_KINDS = [
  'web',
  'store',
  'guided',
  'marketplace',
  'wholesale',
  'distribution',
  'staff',
] as const;

export const REFUND_POLICIES = ['manual', 'automatic'] as const;

/** Parts of the world that the IANA database names places of. */
const PLACE = /^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)\//;

/**
 * A zone that this runtime and PostgreSQL both know, and take for the same: a place, or UTC. The runtime also takes offsets, whose sign
 * PostgreSQL reads the other way round, and abbreviations, which PostgreSQL lacks (AET) or has for another zone (IST, BST). The list
 * that the runtime gives of its zones would not do: of a place it has one name, and not always that of today (`Asia/Calcutta`).
 */
const isTimeZone = (zone: string): boolean => {
  if (zone === 'UTC') return true;
  try {
    return PLACE.test(zone) && Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
};

/** A channel: where orders come from, and by which settings they are taken. */
const settings = z.object({
  name: z.string().min(1).max(200).regex(STORABLE_TEXT),
  /** IANA name; days and months of the channel's ledger and reports are in it. */
  timeZone: z.string().refine(isTimeZone, 'an IANA time zone: a place, or UTC'),
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
  kind: z.enum(CHANNEL_KINDS).optional(),
  /** All or nothing when absent. An order may bring its own. */
  shortage: z.enum(SHORTAGE_POLICIES).optional(),
  /** Later when absent. */
  handover: z.enum(HANDOVERS).optional(),
  /** Whether what is due to customers is asked back of our providers by itself, or by a person (when absent). */
  refunds: z.enum(REFUND_POLICIES).optional(),
});

/** Settings that a channel may go without, as one text for those who only keep them. */
export const policiesText = ({ kind, shortage, handover, refunds }: ChannelSettings): string | undefined => {
  const text = JSON.stringify({ kind, shortage, handover, refunds });
  return text === '{}' ? undefined : text;
};
/** The inverse of {@link policiesText}. */
export const policiesIn = (
  text: string,
): Pick<ChannelSettings, 'kind' | 'shortage' | 'handover' | 'refunds'> =>
  settings.pick({ kind: true, shortage: true, handover: true, refunds: true }).parse(JSON.parse(text));

export const channelSettings = settings;
export type ChannelSettings = z.infer<typeof settings>;
/** All that is set of a channel: every event says the whole. */
export type Channel = ChannelSettings & {
  readonly review?: ReviewPolicy | undefined;
  readonly rates?: ChannelRates | undefined;
};
export type ChannelEvent = DomainEvent<'ChannelConfigured', Channel>;
export type ChannelCommand =
  /** Leaves the rules for reviews as they are. */
  | { readonly type: 'configure'; readonly settings: ChannelSettings }
  /** Replaces the rules that put reviews on the orders of the channel; none when there are none. */
  | { readonly type: 'set-review-rules'; readonly keepSeconds: number; readonly rules: readonly RuleText[] }
  /** Replaces the currency that the channel is settled in, and its rates. Rejections: `duplicate_rate`, `invalid_rate`. */
  | { readonly type: 'set-rates'; readonly table: RateTable };
export type ChannelState = Channel | null;

export const channelEvents = [
  defineEvent({
    type: 'ChannelConfigured',
    version: 1,
    schema: settings.extend({
      timeZone: z.string(),
      review: reviewPolicy.optional(),
      rates: channelRates.optional(),
    }),
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

const decideRates = (
  { table }: ChannelCommand & { type: 'set-rates' },
  state: ChannelState,
): Decision<ChannelEvent> => {
  if (state === null) return reject('unknown_channel', 'set up the channel first');
  const rates = reviseRates(state.rates, table);
  if ('code' in rates) return rates;
  return rates === state.rates ? [] : [configured({ ...state, rates })];
};

export const channel: Decider<ChannelCommand, ChannelEvent, ChannelState> = {
  category: 'channel',
  stateVersion: 2,
  initialState: null,
  decide(command, state) {
    if (command.type === 'set-review-rules') return decideRules(command, state);
    if (command.type === 'set-rates') return decideRates(command, state);
    const wanted = settings.parse(command.settings);
    if (state === null) return [configured(wanted)];
    const { review, rates, ...present } = state;
    if (JSON.stringify(wanted) === JSON.stringify(present)) return [];
    const others = {
      ...(review === undefined ? {} : { review }),
      ...(rates === undefined ? {} : { rates }),
    };
    return [configured({ ...wanted, ...others })];
  },
  evolve: (_, event) => event.data,
};
