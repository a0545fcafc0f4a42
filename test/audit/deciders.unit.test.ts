import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayIn, microsOf } from '../../src/audit/calendar.js';
import { FOLDED_CATEGORIES, LogFold } from '../../src/audit/fold.js';
import { amountText, carriedByFirst, minorOf, priceTimes } from '../../src/audit/money.js';
import { checkedTables } from '../../src/audit/tables.js';
import { totalsOf, trialBalances } from '../../src/audit/totals.js';
import { unitShares } from '../../src/domain/apportion.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { formatAmount, lineAmount } from '../../src/domain/money.js';
import { order } from '../../src/domain/order.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { settlement } from '../../src/domain/settlement.js';
import { bookingOf, CAUSE_TYPES, type Cause } from '../../src/domain/settlement-entry.js';
import { dayIn as domainDayIn, monthOf, settlementIdOf } from '../../src/domain/settlement-period.js';
import { stock } from '../../src/domain/stock.js';
import { allProjections } from '../../src/projections/index.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import type { MemoryLog } from '../projections/memory-log.js';
import { contextOf, shopDay, trade } from '../projections/shop-days.js';

const RUNS = 60;
const ZONE = 'UTC';
const codec = createCodec(allEventDefinitions);

const foldOf = (events: readonly RecordedEvent[]): LogFold => {
  const fold = new LogFold();
  for (const { event, metadata, ...recorded } of events) {
    fold.read({ ...recorded, type: event.type, data: event.data, metadata: { ...metadata } }, codec);
  }
  return fold;
};

/** Posts every cause of the log as the poster's own domain would have it. */
const postAll = async (log: MemoryLog): Promise<void> => {
  for (const { event, ...recorded } of [...log.events]) {
    const { type } = event;
    if (!CAUSE_TYPES.has(type)) continue;
    const booking = bookingOf(event as Cause, recorded.streamId);
    const { effectiveAt } = recorded.metadata;
    const effectiveDay = domainDayIn(ZONE, effectiveAt);
    const month = monthOf(effectiveDay);
    const { id, stream, revision, position } = recorded;
    const place = { commit: `${position.commit}`, prepare: `${position.prepare}` };
    const result = await log.execute(
      settlement,
      settlementIdOf(booking.party, month),
      {
        type: 'post',
        cause: { id, type, stream, revision, ...place },
        after: null,
        entry: { ...booking, month, effectiveAt, effectiveDay },
      },
      contextOf(`post-${id}`),
    );
    expect(result.status).toBe('accepted');
  }
};

const linesOf = ({ lines }: OrderState) =>
  [...lines.values()].map(({ lineId, amount, tax, discount, shipped, cancelled, returned }) => ({
    lineId,
    amount,
    tax,
    discount,
    shipped,
    cancelled,
    returned,
  }));

const idsOf = (log: MemoryLog, category: string): string[] => [
  ...new Set(log.events.filter((event) => event.category === category).map(({ streamId }) => streamId)),
];

describe('the fold of the audit, which shares no arithmetic with the deciders', () => {
  test('comes to what they come to on random days of a shop', async () => {
    await fc.assert(
      fc.asyncProperty(shopDay, async (day) => {
        const log = await trade(day);
        await postAll(log);
        const fold = foldOf(log.events);
        expect(fold.violations.first).toEqual([]);
        expect(fold.ledger.unposted()).toBe(0);
        let sales = 0n;
        for (const id of idsOf(log, 'order')) {
          const { state } = await log.load(order, id);
          const folded = fold.orders.orders.get(id);
          expect(folded?.status).toBe(state.status);
          expect([...(folded?.lines.values() ?? [])]).toMatchObject(linesOf(state));
          if (!state.wasConfirmed) continue;
          for (const { amount, quantity, cancelled } of state.lines.values()) {
            sales += unitShares(amount, quantity, 0, quantity - cancelled);
          }
        }
        expect(totalsOf(fold).get('GBP')?.sales ?? 0n).toBe(sales);
        for (const id of idsOf(log, 'stock')) {
          const { state } = await log.load(stock, id);
          const { onHand, holds } = state;
          expect(fold.holders.stock.get(id)).toMatchObject({ onHand, held: holds.held });
        }
        for (const { debit, credit } of trialBalances(fold).values()) expect(debit).toBe(credit);
      }),
      { numRuns: RUNS },
    );
  }, 60_000);

  test('reads and writes money as they do', () => {
    const currency = fc.constantFrom('GBP', 'JPY', 'KWD', 'MGA', 'CLF');
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), currency, (minor, code) => {
        expect(amountText(minor, code)).toBe(formatAmount(minor, code));
        expect(minorOf(amountText(minor, code), code)).toBe(minor);
      }),
    );
    const price = fc
      .tuple(fc.nat({ max: 99_999 }), fc.nat({ max: 999_999 }), fc.nat({ max: 6 }))
      .map(([whole, fraction, places]) =>
        `${whole}.${`${fraction}`.padStart(6, '0')}`.slice(0, -6 + places || undefined),
      );
    fc.assert(
      fc.property(price, fc.integer({ min: 1, max: 10_000 }), currency, (unitPrice, quantity, code) => {
        const text = unitPrice.endsWith('.') ? unitPrice.slice(0, -1) : unitPrice;
        expect(priceTimes(text, quantity, code)).toBe(lineAmount(text, quantity, code));
      }),
    );
    expect(() => minorOf('1.234', 'GBP')).toThrow(RangeError);
  });

  test('gives units the shares that they give', () => {
    const units = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 100_000n }),
        units,
        fc.nat({ max: 50 }),
        (total, quantity, some) => {
          const count = Math.min(some, quantity);
          expect(carriedByFirst(total, quantity, count)).toBe(unitShares(total, quantity, 0, count));
        },
      ),
    );
  });

  test('has the days that they have, in any time zone', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/London',
      'Asia/Tokyo',
      'Pacific/Kiritimati',
      'America/St_Johns',
    );
    const time = fc.date({
      min: new Date('0100-01-01'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(zone, time, (timeZone, date) => {
        expect(dayIn(timeZone, date.toISOString())).toBe(domainDayIn(timeZone, date.toISOString()));
      }),
    );
  });

  test.each([
    ['2026-01-15T12:00:00Z', '1768478400000000'],
    ['2026-01-15T12:00:00.5Z', '1768478400500000'],
    ['2026-01-15T12:00:00.123456Z', '1768478400123456'],
    ['2026-01-15T12:00:00.1234565Z', '1768478400123456'],
    ['2026-01-15T12:00:00.9999999Z', '1768478401000000'],
    ['1969-12-31T23:59:59.9999Z', '-100'],
  ])('knows %s to the microsecond', (instant, micros) => {
    expect(microsOf(instant)).toBe(micros);
  });
});

test('it folds the categories that the projections read, so both end at the same event', () => {
  const read = new Set(allProjections.flatMap(({ categories }) => categories));
  expect([...FOLDED_CATEGORIES].sort()).toEqual([...read].sort());
});

test('every table of every projection has a check', () => {
  expect(checkedTables().sort()).toEqual(allProjections.flatMap(({ tables }) => tables).sort());
});
