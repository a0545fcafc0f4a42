import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatAmount } from '../../src/domain/money.js';
import { ENTRY_KINDS, type EntryPosted } from '../../src/domain/settlement.js';
import { ledger } from '../../src/projections/ledger.js';
import { type BalanceFilter, balances, trialBalance } from '../../src/projections/ledger-balances.js';
import { type EntryFilter, type LedgerEntry, listEntries } from '../../src/projections/ledger-entries.js';
import { ledgerMonths } from '../../src/projections/ledger-months.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';

const TIMEOUT_MS = 60_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await database.db.query(ledger.create);
}, TIMEOUT_MS);
afterAll(() => database.drop());

type Posted = RecordedEvent & { readonly event: { readonly data: EntryPosted } };

const RECORDED_FROM = Date.parse('2026-06-01T00:00:00Z');
const minorOf = (amount: string): bigint => BigInt(amount.replace('.', ''));

const anEntry = fc.record({
  party: fc.constantFrom('web', 'shop'),
  kind: fc.constantFrom(...ENTRY_KINDS),
  currency: fc.constantFrom('GBP', 'JPY'),
  account: fc.constantFrom(
    'sales',
    'tax',
    'charges:postage',
    'vouchers:gift',
    'returns',
    'discounts',
    'clearing:card',
  ),
  minor: fc.bigInt({ min: -5_000n, max: 5_000n }),
  /** Hours after the start of 2026; the day of the party may be a day off. */
  hours: fc.integer({ min: 0, max: 24 * 90 }),
  dayOff: fc.constantFrom(-1, 0, 0, 1),
  order: fc.constantFrom('web~1', 'web~2', undefined),
});
type Made = typeof anEntry extends fc.Arbitrary<infer One> ? One : never;

const recorded = (made: Made, index: number): Posted => {
  const { party, kind, currency, account, minor, hours, dayOff, order } = made;
  const at = new Date(Date.UTC(2026, 0, 1, hours));
  const day = new Date(at.getTime() + dayOff * 86_400_000).toISOString().slice(0, 10);
  const amounts = [
    { account: 'receivable', amount: formatAmount(minor, currency) },
    { account, amount: formatAmount(-minor, currency) },
  ];
  const data: EntryPosted = {
    entryId: `entry-${index}`,
    party,
    month: day.slice(0, 7),
    kind,
    ...(order === undefined
      ? { adjustmentId: `a${index}` }
      : {
          cause: {
            id: `e${index}`,
            type: 'OrderShipped',
            stream: `order-${order}`,
            revision: index,
            commit: '1',
            prepare: '1',
          },
        }),
    effectiveAt: at.toISOString(),
    effectiveDay: day,
    currency,
    reference:
      order === undefined
        ? { document: 'a "quoted" \\ {text}' }
        : { orderId: order, shipmentId: `s${index}` },
    reason: 'said so',
    postings: minor === 0n ? [] : amounts,
  };
  // Two events of one append share their commit position.
  const commit = BigInt(1_000 + Math.trunc(index / 2) * 10);
  return {
    event: { type: 'EntryPosted', data },
    id: `id-${index}`,
    stream: `settlement-${party}~${data.month}`,
    category: 'settlement',
    streamId: `${party}~${data.month}`,
    revision: index,
    position: { commit, prepare: commit + BigInt(index % 2) },
    recordedAt: new Date(RECORDED_FROM + index * 1_000),
    metadata: {
      commandId: `c${index}`,
      $correlationId: 'x',
      $causationId: 'x',
      actor: 'poster',
      effectiveAt: data.effectiveAt,
      schemaVersion: 1,
    },
  };
};

const entriesOf = fc.array(anEntry, { maxLength: 40 }).map((all) => all.map(recorded));

const build = async (events: readonly Posted[], size: number): Promise<void> => {
  await database.db.query(`TRUNCATE ${ledger.tables.join(', ')}`);
  for (let at = 0; at < events.length; at += size) {
    await database.db.transaction((tx) => ledger.apply(events.slice(at, at + size), tx));
  }
};

