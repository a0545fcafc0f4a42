import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';

/** Orders of two channels, found, counted and told by people with different keys. */
let house: TestHouse;
let web: string;
let warehouse: string;

const send = async (method: string, path: string, body: unknown): Promise<TestAnswer> => {
  const answer = await house.request(method, path, { body });
  expect([path, answer.status, answer.body]).toEqual([path, 201, expect.anything()]);
  return answer;
};
const read = async (path: string, key = house.adminKey): Promise<Record<string, unknown>> => {
  const answer = await house.request('GET', path, { key });
  expect([path, answer.status, answer.body]).toEqual([path, 200, expect.anything()]);
  return answer.body;
};
const refused = async (path: string, key = house.adminKey): Promise<Record<string, unknown>> => {
  const answer = await house.request('GET', path, { key });
  expect([path, answer.status]).toEqual([path, answer.body.status]);
  return answer.body;
};
interface Listed {
  readonly items: readonly { readonly id: string }[];
}
const found = async (query: string, key = house.adminKey): Promise<string[]> =>
  ((await read(`/v1/orders${query}`, key)) as unknown as Listed).items.map(({ id }) => id);

const place = (channel: string, externalId: string, placedAt: string, more: object = {}) =>
  send('POST', '/v1/orders', {
    channel,
    externalId,
    placedAt,
    currency: 'EUR',
    customerId: `c-${externalId}`,
    lines: [{ lineId: '1', sku: 'MUG', quantity: 3, unitPrice: '40.00' }],
    ...more,
  });

