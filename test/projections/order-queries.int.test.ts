import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { channel } from '../../src/domain/channel.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { openReviews } from '../../src/domain/review.js';
import { dayIn } from '../../src/domain/settlement-period.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { texts } from '../../src/projections/columns.js';
import { InvalidCursor } from '../../src/projections/cursor.js';
import { countOrdersBy, orderAges } from '../../src/projections/order-counts.js';
import { listOrders, type OrderFilter } from '../../src/projections/order-pages.js';
import { questionOf, wordsOf } from '../../src/projections/order-search.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { projectionSpec } from '../support/projection-spec.js';
import { resolveReview, review } from '../support/reviews.js';
import { MemoryLog } from './memory-log.js';
import { contextOf } from './shop-days.js';

/** Ninety orders of three channels in three time zones, in every state, found by every combination of what one can ask for. */
const ZONES: Readonly<Record<string, string>> = { web: 'America/New_York', shop: 'Asia/Tokyo', unset: 'UTC' };
const CHANNELS = Object.keys(ZONES);
const ORDERS = 90;
const HOUR_MS = 3_600_000;
const BEGIN = Date.parse('2026-01-10T00:30:00.123Z');
const SKUS = ['A', 'B', 'C', 'c'];
const HOLDS = ['fraud', 'price', 'address'] as const;
const ROLES = ['finance', 'channel'] as const;

let database: TestDatabase;
let log: MemoryLog;
const states = new Map<string, OrderState>();
/** Texts by which an order must be found, beyond what its state says. */
const said = new Map<string, string[]>();

const commandsFor = (n: number): OrderCommand[] => {
  const ship: OrderCommand = { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 1 }] };
  const note = {
    type: 'return',
    returnId: 'r',
    note: `CN-${n}`,
    reason: 'x',
    lines: [{ lineId: '1', quantity: 1 }],
  } as const;
  const hold = review(`h${n}`, {
    holdType: HOLDS[n % 3] ?? 'fraud',
    role: ROLES[n % 2] ?? 'finance',
    blocks: ['ship'],
    reason: `Looks odd${n % 4 === 0 ? ', "very" odd' : ''}`,
  });
  switch (n % 9) {
    case 0:
      return [{ type: 'cancel', cancellationId: 'c', reason: 'x' }];
    case 1:
      return [ship];
    case 2:
      return [{ type: 'ship', shipmentId: 's' }, note];
    case 3:
    case 4:
      return [hold];
    case 5:
      return [hold, resolveReview(`h${n}`, 'released', { role: 'admin', reason: 'Called back' })];
    default:
      return [];
  }
};

const trade = async (): Promise<MemoryLog> => {
  const made = new MemoryLog();
  const settings = { name: 'x', currencies: ['GBP'], sources: ['main'], confirm: 'auto' as const };
  for (const id of ['web', 'shop']) {
    const configure = { type: 'configure', settings: { ...settings, timeZone: ZONES[id] ?? '' } } as const;
    await made.execute(channel, id, configure, contextOf(id));
  }
  for (const [at, sku] of [
    ['main', 'A'],
    ['main', 'B'],
    ['shop', 'C'],
    ['shop', 'c'],
  ] as const) {
    await made.execute(
      stock,
      stockIdOf(at, sku),
      { type: 'receive', receiptId: 'r', quantity: 500 },
      contextOf(sku),
    );
  }
  const orders = createOrderProcess(made);
  for (let n = 0; n < ORDERS; n += 1) {
    const of = CHANNELS[n % 3] ?? 'web';
    const externalId = n % 10 === 0 ? `#${n} é~%` : `${1_000 + n}`;
    const id = orderIdOf(of, externalId);
    const sku = SKUS[n % 4] ?? 'A';
    const waits = n % 9 === 7;
    // Some have goods of one SKU at two places.
    const apart = n % 7 === 0 && n % 9 !== 8;
    for (const at of apart ? ['main', 'shop'] : []) {
      const one = { type: 'receive', receiptId: `r${n}`, quantity: 1 } as const;
      await made.execute(stock, stockIdOf(at, 'D'), one, contextOf(`D ${n}`));
    }
    const command = place(
      [
        { lineId: '1', sku: n % 9 === 8 ? 'NONE' : sku, quantity: 2 },
        { lineId: '2', sku: n % 5 === 0 ? 'B' : sku },
        ...(apart ? [{ lineId: '3', sku: 'D', quantity: 2 }] : []),
      ],
      {
        ...(apart ? { shortage: 'backorder' } : {}),
        channel: of,
        externalId,
        placedAt: new Date(BEGIN + Math.floor(n / 2) * 5 * HOUR_MS).toISOString(),
        confirm: waits ? 'explicit' : 'auto',
        ...(n % 6 === 0 ? {} : { customerId: `Cust-${n % 4}` }),
      },
    );
    const { expiresAt: _, ...without } = command;
    await orders.execute(id, waits && n % 2 === 0 ? command : without, contextOf(`place ${n}`));
    const then = n % 9 === 8 ? [] : commandsFor(n);
    for (const next of then) await orders.execute(id, next, contextOf(`${next.type} ${n}`));
    const { state } = await made.load(order, id);
    states.set(id, state);
    said.set(
      id,
      then.flatMap((one) => ('note' in one && one.note !== undefined ? [one.note] : [])),
    );
  }
  return made;
};