/** What the balances must be, added up one posting at a time. */
const expected = (events: readonly Posted[], filter: BalanceFilter) => {
  const sums = new Map<string, { debit: bigint; credit: bigint }>();
  for (const { event, recordedAt, position } of events) {
    const { party, currency, effectiveDay, effectiveAt, postings } = event.data;
    if (filter.party !== undefined && party !== filter.party) continue;
    if (filter.day !== undefined && effectiveDay > filter.day) continue;
    if (filter.asOf !== undefined && Date.parse(effectiveAt) > filter.asOf.getTime()) continue;
    if (filter.knownAt !== undefined && recordedAt > filter.knownAt) continue;
    if (filter.knownTo !== undefined && position.commit > filter.knownTo) continue;
    for (const { account, amount } of postings) {
      if (filter.account !== undefined && account !== filter.account) continue;
      const key = JSON.stringify([party, currency, account]);
      const sum = sums.get(key) ?? { debit: 0n, credit: 0n };
      sums.set(key, sum);
      const minor = minorOf(amount);
      if (minor > 0n) sum.debit += minor;
      else sum.credit -= minor;
    }
  }
  return [...sums]
    .map(([key, { debit, credit }]) => {
      const [party = '', currency = '', account = ''] = JSON.parse(key) as string[];
      const money = (minor: bigint): string => formatAmount(minor, currency);
      return {
        party,
        currency,
        account,
        debit: money(debit),
        credit: money(credit),
        balance: money(debit - credit),
      };
    })
    .sort((a, b) => {
      const [left, right] = [a, b].map((one) => [one.party, one.currency, one.account].join('\0'));
      return (left ?? '') < (right ?? '') ? -1 : 1;
    });
};

const allPages = async (filter: EntryFilter): Promise<LedgerEntry[]> => {
  const items: LedgerEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await listEntries(database.db, { ...filter, limit: 3, cursor });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
};