beforeAll(async () => {
  house = await startTestHouse();
  [web, warehouse] = await Promise.all([house.createKey('channel', 'web'), house.createKey('warehouse')]);
  const settings = { name: 'x', currencies: ['EUR'], confirm: 'auto' };
  for (const id of ['berlin', 'north']) await send('PUT', `/v1/locations/${id}`, { name: id });
  const tokyo = { ...settings, timeZone: 'Asia/Tokyo', sources: ['berlin', 'north'] };
  await send('PUT', '/v1/channels/web', tokyo);
  await send('PUT', '/v1/channels/shop', { ...tokyo, timeZone: 'Europe/Berlin' });
  await send('POST', '/v1/locations/berlin/receipts', { receiptId: 'r', sku: 'MUG', quantity: 100 });
  await send('POST', '/v1/locations/north/receipts', { receiptId: 'r', sku: 'CUP', quantity: 100 });
  const big = {
    id: 'big',
    holdType: 'fraud',
    blocks: ['confirm'],
    role: 'finance',
    when: { kind: 'amount', currency: 'EUR', over: '100.00' },
  };
  await place('web', '1', '2026-03-01T14:00:00Z');
  await send('POST', '/v1/orders/web~1/shipments', {
    shipmentId: 's1',
    location: 'berlin',
    lines: [{ lineId: '1', quantity: 2 }],
  });
  await place('shop', '1', '2026-03-01T14:00:00Z', {
    lines: [{ sku: 'CUP', quantity: 1, unitPrice: '1.00' }],
  });
  await send('PUT', '/v1/channels/web/review-rules', { keepSeconds: 86_400, rules: [big] });
  await send('PUT', '/v1/channels/web/review-rules', {
    keepSeconds: 86_400,
    rules: [{ ...big, role: 'admin' }],
  });
  await place('web', '2', '2026-03-01T15:30:00Z');
  await house.settled();
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('orders are found', () => {
  test.each([
    ['', ['web~2', 'web~1', 'shop~1']],
    ['?status=confirmed', ['web~1', 'shop~1']],
    ['?externalId=1', ['web~1', 'shop~1']],
    ['?location=berlin', ['web~2', 'web~1']],
    ['?sku=CUP', ['shop~1']],
    ['?holdType=fraud&holdRole=admin', ['web~2']],
    ['?holdType=price', []],
    ['?text=c-2%20mug', ['web~2']],
    ['?text=over', ['web~2']],
    // 14:00Z is before midnight in Tokyo and in Berlin, 15:30Z is after it in Tokyo.
    ['?placedFrom=2026-03-02&placedTo=2026-03-02', ['web~2']],
    ['?placedTo=2026-03-01', ['web~1', 'shop~1']],
    ['?placedFrom=2026-03-01T14:00:00Z&placedTo=2026-03-01T15:30:00Z', ['web~1', 'shop~1']],
    ['?status=confirmed&sku=MUG&location=berlin&customerId=c-1&channel=web', ['web~1']],
    ['?overdue=true', []],
  ])('by %s', async (query, ids) => {
    expect(await found(query)).toEqual(ids);
    const { total } = await read(`/v1/orders/counts${query}`);
    expect(total).toBe(ids.length);
  });

  test('a key of a channel finds, counts and reads its own and nothing else', async () => {
    expect(await found('', web)).toEqual(['web~2', 'web~1']);
    expect(await found('?externalId=1', web)).toEqual(['web~1']);
    expect(await found('?text=cup', web)).toEqual([]);
    expect(await found('?channel=shop', web)).toEqual([]);
    expect(await read('/v1/orders/counts', web)).toEqual({
      total: 2,
      byStatus: [
        { status: 'confirmed', count: 1 },
        { status: 'reserved', count: 1 },
      ],
      byChannel: [{ channel: 'web', count: 2 }],
      byHoldType: [{ holdType: 'fraud', count: 1 }],
    });
    expect(await read('/v1/orders/counts?channel=shop', web)).toMatchObject({ total: 0, byStatus: [] });
    const { items: ages } = await read('/v1/orders/ages', web);
    expect(ages).toMatchObject([
      { status: 'confirmed', channel: 'web', oldest: { orderId: 'web~1' } },
      { status: 'reserved', channel: 'web', oldest: { orderId: 'web~2' } },
    ]);
    expect(await read('/v1/orders/ages?channel=shop', web)).toEqual({ items: [] });
    expect(await read('/v1/work-queues?channel=shop', web)).toEqual({ items: [] });
    expect(await read('/v1/work-queues/shipments?location=north', web)).toMatchObject({ items: [] });
    expect(await refused('/v1/orders/shop~1/timeline', web)).toMatchObject({ code: 'unknown_order' });
  });

  test.each([
    ['/v1/orders?status=lost', 'invalid_request', '/status'],
    ['/v1/orders?holdType=mood', 'invalid_request', '/holdType'],
    ['/v1/orders?holdRole=cook', 'invalid_request', '/holdRole'],
    ['/v1/orders?text=%20', 'invalid_request', '/text'],
    ['/v1/orders?placedFrom=yesterday', 'invalid_request', '/placedFrom'],
    ['/v1/orders?placedFrom=2026-02-30', 'invalid_request', '/placedFrom'],
    ['/v1/orders?placedFrom=2026-03-02&placedTo=2026-03-01', 'invalid_request', '/placedTo'],
    ['/v1/orders?overdue=false', 'invalid_request', '/overdue'],
    ['/v1/orders?colour=red', 'invalid_request', '/colour'],
    ['/v1/orders/counts?limit=1', 'invalid_request', '/limit'],
    ['/v1/orders/ages?status=placed', 'invalid_request', '/status'],
    ['/v1/work-queues/shipments', 'invalid_request', '/location'],
  ])('a filter that is none is refused: %s', async (path, code, pointer) => {
    expect(await refused(path)).toMatchObject({
      status: 400,
      code,
      errors: [{ path: pointer, in: 'query' }],
    });
  });

  test('a cursor is refused with other filters, and from another key that sees less', async () => {
    const { nextCursor } = await read('/v1/orders?limit=1');
    expect(await found(`?limit=1&cursor=${nextCursor}`)).toEqual(['web~1']);
    for (const [path, key] of [
      [`/v1/orders?sku=MUG&cursor=${nextCursor}`, house.adminKey],
      [`/v1/orders?cursor=${nextCursor}`, web],
    ] as const) {
      expect(await refused(path, key)).toMatchObject({ status: 400, code: 'invalid_cursor' });
    }
  });
});

test('the work queues lead a warehouse to what it has to ship', async () => {
  const { items } = (await read('/v1/work-queues', warehouse)) as unknown as {
    items: readonly { name: string; count: number; parts: readonly { path: string; count: number }[] }[];
  };
  expect(items.map(({ name, count }) => `${name} ${count}`)).toEqual([
    'reviews 1',
    'reservation 0',
    'confirmation 1',
    'overdue 0',
    'shipments 2',
    'late 0',
    'backorders 0',
    'changes 0',
    'returns 0',
  ]);
  for (const { parts } of items) {
    for (const { path, count } of parts) {
      expect((await read(path, warehouse)).items).toHaveLength(count);
    }
  }
  expect(await read('/v1/work-queues/shipments?location=berlin', warehouse)).toMatchObject({
    items: [{ orderId: 'web~1', lines: 1, units: 1, begun: true }],
    nextCursor: null,
  });
});

describe('the timeline of an order', () => {
  interface Told {
    readonly items: readonly { text: string; actor: string; position: string; recordedAt: string }[];
    readonly nextCursor: string | null;
  }
  const told = async (path: string, key = web): Promise<Told> => (await read(path, key)) as unknown as Told;

  test('is in words, with who and when', async () => {
    const { items } = await told('/v1/orders/web~1/timeline');
    expect(items.map(({ text }) => text)).toEqual([
      'placed on web as 1: 3 MUG for 120.00 EUR',
      'reserved: 3 MUG in berlin',
      'confirmed',
      '2 of 3 MUG shipped from berlin as shipment s1',
    ]);
    expect(items[0]).toMatchObject({
      revision: 0,
      type: 'OrderPlaced',
      actor: expect.stringMatching(/^key:/),
      effectiveAt: '2026-03-01T14:00:00Z',
      recordedAt: expect.any(String),
      position: expect.stringMatching(/^\d+$/),
    });
    const held = await told('/v1/orders/web~2/timeline');
    expect(held.items[1]?.text).toBe(
      'held for fraud by rule big (version 2): 120.00 EUR is over 100.00; blocks confirmation',
    );
  });

  test('comes in pages that know what came before them', async () => {
    const first = await told('/v1/orders/web~1/timeline?limit=3');
    expect(first.items).toHaveLength(3);
    const { items, nextCursor } = await told(`/v1/orders/web~1/timeline?limit=3&cursor=${first.nextCursor}`);
    expect(items.map(({ text }) => text)).toEqual(['2 of 3 MUG shipped from berlin as shipment s1']);
    expect(nextCursor).toBeNull();
    expect(await refused('/v1/orders/web~1/timeline?cursor=x')).toMatchObject({ code: 'invalid_cursor' });
  });

  test('as of a time, and as it was known at a position', async () => {
    const all = await told('/v1/orders/web~1/timeline');
    const known = await told(`/v1/orders/web~1/timeline?knownAt=${all.items[0]?.position}`);
    expect(known.items.map(({ text }) => text)).toEqual(['placed on web as 1: 3 MUG for 120.00 EUR']);
    const before = await refused('/v1/orders/web~1/timeline?asOf=2026-02-28T00:00:00Z');
    expect(before).toMatchObject({ status: 404, code: 'unknown_order' });
  });
});
