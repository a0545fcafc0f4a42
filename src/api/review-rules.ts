import { z } from 'zod';
import { channel } from '../domain/channel.js';
import { KEEP_SECONDS_MAX, type ReviewPolicy, RULES_MAX, ruleText } from '../domain/review-rules.js';
import { findChannel } from '../projections/channels.js';
import { decided, seesChannel } from './answers.js';
import type { ApiParts } from './parts.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { slug } from './schemas.js';

const keepSeconds = z.int().min(1).max(KEEP_SECONDS_MAX).meta({
  description: 'How long an order that a rule keeps from being confirmed holds its stock, at least.',
});

const view = z
  .object({
    version: z.int().meta({ description: '0: no rules were ever set.' }),
    keepSeconds: keepSeconds.optional(),
    rules: z.array(
      ruleText.extend({
        version: z.int().meta({ description: 'Version of the set that changed the rule last.' }),
      }),
    ),
  })
  .meta({ id: 'ReviewRules' });

const NONE: z.input<typeof view> = { version: 0, rules: [] };
const viewOf = (policy: ReviewPolicy | undefined): z.input<typeof view> => policy ?? NONE;

const unknown = (channelId: string): Problem =>
  new Problem('unknown_channel', `there is no channel ${channelId}`);

/** Rules that hold the orders of a channel for review. */
export const reviewRuleRoutes = ({ bus, db }: ApiParts): Route[] => [
  defineRoute({
    method: 'put',
    path: '/v1/channels/{id}/review-rules',
    tag: 'reviews',
    summary: 'Sets the rules that hold the orders of a channel for review',
    description:
      'All of them at once. They see an order as the channel sends it, before coupons, once: an order that is placed keeps ' +
      'its reviews when the rules change. A rule that is sent as it was keeps its version.',
    access: [],
    params: z.strictObject({ id: slug }),
    body: z.strictObject({ keepSeconds, rules: z.array(ruleText).max(RULES_MAX) }),
    idempotent: true,
    responses: {
      200: { description: 'They were so already.', schema: view },
      201: { description: 'Written.', schema: view },
    },
    problems: ['unknown_channel', 'duplicate_rule', 'invalid_amount', 'append_too_large'],
    handle: async (call) => {
      const { id } = call.params;
      const context = call.context({ channel: id });
      const result = await bus.execute(channel, id, { type: 'set-review-rules', ...call.body }, context);
      return decided(result, viewOf(result.state?.review));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/channels/{id}/review-rules',
    tag: 'reviews',
    summary: 'The rules that hold the orders of a channel for review',
    access: ['channel', 'warehouse', 'finance', 'reader'],
    params: z.strictObject({ id: slug }),
    query: z.strictObject({}),
    awaitable: true,
    responses: { 200: { description: 'As they are now.', schema: view } },
    problems: ['unknown_channel'],
    handle: async ({ params, caller }) => {
      const found = seesChannel(caller, params.id) ? await findChannel(db, params.id) : undefined;
      if (found === undefined) throw unknown(params.id);
      return { status: 200, body: viewOf(found.review) };
    },
  }),
];
