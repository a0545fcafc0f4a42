import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CouponCommand,
  type CouponEvent,
  type CouponTerms,
  coupon,
  couponTerms,
} from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import type { HoldTarget } from '../../src/domain/hold.js';
import { asRecorded, given } from '../support/decider-spec.js';

const terms: CouponTerms = { discount: { kind: 'percent', percent: '10' }, limit: 2 };
const issued = (more: Partial<CouponTerms> = {}): CouponEvent => ({
  type: 'CouponIssued',
  data: { ...terms, ...more },
});
const held = (holdId: string): CouponEvent => ({ type: 'CouponHeld', data: { holdId, quantity: 1 } });
const redeemed = (holdId: string): CouponEvent => ({ type: 'CouponRedeemed', data: { holdId, quantity: 1 } });
const released = (holdId: string): CouponEvent => ({
  type: 'CouponReleased',
  data: { holdId, quantity: 1, reason: 'why' },
});
const givenBack = (holdId: string): CouponEvent => ({
  type: 'CouponGivenBack',
  data: { holdId, quantity: 1, reason: 'why' },
});
const hold = (holdId: string, more: { channel?: string; currency?: string; at?: string } = {}) =>
  ({ type: 'hold', holdId, channel: 'web', currency: 'GBP', at: '2026-01-15T12:00:00Z', ...more }) as const;
const settle = (holdId: string, captured: number, released: HoldTarget['released'] = 0): CouponCommand => ({
  type: 'settle',
  holdId,
  target: { captured, released },
  reason: 'why',
});
const giveBack = (holdId: string): CouponCommand => ({ type: 'give-back', holdId, reason: 'why' });

describe('issuing', () => {
  test('makes a code known, once', () => {
    given(coupon).when({ type: 'issue', terms }).thenEvents(issued());
    given(coupon, issued()).when({ type: 'issue', terms }).thenNothing();
  });

  test('other terms under a code that is known are refused', () => {
    given(coupon, issued())
      .when({ type: 'issue', terms: { ...terms, limit: 3 } })
      .thenRejected('coupon_exists');
  });

  test('an amount with more decimals than its currency is refused at once, not by the first order', () => {
    given(coupon)
      .when({
        type: 'issue',
        terms: { limit: 1, discount: { kind: 'amount', amount: '1.5', currency: 'JPY' } },
      })
      .thenRejected('invalid_amount');
  });

  test.each([
    ['0', true],
    ['12.5', true],
    ['99.9999', true],
    ['100', true],
    ['100.0000', true],
    ['100.0001', false],
    ['101', false],
    ['-1', false],
    ['1e1', false],
    ['5.00001', false],
    ['', false],
  ])('%j as a percentage: %s', (percent, fine) => {
    expect(couponTerms.safeParse({ limit: 1, discount: { kind: 'percent', percent } }).success).toBe(fine);
  });
});

