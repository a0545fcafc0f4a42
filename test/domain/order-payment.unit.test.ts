import { describe, expect, test } from '@jest/globals';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { MOVEMENTS_MAX, PAYMENTS_MAX } from '../../src/domain/payment.js';
import { given, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';
import { authorise, capture, chargeBack, refund, requestRefund, start } from '../support/payments.js';
import { resolveReview, review, rule } from '../support/reviews.js';

/** Two units for 10.00 each and postage of 5.00: 25.00. */
const command = place(
  [
    { lineId: '1', sku: 'A', quantity: 2, unitPrice: '10.00' },
    { lineId: 'p', kind: 'charge', sku: 'POST', unitPrice: '5.00' },
  ],
  { confirm: 'payment' },
);

/** What commands come to, one after the other; each must be accepted. */
const logOf = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const log: OrderEvent[] = [];
  let state: OrderState = order.initialState;
  for (const one of commands) {
    const decision = order.decide(one, state);
    if ('code' in decision) throw new Error(`${one.type}: ${decision.code}`);
    for (const event of decision) state = order.evolve(state, event);
    log.push(...decision);
  }
  return log;
};
const balance = (...commands: readonly OrderCommand[]) => balanceOfOrder(stateOf(order, logOf(...commands)));
const placed = [command] as const;
const reserved = [command, reserve(command)] as const;
const typesOf = (...commands: readonly OrderCommand[]): string[] =>
  logOf(...commands).map(({ type }) => type);

const card = { tender: { kind: 'card' } } as const;
const GBP = { paymentId: 'p', currency: 'GBP' } as const;
const confirmed: OrderEvent = { type: 'OrderConfirmed', data: {} };
const authorised = (amount: string): OrderEvent => ({
  type: 'OrderPaymentAuthorised',
  data: { ...GBP, amount, ...card },
});
const captured = (amount: string, captureId = 'c', requested = false): OrderEvent => ({
  type: 'OrderPaymentCaptured',
  data: { ...GBP, amount, captureId, channel: 'web', ...card, requested },
});
const refundDue = (amount: string): OrderEvent => ({
  type: 'OrderRefundDue',
  data: { currency: 'GBP', amount },
});
const voidRequested = (paymentId: string, reason: string): OrderEvent => ({
  type: 'OrderVoidRequested',
  data: { paymentId, reason },
});

describe('an order that is confirmed once it is paid', () => {
  test('is confirmed in the append that covers it, by one tender or by several', () => {
    given(order, ...logOf(...reserved))
      .when(authorise('25.00'))
      .thenEvents(authorised('25.00'), confirmed);
    given(order, ...logOf(...reserved))
      .when(capture('25.00'))
      .thenEvents(captured('25.00'), confirmed);
    given(order, ...logOf(...reserved, authorise('20.00', 'gift', 'gift_card')))
      .when(capture('5.00'))
      .thenEvents(captured('5.00'), confirmed);
  });

  test('waits while a penny is missing, also when somebody confirms it', () => {
    given(order, ...logOf(...reserved))
      .when(authorise('24.99'))
      .thenEvents(authorised('24.99'));
    given(order, ...logOf(...reserved, authorise('24.99')))
      .when({ type: 'confirm' })
      .thenRejected('payment_due', { due: '0.01' });
  });

  test('that was paid before its stock was held is confirmed with the reservation', () => {
    given(order, ...logOf(...placed, authorise('25.00')))
      .when(reserve(command))
      .thenEvents(...logOf(...reserved).slice(1), confirmed);
  });

  test('is confirmed by a cancellation that leaves only what is paid', () => {
    const log = logOf(...reserved, authorise('15.00'));
    const cancel = {
      type: 'cancel',
      cancellationId: 'k',
      reason: 'x',
      lines: [{ lineId: '1', quantity: 1 }],
    } as const;
    const cancelled: OrderEvent = {
      type: 'OrderLinesCancelled',
      data: { cancellationId: 'k', reason: 'x', lines: [{ lineId: '1', quantity: 1 }] },
    };
    given(order, ...log)
      .when(cancel)
      .thenEvents(cancelled, confirmed);
  });

  test('still waits for a review that blocks it, and is confirmed by its release', () => {
    const log = logOf(...reserved, review('h'), authorise('25.00'));
    expect(log.at(-1)).toEqual(authorised('25.00'));
    const released: OrderEvent = {
      type: 'OrderHoldResolved',
      data: { holdId: 'h', outcome: 'released', reason: 'looked at' },
    };
    given(order, ...log)
      .when(resolveReview('h', 'released'))
      .thenEvents(released, confirmed);
  });

  test('that costs nothing is confirmed when it is reserved', () => {
    const free = place([{ lineId: '1', unitPrice: '0' }], { confirm: 'payment' });
    expect(typesOf(free, reserve(free)).at(-1)).toBe('OrderConfirmed');
  });

  test('does not count what is to be voided, or has lapsed', () => {
    const lapsed = logOf(...reserved, authorise('20.00'), {
      type: 'fail-payment',
      paymentId: 'p',
      code: 'expired',
      reason: 'too old',
    });
    given(order, ...lapsed)
      .when(capture('5.00', 'c', { paymentId: 'q' }))
      .thenEvents({
        type: 'OrderPaymentCaptured',
        data: {
          ...GBP,
          paymentId: 'q',
          amount: '5.00',
          captureId: 'c',
          channel: 'web',
          ...card,
          requested: false,
        },
      });
  });
});

