/** What an order line of a channel stands for; only goods hold stock. */
export type LineKind = 'goods' | 'charge' | 'voucher';

/** A stock code that is not goods, with the account its amounts belong to. */
export interface NonGoodsCode {
  readonly code: string;
  readonly kind: 'charge' | 'voucher';
  readonly account: string;
}

/** The only code of the ledger adjustments (invoices that start with A); it is no order line. */
export const BAD_DEBT_CODE = 'B';
export const BAD_DEBT_ACCOUNT = 'bad_debt';

/** Every code of the file that is not goods. Codes are case sensitive, and what is not listed is goods. */
export const NON_GOODS_CODES: readonly NonGoodsCode[] = [
  { code: 'POST', kind: 'charge', account: 'postage' },
  { code: 'DOT', kind: 'charge', account: 'postage_dotcom' },
  { code: 'C2', kind: 'charge', account: 'carriage' },
  { code: 'M', kind: 'charge', account: 'manual' },
  { code: 'D', kind: 'charge', account: 'discount' },
  { code: 'S', kind: 'charge', account: 'samples' },
  { code: 'BANK CHARGES', kind: 'charge', account: 'bank_charges' },
  { code: 'AMAZONFEE', kind: 'charge', account: 'marketplace_fees' },
  { code: 'CRUK', kind: 'charge', account: 'charity_commission' },
  ...['10', '20', '30', '40', '50'].map(
    (pounds): NonGoodsCode => ({ code: `gift_0001_${pounds}`, kind: 'voucher', account: 'gift_vouchers' }),
  ),
];

const BY_CODE: ReadonlyMap<string, NonGoodsCode> = new Map(
  NON_GOODS_CODES.map((entry) => [entry.code, entry]),
);

/** The entry of a code that is not goods, or `undefined` for goods. */
export function nonGoodsCode(sku: string): NonGoodsCode | undefined {
  return BY_CODE.get(sku);
}

/** The kind of the line that sells this code. */
export function lineKindOf(sku: string): LineKind {
  return BY_CODE.get(sku)?.kind ?? 'goods';
}
