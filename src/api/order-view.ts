import { z } from 'zod';
import { formatAmount } from '../domain/money.js';
import { sourcesOf } from '../domain/order.js';
import { shortUnits } from '../domain/order-allocations.js';
import {
  CONFIRM_POLICIES,
  type Destination,
  HANDOVERS,
  LINE_KINDS,
  PRIORITY_DEFAULT,
  SHORTAGE_POLICIES,
} from '../domain/order-events.js';
import { isEnded, isGuest, type OrderLine, type OrderState, requestedDays } from '../domain/order-state.js';
import { orderIdOf, splitId } from '../domain/stream-id.js';
import { taxPart } from '../domain/tax.js';
import type { OrderView as OrderRow } from '../projections/order-pages.js';
import type { OrderSummary } from '../projections/order-summary.js';
import { seesChannel } from './answers.js';
import type { Caller } from './api-keys.js';
import { seesPayments } from './payment-access.js';
import { balanceView, paymentsPageOf, paymentView, viewOfBalance, viewOfPayment } from './payment-view.js';
import { Problem } from './problems.js';
import { reviewsOfState, reviewView, viewOfReview } from './review-view.js';
import { splitsOfState, splitView, viewOfSplit } from './split-view.js';

export const ORDER_STATUSES = [
  'placed',
  'reserved',
  'confirmed',
  'completed',
  'cancelled',
  'rejected',
  'expired',
] as const;

const amount = z.string().meta({ description: "Decimal string of the order's currency.", example: '12.34' });
const units = z.int();

const lineView = z
  .object({
    lineId: z.string(),
    kind: z.enum(LINE_KINDS),
    sku: z.string(),
    account: z.string().optional(),
    location: z.string().optional().meta({
      description:
        'Where its stock is held or was; the first of several places: the allocations of the order have all.',
    }),
    quantity: units,
    unitPrice: z.string(),
    amount,
    discount: amount,
    tax: amount,
    taxes: z.array(taxPart).optional(),
    shipped: units,
    cancelled: units,
    returned: units,
  })
  .meta({ id: 'OrderLine', description: 'Amounts are of the whole line as placed.' });

const summaryShape = {
  id: z.string().meta({ description: 'Channel and external id, as in the path.', example: 'web~1001' }),
  channel: z.string(),
  externalId: z.string(),
  status: z.enum(ORDER_STATUSES),
  placedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  currency: z.string(),
  customerId: z.string().optional(),
  destination: z
    .object({ country: z.string(), region: z.string().optional(), postalCode: z.string().optional() })
    .optional(),
  confirm: z.enum(CONFIRM_POLICIES),
  coupons: z.array(z.string()),
  shortage: z.enum(SHORTAGE_POLICIES).meta({ description: 'What becomes of units that nothing can hold.' }),
  handover: z.enum(HANDOVERS),
  priority: z.object({
    level: z.int().meta({ description: '0 is first served when stock is scarce.' }),
    reason: z.string().optional(),
  }),
  requestedDelivery: z.object({ from: z.iso.date().optional(), to: z.iso.date().optional() }).optional(),
  guest: z.boolean(),
  gift: z.boolean(),
  assistedBy: z.string().optional(),
  version: z.int().meta({ description: '1 as placed; one more with every change that was confirmed.' }),
  totals: z.object({
    goods: amount,
    charges: amount,
    vouchers: amount,
    discount: amount,
    tax: amount,
    total: amount,
  }),
  units: z.object({ ordered: units, shipped: units, cancelled: units, returned: units }),
  rejection: z
    .object({ code: z.string(), detail: z.string(), sku: z.string().optional() })
    .optional()
    .meta({ description: 'Why it was rejected: `insufficient_stock`, `coupon_expired`, ...' }),
};

