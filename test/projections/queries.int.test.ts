import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { channel, channelSettings } from '../../src/domain/channel.js';
import { coupon } from '../../src/domain/coupon.js';
import { location } from '../../src/domain/location.js';
import type { OrderCommand } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import { findChannel, listChannels } from '../../src/projections/channels.js';
import { findCoupon, listCoupons, listRedemptions } from '../../src/projections/coupons.js';
import type { Page, PageRequest } from '../../src/projections/cursor.js';
import { findLocation, listLocations } from '../../src/projections/locations.js';
import { countOrders, findOrder, listOrders, type OrderFilter } from '../../src/projections/order-pages.js';
import { salesByDay } from '../../src/projections/sales.js';
import { findStock, listStock } from '../../src/projections/stock-levels.js';
import { listMovements } from '../../src/projections/stock-movements.js';
import { place } from '../support/orders.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { projectionSpec } from '../support/projection-spec.js';
import { MemoryLog } from './memory-log.js';
import { contextOf } from './shop-days.js';

let database: TestDatabase;

const line = (lineId: string, sku: string, quantity: number, more: object = {}) => ({
  lineId,
  sku,
  quantity,
  unitPrice: '2.50',
  tax: '0.10',
  ...more,
});

const localTime = (timeZone: string, instant: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(
    Date.parse(instant),
  );

/** Six orders of two channels over two days, of which one is rejected, one shipped in part with a coupon, one cancelled. */
const sell = async (): Promise<MemoryLog> => {
  const log = new MemoryLog();
  const settings = { name: 'Web', currencies: ['GBP'], sources: ['main'], confirm: 'auto' as const };
  for (const [id, timeZone] of [
    ['web', 'America/New_York'],
    ['shop', 'Asia/Tokyo'],
  ] as const) {
    await log.execute(channel, id, { type: 'configure', settings: { ...settings, timeZone } }, contextOf(id));
  }
  await log.execute(
    location,
    'main',
    { type: 'configure', settings: { name: 'Main', country: 'GB' } },
    contextOf('m'),
  );
  await log.execute(
    location,
    'main',
    { type: 'configure', settings: { name: 'Main hall' } },
    contextOf('m2'),
  );
  const discount = { kind: 'percent', percent: '10' } as const;
  for (const code of ['TEN', 'ten']) {
    await log.execute(coupon, code, { type: 'issue', terms: { discount, limit: 5 } }, contextOf(code));
  }
  for (const id of ['main~A', 'shop~A', 'main~B']) {
    await log.execute(stock, id, { type: 'receive', receiptId: 'r', quantity: 20 }, contextOf(id));
  }
  const orders = createOrderProcess(log);
  const put = (number: number, more: Partial<ReturnType<typeof place>>, lines = [line('1', 'A', 2)]) => {
    const { channel: of = 'web' } = more;
    const command: OrderCommand = place(lines, {
      externalId: `${number}`,
      confirm: 'auto',
      placedAt: `2026-01-1${number}T03:00:00Z`,
      ...more,
    });
    return orders.execute(`${of}~${number}`, command, contextOf(`place-${of}-${number}`));
  };
  await put(1, { customerId: 'c1', coupons: ['TEN'] }, [
    line('1', 'A', 2),
    line('post', 'POST', 1, { kind: 'charge' }),
    line('3', 'B', 1),
  ]);
  await put(2, { customerId: 'c1' });
  await put(3, {}, [line('1', 'B', 100)]);
  await put(4, {}, [line('1', 'B', 1)]);
  await put(5, { channel: 'shop', confirm: 'explicit', placedAt: '2026-01-14T15:30:00Z' });
  await put(6, { placedAt: '2026-01-14T03:00:00Z' });
  const ship: OrderCommand = { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 1 }] };
  await orders.execute('web~1', ship, contextOf('ship'));
  const back: OrderCommand = {
    type: 'return',
    returnId: 'b',
    reason: 'broken',
    lines: [{ lineId: '1', quantity: 1 }],
    credited: '3.00',
  };
  await orders.execute('web~1', back, contextOf('back'));
  await orders.execute('web~4', { type: 'cancel', cancellationId: 'x', reason: '' }, contextOf('cancel'));
  return log;
};

beforeAll(async () => {
  database = await testDatabase({ poolSize: 2 });
  await (await projectionSpec(database.db)).apply((await sell()).events);
}, 60_000);
afterAll(() => database.drop());

/** Walks a list page by page, and checks that no page is empty or larger than asked. */
const walk = async <Item>(
  list: (page: PageRequest) => Promise<Page<Item>>,
  limit: number,
): Promise<Item[]> => {
  const all: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ limit, cursor });
    expect(page.items.length).toBeGreaterThan(0);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    all.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
};

const idsOf = async (filter: OrderFilter): Promise<string[]> =>
  (await listOrders(database.db, filter)).items.map(({ id }) => id);

