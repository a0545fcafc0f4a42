import { z } from 'zod';
import { order } from '../domain/order.js';
import type { PaymentCommand } from '../domain/order-payment-commands.js';
import { splitId } from '../domain/stream-id.js';
import { decided } from './answers.js';
import { orderIdFor } from './order-view.js';
import { orderParams } from './orders.js';
import type { ApiParts } from './parts.js';
import { paymentsPageOf, paymentsView, tenderShape } from './payment-view.js';
import type { ProblemCode } from './problems.js';
import type { Call } from './route.js';
import { id } from './schemas.js';

/** What all routes of payments and refunds share. */
export const tender = z.strictObject({
  ...tenderShape,
  reference: id.optional().meta({
    description: 'What its provider or the till calls it; never the number of a card or an account.',
  }),
});
export const paymentParams = orderParams.extend({ paymentId: id });

export const PAYMENT_RESPONSES = {
  200: { description: 'It was done before.', schema: paymentsView },
  201: { description: 'Done, or asked of the provider.', schema: paymentsView },
};

export const PAYMENT_PROBLEMS = [
  'unknown_order',
  'id_reused',
  'invalid_amount',
  'effective_in_future',
] as const satisfies readonly ProblemCode[];

type PaymentCall = Call<{ id: string }, unknown, { readonly effectiveAt?: string | undefined }>;

export const paymentCalls = ({ bus, payments }: Pick<ApiParts, 'bus' | 'payments'>) => {
  const run = async (call: PaymentCall, command: PaymentCommand) => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const [channel = ''] = splitId(orderId);
    const context = call.context({ effectiveAt: call.body.effectiveAt, channel });
    const answer = await payments.execute(orderId, command, context);
    return decided(answer, paymentsPageOf(answer.state));
  };

  /** Whether the payment is one of a provider of ours; that never changes. */
  const isAsked = async (call: PaymentCall, paymentId: string): Promise<boolean> => {
    const orderId = orderIdFor(call.params.id, call.caller);
    const { state } = await bus.load(order, orderId);
    return state.payments.get(paymentId)?.provider !== undefined;
  };

  return { run, isAsked };
};
