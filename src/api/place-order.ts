import { z } from 'zod';
import type { ChannelSettings } from '../domain/channel.js';
import { channel } from '../domain/channel.js';
import { exponentOf, formatAmount, lineAmount, parseAmount } from '../domain/money.js';
import { LINES_MAX, order, type PlaceOrder } from '../domain/order.js';
import { LINE_KINDS } from '../domain/order-events.js';
import { orderIdOf } from '../domain/stream-id.js';
import type { OrderAnswer } from '../processes/order-process.js';
import { decided, requireChannel } from './answers.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import { orderView, viewOfState } from './order-view.js';
import type { ApiLimits, ApiParts } from './parts.js';
import { Problem, problemOf } from './problems.js';
import { type Answer, defineRoute, type Route } from './route.js';
import { currency, id, instant, money, quantity, slug, text, unitPrice } from './schemas.js';

const COUPONS_MAX = 20;
const EXPIRES_MAX_SECONDS = 60 * 60 * 24 * 90;
/** What an order may come to, in whole units of its currency. */
const ORDER_TOTAL_MAX = 10n ** 12n;
/** After the deadline of an order: how long to look whether it was recorded at all. */
const LOOK_MS = 500;

const line = z.strictObject({
  lineId: id.optional().meta({ description: '"1", "2", ... in order when absent.' }),
  kind: z.enum(LINE_KINDS).default('goods'),
  sku: id,
  account: id
    .optional()
    .meta({ description: 'Of a charge or voucher: its account in the ledger; the SKU when absent.' }),
  quantity,
  unitPrice,
  tax: money.optional().meta({ description: 'Of the whole line; zero when absent.' }),
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
    })
    .optional(),
  lines: z.array(line).min(1).max(LINES_MAX),
  coupons: z.array(slug).max(COUPONS_MAX).default([]),
  policy: z
    .strictObject({
      confirm: z.enum(['auto', 'explicit']).optional(),
      expiresInSeconds: z.int().min(1).max(EXPIRES_MAX_SECONDS).optional(),
    })
    .optional()
    .meta({ description: "What is absent comes from the channel's settings." }),
});

type Body = z.output<typeof body>;

const requireSensibleTotal = ({ lines, currency: of }: Body): void => {
  const limit = ORDER_TOTAL_MAX * 10n ** BigInt(exponentOf(of) ?? 0);
  let total = 0n;
  for (const { unitPrice: price, quantity: units, tax } of lines) {
    total += (lineAmount(price, units, of) ?? 0n) + (parseAmount(tax ?? '0', of) ?? 0n);
  }
  if (total > limit) {
    throw new Problem('amount_too_large', `an order comes to at most ${ORDER_TOTAL_MAX} ${of}`);
  }
};

const commandOf = (sent: Body, settings: ChannelSettings, now: Date): PlaceOrder => {
  const confirm = sent.policy?.confirm ?? settings.confirm;
  const seconds = sent.policy?.expiresInSeconds ?? settings.expiresInSeconds;
  const waits = confirm === 'explicit' && seconds !== undefined;
  const { policy: _, placedAt, lines, ...rest } = sent;
  return {
    type: 'place',
    ...rest,
    placedAt: placedAt ?? now.toISOString(),
    lines: lines.map((each, index) => ({
      ...each,
      lineId: each.lineId ?? String(index + 1),
      tax: each.tax ?? formatAmount(0n, sent.currency),
    })),
    confirm,
    // The holds begin now, however late the order came to us.
    ...(waits ? { expiresAt: new Date(now.getTime() + seconds * 1_000).toISOString() } : {}),
    sources: settings.sources,
    // Of what was sent, not of what settings and clock added: the same order tomorrow is still the same order.
    contentHash: sha256(canonicalJson(sent)),
  };
};

const after = <Result>(ms: number, result: Result): { readonly promise: Promise<Result>; cancel(): void } => {
  let cancel = (): void => {};
  const promise = new Promise<Result>((resolve) => {
    const timer = setTimeout(() => resolve(result), ms);
    cancel = () => clearTimeout(timer);
  });
  return { promise, cancel };
};

export const placeOrderRoute = ({ bus, orders, log }: ApiParts, { orderWaitMs }: ApiLimits): Route => {
  /** Undefined when there is no outcome in time; the order goes on all the same. */
  const inTime = async (
    outcome: Promise<OrderAnswer>,
    requestId: string,
  ): Promise<OrderAnswer | undefined> => {
    const deadline = after(orderWaitMs, undefined);
    let late = false;
    outcome.catch((error: unknown) => {
      if (late) log.error({ requestId, err: problemOf(error).extras.cause }, 'an order failed after its 202');
    });
    const first = await Promise.race([outcome, deadline.promise]).finally(() => deadline.cancel());
    late = true;
    return first;
  };

  /** 202 promises that the order is recorded, so look first. */
  const accepted = async (orderId: string): Promise<Answer> => {
    const limit = after(LOOK_MS, undefined);
    const known = await Promise.race([
      bus.load(order, orderId, { maxAgeMs: orderWaitMs }),
      limit.promise,
    ]).finally(() => limit.cancel());
    const view = known === undefined ? undefined : viewOfState(orderId, known.state);
    if (known === undefined || view === undefined) {
      throw new Problem('outcome_unknown', 'send the same order again');
    }
    return {
      status: 202,
      body: view,
      position: known.position,
      headers: { Location: `/v1/orders/${encodeURIComponent(orderId)}`, 'Retry-After': '1' },
    };
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
      'invalid_amount',
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
      requireSensibleTotal(sent);
      const orderId = orderIdOf(sent.channel, sent.externalId);
      // The content hash makes a repeat known, also without the key and after the key is forgotten.
      const { requestHash: _, ...context } = call.context({
        effectiveAt: sent.placedAt,
        channel: sent.channel,
      });
      const outcome = orders.execute(orderId, commandOf(sent, settings, now), context);
      const answer = await inTime(outcome, requestId);
      return answer === undefined
        ? accepted(orderId)
        : decided(answer, viewOfState(orderId, answer.state), {
            Location: `/v1/orders/${encodeURIComponent(orderId)}`,
          });
    },
  });
};