beforeAll(async () => {
  database = await testDatabase({ poolSize: 2 });
  log = await trade();
  await (await projectionSpec(database.db)).apply(log.events, [40, 3, 100, 1]);
}, 60_000);
afterAll(() => database.drop());

const wordsOfOrder = (id: string, { placed, rejection, reviews }: OrderState): string[] =>
  [
    id,
    placed?.externalId ?? '',
    placed?.customerId ?? '',
    ...(placed?.lines.map(({ sku }) => sku) ?? []),
    rejection?.code ?? '',
    rejection?.detail ?? '',
    ...[...reviews.values()].flatMap(({ held, resolution }) => [held.reason, resolution?.reason ?? '']),
    ...(said.get(id) ?? []),
  ].flatMap((text) => text.toLowerCase().split(/[\s",#]+/));

/** What the filter means, over the states of the deciders. */
const matches = (id: string, state: OrderState, filter: OrderFilter): boolean => {
  const { placed, status, allocations } = state;
  if (placed === undefined) return false;
  const zone = ZONES[placed.channel] ?? 'UTC';
  const day = dayIn(zone, placed.placedAt);
  const at = Date.parse(placed.placedAt);
  const { placedFrom: from, placedTo: to, holdType, holdRole, text, overdueAt } = filter;
  const waits = status === 'reserved' && placed.expiresAt !== undefined;
  const words = wordsOfOrder(id, state);
  return [
    filter.status === undefined || filter.status === status,
    filter.channel === undefined || filter.channel === placed.channel,
    filter.customerId === undefined || filter.customerId === placed.customerId,
    filter.externalId === undefined || filter.externalId === placed.externalId,
    filter.sku === undefined || placed.lines.some(({ sku }) => sku === filter.sku),
    filter.location === undefined || allocations.some(({ location }) => location === filter.location),
    (holdType === undefined && holdRole === undefined) ||
      openReviews(state.reviews).some(
        ({ held }) =>
          (holdType === undefined || holdType === 'any' || held.holdType === holdType) &&
          (holdRole === undefined || held.role === holdRole),
      ),
    text === undefined ||
      text
        .toLowerCase()
        .split(' ')
        .every((asked) => words.some((word) => word.startsWith(asked))),
    from === undefined || (typeof from === 'string' ? day >= from : at >= from.getTime()),
    to === undefined || (typeof to === 'string' ? day <= to : at < to.getTime()),
    overdueAt === undefined || (waits && Date.parse(placed.expiresAt ?? '') < overdueAt.getTime()),
  ].every(Boolean);
};

const newestFirst = (filter: OrderFilter): string[] =>
  [...states]
    .filter(([id, state]) => matches(id, state, filter))
    .sort(([a, one], [b, two]) => {
      const [x, y] = [Date.parse(one.placed?.placedAt ?? ''), Date.parse(two.placed?.placedAt ?? '')];
      return y - x || Buffer.compare(Buffer.from(b), Buffer.from(a));
    })
    .map(([id]) => id);

const walk = async (filter: OrderFilter, limit: number): Promise<string[]> => {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listOrders(database.db, { ...filter, limit, cursor });
    found.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
};

const DAYS = ['2026-01-12', '2026-01-14', '2026-01-17'];
const time = fc.oneof(
  fc.constantFrom(...DAYS),
  fc.integer({ min: 0, max: 240 }).map((hours) => new Date(BEGIN + hours * HOUR_MS)),
);
const VALUES: Readonly<Record<keyof OrderFilter, fc.Arbitrary<unknown>>> = {
  status: fc.constantFrom('reserved', 'confirmed', 'completed', 'cancelled', 'rejected'),
  channel: fc.constantFrom(...CHANNELS, 'nobody'),
  customerId: fc.constantFrom('Cust-1', 'Cust-3', 'cust-1'),
  externalId: fc.constantFrom('1001', '#10 é~%', 'none'),
  sku: fc.constantFrom('A', 'B', 'c', 'NONE'),
  location: fc.constantFrom('main', 'shop', 'nowhere'),
  holdType: fc.constantFrom('any', ...HOLDS),
  holdRole: fc.constantFrom(...ROLES),
  text: fc.constantFrom(
    'odd',
    'VERY odd',
    'insufficient_stock',
    'cust-1 b',
    'cn-2',
    'called',
    'é~%',
    'web~10',
    'zzz',
  ),
  placedFrom: time,
  placedTo: time,
  overdueAt: fc.constantFrom(new Date('2026-01-16T00:00:00Z'), new Date('2026-01-01T00:00:00Z')),
};
const KEYS = Object.keys(VALUES) as (keyof OrderFilter)[];
const aFilter = fc
  .oneof(fc.subarray(KEYS, { minLength: 1, maxLength: 1 }), fc.subarray(KEYS, { maxLength: 4 }))
  .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, VALUES[key]]))))
  .map((filter) => filter as OrderFilter);

