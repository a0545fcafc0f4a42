import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Channel, channel } from '../domain/channel.js';
import type { Rejection } from '../domain/decider.js';
import { LINES_MAX, order, type PlaceOrder } from '../domain/order.js';
import { CONFIRM_POLICIES, LINE_KINDS, priority, SHORTAGE_POLICIES } from '../domain/order-events.js';
import { orderIdOf } from '../domain/stream-id.js';
import type { OrderAnswer } from '../processes/order-process.js';
import { wasEverConfirmed } from '../projections/order-pages.js';
import type { Queryable } from '../runtime/database.js';
import { decided, requireChannel } from './answers.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { lineTaxes, settlement, settlementFor, taxOf } from './cross-border.js';
import { orderView, viewOfState } from './order-view.js';
import type { ApiLimits, ApiParts } from './parts.js';
import { Problem, rejected } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { currency, day, id, instant, money, quantity, slug, text, unitPrice } from './schemas.js';

const COUPONS_MAX = 20;
const EXPIRES_MAX_SECONDS = 60 * 60 * 24 * 90;
/** How long an order that nobody pays keeps its stock where nothing else is said. */
export const PAYMENT_EXPIRES_SECONDS = 60 * 60;
/** After the deadline of an order: how long to look whether it was recorded at all, and how often. */
const LOOK_MS = 500;
const LOOK_PAUSE_MS = 20;

const line = z.strictObject({
  lineId: id.optional().meta({ description: '"1", "2", ... in order when absent.' }),
  kind: z.enum(LINE_KINDS).default('goods'),
  sku: id,
  account: id
    .optional()
    .meta({ description: 'Of a charge or voucher: its account in the ledger; the SKU when absent.' }),
  quantity,
  unitPrice,
  tax: money
    .optional()
    .meta({ description: 'Of the whole line; when absent what `taxes` come to, or zero.' }),
  taxes: lineTaxes.optional(),
});

const body = z.strictObject({
  channel: slug,
  externalId: id.meta({ description: "The channel's own id of the order.", example: '1001' }),
  placedAt: instant.optional().meta({ description: 'When the customer placed it; now when absent.' }),
  currency,
  customerId: id.optional().meta({ description: 'An id, never a name or an address.' }),
  destination: z
    .strictObject({
      country: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code'),
      region: text.max(100).optional(),
      postalCode: text.max(20).optional(),
      deliveryAddressId: id.optional().meta({
        description: 'Of an address of the customer in the vault (`/v1/people`): an id, no address.',
      }),
    })
    .optional(),
  guest: z
    .boolean()
    .optional()
    .meta({ description: 'A customer without an account; true when there is no `customerId`.' }),
  gift: z.boolean().optional(),
  requestedDelivery: z
    .strictObject({ from: day.optional(), to: day.optional() })
    .refine(
      ({ from, to }) => from === undefined || to === undefined || from <= to,
      '`from` is not after `to`',
    )
    .optional()
    .meta({ description: 'Days the customer asked for.' }),
  priority: priority
    .strict()
    .optional()
    .meta({ description: 'Who is served first when stock is scarce, and why: 0 before 9; 5 when absent.' }),
  assistedBy: id.optional().meta({ description: 'Who advised the customer or entered the order: an id.' }),
  settlement: settlement.optional(),
  lines: z.array(line).min(1).max(LINES_MAX),
  coupons: z.array(slug).max(COUPONS_MAX).default([]),
  policy: z
    .strictObject({
      confirm: z.enum(CONFIRM_POLICIES).optional(),
      expiresInSeconds: z.int().min(1).max(EXPIRES_MAX_SECONDS).optional(),
      shortage: z.enum(SHORTAGE_POLICIES).optional(),
    })
    .optional()
    .meta({ description: "What is absent comes from the channel's settings." }),
});

type Body = z.output<typeof body>;

const commandOf = (
  sent: Body,
  settings: Channel,
  now: Date,
  facts: Pick<PlaceOrder, 'review' | 'settlement'>,
): PlaceOrder => {
  const confirm = sent.policy?.confirm ?? settings.confirm;
  const seconds =
    sent.policy?.expiresInSeconds ??
    settings.expiresInSeconds ??
    (confirm === 'payment' ? PAYMENT_EXPIRES_SECONDS : undefined);
  const shortage = sent.policy?.shortage ?? settings.shortage;
  const waits = confirm !== 'auto' && seconds !== undefined;
  const { policy: _, placedAt, lines, ...rest } = sent;
  return {
    type: 'place',
    ...rest,
    placedAt: placedAt ?? now.toISOString(),
    lines: lines.map((each, index) => {
      const { lineId = String(index + 1), tax: __, ...line } = each;
      return { lineId, tax: taxOf(each, sent.currency), ...line };
    }),
    confirm,
    // The holds begin now, however late the order came to us.
    ...(waits ? { expiresAt: new Date(now.getTime() + seconds * 1_000).toISOString() } : {}),
    sources: settings.sources,
    ...(shortage === undefined ? {} : { shortage }),
    ...(settings.handover === undefined ? {} : { handover: settings.handover }),
    ...facts,
    // Of what was sent, not of what settings and clock added: the same order tomorrow is still the same order.
    contentHash: sha256(canonicalJson(sent)),
  };
};

/** For orders that come otherwise than by this route. */
export { body as orderBody, commandOf as placeCommandOf };

const after = <Result>(ms: number, result: Result): { readonly promise: Promise<Result>; cancel(): void } => {
  let cancel = (): void => {};
  const promise = new Promise<Result>((resolve) => {
    const timer = setTimeout(() => resolve(result), ms);
    cancel = () => clearTimeout(timer);
  });
  return { promise, cancel };
};