describe('orders', () => {
  test('are found whole: header, totals in decimals, lines in their order', async () => {
    const found = await findOrder(database.db, 'web~1');
    expect(found).toMatchObject({
      id: 'web~1',
      channel: 'web',
      externalId: '1',
      status: 'confirmed',
      customerId: 'c1',
      placedAt: new Date('2026-01-11T03:00:00Z'),
      coupons: ['TEN'],
      lineCount: 3,
      goodsTotal: '7.50',
      chargeTotal: '2.50',
      voucherTotal: '0.00',
      discountTotal: '0.75',
      taxTotal: '0.30',
      total: '9.55',
      // One unit of A and the charge went out: 2.50 - 0.25 + 0.05, and 2.50 + 0.10.
      shippedTotal: '4.90',
      returnedTotal: '2.30',
      allowanceTotal: '0.70',
      units: 4,
      shippedUnits: 2,
      returnedUnits: 1,
      rejection: null,
      effectiveAt: new Date('2026-01-15T11:00:00Z'),
    });
    expect(found?.lines.map(({ lineId, location: at, shipped }) => [lineId, at, shipped])).toEqual([
      ['1', 'main', 1],
      ['post', null, 1],
      ['3', 'main', 0],
    ]);
    expect(found?.lines[0]).toMatchObject({
      unitPrice: '2.50',
      amount: '5.00',
      discount: '0.50',
      tax: '0.10',
    });
  });

  test('say why they were rejected', async () => {
    expect((await findOrder(database.db, 'web~3'))?.rejection).toEqual({
      code: 'insufficient_stock',
      detail: expect.any(String),
      sku: 'B',
    });
  });

  test('that do not exist are not found', async () => {
    expect(await findOrder(database.db, 'web~99')).toBeUndefined();
  });

  test('are listed the newest first, each once, however small the pages', async () => {
    const newestFirst = ['shop~5', 'web~6', 'web~4', 'web~3', 'web~2', 'web~1'];
    for (const limit of [1, 2, 5, 6, 200]) {
      const all = await walk((page) => listOrders(database.db, page), limit);
      expect(all.map(({ id }) => id)).toEqual(newestFirst);
    }
  });

  test.each<[string, OrderFilter, string[]]>([
    ['status', { status: 'rejected' }, ['web~3']],
    ['channel', { channel: 'shop' }, ['shop~5']],
    ['customer', { customerId: 'c1' }, ['web~2', 'web~1']],
    ['SKU', { sku: 'B' }, ['web~4', 'web~3', 'web~1']],
    ['a SKU that is a charge', { sku: 'POST' }, ['web~1']],
    ['external id', { externalId: '2' }, ['web~2']],
    ['time, from inclusive', { placedFrom: new Date('2026-01-14T03:00:00Z') }, ['shop~5', 'web~6', 'web~4']],
    ['time, to exclusive', { placedTo: new Date('2026-01-12T03:00:00Z') }, ['web~1']],
    [
      'all of them together',
      { channel: 'web', sku: 'A', customerId: 'c1', status: 'confirmed' },
      ['web~2', 'web~1'],
    ],
    ['something that none has', { customerId: 'nobody' }, []],
  ])('are filtered by %s', async (_, filter, ids) => {
    expect(await idsOf(filter)).toEqual(ids);
    expect((await walkOrEmpty(filter)).map(({ id }) => id)).toEqual(ids);
  });

  const walkOrEmpty = async (filter: OrderFilter) =>
    (await idsOf(filter)).length === 0
      ? []
      : walk((page) => listOrders(database.db, { ...filter, ...page }), 1);

  test('are counted by status', async () => {
    expect(await countOrders(database.db)).toEqual({ cancelled: 1, confirmed: 3, rejected: 1, reserved: 1 });
  });
});

describe('stock', () => {
  test('of a SKU is shown by location and in total', async () => {
    expect(await findStock(database.db, 'A')).toMatchObject({
      sku: 'A',
      onHand: 40,
      held: 7,
      available: 33,
      locations: [
        { location: 'main', onHand: 20, held: 7, available: 13 },
        { location: 'shop', onHand: 20, held: 0, available: 20 },
      ],
    });
    expect(await findStock(database.db, 'a')).toBeUndefined();
  });

  test('is listed by SKU and location, and by one location alone', async () => {
    const all = await walk((page) => listStock(database.db, page), 2);
    expect(all.map(({ sku, location: at }) => [sku, at])).toEqual([
      ['A', 'main'],
      ['A', 'shop'],
      ['B', 'main'],
    ]);
    const main = await walk((page) => listStock(database.db, { ...page, location: 'main' }), 1);
    expect(main.map(({ sku }) => sku)).toEqual(['A', 'B']);
  });

  test('movements tell every step, the newest first, and add up to the level', async () => {
    const all = await walk((page) => listMovements(database.db, 'A', { ...page, location: 'main' }), 2);
    expect(all.map(({ kind, quantity, causeId }) => `${kind} ${quantity} ${causeId}`)).toEqual([
      'returned 1 web~1/b',
      'captured 1 web~1',
      'held 2 web~6',
      'held 2 shop~5',
      'held 2 web~2',
      'held 2 web~1',
      'received 20 r',
    ]);
    const ofOrder = await listMovements(database.db, 'A', { causeId: 'web~1' });
    expect(ofOrder.items.map(({ kind }) => kind)).toEqual(['captured', 'held']);
    const cancelled = await listMovements(database.db, 'B', { causeId: 'web~4' });
    expect(cancelled.items[0]).toMatchObject({ kind: 'released', reason: 'cancelled', quantity: 1 });
  });
});

