import { amountOf, formatAmount } from '../domain/money.js';
import type { OrderEvent, OrderUnits } from '../domain/order-events.js';
import { evolveOrder, type OrderState } from '../domain/order-state.js';
import { afterSalesSentence } from './after-sales-sentences.js';
import { changeSentence } from './change-sentences.js';
import { paymentSentence } from './payment-sentences.js';
import { because, heldText, lackingText, listed, partsOf } from './sentence-words.js';

/** `2 of 3 MUG shipped from berlin`; with the place beside each where they differ. */
const moved = (before: OrderState, units: readonly OrderUnits[], verb: string, sign: string): string => {
  const part = partsOf(before);
  const places = new Set(units.flatMap(({ location }) => location ?? []));
  const [only] = places;
  if (only === undefined) return `${listed(units.map(part))} ${verb}`;
  if (places.size === 1) return `${listed(units.map(part))} ${verb} ${sign} ${only}`;
  const each = units.map((one) =>
    one.location === undefined ? part(one) : `${part(one)} ${sign} ${one.location}`,
  );
  return `${listed(each)} ${verb}`;
};

const placed = ({ data }: OrderEvent & { type: 'OrderPlaced' }): string => {
  const { channel, externalId, lines, currency, coupons, confirm, expiresAt } = data;
  const total = lines.reduce(
    (sum, line) => sum + amountOf(line.amount, currency) + amountOf(line.tax, currency),
    0n,
  );
  const goods = listed(lines.map(({ quantity, sku }) => `${quantity} ${sku}`));
  const named = coupons.length === 0 ? '' : `, with coupon ${listed(coupons)}`;
  const until = expiresAt === undefined ? '' : ` until ${expiresAt}`;
  const waits =
    confirm === 'explicit' || expiresAt !== undefined ? `; waits for its confirmation${until}` : '';
  return `placed on ${channel} as ${externalId}: ${goods} for ${formatAmount(total, currency)} ${currency}${named}${waits}`;
};

const reserved = (
  { data }: OrderEvent & { type: 'OrderReserved' },
  { placed: order }: OrderState,
): string => {
  const off = data.discounts.map(
    ({ code, amount }) => `${code} takes off ${amount} ${order?.currency ?? ''}`,
  );
  const goods = data.allocations.length === 0 ? 'without goods to hold' : heldText(data.allocations);
  return `reserved: ${goods}${lackingText(data.short)}${off.length === 0 ? '' : `; coupon ${listed(off)}`}`;
};

const cancelled = (event: OrderEvent & { type: 'OrderLinesCancelled' }, before: OrderState): string => {
  const { lines, reason } = event.data;
  const whole = evolveOrder(before, event).status === 'cancelled' ? ', and with it the order' : '';
  return `${listed(lines.map(partsOf(before)))} cancelled${whole}${because(reason)}`;
};

const returned = ({ data }: OrderEvent & { type: 'OrderReturned' }, before: OrderState): string => {
  const { returnId, lines, currency, note, reason } = data;
  const allowance = amountOf(data.allowance, currency);
  const credited = lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    allowance,
  );
  const money = (minor: bigint): string => `${formatAmount(minor, currency)} ${currency}`;
  const beyond =
    allowance === 0n
      ? ''
      : allowance > 0n
        ? `, ${money(allowance)} more than was paid`
        : `, ${money(-allowance)} less than was paid`;
  const document = note === undefined ? '' : ` (credit note ${note})`;
  const goods = moved(before, lines, 'returned', 'to');
  return `${goods} as return ${returnId}${document}, ${money(credited)} credited${beyond}${because(reason)}`;
};

const held = ({ data }: OrderEvent & { type: 'OrderHeld' }, before: OrderState): string => {
  const { holdType, rule, reason, lines, blocks } = data;
  const by = rule === undefined ? 'by hand' : `by rule ${rule.id} (version ${rule.version})`;
  const on = lines?.map((lineId) => before.lines.get(lineId)?.sku ?? `line ${lineId}`);
  const what = on === undefined ? '' : `${listed(on)} `;
  const steps = blocks.map((step) => (step === 'ship' ? 'shipment' : 'confirmation'));
  return `${what}held for ${holdType} ${by}${because(reason)}; blocks ${listed(steps)}`;
};

const resolved = ({ data }: OrderEvent & { type: 'OrderHoldResolved' }, { reviews }: OrderState): string => {
  const { holdId, outcome, reason } = data;
  const hold = `the hold for ${reviews.get(holdId)?.held.holdType ?? 'review'} (${holdId})`;
  switch (outcome) {
    case 'released':
      return `released from ${hold}${because(reason)}`;
    case 'rejected':
      return `rejected by ${hold}${because(reason)}`;
    case 'lapsed':
      return `${hold} lapsed${because(reason)}`;
  }
};

const split = ({ data }: OrderEvent & { type: 'OrderSplit' }, before: OrderState): string => {
  const { splitId, lines, requestedDate, priority } = data;
  const wanted = requestedDate === undefined ? '' : `, wanted on ${requestedDate}`;
  const urgent = priority === undefined ? '' : `, with priority ${priority}`;
  return `${listed(lines.map(partsOf(before)))} split off as ${splitId}${wanted}${urgent}`;
};

/**
 * What happened, as one plain sentence with the numbers. `before` is the state that the event met. Every type of event of an order has
 * one: it does not compile otherwise.
 */
export const sentenceOf = (event: OrderEvent, before: OrderState): string => {
  switch (event.type) {
    case 'OrderPlaced':
      return placed(event);
    case 'OrderReserved':
      return reserved(event, before);
    case 'OrderSourcesExtended': {
      const { locations, reason } = event.data;
      return `${listed(locations)} may deliver, too${because(reason)}`;
    }
    case 'OrderAllocated':
      return event.data.allocations.length === 0
        ? `round ${event.data.round} of holds came to nothing`
        : `held in round ${event.data.round}: ${heldText(event.data.allocations)}`;
    case 'OrderConfirmed':
      return 'confirmed';
    case 'OrderRejected':
      return `rejected (${event.data.code})${because(event.data.detail)}`;
    case 'OrderExpired':
      return `expired: it was not confirmed by ${event.data.dueAt}`;
    case 'OrderLinesCancelled':
      return cancelled(event, before);
    case 'OrderShipped': {
      const { shipmentId, lines, splitId } = event.data;
      const apart = splitId === undefined ? '' : ` of split ${splitId}`;
      return `${moved(before, lines, 'shipped', 'from')} as shipment ${shipmentId}${apart}`;
    }
    case 'OrderReturned':
      return returned(event, before);
    case 'OrderCompleted':
      return 'complete: nothing of it is open any more';
    case 'OrderSplit':
      return split(event, before);
    case 'OrderSplitUndone':
      return `split ${event.data.splitId} undone${because(event.data.reason)}`;
    case 'OrderHeld':
      return held(event, before);
    case 'OrderHoldResolved':
      return resolved(event, before);
    case 'OrderChangeProposed':
    case 'OrderChangeConfirmed':
    case 'OrderChangeDeclined':
      return changeSentence(event, before);
    case 'OrderReturnRequested':
    case 'OrderReturnAuthorised':
    case 'OrderReturnRefused':
    case 'OrderReturnReceived':
    case 'OrderReturnInspected':
    case 'OrderAllowanceGranted':
    case 'OrderExchangeAgreed':
    case 'OrderExchangeSettled':
    case 'OrderExchangeEnded':
      return afterSalesSentence(event, before);
    default:
      return paymentSentence(event, before);
  }
};
