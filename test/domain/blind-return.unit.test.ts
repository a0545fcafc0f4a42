import { describe, test } from '@jest/globals';
import { type BlindReturnLine, blindReturn } from '../../src/domain/blind-return.js';
import { given } from '../support/decider-spec.js';

const line: BlindReturnLine = {
  channel: 'web',
  note: 'C536379',
  lineId: '1',
  kind: 'goods',
  sku: '85123A',
  quantity: 2,
  currency: 'GBP',
  amount: '5.10',
  customerId: '14527',
  location: 'main',
  reason: 'no order found',
};
const recorded = { type: 'BlindReturnRecorded', data: line } as const;

describe('a credit note without an order', () => {
  test('records a line with what it credits', () => {
    given(blindReturn).when({ type: 'record', line }).thenEvents(recorded);
  });

  test('records each line once, however its fields are ordered', () => {
    const { channel, ...rest } = line;
    given(blindReturn, recorded)
      .when({ type: 'record', line: { ...rest, channel } })
      .thenNothing();
  });

  test('refuses other content under a line that is recorded', () => {
    given(blindReturn, recorded)
      .when({ type: 'record', line: { ...line, quantity: 1 } })
      .thenRejected('id_reused');
  });

  test('has many lines, charges among them', () => {
    const { location: _, customerId: __, ...rest } = line;
    const charge: BlindReturnLine = { ...rest, lineId: '2', kind: 'charge', sku: 'POST', account: 'postage' };
    given(blindReturn, recorded)
      .when({ type: 'record', line: charge })
      .thenEvents({ type: 'BlindReturnRecorded', data: charge });
  });

  test('refuses an amount with more decimals than its currency', () => {
    given(blindReturn)
      .when({ type: 'record', line: { ...line, currency: 'JPY' } })
      .thenRejected('invalid_amount');
  });
});