describe('the ledger that people read', () => {
  test(
    'balances are the sums of what was posted: in all, by day, by instant and as it was known',
    async () => {
      const point = fc.record({
        hours: fc.integer({ min: 0, max: 24 * 90 }),
        known: fc.integer({ min: 0, max: 40 }),
      });
      await fc.assert(
        fc.asyncProperty(
          entriesOf,
          fc.integer({ min: 1, max: 50 }),
          point,
          async (events, size, { hours, known }) => {
            await build(events, size);
            const asOf = new Date(Date.UTC(2026, 0, 1, hours));
            const day = asOf.toISOString().slice(0, 10);
            const knownAt = new Date(RECORDED_FROM + known * 1_000);
            const filters: BalanceFilter[] = [
              {},
              { day },
              { asOf },
              { knownAt },
              { knownAt, asOf },
              { knownTo: BigInt(1_000 + known * 5), day },
              { party: 'web', account: 'receivable', asOf },
            ];
            for (const filter of filters) {
              expect(await balances(database.db, filter)).toEqual(expected(events, filter));
            }
            for (const { debit, credit, difference } of await trialBalance(database.db, { asOf })) {
              expect(debit).toBe(credit);
              expect(Number(difference)).toBe(0);
            }
          },
        ),
        { numRuns: 25 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    'entries come in the order of the log, page by page, each once, by whatever they are looked for',
    async () => {
      await fc.assert(
        fc.asyncProperty(entriesOf, async (events) => {
          await build(events, 50);
          const idsWhere = (matches: (entry: EntryPosted) => boolean): string[] =>
            events.flatMap(({ event }) => (matches(event.data) ? [event.data.entryId] : []));
          const found = async (filter: EntryFilter) => (await allPages(filter)).map(({ id }) => id);
          expect(await found({})).toEqual(idsWhere(() => true));
          expect(await found({ party: 'web', month: '2026-02' })).toEqual(
            idsWhere(({ party, month }) => party === 'web' && month === '2026-02'),
          );
          expect(await found({ orderId: 'web~1' })).toEqual(
            idsWhere(({ reference }) => reference.orderId === 'web~1'),
          );
          expect(await found({ account: 'tax', currency: 'GBP' })).toEqual(
            idsWhere(
              ({ postings, currency }) =>
                currency === 'GBP' && postings.some(({ account }) => account === 'tax'),
            ),
          );
          expect(await found({ kind: 'sale', from: '2026-01-10', to: '2026-02-10' })).toEqual(
            idsWhere(
              ({ kind, effectiveDay }) =>
                kind === 'sale' && effectiveDay >= '2026-01-10' && effectiveDay <= '2026-02-10',
            ),
          );
        }),
        { numRuns: 10 },
      );
    },
    TIMEOUT_MS,
  );

  test('an entry is read as it was posted', async () => {
    const base = {
      party: 'web',
      currency: 'JPY',
      account: 'tax',
      minor: -12n,
      hours: 30,
      dayOff: 1,
    } as const;
    await build(
      [
        recorded({ ...base, kind: 'return', order: 'web~1' }, 0),
        recorded({ ...base, kind: 'write_off', order: undefined }, 1),
      ],
      2,
    );
    const [first, second] = (await listEntries(database.db)).items;
    expect(first).toEqual({
      id: 'entry-0',
      party: 'web',
      month: '2026-01',
      kind: 'return',
      currency: 'JPY',
      effectiveAt: new Date('2026-01-02T06:00:00Z'),
      effectiveDay: '2026-01-03',
      recordedAt: new Date(RECORDED_FROM),
      reference: {
        orderId: 'web~1',
        shipmentId: 's0',
        returnId: null,
        paymentId: null,
        note: null,
        lineId: null,
        document: null,
        adjustmentId: null,
      },
      reason: 'said so',
      cause: { type: 'OrderShipped', stream: 'order-web~1', revision: 0 },
      postings: [
        { account: 'receivable', amount: '-12' },
        { account: 'tax', amount: '12' },
      ],
      position: '1000',
    });
    expect(second).toMatchObject({
      cause: null,
      reference: { orderId: null, document: 'a "quoted" \\ {text}', adjustmentId: 'a1' },
    });
  });

  test('a month says what was sold, charged, credited, paid and adjusted', async () => {
    const base = {
      party: 'web',
      currency: 'GBP',
      account: 'sales',
      hours: 24 * 40,
      dayOff: 0,
      order: 'web~1',
    } as const;
    await build(
      [
        recorded({ ...base, kind: 'sale', minor: 1_000n }, 0),
        recorded({ ...base, kind: 'sale', account: 'charges:postage', minor: 300n }, 1),
        recorded({ ...base, kind: 'sale', account: 'vouchers:gift', minor: 500n }, 2),
        recorded({ ...base, kind: 'sale', account: 'tax', minor: 200n }, 3),
        recorded({ ...base, kind: 'sale', account: 'discounts', minor: -150n }, 4),
        recorded({ ...base, kind: 'return', account: 'returns', minor: -400n }, 5),
        recorded({ ...base, kind: 'charge_reversal', account: 'charges:postage', minor: -30n }, 6),
        recorded({ ...base, kind: 'write_off', account: 'tax', minor: -70n }, 7),
        recorded({ ...base, kind: 'sale', minor: 1n, hours: 0 }, 8),
        recorded({ ...base, kind: 'payment', account: 'clearing:card', minor: -900n }, 9),
        recorded({ ...base, kind: 'refund', account: 'clearing:card', minor: 200n }, 10),
        recorded({ ...base, kind: 'chargeback', account: 'clearing:card', minor: 100n }, 11),
      ],
      4,
    );
    const none = {
      party: 'web',
      currency: 'GBP',
      discounts: '0.00',
      tax: '0.00',
      credited: '0.00',
      paid: '0.00',
      adjusted: '0.00',
    };
    expect(await ledgerMonths(database.db)).toEqual([
      { ...none, month: '2026-01', sales: '0.01', charged: '0.01' },
      {
        party: 'web',
        month: '2026-02',
        currency: 'GBP',
        sales: '18.00',
        discounts: '1.50',
        tax: '2.00',
        charged: '18.50',
        credited: '4.30',
        paid: '6.00',
        adjusted: '-0.70',
      },
    ]);
    expect(await ledgerMonths(database.db, { from: '2026-02-11' })).toEqual([]);
    expect(await trialBalance(database.db)).toMatchObject([{ currency: 'GBP', difference: '0.00' }]);
  });

  test('the same entry twice is refused, so that no balance counts it twice', async () => {
    const entry = recorded(
      {
        party: 'web',
        kind: 'sale',
        currency: 'GBP',
        account: 'sales',
        minor: 5n,
        hours: 1,
        dayOff: 0,
        order: 'web~1',
      },
      0,
    );
    await build([entry], 1);
    await expect(database.db.transaction((tx) => ledger.apply([entry], tx))).rejects.toThrow(/duplicate key/);
    expect(await balances(database.db, { account: 'receivable' })).toMatchObject([{ balance: '0.05' }]);
  });
});
