import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Orders that are paid: through the trial provider, by somebody outside, by several tenders, and back again. */
let house: TestHouse;
let finance: string;
let channel: string;

const sendAs = async (key: string | undefined, method: string, path: string, body: unknown, status = 201) => {
  const answer = await house.request(method, path, { body, ...(key === undefined ? {} : { key }) });
  expect([path, answer.status, answer.body]).toEqual([path, status, expect.anything()]);
  return answer;
};
const send = (path: string, body: unknown, status = 201) => sendAs(channel, 'POST', path, body, status);
const read = async (path: string, after: TestAnswer, key = house.adminKey): Promise<TestAnswer['body']> => {
  const sign = path.includes('?') ? '&' : '?';
  const answer = await house.request('GET', `${path}${sign}after=${after.headers.get('event-position')}`, {
    key,
  });
  expect([path, answer.status, answer.body]).toEqual([path, 200, expect.anything()]);
  return answer.body;
};
const place = (externalId: string, more: object = {}) =>
  send('/v1/orders', {
    channel: 'web',
    externalId,
    currency: 'GBP',
    lines: [{ sku: 'MUG', quantity: 2, unitPrice: '12.50' }],
    policy: { confirm: 'payment' },
    ...more,
  });
const of = (externalId: string, below = '') => `/v1/orders/web~${externalId}/payments${below}`;
const card = { kind: 'card' };

