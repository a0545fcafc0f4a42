import { Agent, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestHouse, type TestHouse } from '../support/house.js';

/**
 * 500 buyers, 100 units, over HTTP and at once: two leading commerce servers sell 500 of them (field notes, order management 0.1).
 */
const BUYERS = 500;
const UNITS = 100;

let house: TestHouse;
beforeAll(async () => {
  house = await startTestHouse();
  const shop = {
    name: 'Shop',
    timeZone: 'Europe/Berlin',
    currencies: ['EUR'],
    sources: ['a', 'b'],
    confirm: 'auto',
  };
  for (const id of ['a', 'b'])
    expect((await house.request('PUT', `/v1/locations/${id}`, { body: { name: id } })).status).toBeLessThan(
      300,
    );
  expect((await house.request('PUT', '/v1/channels/shop', { body: shop })).status).toBeLessThan(300);
  // The units lie at two locations, so that the race is for both.
  for (const [id, quantity] of [
    ['a', UNITS - 30],
    ['b', 30],
  ] as const) {
    const body = { receiptId: 'r1', sku: 'HOT', quantity };
    expect((await house.request('POST', `/v1/locations/${id}/receipts`, { body })).status).toBeLessThan(300);
  }
});
afterAll(() => house.stop());

/** A connection of its own for every buyer: `fetch` would share a few. */
const buy = (agent: Agent, externalId: string): Promise<{ status: number; body: Record<string, unknown> }> =>
  new Promise((resolve, reject) => {
    const order = {
      channel: 'shop',
      externalId,
      currency: 'EUR',
      lines: [{ sku: 'HOT', quantity: 1, unitPrice: '9.99' }],
    };
    const request = httpRequest(
      new URL('/v1/orders', house.url),
      {
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${house.adminKey}`, 'content-type': 'application/json' },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      },
    );
    request.on('error', reject);
    request.end(JSON.stringify(order));
  });

test('500 concurrent buyers of 100 units: exactly 100 confirmed, 400 insufficient_stock, nothing held', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: BUYERS });
  const answers = await Promise.all(Array.from({ length: BUYERS }, (_, i) => buy(agent, `buyer-${i}`)));
  agent.destroy();
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  const confirmed = answers.filter(({ body }) => body.status === 'confirmed');
  const rejected = answers.filter(({ body }) => body.status === 'rejected');
  expect([confirmed.length, rejected.length]).toEqual([UNITS, BUYERS - UNITS]);
  for (const { body } of rejected) expect(JSON.stringify(body)).toContain('insufficient_stock');

  await house.settled();
  const stock = await house.request('GET', '/v1/stock/HOT');
  expect(stock.body).toMatchObject({ onHand: UNITS, held: UNITS, available: 0 });
  const orders = await house.request('GET', '/v1/orders?status=confirmed&limit=200');
  expect(orders.body.items).toHaveLength(UNITS);
});

test('the same order again, even at the same time, is one order: same id, outcome and position', async () => {
  const body = {
    channel: 'shop',
    externalId: 'twice',
    currency: 'EUR',
    lines: [{ sku: 'HOT', quantity: 1, unitPrice: '9.99' }],
  };
  const before = await house.countEvents();
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => house.request('POST', '/v1/orders', { body })),
  );
  const later = await house.request('POST', '/v1/orders', { body });
  for (const answer of [...others, later]) {
    expect(answer.body).toEqual(first?.body);
    expect(answer.headers.get('event-position')).toBe(first?.headers.get('event-position'));
  }
  // Placed and rejected, once.
  expect((await house.countEvents()) - before).toBe(2);
  const other = await house.request('POST', '/v1/orders', { body: { ...body, customerId: 'somebody' } });
  expect(other.status).toBe(409);
  expect(other.body.code).toBe('order_exists');
});
