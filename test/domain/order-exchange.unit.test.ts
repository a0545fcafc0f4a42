import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { EXCHANGES_MAX } from '../../src/domain/exchange-events.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder } from '../../src/domain/order-balance.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { placementOf } from '../../src/domain/order-exchange.js';
import { bookingOf } from '../../src/domain/settlement-entry.js';
import { given, stateOf } from '../support/decider-spec.js';
import { place, reserve } from '../support/orders.js';
import { capture, chargeBack, refund, requestRefund } from '../support/payments.js';
import { back, exchange, requestReturn, units } from '../support/returns.js';
import { isCause } from './settlement-orders.js';

const placed = place([{ lineId: '1', quantity: 3, unitPrice: '10.00' }]);
const decided = (commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};
const sent = (...commands: readonly OrderCommand[]): OrderEvent[] =>
  decided([placed, reserve(placed), { type: 'confirm' }, { type: 'ship', shipmentId: 's' }, ...commands]);
const BACK = back('r', [units('1', 2)]);
const credited = sent(BACK);
const agreed = (exchangeId: string, credit: string, externalId: string): OrderEvent => ({
  type: 'OrderExchangeAgreed',
  data: {
    exchangeId,
    returnId: 'r',
    newOrderId: `web~${externalId}`,
    channel: 'web',
    currency: 'GBP',
    credit,
    order: {
      ...exchange(exchangeId, 'r').order,
      externalId,
      lines: [...exchange(exchangeId, 'r').order.lines],
    },
  },
});
const refundDue = (amount: string): OrderEvent => ({
  type: 'OrderRefundDue',
  data: { currency: 'GBP', amount },
});
const settle = (exchangeId: string, charged: string): OrderCommand => ({
  type: 'settle-exchange',
  exchangeId,
  charged,
});
const end = (exchangeId: string): OrderCommand => ({
  type: 'end-exchange',
  exchangeId,
  code: 'insufficient_stock',
  detail: '0 available to sell',
});

