import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestHouse, type TestAnswer, type TestHouse } from '../support/house.js';
import { UNMISTAKABLE_PERSON } from '../support/vault.js';

/** Personal data over HTTP: who may do what, and what one is told. */
let house: TestHouse;
const keys: Record<string, string> = {};

const as = (role: string, method: string, path: string, body?: unknown, headers = {}): Promise<TestAnswer> =>
  house.request(method, path, { key: keys[role] ?? house.adminKey, body, headers });
const put = (role: string, id: string, body: unknown, version?: number): Promise<TestAnswer> =>
  as(role, 'PUT', `/v1/people/${id}`, body, version === undefined ? {} : { 'if-match': `"${version}"` });
const get = (role: string, id: string): Promise<TestAnswer> => as(role, 'GET', `/v1/people/${id}`);
const told = async (answer: Promise<TestAnswer>): Promise<unknown[]> => {
  const { status, body } = await answer;
  return [status, body.code];
};
const person = (given: string, more = {}) => ({ name: { given, family: 'Doe' }, ...more });
const home = { addressId: 'home', street: ['1 High Street'], city: 'Ely', country: 'GB' };
const work = {
  addressId: 'work',
  recipient: 'Doe Ltd',
  street: ['Unit 4'],
  city: 'Cambridge',
  country: 'GB',
};

const make = async (method: string, path: string, body: unknown): Promise<void> => {
  const answer = await house.request(method, path, { body });
  expect([path, answer.status, answer.body]).toEqual([path, 201, expect.anything()]);
};
const place = (externalId: string, more: object) =>
  make('POST', '/v1/orders', {
    channel: 'web',
    externalId,
    currency: 'GBP',
    lines: [{ sku: 'MUG', quantity: 1, unitPrice: '5.00' }],
    ...more,
  });