describe('holding', () => {
  test('takes one use', () => {
    given(coupon, issued()).when(hold('o1')).thenEvents(held('o1'));
  });

  test('of a code nobody issued is refused', () => {
    given(coupon).when(hold('o1')).thenRejected('coupon_unknown');
  });

  test('the same order twice is one use, even of an expired or used up coupon', () => {
    const until = issued({ limit: 1, validUntil: '2026-01-01T00:00:00Z' });
    given(coupon, until, held('o1')).when(hold('o1')).thenNothing();
  });

  test('counts uses that are held and uses that are redeemed', () => {
    given(coupon, issued(), held('o1'), held('o2')).when(hold('o3')).thenRejected('coupon_exhausted');
    given(coupon, issued(), held('o1'), redeemed('o1'), held('o2'))
      .when(hold('o3'))
      .thenRejected('coupon_exhausted');
  });

  test('gets back a use that was released or given back', () => {
    given(coupon, issued({ limit: 1 }), held('o1'), released('o1'))
      .when(hold('o2'))
      .thenEvents(held('o2'));
    given(coupon, issued({ limit: 1 }), held('o1'), redeemed('o1'), givenBack('o1'))
      .when(hold('o2'))
      .thenEvents(held('o2'));
  });

  test('an order whose hold has ended does not get another', () => {
    given(coupon, issued(), held('o1'), released('o1')).when(hold('o1')).thenRejected('hold_ended');
    given(coupon, issued(), held('o1'), redeemed('o1'), givenBack('o1'))
      .when(hold('o1'))
      .thenRejected('hold_ended');
  });

  test('is for the channels it names, or for all', () => {
    const some = issued({ channels: ['shop'] });
    given(coupon, some).when(hold('o1')).thenRejected('coupon_wrong_channel');
    given(coupon, some)
      .when(hold('o1', { channel: 'shop' }))
      .thenEvents(held('o1'));
  });

  test('an amount is for its own currency, a percentage for every one', () => {
    const amount = issued({ discount: { kind: 'amount', amount: '5.00', currency: 'EUR' } });
    given(coupon, amount).when(hold('o1')).thenRejected('coupon_wrong_currency');
    given(coupon, amount)
      .when(hold('o1', { currency: 'EUR' }))
      .thenEvents(held('o1'));
    given(coupon, issued())
      .when(hold('o1', { currency: 'JPY' }))
      .thenEvents(held('o1'));
  });

  test('is valid from its first moment up to, and not at, its last', () => {
    const january = issued({ validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-02-01T00:00:00Z' });
    const at = (time: string) => given(coupon, january).when(hold('o1', { at: time }));
    at('2025-12-31T23:59:59.999Z').thenRejected('coupon_not_yet_valid');
    at('2026-01-01T00:00:00Z').thenEvents(held('o1'));
    at('2026-01-31T23:59:59.999Z').thenEvents(held('o1'));
    at('2026-02-01T00:00:00Z').thenRejected('coupon_expired');
  });
});

describe('settling', () => {
  test('redeems at confirmation, once', () => {
    given(coupon, issued(), held('o1')).when(settle('o1', 1)).thenEvents(redeemed('o1'));
    given(coupon, issued(), held('o1'), redeemed('o1')).when(settle('o1', 1)).thenNothing();
  });

  test('releases when the order is not to be, and never what was not held', () => {
    given(coupon, issued(), held('o1'))
      .when(settle('o1', 0, 'rest'))
      .thenEvents(released('o1'));
    given(coupon, issued())
      .when(settle('o1', 0, 'rest'))
      .thenNothing();
    given(coupon)
      .when(settle('o1', 0, 'rest'))
      .thenNothing();
  });

  test('a late release does not undo a redemption', () => {
    given(coupon, issued(), held('o1'), redeemed('o1'))
      .when(settle('o1', 0, 'rest'))
      .thenNothing();
  });

  test('redeeming what is not held, or more than that, is refused', () => {
    given(coupon, issued(), held('o1'), released('o1')).when(settle('o1', 1)).thenRejected('hold_ended');
    given(coupon, issued()).when(settle('o1', 1)).thenRejected('hold_ended');
    given(coupon, issued(), held('o1')).when(settle('o1', 2)).thenRejected('exceeds_hold');
  });
});

describe('giving back', () => {
  test('happens once, and only after a redemption', () => {
    given(coupon, issued(), held('o1'), redeemed('o1')).when(giveBack('o1')).thenEvents(givenBack('o1'));
    given(coupon, issued(), held('o1')).when(giveBack('o1')).thenNothing();
    given(coupon, issued(), held('o1'), released('o1')).when(giveBack('o1')).thenNothing();
    given(coupon).when(giveBack('o1')).thenNothing();
  });
});

test('whatever orders do with a coupon, it is never used more often than allowed nor less often than never', () => {
  const order = fc.constantFrom('o1', 'o2', 'o3', 'o4', 'o5');
  const command: fc.Arbitrary<CouponCommand> = fc.oneof(
    order.map((holdId) => hold(holdId)),
    fc
      .tuple(order, fc.nat({ max: 2 }), fc.constantFrom<HoldTarget['released']>(0, 1, 'rest'))
      .map(([holdId, captured, rest]) => settle(holdId, captured, rest)),
    order.map(giveBack),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 50 }), fc.integer({ min: 1, max: 4 }), (commands, limit) => {
      let state = coupon.evolve(coupon.initialState, issued({ limit }));
      for (const asked of commands) {
        const decision = coupon.decide(asked, state);
        if (isRejection(decision)) continue;
        state = decision.map(asRecorded).reduce((before, event) => coupon.evolve(before, event), state);
        expect(coupon.decide(asked, state)).toEqual([]);
        expect(state.redeemed).toBeGreaterThanOrEqual(0);
        expect(state.redeemed + state.holds.held).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
