import type { PaymentProvider, ProviderAnswer, ProviderCall } from '../../processes/payment-provider.js';
import type { Database, Queryable } from '../../runtime/database.js';

/**
 * A provider for trials and tests that moves no money. What it was asked for is in a PostgreSQL schema of its own, so it knows a call again
 * after a restart, as a real one does. It does what it is asked, but for references of tenders that say otherwise:
 *
 *     decline                  declines every authorisation: card_declined
 *     decline:<code>           ... with this code
 *     decline-capture          authorises, and declines captures: capture_declined
 *     decline-refund           declines refunds: refund_declined
 *     late                     the first answer to every call is that nothing is known yet; the second tells
 *     lost                     does what it is asked, and the first answer to every call is lost on the way: an error
 *
 * It declines what a real one would: more than was authorised, what is voided, more than was captured.
 */
export const TRIAL_PROVIDER = 'trial';

/** Made when it is first asked: who never tries it has no such schema. */
const CREATE = `
CREATE SCHEMA IF NOT EXISTS trial_payments;
CREATE TABLE IF NOT EXISTS trial_payments.calls (
  id       text COLLATE "C" PRIMARY KEY,
  payment  text COLLATE "C" NOT NULL,
  -- authorise, capture, refund, void
  kind     text NOT NULL,
  amount   numeric NOT NULL,
  currency text NOT NULL,
  -- done, declined
  status   text NOT NULL,
  code     text,
  asked    integer NOT NULL,
  made_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS calls_by_payment ON trial_payments.calls (payment)`;

/** Any constant will do: two at once must not make the same schema. */
const CREATE_LOCK = 7_305_810;

type Kind = 'authorise' | 'capture' | 'refund' | 'void';

/** What was done for a payment so far; amounts as exact decimals of PostgreSQL. */
interface Done {
  readonly voided: boolean;
  readonly authorised: boolean;
  /** Whether so much more may be captured, or given back. */
  readonly may_capture: boolean;
  readonly may_refund: boolean;
}

const DONE = `
SELECT count(*) FILTER (WHERE kind = 'void') > 0 AS voided,
  count(*) FILTER (WHERE kind = 'authorise') > 0 AS authorised,
  coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) + $2::numeric
    <= coalesce(sum(amount) FILTER (WHERE kind = 'authorise'), 0) AS may_capture,
  coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) + $2::numeric
    <= coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS may_refund
FROM trial_payments.calls WHERE payment = $1 AND status = 'done'`;

/** Why it is declined; undefined when it is done. */
const refusalOf = (kind: Kind, reference: string, done: Done): string | undefined => {
  if (kind === 'void') return undefined;
  if (kind === 'authorise') {
    if (done.voided) return 'voided';
    if (reference !== 'decline' && !reference.startsWith('decline:')) return undefined;
    return reference.slice('decline:'.length) || 'card_declined';
  }
  if (kind === 'capture') {
    if (reference === 'decline-capture') return 'capture_declined';
    if (!done.authorised) return 'not_authorised';
    if (done.voided) return 'voided';
    return done.may_capture ? undefined : 'exceeds_authorised';
  }
  if (reference === 'decline-refund') return 'refund_declined';
  return done.may_refund ? undefined : 'exceeds_captured';
};

interface Recorded {
  readonly status: 'done' | 'declined';
  readonly code: string | null;
  readonly asked: number;
}

const SAID = `
UPDATE trial_payments.calls SET asked = asked + 1 WHERE id = $1 RETURNING status, code, asked`;
const RECORD = `
INSERT INTO trial_payments.calls (id, payment, kind, amount, currency, status, code, asked)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING status, code, asked`;

const recordIn = async (tx: Queryable, kind: Kind, call: ProviderCall): Promise<Recorded> => {
  const { id, payment, amount, currency, tender } = call;
  // Two calls about one payment wait for each other.
  await tx.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [CREATE_LOCK, payment]);
  const known = (await tx.query<Recorded>(SAID, [id])).rows[0];
  if (known !== undefined) return known;
  const done = (await tx.query<Done>(DONE, [payment, amount])).rows[0];
  const code = done === undefined ? undefined : refusalOf(kind, tender.reference ?? '', done);
  const status = code === undefined ? 'done' : 'declined';
  const { rows } = await tx.query<Recorded>(RECORD, [
    id,
    payment,
    kind,
    amount,
    currency,
    status,
    code ?? null,
  ]);
  return rows[0] ?? { status, code: code ?? null, asked: 1 };
};

/** The answer was lost on the way, as the reference `lost` wants it. */
export class TrialAnswerLost extends Error {
  readonly code = 'trial_answer_lost';
  constructor(id: string) {
    super(`the answer to ${id} was lost on the way`);
    this.name = 'TrialAnswerLost';
  }
}

export const createTrialProvider = (db: Database): PaymentProvider => {
  let created: Promise<unknown> | undefined;
  const make = (): Promise<unknown> =>
    db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [CREATE_LOCK]);
      await tx.query(CREATE);
    });

  const run = async (kind: Kind, call: ProviderCall): Promise<ProviderAnswer> => {
    created ??= make();
    await created.catch((error: unknown) => {
      created = undefined;
      throw error;
    });
    const { status, code, asked } = await db.transaction((tx) => recordIn(tx, kind, call));
    const { reference = '' } = call.tender;
    if (asked === 1 && reference === 'late') return { status: 'unknown' };
    if (asked === 1 && reference === 'lost') throw new TrialAnswerLost(call.id);
    if (status === 'done') return { status };
    return { status, code: code ?? 'declined', reason: `the trial provider declines: ${code}` };
  };

  return {
    name: TRIAL_PROVIDER,
    authorise: (call) => run('authorise', call),
    capture: (call) => run('capture', call),
    refund: (call) => run('refund', call),
    void: async (call) => {
      const answer = await run('void', call);
      return answer.status === 'declined' ? { status: 'unknown' } : answer;
    },
  };
};
