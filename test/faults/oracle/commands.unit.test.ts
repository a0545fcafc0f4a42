import { describe, expect, test } from '@jest/globals';
import type { CommandKind, Recorded } from '../history.js';
import { checkAnswers } from './answers.js';
import { checkOnce } from './once.js';
import { codes, logOf, ORDER, receipt, STOCK, type Written } from './written.js';

/** What clients were told of each command about an order, broken once by hand. */
const on = (type: string, data: Record<string, unknown> = {}): Written => [ORDER, type, data];
const received: Written = [STOCK, 'StockReceived', { receiptId: 'r', quantity: 5 }];
const WITH = 'consignment-web~c';
const planned: Written = [WITH, 'ConsignmentPlanned', { consignmentId: 'c', orders: ['web~1', 'web~2'] }];

/** Each command of the load with the fact that it leads to. */
const FACTS: readonly (readonly [
  kind: CommandKind,
  type: string,
  data: Record<string, unknown>,
  id: string,
])[] = [
  ['propose', 'OrderChangeProposed', { changeId: 'i' }, 'i'],
  ['confirm_change', 'OrderChangeConfirmed', { changeId: 'i' }, 'i'],
  ['decline_change', 'OrderChangeDeclined', { changeId: 'i' }, 'i'],
  ['review', 'OrderHeld', { holdId: 'i' }, 'i'],
  ['resolve', 'OrderHoldResolved', { holdId: 'i' }, 'i'],
  ['split', 'OrderSplit', { splitId: 'i' }, 'i'],
  ['undo_split', 'OrderSplitUndone', { splitId: 'i' }, 'i'],
  ['extend_sources', 'OrderSourcesExtended', { locations: ['i'] }, 'i'],
  ['start_payment', 'OrderPaymentStarted', { paymentId: 'i' }, 'i'],
  ['authorise', 'OrderPaymentAuthorised', { paymentId: 'i' }, 'i'],
  ['fail_payment', 'OrderPaymentFailed', { paymentId: 'i' }, 'i'],
  ['void_payment', 'OrderPaymentVoided', { paymentId: 'i' }, 'i'],
  ['void_payment', 'OrderVoidRequested', { paymentId: 'i' }, 'i'],
  ['capture', 'OrderPaymentCaptured', { paymentId: 'i', captureId: 'k' }, 'i/k'],
  ['capture', 'OrderCaptureRequested', { paymentId: 'i', captureId: 'k' }, 'i/k'],
  ['refund', 'OrderPaymentRefunded', { paymentId: 'i', refundId: 'f' }, 'i/f'],
  ['refund', 'OrderRefundRequested', { paymentId: 'i', refundId: 'f' }, 'i/f'],
  ['charge_back', 'OrderPaymentChargedBack', { paymentId: 'i', chargebackId: 'b' }, 'i/b'],
  ['request_return', 'OrderReturnRequested', { returnId: 'i' }, 'i'],
  ['authorise_return', 'OrderReturnAuthorised', { returnId: 'i' }, 'i'],
  ['refuse_return', 'OrderReturnRefused', { returnId: 'i' }, 'i'],
  ['receive_return', 'OrderReturnReceived', { returnId: 'i' }, 'i'],
  ['inspect_return', 'OrderReturnInspected', { returnId: 'i' }, 'i'],
  ['credit_return', 'OrderReturned', { returnId: 'i' }, 'i'],
  ['allow', 'OrderAllowanceGranted', { allowanceId: 'i' }, 'i'],
  ['exchange', 'OrderExchangeAgreed', { exchangeId: 'i', order: {} }, 'i'],
  ['consign', 'ConsignmentPlanned', {}, ''],
];

describe.each(FACTS)('of the command %s (%s), it sees', (kind, eventType, data, businessId) => {
  const answer = { status: 201, body: {}, position: '0' };
  const asked = (more: Partial<Recorded> = {}): Recorded => ({
    ...receipt(answer),
    ...{ kind, eventType, businessId, stream: ORDER, body: { amount: '1.00' } },
    ...more,
  });
  const done = on(eventType, { ...data, amount: '1.00' });

  test('acknowledged_lost, acknowledged_other, applied_twice, done_twice and wrong_refusal', () => {
    expect(codes(checkAnswers(logOf(done), [asked()]))).toEqual([]);
    expect(codes(checkAnswers(logOf(received), [asked()]))).toEqual(['acknowledged_lost']);
    const other = on(eventType, { ...data, amount: '1.01' });
    expect(codes(checkAnswers(logOf(other), [asked()]))).toEqual(['acknowledged_other']);
    expect(codes(checkOnce(logOf(done, done)))).toEqual(['applied_twice']);
    expect(codes(checkAnswers(logOf(done), [asked(), asked()]))).toEqual(['done_twice']);
    const again = asked({ answer: { ...answer, status: 200 } });
    expect(codes(checkAnswers(logOf(done), [asked(), again]))).toEqual([]);
    const refused = asked({ answer: { ...answer, status: 409, body: { code: 'id_reused' } } });
    expect(codes(checkAnswers(logOf(received), [refused]))).toEqual(['wrong_refusal']);
    expect(codes(checkAnswers(logOf(done), [refused]))).toEqual(['wrong_refusal', 'refused_but_done']);
  });
});

test('a review that lapsed while somebody resolved it was not resolved by them', () => {
  const lapsed = on('OrderHoldResolved', { holdId: 'i', outcome: 'lapsed' });
  const answer = { status: 409, body: { code: 'review_resolved' }, position: '0' };
  const spec = { kind: 'resolve', eventType: 'OrderHoldResolved', businessId: 'i', stream: ORDER } as const;
  const asked = { ...receipt(answer), ...spec, body: { outcome: 'released' } };
  expect(checkAnswers(logOf(lapsed), [asked])).toEqual([]);
});

test('what a consignment answers for its orders is held against theirs', () => {
  const orders = (said: string) => ({ consignmentId: 'c', orders: [{ orderId: 'web~1', outcome: said }] });
  const asked = (said: string): Recorded => ({
    ...receipt({ status: 201, body: orders(said), position: '20' }),
    ...{ kind: 'consign', stream: WITH, eventType: 'ConsignmentPlanned', businessId: '', body: {} },
  });
  const left = logOf(received, planned, on('OrderShipped', { shipmentId: 'consignment:c' }));
  const stayed = logOf(received, planned, on('OrderShipped', { shipmentId: 's' }));
  const seen = (log: typeof left, said: string) => codes(checkAnswers(log, [asked(said)]));
  expect([seen(left, 'shipped'), seen(stayed, 'dropped')]).toEqual([[], []]);
  expect(seen(stayed, 'shipped')).toEqual(['acknowledged_lost']);
  expect(seen(left, 'dropped')).toEqual(['refused_but_done']);
});
