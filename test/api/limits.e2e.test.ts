import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestHouse } from '../support/house.js';

let house: TestHouse;

const post = (path: string, body: unknown) => house.request('POST', path, { body });
const longText = (letter: string, units: number): string => letter.repeat(units / letter.length);
const orderOf = (externalId: string, lines: readonly unknown[]) => ({
  channel: 'web',
  externalId,
  currency: 'GBP',
  lines,
});

beforeAll(async () => {
  house = await startTestHouse({ orderWaitMs: 0, requestsPerSecond: 60 });
  await house.request('PUT', '/v1/locations/main', { body: { name: 'Main' } });
  await house.request('PUT', '/v1/channels/web', {
    body: { name: 'Web', timeZone: 'Asia/Tokyo', currencies: ['GBP'], sources: ['main'], confirm: 'auto' },
  });
  await post('/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 1_000 });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('limits of the API', () => {
  test('an order without an outcome in time is 202 with its place, and comes to its outcome all the same', async () => {
    const body = orderOf('late', [{ sku: 'MUG', quantity: 1, unitPrice: '1' }]);
    const answer = await post('/v1/orders', body);
    expect([201, 202]).toContain(answer.status);
    const path = answer.headers.get('location') ?? '';
    expect(path).toBe('/v1/orders/web~late');
    await house.settled();
    expect((await house.request('GET', path)).body).toMatchObject({ status: 'confirmed' });
    expect(await post('/v1/orders', body)).toMatchObject({ body: { id: 'web~late', status: 'confirmed' } });
  });

  test('the longest ids, in letters that need most room, live a whole life', async () => {
    for (const letter of ['x', 'ü', '字', '😀', '%', '~']) {
      const sku = longText(letter, 128);
      const externalId = longText(letter, 128);
      const received = await post('/v1/locations/main/receipts', { receiptId: sku, sku, quantity: 5 });
      expect(received.status).toBe(201);
      const placed = await post('/v1/orders', orderOf(externalId, [{ sku, quantity: 2, unitPrice: '1' }]));
      expect([201, 202]).toContain(placed.status);
      await house.settled();
      const path = placed.headers.get('location') ?? '';
      const shipped = await post(`${path}/shipments`, { shipmentId: externalId });
      expect(shipped.body).toMatchObject({ status: 'completed', externalId });
      const after = shipped.headers.get('event-position');
      const stock = await house.request('GET', `/v1/stock/${encodeURIComponent(sku)}?after=${after}`);
      expect(stock.body).toMatchObject({ sku, onHand: 3, held: 0 });
    }
  });

  test('an order too large to be recorded is refused, and one of the most lines is not', async () => {
    const line = (n: number, padding: string) => ({
      lineId: `${n}`,
      kind: 'charge',
      sku: `S${padding}`,
      account: `A${padding}`,
      quantity: 1,
      unitPrice: '0.01',
    });
    const lines = (padding: string) => Array.from({ length: 2_000 }, (_, n) => line(n, padding));
    const before = await house.countEvents();
    const tooLarge = await post('/v1/orders', orderOf('large', lines('字'.repeat(100))));
    expect(tooLarge).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    // Below the limit of a body, above that of an append: an event says more than the order did.
    const grown = await post('/v1/orders', orderOf('grown', lines('字'.repeat(66))));
    expect(grown).toMatchObject({ status: 422, body: { code: 'append_too_large' } });
    expect(await house.countEvents()).toBe(before);
    const most = await post('/v1/orders', orderOf('most', lines('')));
    expect([201, 202]).toContain(most.status);
    expect(most.body).toMatchObject({ totals: { charges: '20.00' } });
    expect((await post('/v1/orders', orderOf('more', [...lines(''), line(2_000, '')]))).status).toBe(400);
  });

  test('a body that is sent in pieces is stopped at the limit, whatever length it claims', async () => {
    const socket = connect(Number(new URL(house.url).port), '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes('body_too_large')) socket.end();
    });
    socket.on('error', () => undefined);
    const head = `POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${house.adminKey}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let sent = 0; sent < 160 && !socket.writableEnded; sent += 1) {
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }
    if (!socket.closed) await once(socket, 'close');
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('HEAD is answered like GET without a body', async () => {
    const head = await fetch(`${house.url}/v1/channels/web`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${house.adminKey}` },
    });
    expect(head.status).toBe(200);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(10);
    expect(await head.text()).toBe('');
  });

  test('a key that asks too often is told how long to wait, and another key is not held up', async () => {
    const other = await house.createKey('reader');
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => house.request('GET', '/v1/channels/web')),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]).toMatchObject({ body: { code: 'too_many_requests' } });
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await house.request('GET', '/v1/channels/web', { key: other })).status).toBe(200);
  });
});