beforeAll(async () => {
  house = await startTestHouse();
  [finance, channel] = await Promise.all([house.createKey('finance'), house.createKey('channel', 'web')]);
  await sendAs(undefined, 'PUT', '/v1/locations/main', { name: 'Main' });
  await sendAs(undefined, 'PUT', '/v1/channels/web', {
    name: 'Web',
    timeZone: 'Europe/London',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto',
  });
  await sendAs(undefined, 'POST', '/v1/locations/main/receipts', {
    receiptId: 'r',
    sku: 'MUG',
    quantity: 100,
  });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('an order that waits for its payment', () => {
  test('is confirmed by a provider, captured in parts, refunded by finance, and the ledger has all of it', async () => {
    const placed = await place('paid');
    expect(placed.body).toMatchObject({
      status: 'reserved',
      confirm: 'payment',
      expiresAt: expect.any(String),
      payments: [],
      balance: { cost: '25.00', due: '25.00', overpaid: '0.00' },
    });
    const early = await send('/v1/orders/web~paid/confirm', {}, 409);
    expect(early.body).toMatchObject({ code: 'payment_due', details: { due: '25.00' } });

    const begin = {
      paymentId: 'p',
      tender: card,
      amount: '25.00',
      provider: 'trial',
      expiresInSeconds: 7_200,
    };
    const started = await send(of('paid'), begin);
    expect(started.body).toMatchObject({
      payments: [{ paymentId: 'p', provider: 'trial', status: 'authorised', authorisedLeft: '25.00' }],
      balance: { authorised: '25.00', captured: '0.00', due: '25.00' },
    });
    await send(of('paid'), begin, 200);
    const page = await read('/v1/orders/web~paid', started);
    expect(page).toMatchObject({ status: 'confirmed', payments: [{ status: 'authorised' }] });
    expect(Date.parse(String(page.expiresAt))).toBeGreaterThan(Date.now() + 6_000_000);

    await send(of('paid', '/p/captures'), { captureId: 'c1', amount: '20.00' });
    const over = await send(of('paid', '/p/captures'), { captureId: 'c2', amount: '5.01' }, 409);
    expect(over.body).toMatchObject({ code: 'exceeds_authorised' });
    const captured = await send(of('paid', '/p/captures'), { captureId: 'c2', amount: '5.00' });
    expect(captured.body).toMatchObject({ balance: { captured: '25.00', due: '0.00' } });
    await send('/v1/orders/web~paid/shipments', { shipmentId: 's' });
    const lines = [{ lineId: '1', quantity: 1 }];
    const back = await send('/v1/orders/web~paid/returns', { returnId: 't', reason: 'broken', lines });
    expect(back.body).toMatchObject({ balance: { cost: '12.50', overpaid: '12.50' } });
    const { items: queues } = (await read('/v1/work-queues', back)) as unknown as {
      items: { name: string; count: number }[];
    };
    expect(queues.find(({ name }) => name === 'refunds')).toMatchObject({ count: 1 });
    expect(await read('/v1/payments/refunds-due?channel=web', back, finance)).toMatchObject({
      items: [{ orderId: 'web~paid', channel: 'web', currency: 'GBP', amount: '12.50', requested: '0.00' }],
    });

    const refund = { refundId: 'r', amount: '12.50', reason: 'broken' };
    const stranger = await send(of('paid', '/p/refunds'), refund, 403);
    expect(stranger.body).toMatchObject({ code: 'forbidden' });
    const refunded = await sendAs(finance, 'POST', of('paid', '/p/refunds'), refund);
    await sendAs(finance, 'POST', of('paid', '/p/refunds'), refund, 200);
    expect(refunded.body).toMatchObject({
      payments: [{ refunds: [{ refundId: 'r', amount: '12.50', status: 'done' }], status: 'captured' }],
      balance: { refunded: '12.50', overpaid: '0.00', due: '0.00' },
    });
    expect(await read('/v1/payments/refunds-due', refunded)).toMatchObject({ items: [] });

    await house.settled();
    const { items } = (await house.request('GET', '/v1/ledger/entries?orderId=web~paid', { key: finance }))
      .body;
    expect(items).toMatchObject([
      {
        kind: 'payment',
        reference: { paymentId: 'p' },
        postings: [{ account: 'clearing:card', amount: '20.00' }, {}],
      },
      { kind: 'payment', postings: [{ amount: '5.00' }, { account: 'receivable', amount: '-5.00' }] },
      { kind: 'sale' },
      { kind: 'return' },
      {
        kind: 'refund',
        reason: 'broken',
        postings: [
          { account: 'clearing:card', amount: '-12.50' },
          { account: 'receivable', amount: '12.50' },
        ],
      },
    ]);
    const trial = (await house.request('GET', '/v1/ledger/trial-balance', { key: finance })).body;
    expect(trial.items).toMatchObject([
      {
        difference: '0.00',
        accounts: expect.arrayContaining([expect.objectContaining({ account: 'clearing:card' })]),
      },
    ]);
    const owed = await house.request('GET', '/v1/ledger/balances?account=receivable', { key: finance });
    expect(owed.body.items).toMatchObject([{ balance: '0.00' }]);
  });

  test('waits on when the card is declined, and is confirmed by two others', async () => {
    await place('split');
    const declined = {
      paymentId: 'a',
      tender: { kind: 'card', reference: 'decline' },
      amount: '25.00',
      provider: 'trial',
    };
    const answer = await send(of('split'), declined);
    expect(answer.body).toMatchObject({
      payments: [{ status: 'failed', failure: { code: 'card_declined' } }],
    });
    const gift = { captureId: 'c', amount: '10.00', tender: { kind: 'gift_card', reference: 'G1' } };
    await send(of('split', '/gift/captures'), gift);
    const last = await send(of('split', '/bank/authorisation'), {
      tender: { kind: 'bank_transfer' },
      amount: '15.00',
    });
    expect(await read('/v1/orders/web~split', last)).toMatchObject({
      status: 'confirmed',
      payments: [
        { paymentId: 'a', status: 'failed' },
        { paymentId: 'gift', status: 'captured', tender: { kind: 'gift_card', reference: 'G1' } },
        { paymentId: 'bank', status: 'authorised' },
      ],
    });
  });
});

test('money for an order that was cancelled is recorded, due back, and taken back by a bank besides', async () => {
  await place('late');
  await send('/v1/orders/web~late/cancellations', { cancellationId: 'k', reason: 'changed their mind' });
  const cash = { captureId: 'c', amount: '25.00', tender: { kind: 'cash' } };
  const late = await send(of('late', '/till/captures'), cash);
  expect(late.body).toMatchObject({ balance: { cost: '0.00', overpaid: '25.00' } });
  const answer = await send(of('late'), { paymentId: 'x', tender: card, amount: '1.00' }, 409);
  expect(answer.body).toMatchObject({ code: 'wrong_status' });
  const refund = { refundId: 'r', amount: '25.00', reason: 'cancelled' };
  await sendAs(finance, 'POST', of('late', '/till/refunds'), refund);
  const chargeback = { chargebackId: 'b', amount: '25.00', reason: 'not recognised' };
  const twice = await sendAs(finance, 'POST', of('late', '/till/chargebacks'), chargeback);
  expect(twice.body).toMatchObject({
    payments: [{ chargedBack: '25.00', excess: '25.00' }],
    balance: { excess: '25.00', due: '25.00', overpaid: '0.00' },
  });
});

test('an answer that is lost on the way leaves the payment asked for, and it is asked for again', async () => {
  await place('lost');
  const begin = {
    paymentId: 'p',
    tender: { kind: 'card', reference: 'lost' },
    amount: '25.00',
    provider: 'trial',
  };
  const answer = await send(of('lost'), begin);
  expect(answer.body).toMatchObject({ payments: [{ status: 'started' }] });
  await house.house.payments.advance('web~lost', {
    commandId: 'again',
    correlationId: 'again',
    actor: 'test',
    effectiveAt: new Date().toISOString(),
  });
  const now = await house.request('GET', of('lost'), { key: channel });
  expect(now.body).toMatchObject({ payments: [{ status: 'authorised' }] });
});

test('the payments of an order can be read as they were', async () => {
  await place('past');
  const first = await send(of('past', '/p/captures'), { captureId: 'c1', amount: '1.00', tender: card });
  await send(of('past', '/p/captures'), { captureId: 'c2', amount: '2.00' });
  const before = await house.request('GET', `${of('past')}?knownAt=${first.headers.get('event-position')}`, {
    key: channel,
  });
  expect(before.body).toMatchObject({ balance: { captured: '1.00' } });
  const voided = await send(of('past', '/p/void'), { reason: 'enough' });
  expect(voided.body).toMatchObject({ balance: { captured: '3.00', authorised: '0.00' } });
});
