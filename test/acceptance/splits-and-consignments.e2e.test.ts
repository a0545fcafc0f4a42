import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Orders split and merged by hand, over HTTP, down to stock and ledger. */
let house: TestHouse;
let other: string;

const expectStatus = (path: string, answer: TestAnswer, status: number): TestAnswer => {
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const send = async (method: string, path: string, body: unknown, status = 201) =>
  expectStatus(path, await house.request(method, path, { body }), status);
const read = async (path: string, after: TestAnswer): Promise<TestAnswer['body']> => {
  const sign = path.includes('?') ? '&' : '?';
  const at = `${path}${sign}after=${after.headers.get('event-position')}`;
  return expectStatus(path, await house.request('GET', at), 200).body;
};
const place = (externalId: string, quantity: number, more: object = {}) =>
  send('POST', '/v1/orders', {
    channel: 'web',
    externalId,
    currency: 'GBP',
    customerId: 'c1',
    destination: { country: 'GB', postalCode: 'TN1' },
    lines: [
      { lineId: '1', sku: 'MUG', quantity, unitPrice: '3.333', tax: '0.10' },
      { lineId: 'p', kind: 'charge', sku: 'POST', quantity: 1, unitPrice: '4.00' },
    ],
    ...more,
  });

beforeAll(async () => {
  house = await startTestHouse();
  other = await house.createKey('channel', 'other');
  await send('PUT', '/v1/locations/main', { name: 'Main' });
  for (const id of ['web', 'other']) {
    await send('PUT', `/v1/channels/${id}`, {
      name: id,
      timeZone: 'Europe/London',
      currencies: ['GBP'],
      sources: ['main'],
      confirm: 'auto',
    });
  }
  await send('POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 100 });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('an order split by hand', () => {
  test('ships its groups apart, for the same money as in one parcel', async () => {
    await place('split', 3);
    const splits = '/v1/orders/web~split/splits';
    const body = {
      splitId: 'later',
      lines: [{ lineId: '1', quantity: 2 }],
      requestedDate: '2026-12-24',
      priority: 1,
    };
    const split = await send('POST', splits, body);
    expect(split.body).toMatchObject({
      splits: [{ splitId: 'later', requestedDate: '2026-12-24', priority: 1, undone: false }],
    });
    await send('POST', splits, body, 200);
    expect((await send('POST', splits, { ...body, priority: 2 }, 409)).body).toMatchObject({
      code: 'id_reused',
    });
    expect(await read('/v1/orders/web~split', split)).toEqual(split.body);
    expect(await read('/v1/stock/MUG', split)).toMatchObject({ onHand: 100, held: 3 });

    const ship = '/v1/orders/web~split/shipments';
    const first = await send('POST', ship, { shipmentId: 's1' });
    expect(first.body).toMatchObject({ status: 'confirmed', units: { ordered: 4, shipped: 2 } });
    expect((await send('POST', ship, { shipmentId: 's2' }, 409)).body).toMatchObject({
      code: 'nothing_open',
    });
    const unknown = await send('POST', ship, { shipmentId: 's2', splitId: 'none' }, 404);
    expect(unknown.body).toMatchObject({ code: 'unknown_split' });
    const rest = await send('POST', ship, { shipmentId: 's2', splitId: 'later' });
    expect(rest.body).toMatchObject({
      status: 'completed',
      splits: [{ lines: [{ lineId: '1', quantity: 2, shipped: 2, cancelled: 0 }] }],
    });
    await house.settled();
    const entries = await read('/v1/ledger/entries?orderId=web~split', rest);
    const receivable = (entries.items as { postings: { account: string; amount: string }[] }[])
      .flatMap(({ postings }) => postings.filter(({ account }) => account === 'receivable'))
      .map(({ amount }) => amount);
    // 10.00 + 0.10 + 4.00, in two parcels.
    expect(receivable.map(Number).reduce((sum, amount) => sum + amount * 100, 0)).toBeCloseTo(1410, 5);
  });

  test('is as it was before, as long as nothing of the split was shipped', async () => {
    await place('undo', 3);
    const splits = '/v1/orders/web~undo/splits';
    await send('POST', splits, { splitId: 's', lines: [{ lineId: '1', quantity: 1 }] });
    const undone = await send('POST', `${splits}/s/undo`, { reason: 'one parcel' });
    expect(undone.body).toMatchObject({ splits: [{ splitId: 's', undone: true }] });
    await send('POST', `${splits}/s/undo`, { reason: 'one parcel' }, 200);
    expect((await send('POST', `${splits}/x/undo`, { reason: 'x' }, 404)).body).toMatchObject({
      code: 'unknown_split',
    });
    const gone = await send('POST', '/v1/orders/web~undo/shipments', { shipmentId: 's1' });
    expect(gone.body).toMatchObject({ status: 'completed' });
  });
});

describe('orders of one customer', () => {
  test('leave as one shipment, each for its own money', async () => {
    await place('m1', 1);
    const last = await place('m2', 2);
    const candidates = await read('/v1/consignments/candidates?location=main', last);
    expect(candidates).toEqual({
      items: [
        {
          channel: 'web',
          customerId: 'c1',
          destination: { country: 'GB', postalCode: 'TN1' },
          orders: ['web~m1', 'web~m2'],
          units: 3,
          oldest: expect.any(String),
        },
      ],
    });
    const body = { channel: 'web', consignmentId: 'k 1', location: 'main', orders: ['web~m1', 'web~m2'] };
    const merged = await send('POST', '/v1/consignments', body);
    expect(merged.body).toEqual({
      id: 'web~k%201',
      channel: 'web',
      consignmentId: 'k 1',
      location: 'main',
      customerId: 'c1',
      status: 'closed',
      shipmentId: 'consignment:k 1',
      orders: [
        { orderId: 'web~m1', outcome: 'shipped', units: 2 },
        { orderId: 'web~m2', outcome: 'shipped', units: 3 },
      ],
    });
    const path = merged.headers.get('location') ?? '';
    expect(await read(path, merged)).toEqual(merged.body);
    expect((await send('POST', '/v1/consignments', body, 200)).body).toEqual(merged.body);
    const reused = await send('POST', '/v1/consignments', { ...body, orders: ['web~m2', 'web~m1'] }, 409);
    expect(reused.body).toMatchObject({ code: 'id_reused' });
    expect(await read('/v1/orders/web~m2', merged)).toMatchObject({ status: 'completed' });
    expect(await read('/v1/consignments/candidates?location=main', merged)).toEqual({ items: [] });
    const told = await read('/v1/orders/web~m2/timeline', merged);
    expect((told.items as { text: string }[]).map(({ text }) => text)).toContain(
      '2 of 2 MUG and 1 of 1 POST shipped from main as shipment consignment:k 1',
    );
  });

  test('that cannot leave together are refused, and it says which and why', async () => {
    await place('n1', 1);
    await place('n2', 1, { customerId: 'c2' });
    const body = { channel: 'web', consignmentId: 'n', location: 'main', orders: ['web~n1', 'web~n2'] };
    expect((await send('POST', '/v1/consignments', body, 409)).body).toMatchObject({
      code: 'not_mergeable',
      details: { orders: [{ orderId: 'web~n2', code: 'other_customer' }] },
    });
    expect((await send('POST', '/v1/consignments', { ...body, channel: 'other' }, 409)).body).toMatchObject({
      code: 'not_mergeable',
      details: { orders: [{ code: 'other_channel' }, { code: 'other_channel' }] },
    });
  });

  test('of another channel are no business of a key', async () => {
    const ask = (method: string, path: string, body?: unknown) =>
      house.request(method, path, { body, key: other });
    const body = { channel: 'web', consignmentId: 'o', location: 'main', orders: ['web~n1', 'web~n2'] };
    expect((await ask('POST', '/v1/consignments', body)).body).toMatchObject({ code: 'forbidden_channel' });
    expect((await ask('GET', '/v1/consignments/web~k%25201')).body).toMatchObject({
      code: 'unknown_consignment',
    });
    const split = { splitId: 'x', lines: [{ lineId: '1', quantity: 1 }] };
    expect((await ask('POST', '/v1/orders/web~n1/splits', split)).body).toMatchObject({
      code: 'unknown_order',
    });
    expect((await ask('GET', '/v1/consignments/candidates?location=main')).body).toEqual({ items: [] });
  });
});
