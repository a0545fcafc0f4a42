import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROBLEMS, type ProblemCode } from '../../src/api/problems.js';
import { WORK_QUEUES } from '../../src/projections/work-queues.js';
import { forgedCursors } from '../api/forged-cursors.js';
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

const ASKED = '/v1/orders/web~asked/return-requests/q';
const NO_RETURN = (step: string) =>
  ({ path: `/v1/orders/web~asked/return-requests/nobody/${step}`, code: 'unknown_return' }) as const;

const EXAMPLES: Readonly<Record<string, Example>> = {
  'post /v1/orders': {
    path: '/v1/orders',
    body: {
      channel: 'web',
      externalId: 'new',
      placedAt: '2026-01-01T00:00:00Z',
      currency: 'GBP',
      customerId: 'c1',
      destination: { country: 'GB', region: 'Kent', postalCode: 'CT1', deliveryAddressId: 'home' },
      lines: [
        {
          lineId: '1',
          kind: 'goods',
          sku: 'MUG',
          quantity: 1,
          unitPrice: '1.00',
          tax: '0.20',
          taxes: [{ kind: 'vat', name: 'VAT', rate: '0.2', country: 'GB', amount: '0.20' }],
        },
        { kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' },
      ],
      coupons: ['TEN'],
      settlement: { currency: 'EUR', rate: '1.17', source: 'ECB', asOf: '2026-01-01T00:00:00Z' },
      guest: true,
      gift: true,
      requestedDelivery: { from: '2026-01-02', to: '2026-01-03' },
      priority: { level: 1, reason: REASON },
      assistedBy: 'staff-7',
      policy: { confirm: 'explicit', expiresInSeconds: 60, shortage: 'backorder' },
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
  'get /v1/orders/{id}/returns': { path: `${CONFIRMED}/returns`, unknown: NO_ORDER('/returns') },
  'get /v1/returns': { path: '/v1/returns' },
  'get /v1/returns/counts': { path: '/v1/returns/counts' },
  'post /v1/orders/{id}/return-requests': {
    path: '/v1/orders/web~asked/return-requests',
    body: { returnId: 'x', reason: REASON, lines: LINES, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/return-requests'),
  },
  'post /v1/orders/{id}/return-requests/{returnId}/authorisation': {
    path: `${ASKED}/authorisation`,
    body: { instructions: REASON, creditOn: 'command', effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_RETURN('authorisation'),
  },
  'post /v1/orders/{id}/return-requests/{returnId}/refusal': {
    path: `${ASKED}/refusal`,
    body: { reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_RETURN('refusal'),
  },
  'post /v1/orders/{id}/return-requests/{returnId}/receipt': {
    path: `${ASKED}/receipt`,
    body: { location: 'main', lines: LINES, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_RETURN('receipt'),
  },
  'post /v1/orders/{id}/return-requests/{returnId}/inspection': {
    path: `${ASKED}/inspection`,
    body: {
      lines: [{ lineId: '1', quantity: 1, outcome: 'resaleable' }],
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_RETURN('inspection'),
  },
  'post /v1/orders/{id}/return-requests/{returnId}/credit': {
    path: `${ASKED}/credit`,
    body: { note: 'N1', credited: '1.00', effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_RETURN('credit'),
  },
  'post /v1/orders/{id}/allowances': {
    path: '/v1/orders/web~asked/allowances',
    body: {
      allowanceId: 'x',
      amount: '0.10',
      reason: REASON,
      lineId: '1',
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/allowances'),
  },
  'post /v1/orders/{id}/exchanges': {
    path: '/v1/orders/web~asked/exchanges',
    body: {
      exchangeId: 'x',
      returnId: 'q',
      credit: '1.00',
      externalId: 'new',
      destination: { country: 'GB', region: 'Kent', postalCode: 'CT1' },
      lines: [{ lineId: '1', kind: 'goods', sku: 'MUG', quantity: 1, unitPrice: '1.00', tax: '0.20' }],
      coupons: ['TEN'],
      policy: { confirm: 'explicit', expiresInSeconds: 60 },
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/exchanges'),
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
  'get /v1/backorders': { path: '/v1/backorders' },
  'get /v1/orders/{id}/allocations': { path: `${CONFIRMED}/allocations`, unknown: NO_ORDER('/allocations') },
  'post /v1/orders/{id}/allocations': {
    path: `${CONFIRMED}/allocations`,
    body: { location: 'main', reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/allocations'),
  },
  'get /v1/order-changes': { path: '/v1/order-changes' },
  'get /v1/orders/{id}/changes': { path: `${CONFIRMED}/changes`, unknown: NO_ORDER('/changes') },
  'post /v1/orders/{id}/changes': {
    path: `${CONFIRMED}/changes`,
    body: {
      changeId: 'x',
      reason: REASON,
      actions: [
        {
          kind: 'add',
          line: {
            lineId: '2',
            kind: 'goods',
            sku: 'MUG',
            account: 'a',
            quantity: 1,
            unitPrice: '1.00',
            tax: '0.20',
          },
        },
        { kind: 'address', destination: { country: 'GB', region: 'Kent', postalCode: 'CT1' } },
      ],
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/changes'),
  },
  'post /v1/orders/{id}/changes/{changeId}/confirmation': {
    path: `${CONFIRMED}/changes/nobody/confirmation`,
    body: { effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: `${CONFIRMED}/changes/nobody/confirmation`, code: 'unknown_change' },
  },
  'post /v1/orders/{id}/changes/{changeId}/refusal': {
    path: `${CONFIRMED}/changes/nobody/refusal`,
    body: { reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: `${CONFIRMED}/changes/nobody/refusal`, code: 'unknown_change' },
  },
  'put /v1/people/{customerId}': {
    path: '/v1/people/c1',
    body: {
      name: { prefix: 'Dr', given: 'Jo', middle: 'B', family: 'Doe', suffix: 'II', organisation: 'Doe Ltd' },
      addresses: [
        {
          addressId: 'home',
          recipient: 'Jo',
          street: ['1 High Street'],
          city: 'Ely',
          postalCode: 'CB7 4AA',
          region: 'Cambs',
          country: 'GB',
        },
      ],
      phones: ['+44 1353 555 0100'],
      mails: ['jo@example.org'],
      note: 'rings twice',
    },
  },
  'get /v1/people/{customerId}': {
    path: '/v1/people/c1',
    unknown: { path: '/v1/people/nobody', code: 'unknown_person' },
  },
  'delete /v1/people/{customerId}': { path: '/v1/people/c1' },
  'get /v1/people/{customerId}/access': { path: '/v1/people/c1/access' },
  'get /v1/orders/{id}/delivery-address': {
    path: `${CONFIRMED}/delivery-address`,
    unknown: NO_ORDER('/delivery-address'),
  },
  'get /v1/orders/{id}/payments': { path: `${CONFIRMED}/payments`, unknown: NO_ORDER('/payments') },
  'post /v1/orders/{id}/payments': {
    path: `${CONFIRMED}/payments`,
    body: {
      paymentId: 'x',
      tender: { kind: 'card', reference: 'x' },
      amount: '1.00',
      provider: 'trial',
      expiresInSeconds: 60,
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/payments'),
  },
  'post /v1/orders/{id}/payments/{paymentId}/authorisation': {
    path: `${CONFIRMED}/payments/x/authorisation`,
    body: { tender: { kind: 'card', reference: 'x' }, amount: '1.00', effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: NO_ORDER('/payments/x/authorisation'),
  },
  'post /v1/orders/{id}/payments/{paymentId}/captures': {
    path: `${CONFIRMED}/payments/x/captures`,
    body: {
      captureId: 'x',
      amount: '1.00',
      tender: { kind: 'card', reference: 'x' },
      effectiveAt: '2026-01-01T00:00:00Z',
    },
    unknown: NO_ORDER('/payments/x/captures'),
  },
  'post /v1/orders/{id}/payments/{paymentId}/failure': {
    path: '/v1/orders/web~paid/payments/p/failure',
    body: { code: 'declined', reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/orders/web~paid/payments/nobody/failure', code: 'unknown_payment' },
  },
  'post /v1/orders/{id}/payments/{paymentId}/void': {
    path: '/v1/orders/web~paid/payments/p/void',
    body: { reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/orders/web~paid/payments/nobody/void', code: 'unknown_payment' },
  },
  'post /v1/orders/{id}/payments/{paymentId}/refunds': {
    path: '/v1/orders/web~paid/payments/p/refunds',
    body: { refundId: 'x', amount: '0.50', reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/orders/web~paid/payments/nobody/refunds', code: 'unknown_payment' },
  },
  'post /v1/orders/{id}/payments/{paymentId}/chargebacks': {
    path: '/v1/orders/web~paid/payments/p/chargebacks',
    body: { chargebackId: 'x', amount: '0.50', reason: REASON, effectiveAt: '2026-01-01T00:00:00Z' },
    unknown: { path: '/v1/orders/web~paid/payments/nobody/chargebacks', code: 'unknown_payment' },
  },
  'get /v1/payments/refunds-due': { path: '/v1/payments/refunds-due' },
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
      refunds: 'automatic',
    },
  },
  'put /v1/channels/{id}/rates': {
    path: '/v1/channels/web/rates',
    body: {
      currency: 'EUR',
      required: true,
      rates: [{ from: 'GBP', rate: '1.17', source: 'ECB', asOf: '2026-01-01T00:00:00Z' }],
    },
    unknown: { path: '/v1/channels/nobody/rates', code: 'unknown_channel' },
  },
  'get /v1/channels/{id}/rates': {
    path: '/v1/channels/web/rates',
    unknown: { path: '/v1/channels/nobody/rates', code: 'unknown_channel' },
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
  readonly parameters?: readonly { readonly name: string }[];
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
/** What the payment of web~paid is called where it was made. */
const TILL = 'till-7-receipt-4711';
const ROLES = ['channel', 'warehouse', 'finance', 'reader', 'privacy'];
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
  for (const externalId of ['confirmed', 'shipped', 'cancelled', 'paid']) {
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
  await make('POST', '/v1/locations/main/receipts', { receiptId: 'r2', sku: 'CUP', quantity: 1 });
  const cup = [{ sku: 'CUP', quantity: 1, unitPrice: '1.00' }];
  await make('POST', '/v1/orders', { ...order, externalId: 'asked', lines: cup });
  await make('POST', '/v1/orders/web~asked/shipments', { shipmentId: 's' });
  await make('POST', '/v1/orders/web~asked/return-requests', { returnId: 'q', reason: REASON, lines: LINES });
  await make('POST', '/v1/orders/web~cancelled/cancellations', { cancellationId: 'c', reason: REASON });
  const cash = { captureId: 'c', amount: '1.00', tender: { kind: 'cash', reference: TILL } };
  await make('POST', '/v1/orders/web~paid/payments/p/captures', cash);
  for (const role of ['warehouse', 'finance', 'reader', 'privacy'] as const)
    keys[role] = await house.createKey(role);
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
          for (const role of ROLES) {
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
            // A credit note may have almost any number, and recording a line of it makes it; so may a customer.
            if (/\{(note|customerId)\}/.test(route.pattern) && /^(~|\.\.|web)/.test(id)) continue;
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
      const forChannels = operations.filter(({ operation }) => operation['x-roles']?.includes('channel'));
      for (const route of forChannels.filter(({ pattern }) => pattern.startsWith('/v1/orders/{id}'))) {
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
      const allowance = { allowanceId: 'x', amount: '0.10', reason: REASON };
      const exchange = { exchangeId: 'x', returnId: 'q', lines: [goods] };
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
      const change = { changeId: 'e', reason: REASON };
      const reduce = (lineId: string, quantity: number) => ({ kind: 'reduce', lineId, quantity });
      const byCard = { tender: { kind: 'card' }, amount: '1.00' };
      const cash = { tender: { kind: 'cash' } };
      const captured = { captureId: 'c', ...cash };
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
            lines: [{ ...goods, tax: '0.20', taxes: [{ kind: 'vat', amount: '0.19' }] }],
          },
          'tax_mismatch',
        ],
        [
          '/v1/orders',
          {
            ...order,
            externalId: 'e',
            lines: [goods],
            settlement: { currency: 'GBP', rate: '1', source: 'x', asOf: '2026-01-01T00:00:00Z' },
          },
          'invalid_rate',
        ],
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
        [
          '/v1/orders',
          { ...order, externalId: 'e', lines: [goods], coupons: ['TEN'], policy: { shortage: 'shortfall' } },
          'coupons_not_accepted',
        ],
        ['/v1/orders/web~confirmed/changes', { ...change, actions: [reduce('9', 1)] }, 'unknown_line'],
        [
          '/v1/orders/web~confirmed/changes',
          { ...change, actions: [reduce('1', 2)] },
          'exceeds_open_quantity',
        ],
        ['/v1/orders/web~confirmed/changes', { ...change, actions: [reduce('1', 1)] }, 'nothing_open'],
        ['/v1/orders/web~shipped/changes', { ...change, actions: [reduce('1', 1)] }, 'wrong_status'],
        [
          '/v1/orders/web~confirmed/allocations',
          { location: 'nobody', reason: REASON },
          'location_not_set_up',
        ],
        ['/v1/orders/web~held/confirm', {}, 'order_held'],
        ['/v1/orders/web~held/reviews', { ...review, reason: 'else' }, 'id_reused'],
        ['/v1/orders/web~held/reviews', { ...review, holdId: 'i', lines: ['9'] }, 'unknown_line'],
        ['/v1/orders/web~confirmed/reviews', review, 'wrong_status'],
        ['/v1/orders/web~shipped/reviews', { ...review, blocks: ['ship'] }, 'wrong_status'],
        ['/v1/orders/web~confirmed/reviews', { ...review, holdId: undefined }, 'idempotency_key_required'],
        ['/v1/orders/web~cancelled/payments', { paymentId: 'x', ...byCard }, 'wrong_status'],
        ['/v1/orders/web~confirmed/payments', { ...byCard }, 'idempotency_key_required'],
        ['/v1/orders/web~confirmed/payments', { ...byCard, provider: 'nobody' }, 'unknown_provider'],
        [
          '/v1/orders/web~confirmed/payments',
          { ...byCard, paymentId: 'x', amount: '0.001' },
          'invalid_amount',
        ],
        [
          '/v1/orders/web~confirmed/payments',
          { ...byCard, paymentId: 'x', amount: '0.00' },
          'invalid_amount',
        ],
        [
          '/v1/orders/web~confirmed/payments/x/captures',
          { captureId: 'x', amount: '1.00' },
          'unknown_payment',
        ],
        ['/v1/orders/web~paid/payments/p/captures', { ...captured, amount: '1.01' }, 'id_reused'],
        ['/v1/orders/web~paid/payments/p/authorisation', { ...cash, amount: '0.99' }, 'below_captured'],
        ['/v1/orders/web~paid/payments/p/failure', { code: 'x', reason: REASON }, 'payment_captured'],
        [
          '/v1/orders/web~paid/payments/p/refunds',
          { refundId: 'x', amount: '1.01', reason: REASON },
          'exceeds_captured',
        ],
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
        ['/v1/orders/web~shipped/returns', { ...back, credited: '1.01' }, 'exceeds_paid'],
        ['/v1/orders/web~asked/return-requests', { ...back, returnId: 'q', reason: 'else' }, 'id_reused'],
        ['/v1/orders/web~asked/return-requests', back, 'exceeds_shipped_quantity'],
        [
          '/v1/orders/web~asked/return-requests',
          { ...back, returnId: undefined },
          'idempotency_key_required',
        ],
        ['/v1/orders/web~confirmed/return-requests', back, 'exceeds_shipped_quantity'],
        [`${ASKED}/receipt`, { location: 'main', lines: LINES }, 'wrong_return_status'],
        [`${ASKED}/receipt`, { location: 'nobody', lines: LINES }, 'location_not_set_up'],
        [
          `${ASKED}/inspection`,
          { lines: [{ lineId: '1', quantity: 1, outcome: 'damaged' }] },
          'wrong_return_status',
        ],
        [`${ASKED}/credit`, {}, 'wrong_return_status'],
        ['/v1/orders/web~asked/allowances', { ...allowance, amount: '1.01' }, 'exceeds_paid'],
        ['/v1/orders/web~asked/allowances', { ...allowance, amount: '0.001' }, 'invalid_amount'],
        ['/v1/orders/web~asked/allowances', { ...allowance, lineId: '9' }, 'unknown_line'],
        ['/v1/orders/web~asked/exchanges', exchange, 'wrong_return_status'],
        ['/v1/orders/web~asked/exchanges', { ...exchange, returnId: 'nobody' }, 'unknown_return'],
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

  test('a malformed If-Match', () =>
    changingNothing(async () => {
      for (const value of ['*', '1', '"x"', '"1", "2"', 'W/"1"', '"-1"']) {
        const answer = await house.request('PUT', '/v1/people/c1', {
          body: EXAMPLES['put /v1/people/{customerId}']?.body,
          headers: { 'if-match': value },
        });
        expectProblem(answer, value, 'invalid_header');
      }
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

describe('a cursor that somebody made up', () => {
  /** Two rows at least of everything that is listed. */
  const fill = async (): Promise<void> => {
    const settings = { name: 'x', timeZone: 'Europe/London', currencies: ['GBP'], sources: ['main'] };
    await make('PUT', '/v1/channels/lists', { ...settings, confirm: 'auto', shortage: 'backorder' });
    await make('POST', '/v1/locations/main/receipts', { receiptId: 'lists', sku: 'PAGE', quantity: 9 });
    await make('POST', '/v1/coupons', { code: 'B', discount: { kind: 'percent', percent: '1' }, limit: 9 });
    await make('PUT', '/v1/people/c1', { name: { given: 'Jo' } });
    for (const externalId of ['1', '2']) {
      const goods = (sku: string) => ({ sku, quantity: 2, unitPrice: '1.00' });
      const lines = [
        { ...goods('RARE'), lineId: '1' },
        { ...goods('PAGE'), lineId: '2' },
      ];
      const order = { channel: 'lists', externalId, currency: 'GBP', lines, coupons: ['TEN'] };
      const path = (await make('POST', '/v1/orders', order)).headers.get('location');
      const because = { reason: REASON, lines: [{ lineId: '2', quantity: 1 }] };
      const change = { reason: REASON, actions: [{ kind: 'reduce', lineId: '1', quantity: 1 }] };
      await make('POST', `${path}/shipments`, { shipmentId: 's', lines: because.lines });
      await make('POST', `${path}/return-requests`, { ...because, returnId: 'r' });
      await make('POST', `${path}/reviews`, {
        ...RULE,
        ...because,
        lines: ['1'],
        holdId: 'h',
        blocks: ['ship'],
      });
      await make('POST', `${path}/changes`, { ...change, changeId: 'a' });
      await make('POST', `${path}/changes`, { ...change, changeId: 'b' });
      await make('POST', `${path}/payments/p/captures`, {
        captureId: 'c',
        amount: '9.00',
        tender: { kind: 'cash' },
      });
      await house.request('GET', '/v1/people/c1', { key: keys.privacy ?? '' });
    }
    await house.settled();
  };
  /** Of lists that want to know more, or are of one thing. */
  const PATHS: Readonly<Record<string, string>> = {
    '/v1/work-queues/shipments': '/v1/work-queues/shipments?location=main',
    '/v1/orders/{id}/changes': '/v1/orders/lists~1/changes',
  };

  test('is refused or answered by every list, and never an error of ours', async () => {
    await fill();
    const lists = operations.filter(
      ({ method, operation }) =>
        method === 'get' && operation.parameters?.some(({ name }) => name === 'cursor') === true,
    );
    expect(lists.length).toBeGreaterThan(14);
    for (const { pattern, path } of lists) {
      const list = new URL(PATHS[pattern] ?? path, house.url);
      list.searchParams.set('limit', '1');
      const { status, body } = await house.request('GET', list.href);
      // Without a second page there would be nothing to forge: fill() has to make one.
      expect([pattern, status, typeof body.nextCursor]).toEqual([pattern, 200, 'string']);
      for (const cursor of forgedCursors(String(body.nextCursor))) {
        list.searchParams.set('cursor', cursor);
        const answer = await house.request('GET', list.href);
        if (answer.status !== 200) expectProblem(answer, list.href, 'invalid_cursor', 'invalid_request');
      }
    }
  }, 60_000);
});

describe('what a key of each role may see', () => {
  const rolesOf = (of: string): readonly string[] =>
    operations.find(({ name }) => name === of)?.operation['x-roles'] ?? [];
  const keyOf = (role: string): string => keys[role] ?? '';

  test('payments and balances are shown at no other door to who may not read them', async () => {
    const paid = '/v1/orders/web~paid';
    for (const role of ROLES) {
      const doors: string[] = [];
      for (const route of secured().filter(({ method }) => method === 'get')) {
        const path = route.path.replace(CONFIRMED, paid);
        for (const past of ['', '?asOf=2999-01-01T00:00:00Z']) {
          const { status, body } = await house.request('GET', `${path}${past}`, { key: keyOf(role) });
          const tells = new RegExp(`${TILL}|"payments":|"overpaid":`).test(JSON.stringify(body));
          if (status === 200 && tells) doors.push(`${route.name}${past}`);
        }
      }
      const open = rolesOf('get /v1/orders/{id}/payments').includes(role);
      const order = ['', '?asOf=2999-01-01T00:00:00Z'].map((past) => `get /v1/orders/{id}${past}`);
      expect([role, doors]).toEqual([role, open ? expect.arrayContaining(order) : []]);
    }
    // What is done to an order answers with the order.
    const ship = { body: { shipmentId: 's' } };
    const packed = await house.request('POST', `${paid}/shipments`, { ...ship, key: keyOf('warehouse') });
    expect([packed.status, packed.body.payments, packed.body.balance]).toEqual([201, undefined, undefined]);
    const seen = await house.request('POST', `${paid}/shipments`, { ...ship, key: keyOf('channel') });
    expect(JSON.stringify(seen.body.payments)).toContain(TILL);
  });

  test('events and timeline without payments come in whole pages all the same', async () => {
    const pages = async (path: string, role: string, limit: number): Promise<unknown[][]> => {
      const found: unknown[][] = [];
      for (let cursor: unknown = 0; cursor !== null; ) {
        const { body } = await house.request('GET', `${path}?limit=${limit}&cursor=${cursor}`, {
          key: keyOf(role),
        });
        const { items, nextCursor } = body as { items: { type: string }[]; nextCursor: string | null };
        found.push(items.map(({ type }) => type));
        cursor = nextCursor;
      }
      return found;
    };
    for (const path of ['/v1/orders/web~paid/events', '/v1/orders/web~paid/timeline']) {
      const all = (await pages(path, 'channel', 200)).flat();
      const others = all.filter((type) => !/Payment|Capture|Refund|Void/.test(String(type)));
      expect(others.length).toBeLessThan(all.length);
      expect(await pages(path, 'warehouse', 1)).toEqual(others.map((type) => [type]));
    }
  });

  test('the work queues are those whose lists it may open', async () => {
    for (const role of rolesOf('get /v1/work-queues').filter((one) => one !== 'admin')) {
      const { body } = await house.request('GET', '/v1/work-queues', { key: keyOf(role) });
      const queues = body.items as { name: string; parts: { path: string }[] }[];
      const may = WORK_QUEUES.filter(({ list }) => rolesOf(`get ${list.split('?')[0]}`).includes(role));
      expect([role, queues.map(({ name }) => name)]).toEqual([role, may.map(({ name }) => name)]);
      for (const path of queues.flatMap(({ parts }) => parts.map((part) => part.path))) {
        const { status } = await house.request('GET', path, { key: keyOf(role) });
        expect([role, path, status]).toEqual([role, path, 200]);
      }
    }
    const { body } = await house.request('GET', '/v1/work-queues', { key: keyOf('warehouse') });
    expect(JSON.stringify(body)).not.toContain('refunds');
  });
});
