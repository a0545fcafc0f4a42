import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import { amountOf } from '../../src/domain/money.js';
import {
  type Entry,
  type SettlementCommand,
  type SettlementEvent,
  settlement,
} from '../../src/domain/settlement.js';
import { badDebtLegs, classOf, isAccount, toPostings } from '../../src/domain/settlement-accounts.js';
import { bookingOf } from '../../src/domain/settlement-entry.js';
import { dayIn, monthOf, settlementIdOf, settlementOf } from '../../src/domain/settlement-period.js';
import { given } from '../support/decider-spec.js';
import { isCause, live, orderLife, undo } from './settlement-orders.js';

const entry = (more: Partial<Entry> = {}): Entry => ({
  party: 'web',
  month: '2026-01',
  kind: 'sale',
  effectiveAt: '2026-01-15T12:00:00Z',
  effectiveDay: '2026-01-15',
  currency: 'GBP',
  reference: { orderId: 'web~1', shipmentId: 's1' },
  legs: [
    { account: 'receivable', minor: 1200n },
    { account: 'sales', minor: -1000n },
    { account: 'tax', minor: -200n },
  ],
  ...more,
});

const post = (
  at: number,
  after: number | null,
  more: Partial<Entry> = {},
): SettlementCommand & { type: 'post' } => ({
  type: 'post',
  cause: {
    id: `event-${at}`,
    type: 'OrderShipped',
    stream: 'order-web~1',
    revision: at,
    commit: `${at}`,
    prepare: `${at}`,
  },
  after: after === null ? null : { commit: BigInt(after), prepare: BigInt(after) },
  entry: entry(more),
});

const adjust = (more: Partial<Entry> = {}, adjustmentId = 'a1'): SettlementCommand => ({
  type: 'adjust',
  adjustmentId,
  entry: entry({ kind: 'write_off', reason: 'insolvent', legs: badDebtLegs(500n), reference: {}, ...more }),
});

const posted = (command: SettlementCommand & { type: 'post' }): SettlementEvent => {
  const { legs, settlement: _, ...rest } = command.entry;
  const { cause } = command;
  const postings = toPostings(legs, rest.currency);
  const entryId = `${cause.stream}@${cause.revision}`;
  return { type: 'EntryPosted', data: { entryId, ...rest, postings, cause } };
};

describe('posting causes', () => {
  test('a cause becomes one entry with its amounts as signed decimals, and posting it again yields nothing', () => {
    const state = given(settlement)
      .when(post(10, null))
      .thenEvents({
        type: 'EntryPosted',
        data: {
          entryId: 'order-web~1@10',
          party: 'web',
          month: '2026-01',
          kind: 'sale',
          effectiveAt: '2026-01-15T12:00:00Z',
          effectiveDay: '2026-01-15',
          currency: 'GBP',
          reference: { orderId: 'web~1', shipmentId: 's1' },
          postings: [
            { account: 'receivable', amount: '12.00' },
            { account: 'sales', amount: '-10.00' },
            { account: 'tax', amount: '-2.00' },
          ],
          cause: post(10, null).cause,
        },
      });
    expect(state.lastCause).toEqual({ commit: 10n, prepare: 10n });
  });

  test('a cause at or before the last one is posted already, whatever it says', () => {
    const at20 = given(settlement, posted(post(10, null)), posted(post(20, 10)));
    at20.when(post(10, null)).thenNothing();
    at20.when(post(15, 10, { legs: [{ account: 'sales', minor: 1n }] })).thenNothing();
  });

  test('a cause is refused while the one before it is not posted', () => {
    given(settlement).when(post(20, 10)).thenRejected('cause_skipped');
    const at10 = given(settlement, posted(post(10, null)));
    at10.when(post(30, 20)).thenRejected('cause_skipped');
    at10.when(post(30, 10)).thenEvents(posted(post(30, 10)));
    at10.when(post(30, 5)).thenEvents(posted(post(30, 5)));
  });

  test('events of one append share their commit position and are still two causes', () => {
    const second = post(10, 10);
    const command = { ...second, cause: { ...second.cause, prepare: '11', revision: 11 } };
    given(settlement, posted(post(10, null)))
      .when(command)
      .thenEvents(posted(command));
  });

  test('an entry where nothing was paid has no postings and still counts as posted', () => {
    const free = post(10, null, { legs: [{ account: 'receivable', minor: 0n }] });
    const state = given(settlement).when(free).thenEvents(posted(free));
    expect(posted(free).data.postings).toEqual([]);
    expect(state.lastCause?.commit).toBe(10n);
  });

  test.each([
    ['unbalanced', { legs: [{ account: 'sales', minor: -1n }] }],
    ['unknown_account', { legs: [{ account: 'sale' as 'sales', minor: 0n }] }],
    ['invalid_currency', { currency: 'XXZ' }],
    ['wrong_period', { effectiveDay: '2026-02-01' }],
  ] as const)('refuses as %s what may never be in the ledger', (code, more) => {
    given(settlement)
      .when(post(10, null, more))
      .thenRejected(code);
  });

  test('a late fact may be posted to a later month, and a month holds one party only', () => {
    const late = post(10, null, { effectiveDay: '2025-12-31' });
    given(settlement).when(late).thenEvents(posted(late));
    given(settlement, posted(late))
      .when(post(20, 10, { party: 'shop' }))
      .thenRejected('wrong_period');
  });
});