describe('orders', () => {
  test('are found by any combination of filters, and counted as they are found', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(aFilter, async (filter) => {
        const expected = newestFirst(filter);
        found += expected.length;
        expect(await walk(filter, 200)).toEqual(expected);
        const { total, byStatus, byChannel, byHoldType } = await countOrdersBy(database.db, filter);
        expect(total).toBe(expected.length);
        const tally = (of: (state: OrderState) => readonly string[]): Record<string, number> => {
          const counts: Record<string, number> = {};
          for (const id of expected) {
            const state = states.get(id);
            for (const key of state === undefined ? [] : of(state)) counts[key] = (counts[key] ?? 0) + 1;
          }
          return counts;
        };
        expect(Object.fromEntries(byStatus.map(({ status, count }) => [status, count]))).toEqual(
          tally(({ status }) => [status]),
        );
        expect(Object.fromEntries(byChannel.map((one) => [one.channel, one.count]))).toEqual(
          tally(({ placed }) => [placed?.channel ?? '']),
        );
        expect(Object.fromEntries(byHoldType.map(({ holdType, count }) => [holdType, count]))).toEqual(
          tally(({ reviews }) => openReviews(reviews).map(({ held }) => held.holdType)),
        );
      }),
      { numRuns: 250 },
    );
    expect(found).toBeGreaterThan(1_000);
  }, 60_000);

  test('are each on one page, however small the pages', async () => {
    for (const [filter, limit] of [
      [{}, 7],
      [{ location: 'main' }, 1],
      [{ location: 'shop' }, 4],
      [{ holdType: 'any' }, 3],
      [{ placedFrom: '2026-01-11', placedTo: '2026-01-13' }, 2],
    ] as const) {
      expect(await walk(filter, limit)).toEqual(newestFirst(filter));
    }
  });

  test('keep their cursor to the filter it was made with', async () => {
    const { nextCursor } = await listOrders(database.db, { channel: 'web', limit: 2 });
    const cursor = nextCursor ?? '';
    expect((await listOrders(database.db, { limit: 3, cursor, channel: 'web' })).items).toHaveLength(3);
    for (const other of [{}, { channel: 'shop' }, { channel: 'web', sku: 'A' }, { customerId: 'web' }]) {
      await expect(listOrders(database.db, { ...other, cursor })).rejects.toThrow(InvalidCursor);
    }
    const overdue = await listOrders(database.db, { overdueAt: new Date('2026-01-16T00:00:00Z'), limit: 1 });
    // A moment later it is still the same question.
    const later = { overdueAt: new Date('2026-01-16T00:00:01Z'), cursor: overdue.nextCursor ?? '' };
    expect((await listOrders(database.db, later)).items.length).toBeGreaterThan(0);
  });

  test('of a day are those of the day where their channel is', async () => {
    const day = { placedFrom: '2026-01-14', placedTo: '2026-01-14' };
    const times = (await listOrders(database.db, day)).items.map((one) => [
      one.channel,
      one.placedAt.getTime(),
    ]);
    const between = (from: string, to: string, of: string) =>
      times
        .filter(([channelId]) => channelId === of)
        .every(([, at]) => Number(at) >= Date.parse(from) && Number(at) < Date.parse(to));
    expect(new Set(times.map(([of]) => of))).toEqual(new Set(CHANNELS));
    expect(between('2026-01-14T05:00:00Z', '2026-01-15T05:00:00Z', 'web')).toBe(true);
    expect(between('2026-01-13T15:00:00Z', '2026-01-14T15:00:00Z', 'shop')).toBe(true);
    expect(between('2026-01-14T00:00:00Z', '2026-01-15T00:00:00Z', 'unset')).toBe(true);
  });
});