type Parts = Pick<ApiParts, 'bus' | 'orders' | 'log'> & { readonly db: Queryable };

export const placeOrderRoute = (
  { bus, db, orders, log }: Parts,
  { orderWaitMs }: Pick<ApiLimits, 'orderWaitMs'>,
): Route => {
  /** The channel's rules for reviews with what they need to know. Nothing, and nothing is asked, for a channel without any. */
  const reviewOf = async (
    { customerId }: Body,
    { review: policy }: Channel,
    now: Date,
  ): Promise<Pick<PlaceOrder, 'review'>> => {
    if (policy === undefined || policy.rules.length === 0) return {};
    const { keepSeconds, rules } = policy;
    const keepUntil = new Date(now.getTime() + keepSeconds * 1_000).toISOString();
    const asks = customerId !== undefined && rules.some(({ when }) => when.kind === 'first-order');
    if (!asks) return { review: { rules, keepUntil } };
    try {
      return { review: { rules, keepUntil, knownCustomer: await wasEverConfirmed(db, customerId) } };
    } catch (err) {
      // No order waits for PostgreSQL. Somebody nobody knows of is reviewed.
      log.warn({ err }, 'cannot tell whether a customer is known');
      return { review: { rules, keepUntil } };
    }
  };

  /** An order that was placed has its rate, whatever the channel has now: only a new one is refused. */
  const unsettled = async (orderId: string, missing: Rejection): Promise<Record<string, never>> => {
    if ((await bus.load(order, orderId)).state.placed === undefined) throw rejected(missing);
    return {};
  };

  /** The order as far as it is recorded; undefined when it is not. */
  const look = async (orderId: string, until: AbortSignal) => {
    while (!until.aborted) {
      const { state, position } = await bus.load(order, orderId, { maxAgeMs: LOOK_MS });
      if (state.placed !== undefined) return { state, position };
      await sleep(LOOK_PAUSE_MS);
    }
    return undefined;
  };

  /** The outcome if it comes in time, else the order as it is recorded: 202 promises that it is. */
  const wait = async (
    orderId: string,
    outcome: Promise<OrderAnswer>,
    requestId: string,
  ): Promise<OrderAnswer | Awaited<ReturnType<typeof look>>> => {
    let late = false;
    outcome.catch((error: unknown) => {
      if (late) log.error({ requestId, orderId, err: error }, 'an order failed after its answer');
    });
    const deadline = after(orderWaitMs, undefined);
    const inTime = await Promise.race([outcome, deadline.promise]).finally(() => deadline.cancel());
    if (inTime !== undefined) return inTime;
    const limit = after(LOOK_MS, undefined);
    const looked = look(orderId, AbortSignal.timeout(LOOK_MS));
    const recorded = await Promise.race([outcome, looked, limit.promise]).finally(() => limit.cancel());
    late = true;
    return recorded;
  };

  return defineRoute({
    method: 'post',
    path: '/v1/orders',
    tag: 'orders',
    summary: 'Places an order and waits for its outcome',
    description:
      'The outcome is in `status`: `confirmed`, `reserved` (waits for confirmation) or `rejected` with the reason. The same ' +
      'order sent again is the same order: 200 instead of 201. Other content under its id is `order_exists`.',
    access: ['channel'],
    body,
    idempotent: true,
    responses: {
      200: { description: 'The same order was sent before.', schema: orderView },
      201: { description: 'Recorded, with its outcome.', schema: orderView },
      202: { description: 'Recorded; the outcome is still to come.', schema: orderView },
    },
    problems: [
      'forbidden_channel',
      'unknown_channel',
      'currency_not_accepted',
      'order_exists',
      'duplicate_line',
      'duplicate_coupon',
      'coupons_not_accepted',
      'invalid_amount',
      'tax_mismatch',
      'invalid_rate',
      'rate_missing',
      'amount_too_large',
      'append_too_large',
      'effective_in_future',
      'outcome_unknown',
    ],
    handle: async (call) => {
      const { body: sent, caller, requestId, now } = call;
      requireChannel(caller, sent.channel);
      const { state: settings } = await bus.load(channel, sent.channel, { maxAgeMs: SETTINGS_AGE_MAX_MS });
      if (settings === null) throw new Problem('unknown_channel', `there is no channel ${sent.channel}`);
      if (!settings.currencies.includes(sent.currency)) {
        throw new Problem('currency_not_accepted', `${sent.channel} takes ${settings.currencies.join(', ')}`);
      }
      const orderId = orderIdOf(sent.channel, sent.externalId);
      // The content hash makes a repeat known, also without the key and after the key is forgotten.
      const { requestHash: _, ...context } = call.context({
        effectiveAt: sent.placedAt,
        channel: sent.channel,
      });
      const rate = settlementFor(sent, settings);
      const command = commandOf(sent, settings, now, {
        ...(await reviewOf(sent, settings, now)),
        ...('code' in rate ? await unsettled(orderId, rate) : rate),
      });
      const outcome = orders.execute(orderId, command, context);
      const headers = { Location: `/v1/orders/${encodeURIComponent(orderId)}` };
      const answer = await wait(orderId, outcome, requestId);
      if (answer === undefined) throw new Problem('outcome_unknown', 'send the same order again');
      if ('status' in answer) return decided(answer, viewOfState(orderId, answer.state, caller), headers);
      const { state, position } = answer;
      const view = viewOfState(orderId, state, caller);
      return { status: 202, body: view, position, headers: { ...headers, 'Retry-After': '1' } };
    },
  });
};