describe('the deadline', () => {
  const later = '2026-01-15T12:40:00.000Z';
  const log = logOf(...reserved, start('25.00', { expiresAt: later }));

  test('becomes later by a payment that begins, and the order expires by that', () => {
    given(order, ...log)
      .when({ type: 'expire', dueAt: DUE_AT })
      .thenNothing();
    given(order, ...log)
      .when({ type: 'expire', dueAt: later })
      .thenEvents({ type: 'OrderExpired', data: { dueAt: later } });
  });

  test('never becomes earlier, and never comes to be by it', () => {
    const early = logOf(...reserved, start('25.00', { expiresAt: '2026-01-15T12:01:00Z' }));
    expect(stateOf(order, early).expiresAt).toBe(DUE_AT);
    const { expiresAt: _, ...patient } = command;
    const none = logOf(patient, reserve(patient), start('25.00', { expiresAt: later }));
    given(order, ...none)
      .when({ type: 'expire', dueAt: later })
      .thenNothing();
  });

  test('comes with a review that blocks an order without one, as for every order that confirms itself', () => {
    const { expiresAt: _, ...patient } = command;
    const keepUntil = '2026-01-16T12:00:00Z';
    const rules = [rule('all', { kind: 'amount', currency: 'GBP', over: '0.00' })];
    const [event] = logOf({ ...patient, review: { rules, keepUntil } });
    expect(event).toMatchObject({ type: 'OrderPlaced', data: { expiresAt: keepUntil } });
  });

  test('of a payment whose answer never came: what its provider may have authorised is let go', () => {
    const asked = logOf(...reserved, start('25.00', { provider: 'psp', expiresAt: later }));
    given(order, ...asked)
      .when({ type: 'expire', dueAt: later })
      .thenEvents({ type: 'OrderExpired', data: { dueAt: later } }, voidRequested('p', 'expired'));
  });
});

describe('money that is here though its order has ended', () => {
  const refuse = { type: 'refuse', code: 'insufficient_stock', detail: 'none left', sku: 'A' } as const;
  const ends: readonly [string, readonly OrderCommand[]][] = [
    ['rejected', [...placed, refuse]],
    ['expired', [...reserved, { type: 'expire', dueAt: DUE_AT }]],
    ['cancelled', [...reserved, { type: 'cancel', cancellationId: 'k', reason: 'x' }]],
  ];
  test.each(ends)('is recorded when it was %s, and all of it is due back', (status, commands) => {
    given(order, ...logOf(...commands))
      .when(capture('25.00'))
      .thenEvents(captured('25.00'), refundDue('25.00'));
    expect(stateOf(order, logOf(...commands, capture('25.00'))).status).toBe(status);
  });

  test('is due back in the append that ends the order', () => {
    given(order, ...logOf(...placed, capture('25.00')))
      .when(refuse)
      .thenEvents(
        { type: 'OrderRejected', data: { code: 'insufficient_stock', detail: 'none left', sku: 'A' } },
        refundDue('25.00'),
      );
  });

  test('an authorisation by our provider that comes too late is let go at once', () => {
    const log = logOf(...reserved, start('25.00', { provider: 'psp' }), { type: 'expire', dueAt: DUE_AT });
    expect(log.at(-1)).toEqual(voidRequested('p', 'expired'));
    const state = given(order, ...log)
      .when(authorise('25.00'))
      .thenEvents(authorised('25.00'));
    expect(balanceOfOrder(state).authorised).toBe(0n);
  });

  test('no payment begins any more', () => {
    given(order, ...logOf(...placed, refuse))
      .when(start('25.00'))
      .thenRejected('wrong_status');
  });
});

