import { z } from 'zod';
import { formatAmount } from '../domain/money.js';
import { acceptedUnits, type ReturnRequest } from '../domain/order-return-state.js';
import type { OrderState } from '../domain/order-state.js';
import type { AllowanceView } from '../projections/allowances.js';
import type { ExchangeView } from '../projections/exchange-pages.js';
import type { ReturnView } from '../projections/return-queue.js';

export const RETURN_STATES = [
  'requested',
  'authorised',
  'received',
  'inspected',
  'credited',
  'refused',
  'closed',
] as const;
export const EXCHANGE_STATES = ['agreed', 'settled', 'ended'] as const;

const units = z.int();
const amount = z.string().meta({ description: 'Decimal string of the currency.', example: '12.34' });
const at = z.iso.datetime().optional().meta({ description: 'When; not in the answer of a command.' });

const unitCounts = {
  requested: units,
  received: units,
  accepted: units.meta({ description: 'Credited, or to be; damaged ones are among them.' }),
  damaged: units.meta({ description: 'Credited, and back in no stock.' }),
  missing: units.meta({ description: 'Not there after all; may be requested again.' }),
  refused: units.meta({ description: 'Sent back to the customer for good.' }),
};

export const returnState = z.enum(RETURN_STATES).meta({
  description: '`closed`: inspected, and nothing of it was accepted.',
});

export const returnView = z
  .object({
    orderId: z.string(),
    returnId: z.string(),
    channel: z.string(),
    state: returnState,
    reason: z.string(),
    instructions: z.string().optional().meta({ description: 'Of who let the goods come.' }),
    refusal: z.string().optional().meta({ description: 'Why it was refused.' }),
    location: z.string().optional().meta({ description: 'Where the goods came to.' }),
    note: z.string().optional().meta({ description: 'Number of the credit note.' }),
    units: z.object(unitCounts),
    lines: z.array(z.object({ lineId: z.string(), sku: z.string(), ...unitCounts })),
    credit: z
      .object({
        currency: z.string(),
        credited: amount,
        allowance: amount.meta({
          description: 'Of `credited`, what is beyond the frozen shares (or below).',
        }),
        goodwill: z
          .string()
          .optional()
          .meta({ description: 'Why more was given back than was paid; absent where it was not.' }),
      })
      .optional()
      .meta({ description: 'Once it is credited.' }),
    openedBy: z
      .string()
      .optional()
      .meta({ description: 'Who, as `key:<id>`; not in the answer of a command.' }),
    openedAt: at,
    authorisedAt: at,
    receivedAt: at,
    inspectedAt: at,
    creditedAt: at,
    refusedAt: at,
  })
  .meta({ id: 'Return' });
type View = z.input<typeof returnView>;

const sum = (lines: View['lines']): View['units'] => {
  const total = { requested: 0, received: 0, accepted: 0, damaged: 0, missing: 0, refused: 0 };
  for (const line of lines) {
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += line[name];
  }
  return total;
};

const linesOf = ({ lines }: ReturnRequest): View['lines'] =>
  [...lines].map(([lineId, line]) => ({
    lineId,
    sku: line.sku,
    requested: line.requested,
    received: line.received,
    accepted: acceptedUnits(line),
    damaged: line.damaged,
    missing: line.missing,
    refused: line.refused,
  }));

/** A return by request from the stream of its order, which does not say who and when: that is in the events' metadata. */
export const returnOfState = (
  orderId: string,
  { placed, afterSales }: OrderState,
  returnId: string,
): View | undefined => {
  const request = afterSales.requests.get(returnId);
  if (request === undefined || placed === undefined) return undefined;
  const lines = linesOf(request);
  const credit = afterSales.credits.get(returnId);
  const { currency } = placed;
  return {
    orderId,
    returnId,
    channel: placed.channel,
    state: request.status,
    reason: request.reason,
    instructions: request.authorised?.note,
    refusal: request.refusal,
    location: request.location,
    note: credit?.note,
    units: sum(lines),
    lines,
    credit: credit && {
      currency,
      credited: formatAmount(credit.shares + credit.allowance, currency),
      allowance: formatAmount(credit.allowance, currency),
    },
  };
};

const iso = (time: Date | null): string | undefined => time?.toISOString();

export const viewOfReturn = ({ credit, lines, ...row }: ReturnView): View => ({
  orderId: row.orderId,
  returnId: row.returnId,
  channel: row.channel,
  state: row.state,
  reason: row.reason,
  instructions: row.instructions ?? undefined,
  refusal: row.refusal ?? undefined,
  location: row.location ?? undefined,
  note: row.note ?? undefined,
  units: row.units,
  lines: [...lines],
  credit: credit === null ? undefined : { ...credit, goodwill: credit.goodwill ?? undefined },
  openedBy: row.openedBy,
  openedAt: row.openedAt.toISOString(),
  authorisedAt: iso(row.authorisedAt),
  receivedAt: iso(row.receivedAt),
  inspectedAt: iso(row.inspectedAt),
  creditedAt: iso(row.creditedAt),
  refusedAt: iso(row.refusedAt),
});

export const allowanceView = z
  .object({
    allowanceId: z.string(),
    amount,
    currency: z.string(),
    lineId: z.string().optional().meta({ description: 'The whole order when absent.' }),
    reason: z.string(),
    grantedBy: z.string().optional(),
    grantedAt: at,
  })
  .meta({ id: 'Allowance' });

export const viewOfAllowance = (row: AllowanceView): z.input<typeof allowanceView> => ({
  ...row,
  lineId: row.lineId ?? undefined,
  grantedAt: row.grantedAt.toISOString(),
});

export const exchangeView = z
  .object({
    orderId: z.string().meta({ description: 'The order whose goods came back.' }),
    exchangeId: z.string(),
    returnId: z.string(),
    newOrderId: z.string(),
    currency: z.string(),
    credit: amount.meta({ description: 'Carried to the new order.' }),
    state: z.enum(EXCHANGE_STATES).meta({
      description:
        '`agreed` until the new order is complete (`settled`) or comes to nothing (`ended`: the credit is owed in money again).',
    }),
    charged: amount
      .optional()
      .meta({ description: 'What the customer pays for what the new order shipped.' }),
    toPay: amount.optional().meta({ description: 'What of that the credit does not cover.' }),
    toGiveBack: amount.optional().meta({ description: 'What is left of the credit.' }),
    owed: amount.optional(),
    code: z.string().optional().meta({ description: 'Why it ended: `insufficient_stock`, `cancelled`, ...' }),
    detail: z.string().optional(),
    agreedBy: z.string().optional(),
    agreedAt: at,
    overAt: at,
  })
  .meta({ id: 'Exchange' });

export const viewOfExchange = (row: ExchangeView): z.input<typeof exchangeView> => ({
  orderId: row.orderId,
  exchangeId: row.exchangeId,
  returnId: row.returnId,
  newOrderId: row.newOrderId,
  currency: row.currency,
  credit: row.credit,
  state: row.state,
  charged: row.charged ?? undefined,
  toPay: row.toPay ?? undefined,
  toGiveBack: row.toGiveBack ?? undefined,
  owed: row.owed ?? undefined,
  code: row.code ?? undefined,
  detail: row.detail ?? undefined,
  agreedBy: row.agreedBy,
  agreedAt: row.agreedAt.toISOString(),
  overAt: iso(row.overAt),
});
