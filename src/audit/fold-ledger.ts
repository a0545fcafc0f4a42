import type { BlindReturnEvent } from '../domain/blind-return.js';
import type { OrderReturned, OrderShipped, OrderUnits } from '../domain/order-events.js';
import type {
  OrderPaymentCaptured,
  OrderPaymentChargedBack,
  OrderPaymentRefunded,
} from '../domain/payment-events.js';
import type { OrderAllowanceGranted } from '../domain/return-events.js';
import type { EntryPosted, SettlementEvent } from '../domain/settlement.js';
import { comparePositions, type LogPosition, type RecordedEvent } from '../runtime/event-store.js';
import { dayIn } from './calendar.js';
import { settlementText } from './fold-taxes.js';
import { netOf } from './folded-order.js';
import { encodePart } from './ids.js';
import { minorOf } from './money.js';
import type { Violations } from './violations.js';

type Sums = Map<string, bigint>;

/** An event that must have exactly one entry, and what that entry must say: worked out here, not by the poster. */
interface Cause {
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly eventId: string;
  readonly position: LogPosition;
  readonly effectiveAt: string;
  readonly party: string;
  readonly kind: string;
  readonly currency: string;
  readonly postings: string;
  readonly rate: OrderShipped['data']['settlement'];
  posted: boolean;
}

const kindOf = (event: CauseEvent): string => {
  if (event.type === 'OrderShipped') return 'sale';
  if (event.type === 'OrderReturned') return 'return';
  if (event.type === 'OrderAllowanceGranted') return 'allowance';
  if (event.type === 'OrderPaymentCaptured') return 'payment';
  if (event.type === 'OrderPaymentRefunded') return 'refund';
  if (event.type === 'OrderPaymentChargedBack') return 'chargeback';
  return event.data.kind === 'goods' ? 'blind_return' : 'charge_reversal';
};

/** What one day moved, in minor units: one row of the ledger's daily sums. */
export interface FoldedDay {
  readonly party: string;
  readonly currency: string;
  readonly account: string;
  readonly day: string;
  readonly kind: string;
  debit: bigint;
  credit: bigint;
}

const add = (sums: Sums, account: string, minor: bigint): void => {
  sums.set(account, (sums.get(account) ?? 0n) + minor);
};

/** The same text for the same sums: by account, without what comes to nothing. */
const canonical = (sums: Sums): string =>
  [...sums]
    .filter(([, minor]) => minor !== 0n)
    .map(([account, minor]) => `${account} ${minor}`)
    .sort()
    .join('; ');

const accountOf = (
  { kind, account, sku }: Pick<OrderUnits, 'kind' | 'account' | 'sku'>,
  goods: string,
): string => (kind === 'goods' ? goods : `${kind}s:${account || sku}`);

const bookUnits = (
  sums: Sums,
  lines: readonly OrderUnits[],
  currency: string,
  goods: string,
  sign: bigint,
) => {
  for (const line of lines) {
    add(sums, 'receivable', sign * netOf(line, currency));
    add(sums, accountOf(line, goods), -sign * minorOf(line.amount, currency));
    add(sums, 'discounts', sign * minorOf(line.discount, currency));
    if (line.taxes === undefined) add(sums, 'tax', -sign * minorOf(line.tax, currency));
    else
      for (const { kind, amount } of line.taxes) add(sums, `tax:${kind}`, -sign * minorOf(amount, currency));
  }
};

const textOfSettlement = ({
  currency,
  rate,
  source,
  asOf,
  amounts,
}: NonNullable<EntryPosted['settlement']>): string =>
  `${[currency, rate, source, asOf].join(' ')}: ${amounts.join(' ')}`;

type PaymentCause = OrderPaymentCaptured | OrderPaymentRefunded | OrderPaymentChargedBack;
type CauseEvent = OrderShipped | OrderReturned | OrderAllowanceGranted | BlindReturnEvent | PaymentCause;

export const isCause = (recorded: RecordedEvent): recorded is RecordedEvent<CauseEvent> =>
  recorded.event.type === 'OrderShipped' ||
  recorded.event.type === 'OrderReturned' ||
  recorded.event.type === 'OrderAllowanceGranted' ||
  recorded.event.type === 'OrderPaymentCaptured' ||
  recorded.event.type === 'OrderPaymentRefunded' ||
  recorded.event.type === 'OrderPaymentChargedBack' ||
  recorded.event.type === 'BlindReturnRecorded';

const postingsOf = (event: CauseEvent): string => {
  const sums: Sums = new Map();
  const { currency } = event.data;
  if (event.type === 'OrderShipped') bookUnits(sums, event.data.lines, currency, 'sales', 1n);
  else if (event.type === 'OrderReturned') {
    const allowance = minorOf(event.data.allowance, currency);
    bookUnits(sums, event.data.lines, currency, 'returns', -1n);
    add(sums, 'allowances', allowance);
    add(sums, 'receivable', -allowance);
  } else if (event.type === 'OrderAllowanceGranted') {
    const granted = minorOf(event.data.amount, currency);
    add(sums, 'allowances', granted);
    add(sums, 'receivable', -granted);
  } else if (event.type !== 'BlindReturnRecorded') {
    const came = event.type === 'OrderPaymentCaptured' ? 1n : -1n;
    const minor = came * minorOf(event.data.amount, currency);
    add(sums, `clearing:${event.data.tender.kind}`, minor);
    add(sums, 'receivable', -minor);
  } else {
    const credited = minorOf(event.data.amount, currency);
    add(sums, accountOf(event.data, 'returns'), credited);
    add(sums, 'receivable', -credited);
  }
  return canonical(sums);
};

