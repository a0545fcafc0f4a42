import { about, type Paid } from './payments.js';
import { amountOf, isDone, type Talk } from './talk.js';

/** Takes what is authorised, in one part or two, or lets go of it. */
export const capture = async (talk: Talk, paid: readonly Paid[]): Promise<void> => {
  const { dice } = talk;
  for (const one of paid) {
    const { paymentId, provider, authorised } = one;
    if (authorised === 0) continue;
    if (dice.chance(0.2)) {
      const eventType = provider ? 'OrderVoidRequested' : 'OrderPaymentVoided';
      await about(talk, 'void_payment', eventType, paymentId, '/void', { reason: 'not wanted' });
      continue;
    }
    const first = authorised > 1 && dice.chance(0.4) ? dice.between(1, authorised - 1) : authorised;
    const parts = first < authorised && dice.chance(0.7) ? [first, authorised - first] : [first];
    for (const minor of parts) {
      one.captures += 1;
      const id = `k${one.captures}`;
      const eventType = provider ? 'OrderCaptureRequested' : 'OrderPaymentCaptured';
      const body = { captureId: id, amount: amountOf(minor) };
      const answer = await about(talk, 'capture', eventType, paymentId, '/captures', body, id);
      if (!isDone(answer)) continue;
      one.authorised -= minor;
      one.captured += minor;
    }
  }
};

/** Gives a part of it back, or the bank does. */
export const giveBack = async (talk: Talk, paid: readonly Paid[]): Promise<void> => {
  const { dice } = talk;
  const captured = paid.filter((one) => one.captured > 0);
  if (captured.length === 0) return;
  const { paymentId, provider, captured: most } = dice.pick(captured);
  if (dice.chance(0.35)) {
    const body = { chargebackId: 'b1', amount: amountOf(most), reason: 'the bank says so' };
    const [event, below] = ['OrderPaymentChargedBack', '/chargebacks'];
    await about(talk, 'charge_back', event, paymentId, below, body, 'b1');
  }
  const eventType = provider ? 'OrderRefundRequested' : 'OrderPaymentRefunded';
  for (const id of dice.chance(0.3) ? ['f1', 'f2'] : ['f1']) {
    // Two of more than half are too much together.
    const amount = amountOf(dice.between(1, most));
    const body = { refundId: id, amount, reason: 'goodwill' };
    await about(talk, 'refund', eventType, paymentId, '/refunds', body, id);
  }
};
