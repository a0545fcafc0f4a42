import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROBLEMS, type ProblemCode } from '../../src/api/problems.js';
import { wrongBodies } from '../api/wrong-input.js';
import { startTestHouse, type TestAnswer, type TestHouse, type TestRequest } from '../support/house.js';

/**
 * Wrong input to every route of the OpenAPI document gets a problem with a stable code and changes nothing. The walk is over the
 * document, so a route that is added is tested or fails for want of an example here.
 */
interface Example {
  /** With an existing id where the route has one. */
  readonly path: string;
  readonly body?: Record<string, unknown>;
  /** Codes for an id that does not exist; none where any id is fine. */
  readonly unknown?: { readonly path: string; readonly code: ProblemCode };
}

const REASON = 'because';
const LINES = [{ lineId: '1', quantity: 1 }];
const RULE = { holdType: 'review', blocks: ['confirm'], role: 'finance' };
const CONFIRMED = '/v1/orders/web~confirmed';
const NO_ORDER = (below: string) =>
  ({ path: `/v1/orders/web~nobody${below}`, code: 'unknown_order' }) as const;

const EXAMPLES: Readonly<Record<string, Example>> = {
  'post /v1/orders': {
    path: '/v1/orders',
    body: {
      channel: 'web',
      externalId: 'new',
      placedAt: '2026-01-01T00:00:00Z',
      currency: 'GBP',
      customerId: 'c1',
      destination: { country: 'GB', region: 'Kent', postalCode: 'CT1' },
      lines: [
        { lineId: '1', kind: 'goods', sku: 'MUG', quantity: 1, unitPrice: '1.00', tax: '0.20' },
        { kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' },
      ],
      coupons: ['TEN'],
      policy: { confirm: 'explicit', expiresInSeconds: 60 },
    },
  },
  'get /v1/orders': { path: '/v1/orders' },
  'get /v1/orders/counts': { path: '/v1/orders/counts' },
  'get /v1/orders/ages': { path: '/v1/orders/ages' },
  'get /v1/orders/{id}/timeline': { path: `${CONFIRMED}/timeline`, unknown: NO_ORDER('/timeline') },
  'get /v1/work-queues': { path: '/v1/work-queues' },
  'get /v1/work-queues/shipments': { path: '/v1/work-queues/shipments' },
  'get /v1/orders/{id}': { path: CONFIRMED, unknown: NO_ORDER('') },
  'get /v1/orders/{id}/events': { path: `${CONFIRMED}/events`, unknown: NO_ORDER('/events') },
  'post /v1/orders/{id}/confirm': {
    path: '/v1/orders/web~reserved/confirm',
    body: { effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/confirm'),
  },
  'post /v1/orders/{id}/cancellations': {
    path: `${CONFIRMED}/cancellations`,
    body: { cancellationId: 'x', reason: REASON, lines: LINES, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/cancellations'),
  },
  'post /v1/orders/{id}/shipments': {
    path: `${CONFIRMED}/shipments`,
    body: { shipmentId: 'x', location: 'main', lines: LINES, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/shipments'),
  },
  'post /v1/orders/{id}/returns': {
    path: '/v1/orders/web~shipped/returns',
    body: {
      returnId: 'x',
      reason: REASON,
      lines: LINES,
      note: 'N1',
      credited: '1.00',
      location: 'main',
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/returns'),
  },
  'post /v1/orders/{id}/reviews': {
    path: `${CONFIRMED}/reviews`,
    body: {
      holdId: 'x',
      holdType: 'fraud',
      blocks: ['ship'],
      role: 'finance',
      lines: ['1'],
      reason: REASON,
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/reviews'),
  },
  'post /v1/orders/{id}/reviews/{holdId}/resolution': {
    path: '/v1/orders/web~held/reviews/h/resolution',
    body: { outcome: 'released', reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/orders/web~held/reviews/nobody/resolution', code: 'unknown_review' },
  },
  'post /v1/orders/{id}/splits': {
    path: `${CONFIRMED}/splits`,
    body: {
      splitId: 'x',
      lines: LINES,
      requestedDate: '2026-12-24',
      priority: 1,
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/splits'),
  },
  'post /v1/orders/{id}/splits/{splitId}/undo': {
    path: `${CONFIRMED}/splits/s/undo`,
    body: { reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: `${CONFIRMED}/splits/nobody/undo`, code: 'unknown_split' },
  },
  'get /v1/consignments/candidates': { path: '/v1/consignments/candidates' },
  'post /v1/consignments': {
    path: '/v1/consignments',
    body: {
      channel: 'web',
      consignmentId: 'x',
      location: 'main',
      orders: ['web~confirmed', 'web~reserved'],
      effectiveAt: '2026-01-01T00:00:00Z',
    },
  },
  'get /v1/consignments/{id}': {
    path: '/v1/consignments/web~x',
    unknown: { path: '/v1/consignments/web~nobody', code: 'unknown_consignment' },
  },
  'get /v1/reviews': { path: '/v1/reviews' },
  'get /v1/reviews/counts': { path: '/v1/reviews/counts' },
  'put /v1/channels/{id}/review-rules': {
    path: '/v1/channels/web/review-rules',
    body: {
      keepSeconds: 60,
      rules: [
        { ...RULE, id: 'a', when: { kind: 'amount', currency: 'GBP', over: '100.00' } },
        { ...RULE, id: 'b', when: { kind: 'first-order' } },
        {
          ...RULE,
          id: 'c',
          when: { kind: 'price-floor', currency: 'GBP', floors: [{ sku: 'MUG', floor: '1.00' }] },
        },
        { ...RULE, id: 'd', when: { kind: 'address', places: [{ country: 'GB', postalCode: 'CT1' }] } },
        { ...RULE, id: 'e', when: { kind: 'quantity', over: 9, sku: 'MUG' } },
        { ...RULE, id: 'f', when: { kind: 'customer', customerIds: ['c1'] } },
      ],
    },
    unknown: { path: '/v1/channels/nobody/review-rules', code: 'unknown_channel' },
  },
  'get /v1/channels/{id}/review-rules': {
    path: '/v1/channels/web/review-rules',
    unknown: { path: '/v1/channels/nobody/review-rules', code: 'unknown_channel' },
  },
  'get /v1/stock': { path: '/v1/stock' },
  'get /v1/stock/{sku}': {
    path: '/v1/stock/MUG',
    unknown: { path: '/v1/stock/NOBODY', code: 'unknown_stock' },
  },
  'get /v1/stock/{sku}/movements': {
    path: '/v1/stock/MUG/movements',
    unknown: { path: '/v1/stock/NOBODY/movements', code: 'unknown_stock' },
  },
  'post /v1/locations/{id}/receipts': {
    path: '/v1/locations/main/receipts',
    body: { receiptId: 'x', sku: 'MUG', quantity: 1, reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/locations/nobody/receipts', code: 'unknown_location' },
  },
  'post /v1/locations/{id}/adjustments': {
    path: '/v1/locations/main/adjustments',
    body: {
      adjustmentId: 'x',
      sku: 'MUG',
      delta: 1,
      reason: REASON,
      expectedOnHand: 1,
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: { path: '/v1/locations/nobody/adjustments', code: 'unknown_location' },
  },
  'put /v1/channels/{id}': {
    path: '/v1/channels/web',
    body: {
      name: 'x',
      timeZone: 'Europe/London',
      currencies: ['GBP'],
      sources: ['main'],
      confirm: 'auto',
      expiresInSeconds: 60,
    },
  },
  'get /v1/channels/{id}': {
    path: '/v1/channels/web',
    unknown: { path: '/v1/channels/nobody', code: 'unknown_channel' },
  },
  'get /v1/channels': { path: '/v1/channels' },
  'put /v1/locations/{id}': { path: '/v1/locations/main', body: { name: 'x', country: 'GB' } },
  'get /v1/locations/{id}': {
    path: '/v1/locations/main',
    unknown: { path: '/v1/locations/nobody', code: 'unknown_location' },
  },
  'get /v1/locations': { path: '/v1/locations' },
  'post /v1/coupons': {
    path: '/v1/coupons',
    body: {
      code: 'NEW',
      discount: { kind: 'amount', amount: '1.00', currency: 'GBP' },
      limit: 1,
      channels: ['web'],
      validFrom: '2026-01-01T00:00:00Z',
      validUntil: '2027-01-01T00:00:00Z',
    },
  },
  'get /v1/coupons': { path: '/v1/coupons' },
  'get /v1/coupons/{code}': {
    path: '/v1/coupons/TEN',
    unknown: { path: '/v1/coupons/NOBODY', code: 'unknown_coupon' },
  },
  'get /v1/coupons/{code}/redemptions': {
    path: '/v1/coupons/TEN/redemptions',
    unknown: { path: '/v1/coupons/NOBODY/redemptions', code: 'unknown_coupon' },
  },
  'post /v1/credit-notes/{note}/lines': {
    path: '/v1/credit-notes/N1/lines',
    body: {
      channel: 'web',
      lineId: '1',
      kind: 'goods',
      sku: 'MUG',
      account: 'x',
      quantity: 1,
      currency: 'GBP',
      amount: '1.00',
      customerId: 'c1',
      location: 'main',
      reason: REASON,
      effectiveAt: '2026-01-01T00:00:00Z',
    },
  },
  'get /v1/ledger/entries': { path: '/v1/ledger/entries' },
  'get /v1/ledger/balances': { path: '/v1/ledger/balances' },
  'get /v1/ledger/trial-balance': { path: '/v1/ledger/trial-balance' },
  'get /v1/ledger/months': { path: '/v1/ledger/months' },
  'post /v1/ledger/adjustments': {
    path: '/v1/ledger/adjustments',
    body: {
      adjustmentId: 'x',
      channel: 'web',
      kind: 'write_off',
      currency: 'GBP',
      reason: REASON,
      document: 'd1',
      postings: [
        { account: 'bad_debt', amount: '1.00' },
        { account: 'receivable', amount: '-1.00' },
      ],
      effectiveAt: '2026-01-01T00:00:00Z',
    },
  },
  'get /v1/reports/sales': { path: '/v1/reports/sales' },
  'post /v1/keys': { path: '/v1/keys', body: { role: 'channel', channel: 'web' } },
  'get /v1/keys': { path: '/v1/keys' },
  'delete /v1/keys/{id}': {
    path: '/v1/keys/nobody',
    unknown: { path: '/v1/keys/nobody', code: 'unknown_key' },
  },
  'get /livez': { path: '/livez' },
  'get /readyz': { path: '/readyz' },
  'get /metrics': { path: '/metrics' },
  'get /openapi.json': { path: '/openapi.json' },
};

interface Schema {
  readonly $ref?: string;
  readonly required?: readonly string[];
}
interface Operation {
  readonly security?: readonly unknown[];
  readonly 'x-roles'?: readonly string[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface Operated extends Example {
  readonly name: string;
  readonly method: string;
  readonly pattern: string;
  readonly operation: Operation;
}

const BODY_10_MB = `"${'x'.repeat(10_000_000)}"`;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

let house: TestHouse;
let document: OpenApi;
let operations: Operated[];
const keys: Record<string, string> = {};

const make = async (method: string, path: string, body: unknown): Promise<TestAnswer> => {
  const answer = await house.request(method, path, { body });
  if (answer.status !== 201)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
};

/** Refused as a problem with a code of the table, and with the status that the table says. */
const expectProblem = (answer: TestAnswer, what: string, ...codes: ProblemCode[]): void => {
  const { code, status, detail } = answer.body;
  const known = typeof code === 'string' && code in PROBLEMS ? (code as ProblemCode) : undefined;
  const wrong =
    known === undefined ||
    (codes.length > 0 && !codes.includes(known)) ||
    PROBLEMS[known][0] !== answer.status ||
    status !== answer.status ||
    answer.status >= 500 ||
    typeof detail !== 'string' ||
    answer.headers.get('content-type') !== 'application/problem+json';
  if (wrong) {
    throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}, not ${codes.join(' or ')}`);
  }
};

/** Runs what must change nothing, then looks whether anything changed. */
const changingNothing = async (act: () => Promise<void>): Promise<void> => {
  const before = await house.countEvents();
  const keysBefore = (await house.request('GET', '/v1/keys')).body;
  await act();
  expect(await house.countEvents()).toBe(before);
  expect((await house.request('GET', '/v1/keys')).body).toEqual(keysBefore);
};

const ask = ({ method, path, body }: Operated, more: TestRequest = {}): Promise<TestAnswer> =>
  house.request(method.toUpperCase(), path, { body, ...more });

const withBody = (): (Operated & { body: Record<string, unknown> })[] =>
  operations.flatMap((one) => (one.body === undefined ? [] : [{ ...one, body: one.body }]));

const secured = (): Operated[] => operations.filter(({ operation }) => operation['x-roles'] !== undefined);

const requiredOf = ({ operation }: Operated): readonly string[] => {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const name = schema?.$ref?.split('/').at(-1);
  return (name === undefined ? schema : document.components.schemas[name])?.required ?? [];
};

beforeAll(async () => {
  house = await startTestHouse();
  const settings = {
    name: 'x',
    timeZone: 'Europe/London',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto',
  };
  await make('PUT', '/v1/locations/main', { name: 'Main' });
  await make('PUT', '/v1/channels/web', settings);
  await make('PUT', '/v1/channels/other', settings);
  await make('POST', '/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 10 });
  await make('POST', '/v1/coupons', { code: 'TEN', discount: { kind: 'percent', percent: '10' }, limit: 9 });
  const lines = [{ sku: 'MUG', quantity: 1, unitPrice: '1.00' }];
  const order = { channel: 'web', currency: 'GBP', lines };
  const explicit = { policy: { confirm: 'explicit' } };
  for (const externalId of ['confirmed', 'shipped', 'cancelled']) {
    await make('POST', '/v1/orders', { ...order, externalId });
  }
  await make('POST', '/v1/orders', { ...order, externalId: 'reserved', ...explicit });
  await make('POST', '/v1/orders', {
    ...order,
    externalId: 'rejected',
    lines: [{ sku: 'NONE', quantity: 1, unitPrice: '1' }],
  });
  await make('POST', '/v1/orders', { ...order, externalId: 'held', ...explicit });
  const held = { holdId: 'h', holdType: 'fraud', blocks: ['confirm'], role: 'warehouse', reason: REASON };
  await make('POST', '/v1/orders/web~held/reviews', held);
  await make('POST', '/v1/orders/web~shipped/shipments', { shipmentId: 's' });
  await make('POST', '/v1/orders/web~cancelled/cancellations', { cancellationId: 'c', reason: REASON });
  for (const role of ['warehouse', 'finance', 'reader'] as const) keys[role] = await house.createKey(role);
  keys.channel = await house.createKey('channel', 'web');
  keys.other = await house.createKey('channel', 'other');
  await house.settled();
  document = (await house.request('GET', '/openapi.json', { key: null })).body as unknown as OpenApi; // our own document
  operations = Object.entries(document.paths).flatMap(([pattern, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const name = `${method} ${pattern}`;
      const example = EXAMPLES[name];
      if (example === undefined) throw new Error(`no example for ${name}`);
      return { ...example, name, method, pattern, operation };
    }),
  );
}, 120_000);
afterAll(async () => {
  await house?.stop();
}, 60_000);

describe('wrong input to every route', () => {
  test('the document and the examples name the same routes', () => {
    expect(operations.map(({ name }) => name).sort()).toEqual(Object.keys(EXAMPLES).sort());
    expect(operations.length).toBeGreaterThan(30);
  });

  test(
    'a body that misses a field, has one too many or one of the wrong type',
    () =>
      changingNothing(async () => {
        let sent = 0;
        for (const route of withBody()) {
          for (const { what, body } of wrongBodies(route.body, requiredOf(route))) {
            const answer = await ask(route, { body });
            expectProblem(
              answer,
              `${route.name}: ${what}`,
              'invalid_request',
              'invalid_json',
              'invalid_amount',
            );
            if (answer.body.code === 'invalid_request') expect(answer.body.errors).not.toHaveLength(0);
            sent += 1;
          }
        }
        expect(sent).toBeGreaterThan(500);
      }),
    120_000,
  );

  test(
    'a body of 10 MB',
    () =>
      changingNothing(async () => {
        for (const route of withBody()) {
          expectProblem(await ask(route, { rawBody: BODY_10_MB }), route.name, 'body_too_large');
        }
      }),
    60_000,
  );

  test(
    'a body that is not JSON, not UTF-8, or something else',
    () =>
      changingNothing(async () => {
        for (const route of withBody()) {
          for (const rawBody of [
            '{',
            '{"a":1,}',
            'undefined',
            '{"a": NaN}',
            new Uint8Array([0x22, 0xff, 0x22]),
          ]) {
            expectProblem(await ask(route, { rawBody }), route.name, 'invalid_json');
          }
          for (const type of ['text/plain', 'application/xml', 'application/json; charset=latin1']) {
            const answer = await ask(route, { headers: { 'content-type': type } });
            expectProblem(answer, `${route.name}: ${type}`, 'unsupported_media_type');
          }
          const zipped = await ask(route, { headers: { 'content-encoding': 'gzip' } });
          expectProblem(zipped, `${route.name}: gzip`, 'unsupported_media_type');
        }
      }),
    60_000,
  );

  test(
    'no key, a wrong key, a key of a role that may not',
    () =>
      changingNothing(async () => {
        const wrong = [
          null,
          'hf_wrong',
          `${house.adminKey}x`,
          house.adminKey.slice(0, -1),
          'x'.repeat(5_000),
        ];
        for (const route of secured()) {
          for (const key of wrong) expectProblem(await ask(route, { key }), route.name, 'unauthenticated');
          const basic = await ask(route, { key: null, headers: { authorization: 'Basic YTpi' } });
          expectProblem(basic, route.name, 'unauthenticated');
          expect(basic.headers.get('www-authenticate')).toBe('Bearer');
          for (const role of ['channel', 'warehouse', 'finance', 'reader']) {
            if (route.operation['x-roles']?.includes(role)) continue;
            expectProblem(
              await ask(route, { key: keys[role] ?? '' }),
              `${route.name} as ${role}`,
              'forbidden',
            );
          }
          // One address may try so many wrong keys in a second: stay below it.
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
        expect(secured().length).toBeGreaterThan(25);
      }),
    60_000,
  );

  test(
    'a query that the route does not know, or of the wrong shape',
    () =>
      changingNothing(async () => {
        const queries = [
          'nobodyReadsThis=1',
          'limit=0',
          'limit=1.5',
          'limit=100000',
          `limit=${2 ** 60}`,
          'limit=1&limit=2',
          'asOf=yesterday',
          'asOf=0000-01-01T00:00:00Z',
          'knownAt=-1',
          'knownAt=99999999999999999999',
          'after=x',
          'after=1&after=2',
          `cursor=${'x'.repeat(3_000)}`,
          'cursor=nonsense',
          'status=%00',
          'currency=XXX0',
          'from=2026-02-30',
          'day=2026-01-01&asOf=2026-01-01T00:00:00Z',
        ];
        for (const route of secured()) {
          for (const query of queries) {
            const answer = await ask({ ...route, path: `${route.path}?${query}` });
            // A route that cannot find its thing may say that first; it has looked at the query before it does anything.
            expectProblem(
              answer,
              `${route.name}?${query}`,
              'invalid_request',
              'invalid_cursor',
              'unknown_key',
            );
          }
        }
      }),
    120_000,
  );

  test(
    'an id that does not exist, or cannot',
    () =>
      changingNothing(async () => {
        let seen = 0;
        for (const route of operations.filter(({ pattern }) => pattern.includes('{'))) {
          if (route.unknown !== undefined) {
            expectProblem(await ask({ ...route, path: route.unknown.path }), route.name, route.unknown.code);
            seen += 1;
          }
          for (const id of [
            '%00',
            '%E0%A4%A',
            'a%0Ab',
            'x'.repeat(5_000),
            '%20',
            '..%2F..',
            '~',
            'web~a~b',
            'web~%25ZZ',
          ]) {
            // A credit note may have almost any number, and recording a line of it makes it.
            if (route.pattern.includes('{note}') && /^(~|\.\.|web)/.test(id)) continue;
            const path = route.pattern.replace(/\{\w+\}/, id);
            expectProblem(await ask({ ...route, path }), `${route.name} ${id.slice(0, 20)}`);
          }
        }
        expect(seen).toBeGreaterThan(12);
      }),
    60_000,
  );

  test(
    'a method that the route does not take, and a route that is none',
    () =>
      changingNothing(async () => {
        for (const [pattern, methods] of Object.entries(document.paths)) {
          const path = pattern.replace(/\{\w+\}/, 'x');
          for (const method of METHODS.filter((one) => methods[one.toLowerCase()] === undefined)) {
            const answer = await house.request(method, path, method === 'GET' ? {} : { body: {} });
            expectProblem(answer, `${method} ${path}`, 'method_not_allowed');
            for (const allowed of Object.keys(methods)) {
              expect(answer.headers.get('allow')).toContain(allowed.toUpperCase());
            }
          }
        }
        for (const path of [
          '/',
          '/v1',
          '/v2/orders',
          '/v1/orders/',
          '/V1/orders',
          '/v1/orders/a/b/c',
          '/docs/../v1/x',
        ]) {
          expectProblem(await house.request('GET', path), path, 'unknown_route');
        }
      }),
    60_000,
  );

  test("another channel's order, settings and notes", () =>
    changingNothing(async () => {
      const key = keys.other ?? '';
      for (const route of operations.filter(({ pattern }) => pattern.startsWith('/v1/orders/{id}'))) {
        expectProblem(await ask(route, { key }), route.name, 'unknown_order');
      }
      for (const route of operations.filter(({ name }) =>
        ['post /v1/orders', 'post /v1/consignments', 'post /v1/credit-notes/{note}/lines'].includes(name),
      )) {
        expectProblem(await ask(route, { key }), route.name, 'forbidden_channel');
      }
      expectProblem(await house.request('GET', '/v1/channels/web', { key }), 'settings', 'unknown_channel');
    }));

  test('the wrong state', () =>
    changingNothing(async () => {
      const order = { channel: 'web', externalId: 'confirmed', currency: 'GBP' };
      const goods = { sku: 'MUG', quantity: 1, unitPrice: '1.00' };
      const ship = { shipmentId: 'x' };
      const cancel = { cancellationId: 'x', reason: REASON };
      const review = { ...RULE, holdId: 'h', reason: REASON };
      const back = { returnId: 'x', reason: REASON, lines: LINES };
      const note = { channel: 'web', lineId: '1', sku: 'MUG', quantity: 1, currency: 'GBP', reason: REASON };
      const adjust = { adjustmentId: 'x', sku: 'MUG', reason: REASON };
      const entry = {
        adjustmentId: 'x',
        channel: 'web',
        currency: 'GBP',
        reason: REASON,
        effectiveAt: '2026-01-01T00:00:00Z',
      };
      const legs = (debit: string, credit: string) => [
        { account: 'bad_debt', amount: debit },
        { account: 'receivable', amount: credit },
      ];
      const channel = EXAMPLES['put /v1/channels/{id}']?.body;
      const cases: readonly (readonly [string, unknown, ProblemCode])[] = [
        ['/v1/orders', { ...order, lines: [{ ...goods, quantity: 2 }] }, 'order_exists'],
        ['/v1/orders', { ...order, channel: 'nobody', lines: [goods] }, 'unknown_channel'],
        [
          '/v1/orders',
          { ...order, externalId: 'e', currency: 'EUR', lines: [goods] },
          'currency_not_accepted',
        ],
        ['/v1/orders', { ...order, externalId: 'e', lines: [{ ...goods, tax: '0.001' }] }, 'invalid_amount'],
        [
          '/v1/orders',
          {
            ...order,
            externalId: 'e',
            lines: [{ ...goods, unitPrice: '999999999999', quantity: 10_000_000 }],
          },
          'amount_too_large',
        ],
        [
          '/v1/orders',
          {
            ...order,
            externalId: 'e',
            lines: [
              { ...goods, lineId: 'a' },
              { ...goods, lineId: 'a' },
            ],
          },
          'duplicate_line',
        ],
        [
          '/v1/orders',
          { ...order, externalId: 'e', lines: [goods], coupons: ['TEN', 'TEN'] },
          'duplicate_coupon',
        ],
        [
          '/v1/orders',
          { ...order, externalId: 'e', lines: [goods], placedAt: '2099-01-01T00:00:00Z' },
          'effective_in_future',
        ],
        ['/v1/orders/web~rejected/confirm', {}, 'wrong_status'],
        ['/v1/orders/web~cancelled/confirm', {}, 'wrong_status'],
        ['/v1/orders/web~reserved/shipments', ship, 'wrong_status'],
        ['/v1/orders/web~rejected/shipments', ship, 'wrong_status'],
        ['/v1/orders/web~shipped/shipments', ship, 'wrong_status'],
        ['/v1/orders/web~confirmed/shipments', {}, 'idempotency_key_required'],
        [
          '/v1/orders/web~confirmed/shipments',
          { ...ship, lines: [{ lineId: '9', quantity: 1 }] },
          'unknown_line',
        ],
        [
          '/v1/orders/web~confirmed/shipments',
          { ...ship, lines: [{ lineId: '1', quantity: 2 }] },
          'exceeds_open_quantity',
        ],
        [
          '/v1/orders/web~confirmed/shipments',
          { ...ship, location: 'elsewhere', lines: LINES },
          'wrong_location',
        ],
        ['/v1/orders/web~held/confirm', {}, 'order_held'],
        ['/v1/orders/web~held/reviews', { ...review, reason: 'else' }, 'id_reused'],
        ['/v1/orders/web~held/reviews', { ...review, holdId: 'i', lines: ['9'] }, 'unknown_line'],
        ['/v1/orders/web~confirmed/reviews', review, 'wrong_status'],
        ['/v1/orders/web~shipped/reviews', { ...review, blocks: ['ship'] }, 'wrong_status'],
        ['/v1/orders/web~confirmed/reviews', { ...review, holdId: undefined }, 'idempotency_key_required'],
        ['/v1/orders/web~shipped/splits', { splitId: 'x', lines: LINES }, 'wrong_status'],
        ['/v1/orders/web~confirmed/splits', { lines: LINES }, 'idempotency_key_required'],
        [
          '/v1/orders/web~confirmed/splits',
          { splitId: 'x', lines: [{ lineId: '1', quantity: 2 }] },
          'exceeds_open_quantity',
        ],
        ['/v1/orders/web~confirmed/shipments', { ...ship, splitId: 'x' }, 'unknown_split'],
        [
          '/v1/consignments',
          { channel: 'web', consignmentId: 'x', location: 'main', orders: ['web~confirmed', 'web~reserved'] },
          'not_mergeable',
        ],
        ['/v1/orders/web~shipped/cancellations', cancel, 'wrong_status'],
        ['/v1/orders/web~expired/cancellations', cancel, 'unknown_order'],
        [
          '/v1/orders/web~confirmed/cancellations',
          { ...cancel, lines: [{ lineId: '1', quantity: 2 }] },
          'exceeds_open_quantity',
        ],
        ['/v1/orders/web~confirmed/returns', back, 'exceeds_shipped_quantity'],
        [
          '/v1/orders/web~shipped/returns',
          { ...back, lines: [{ lineId: '1', quantity: 2 }] },
          'exceeds_shipped_quantity',
        ],
        ['/v1/orders/web~shipped/returns', { ...back, credited: '0.001' }, 'invalid_amount'],
        ['/v1/orders/web~shipped/returns', { ...back, location: 'nobody' }, 'location_not_set_up'],
        ['/v1/locations/main/receipts', { receiptId: 'r', sku: 'MUG', quantity: 11 }, 'id_reused'],
        ['/v1/locations/main/receipts', { sku: 'MUG', quantity: 11 }, 'idempotency_key_required'],
        ['/v1/locations/main/adjustments', { ...adjust, delta: 1, expectedOnHand: 8 }, 'stale_on_hand'],
        ['/v1/locations/main/adjustments', { ...adjust, delta: -9 }, 'below_held'],
        ['/v1/locations/main/adjustments', { ...adjust, delta: -10 }, 'insufficient_on_hand'],
        [
          '/v1/coupons',
          { code: 'TEN', discount: { kind: 'percent', percent: '11' }, limit: 9 },
          'coupon_exists',
        ],
        [
          '/v1/coupons',
          { code: 'YEN', discount: { kind: 'amount', amount: '1.5', currency: 'JPY' }, limit: 9 },
          'invalid_amount',
        ],
        ['/v1/credit-notes/N/lines', { ...note, amount: '0.001' }, 'invalid_amount'],
        ['/v1/credit-notes/N/lines', { ...note, amount: '1', location: 'nobody' }, 'location_not_set_up'],
        ['/v1/credit-notes/N/lines', { ...note, amount: '1', channel: 'nobody' }, 'unknown_channel'],
        ['/v1/ledger/adjustments', { ...entry, postings: legs('1.00', '-1.01') }, 'unbalanced'],
        ['/v1/ledger/adjustments', { ...entry, postings: legs('0.00', '0.00') }, 'empty_entry'],
        ['/v1/ledger/adjustments', { ...entry, postings: legs('0.001', '-0.001') }, 'invalid_amount'],
        ['/v1/keys', { role: 'channel', channel: 'nobody' }, 'unknown_channel'],
      ];
      for (const [path, body, code] of cases) {
        expectProblem(await house.request('POST', path, { body }), `${path} ${JSON.stringify(body)}`, code);
      }
      const unknownSource = { body: { ...channel, sources: ['main', 'nobody'] } };
      expectProblem(
        await house.request('PUT', '/v1/channels/web', unknownSource),
        'source',
        'location_not_set_up',
      );
    }));

  test('a malformed Idempotency-Key', () =>
    changingNothing(async () => {
      for (const value of ['with blank', 'x'.repeat(129), '\u00e9']) {
        const answer = await house.request('POST', '/v1/locations/main/receipts', {
          body: { sku: 'MUG', quantity: 1 },
          headers: { 'idempotency-key': value },
        });
        expectProblem(answer, value, 'invalid_header');
      }
    }));

  test('nothing in an answer tells of the machinery', async () => {
    const answer = await house.request('GET', '/v1/orders/nobody');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(JSON.stringify(answer.body)).not.toMatch(/\bat .*\.(ts|js)|node_modules|stack/);
  });
});