/** The settlement streams, held against what they must follow from. */
export class LedgerFold {
  readonly days = new Map<string, FoldedDay>();
  entries = 0;
  readonly #causes = new Map<string, Cause>();
  readonly #zones = new Map<string, { readonly since: LogPosition; readonly timeZone: string }[]>();
  /** Place of the last cause posted to each settlement stream. */
  readonly #lastCauses = new Map<string, LogPosition>();
  readonly #adjustments = new Set<string>();

  constructor(private readonly violations: Violations) {}

  timeZone(channel: string, since: LogPosition, timeZone: string): void {
    const zones = this.#zones.get(channel) ?? [];
    zones.push({ since, timeZone });
    this.#zones.set(channel, zones);
  }

  /** Time zone of a channel at a place in the log; before its first setting, that one. */
  #zoneAt(party: string, position: LogPosition): string {
    const zones = this.#zones.get(encodePart(party)) ?? [];
    const valid = zones.findLast(({ since }) => comparePositions(since, position) < 0) ?? zones[0];
    return valid?.timeZone ?? 'UTC';
  }

  cause({ event, stream, revision, id, position, metadata }: RecordedEvent<CauseEvent>): void {
    this.#causes.set(`${stream}@${revision}`, {
      stream,
      revision,
      type: event.type,
      eventId: id,
      position,
      effectiveAt: metadata.effectiveAt,
      party: event.data.channel,
      kind: kindOf(event),
      currency: event.data.currency,
      postings: postingsOf(event),
      rate: event.type === 'BlindReturnRecorded' ? undefined : event.data.settlement,
      posted: false,
    });
  }

  apply(recorded: RecordedEvent): void {
    const event = recorded.event as SettlementEvent;
    const { stream } = recorded;
    if (event.type !== 'EntryPosted') {
      this.violations.add('unknown_event', stream, recorded.event.type);
      return;
    }
    const { data } = event;
    this.entries += 1;
    const sums: Sums = new Map();
    let balance = 0n;
    for (const { account, amount } of data.postings) {
      const minor = minorOf(amount, data.currency);
      balance += minor;
      add(sums, account, minor);
      this.#move(data, account, minor);
    }
    if (balance !== 0n) this.violations.add('unbalanced_entry', stream, data.entryId);
    const wrong = (what: string): void =>
      this.violations.add('wrong_entry', stream, `${data.entryId}: ${what}`);
    if (stream !== `settlement-${encodePart(data.party)}~${data.month}`) wrong('another stream');
    if (data.month < data.effectiveDay.slice(0, 7)) wrong('an earlier period');
    if (data.cause !== undefined) this.#follow(stream, data, canonical(sums), wrong);
    else if (data.adjustmentId === undefined)
      this.violations.add('entry_without_cause', stream, data.entryId);
    else {
      const key = `${stream}\n${data.adjustmentId}`;
      if (this.#adjustments.has(key)) this.violations.add('adjustment_twice', stream, data.adjustmentId);
      this.#adjustments.add(key);
    }
  }

  #follow(stream: string, data: EntryPosted, postings: string, wrong: (what: string) => void): void {
    const { cause: named } = data;
    if (named === undefined) return;
    const cause = this.#causes.get(`${named.stream}@${named.revision}`);
    if (cause === undefined || cause.eventId !== named.id || cause.type !== named.type) {
      this.violations.add('entry_without_cause', stream, data.entryId);
      return;
    }
    if (cause.posted) this.violations.add('cause_posted_twice', stream, data.entryId);
    cause.posted = true;
    if (data.party !== cause.party) wrong(`party ${data.party}, not ${cause.party}`);
    if (data.kind !== cause.kind) wrong(`kind ${data.kind}, not ${cause.kind}`);
    if (data.currency !== cause.currency) wrong(`currency ${data.currency}, not ${cause.currency}`);
    const settled = settlementText(data.postings, data.currency, cause.rate);
    const says = data.settlement && textOfSettlement(data.settlement);
    if (says !== settled) wrong(`settled ${says}, should be ${settled}`);
    if (postings !== cause.postings) wrong(`posts ${postings}, should post ${cause.postings}`);
    if (data.effectiveAt !== cause.effectiveAt) wrong(`of ${data.effectiveAt}, not ${cause.effectiveAt}`);
    const day = dayIn(this.#zoneAt(cause.party, cause.position), cause.effectiveAt);
    if (data.effectiveDay !== day) wrong(`day ${data.effectiveDay}, not ${day}`);
    const last = this.#lastCauses.get(stream);
    if (last !== undefined && comparePositions(last, cause.position) >= 0) {
      this.violations.add('cause_out_of_order', stream, data.entryId);
    } else this.#lastCauses.set(stream, cause.position);
  }

  #move({ party, currency, effectiveDay: day, kind }: EntryPosted, account: string, minor: bigint): void {
    const key = JSON.stringify([party, currency, account, day, kind]);
    let sum = this.days.get(key);
    if (sum === undefined) {
      sum = { party, currency, account, day, kind, debit: 0n, credit: 0n };
      this.days.set(key, sum);
    }
    if (minor > 0n) sum.debit += minor;
    else sum.credit -= minor;
  }

  /**
   * Events without an entry: how many the poster has yet to come to. One that later events of the same period have overtaken
   * is a violation.
   */
  unposted(): number {
    let waiting = 0;
    for (const { posted, party, position, effectiveAt, stream, revision, type } of this.#causes.values()) {
      if (posted) continue;
      const month = dayIn(this.#zoneAt(party, position), effectiveAt).slice(0, 7);
      const last = this.#lastCauses.get(`settlement-${encodePart(party)}~${month}`);
      if (last === undefined || comparePositions(last, position) < 0) waiting += 1;
      else this.violations.add('cause_skipped', stream, `${type} at revision ${revision}`);
    }
    return waiting;
  }
}
