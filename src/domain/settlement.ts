import { Map as PersistentMap } from 'immutable';
import { z } from 'zod';
import { type Decider, type Decision, type DomainEvent, type Rejection, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { amountOf, formatAmount, isCurrency } from './money.js';
import { recordedId } from './schemas.js';
import {
  isAccount,
  type Leg,
  ledgerAmount,
  type Posting,
  posting,
  toPostings,
} from './settlement-accounts.js';
import { monthOf } from './settlement-period.js';
import { type SettlementRate, settledAmounts, settlementRate } from './settlement-rate.js';
import { joinId } from './stream-id.js';

/**
 * The double-entry journal of one party and month. Two ways in: the poster posts causes (events of other streams, in log order),
 * people post adjustments by id. Never an unbalanced entry, never a cause twice, never a cause left out.
 *
 * Causes come in log order, so the state needs to remember the last one only: what is at or before it is posted. That alone
 * would lose a cause whose command failed while a later one went through, so each command names the cause before its own, and
 * is refused (`cause_skipped`) while that one is not there.
 */
export const ENTRY_KINDS = [
  'sale',
  'return',
  'blind_return',
  'charge_reversal',
  'allowance',
  'payment',
  'refund',
  'chargeback',
  'write_off',
  'adjustment',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** A place in the log, as decimal strings. */
const place = z.object({ commit: z.string().regex(/^\d{1,20}$/), prepare: z.string().regex(/^\d{1,20}$/) });

const cause = place.extend({
  /** Id, type and place of the event that this entry follows from. */
  id: recordedId,
  type: recordedId,
  stream: recordedId,
  revision: z.int().min(0),
});

const reference = z.object({
  /** Stream id of the order. */
  orderId: recordedId.optional(),
  shipmentId: recordedId.optional(),
  returnId: recordedId.optional(),
  paymentId: recordedId.optional(),
  /** Credit note. */
  note: recordedId.optional(),
  /** Line of the credit note, or of the order that an allowance is for. */
  lineId: recordedId.optional(),
  /** What an adjustment refers to, in somebody's own words; the id of an allowance. */
  document: recordedId.optional(),
});

const entryPosted = z.object({
  /** The same whenever the same fact is posted again from the same log: `order-web~1@3`, `adjustment-web~2011-08~A1`. */
  entryId: recordedId,
  party: recordedId,
  /** The period it is posted to, `YYYY-MM`: of its effective day, or a later one. */
  month: z.string().regex(/^\d{4}-\d{2}$/),
  kind: z.enum(ENTRY_KINDS),
  /** None for an adjustment. */
  cause: cause.optional(),
  adjustmentId: recordedId.optional(),
  /** When it happened in the world, and the party's day at that time. */
  effectiveAt: z.string(),
  effectiveDay: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  currency: z.string(),
  reference,
  reason: z.string().optional(),
  /** Sum to zero. None where nothing was paid. */
  postings: z.array(posting),
  /** What the postings come to, in their order, in the currency that the order is settled in; they sum to zero too. */
  settlement: settlementRate.extend({ amounts: z.array(ledgerAmount) }).optional(),
});

export const settlementEvents = [defineEvent({ type: 'EntryPosted', version: 1, schema: entryPosted })];

export type EntryPosted = z.infer<typeof entryPosted>;
export type EntryCause = z.infer<typeof cause>;
export type EntryReference = z.infer<typeof reference>;
export type SettlementEvent = DomainEvent<'EntryPosted', EntryPosted>;

/** What is to be posted, with its amounts still in minor units. */
export interface Entry {
  readonly party: string;
  readonly month: string;
  readonly kind: EntryKind;
  readonly effectiveAt: string;
  readonly effectiveDay: string;
  readonly currency: string;
  readonly reference: EntryReference;
  readonly reason?: string | undefined;
  readonly settlement?: SettlementRate | undefined;
  readonly legs: readonly Leg[];
}

/** As {@link place}, comparable. */
export interface CausePlace {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export type SettlementCommand =
  /**
   * Posts what follows from an event; nothing when that is posted already. `after` is the cause before it that belongs to
   * this stream; null says that the poster has just started and cannot know. Rejection: `cause_skipped`.
   */
  | {
      readonly type: 'post';
      readonly cause: EntryCause;
      readonly after: CausePlace | null;
      readonly entry: Entry;
    }
  /**
   * Bad debt and corrections by hand; `adjustmentId` once per party and month. Rejections: `id_reused`, and as for every
   * entry `unbalanced`, `unknown_account`, `invalid_currency`, `wrong_period`.
   */
  | { readonly type: 'adjust'; readonly adjustmentId: string; readonly entry: Entry };

export interface SettlementState {
  /** Of the first entry; null while there is none. */
  readonly period: { readonly party: string; readonly month: string } | null;
  readonly lastCause: CausePlace | null;
  /** Adjustment id to what was posted under it. */
  readonly adjustments: PersistentMap<string, string>;
}

export const compareCauses = (a: CausePlace, b: CausePlace): number => {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  return a.prepare === b.prepare ? 0 : a.prepare < b.prepare ? -1 : 1;
};

export const placeOf = ({ commit, prepare }: z.infer<typeof place>): CausePlace => ({
  commit: BigInt(commit),
  prepare: BigInt(prepare),
});

const refusalOf = ({ party, month, ...entry }: Entry, { period }: SettlementState): Rejection | undefined => {
  if (period !== null && (period.party !== party || period.month !== month)) {
    return reject('wrong_period', `this is the ledger of ${period.party} for ${period.month}`);
  }
  if (month < monthOf(entry.effectiveDay)) {
    return reject('wrong_period', `${entry.effectiveDay} is after ${month}`);
  }
  if (!isCurrency(entry.currency)) return reject('invalid_currency', `no currency ${entry.currency}`);
  const stranger = entry.legs.find(({ account }) => !isAccount(account));
  if (stranger !== undefined) return reject('unknown_account', `no account ${stranger.account}`);
  const sum = entry.legs.reduce((total, { minor }) => total + minor, 0n);
  if (sum !== 0n) return reject('unbalanced', `the postings sum to ${sum} minor units, not to zero`);
  return undefined;
};

const settled = (postings: readonly Posting[], from: string, rate: SettlementRate) => {
  const minors = postings.map(({ amount }) => amountOf(amount, from));
  return settledAmounts(minors, from, rate).map((minor) => formatAmount(minor, rate.currency));
};

const posted = (entryId: string, { legs, reason, settlement: rate, ...entry }: Entry): EntryPosted => {
  const postings = toPostings(legs, entry.currency);
  return {
    entryId,
    ...entry,
    ...(reason === undefined ? {} : { reason }),
    postings,
    ...(rate === undefined
      ? {}
      : { settlement: { ...rate, amounts: settled(postings, entry.currency, rate) } }),
  };
};

const contentOf = (entry: EntryPosted): string => JSON.stringify(entryPosted.parse(entry));

const decidePost = (
  { cause: from, after, entry }: SettlementCommand & { type: 'post' },
  state: SettlementState,
): Decision<SettlementEvent> => {
  const { lastCause } = state;
  if (lastCause !== null && compareCauses(placeOf(from), lastCause) <= 0) return [];
  if (after !== null && (lastCause === null || compareCauses(lastCause, after) < 0)) {
    return reject('cause_skipped', `the cause before ${from.stream}@${from.revision} is not posted`);
  }
  const refusal = refusalOf(entry, state);
  if (refusal !== undefined) return refusal;
  const data = { ...posted(`${from.stream}@${from.revision}`, entry), cause: from };
  return [{ type: 'EntryPosted', data }];
};

const decideAdjust = (
  { adjustmentId, entry }: SettlementCommand & { type: 'adjust' },
  state: SettlementState,
): Decision<SettlementEvent> => {
  const refusal = refusalOf(entry, state);
  if (refusal !== undefined) return refusal;
  const entryId = `adjustment-${joinId(entry.party, entry.month, adjustmentId)}`;
  const data = { ...posted(entryId, entry), adjustmentId };
  const before = state.adjustments.get(adjustmentId);
  if (before === undefined) return [{ type: 'EntryPosted', data }];
  return before === contentOf(data)
    ? []
    : reject('id_reused', `adjustment ${adjustmentId} was posted with other content`);
};

export const settlement: Decider<SettlementCommand, SettlementEvent, SettlementState> = {
  category: 'settlement',
  stateVersion: 1,
  initialState: { period: null, lastCause: null, adjustments: PersistentMap() },
  decide: (command, state) =>
    command.type === 'post' ? decidePost(command, state) : decideAdjust(command, state),
  evolve: (state, { data }) => ({
    period: state.period ?? { party: data.party, month: data.month },
    lastCause: data.cause === undefined ? state.lastCause : placeOf(data.cause),
    adjustments:
      data.adjustmentId === undefined
        ? state.adjustments
        : state.adjustments.set(data.adjustmentId, contentOf(data)),
  }),
};
