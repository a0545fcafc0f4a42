import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditHouse } from '../../src/cli/audit.js';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Orders of channels with a policy each for what is short, and changes of orders, over HTTP with everything running behind it. */
let house: TestHouse;

const send = async (method: string, path: string, body: unknown, status = 201): Promise<TestAnswer> => {
  const answer = await house.request(method, path, { body });
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const read = async (path: string, after: TestAnswer): Promise<TestAnswer['body']> => {
  const sign = path.includes('?') ? '&' : '?';
  const answer = await house.request('GET', `${path}${sign}after=${after.headers.get('event-position')}`, {});
  expect([path, answer.status, answer.body]).toEqual([path, 200, expect.anything()]);
  return answer.body;
};
const channel = (id: string, more: object) =>
  send('PUT', `/v1/channels/${id}`, {
    name: id,
    timeZone: 'Europe/London',
    currencies: ['GBP'],
    sources: ['main', 'shop'],
    confirm: 'auto',
    ...more,
  });
const place = (of: string, sku: string, quantity: number, externalId = sku, more: object = {}) =>
  send('POST', '/v1/orders', {
    channel: of,
    externalId,
    currency: 'GBP',
    lines: [{ sku, quantity, unitPrice: '2.00' }],
    ...more,
  });
const receive = (location: string, sku: string, quantity: number, receiptId = 'r') =>
  send('POST', `/v1/locations/${location}/receipts`, { receiptId, sku, quantity });
/** Until the order is as it shall be: what waits is filled by the watchdog. */
const until = async (path: string, wanted: object): Promise<void> => {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { body } = await house.request('GET', path, {});
    try {
      expect(body).toMatchObject(wanted);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

beforeAll(async () => {
  house = await startTestHouse();
  for (const id of ['main', 'shop', 'outlet']) await send('PUT', `/v1/locations/${id}`, { name: id });
  await channel('web', { kind: 'web' });
  await channel('dist', { kind: 'distribution', shortage: 'ship-available' });
  await channel('b2b', { kind: 'wholesale', shortage: 'backorder' });
  await channel('market', { kind: 'marketplace', shortage: 'shortfall' });
  await channel('till', { kind: 'store', shortage: 'shortfall', handover: 'at-once', sources: ['shop'] });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('five of a SKU are wanted, three are there', () => {
  test('a web shop: all or nothing', async () => {
    await receive('main', 'W', 3);
    const { body } = await place('web', 'W', 5);
    expect(body).toMatchObject({ status: 'rejected', rejection: { code: 'insufficient_stock', sku: 'W' } });
  });

  test('a distributor: three are confirmed, two are cancelled, and three are to be paid', async () => {
    await receive('main', 'D', 3);
    const placed = await place('dist', 'D', 5);
    expect(placed.body).toMatchObject({
      status: 'confirmed',
      units: { ordered: 5, cancelled: 2 },
      short: [],
    });
    expect(await read('/v1/stock/D', placed)).toMatchObject({ held: 3, available: 0 });
  });

  test('a wholesaler: two wait, are served by priority when stock comes, and the order ships in parts', async () => {
    await receive('main', 'B', 2);
    await receive('shop', 'B', 1);
    const later = await place('b2b', 'B', 5, 'later');
    expect(later.body).toMatchObject({ status: 'confirmed', short: [{ sku: 'B', quantity: 2 }] });
    const first = await place('b2b', 'B', 1, 'first', { priority: { level: 1, reason: 'late once before' } });
    expect(await read('/v1/backorders?sku=B', first)).toMatchObject({
      items: [
        { orderId: 'b2b~first', quantity: 1, priority: 1, kind: 'backorder' },
        { orderId: 'b2b~later', quantity: 2, priority: 5 },
      ],
    });
    const parts = await send('POST', '/v1/orders/b2b~later/shipments', { shipmentId: 's1' });
    expect(parts.body).toMatchObject({ status: 'confirmed', units: { ordered: 5, shipped: 3 } });
    await receive('main', 'B', 2, 'more');
    await until('/v1/orders/b2b~first', { short: [] });
    await until('/v1/orders/b2b~later', { short: [{ sku: 'B', quantity: 1 }] });
    await receive('shop', 'B', 9, 'much more');
    await until('/v1/orders/b2b~later', { short: [] });
    const rest = await send('POST', '/v1/orders/b2b~later/shipments', { shipmentId: 's2' });
    expect(rest.body).toMatchObject({ status: 'completed', units: { shipped: 5 } });
    const { items } = (await read('/v1/orders/b2b~later/allocations', rest)) as {
      items: { shipped: number }[];
    };
    expect(items.reduce((sum, { shipped }) => sum + shipped, 0)).toBe(5);
  });

  test('each place is told to ship what it holds, and gets back what came from it', async () => {
    const listed = async (location: string, after: TestAnswer): Promise<unknown[]> => {
      const path = `/v1/work-queues/shipments?channel=b2b&location=${location}`;
      const { items } = (await read(path, after)) as unknown as {
        items: { orderId: string; units: number }[];
      };
      return items.filter(({ orderId }) => orderId.startsWith('b2b~two')).map(({ units }) => units);
    };
    const found = async (location: string, after: TestAnswer): Promise<unknown[]> => {
      const { items } = (await read(`/v1/orders?sku=TWO&location=${location}`, after)) as unknown as {
        items: { id: string }[];
      };
      return items.map(({ id }) => id);
    };
    const together = { customerId: 'c2', destination: { country: 'GB' } };
    await receive('main', 'TWO', 3);
    await receive('shop', 'TWO', 2);
    const two = await place('b2b', 'TWO', 5, 'two', together);
    expect([await listed('main', two), await listed('shop', two)]).toEqual([[3], [2]]);
    expect([await found('main', two), await found('shop', two)]).toEqual([['b2b~two'], ['b2b~two']]);
    await receive('main', 'TWO', 1, 'one');
    const short = await place('b2b', 'TWO', 5, 'two-short', together);
    expect([await listed('main', short), await listed('shop', short)]).toEqual([[3, 1], [2]]);
    expect(await read('/v1/backorders?sku=TWO', short)).toMatchObject({ items: [{ quantity: 4 }] });
    expect(await read('/v1/consignments/candidates?location=main', short)).toEqual({ items: [] });
    const merge = {
      channel: 'b2b',
      consignmentId: 'k',
      location: 'main',
      orders: ['b2b~two', 'b2b~two-short'],
    };
    const refused = await send('POST', '/v1/consignments', merge, 409);
    expect(refused.body).toMatchObject({
      details: {
        orders: [
          { orderId: 'b2b~two', code: 'wrong_location' },
          { orderId: 'b2b~two-short', code: 'not_allocated' },
        ],
      },
    });
    const sent = await send('POST', '/v1/orders/b2b~two/shipments', { shipmentId: 's1', location: 'main' });
    expect([await listed('main', sent), await listed('shop', sent)]).toEqual([[1], [2]]);
    const { lineId } = (two.body.lines as { lineId: string }[])[0] ?? { lineId: '' };
    await send('POST', '/v1/orders/b2b~two/shipments', { shipmentId: 's2' });
    const back = await send('POST', '/v1/orders/b2b~two/returns', {
      returnId: 'r',
      reason: 'x',
      lines: [{ lineId, quantity: 5 }],
    });
    await until('/v1/stock/TWO', {
      locations: [
        { location: 'main', onHand: 4 },
        { location: 'shop', onHand: 2 },
      ],
    });
    expect(await found('shop', back)).toEqual(['b2b~two']);
  });

  test('a marketplace: is confirmed, the rest is a shortfall, and another location delivers it', async () => {
    await receive('main', 'M', 3);
    const placed = await place('market', 'M', 5);
    expect(placed.body).toMatchObject({ status: 'confirmed', short: [{ sku: 'M', quantity: 2 }] });
    const queues = (await read('/v1/work-queues?channel=market', placed)) as unknown as {
      items: { name: string; count: number; parts: unknown[] }[];
    };
    expect(queues.items.find(({ name }) => name === 'backorders')).toMatchObject({
      count: 1,
      parts: [{ of: { kind: 'shortfall' }, units: 2, path: '/v1/backorders?kind=shortfall&channel=market' }],
    });
    expect(await read('/v1/backorders?kind=shortfall&sku=M', placed)).toMatchObject({
      items: [{ orderId: 'market~M', quantity: 2 }],
    });
    const inVain = await send('POST', '/v1/orders/market~M/allocations', { reason: 'look again' }, 200);
    expect(inVain.headers.get('idempotent-replayed')).toBeNull();
    await receive('outlet', 'M', 2);
    const filled = await send('POST', '/v1/orders/market~M/allocations', {
      location: 'outlet',
      reason: 'found',
    });
    expect(filled.body).toMatchObject({ short: [] });
    expect(await read('/v1/orders/market~M/allocations', filled)).toMatchObject({
      items: [
        { location: 'main', held: 3 },
        { location: 'outlet', held: 2 },
      ],
    });
  });

  test('a till: all five are sold and gone, and the stock has none below nothing', async () => {
    await receive('shop', 'T', 3);
    const sold = await place('till', 'T', 5);
    expect(sold.body).toMatchObject({ status: 'completed', units: { ordered: 5, shipped: 5 }, short: [] });
    expect(await read('/v1/stock/T', sold)).toMatchObject({ onHand: 0, held: 0 });
  });
});

describe('a change', () => {
  test('is proposed, read, confirmed with its difference, and shipped', async () => {
    await receive('main', 'C', 5);
    await place('web', 'C', 2);
    const proposed = await send('POST', '/v1/orders/web~C/changes', {
      changeId: 'c1',
      reason: 'customer called',
      actions: [
        { kind: 'add', line: { lineId: '2', sku: 'C', quantity: 3, unitPrice: '1.50', tax: '0.00' } },
        {
          kind: 'reprice',
          lineId: '1',
          newLineId: '3',
          unitPrice: '1.75',
          tax: '0.00',
          reason: 'shelf price',
        },
      ],
    });
    expect(await read('/v1/order-changes?channel=web', proposed)).toMatchObject({
      items: [{ orderId: 'web~C', changeId: 'c1', status: 'proposed' }],
    });
    const queues = (await read('/v1/work-queues', proposed)) as unknown as {
      items: { name: string; count: number }[];
    };
    expect(queues.items.find(({ name }) => name === 'changes')).toMatchObject({ count: 1 });
    const confirmed = await send('POST', '/v1/orders/web~C/changes/c1/confirmation', {});
    expect(confirmed.body).toMatchObject({ version: 2, units: { ordered: 7, cancelled: 2 } });
    expect(await read('/v1/orders/web~C', confirmed)).toEqual(confirmed.body);
    // 4.50 more, and 3.50 instead of 4.00.
    expect(await read('/v1/orders/web~C/changes', confirmed)).toMatchObject({
      items: [{ status: 'confirmed', version: 2, difference: '4.00', currency: 'GBP' }],
    });
    expect(await read('/v1/stock/C', confirmed)).toMatchObject({ onHand: 5, held: 5 });
    const shipped = await send('POST', '/v1/orders/web~C/shipments', { shipmentId: 's' });
    expect(shipped.body).toMatchObject({ status: 'completed' });
  });

  test('that adds what is not there is refused and holds nothing; declined it is over', async () => {
    await receive('main', 'N', 3);
    const placed = await place('web', 'N', 2);
    const actions = [
      { kind: 'add', line: { lineId: '2', sku: 'N', quantity: 2, unitPrice: '1.50', tax: '0.00' } },
    ];
    await send('POST', '/v1/orders/web~N/changes', { changeId: 'c1', reason: 'more', actions });
    const refused = await send('POST', '/v1/orders/web~N/changes/c1/confirmation', {}, 409);
    expect(refused.body).toMatchObject({ code: 'insufficient_stock' });
    expect(await read('/v1/stock/N', placed)).toMatchObject({ onHand: 3 });
    const declined = await send('POST', '/v1/orders/web~N/changes/c1/refusal', { reason: 'none left' });
    expect(await read('/v1/stock/N', declined)).toMatchObject({ held: 2 });
    expect(await read('/v1/orders/web~N/changes', declined)).toMatchObject({
      items: [{ status: 'declined', declined: 'none left' }],
    });
  });
});

test('the audit finds nothing wrong with any of it', async () => {
  await house.settled();
  expect(await auditHouse(house.house, { quiet: true })).toMatchObject({
    ok: true,
    violations: { count: 0 },
  });
});