export const orderSummary = z.object(summaryShape).meta({ id: 'OrderSummary' });
export const orderView = z
  .object({
    ...summaryShape,
    lines: z.array(lineView),
    short: z
      .array(z.object({ sku: z.string(), quantity: units }))
      .meta({ description: 'Units that nothing holds: they wait for stock.' }),
    reviews: z.array(reviewView),
    splits: z.array(splitView),
    payments: z
      .array(paymentView)
      .optional()
      .meta({ description: 'Absent for a key that may not read payments, as is the balance.' }),
    balance: balanceView
      .optional()
      .meta({ description: 'Of an order that somebody began to pay, or that waits for it.' }),
  })
  .meta({ id: 'Order' });

type Lines = readonly OrderLine[];
const sumOf = (lines: Lines, of: (line: OrderLine) => bigint): bigint =>
  lines.reduce((sum, line) => sum + of(line), 0n);
const countOf = (lines: Lines, of: (line: OrderLine) => number): number =>
  lines.reduce((sum, line) => sum + of(line), 0);

/** One spelling of a time, wherever it was read. */
const iso = (time: string): string => new Date(time).toISOString();

const shortOf = (state: OrderState): { sku: string; quantity: number }[] =>
  [...shortUnits(state)]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .sort((a, b) => (a.sku < b.sku ? -1 : 1));

/** As the read model has it: the id of the address is for `/delivery-address`. */
const destinationOf = (destination: Destination | undefined) => {
  if (destination === undefined) return undefined;
  const { country, region, postalCode } = destination;
  return { country, region, postalCode };
};

type Reader = Pick<Caller, 'role'>;
type Money = Pick<z.input<typeof orderView>, 'payments' | 'balance'>;

/** Most orders are never paid here, and being placed must cost them nothing. */
const moneyOfState = (state: OrderState, reader: Reader): Money => {
  if (!seesPayments(reader)) return {};
  if (state.payments.size === 0 && state.placed?.confirm !== 'payment') return { payments: [] };
  const { payments = [], balance } = paymentsPageOf(state) ?? {};
  return {
    payments: payments.map(({ captures: _, refunds: __, chargebacks: ___, ...payment }) => payment),
    balance,
  };
};

/** An order from the state of its stream, as the reader may see it; undefined when it was never placed. */
export const viewOfState = (
  id: string,
  state: OrderState,
  reader: Reader,
): z.input<typeof orderView> | undefined => {
  const { placed, status } = state;
  if (placed === undefined || status === 'none') return undefined;
  const money = (minor: bigint): string => formatAmount(minor, placed.currency);
  const sourceOf = sourcesOf(state);
  const lines = [...state.lines.values()];
  const ofKind = (kind: OrderLine['kind']): bigint =>
    sumOf(lines, (line) => (line.kind === kind ? line.amount : 0n));
  return {
    id,
    channel: placed.channel,
    externalId: placed.externalId,
    status,
    placedAt: iso(placed.placedAt),
    expiresAt: state.expiresAt === undefined ? undefined : iso(state.expiresAt),
    currency: placed.currency,
    customerId: placed.customerId,
    destination: destinationOf(placed.destination),
    confirm: placed.confirm,
    coupons: placed.coupons,
    shortage: placed.shortage ?? 'all-or-nothing',
    handover: placed.handover ?? 'later',
    priority: placed.priority ?? { level: PRIORITY_DEFAULT },
    requestedDelivery: requestedDays(placed),
    guest: isGuest(placed),
    gift: placed.gift === true,
    assistedBy: placed.assistedBy,
    version: state.version,
    totals: {
      goods: money(ofKind('goods')),
      charges: money(ofKind('charge')),
      vouchers: money(ofKind('voucher')),
      discount: money(sumOf(lines, (line) => line.discount)),
      tax: money(sumOf(lines, (line) => line.tax)),
      total: money(sumOf(lines, (line) => line.amount - line.discount + line.tax)),
    },
    units: {
      ordered: countOf(lines, (line) => line.quantity),
      shipped: countOf(lines, (line) => line.shipped),
      cancelled: countOf(lines, (line) => line.cancelled),
      returned: countOf(lines, (line) => line.returned),
    },
    rejection: state.rejection,
    lines: lines.map((line) => ({
      lineId: line.lineId,
      kind: line.kind,
      sku: line.sku,
      account: line.account,
      location: sourceOf(line),
      quantity: line.quantity,
      unitPrice: line.unitPrice,
      amount: money(line.amount),
      discount: money(line.discount),
      tax: money(line.tax),
      taxes: line.taxes,
      shipped: line.shipped,
      cancelled: line.cancelled,
      returned: line.returned,
    })),
    short: isEnded(status) || status === 'placed' ? [] : shortOf(state),
    reviews: reviewsOfState(state),
    ...moneyOfState(state, reader),
    splits: splitsOfState(state),
  };
};