describe('a capture', () => {
  const log = logOf(...reserved, authorise('25.00'));

  test('goes part by part up to what is authorised, and no penny further', () => {
    const part = logOf(...reserved, authorise('25.00'), capture('20.00', 'c1'));
    given(order, ...part)
      .when(capture('5.01', 'c2'))
      .thenRejected('exceeds_authorised', { paymentId: 'p' });
    given(order, ...part)
      .when(capture('5.00', 'c2'))
      .thenEvents(captured('5.00', 'c2'));
  });

  test('is done once; the same id with another amount is a conflict', () => {
    given(order, ...log, captured('20.00'))
      .when(capture('20.00'))
      .thenNothing();
    given(order, ...log, captured('20.00'))
      .when(capture('2.00'))
      .thenRejected('id_reused', { id: 'c' });
    given(order, ...log, captured('20.00'))
      .when(capture('1.00', 'd', { tender: { kind: 'cash' } }))
      .thenRejected('id_reused');
  });

  test('may be the first that anybody hears of a payment, when it says by what tender', () => {
    given(order, ...logOf(...reserved))
      .when(capture('3.00'))
      .thenEvents(captured('3.00'));
    const { tender: _, ...untold } = capture('3.00');
    given(order, ...logOf(...reserved))
      .when(untold)
      .thenRejected('unknown_payment', { paymentId: 'p' });
  });

  test('counts from when it is asked for, and no longer when that failed', () => {
    const ask = { type: 'request-capture', paymentId: 'p', captureId: 'a', amount: '20.00' } as const;
    const asked = logOf(...reserved, start('25.00', { provider: 'psp' }), authorise('25.00'), ask);
    given(order, ...asked)
      .when(capture('5.01', 'c'))
      .thenRejected('exceeds_authorised');
    given(order, ...asked)
      .when(capture('20.00', 'a'))
      .thenEvents(captured('20.00', 'a', true));
    const failed = { type: 'fail-capture', paymentId: 'p', captureId: 'a', code: 'x', reason: 'y' } as const;
    expect(balanceOfOrder(stateOf(order, [...asked, ...decided(failed, asked)])).captureRequested).toBe(0n);
  });

  test('is not asked for where nothing is authorised', () => {
    const ask = { type: 'request-capture', paymentId: 'p', captureId: 'a', amount: '1.00' } as const;
    given(order, ...logOf(...reserved))
      .when(ask)
      .thenRejected('unknown_payment');
    given(order, ...logOf(...reserved, start('25.00')))
      .when(ask)
      .thenRejected('wrong_payment_status', { paymentId: 'p' });
  });

  test('of more than an authorisation that comes after it refuses that one', () => {
    given(order, ...logOf(...reserved, capture('20.00')))
      .when(authorise('19.99'))
      .thenRejected('below_captured', { paymentId: 'p' });
  });
});

const decided = (command: OrderCommand, log: readonly OrderEvent[]): readonly OrderEvent[] => {
  const decision = order.decide(command, stateOf(order, log));
  if ('code' in decision) throw new Error(decision.code);
  return decision;
};

