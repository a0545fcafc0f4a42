import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Duties, taxes and another currency over HTTP, as far as the ledger. */
let house: TestHouse;

const send = async (method: string, path: string, body: unknown, status = 201): Promise<TestAnswer> => {
  const answer = await house.request(method, path, { body });
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const read = async (path: string): Promise<TestAnswer['body']> => {
  await house.settled();
  return (await house.request('GET', path)).body;
};
const place = (externalId: string, more: object = {}, status = 201) =>
  send(
    'POST',
    '/v1/orders',
    {
      channel: 'web',
      externalId,
      currency: 'GBP',
      lines: [{ lineId: '1', sku: 'MUG', quantity: 3, unitPrice: '33.33', taxes: TAXES }],
      ...more,
    },
    status,
  );

const TAXES = [
  { kind: 'duty', country: 'GB', rate: '0.1', amount: '10.00' },
  { kind: 'vat', name: 'UK VAT', amount: '20.00' },
];
const ECB = { source: 'ECB', asOf: '2026-11-27T00:00:00Z' };

beforeAll(async () => {
  house = await startTestHouse();
  await send('PUT', '/v1/locations/main', { name: 'Main' });
  await send('PUT', '/v1/channels/web', {
    name: 'Web',
    timeZone: 'Europe/London',
    currencies: ['GBP', 'USD', 'EUR', 'JPY'],
    sources: ['main'],
    confirm: 'auto',
  });
  await send('POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 100 });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

test('the parts of a tax are on the page of the order, come back with each unit, and have an account each', async () => {
  const placed = await place('parts');
  expect(placed.body).toMatchObject({ totals: { tax: '30.00' }, lines: [{ tax: '30.00', taxes: TAXES }] });
  await send('POST', '/v1/orders/web~parts/shipments', { shipmentId: 's' });
  for (const returnId of ['a', 'b', 'c']) {
    const lines = [{ lineId: '1', quantity: 1 }];
    await send('POST', '/v1/orders/web~parts/returns', { returnId, reason: 'duty free', lines });
  }
  expect(await read('/v1/orders/web~parts')).toMatchObject({ lines: [{ taxes: TAXES, returned: 3 }] });
  const { items } = await read('/v1/ledger/entries?orderId=web~parts&kind=return');
  const posted = (items as { postings: { account: string; amount: string }[] }[]).map(({ postings }) =>
    postings
      .filter(({ account }) => account.startsWith('tax'))
      .map(({ account, amount }) => `${account} ${amount}`),
  );
  expect(posted).toEqual([
    ['tax:duty 3.34', 'tax:vat 6.67'],
    ['tax:duty 3.33', 'tax:vat 6.67'],
    ['tax:duty 3.33', 'tax:vat 6.66'],
  ]);
  const lines = [{ lineId: '1', sku: 'MUG', quantity: 1, unitPrice: '1.00', tax: '1.00', taxes: TAXES }];
  expect((await place('mismatch', { lines }, 422)).body).toMatchObject({ code: 'tax_mismatch' });
});

test('an order is settled at the rate that it brings, or at that of its channel, and keeps it', async () => {
  const brought = { currency: 'EUR', rate: '1.1555', ...ECB };
  await place('brings', { settlement: brought });
  await send('POST', '/v1/orders/web~brings/shipments', { shipmentId: 's' });
  const { items } = await read('/v1/ledger/entries?orderId=web~brings');
  expect(items).toMatchObject([
    {
      currency: 'GBP',
      settlement: { currency: 'EUR', rate: '1.1555', source: 'ECB', asOf: '2026-11-27T00:00:00.000Z' },
      postings: [
        { account: 'receivable', amount: '129.99', settled: '150.20' },
        { account: 'sales', amount: '-99.99', settled: '-115.54' },
        { account: 'tax:duty', amount: '-10.00', settled: '-11.55' },
        { account: 'tax:vat', amount: '-20.00', settled: '-23.11' },
      ],
    },
  ]);

  const rates = [{ from: 'GBP', rate: '2', ...ECB }];
  const set = await send('PUT', '/v1/channels/web/rates', { currency: 'EUR', required: true, rates });
  expect(set.body).toEqual({ version: 1, currency: 'EUR', required: true, rates });
  await send('PUT', '/v1/channels/web/rates', { currency: 'EUR', required: true, rates }, 200);
  expect((await house.request('GET', '/v1/channels/web/rates')).body).toEqual(set.body);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await place('table');
  await send('PUT', '/v1/channels/web/rates', { currency: 'EUR', required: true, rates: [] });
  // The same order again is the same, whatever the rates are by now.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await place('table', {}, 200);
  expect((await place('missing', {}, 422)).body).toMatchObject({ code: 'rate_missing' });
  await place('euros', { currency: 'EUR' });
  await place('brings-own', { settlement: brought });
  await send('POST', '/v1/orders/web~table/shipments', { shipmentId: 's' });
  expect(await read('/v1/ledger/entries?orderId=web~table')).toMatchObject({
    items: [{ settlement: { rate: '2' }, postings: [{ amount: '129.99', settled: '259.98' }, {}, {}, {}] }],
  });
});
