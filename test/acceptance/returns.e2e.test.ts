import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Goods that come back, from the request over the dock and the inspection to the credit, the ledger, and the exchange. */
let house: TestHouse;
let channel: string;
let warehouse: string;
let finance: string;

const send = async (key: string | undefined, path: string, body: unknown, status = 201) => {
  const answer = await house.request('POST', path, { body, ...(key === undefined ? {} : { key }) });
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const read = async (path: string, after: TestAnswer, key = house.adminKey): Promise<TestAnswer['body']> => {
  const sign = path.includes('?') ? '&' : '?';
  const position = after.headers.get('event-position');
  const answer = await house.request('GET', `${path}${sign}after=${position}`, { key });
  expect([path, answer.status, answer.body]).toEqual([path, 200, expect.anything()]);
  return answer.body;
};
const sold = async (externalId: string, quantity = 3): Promise<string> => {
  const lines = [
    { lineId: '1', sku: 'MUG', quantity, unitPrice: '10.00', tax: '2.00' },
    { lineId: 'p', kind: 'charge', sku: 'POST', quantity: 1, unitPrice: '4.95' },
  ];
  await send(channel, '/v1/orders', { channel: 'web', externalId, currency: 'GBP', lines });
  await send(warehouse, `/v1/orders/web~${externalId}/shipments`, { shipmentId: 's' });
  return `/v1/orders/web~${externalId}`;
};
const lines = (quantity: number) => [{ lineId: '1', quantity }];

beforeAll(async () => {
  house = await startTestHouse();
  [channel, warehouse, finance] = await Promise.all([
    house.createKey('channel', 'web'),
    house.createKey('warehouse'),
    house.createKey('finance'),
  ]);
  for (const id of ['main', 'shop'])
    await house.request('PUT', `/v1/locations/${id}`, { body: { name: id } });
  await house.request('PUT', '/v1/channels/web', {
    body: {
      name: 'Web',
      timeZone: 'Europe/London',
      currencies: ['GBP'],
      sources: ['main'],
      confirm: 'auto',
    },
  });
  for (const [sku, quantity] of [
    ['MUG', 50],
    ['CUP', 5],
  ]) {
    await send(warehouse, '/v1/locations/main/receipts', { receiptId: `r ${sku}`, sku, quantity });
  }
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

test('goods are requested by the channel, taken in and inspected by the warehouse, and credited by their shares', async () => {
  const order = await sold('returned');
  const path = `${order}/return-requests`;
  const asked = { returnId: 'q', reason: 'too small', lines: [...lines(3), { lineId: 'p', quantity: 1 }] };
  const requested = await send(channel, path, asked);
  expect(requested.body).toMatchObject({ returnId: 'q', state: 'requested', units: { requested: 4 } });
  await send(channel, path, asked, 200);
  await send(channel, `${order}/returns`, { returnId: 'd', reason: 'x', lines: lines(1) }, 409);
  expect(await read('/v1/returns?state=requested', requested, warehouse)).toMatchObject({
    items: [{ orderId: 'web~returned', returnId: 'q', lines: [{ sku: 'MUG' }, { sku: 'POST' }] }],
    nextCursor: null,
  });
  const { items: queues } = (await read('/v1/work-queues', requested)) as unknown as {
    items: { name: string; parts: unknown[] }[];
  };
  expect(queues.find(({ name }) => name === 'returns')).toMatchObject({
    parts: [{ of: { state: 'requested' }, count: 1, path: '/v1/returns?state=requested' }],
  });
  expect(await read('/v1/returns/counts', requested)).toMatchObject({
    items: [{ channel: 'web', state: 'requested', count: 1, units: 4 }],
  });
  await send(warehouse, `${path}/q/authorisation`, {}, 403);
  await send(channel, `${path}/q/authorisation`, { instructions: 'with its box' });
  const came = await send(warehouse, `${path}/q/receipt`, { location: 'shop', lines: lines(3) });
  expect(came.body).toMatchObject({ state: 'received', location: 'shop', units: { received: 3 } });
  await send(channel, `${path}/q/inspection`, { lines: [] }, 403);
  const incomplete = { lines: [{ lineId: '1', quantity: 1, outcome: 'resaleable' }] };
  const part = await send(warehouse, `${path}/q/inspection`, incomplete, 409);
  expect(part.body).toMatchObject({ code: 'inspection_incomplete', details: { received: 3, inspected: 1 } });
  const looked = await send(warehouse, `${path}/q/inspection`, {
    lines: [
      { lineId: '1', quantity: 1, outcome: 'resaleable' },
      { lineId: '1', quantity: 1, outcome: 'damaged' },
      { lineId: '1', quantity: 1, outcome: 'refused' },
    ],
  });
  // Two of three units with 2.00 of tax, and the postage.
  const credit = { currency: 'GBP', credited: '26.29', allowance: '0.00' };
  expect(looked.body).toMatchObject({
    state: 'credited',
    credit,
    units: { accepted: 3, damaged: 1, refused: 1 },
  });
  expect(await read('/v1/stock/MUG', looked)).toMatchObject({
    locations: expect.arrayContaining([expect.objectContaining({ location: 'shop', onHand: 1 })]),
  });
  expect(await read(`${order}/returns`, looked, channel)).toMatchObject({
    returns: [
      {
        state: 'credited',
        instructions: 'with its box',
        credit,
        openedBy: expect.stringMatching(/^key:/),
        inspectedAt: expect.any(String),
      },
    ],
    allowances: [],
    exchanges: [],
  });
  const again = await send(channel, path, { returnId: 'q2', reason: 'x', lines: lines(1) }, 409);
  expect(again.body).toMatchObject({ code: 'exceeds_shipped_quantity', details: { left: 0 } });
});

test('finance gives money back without goods, never more than is left of what was paid, and the ledger has it', async () => {
  const order = await sold('scratched');
  const path = `${order}/allowances`;
  await send(channel, path, { allowanceId: 'a', amount: '5.00', reason: 'a scratch' }, 403);
  const granted = await send(finance, path, { allowanceId: 'a', amount: '5.00', reason: 'a scratch' });
  expect(granted.body).toMatchObject({ allowanceId: 'a', amount: '5.00', currency: 'GBP' });
  await send(finance, path, { allowanceId: 'a', amount: '5.00', reason: 'a scratch' }, 200);
  const more = await send(finance, path, { allowanceId: 'b', amount: '31.96', reason: 'x' }, 409);
  expect(more.body).toMatchObject({ code: 'exceeds_paid', details: { left: '31.95' } });
  const all = { returnId: 'r', reason: 'x', lines: [...lines(3), { lineId: 'p', quantity: 1 }] };
  const asMuch = await send(channel, `${order}/returns`, { ...all, credited: '31.96' }, 409);
  expect(asMuch.body).toMatchObject({ code: 'exceeds_paid' });
  await send(channel, `${order}/returns`, { ...all, credited: '40.00', goodwill: 'sorry' }, 403);
  const returned = await send(channel, `${order}/returns`, all);
  await house.settled();
  expect(
    await read('/v1/ledger/entries?orderId=web~scratched&kind=allowance', returned, finance),
  ).toMatchObject({
    items: [
      {
        reference: { document: 'a' },
        postings: [
          { account: 'allowances', amount: '5.00' },
          { account: 'receivable', amount: '-5.00' },
        ],
      },
    ],
  });
  // 36.95 was charged; 5.00 before, so 31.95 now.
  expect(await read(`${order}/returns`, returned)).toMatchObject({
    returns: [{ credit: { credited: '31.95', allowance: '-5.00' } }],
    allowances: [{ allowanceId: 'a', grantedBy: expect.stringMatching(/^key:/) }],
  });
});

describe('an exchange', () => {
  const swap = { exchangeId: 'e', returnId: 'r', effectiveAt: '2026-01-20T09:00:00Z' };
  const cups = (quantity: number, unitPrice: string) => ({ lines: [{ sku: 'CUP', quantity, unitPrice }] });

  test('carries the credit to a new order, and is settled with the difference once that is complete', async () => {
    const order = await sold('swapped');
    await send(channel, `${order}/returns`, { returnId: 'r', reason: 'too small', lines: lines(3) });
    const agreed = await send(channel, `${order}/exchanges`, { ...swap, ...cups(2, '20.00') });
    expect(agreed.body).toMatchObject({
      exchange: { newOrderId: 'web~swapped-x1', credit: '32.00', state: 'agreed' },
      expected: { total: '40.00', toPay: '8.00', toGiveBack: '0.00' },
      order: { id: 'web~swapped-x1', status: 'confirmed' },
    });
    await send(channel, `${order}/exchanges`, { ...swap, ...cups(2, '20.00') }, 200);
    await send(channel, `${order}/exchanges`, { ...swap, ...cups(1, '20.00') }, 409);
    const shipped = await send(warehouse, '/v1/orders/web~swapped-x1/shipments', { shipmentId: 's' });
    const expected = { state: 'settled', charged: '40.00', toPay: '8.00', toGiveBack: '0.00' };
    for (let tries = 0; ; tries += 1) {
      const { exchanges } = await read(`${order}/returns`, shipped);
      const [found] = exchanges as { state: string }[];
      if (found?.state === 'agreed' && tries < 100) await sleep(200);
      else {
        expect(found).toMatchObject(expected);
        break;
      }
    }
    expect(await read('/v1/orders/web~swapped-x1/returns', shipped)).toMatchObject({
      exchanges: [{ orderId: 'web~swapped', ...expected }],
    });
  }, 60_000);

  test('for which there is no stock is ended: the credit is owed in money again', async () => {
    const order = await sold('no-stock');
    await send(channel, `${order}/returns`, { returnId: 'r', reason: 'too small', lines: lines(1) });
    const answer = await send(channel, `${order}/exchanges`, { ...swap, ...cups(99, '1.00') });
    expect(answer.body).toMatchObject({ exchange: { state: 'ended' }, order: { status: 'rejected' } });
    expect(await read(`${order}/returns`, answer)).toMatchObject({
      exchanges: [{ state: 'ended', owed: '10.67', code: 'insufficient_stock' }],
    });
  });
});