test('whatever one asks for is a question, and finds what has these words', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
    fc.string({
      unit: fc.constantFrom("'", '\\', ':', '*', '&', '|', '!', '(', '<', '-', ' ', 'a'),
      minLength: 1,
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      text.map((given) => given.replaceAll('\0', '')),
      async (given) => {
        const question = questionOf(given);
        fc.pre(question !== undefined);
        const { rows } = await database.db.query<{ found: boolean }>(
          'SELECT array_to_tsvector($1::text[]) @@ $2::tsquery AS found',
          [texts(wordsOf(`before ${given} after`)), question],
        );
        expect(rows).toEqual([{ found: true }]);
      },
    ),
    { numRuns: 300 },
  );
});

test('open orders are told by age, state and channel, with the oldest', async () => {
  const now = new Date('2026-01-15T00:00:00Z');
  const found = await orderAges(database.db, now);
  const open = [...states].filter(([, { status }]) => ['placed', 'reserved', 'confirmed'].includes(status));
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(open.length);
  expect(new Set(found.map(({ fromHours }) => fromHours))).toEqual(new Set([72, 24, 1, 0]));
  for (const { fromHours, belowHours, status, channel: of, count, oldest } of found) {
    const mine = open
      .filter(([, state]) => state.status === status && state.placed?.channel === of)
      .map(([id, state]) => ({ orderId: id, placedAt: new Date(state.placed?.placedAt ?? '') }))
      .filter(({ placedAt }) => {
        const hours = (now.getTime() - placedAt.getTime()) / HOUR_MS;
        // Placed in the future is as young as can be.
        return (hours >= fromHours || fromHours === 0) && hours < (belowHours ?? Number.POSITIVE_INFINITY);
      })
      .sort((a, b) => a.placedAt.getTime() - b.placedAt.getTime() || (a.orderId < b.orderId ? -1 : 1));
    expect([of, status, fromHours, count, oldest]).toEqual([of, status, fromHours, mine.length, mine[0]]);
  }
  const web = await orderAges(database.db, now, 'web');
  expect(web).toEqual(found.filter((one) => one.channel === 'web'));
});
