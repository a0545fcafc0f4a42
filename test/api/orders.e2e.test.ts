import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

let house: TestHouse;

const settings = (confirm: 'auto' | 'explicit', sources = ['main']) => ({
  name: 'a channel',
  timeZone: 'Europe/London',
  currencies: ['GBP'],
  sources,
  confirm,
});

const orderOf = (externalId: string, more: Record<string, unknown> = {}) => ({
  channel: 'web',
  externalId,
  currency: 'GBP',
  lines: [{ sku: 'MUG', quantity: 2, unitPrice: '7.50' }],
  ...more,
});

const expectStatus = (answer: TestAnswer, status: number): TestAnswer => {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
};
const put = async (path: string, body: unknown) =>
  expectStatus(await house.request('PUT', path, { body }), 201);
const post = async (path: string, body: unknown, status = 201, headers = {}) =>
  expectStatus(await house.request('POST', path, { body, headers }), status);
const get = async (path: string, after?: TestAnswer) => {
  const position = after?.headers.get('event-position');
  const sign = path.includes('?') ? '&' : '?';
  return expectStatus(
    await house.request('GET', position == null ? path : `${path}${sign}after=${position}`),
    200,
  );
};

beforeAll(async () => {
  house = await startTestHouse();
  await put('/v1/locations/main', { name: 'Main', country: 'GB' });
  await put('/v1/locations/second', { name: 'Second' });
  await put('/v1/channels/web', settings('auto', ['main', 'second']));
  await put('/v1/channels/slow', settings('explicit'));
  await post('/v1/locations/main/receipts', { receiptId: 'r1', sku: 'MUG', quantity: 1_000 });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('orders over HTTP', () => {
  test('an order is confirmed, and its own position makes it readable', async () => {
    const placed = await post('/v1/orders', orderOf('A 1/ü~%'));
    expect(placed.body).toMatchObject({
      status: 'confirmed',
      externalId: 'A 1/ü~%',
      totals: { total: '15.00' },
    });
    const path = placed.headers.get('location') ?? '';
    const read = await get(path, placed);
    expect(read.body).toEqual(placed.body);
  });

  test('the same order sent twice is one order: same id, outcome and position', async () => {
    const first = await post('/v1/orders', orderOf('twice'));
    const again = await post('/v1/orders', orderOf('twice'), 200);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('event-position')).toBe(first.headers.get('event-position'));
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await house.request('POST', '/v1/orders', { body: orderOf('twice', { customerId: 'c' }) });
    expect(other).toMatchObject({ status: 409, body: { code: 'order_exists' } });
  });

  test('the same order sent by twenty at once is one order with one outcome', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => house.request('POST', '/v1/orders', { body: orderOf('at-once') })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(new Set(answers.map(({ headers }) => headers.get('event-position'))).size).toBe(1);
  });

  test('an order that finds no stock is recorded as rejected, and stays so', async () => {
    const body = orderOf('too-many', { lines: [{ sku: 'RARE', quantity: 1, unitPrice: '1' }] });
    const rejected = await post('/v1/orders', body);
    expect(rejected.body).toMatchObject({
      status: 'rejected',
      rejection: { code: 'insufficient_stock', sku: 'RARE' },
    });
    await post('/v1/locations/main/receipts', { receiptId: 'rare', sku: 'RARE', quantity: 5 });
    expect((await post('/v1/orders', body, 200)).body).toEqual(rejected.body);
  });

  test('an idempotency key answers a repeat as before, and refuses another request', async () => {
    const body = { sku: 'KEYED', quantity: 5 };
    const key = { 'idempotency-key': 'receipt-77' };
    const first = await post('/v1/locations/main/receipts', body, 201, key);
    const again = await post('/v1/locations/main/receipts', body, 200, key);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('event-position')).toBe(first.headers.get('event-position'));
    expect(again.body).toMatchObject({ onHand: 5 });
    const other = await house.request('POST', '/v1/locations/main/receipts', {
      body: { ...body, quantity: 6 },
      headers: key,
    });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  test('a whole life: reserved, confirmed, shipped in parts, returned, in the ledger', async () => {
    const lines = [
      { sku: 'MUG', quantity: 3, unitPrice: '9.99', tax: '5.00' },
      { kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' },
    ];
    const at = (hour: number) => `2026-03-28T${String(hour).padStart(2, '0')}:00:00Z`;
    const body = { ...orderOf('life', { channel: 'slow', lines }), placedAt: at(8) };
    const placed = await post('/v1/orders', body);
    expect(placed.body.status).toBe('reserved');
    const path = '/v1/orders/slow~life';
    await post(`${path}/confirm`, { effectiveAt: at(9) });
    await post(`${path}/confirm`, {}, 200);
    await post(`${path}/shipments`, {
      shipmentId: 's1',
      lines: [{ lineId: '1', quantity: 1 }],
      effectiveAt: at(10),
    });
    const shipped = await post(`${path}/shipments`, { shipmentId: 's2', effectiveAt: at(11) });
    expect(shipped.body).toMatchObject({ status: 'completed', units: { ordered: 4, shipped: 4 } });
    const returned = await post(`${path}/returns`, {
      returnId: 'b1',
      reason: 'did not fit',
      lines: [{ lineId: '1', quantity: 3 }],
      effectiveAt: at(12),
    });
    expect(returned.body).toMatchObject({ totals: { total: '38.87' }, units: { returned: 3 } });
    expect((await get(path, returned)).body).toEqual(returned.body);

    // What had happened by ten: one mug and the postage were gone, nothing was back.
    const before = await get(`${path}?asOf=${at(10)}`);
    expect(before.body).toMatchObject({ status: 'confirmed', units: { shipped: 2, returned: 0 } });
    const known = await get(`${path}?knownAt=${placed.headers.get('event-position')}`);
    expect(known.body).toMatchObject({ status: 'reserved', units: { shipped: 0 } });
    const never = await house.request('GET', `${path}?asOf=${at(7)}`);
    expect(never).toMatchObject({ status: 404, body: { code: 'unknown_order' } });

    const page = await get(`${path}/events?limit=2`);
    expect(page.body).toMatchObject({
      items: [{ type: 'OrderPlaced', effectiveAt: at(8) }, { type: 'OrderReserved' }],
      nextCursor: '2',
    });
    const rest = await get(`${path}/events?cursor=2`);
    expect((rest.body.items as { type: string }[]).map(({ type }) => type)).toEqual([
      'OrderConfirmed',
      'OrderShipped',
      'OrderShipped',
      'OrderCompleted',
      'OrderReturned',
    ]);

    await house.settled();
    const entries = await get('/v1/ledger/entries?party=slow&orderId=slow~life');
    expect((entries.body.items as { kind: string }[]).map(({ kind }) => kind)).toEqual([
      'sale',
      'sale',
      'return',
    ]);
    const trial = await get(`/v1/ledger/trial-balance?party=slow&asOf=${at(11)}`);
    expect(trial.body).toMatchObject({ items: [{ currency: 'GBP', difference: '0.00' }] });
    const owed = await get(`/v1/ledger/balances?party=slow&account=receivable&asOf=${at(11)}`);
    expect(owed.body.items).toMatchObject([{ balance: '38.87' }]);
    const owedNow = await get('/v1/ledger/balances?party=slow&account=receivable');
    expect(owedNow.body.items).toMatchObject([{ balance: '3.90' }]);
    const sales = await get('/v1/reports/sales?channel=slow');
    expect(sales.body.items).toMatchObject([{ day: '2026-03-28', orders: 1, gross: '33.87', net: '38.87' }]);
  });

  test('stock is told by location and in total, now and in the past, with its movements', async () => {
    const first = await post('/v1/locations/main/receipts', {
      receiptId: 'l1',
      sku: 'LAMP',
      quantity: 3,
      effectiveAt: '2026-01-01T00:00:00Z',
    });
    await post('/v1/locations/second/receipts', { receiptId: 'l1', sku: 'LAMP', quantity: 4 });
    const adjusted = await post('/v1/locations/main/adjustments', {
      adjustmentId: 'broken',
      sku: 'LAMP',
      delta: -1,
      reason: 'broken',
      expectedOnHand: 3,
    });
    const now = await get('/v1/stock/LAMP', adjusted);
    expect(now.body).toMatchObject({ onHand: 6, available: 6, locations: [{ onHand: 2 }, { onHand: 4 }] });
    expect((await get('/v1/stock/LAMP?asOf=2026-01-02T00:00:00Z')).body).toMatchObject({ onHand: 3 });
    const known = await get(`/v1/stock/LAMP?knownAt=${first.headers.get('event-position')}`);
    expect(known.body).toMatchObject({ onHand: 3, locations: [{ location: 'main' }] });
    const movements = await get('/v1/stock/LAMP/movements?location=main');
    expect(movements.body.items).toMatchObject([
      { kind: 'adjusted', quantity: -1, causeId: 'broken' },
      { kind: 'received', quantity: 3 },
    ]);
  });

  test('a coupon takes its part off, and is used up when it says so', async () => {
    await post('/v1/coupons', { code: 'TEN', discount: { kind: 'percent', percent: '10' }, limit: 1 });
    const first = await post('/v1/orders', orderOf('c1', { coupons: ['TEN'] }));
    expect(first.body).toMatchObject({ totals: { discount: '1.50', total: '13.50' } });
    const second = await post('/v1/orders', orderOf('c2', { coupons: ['TEN'] }));
    expect(second.body).toMatchObject({ status: 'rejected', rejection: { code: 'coupon_exhausted' } });
    const coupon = await get('/v1/coupons/TEN', second);
    expect(coupon.body).toMatchObject({ redeemed: 1, held: 0, available: 0 });
    expect((await get('/v1/coupons/TEN/redemptions')).body.items).toMatchObject([
      { orderId: 'web~c1', status: 'redeemed' },
    ]);
  });

  test('a credit note without an order is recorded once and puts goods back', async () => {
    const line = {
      channel: 'web',
      lineId: '1',
      sku: 'BLIND',
      quantity: 2,
      currency: 'GBP',
      amount: '4.00',
      location: 'main',
      reason: 'no receipt',
    };
    const first = await post('/v1/credit-notes/C1/lines', line);
    await post('/v1/credit-notes/C1/lines', line, 200);
    expect((await get('/v1/stock/BLIND', first)).body).toMatchObject({ onHand: 2 });
  });

  test('lists are paged without gap or overlap', async () => {
    for (const n of [1, 2, 3, 4, 5]) await post('/v1/orders', orderOf(`page-${n}`, { customerId: 'pager' }));
    await house.settled();
    const seen: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await get(
        `/v1/orders?customerId=pager&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...(page.body.items as { externalId: string }[]).map(({ externalId }) => externalId));
      cursor = page.body.nextCursor as string | null;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });

  test('a key sees its own channel only, and nothing once it is revoked', async () => {
    const made = await post('/v1/keys', { role: 'channel', channel: 'slow' });
    const key = String(made.body.secret);
    await house.settled();
    const all = await house.request('GET', '/v1/orders?limit=200', { key });
    expect(all.status).toBe(200);
    const channels = (all.body.items as { channel: string }[]).map(({ channel }) => channel);
    expect(new Set(channels)).toEqual(new Set(['slow']));
    expect((await house.request('GET', '/v1/orders?channel=web', { key })).body.items).toEqual([]);
    expect((await house.request('GET', '/v1/channels', { key })).body.items).toHaveLength(1);
    const revoked = await house.request('DELETE', `/v1/keys/${made.body.id}`);
    expect(revoked.status).toBe(204);
    expect((await house.request('GET', '/v1/orders', { key })).status).toBe(401);
    const listed = (await get('/v1/keys')).body.items as { id: string; revokedAt?: string }[];
    expect(listed.find(({ id }) => id === made.body.id)?.revokedAt).toBeDefined();
  });

  test('a position that the read models never reach ends in 503 with Retry-After', async () => {
    const answer = await house.request('GET', '/v1/orders?after=9000000000000000');
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_yet_visible' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  test('docs, health and metrics are served', async () => {
    const page = await fetch(`${house.url}/docs/`);
    expect(await page.text()).toContain('swagger-ui');
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js', 'favicon-32x32.png']) {
      const asset = await fetch(`${house.url}/docs/${file}`);
      expect(asset.status).toBe(200);
      await asset.arrayBuffer();
    }
    expect((await house.request('GET', '/livez', { key: null })).body).toEqual({ alive: true });
    expect((await house.request('GET', '/readyz', { key: null })).status).toBe(200);
    const metrics = await fetch(`${house.url}/metrics`, {
      headers: { authorization: `Bearer ${house.adminKey}` },
    });
    expect(await metrics.text()).toContain(
      'holdfast_http_request_duration_seconds_count{method="post",route="/v1/orders"',
    );
  });
});
