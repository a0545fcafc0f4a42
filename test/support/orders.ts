import type { OrderCommand, PlaceOrder } from '../../src/domain/order.js';
import type { Allocation } from '../../src/domain/order-events.js';

/** Orders to test with: short to write where only lines matter, whole underneath. */
export type LineInput = Partial<PlaceOrder['lines'][number]> & { readonly lineId: string };

export const aLine = (line: LineInput): PlaceOrder['lines'][number] => ({
  kind: 'goods',
  sku: `sku-${line.lineId}`,
  quantity: 1,
  unitPrice: '1.00',
  tax: '0.00',
  ...line,
});

export const PLACED_AT = '2026-01-15T12:00:00Z';
export const DUE_AT = '2026-01-15T12:15:00Z';

export const place = (lines: readonly LineInput[], more: Partial<PlaceOrder> = {}): PlaceOrder => ({
  type: 'place',
  channel: 'web',
  externalId: '1001',
  placedAt: PLACED_AT,
  currency: 'GBP',
  coupons: [],
  confirm: 'explicit',
  expiresAt: DUE_AT,
  sources: ['main', 'shop'],
  contentHash: 'hash',
  ...more,
  lines: lines.map(aLine),
});

/** One allocation per SKU of goods, from `main` unless another location is named for the SKU. */
export const allocationsFor = (
  { lines }: PlaceOrder,
  elsewhere: Readonly<Record<string, string>> = {},
): Allocation[] => {
  const bySku = new Map<string, number>();
  for (const { kind, sku, quantity } of lines) {
    if (kind === 'goods') bySku.set(sku, (bySku.get(sku) ?? 0) + quantity);
  }
  return [...bySku].map(([sku, quantity]) => ({
    sku,
    location: elsewhere[sku] ?? 'main',
    quantity,
    refused: [],
  }));
};

export const reserve = (
  placed: PlaceOrder,
  coupons: (OrderCommand & { type: 'reserve' })['coupons'] = [],
  elsewhere: Readonly<Record<string, string>> = {},
): OrderCommand => ({ type: 'reserve', allocations: allocationsFor(placed, elsewhere), coupons });
