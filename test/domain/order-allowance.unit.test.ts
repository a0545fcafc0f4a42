import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { leftToCredit } from '../../src/domain/order-charge.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { ALLOWANCES_MAX } from '../../src/domain/return-events.js';
import { given, stateOf } from '../support/decider-spec.js';
import { place, reserve } from '../support/orders.js';
import { allowance, back, units } from '../support/returns.js';

const placed = place([
  { lineId: '1', quantity: 2, unitPrice: '10.00' },
  { lineId: '2', unitPrice: '5.00' },
]);
const SENT: readonly OrderCommand[] = [
  placed,
  reserve(placed),
  { type: 'confirm' },
  { type: 'ship', shipmentId: 's' },
];
const history = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};
const sent = (...commands: readonly OrderCommand[]) => history(...SENT, ...commands);

describe('a refund without a return', () => {
  test('is a fact of its own, for the order or for a line', () => {
    given(order, ...sent())
      .when(allowance('a', '2.5', { lineId: '2' }))
      .thenEvents({
        type: 'OrderAllowanceGranted',
        data: {
          allowanceId: 'a',
          channel: 'web',
          currency: 'GBP',
          amount: '2.50',
          reason: 'a scratch',
          lineId: '2',
        },
      });
  });

  test('is at most what is left of what was charged', () => {
    given(order, ...sent())
      .when(allowance('a', '25.01'))
      .thenRejected('exceeds_paid', { left: '25.00' });
    given(order, ...sent(allowance('a', '25.00')))
      .when(allowance('b', '0.01'))
      .thenRejected('exceeds_paid', { left: '0.00' });
    given(order, ...sent(back('r', [units('1', 2)]), allowance('a', '4.00')))
      .when(allowance('b', '1.01'))
      .thenRejected('exceeds_paid', { left: '1.00' });
    given(order, ...history(placed, reserve(placed), { type: 'confirm' }))
      .when(allowance('a', '0.01'))
      .thenRejected('exceeds_paid', { left: '0.00' });
  });

  test('for a line, at most what was charged for what of it the customer still has', () => {
    given(order, ...sent(allowance('a', '3.00', { lineId: '2' })))
      .when(allowance('b', '2.01', { lineId: '2' }))
      .thenRejected('exceeds_paid', { left: '2.00' });
    given(order, ...sent(back('r', [units('1')])))
      .when(allowance('a', '10.01', { lineId: '1' }))
      .thenRejected('exceeds_paid', { left: '10.00' });
    given(order, ...sent())
      .when(allowance('a', '1.00', { lineId: 'x' }))
      .thenRejected('unknown_line');
  });

  test.each(['0', '0.00', '-1.00', '1.001', 'all'])('of %s is no amount', (amount) => {
    given(order, ...sent())
      .when(allowance('a', amount))
      .thenRejected('invalid_amount');
  });

  test('again is nothing; with other content it is refused', () => {
    const done = sent(allowance('a', '2.00'));
    given(order, ...done)
      .when(allowance('a', '2'))
      .thenNothing();
    for (const other of [
      allowance('a', '2.01'),
      allowance('a', '2.00', { reason: 'other' }),
      allowance('a', '2.00', { lineId: '1' }),
    ]) {
      given(order, ...done)
        .when(other)
        .thenRejected('id_reused');
    }
  });

  test('and a full return after it come to exactly what was paid', () => {
    const state = stateOf(order, sent(allowance('a', '7.00'), back('r', [units('1', 2), units('2')])));
    expect(leftToCredit(state)).toBe(0n);
    expect(state.afterSales.credits.get('r')).toMatchObject({ shares: 2500n, allowance: -700n });
  });

  test('for a line, and the return of it come to what was charged for it, whichever is first', () => {
    const creditOf = (returnId: string, ...commands: readonly OrderCommand[]): bigint => {
      const credit = stateOf(order, sent(...commands)).afterSales.credits.get(returnId);
      return (credit?.shares ?? 0n) + (credit?.allowance ?? 0n);
    };
    given(order, ...sent(back('r', [units('2')])))
      .when(allowance('a', '5.00', { lineId: '2' }))
      .thenRejected('exceeds_paid', { left: '0.00' });
    expect(creditOf('r', allowance('a', '5.00', { lineId: '2' }), back('r', [units('2')]))).toBe(0n);
    // 15.00 of 20.00 were given: the unit that stays is worth 10.00 of them, so 5.00 are taken off here and 10.00 there.
    const parts = [
      allowance('a', '15.00', { lineId: '1' }),
      back('r', [units('1')]),
      back('q', [units('1'), units('2')]),
    ];
    expect([creditOf('r', ...parts), creditOf('q', ...parts)]).toEqual([500n, 500n]);
    const first = [
      back('r', [units('1')]),
      allowance('a', '10.00', { lineId: '1' }),
      back('q', [units('1')]),
    ];
    expect([creditOf('r', ...first), creditOf('q', ...first)]).toEqual([1_000n, 0n]);
    // Of the order as a whole it is any unit's.
    expect(creditOf('r', allowance('a', '5.00'), back('r', [units('2')]))).toBe(500n);
  });

  test('for a line takes nothing off where somebody says an amount, and the same again is nothing', () => {
    const cut = sent(allowance('a', '5.00', { lineId: '2' }), back('r', [units('2')]));
    given(order, ...cut)
      .when(back('r', [units('2')]))
      .thenNothing();
    given(order, ...cut)
      .when(back('r', [units('2')], { credited: '5.00' }))
      .thenRejected('id_reused');
    const said = sent(allowance('a', '5.00', { lineId: '2' }), back('r', [units('2')], { credited: '5.00' }));
    expect(stateOf(order, said).afterSales.credits.get('r')).toMatchObject({ shares: 500n, allowance: 0n });
  });

  test('an order has so many and no more', () => {
    const many = Array.from({ length: ALLOWANCES_MAX }, (_, index) => allowance(`a${index}`, '0.01'));
    given(order, ...sent(...many))
      .when(allowance('one more', '0.01'))
      .thenRejected('too_many_allowances');
  });
});
