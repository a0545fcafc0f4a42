import { formatAmount } from '../domain/money.js';
import type { ConfirmPolicy } from '../domain/order-events.js';
import type { OrderStatus } from '../domain/order-state.js';

/** An order as people read it. Amounts are decimal strings of `currency`. */
export interface OrderSummary {
  readonly id: string;
  readonly channel: string;
  readonly externalId: string;
  readonly status: OrderStatus;
  readonly customerId: string | null;
  readonly currency: string;
  readonly country: string | null;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly placedAt: Date;
  readonly expiresAt: Date | null;
  readonly confirmedAt: Date | null;
  readonly confirm: ConfirmPolicy;
  readonly coupons: readonly string[];
  /** What becomes of units that nothing can hold, and when the goods change hands. */
  readonly shortage: string;
  readonly handover: string;
  /** 0 is first served; the reason where somebody gave one. */
  readonly priority: number;
  readonly priorityReason: string | null;
  /** Days, `YYYY-MM-DD`. */
  readonly requestedFrom: string | null;
  readonly requestedTo: string | null;
  readonly guest: boolean;
  readonly gift: boolean;
  readonly assistedBy: string | null;
  /** 1 as placed; one more with every change that was confirmed. */
  readonly version: number;
  readonly lineCount: number;
  /** Of the lines as placed. `total` is goods, charges and vouchers less discount with tax. */
  readonly goodsTotal: string;
  readonly chargeTotal: string;
  readonly voucherTotal: string;
  readonly discountTotal: string;
  readonly taxTotal: string;
  readonly total: string;
  /** What the customer pays for what was shipped, gets back for what was returned, and was credited beyond it. */
  readonly shippedTotal: string;
  readonly returnedTotal: string;
  readonly allowanceTotal: string;
  /** Over lines of every kind. */
  readonly units: number;
  readonly shippedUnits: number;
  readonly cancelledUnits: number;
  readonly returnedUnits: number;
  readonly rejection: { readonly code: string; readonly detail: string; readonly sku: string | null } | null;
  /** Of its last event: revision in the stream, commit position in the log (decimal), both times. */
  readonly revision: number;
  readonly position: string;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

/** A row of `orders`, with {@link DAYS}. */
export interface OrderRow {
  readonly order_id: string;
  readonly channel: string;
  readonly external_id: string;
  readonly status: OrderStatus;
  readonly customer_id: string | null;
  readonly currency: string;
  readonly country: string | null;
  readonly region: string | null;
  readonly postal_code: string | null;
  readonly placed_at: Date;
  readonly placed_us: bigint;
  readonly expires_at: Date | null;
  readonly confirmed_at: Date | null;
  readonly confirm: ConfirmPolicy;
  readonly coupons: readonly string[];
  readonly shortage: string;
  readonly handover: string;
  readonly priority: number;
  readonly priority_reason: string | null;
  readonly requested_from_day: string | null;
  readonly requested_to_day: string | null;
  readonly guest: boolean;
  readonly gift: boolean;
  readonly assisted_by: string | null;
  /** Of the exchange that it was placed for. */
  readonly exchange_credit: bigint | null;
  readonly version: number;
  readonly line_count: number;
  readonly goods_total: bigint;
  readonly charge_total: bigint;
  readonly voucher_total: bigint;
  readonly discount_total: bigint;
  readonly tax_total: bigint;
  readonly total: bigint;
  readonly shipped_total: bigint;
  readonly returned_total: bigint;
  readonly allowance_total: bigint;
  readonly units: bigint;
  readonly shipped_units: bigint;
  readonly cancelled_units: bigint;
  readonly returned_units: bigint;
  readonly rejection_code: string | null;
  readonly rejection_detail: string | null;
  readonly rejection_sku: string | null;
  readonly revision: bigint;
  readonly position: bigint;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

/** Days as text: as a date they would be given a time zone. */
export const DAYS = 'requested_from::text AS requested_from_day, requested_to::text AS requested_to_day';

export const toSummary = (row: OrderRow): OrderSummary => {
  const money = (minor: bigint): string => formatAmount(minor, row.currency);
  return {
    id: row.order_id,
    channel: row.channel,
    externalId: row.external_id,
    status: row.status,
    customerId: row.customer_id,
    currency: row.currency,
    country: row.country,
    region: row.region,
    postalCode: row.postal_code,
    placedAt: row.placed_at,
    expiresAt: row.expires_at,
    confirmedAt: row.confirmed_at,
    confirm: row.confirm,
    coupons: row.coupons,
    shortage: row.shortage,
    handover: row.handover,
    priority: row.priority,
    priorityReason: row.priority_reason,
    requestedFrom: row.requested_from_day,
    requestedTo: row.requested_to_day,
    guest: row.guest,
    gift: row.gift,
    assistedBy: row.assisted_by,
    version: row.version,
    lineCount: row.line_count,
    goodsTotal: money(row.goods_total),
    chargeTotal: money(row.charge_total),
    voucherTotal: money(row.voucher_total),
    discountTotal: money(row.discount_total),
    taxTotal: money(row.tax_total),
    total: money(row.total),
    shippedTotal: money(row.shipped_total),
    returnedTotal: money(row.returned_total),
    allowanceTotal: money(row.allowance_total),
    units: Number(row.units),
    shippedUnits: Number(row.shipped_units),
    cancelledUnits: Number(row.cancelled_units),
    returnedUnits: Number(row.returned_units),
    rejection:
      row.rejection_code === null
        ? null
        : { code: row.rejection_code, detail: row.rejection_detail ?? '', sku: row.rejection_sku },
    revision: Number(row.revision),
    position: `${row.position}`,
    effectiveAt: row.effective_at,
    recordedAt: row.recorded_at,
  };
};
