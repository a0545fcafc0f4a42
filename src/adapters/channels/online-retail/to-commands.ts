import { createHash } from 'node:crypto';
import type { BlindReturnLine } from '../../../domain/blind-return.js';
import { formatAmount } from '../../../domain/money.js';
import type { OrderCommand, PlaceOrder } from '../../../domain/order.js';
import type { ReceivableAdjustment } from '../../../processes/ledger.js';
import { BAD_DEBT_ACCOUNT } from './codes.js';
import { countryCode } from './countries.js';
import type { CreditPart, PlannedBadDebt, PlannedCredit, PlannedOrder } from './plan-types.js';
import { CURRENCY } from './row.js';

/** The channel that the retailer's orders came from, and the one place its stock lies. */
export const CHANNEL = 'online-retail';
export const LOCATION = 'main';
const NO_REASON = 'unspecified';
/** Credit notes are history: what one gave back is what was given back, also where it is more than the order had charged. */
const AS_CREDITED = 'as the credit note says';

/** An order as its channel would send it: what it is known again by is a hash of the same content. */
export function placeCommand(order: PlannedOrder): PlaceOrder {
  const country = countryCode(order.country);
  const content = {
    channel: CHANNEL,
    externalId: order.externalId,
    placedAt: order.instant,
    currency: CURRENCY,
    ...(order.customer === undefined ? {} : { customerId: order.customer }),
    ...(country === undefined ? {} : { destination: { country } }),
    lines: order.lines.map(({ lineId, kind, sku, account, quantity, unitPrice }) => ({
      lineId,
      kind,
      sku,
      ...(account === undefined ? {} : { account }),
      quantity,
      unitPrice,
      tax: '0.00',
    })),
    coupons: [],
    confirm: 'auto' as const,
    sources: [LOCATION],
  };
  const contentHash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { type: 'place', ...content, contentHash };
}

/** What a matched credit asks of each of its orders: one return under the credit's id, for what the note gives. */
export function returnCommands(
  credit: PlannedCredit,
): { readonly externalId: string; readonly command: OrderCommand & { type: 'return' } }[] {
  const byOrder = new Map<string, CreditPart[]>();
  for (const part of credit.parts) {
    const parts = byOrder.get(part.externalId);
    if (parts === undefined) byOrder.set(part.externalId, [part]);
    else parts.push(part);
  }
  return Array.from(byOrder, ([externalId, parts]) => ({
    externalId,
    command: {
      type: 'return',
      returnId: credit.id,
      reason: credit.description.trim() || NO_REASON,
      note: credit.note,
      credited: formatAmount(
        parts.reduce((sum, { pence }) => sum + pence, 0n),
        CURRENCY,
      ),
      lines: parts.map(({ lineId, quantity }) => ({ lineId, quantity })),
      location: LOCATION,
      goodwill: AS_CREDITED,
    },
  }));
}

/** A credit that names no order: goods that came back blind, or a charge or voucher taken back. */
export function blindReturnLine(credit: PlannedCredit): BlindReturnLine {
  return {
    channel: CHANNEL,
    note: credit.note,
    lineId: String(credit.lineNumber),
    kind: credit.kind,
    sku: credit.sku,
    ...(credit.account === undefined ? {} : { account: credit.account }),
    quantity: credit.quantity,
    currency: CURRENCY,
    amount: formatAmount(credit.pence, CURRENCY),
    ...(credit.customer === undefined ? {} : { customerId: credit.customer }),
    ...(credit.kind === 'goods' ? { location: LOCATION } : {}),
    reason: credit.description.trim() || NO_REASON,
  };
}

/** Bad debt: both know a negative amount as what is owed less. */
export function badDebtAdjustment(debt: PlannedBadDebt): ReceivableAdjustment {
  return {
    adjustmentId: debt.id,
    document: debt.id,
    channel: CHANNEL,
    currency: CURRENCY,
    amount: formatAmount(debt.pence, CURRENCY),
    account: BAD_DEBT_ACCOUNT,
    reason: debt.description.trim() || NO_REASON,
  };
}