describe('adjusting', () => {
  const adjusted: SettlementEvent = {
    type: 'EntryPosted',
    data: {
      entryId: 'adjustment-web~2026-01~a1',
      party: 'web',
      month: '2026-01',
      kind: 'write_off',
      effectiveAt: '2026-01-15T12:00:00Z',
      effectiveDay: '2026-01-15',
      currency: 'GBP',
      reference: {},
      reason: 'insolvent',
      postings: [
        { account: 'bad_debt', amount: '5.00' },
        { account: 'receivable', amount: '-5.00' },
      ],
      adjustmentId: 'a1',
    },
  };

  test('an adjustment is posted once by its id', () => {
    given(settlement).when(adjust()).thenEvents(adjusted);
    const again = given(settlement, adjusted);
    again.when(adjust({ legs: badDebtLegs(501n) })).thenRejected('id_reused');
    again.when(adjust({ reason: 'fraud' })).thenRejected('id_reused');
    again.when(adjust({}, 'a2')).thenEvents({
      ...adjusted,
      data: { ...adjusted.data, entryId: 'adjustment-web~2026-01~a2', adjustmentId: 'a2' },
    });
  });

  test('an adjustment between two causes leaves their order alone', () => {
    const between = given(settlement, posted(post(10, null)), adjusted);
    between.when(post(10, null)).thenNothing();
    between.when(post(20, 10)).thenEvents(posted(post(20, 10)));
  });

  test('an adjustment must balance too', () => {
    given(settlement)
      .when(adjust({ legs: [{ account: 'bad_debt', minor: 1n }] }))
      .thenRejected('unbalanced');
  });
});

describe('the chart of accounts', () => {
  test('knows single accounts and families with a name behind the colon', () => {
    expect(['receivable', 'charges:postage', 'vouchers:gift:10'].every(isAccount)).toBe(true);
    expect(['', 'charges', 'charges:', 'salesx', 'sales:a', '__proto__', 'toString:x'].some(isAccount)).toBe(
      false,
    );
    expect(classOf('vouchers:gift')).toBe('liability');
  });

  test('postings of one account are one posting, and what cancels out is none', () => {
    const legs = [
      { account: 'receivable', minor: 5n },
      { account: 'tax', minor: 3n },
      { account: 'receivable', minor: -7n },
      { account: 'tax', minor: -3n },
      { account: 'sales', minor: 2n },
    ] as const;
    expect(toPostings(legs, 'JPY')).toEqual([
      { account: 'receivable', amount: '-2' },
      { account: 'sales', amount: '2' },
    ]);
  });
});

describe('days and months', () => {
  test.each([
    ['Europe/London', '2011-07-31T22:59:59Z', '2011-07-31'],
    ['Europe/London', '2011-07-31T23:00:00Z', '2011-08-01'],
    ['Europe/London', '2011-12-31T23:59:59Z', '2011-12-31'],
    ['America/New_York', '2012-01-01T04:59:00Z', '2011-12-31'],
    ['Pacific/Kiritimati', '2011-12-31T10:00:00Z', '2012-01-01'],
    ['Pacific/Kiritimati', '9999-12-31T23:00:00Z', '9999-12-31'],
    ['Asia/Kathmandu', '2026-03-01T18:15:00.000Z', '2026-03-02'],
  ])('in %s %s is on %s', (zone, instant, day) => {
    expect(dayIn(zone, instant)).toBe(day);
    expect(monthOf(day)).toBe(day.slice(0, 7));
  });

  test('a settlement is known by party and month, whatever the party is called', () => {
    expect(settlementIdOf('web', '2011-08')).toBe('web~2011-08');
    expect(settlementOf(settlementIdOf('a~b-c %', '2011-08'))).toEqual({
      party: 'a~b-c %',
      month: '2011-08',
    });
  });

  test('what is no time and what is no zone is an error', () => {
    expect(() => dayIn('Europe/London', 'yesterday')).toThrow(RangeError);
    expect(() => dayIn('Europe/Nowhere', '2011-07-31T22:59:59Z')).toThrow(RangeError);
  });
});