/** An order of a list, from the read model. */
export const viewOfSummary = (row: OrderSummary): z.input<typeof orderSummary> => ({
  id: row.id,
  channel: row.channel,
  externalId: row.externalId,
  status: row.status === 'none' ? 'placed' : row.status,
  placedAt: row.placedAt.toISOString(),
  expiresAt: row.expiresAt?.toISOString(),
  currency: row.currency,
  customerId: row.customerId ?? undefined,
  destination:
    row.country === null
      ? undefined
      : { country: row.country, region: row.region ?? undefined, postalCode: row.postalCode ?? undefined },
  confirm: row.confirm,
  coupons: [...row.coupons],
  shortage: row.shortage as (typeof SHORTAGE_POLICIES)[number],
  handover: row.handover as (typeof HANDOVERS)[number],
  priority: { level: row.priority, reason: row.priorityReason ?? undefined },
  requestedDelivery:
    row.requestedFrom === null && row.requestedTo === null
      ? undefined
      : { from: row.requestedFrom ?? undefined, to: row.requestedTo ?? undefined },
  guest: row.guest,
  gift: row.gift,
  assistedBy: row.assistedBy ?? undefined,
  version: row.version,
  totals: {
    goods: row.goodsTotal,
    charges: row.chargeTotal,
    vouchers: row.voucherTotal,
    discount: row.discountTotal,
    tax: row.taxTotal,
    total: row.total,
  },
  units: {
    ordered: row.units,
    shipped: row.shippedUnits,
    cancelled: row.cancelledUnits,
    returned: row.returnedUnits,
  },
  rejection:
    row.rejection === null
      ? undefined
      : { code: row.rejection.code, detail: row.rejection.detail, sku: row.rejection.sku ?? undefined },
});

const moneyOfRow = (row: OrderRow, reader: Reader): Money =>
  seesPayments(reader)
    ? {
        payments: row.payments.map((payment) => viewOfPayment(payment, row.currency)),
        balance:
          row.payments.length === 0 && row.confirm !== 'payment'
            ? undefined
            : viewOfBalance(row.balance, row.currency),
      }
    : {};

/** An order with its lines, from the read model, as the reader may see it. */
export const viewOfRow = (row: OrderRow, reader: Reader): z.input<typeof orderView> => ({
  ...viewOfSummary(row),
  lines: row.lines.map((line) => ({
    ...line,
    account: line.account ?? undefined,
    taxes: line.taxes === null ? undefined : [...line.taxes],
    location: line.location ?? undefined,
  })),
  short: [...row.short],
  reviews: row.reviews.map(viewOfReview),
  ...moneyOfRow(row, reader),
  splits: row.splits.map(viewOfSplit),
});

/**
 * The order that a path names, when the caller may know of it. Another channel's order is as unknown as one that never was.
 * Problem: `unknown_order`.
 */
export const orderIdFor = (text: string, caller: Caller): string => {
  let parts: string[] = [];
  try {
    parts = splitId(text);
  } catch {
    // half an escape: no id of ours
  }
  const [channel, externalId] = parts;
  const known =
    parts.length === 2 &&
    channel !== undefined &&
    externalId !== undefined &&
    orderIdOf(channel, externalId) === text &&
    seesChannel(caller, channel);
  if (!known) throw unknownOrder();
  return text;
};

export const unknownOrder = (): Problem => new Problem('unknown_order', 'there is no such order');
