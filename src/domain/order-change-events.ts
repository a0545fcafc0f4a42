import { z } from 'zod';
import type { DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { destination, lacking, line, releasedUnits, short } from './order-parts.js';
import { amountText, currency, quantity, reasonText, recordedId, signedAmountText } from './schemas.js';

/**
 * A change of an order: proposed, then confirmed or declined. What is confirmed is said as what it does to the lines: units that are
 * cancelled, and lines that are added. So no line ever changes its amounts, and the shares of its units stay as they were frozen; more
 * units are a line of their own, and a corrected price is a new line instead of the open units of the old one.
 */
export const CHANGES_MAX = 100;
export const CHANGE_ACTIONS_MAX = 100;

const newLine = line.omit({ amount: true });
export const changeAction = z.discriminatedUnion('kind', [
  /** So many open units of a line are not wanted any more. */
  z.object({ kind: z.literal('reduce'), lineId: recordedId, quantity }),
  z.object({ kind: z.literal('add'), line: newLine }),
  /** The open units of a line, for another price, as a line of that id. `tax` is of all of them, and `taxes` come to it. */
  z.object({
    kind: z.literal('reprice'),
    lineId: recordedId,
    newLineId: recordedId,
    unitPrice: amountText,
    tax: amountText,
    taxes: line.shape.taxes,
    reason: reasonText,
  }),
  z.object({ kind: z.literal('address'), destination }),
]);

const proposed = z.object({
  changeId: recordedId,
  reason: z.string(),
  actions: z.array(changeAction).min(1),
});
const confirmed = z.object({
  changeId: recordedId,
  /** Of the order, 1 as placed. */
  version: z.int().min(2),
  channel: recordedId,
  currency,
  cancelled: z.array(z.object({ lineId: recordedId, quantity })),
  added: z.array(
    line.extend({
      /** Place in the order, from 0. */
      lineNo: z.int().min(0),
      /** What a corrected line keeps of the discount that was frozen to its units. */
      discount: amountText,
    }),
  ),
  destination: destination.optional(),
  /** What the customer has to pay more; negative: gets back, or pays less. */
  difference: signedAmountText,
  /** Units let go, of the allocations of rounds, and of what nothing held. */
  released: z.array(releasedUnits),
  short: z.array(short),
  /** Added units that nothing holds yet: an allocation of the same append covers what there was. */
  lacking: z.array(lacking),
});
const declined = z.object({ changeId: recordedId, reason: z.string() });

export const changeEvents = [
  defineEvent({ type: 'OrderChangeProposed', version: 1, schema: proposed }),
  defineEvent({ type: 'OrderChangeConfirmed', version: 1, schema: confirmed }),
  defineEvent({ type: 'OrderChangeDeclined', version: 1, schema: declined }),
];

export type ChangeAction = z.infer<typeof changeAction>;
export type OrderChangeProposed = DomainEvent<'OrderChangeProposed', z.infer<typeof proposed>>;
export type OrderChangeConfirmed = DomainEvent<'OrderChangeConfirmed', z.infer<typeof confirmed>>;
export type ChangeEvent =
  | OrderChangeProposed
  | OrderChangeConfirmed
  | DomainEvent<'OrderChangeDeclined', z.infer<typeof declined>>;

/** A change in the state of its order. */
export interface OrderChange {
  readonly proposed: OrderChangeProposed['data'];
  readonly status: 'proposed' | 'confirmed' | 'declined';
}
