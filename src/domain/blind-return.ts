import { z } from 'zod';
import { type Decider, type DomainEvent, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { parseAmount } from './money.js';
import { LINE_KINDS } from './order-events.js';
import { amountText, currency, quantity, recordedId } from './schemas.js';

/**
 * A credit note of a channel, as far as it names no order: goods that came back without one, charges taken back. One
 * stream per note; each line is recorded once. What a note returns of a known order is decided by that order.
 */
const line = z.object({
  channel: recordedId,
  /** Number of the credit note. */
  note: recordedId,
  lineId: recordedId,
  kind: z.enum(LINE_KINDS),
  sku: recordedId,
  account: z.string().optional(),
  quantity,
  currency,
  /** What is credited for the whole line. */
  amount: amountText,
  customerId: recordedId.optional(),
  /** Goods that can be sold again go there. */
  location: recordedId.optional(),
  reason: z.string(),
});

export const blindReturnEvents = [defineEvent({ type: 'BlindReturnRecorded', version: 1, schema: line })];

export type BlindReturnLine = z.infer<typeof line>;
export type BlindReturnEvent = DomainEvent<'BlindReturnRecorded', BlindReturnLine>;
/** `lineId` once per note. Rejections: `id_reused`, `invalid_amount`. */
export type BlindReturnCommand = { readonly type: 'record'; readonly line: BlindReturnLine };
export type BlindReturnState = ReadonlyMap<string, BlindReturnLine>;

const same = (a: BlindReturnLine, b: BlindReturnLine): boolean =>
  JSON.stringify(line.parse(a)) === JSON.stringify(line.parse(b));

export const blindReturn: Decider<BlindReturnCommand, BlindReturnEvent, BlindReturnState> = {
  category: 'return',
  stateVersion: 1,
  initialState: new Map(),
  decide({ line: asked }, state) {
    const before = state.get(asked.lineId);
    if (before !== undefined) {
      return same(before, asked)
        ? []
        : reject('id_reused', `line ${asked.lineId} was recorded with other content`);
    }
    if (parseAmount(asked.amount, asked.currency) === undefined) {
      return reject('invalid_amount', `not an amount of ${asked.currency}`);
    }
    return [{ type: 'BlindReturnRecorded', data: asked }];
  },
  evolve: (state, event) => new Map(state).set(event.data.lineId, event.data),
};