beforeAll(async () => {
  house = await startTestHouse();
  for (const role of ['warehouse', 'finance', 'reader', 'privacy'] as const) {
    keys[role] = await house.createKey(role);
  }
  for (const channel of ['web', 'shop']) keys[channel] = await house.createKey('channel', channel);
  await make('PUT', '/v1/locations/main', { name: 'Main' });
  const settings = { timeZone: 'Europe/London', currencies: ['GBP'], sources: ['main'], confirm: 'auto' };
  await make('PUT', '/v1/channels/web', { name: 'Web', ...settings });
  await make('PUT', '/v1/channels/shop', { name: 'Shop', ...settings });
  await make('POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 100 });
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('a person', () => {
  test('is kept by a channel, read back with an ETag, and changed from the version that was read', async () => {
    const created = await put('web', 'c1', UNMISTAKABLE_PERSON);
    expect([created.status, created.body, created.headers.get('etag')]).toEqual([
      201,
      { customerId: 'c1', version: 1 },
      '"1"',
    ]);
    expect((await put('web', 'c1', UNMISTAKABLE_PERSON)).status).toBe(200);
    const found = await get('web', 'c1');
    expect([found.status, found.body, found.headers.get('etag')]).toEqual([
      200,
      {
        customerId: 'c1',
        version: 1,
        channel: 'web',
        writtenAt: expect.any(String),
        person: UNMISTAKABLE_PERSON,
      },
      '"1"',
    ]);
    expect(await told(put('web', 'c1', person('Jo')))).toEqual([428, 'version_required']);
    const changed = await put('web', 'c1', person('Jo'), 1);
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(await told(put('web', 'c1', person('Ann'), 1))).toEqual([412, 'stale_version']);
  });

  test('two writers cannot overwrite each other unseen', async () => {
    await put('web', 'both', person('Jo'));
    const both = await Promise.all(['Ann', 'Bob'].map((given) => told(put('web', 'both', person(given), 1))));
    expect(both.sort()).toEqual([
      [200, undefined],
      [412, 'stale_version'],
    ]);
  });

  test('is for its own channel, for privacy and for an admin; nobody else reads, writes or erases', async () => {
    await put('web', 'own', person('Jo'));
    for (const role of ['web', 'privacy', 'admin']) expect((await get(role, 'own')).status).toBe(200);
    expect(await told(get('shop', 'own'))).toEqual([404, 'unknown_person']);
    expect(await told(put('shop', 'own', person('Ann')))).toEqual([403, 'forbidden_channel']);
    for (const role of ['warehouse', 'finance', 'reader']) {
      expect(await told(get(role, 'own'))).toEqual([403, 'forbidden']);
      expect(await told(put(role, 'own', person('Ann'), 1))).toEqual([403, 'forbidden']);
    }
    for (const role of ['web', 'warehouse', 'finance', 'reader']) {
      expect(await told(as(role, 'DELETE', '/v1/people/own'))).toEqual([403, 'forbidden']);
      expect(await told(as(role, 'GET', '/v1/people/own/access'))).toEqual([403, 'forbidden']);
    }
    expect(await told(as('privacy', 'GET', '/v1/orders'))).toEqual([403, 'forbidden']);
    expect(await told(put('privacy', 'own', person('Ann'), 1))).toEqual([403, 'forbidden']);
  });

  test('is erased once and for all, and it says when and by whom', async () => {
    await put('web', 'gone', person('Jo'));
    const first = await as('privacy', 'DELETE', '/v1/people/gone');
    expect([first.status, first.body]).toEqual([
      200,
      {
        customerId: 'gone',
        erasedAt: expect.any(String),
        erasedBy: expect.stringMatching(/^key:[0-9a-f-]{36}$/),
      },
    ]);
    expect((await as('admin', 'DELETE', '/v1/people/gone')).body).toEqual(first.body);
    expect(await told(get('privacy', 'gone'))).toEqual([410, 'person_erased']);
    expect(await told(put('web', 'gone', person('Jo')))).toEqual([410, 'person_erased']);
  });

  test('has a list of who read it, in pages', async () => {
    await put('web', 'seen', person('Jo'));
    await get('web', 'seen');
    await get('privacy', 'seen');
    await get('admin', 'seen');
    const page = (query: string) => as('privacy', 'GET', `/v1/people/seen/access?${query}`);
    const first = await page('limit=2');
    expect(first.body).toEqual({
      items: [
        { at: expect.any(String), actor: expect.stringMatching(/^key:/), role: 'admin', purpose: 'read' },
        { at: expect.any(String), actor: expect.stringMatching(/^key:/), role: 'privacy', purpose: 'read' },
      ],
      nextCursor: expect.any(String),
    });
    const rest = await page(`limit=2&cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ role: 'channel' }], nextCursor: null });
    expect(await told(page('cursor=nonsense'))).toEqual([400, 'invalid_cursor']);
  });
});

describe('where an order goes to', () => {
  const addressOf = (role: string, order: string) =>
    as(role, 'GET', `/v1/orders/web~${order}/delivery-address`);

  test('the warehouse reads the address that the order names, and nothing else of the person; it is recorded', async () => {
    await put(
      'web',
      'c-ship',
      person('Jo', { addresses: [home, work], phones: ['+44 1353 1', '+44 2 345'] }),
    );
    await place('named', { customerId: 'c-ship', destination: { country: 'GB', deliveryAddressId: 'work' } });
    expect((await addressOf('warehouse', 'named')).body).toEqual({
      orderId: 'web~named',
      name: 'Doe Ltd',
      address: work,
      phone: '+44 1353 1',
    });
    expect(await as('privacy', 'GET', '/v1/people/c-ship/access')).toMatchObject({
      body: { items: [{ role: 'warehouse', purpose: 'delivery', orderId: 'web~named' }] },
    });
    expect((await addressOf('web', 'named')).status).toBe(200);
    for (const role of ['finance', 'reader', 'privacy']) {
      expect(await told(addressOf(role, 'named'))).toEqual([403, 'forbidden']);
    }
    expect(await told(addressOf('shop', 'named'))).toEqual([404, 'unknown_order']);
  });

  test('the only address of the customer where the order names none, with the name of the person', async () => {
    await put('web', 'c-one', person('Jo', { addresses: [home] }));
    await place('one', { customerId: 'c-one' });
    expect((await addressOf('warehouse', 'one')).body).toEqual({
      orderId: 'web~one',
      name: 'Jo Doe',
      address: home,
    });
  });

  test('the address that a change names; none where it names none, though there is only one', async () => {
    await put('web', 'c-moves', person('Jo', { addresses: [home, work] }));
    await put('web', 'c-moved', person('Jo', { addresses: [home] }));
    await place('moves', {
      customerId: 'c-moves',
      destination: { country: 'GB', deliveryAddressId: 'home' },
    });
    await place('moved', { customerId: 'c-moved' });
    const change = async (order: string, destination: object) => {
      const path = `/v1/orders/web~${order}/changes`;
      const actions = [{ kind: 'address', destination }];
      await make('POST', path, { changeId: 'c', reason: 'moves', actions });
      await make('POST', `${path}/c/confirmation`, {});
    };
    await change('moves', { country: 'GB', deliveryAddressId: 'work' });
    expect((await addressOf('warehouse', 'moves')).body).toMatchObject({ address: work });
    await change('moved', { country: 'FR' });
    expect(await told(addressOf('warehouse', 'moved'))).toEqual([404, 'no_delivery_address']);
  });

  test('none: a guest, an address that is not there, one of two; and no order that ships nothing', async () => {
    await put('web', 'c-two', person('Jo', { addresses: [home, work] }));
    await place('guest', {});
    await place('lost', { customerId: 'c-two', destination: { country: 'GB', deliveryAddressId: 'moved' } });
    await place('open', { customerId: 'c-two' });
    for (const order of ['guest', 'lost', 'open']) {
      expect(await told(addressOf('warehouse', order))).toEqual([404, 'no_delivery_address']);
    }
    await place('stranger', { customerId: 'c-nobody' });
    expect(await told(addressOf('warehouse', 'stranger'))).toEqual([404, 'unknown_person']);
    await place('waits', { customerId: 'c-two', policy: { confirm: 'explicit' } });
    expect(await told(addressOf('warehouse', 'waits'))).toEqual([409, 'wrong_status']);
    await as('privacy', 'DELETE', '/v1/people/c-two');
    expect(await told(addressOf('warehouse', 'open'))).toEqual([410, 'person_erased']);
  });

  test('a channel does not read what another one wrote, though its order names the person', async () => {
    await put('shop', 'c-shop', person('Jo', { addresses: [home] }));
    await place('other', { customerId: 'c-shop' });
    expect(await told(addressOf('web', 'other'))).toEqual([404, 'unknown_person']);
    expect((await addressOf('warehouse', 'other')).status).toBe(200);
  });
});
