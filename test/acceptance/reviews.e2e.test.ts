import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Orders over the amount of a rule, from the placement to the queue, to finance, to the confirmation or the end. */
let house: TestHouse;
let finance: string;
let channel: string;

const sendAs = async (key: string | undefined, method: string, path: string, body: unknown, status = 201) => {
  const answer = await house.request(method, path, { body, ...(key === undefined ? {} : { key }) });
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const send = (method: string, path: string, body: unknown, status = 201) =>
  sendAs(undefined, method, path, body, status);
const read = async (path: string, after: TestAnswer, key = house.adminKey): Promise<TestAnswer['body']> => {
  const sign = path.includes('?') ? '&' : '?';
  const answer = await house.request('GET', `${path}${sign}after=${after.headers.get('event-position')}`, {
    key,
  });
  expect([path, answer.status, answer.body]).toEqual([path, 200, expect.anything()]);
  return answer.body;
};
const place = (externalId: string, unitPrice: string, more: object = {}) =>
  send('POST', '/v1/orders', {
    channel: 'web',
    externalId,
    currency: 'GBP',
    lines: [{ sku: 'MUG', quantity: 2, unitPrice }],
    ...more,
  });
const resolve = (order: string, hold: string, outcome: string, key: string, status = 201) =>
  sendAs(
    key,
    'POST',
    `/v1/orders/web~${order}/reviews/${encodeURIComponent(hold)}/resolution`,
    { outcome, reason: `${outcome} after a call` },
    status,
  );
const stockOf = (after: TestAnswer) => read('/v1/stock/MUG', after);

const BIG = {
  id: 'big',
  holdType: 'fraud',
  blocks: ['confirm'],
  role: 'finance',
  when: { kind: 'amount', currency: 'GBP', over: '100.00' },
};
const FIRST = { ...BIG, id: 'first', holdType: 'review', role: 'channel', when: { kind: 'first-order' } };

beforeAll(async () => {
  house = await startTestHouse();
  [finance, channel] = await Promise.all([house.createKey('finance'), house.createKey('channel', 'web')]);
  await send('PUT', '/v1/locations/main', { name: 'Main' });
  await send('PUT', '/v1/channels/web', {
    name: 'Web',
    timeZone: 'Europe/London',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto',
  });
  await send('POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 100 });
  await send('PUT', '/v1/channels/web/review-rules', { keepSeconds: 86_400, rules: [BIG] });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('an order over the amount of a rule', () => {
  test('waits with its stock kept, is in the queue, and is confirmed when finance releases it', async () => {
    const placed = await place('release', '60.00');
    expect(placed.body).toMatchObject({
      status: 'reserved',
      expiresAt: expect.any(String),
      reviews: [{ holdId: 'rule:big', rule: { id: 'big', version: 1 }, reason: '120.00 GBP is over 100.00' }],
    });
    expect(await stockOf(placed)).toMatchObject({ onHand: 100, held: 2 });
    expect(await read('/v1/reviews?role=finance&holdType=fraud', placed, channel)).toMatchObject({
      items: [{ orderId: 'web~release', channel: 'web', holdId: 'rule:big', blocks: ['confirm'] }],
      nextCursor: null,
    });
    expect(await read('/v1/reviews/counts', placed)).toMatchObject({
      items: [{ channel: 'web', holdType: 'fraud', role: 'finance', count: 1 }],
    });
    const early = await send('POST', '/v1/orders/web~release/confirm', {}, 409);
    expect(early.body).toMatchObject({ code: 'order_held', details: { holds: [{ holdId: 'rule:big' }] } });
    const stranger = await resolve('release', 'rule:big', 'released', channel, 403);
    expect(stranger.body).toMatchObject({ code: 'wrong_role' });

    const released = await resolve('release', 'rule:big', 'released', finance);
    expect(released.body).toMatchObject({ status: 'confirmed' });
    await resolve('release', 'rule:big', 'released', finance, 200);
    const other = await resolve('release', 'rule:big', 'rejected', finance, 409);
    expect(other.body).toMatchObject({ code: 'review_resolved' });
    expect(await read('/v1/reviews', released)).toMatchObject({ items: [] });
    expect(await read('/v1/orders/web~release', released)).toMatchObject({
      status: 'confirmed',
      reviews: [
        {
          heldBy: expect.stringMatching(/^key:/),
          resolution: {
            outcome: 'released',
            reason: 'released after a call',
            by: expect.stringMatching(/^key:/),
            at: expect.any(String),
          },
        },
      ],
    });
    await send('POST', '/v1/orders/web~release/shipments', { shipmentId: 's' });
  });

  test('is cancelled when finance rejects it, and its stock is free again', async () => {
    const placed = await place('reject', '60.00');
    expect(await stockOf(placed)).toMatchObject({ held: 2 });
    const rejected = await resolve('reject', 'rule:big', 'rejected', finance);
    expect(rejected.body).toMatchObject({ status: 'cancelled', units: { cancelled: 2 } });
    expect(await stockOf(rejected)).toMatchObject({ held: 0 });
    expect(await read('/v1/reviews?state=resolved&channel=web', rejected)).toMatchObject({
      items: [{ orderId: 'web~release' }, { orderId: 'web~reject', resolution: { outcome: 'rejected' } }],
    });
  });

  test('a cheaper one is confirmed at once', async () => {
    expect((await place('cheap', '50.00')).body).toMatchObject({ status: 'confirmed', reviews: [] });
  });
});

test('a review put by hand keeps a line back until its role releases it', async () => {
  await place('by-hand', '5.00', {
    lines: [
      { lineId: '1', sku: 'MUG', quantity: 1, unitPrice: '5.00' },
      { lineId: '2', sku: 'MUG', quantity: 1, unitPrice: '5.00' },
    ],
  });
  const held = {
    holdId: 'adr',
    holdType: 'address',
    blocks: ['ship'],
    role: 'channel',
    lines: ['2'],
    reason: 'no house number',
  };
  const path = '/v1/orders/web~by-hand/reviews';
  await sendAs(channel, 'POST', path, held);
  await sendAs(channel, 'POST', path, held, 200);
  const other = await sendAs(channel, 'POST', path, { ...held, reason: 'else' }, 409);
  expect(other.body).toMatchObject({ code: 'id_reused' });
  const lines = [{ lineId: '2', quantity: 1 }];
  const ship = '/v1/orders/web~by-hand/shipments';
  const blocked = await send('POST', ship, { shipmentId: 'a', lines }, 409);
  expect(blocked.body).toMatchObject({ code: 'order_held' });
  const some = await send('POST', ship, { shipmentId: 'b' });
  expect(some.body).toMatchObject({ status: 'confirmed', units: { shipped: 1 } });
  await resolve('by-hand', 'adr', 'released', channel);
  expect((await send('POST', ship, { shipmentId: 'c' })).body).toMatchObject({ status: 'completed' });
});

test('rules are read as they were set, keep their versions, and know who bought before', async () => {
  const set = await send('PUT', '/v1/channels/web/review-rules', { keepSeconds: 3_600, rules: [BIG, FIRST] });
  expect(set.body).toMatchObject({
    version: 2,
    rules: [
      { id: 'big', version: 1 },
      { id: 'first', version: 2 },
    ],
  });
  await send('PUT', '/v1/channels/web/review-rules', { keepSeconds: 3_600, rules: [BIG, FIRST] }, 200);
  expect(await read('/v1/channels/web/review-rules', set, channel)).toEqual(set.body);
  const first = await place('new-1', '1.00', { customerId: 'c-new' });
  expect(first.body).toMatchObject({
    status: 'reserved',
    reviews: [{ holdType: 'review', role: 'channel' }],
  });
  await resolve('new-1', 'rule:first', 'released', channel);
  await house.settled();
  expect((await place('new-2', '1.00', { customerId: 'c-new' })).body).toMatchObject({ status: 'confirmed' });
  const twice = await send(
    'PUT',
    '/v1/channels/web/review-rules',
    { keepSeconds: 1, rules: [BIG, BIG] },
    422,
  );
  expect(twice.body).toMatchObject({ code: 'duplicate_rule' });
});