describe('a refund', () => {
  const log = logOf(...reserved, capture('25.00'));
  const refunded = (amount: string, more: object = {}): OrderEvent => ({
    type: 'OrderPaymentRefunded',
    data: {
      ...GBP,
      amount,
      refundId: 'r',
      channel: 'web',
      ...card,
      requested: false,
      reason: 'too small',
      ...more,
    },
  });

  test('goes part by part up to what was captured, whether it was asked for or told', () => {
    const asked = [...log, ...decided(requestRefund('20.00', 'r1'), log)];
    given(order, ...asked)
      .when(requestRefund('5.01', 'r2'))
      .thenRejected('exceeds_captured', { paymentId: 'p', left: '5.00' });
    given(order, ...asked)
      .when(refund('5.01'))
      .thenRejected('exceeds_captured');
    given(order, ...asked)
      .when(refund('5.00'))
      .thenEvents(refunded('5.00'));
  });

  test('that was asked for is answered once, by what was asked', () => {
    const asked = [...log, ...decided(requestRefund('20.00'), log)];
    given(order, ...asked)
      .when(refund('19.00'))
      .thenRejected('id_reused', { id: 'r' });
    given(order, ...asked)
      .when(refund('20.00'))
      .thenEvents(refunded('20.00', { requested: true }));
    const failed = { type: 'fail-refund', paymentId: 'p', refundId: 'r', code: 'x', reason: 'y' } as const;
    given(order, ...asked, ...decided(failed, asked))
      .when(requestRefund('25.00', 's'))
      .thenEvents({
        type: 'OrderRefundRequested',
        data: { ...GBP, amount: '25.00', refundId: 's', reason: 'too small' },
      });
  });

  test('is of one payment: what came by another does not count', () => {
    const both = logOf(...reserved, capture('20.00'), capture('5.00', 'c', { paymentId: 'q' }));
    given(order, ...both)
      .when(requestRefund('5.01', 'r', 'q'))
      .thenRejected('exceeds_captured', { paymentId: 'q', left: '5.00' });
  });

  test('without a return leaves the order to be paid again by so much', () => {
    expect(balance(...reserved, capture('25.00'), refund('4.00'))).toMatchObject({ due: 400n, overpaid: 0n });
  });
});

describe('a chargeback', () => {
  const log = logOf(...reserved, capture('25.00'));
  const back = (amount: string, more: object = {}): OrderEvent => ({
    type: 'OrderPaymentChargedBack',
    data: { ...GBP, amount, chargebackId: 'b', channel: 'web', ...card, reason: 'not recognised', ...more },
  });

  test('leaves the order to be paid again', () => {
    given(order, ...log)
      .when(chargeBack('25.00'))
      .thenEvents(back('25.00'));
    expect(balance(...reserved, capture('25.00'), chargeBack('25.00'))).toMatchObject({
      due: 2_500n,
      excess: 0n,
    });
  });

  test('after a refund is recorded, and says how much went back twice', () => {
    const twice = [...log, ...decided(refund('20.00'), log)];
    given(order, ...twice)
      .when(chargeBack('25.00'))
      .thenEvents(back('25.00', { excess: '20.00' }));
  });

  test('leaves nothing to be asked back, but what was on its way is recorded with what it is too much', () => {
    const asked = [...log, ...decided(requestRefund('20.00'), log)];
    const taken = [...asked, ...decided(chargeBack('25.00'), asked)];
    given(order, ...taken)
      .when(requestRefund('0.01', 's'))
      .thenRejected('exceeds_captured');
    const [event] = decided(refund('20.00'), taken);
    expect(event).toMatchObject({ type: 'OrderPaymentRefunded', data: { excess: '20.00' } });
  });

  test('of a payment that nobody has heard of is refused', () => {
    given(order, ...log)
      .when(chargeBack('1.00', 'b', 'q'))
      .thenRejected('unknown_payment');
  });
});

describe('what is due back', () => {
  const ship = { type: 'ship', shipmentId: 's' } as const;
  const back = (credited?: string): OrderCommand => ({
    type: 'return',
    returnId: 't',
    reason: 'too small',
    lines: [{ lineId: '1', quantity: 1 }],
    ...(credited === undefined ? {} : { credited }),
  });
  const paid = [...reserved, capture('25.00'), ship] as const;

  test('is said when it changes, and when it is given back', () => {
    const log = logOf(...paid, back());
    expect(log.at(-1)).toEqual(refundDue('10.00'));
    expect(decided(refund('4.00'), log).at(-1)).toEqual(refundDue('6.00'));
    const rest = [...log, ...decided(refund('4.00'), log)];
    expect(decided(refund('6.00', 's'), rest).at(-1)).toEqual(refundDue('0.00'));
  });

  test('counts what was agreed beyond the shares', () => {
    expect(logOf(...paid, back('12.50')).at(-1)).toEqual(refundDue('12.50'));
  });

  test('is nothing where a return only takes off what was never paid', () => {
    const onAccount = [...reserved, authorise('25.00', 'i', 'invoice'), ship] as const;
    expect(typesOf(...onAccount, back())).not.toContain('OrderRefundDue');
    expect(balance(...onAccount, back()).due).toBe(1_500n);
  });
});

