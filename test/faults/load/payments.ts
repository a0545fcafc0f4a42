import type { CommandKind } from '../history.js';
import { type Answer, amountOf, cents, isDone, type Talk } from './talk.js';

/** What the customer did: money to capture, or captured. */
export interface Paid {
  readonly paymentId: string;
  readonly provider: boolean;
  /** Minor units that are authorised and not captured yet. */
  authorised: number;
  captured: number;
  /** How many captures were asked for: each has an id of its own. */
  captures: number;
}

const PATIENT_REFERENCES = ['late', 'lost'];
const REFERENCES = ['', '', '', 'decline', 'decline-capture', 'decline-refund'];

/** A command about one payment, or about a movement of it. */
export const about = (
  talk: Talk,
  kind: CommandKind,
  eventType: string,
  paymentId: string,
  below: string,
  body: Record<string, unknown>,
  movementId?: string,
): Promise<Answer | undefined> => {
  const businessId = movementId === undefined ? paymentId : `${paymentId}/${movementId}`;
  return talk.act({ kind, below: `payments/${paymentId}${below}`, eventType, businessId, body });
};

const start = (talk: Talk, paymentId: string, body: Record<string, unknown>) =>
  talk.act({
    kind: 'start_payment',
    below: 'payments',
    eventType: 'OrderPaymentStarted',
    businessId: paymentId,
    body: { paymentId, ...body },
  });

/** The provider of ours is asked: it says yes, no, or nothing for a while. */
const byProvider = async (talk: Talk, paymentId: string, minor: number): Promise<Paid> => {
  const { dice, patient } = talk;
  const reference = dice.pick(patient ? [...REFERENCES, ...PATIENT_REFERENCES] : REFERENCES);
  const tender = { kind: 'card', ...(reference === '' ? {} : { reference }) };
  const answer = await start(talk, paymentId, {
    tender,
    amount: amountOf(minor),
    provider: 'trial',
    ...(dice.chance(0.3) ? { expiresInSeconds: dice.between(1, 6) } : {}),
  });
  const payments = isDone(answer) ? (answer.body.payments as { paymentId: string; status: string }[]) : [];
  const status = payments.find((one) => one.paymentId === paymentId)?.status;
  return {
    paymentId,
    provider: true,
    authorised: status === 'authorised' ? minor : 0,
    captured: 0,
    captures: 0,
  };
};

/** Somebody outside tells of a wallet or a transfer: begun or not, authorised or failed. */
const byWord = async (talk: Talk, paymentId: string, minor: number): Promise<Paid> => {
  const { dice } = talk;
  const tender = { kind: dice.pick(['wallet', 'bank_transfer', 'invoice']) };
  const amount = amountOf(minor);
  const begun = dice.chance(0.5) && isDone(await start(talk, paymentId, { tender, amount }));
  const fails = begun && dice.chance(0.35);
  const answer = fails
    ? await about(talk, 'fail_payment', 'OrderPaymentFailed', paymentId, '/failure', {
        code: 'no_funds',
        reason: 'not enough',
      })
    : await about(talk, 'authorise', 'OrderPaymentAuthorised', paymentId, '/authorisation', {
        tender,
        amount,
      });
  return {
    paymentId,
    provider: false,
    authorised: isDone(answer) && !fails ? minor : 0,
    captured: 0,
    captures: 0,
  };
};

/** The money is here: nobody has heard of the payment before. */
const atOnce = async (talk: Talk, paymentId: string, minor: number): Promise<Paid> => {
  const tender = { kind: talk.dice.pick(['cash', 'gift_card', 'store_credit']) };
  const body = { captureId: 'k0', amount: amountOf(minor), tender };
  const answer = await about(talk, 'capture', 'OrderPaymentCaptured', paymentId, '/captures', body, 'k0');
  return { paymentId, provider: false, authorised: 0, captured: isDone(answer) ? minor : 0, captures: 0 };
};

/** Pays what the order costs by one tender or two; what is declined is paid by another one, most of the time. */
export const pay = async (talk: Talk): Promise<Paid[]> => {
  const { dice } = talk;
  const total = cents(talk.view?.totals.total ?? '0');
  const parts = total > 200 && dice.chance(0.4) ? [dice.between(1, total - 1)] : [];
  const paid: Paid[] = [];
  for (const [index, minor] of [...parts, total - (parts[0] ?? 0)].entries()) {
    if (minor <= 0) continue;
    // Of an order that ends, the watchdog lets go at the provider, or asks money back: after some seconds.
    const asks = talk.patient || talk.channel.handover === 'at-once' ? [byProvider, byProvider] : [];
    const way = dice.pick([...asks, byWord, atOnce]);
    const one = await way(talk, `p${index}`, minor);
    paid.push(one);
    if (one.authorised + one.captured > 0 || dice.chance(0.2)) continue;
    paid.push(await atOnce(talk, `p${index}-again`, minor));
  }
  return paid;
};
