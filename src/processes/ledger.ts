import { channel } from '../domain/channel.js';
import { type Rejection, reject } from '../domain/decider.js';
import { isCurrency, parseAmount } from '../domain/money.js';
import { type Entry, type EntryPosted, type EntryReference, settlement } from '../domain/settlement.js';
import { isAccount, type Leg } from '../domain/settlement-accounts.js';
import { dayIn, monthOf, settlementIdOf } from '../domain/settlement-period.js';
import { joinId } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import type { LogPosition } from '../runtime/event-store.js';

/** An entry by hand, dated by its command's effective time. */
export interface LedgerPosting {
  /** Once per channel and month. */
  readonly adjustmentId: string;
  readonly channel: string;
  /** `write_off` for debt that will not be paid, `adjustment` (the default) for everything else. */
  readonly kind?: 'write_off' | 'adjustment';
  readonly currency: string;
  readonly reason: string;
  /** What it refers to, in somebody's own words. */
  readonly document?: string;
  /** Signed decimal strings, debit positive; they must sum to zero. */
  readonly postings: readonly { readonly account: string; readonly amount: string }[];
}

/** An entry between what the party owes and one other account. */
export type ReceivableAdjustment = Omit<LedgerPosting, 'postings' | 'kind'> & {
  /** Of what the party owes: a negative one lowers it. */
  readonly amount: string;
  readonly account: string;
};

export type LedgerAnswer = { readonly position: LogPosition } & (
  | { readonly status: 'accepted'; readonly replayed: boolean; readonly entry: EntryPosted | undefined }
  | { readonly status: 'rejected'; readonly rejection: Rejection }
);

export interface Ledger {
  /**
   * Rejections: `unknown_channel`, `invalid_currency`, `invalid_amount`, `unknown_account`, `unbalanced`, `id_reused`,
   * `empty_entry`. `entry` is undefined where it was posted before.
   */
  adjust(posting: LedgerPosting, context: CommandContext): Promise<LedgerAnswer>;
  /** As {@link adjust}; to `bad_debt` it is a write-off. */
  adjustReceivable(adjustment: ReceivableAdjustment, context: CommandContext): Promise<LedgerAnswer>;
}

const legsOf = ({ postings, currency }: LedgerPosting): readonly Leg[] | Rejection => {
  if (!isCurrency(currency)) return reject('invalid_currency', `no currency ${currency}`);
  const legs: Leg[] = [];
  for (const { account, amount } of postings) {
    const minor = parseAmount(amount, currency);
    if (minor === undefined) return reject('invalid_amount', `${amount} is not an amount of ${currency}`);
    if (!isAccount(account)) return reject('unknown_account', `no account ${account}`);
    legs.push({ account, minor });
  }
  return legs.some(({ minor }) => minor !== 0n) ? legs : reject('empty_entry', 'it posts nothing');
};

const isRefusal = (legs: readonly Leg[] | Rejection): legs is Rejection => 'code' in legs;

/** Entries that follow from no event. What does follow from one is the poster's. */
export const createLedger = (bus: CommandBus): Ledger => {
  const adjust = async (posting: LedgerPosting, context: CommandContext): Promise<LedgerAnswer> => {
    const { state: settings, position } = await bus.load(channel, joinId(posting.channel));
    if (settings === null) {
      const rejection = reject('unknown_channel', `there is no channel ${posting.channel}`);
      return { status: 'rejected', rejection, position };
    }
    const legs = legsOf(posting);
    if (isRefusal(legs)) return { status: 'rejected', rejection: legs, position };
    const { adjustmentId, channel: party, kind = 'adjustment', currency, reason, document } = posting;
    const effectiveDay = dayIn(settings.timeZone, context.effectiveAt);
    const month = monthOf(effectiveDay);
    const reference: EntryReference = document === undefined ? {} : { document };
    const when = { effectiveAt: context.effectiveAt, effectiveDay };
    const entry: Entry = { party, month, kind, ...when, currency, reference, reason, legs };
    const id = settlementIdOf(party, month);
    const result = await bus.execute(settlement, id, { type: 'adjust', adjustmentId, entry }, context);
    if (result.status === 'rejected') {
      return { status: 'rejected', rejection: result.rejection, position: result.position };
    }
    const replayed = result.replayed || result.events.length === 0;
    return { status: 'accepted', replayed, entry: result.events[0]?.data, position: result.position };
  };

  return {
    adjust,
    adjustReceivable: ({ amount, account, ...rest }, context) => {
      const other = amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
      return adjust(
        {
          ...rest,
          kind: account === 'bad_debt' ? 'write_off' : 'adjustment',
          postings: [
            { account: 'receivable', amount },
            { account, amount: other },
          ],
        },
        context,
      );
    },
  };
};