describe('a payment', () => {
  test('begins once, however long it may take; with another amount or provider it is another one', () => {
    const log = logOf(...reserved, start('25.00'));
    given(order, ...log)
      .when(start('25.00', { expiresAt: DUE_AT }))
      .thenNothing();
    given(order, ...log)
      .when(start('24.00'))
      .thenRejected('id_reused');
    given(order, ...log)
      .when(start('25.00', { provider: 'psp' }))
      .thenRejected('id_reused');
  });

  describe('fails and is authorised as often as it happens', () => {
    const fail = (code: string): OrderCommand => ({
      type: 'fail-payment',
      paymentId: 'p',
      code,
      reason: 'no',
    });
    const failed = (code: string): OrderEvent => ({
      type: 'OrderPaymentFailed',
      data: { paymentId: 'p', code, reason: 'no' },
    });

    test('may be authorised after it failed, and the last of both is known when it comes again', () => {
      const log = logOf(...reserved, start('25.00'), fail('declined'), authorise('25.00'));
      expect(stateOf(order, log).status).toBe('confirmed');
      given(order, ...log)
        .when(authorise('25.00'))
        .thenNothing();
      given(order, ...logOf(...reserved, start('25.00'), fail('declined')))
        .when(fail('declined'))
        .thenNothing();
      given(order, ...logOf(...reserved, start('25.00'), fail('declined')))
        .when(fail('expired'))
        .thenRejected('id_reused', { id: 'p' });
    });

    test('lapses after an earlier failure, whatever that was, and is not counted any more', () => {
      for (const code of ['expired', 'declined']) {
        const log = logOf(...reserved, start('25.00'), fail('declined'), authorise('25.00'));
        const state = given(order, ...log)
          .when(fail(code))
          .thenEvents(failed(code));
        expect(balanceOfOrder(state).authorised).toBe(0n);
      }
    });

    test('again for the same amount after it lapsed: the order that waits for it is confirmed', () => {
      const lapsed = [...placed, authorise('25.00'), fail('expired')] as const;
      const log = logOf(...lapsed, authorise('25.00'));
      expect(log.at(-1)).toEqual(authorised('25.00'));
      given(order, ...log)
        .when(authorise('25.00'))
        .thenNothing();
      expect(stateOf(order, logOf(...lapsed, authorise('25.00'), reserve(command))).status).toBe('confirmed');
      given(order, ...logOf(...lapsed))
        .when(authorise('24.00'))
        .thenRejected('id_reused', { id: 'p' });
      given(order, ...logOf(...lapsed, { type: 'void-payment', paymentId: 'p', reason: 'x' }))
        .when(authorise('25.00'))
        .thenNothing();
    });
  });

  test('that has captured money does not fail', () => {
    given(order, ...logOf(...reserved, capture('1.00')))
      .when({ type: 'fail-payment', paymentId: 'p', code: 'x', reason: 'y' })
      .thenRejected('payment_captured');
  });

  test('that is voided keeps what it has captured', () => {
    const { authorised: left, captured: kept } = balance(...reserved, authorise('25.00'), capture('10.00'), {
      type: 'void-payment',
      paymentId: 'p',
      reason: 'x',
    });
    expect([left, kept]).toEqual([0n, 1_000n]);
  });

  test('is refused with an amount that is none, or nothing', () => {
    for (const amount of ['0.00', '1.001', '1.2.3']) {
      given(order, ...logOf(...reserved))
        .when(start(amount))
        .thenRejected('invalid_amount');
      given(order, ...logOf(...reserved))
        .when(capture(amount))
        .thenRejected('invalid_amount');
    }
  });

  test('is one of at most so many, and so are its movements', () => {
    const many = Array.from({ length: PAYMENTS_MAX }, (_, n) => start('1.00', { paymentId: `p${n}` }));
    const full = logOf(...reserved, ...many);
    given(order, ...full)
      .when(start('1.00'))
      .thenRejected('too_many_payments');
    given(order, ...full)
      .when(capture('1.00'))
      .thenRejected('too_many_payments');
    const parts = Array.from({ length: MOVEMENTS_MAX }, (_, n) => capture('0.01', `c${n}`));
    given(order, ...logOf(...reserved, ...parts))
      .when(capture('0.01'))
      .thenRejected('too_many_movements');
  });
});

test('an order that nobody pays here decides as ever, and says nothing of money', () => {
  const auto = place([{ lineId: '1', unitPrice: '10.00' }], { confirm: 'auto' });
  const types = typesOf(auto, reserve(auto), { type: 'ship', shipmentId: 's' });
  expect(types).toEqual(['OrderPlaced', 'OrderReserved', 'OrderConfirmed', 'OrderShipped', 'OrderCompleted']);
});
