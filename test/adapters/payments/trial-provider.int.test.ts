import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTrialProvider, TrialAnswerLost } from '../../../src/adapters/payments/trial-provider.js';
import type { PaymentProvider, ProviderCall } from '../../../src/processes/payment-provider.js';
import { type TestDatabase, testDatabase } from '../../support/postgres.js';

let database: TestDatabase;
let provider: PaymentProvider;
beforeAll(async () => {
  database = await testDatabase();
  provider = createTrialProvider(database.db);
}, 60_000);
afterAll(() => database.drop());

let payments = 0;
/** Calls about one payment of a reference: `call('c1', '5.00')`. */
const calls = (reference?: string) => {
  payments += 1;
  const payment = `web~${payments}/p`;
  const tender = { kind: 'card' as const, ...(reference === undefined ? {} : { reference }) };
  return (id: string, amount: string): ProviderCall => ({
    id: `${payment}/${id}`,
    payment,
    tender,
    amount,
    currency: 'GBP',
  });
};
const done = { status: 'done' };
const declined = (code: string) => ({ status: 'declined', code, reason: expect.any(String) });

describe('the trial provider', () => {
  test('takes no more than it authorised and gives no more than it took, to the penny', async () => {
    const call = calls();
    expect(await provider.capture(call('early', '1.00'))).toEqual(declined('not_authorised'));
    expect(await provider.authorise(call('a', '25.00'))).toEqual(done);
    expect(await provider.capture(call('c1', '20.00'))).toEqual(done);
    expect(await provider.capture(call('c2', '5.01'))).toEqual(declined('exceeds_authorised'));
    expect(await provider.capture(call('c3', '5.00'))).toEqual(done);
    expect(await provider.refund(call('r1', '25.01'))).toEqual(declined('exceeds_captured'));
    expect(await provider.refund(call('r2', '25.00'))).toEqual(done);
  });

  test('does what it is asked once by its id, also after a restart and for two at once', async () => {
    const call = calls();
    await provider.authorise(call('a', '10.00'));
    const again = createTrialProvider(database.db);
    const twice = await Promise.all([provider, again].map((one) => one.capture(call('c', '6.00'))));
    expect(twice).toEqual([done, done]);
    expect(await again.capture(call('c', '6.00'))).toEqual(done);
    expect(await again.capture(call('d', '4.00'))).toEqual(done);
    expect(await again.capture(call('e', '0.01'))).toEqual(declined('exceeds_authorised'));
  });

  test('authorises nothing any more for a payment that is voided, heard of before or not', async () => {
    const call = calls();
    expect(await provider.void(call('v', '0.00'))).toEqual(done);
    expect(await provider.authorise(call('a', '1.00'))).toEqual(declined('voided'));
    const other = calls();
    await provider.authorise(other('a', '10.00'));
    await provider.capture(other('c', '4.00'));
    expect(await provider.void(other('v', '0.00'))).toEqual(done);
    expect(await provider.capture(other('d', '1.00'))).toEqual(declined('voided'));
    expect(await provider.refund(other('r', '4.00'))).toEqual(done);
  });

  test('declines by reference', async () => {
    expect(await provider.authorise(calls('decline')('a', '1.00'))).toEqual(declined('card_declined'));
    expect(await provider.authorise(calls('decline:too_poor')('a', '1.00'))).toEqual(declined('too_poor'));
    const noCapture = calls('decline-capture');
    expect(await provider.authorise(noCapture('a', '1.00'))).toEqual(done);
    expect(await provider.capture(noCapture('c', '1.00'))).toEqual(declined('capture_declined'));
    const noRefund = calls('decline-refund');
    await provider.authorise(noRefund('a', '1.00'));
    await provider.capture(noRefund('c', '1.00'));
    expect(await provider.refund(noRefund('r', '1.00'))).toEqual(declined('refund_declined'));
  });

  test('answers late or loses its answer by reference, and tells the second time', async () => {
    const late = calls('late')('a', '1.00');
    expect(await provider.authorise(late)).toEqual({ status: 'unknown' });
    expect(await provider.authorise(late)).toEqual(done);
    const lost = calls('lost')('a', '1.00');
    await expect(provider.authorise(lost)).rejects.toThrow(TrialAnswerLost);
    expect(await provider.authorise(lost)).toEqual(done);
  });

  test('has a schema of its own, made when it is first asked, by however many at once', async () => {
    const fresh = await testDatabase();
    const schema = async () =>
      (await fresh.db.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'trial_payments'`)).rowCount;
    const several = Array.from({ length: 4 }, () => createTrialProvider(fresh.db));
    expect(await schema()).toBe(0);
    const call = calls();
    await Promise.all(several.map((one, index) => one.void(call(`v${index}`, '0.00'))));
    expect(await schema()).toBe(1);
    await fresh.drop();
  });
});
