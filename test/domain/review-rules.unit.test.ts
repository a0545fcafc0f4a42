import { describe, expect, test } from '@jest/globals';
import { channel } from '../../src/domain/channel.js';
import { isRejection } from '../../src/domain/decider.js';
import { order, type PlaceOrder } from '../../src/domain/order.js';
import type { OrderPlaced } from '../../src/domain/order-events.js';
import {
  type CustomerFacts,
  LINES_NAMED_MAX,
  type ReviewRule,
  reviewsByRule,
  revisePolicy,
} from '../../src/domain/review-rules.js';
import { given } from '../support/decider-spec.js';
import { type LineInput, place } from '../support/orders.js';
import { OVER_100, rule } from '../support/reviews.js';

const placed = (lines: readonly LineInput[], more: Partial<PlaceOrder> = {}): OrderPlaced['data'] => {
  const decision = order.decide(place(lines, more), order.initialState);
  if (isRejection(decision) || decision[0]?.type !== 'OrderPlaced') throw new Error('not placed');
  return decision[0].data;
};
const one = (when: ReviewRule['when'], data: OrderPlaced['data'], facts?: CustomerFacts) =>
  reviewsByRule([rule('r', when)], data, facts).map(({ data: { reason, lines } }) => ({ reason, lines }));

describe('what a rule matches', () => {
  test('an amount over the limit, lines and tax together, in the currency of the rule only', () => {
    const over = { kind: 'amount', currency: 'GBP', over: '100.00' } as const;
    const at = (tax: string) => placed([{ lineId: '1', quantity: 2, unitPrice: '45.00', tax }]);
    expect(one(over, at('10.00'))).toEqual([]);
    expect(one(over, at('10.01'))).toEqual([{ reason: '100.01 GBP is over 100.00', lines: undefined }]);
    const yen = placed([{ lineId: '1', unitPrice: '5000', tax: '0' }], { currency: 'JPY' });
    expect(one(over, yen)).toEqual([]);
  });

  test('the first order of a customer, and any of a guest', () => {
    const first = { kind: 'first-order' } as const;
    const known = placed([{ lineId: '1' }], { customerId: 'c1' });
    expect(one(first, known, { knownCustomer: true })).toEqual([]);
    expect(one(first, known, { knownCustomer: false })).toHaveLength(1);
    expect(one(first, placed([{ lineId: '1' }]))).toEqual([{ reason: 'a guest', lines: undefined }]);
  });

  test('the lines whose unit price is under the floor of their SKU, to the sixth place', () => {
    const floors = [{ sku: 'A', floor: '4.5' }];
    const lines = [
      { lineId: '1', sku: 'A', unitPrice: '4.50' },
      { lineId: '2', sku: 'A', unitPrice: '4.499999' },
      { lineId: '3', sku: 'B', unitPrice: '0.01' },
    ];
    expect(one({ kind: 'price-floor', currency: 'GBP', floors }, placed(lines))).toEqual([
      { reason: 'line 2: A at 4.499999 is under 4.5', lines: ['2'] },
    ]);
  });

  test('a destination in a country, or with a postal code of it however it is written', () => {
    const places = [{ country: 'GB', postalCode: 'IV27 4xx' }, { country: 'NG' }];
    const to = (country: string, postalCode?: string) =>
      one(
        { kind: 'address', places },
        placed([{ lineId: '1' }], {
          destination: { country, ...(postalCode === undefined ? {} : { postalCode }) },
        }),
      );
    expect(to('GB', 'iv274XX')).toHaveLength(1);
    expect(to('GB', 'IV27 4XY')).toEqual([]);
    expect(to('GB')).toEqual([]);
    expect(to('NG', '1')).toEqual([{ reason: 'the address is in NG', lines: undefined }]);
    expect(one({ kind: 'address', places }, placed([{ lineId: '1' }]))).toEqual([]);
  });

  test('too many units of a SKU, its lines together', () => {
    const lines = [
      { lineId: '1', sku: 'A', quantity: 3 },
      { lineId: '2', sku: 'A', quantity: 3 },
      { lineId: '3', sku: 'B', quantity: 5 },
    ];
    expect(one({ kind: 'quantity', over: 5 }, placed(lines))).toEqual([
      { reason: 'line 1: 6 of A is over 5 (and 1 more)', lines: ['1', '2'] },
    ]);
    expect(one({ kind: 'quantity', over: 4, sku: 'B' }, placed(lines))).toHaveLength(1);
    expect(one({ kind: 'quantity', over: 0, sku: 'C' }, placed(lines))).toEqual([]);
  });

  test('a customer on the list', () => {
    const list = { kind: 'customer', customerIds: ['c1', 'c2'] } as const;
    expect(
      one({ ...list, customerIds: [...list.customerIds] }, placed([{ lineId: '1' }], { customerId: 'c2' })),
    ).toHaveLength(1);
    expect(
      one({ ...list, customerIds: [...list.customerIds] }, placed([{ lineId: '1' }], { customerId: 'c3' })),
    ).toEqual([]);
  });

  test('a rule that matches very many lines holds the whole order', () => {
    const lines = Array.from({ length: LINES_NAMED_MAX + 1 }, (_, n) => ({ lineId: `${n}`, sku: 'A' }));
    expect(one({ kind: 'quantity', over: 1 }, placed(lines))[0]?.lines).toBeUndefined();
    expect(one({ kind: 'quantity', over: 1 }, placed(lines.slice(1)))[0]?.lines).toHaveLength(
      LINES_NAMED_MAX,
    );
  });
});