describe('coupons', () => {
  test('show what is left of them; a code in another case is another code', async () => {
    expect(await findCoupon(database.db, 'TEN')).toMatchObject({ held: 0, redeemed: 1, available: 4 });
    expect(await findCoupon(database.db, 'Ten')).toBeUndefined();
    expect((await walk((page) => listCoupons(database.db, page), 1)).map(({ code }) => code)).toEqual([
      'TEN',
      'ten',
    ]);
  });

  test('list the orders that used them', async () => {
    expect((await listRedemptions(database.db, 'TEN')).items).toMatchObject([
      { orderId: 'web~1', status: 'redeemed' },
    ]);
  });
});

describe('settings', () => {
  test('are the latest', async () => {
    expect(await findLocation(database.db, 'main')).toMatchObject({ name: 'Main hall', revision: 1 });
    expect((await findLocation(database.db, 'main'))?.country).toBeUndefined();
    expect((await listLocations(database.db)).length).toBe(1);
    expect(await findChannel(database.db, 'web')).toMatchObject({
      timeZone: 'America/New_York',
      sources: ['main'],
    });
    expect((await listChannels(database.db)).map((one) => one.channel)).toEqual(['shop', 'web']);
    expect(await findChannel(database.db, 'none')).toBeUndefined();
  });

  test('have no time zone that PostgreSQL lacks, or takes for another one than we do', async () => {
    const named = await database.db.query<{ name: string }>('SELECT name FROM pg_timezone_names');
    const abbreviated = await database.db.query<{ abbrev: string }>('SELECT abbrev FROM pg_timezone_abbrevs');
    const names = new Set([
      ...Intl.supportedValuesOf('timeZone'),
      ...named.rows.map(({ name }) => name),
      ...abbreviated.rows.map(({ abbrev }) => abbrev),
      ...[
        'ACT',
        'AET',
        'AGT',
        'BET',
        'IET',
        'NST',
        'PNT',
        'PRT',
        'SST',
        'VST',
        'US/Pacific-New',
        'SystemV/PST8',
      ],
    ]);
    const zones = [...names].filter((zone) => channelSettings.shape.timeZone.safeParse(zone).success);
    expect(zones.length).toBeGreaterThan(400);
    // Long ago, so that it does not matter who has the younger list.
    for (const instant of ['2015-01-15T12:00:00Z', '2015-07-15T12:00:00Z']) {
      const { rows } = await database.db.query<{ zone: string; local: string }>(
        `SELECT zone, to_char($1::timestamptz AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI') AS local
         FROM unnest($2::text[]) AS zone`,
        [instant, zones],
      );
      const here = zones.map((zone) => ({ zone, local: localTime(zone, instant) }));
      expect(rows).toEqual(here);
    }
  });
});

describe('sales', () => {
  test('fall on the day of the channel, leave out what was rejected, and keep what was cancelled later', async () => {
    expect(await salesByDay(database.db)).toEqual([
      {
        day: '2026-01-10',
        channel: 'web',
        currency: 'GBP',
        orders: 1,
        units: 4,
        gross: '10.00',
        discount: '0.75',
        tax: '0.30',
        net: '9.55',
        allowances: '0.70',
      },
      {
        day: '2026-01-11',
        channel: 'web',
        currency: 'GBP',
        orders: 1,
        units: 2,
        gross: '5.00',
        discount: '0.00',
        tax: '0.10',
        net: '5.10',
        allowances: '0.00',
      },
      {
        day: '2026-01-13',
        channel: 'web',
        currency: 'GBP',
        orders: 2,
        units: 3,
        gross: '7.50',
        discount: '0.00',
        tax: '0.20',
        net: '7.70',
        allowances: '0.00',
      },
      {
        day: '2026-01-15',
        channel: 'shop',
        currency: 'GBP',
        orders: 1,
        units: 2,
        gross: '5.00',
        discount: '0.00',
        tax: '0.10',
        net: '5.10',
        allowances: '0.00',
      },
    ]);
  });

  test('are filtered by channel and by days that both count', async () => {
    const days = await salesByDay(database.db, { channel: 'web', from: '2026-01-11', to: '2026-01-13' });
    expect(days.map(({ day }) => day)).toEqual(['2026-01-11', '2026-01-13']);
  });
});
