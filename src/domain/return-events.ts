import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { amountText, currency, quantity, recordedId } from './schemas.js';
import { settlementRate } from './settlement-rate.js';

/**
 * What is asked back and given back after goods were shipped, as facts of the order's stream. A return by request:
 *
 *     requested --> authorised --> received --> inspected --> credited (OrderReturned, under the same id)
 *         |             |              |            |
 *         `-------------+--------------+------------+-----> refused
 *                                      `--> closed: inspected, and nothing of it was accepted
 *
 * A return without a request (over the counter, an import) is `OrderReturned` alone. Who did a step, and when, is in its metadata.
 */
export const INSPECTION_OUTCOMES = ['resaleable', 'damaged', 'missing', 'refused'] as const;
/** When the accepted units are credited: in the append of the inspection, or when somebody says so. */
export const CREDIT_ON = ['inspection', 'command'] as const;

/** Returns by request, and allowances, that one order can have in its life. */
export const RETURN_REQUESTS_MAX = 200;
export const ALLOWANCES_MAX = 200;

const requested = z.object({
  returnId: recordedId,
  reason: z.string(),
  lines: z.array(z.object({ lineId: recordedId, sku: recordedId, quantity })).min(1),
});
const authorised = z.object({
  returnId: recordedId,
  /** For who sends the goods or takes them. */
  note: z.string().optional(),
  creditOn: z.enum(CREDIT_ON),
});
const refused = z.object({ returnId: recordedId, reason: z.string() });
const received = z.object({
  returnId: recordedId,
  /** Where the goods came to, which need not be where they came from. */
  location: recordedId,
  /** Goods only, and perhaps fewer than requested: what did not come is free to be requested again. */
  lines: z.array(z.object({ lineId: recordedId, quantity })).min(1),
});
const inspected = z.object({
  returnId: recordedId,
  lines: z
    .array(
      z.object({
        lineId: recordedId,
        quantity,
        /** `credited`: of a charge or voucher, which nobody looks at; it goes with goods that were accepted. */
        outcome: z.enum([...INSPECTION_OUTCOMES, 'credited']),
      }),
    )
    .min(1),
});
/** Money given back while the customer keeps the goods (appeasement). */
const allowanceGranted = z.object({
  allowanceId: recordedId,
  channel: recordedId,
  currency,
  settlement: settlementRate.optional(),
  amount: amountText,
  reason: z.string(),
  /** The line it is for; the whole order when absent. */
  lineId: recordedId.optional(),
});

export const returnEvents = [
  defineEvent({ type: 'OrderReturnRequested', version: 1, schema: requested }),
  defineEvent({ type: 'OrderReturnAuthorised', version: 1, schema: authorised }),
  defineEvent({ type: 'OrderReturnRefused', version: 1, schema: refused }),
  defineEvent({ type: 'OrderReturnReceived', version: 1, schema: received }),
  defineEvent({ type: 'OrderReturnInspected', version: 1, schema: inspected }),
  defineEvent({ type: 'OrderAllowanceGranted', version: 1, schema: allowanceGranted }),
];

export type InspectionOutcome = (typeof INSPECTION_OUTCOMES)[number];
export type CreditOn = (typeof CREDIT_ON)[number];
export type OrderReturnRequested = DomainEvent<'OrderReturnRequested', z.infer<typeof requested>>;
export type OrderReturnAuthorised = DomainEvent<'OrderReturnAuthorised', z.infer<typeof authorised>>;
export type OrderReturnRefused = DomainEvent<'OrderReturnRefused', z.infer<typeof refused>>;
export type OrderReturnReceived = DomainEvent<'OrderReturnReceived', z.infer<typeof received>>;
export type OrderReturnInspected = DomainEvent<'OrderReturnInspected', z.infer<typeof inspected>>;
export type OrderAllowanceGranted = DomainEvent<'OrderAllowanceGranted', z.infer<typeof allowanceGranted>>;
export type ReturnEvent =
  | OrderReturnRequested
  | OrderReturnAuthorised
  | OrderReturnRefused
  | OrderReturnReceived
  | OrderReturnInspected
  | OrderAllowanceGranted;