describe('rules of a channel', () => {
  const { version: _, ...text } = OVER_100;
  const other = { ...text, id: 'other' };
  const web = {
    name: 'Web',
    timeZone: 'UTC',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto' as const,
  };
  const set = (...rules: (typeof text)[]) => ({ type: 'set-review-rules' as const, keepSeconds: 60, rules });

  test('a rule keeps its version while it says the same, and no version of it ever comes twice', () => {
    const first = revisePolicy(undefined, 60, [text, other]);
    expect(first.rules.map(({ version }) => version)).toEqual([1, 1]);
    expect(revisePolicy(first, 60, [text, other])).toBe(first);
    const second = revisePolicy(first, 60, [{ ...text, role: 'admin' }, other]);
    expect([second.version, ...second.rules.map(({ version }) => version)]).toEqual([2, 2, 1]);
    const third = revisePolicy(second, 60, [other]);
    const fourth = revisePolicy(third, 60, [text, other]);
    expect(fourth.rules.map(({ version }) => version)).toEqual([4, 1]);
  });

  test('are set beside the settings, and neither undoes the other', () => {
    const rules = [{ ...text, version: 1 }];
    const review = { version: 1, keepSeconds: 60, rules };
    const configured = { type: 'ChannelConfigured' as const, data: web };
    given(channel, configured)
      .when(set(text))
      .thenEvents({ type: 'ChannelConfigured', data: { ...web, review } });
    given(channel, { type: 'ChannelConfigured', data: { ...web, review } })
      .when({ type: 'configure', settings: { ...web, name: 'New' } })
      .thenEvents({ type: 'ChannelConfigured', data: { ...web, name: 'New', review } });
  });

  test('need a channel, an id each, and amounts that their currency has', () => {
    given(channel).when(set(text)).thenRejected('unknown_channel');
    given(channel, { type: 'ChannelConfigured', data: web })
      .when(set(text, text))
      .thenRejected('duplicate_rule');
    const when = { kind: 'amount' as const, currency: 'JPY', over: '100.5' };
    given(channel, { type: 'ChannelConfigured', data: web })
      .when({ ...set(), rules: [{ ...text, when }] })
      .thenRejected('invalid_amount', { ruleId: 'big' });
  });
});
