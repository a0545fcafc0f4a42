import type { OrderCommand } from '../../src/domain/order.js';
import type { InspectionOutcome } from '../../src/domain/return-events.js';

/** Returns to test with: of a line `1` unless said otherwise. */
type Of<Type extends OrderCommand['type']> = OrderCommand & { type: Type };
export type Units = readonly { readonly lineId: string; readonly quantity: number }[];

export const units = (lineId: string, quantity = 1): Units[number] => ({ lineId, quantity });

export const back = (
  returnId: string,
  lines: Units,
  more: Partial<Omit<Of<'return'>, 'type' | 'returnId' | 'lines'>> = {},
): Of<'return'> => ({ type: 'return', returnId, reason: 'too small', lines, ...more });

export const requestReturn = (
  returnId: string,
  lines: Units,
  reason = 'too small',
): Of<'request-return'> => ({
  type: 'request-return',
  returnId,
  reason,
  lines,
});

export const authorise = (
  returnId: string,
  more: Partial<Omit<Of<'authorise-return'>, 'type' | 'returnId'>> = {},
): Of<'authorise-return'> => ({ type: 'authorise-return', returnId, ...more });

export const refuseReturn = (returnId: string, reason = 'too late'): Of<'refuse-return'> => ({
  type: 'refuse-return',
  returnId,
  reason,
});

export const receiveReturn = (returnId: string, lines: Units, location = 'main'): Of<'receive-return'> => ({
  type: 'receive-return',
  returnId,
  location,
  lines,
});

/** `inspect('r', ['1', 2, 'resaleable'], ['1', 1, 'damaged'])`. */
export const inspect = (
  returnId: string,
  ...lines: readonly (readonly [lineId: string, quantity: number, outcome: InspectionOutcome])[]
): Of<'inspect-return'> => ({
  type: 'inspect-return',
  returnId,
  lines: lines.map(([lineId, quantity, outcome]) => ({ lineId, quantity, outcome })),
});

export const creditReturn = (
  returnId: string,
  more: Partial<Omit<Of<'credit-return'>, 'type' | 'returnId'>> = {},
): Of<'credit-return'> => ({ type: 'credit-return', returnId, ...more });

/** A return by request from the first step to the inspection that finds everything resaleable. */
export const wholeReturn = (returnId: string, lines: Units, location = 'main'): OrderCommand[] => [
  requestReturn(returnId, lines),
  authorise(returnId),
  receiveReturn(returnId, lines, location),
  inspect(returnId, ...lines.map(({ lineId, quantity }) => [lineId, quantity, 'resaleable'] as const)),
];

export const allowance = (
  allowanceId: string,
  amount: string,
  more: Partial<Omit<Of<'grant-allowance'>, 'type' | 'allowanceId' | 'amount'>> = {},
): Of<'grant-allowance'> => ({ type: 'grant-allowance', allowanceId, amount, reason: 'a scratch', ...more });

type ExchangeOf = Of<'agree-exchange'>;

/** One unit of `sku-new` for the credit of a return, confirmed at once. */
export const exchange = (
  exchangeId: string,
  returnId: string,
  order: Partial<ExchangeOf['order']> = {},
  more: Partial<Pick<ExchangeOf, 'credit'>> = {},
): ExchangeOf => ({
  type: 'agree-exchange',
  exchangeId,
  returnId,
  ...more,
  order: {
    placedAt: '2026-01-20T09:00:00Z',
    lines: [{ lineId: '1', kind: 'goods', sku: 'sku-new', quantity: 1, unitPrice: '10.00', tax: '0.00' }],
    coupons: [],
    confirm: 'auto',
    sources: ['main', 'shop'],
    contentHash: `exchange ${exchangeId}`,
    ...order,
  },
});