describe('what events come to', () => {
  const data = {
    channel: 'web',
    currency: 'GBP',
    lines: [
      { lineId: '1', kind: 'goods', sku: 'A', quantity: 2, amount: '20.00', discount: '2.00', tax: '3.60' },
      {
        lineId: '2',
        kind: 'charge',
        sku: 'POST',
        account: 'postage',
        quantity: 1,
        amount: '3.00',
        discount: '0.00',
        tax: '0.60',
      },
      {
        lineId: '3',
        kind: 'voucher',
        sku: 'GIFT',
        quantity: 1,
        amount: '10.00',
        discount: '0.00',
        tax: '0.00',
      },
    ],
  } as const;
  const lines = [...data.lines];

  test('a shipment owes its goods, charges, vouchers and tax less its discount', () => {
    const { legs, ...rest } = bookingOf(
      { type: 'OrderShipped', data: { ...data, lines, shipmentId: 's1' } },
      'web~1',
    );
    expect(rest).toEqual({
      party: 'web',
      kind: 'sale',
      currency: 'GBP',
      reference: { orderId: 'web~1', shipmentId: 's1' },
    });
    expect(toPostings(legs, 'GBP')).toEqual([
      { account: 'receivable', amount: '35.20' },
      { account: 'sales', amount: '-20.00' },
      { account: 'charges:postage', amount: '-3.00' },
      { account: 'vouchers:GIFT', amount: '-10.00' },
      { account: 'discounts', amount: '2.00' },
      { account: 'tax', amount: '-4.20' },
    ]);
  });

  test('a return gives the shares back, and what it credits beyond or below them is an allowance', () => {
    const returned = { ...data, lines, returnId: 'r1', note: 'C1', reason: 'broken', allowance: '-0.20' };
    const { legs, reference } = bookingOf({ type: 'OrderReturned', data: returned }, 'web~1');
    expect(reference).toEqual({ orderId: 'web~1', returnId: 'r1', note: 'C1' });
    expect(toPostings(legs, 'GBP')).toEqual([
      { account: 'receivable', amount: '-35.00' },
      { account: 'returns', amount: '20.00' },
      { account: 'charges:postage', amount: '3.00' },
      { account: 'vouchers:GIFT', amount: '10.00' },
      { account: 'discounts', amount: '-2.00' },
      { account: 'tax', amount: '4.20' },
      { account: 'allowances', amount: '-0.20' },
    ]);
  });

  test.each([
    ['goods', undefined, 'blind_return', 'returns'],
    ['charge', 'postage', 'charge_reversal', 'charges:postage'],
    ['charge', '', 'charge_reversal', 'charges:X'],
    ['voucher', undefined, 'charge_reversal', 'vouchers:X'],
  ] as const)('a credited %s without an order goes to its own account', (kind, account, entryKind, to) => {
    const line = { channel: 'web', note: 'C2', lineId: '4', kind, sku: 'X', quantity: 3, reason: 'late' };
    const booking = bookingOf(
      {
        type: 'BlindReturnRecorded',
        data: { ...line, currency: 'GBP', amount: '7.50', ...(account === undefined ? {} : { account }) },
      },
      'web~C2',
    );
    expect(booking.kind).toBe(entryKind);
    expect(booking.reference).toEqual({ note: 'C2', lineId: '4' });
    expect(toPostings(booking.legs, 'GBP')).toEqual([
      { account: to, amount: '7.50' },
      { account: 'receivable', amount: '-7.50' },
    ]);
  });
});

describe('whatever an order goes through', () => {
  /** Posts every cause and answers with the sums by account. */
  const settle = (events: readonly Parameters<typeof isCause>[0][]): Map<string, bigint> => {
    const sums = new Map<string, bigint>();
    let state = settlement.initialState;
    let last: number | null = null;
    for (const [index, cause] of events.entries()) {
      if (!isCause(cause)) continue;
      const command: SettlementCommand = post(index + 1, last, bookingOf(cause, 'web~1001'));
      last = index + 1;
      const decision = settlement.decide(command, state);
      if (isRejection(decision)) throw new Error(decision.message);
      for (const event of decision) {
        state = settlement.evolve(state, event);
        let sum = 0n;
        for (const { account, amount } of event.data.postings) {
          const minor = amountOf(amount, 'GBP');
          sum += minor;
          sums.set(account, (sums.get(account) ?? 0n) + minor);
        }
        expect(sum).toBe(0n);
      }
      expect(settlement.decide(command, state)).toEqual([]);
    }
    return sums;
  };

  test('every entry balances, posts once, and what is owed is what was shipped less what was credited', () => {
    fc.assert(
      fc.property(orderLife({ credited: true }), (life) => {
        const { events } = live(life);
        const sums = settle(events);
        let owed = 0n;
        for (const event of events.filter(isCause)) {
          const sign = event.type === 'OrderShipped' ? 1n : -1n;
          for (const { amount, discount, tax } of event.data.lines) {
            owed += sign * (amountOf(amount, 'GBP') - amountOf(discount, 'GBP') + amountOf(tax, 'GBP'));
          }
          if (event.type === 'OrderReturned') owed -= amountOf(event.data.allowance, 'GBP');
        }
        expect(sums.get('receivable') ?? 0n).toBe(owed);
      }),
      { numRuns: 300 },
    );
  });

  test('when everything came back nothing is owed, and all that was sold stands against what was returned', () => {
    fc.assert(
      fc.property(orderLife({ credited: false }), (life) => {
        const sums = settle(undo(live(life)));
        const { sales = 0n, returns = 0n, ...rest } = Object.fromEntries(sums);
        expect(sales + returns).toBe(0n);
        expect(Object.values(rest).every((sum) => sum === 0n)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