describe('an exchange', () => {
  test('carries the credit of a return to a new order that is named after the old one', () => {
    given(order, ...credited)
      .when(exchange('e', 'r'))
      .thenEvents(agreed('e', '20.00', '1001-x1'));
    given(order, ...credited)
      .when(exchange('e', 'r', { externalId: '2002' }, { credit: '5.00' }))
      .thenEvents({
        ...agreed('e', '5.00', '2002'),
      } as OrderEvent);
  });

  test('gives its new order no id that nobody could ask for it by', () => {
    const old = (length: number): OrderEvent[] => {
      const long = { ...placed, externalId: 'x'.repeat(length) };
      return decided([long, reserve(long), { type: 'confirm' }, { type: 'ship', shipmentId: 's' }, BACK]);
    };
    given(order, ...old(125))
      .when(exchange('e', 'r'))
      .thenEvents(agreed('e', '20.00', `${'x'.repeat(125)}-x1`));
    given(order, ...old(126))
      .when(exchange('e', 'r'))
      .thenRejected('external_id_too_long');
    given(order, ...old(128))
      .when(exchange('e', 'r', { externalId: '2002' }))
      .thenEvents(agreed('e', '20.00', '2002'));
  });

  test('is settled as the old order is, so that both net on one receivable', () => {
    const settlement = { currency: 'EUR', rate: '1.17', source: 'ecb', asOf: '2026-01-01T00:00:00Z' };
    const ship: OrderCommand = { type: 'ship', shipmentId: 's' };
    const old = decided([
      { ...placed, settlement },
      reserve(placed),
      { type: 'confirm' },
      ship,
      back('r', [units('1', 2)]),
      exchange('e', 'r'),
    ]);
    const agreement = stateOf(order, old).afterSales.exchanges.get('e');
    if (agreement === undefined) throw new Error('not agreed');
    const next = placementOf('web~1001', 'e', agreement);
    const booked = [...old, ...decided([next, reserve(next), ship])].filter(isCause);
    expect(booked.map(({ type }) => type)).toEqual(['OrderShipped', 'OrderReturned', 'OrderShipped']);
    for (const event of booked) expect(bookingOf(event, 'web~1001').settlement).toEqual(settlement);
  });

  test('no credit is carried twice, but one that came back may be', () => {
    const once = [...credited, agreed('e', '15.00', '1001-x1')];
    given(order, ...once)
      .when(exchange('f', 'r', {}, { credit: '5.01' }))
      .thenRejected('exceeds_credit', { left: '5.00' });
    given(order, ...once)
      .when(exchange('f', 'r'))
      .thenEvents(agreed('f', '5.00', '1001-x2'));
    const gone = sent(back('r', [units('1', 2)]), exchange('e', 'r'));
    given(order, ...gone)
      .when(exchange('f', 'r'))
      .thenRejected('exceeds_credit', { left: '0.00' });
    given(order, ...gone)
      .when(exchange('f', 'r', {}, { credit: '0.00' }))
      .thenEvents(agreed('f', '0.00', '1001-x2'));
    const ended = sent(back('r', [units('1', 2)]), exchange('e', 'r'), end('e'));
    given(order, ...ended)
      .when(exchange('f', 'r'))
      .thenEvents(agreed('f', '20.00', '1001-x2'));
  });

  describe('of an order that was paid here', () => {
    const all = back('r', [units('1', 3)]);
    const paid = (...commands: readonly OrderCommand[]) => sent(capture('30.00'), all, ...commands);

    test('carries no credit that went back in money, or is asked to', () => {
      given(order, ...paid(requestRefund('30.00'), refund('30.00')))
        .when(exchange('e', 'r'))
        .thenRejected('exceeds_credit', { left: '0.00' });
      given(order, ...paid(requestRefund('12.00')))
        .when(exchange('e', 'r', {}, { credit: '18.01' }))
        .thenRejected('exceeds_credit', { left: '18.00' });
      given(order, ...paid(chargeBack('12.00')))
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '18.00', '1001-x1'), refundDue('0.00'));
      const failed = { type: 'fail-refund', paymentId: 'p', refundId: 'r', code: 'x', reason: 'y' } as const;
      given(order, ...paid(requestRefund('30.00'), failed))
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '30.00', '1001-x1'), refundDue('0.00'));
    });

    test('whatever the return was, and only as far as anything was paid', () => {
      const two = sent(capture('30.00'), back('q', [units('1')]), back('r', [units('1')]), refund('15.00'));
      given(order, ...two)
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '5.00', '1001-x1'), refundDue('0.00'));
      given(order, ...sent(capture('4.00'), all))
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '4.00', '1001-x1'), refundDue('0.00'));
    });

    test('goodwill goes with it, and is no debt of the old order', () => {
      const more = sent(
        capture('30.00'),
        back('r', [units('1', 3)], { credited: '40.00', goodwill: 'sorry' }),
        exchange('e', 'r'),
      );
      expect(more).toContainEqual(agreed('e', '40.00', '1001-x1'));
      expect(balanceOfOrder(stateOf(order, more))).toMatchObject({ due: 0n, overpaid: 0n });
      // It was never paid, so it does not go back in money; to a new order it may also when the money is gone.
      const refunded = sent(
        capture('30.00'),
        back('r', [units('1', 3)], { credited: '40.00', goodwill: 'sorry' }),
        refund('30.00'),
      );
      given(order, ...refunded)
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '10.00', '1001-x1'));
    });

    test('the credit that paid it counts as paid', () => {
      const renewed = place([{ lineId: '1', quantity: 3, unitPrice: '10.00' }], {
        confirm: 'payment',
        exchangeOf: { orderId: 'web~1000', exchangeId: 'e', returnId: 'r', credit: '30.00' },
      });
      const again = [renewed, reserve(renewed), { type: 'ship', shipmentId: 's' }, all] as const;
      const events: OrderEvent[] = [];
      for (const command of again) {
        const decision = order.decide(command, stateOf(order, events));
        if (isRejection(decision)) throw new Error(decision.code);
        events.push(...decision);
      }
      given(order, ...events)
        .when(exchange('e', 'r'))
        .thenEvents(agreed('e', '30.00', '1001-x1'), refundDue('0.00'));
    });
  });

  test('is only of a return that is credited', () => {
    given(order, ...credited)
      .when(exchange('e', 'x'))
      .thenRejected('unknown_return');
    given(order, ...sent(requestReturn('r', [units('1')])))
      .when(exchange('e', 'r'))
      .thenRejected('wrong_return_status', { status: 'requested' });
  });

  test('an order that could never be placed is not agreed to', () => {
    const line = {
      lineId: '1',
      kind: 'goods',
      sku: 'A',
      quantity: 1,
      unitPrice: '1.00',
      tax: '0.001',
    } as const;
    given(order, ...credited)
      .when(exchange('e', 'r', { lines: [line] }))
      .thenRejected('invalid_amount');
    const twice = { ...line, tax: '0.00' };
    given(order, ...credited)
      .when(exchange('e', 'r', { lines: [twice, twice] }))
      .thenRejected('duplicate_line');
    given(order, ...credited)
      .when(exchange('e', 'r', {}, { credit: 'all' }))
      .thenRejected('invalid_amount');
  });

  test('again is nothing; with other content it is refused', () => {
    const done = sent(back('r', [units('1', 2)]), exchange('e', 'r', {}, { credit: '15.00' }));
    for (const same of [
      exchange('e', 'r'),
      exchange('e', 'r', { externalId: '1001-x1' }, { credit: '15' }),
    ]) {
      given(order, ...done)
        .when(same)
        .thenNothing();
    }
    for (const other of [
      exchange('e', 'x'),
      exchange('e', 'r', { contentHash: 'other' }),
      exchange('e', 'r', { externalId: '2002' }),
      exchange('e', 'r', {}, { credit: '14.00' }),
    ]) {
      given(order, ...done)
        .when(other)
        .thenRejected('id_reused');
    }
  });

  test.each([
    ['even', '20.00', '20.00', '0.00', '0.00'],
    ['with a difference to pay', '25.50', '20.00', '5.50', '0.00'],
    ['with a difference to give back', '12.00', '12.00', '0.00', '8.00'],
  ])('is settled %s', (_, charged, carried, toPay, toGiveBack) => {
    const open = sent(back('r', [units('1', 2)]), exchange('e', 'r'));
    given(order, ...open)
      .when(settle('e', charged))
      .thenEvents({
        type: 'OrderExchangeSettled',
        data: { exchangeId: 'e', currency: 'GBP', charged, carried, toPay, toGiveBack },
      });
    const done = sent(back('r', [units('1', 2)]), exchange('e', 'r'), settle('e', charged));
    given(order, ...done)
      .when(settle('e', '1.00'))
      .thenRejected('id_reused');
    given(order, ...done)
      .when(end('e'))
      .thenNothing();
    given(order, ...done)
      .when(exchange('f', 'r', {}, { credit: '0.01' }))
      .thenRejected('exceeds_credit');
  });

  test('ends when its new order comes to nothing: the credit is owed in money again', () => {
    given(order, ...sent(back('r', [units('1', 2)]), exchange('e', 'r')))
      .when(end('e'))
      .thenEvents({
        type: 'OrderExchangeEnded',
        data: {
          exchangeId: 'e',
          code: 'insufficient_stock',
          detail: '0 available to sell',
          currency: 'GBP',
          owed: '20.00',
        },
      });
    given(order, ...credited)
      .when(end('e'))
      .thenRejected('unknown_exchange');
  });

  test('the new order says what it is for, and is placed once whoever places it', () => {
    const state = stateOf(order, sent(back('r', [units('1', 2)]), exchange('e', 'r')));
    const open = state.afterSales.exchanges.get('e');
    if (open === undefined) throw new Error('there is no exchange');
    const command = placementOf('web~1001', 'e', open);
    const decision = order.decide(command, order.initialState);
    expect(decision).toMatchObject([
      {
        type: 'OrderPlaced',
        data: {
          channel: 'web',
          externalId: '1001-x1',
          currency: 'GBP',
          exchangeOf: { orderId: 'web~1001', exchangeId: 'e', returnId: 'r', credit: '20.00' },
        },
      },
    ]);
    if (isRejection(decision)) throw new Error(decision.code);
    given(order, ...decision)
      .when(placementOf('web~1001', 'e', open))
      .thenNothing();
  });

  test('an order has so many and no more', () => {
    const many = Array.from({ length: EXCHANGES_MAX }, (_, index) => [
      exchange(`e${index}`, 'r'),
      end(`e${index}`),
    ]).flat();
    given(order, ...sent(back('r', [units('1', 2)]), ...many))
      .when(exchange('one more', 'r'))
      .thenRejected('too_many_exchanges');
  });
});
