import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { balanceOfOrder, isCovered } from '../../src/domain/order-balance.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import type { PaymentCommand } from '../../src/domain/order-payment-commands.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { sumsOf } from '../../src/domain/payment.js';
import { bookingOf, CAUSE_TYPES, type Cause } from '../../src/domain/settlement-entry.js';
import { asRecorded, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';
import { resolveReview, review } from '../support/reviews.js';

/** Orders of which anybody asks, tells and repeats anything about their payments, in any order, between everything else. */
const LATER = '2026-01-15T12:40:00Z';
const paymentId = fc.constantFrom('p', 'q', 'r');
const movementId = fc.constantFrom('1', '2', '3');
const amount = fc.constantFrom('1.00', '3.33', '5.00', '12.50', '25.00');
const tender = fc.constantFrom({ kind: 'card' as const }, { kind: 'card' as const, reference: 'x' });
const reason = fc.constant('so it is');
const code = fc.constantFrom('a', 'b');
const one = fc.record({ paymentId, movementId, amount, tender, reason, code });

const asked: fc.Arbitrary<PaymentCommand> = fc
  .tuple(
    one,
    fc.constantFrom<PaymentCommand['type'][]>(
      'start-payment',
      'authorise-payment',
      'authorise-payment',
      'fail-payment',
      'request-void',
      'void-payment',
      'request-capture',
      'request-capture',
      'capture-payment',
      'capture-payment',
      'capture-payment',
      'fail-capture',
      'request-refund',
      'request-refund',
      'refund-payment',
      'refund-payment',
      'fail-refund',
      'charge-back-payment',
    ),
    fc.boolean(),
  )
  .map(([{ movementId: id, ...of }, type, more]): PaymentCommand => {
    switch (type) {
      case 'start-payment': {
        const ask = of.paymentId === 'p' ? { provider: 'psp' } : {};
        return { ...of, type, ...ask, ...(more ? { expiresAt: LATER } : {}) };
      }
      case 'capture-payment':
      case 'request-capture':
      case 'fail-capture':
        return { ...of, type, captureId: id };
      case 'refund-payment':
      case 'request-refund':
      case 'fail-refund':
        return { ...of, type, refundId: id };
      case 'charge-back-payment':
        return { ...of, type, chargebackId: id };
      default:
        return { ...of, type };
    }
  });

const lines = fc.option(
  fc.array(fc.record({ lineId: fc.constantFrom('1', 'p'), quantity: fc.constantFrom(1, 2) }), {
    minLength: 1,
    maxLength: 2,
  }),
  { nil: undefined },
);
const id = fc.nat({ max: 4 }).map(String);
const named = (of: { lineId: string; quantity: number }[] | undefined) =>
  of === undefined ? {} : { lines: of };
const ship: fc.Arbitrary<OrderCommand> = fc
  .tuple(id, lines)
  .map(([shipmentId, of]) => ({ type: 'ship', shipmentId, ...named(of) }));
const cancel: fc.Arbitrary<OrderCommand> = fc
  .tuple(id, lines)
  .map(([cancellationId, of]) => ({ type: 'cancel', cancellationId, reason: '', ...named(of) }));
const giveBack: fc.Arbitrary<OrderCommand> = fc
  .tuple(id, fc.option(fc.constantFrom('0.00', '7.77', '30.00'), { nil: undefined }))
  .map(([returnId, credited]) => ({
    type: 'return',
    returnId,
    reason: '',
    lines: [{ lineId: '1', quantity: 1 }],
    ...(credited === undefined ? {} : { credited }),
  }));
const expire = fc.constantFrom<OrderCommand[]>(
  { type: 'expire', dueAt: DUE_AT },
  { type: 'expire', dueAt: LATER },
);
const held = fc.constantFrom<OrderCommand[]>(review('h'), resolveReview('h', 'released'));
const later = fc.oneof(
  { weight: 16, arbitrary: asked },
  { weight: 2, arbitrary: ship },
  { weight: 1, arbitrary: cancel },
  { weight: 2, arbitrary: giveBack },
  { weight: 1, arbitrary: fc.constant<OrderCommand>({ type: 'confirm' }) },
  { weight: 1, arbitrary: expire },
  { weight: 1, arbitrary: held },
);

const terms = { discount: { kind: 'percent', percent: '10' }, limit: 9 } as const;
const aHistory = fc
  .record({
    confirm: fc.constantFrom('payment' as const, 'payment' as const, 'auto' as const, 'explicit' as const),
    coupon: fc.boolean(),
    refused: fc.constantFrom(true, false, false, false, false),
    early: fc.array(asked, { maxLength: 3 }),
    late: fc.array(later, { minLength: 5, maxLength: 30 }),
  })
  .map(({ confirm, coupon, refused, early, late }): readonly OrderCommand[] => {
    const placing = place(
      [
        { lineId: '1', sku: 'A', quantity: 3, unitPrice: '3.335', tax: '0.50' },
        { lineId: 'p', kind: 'charge', sku: 'POST', unitPrice: '2.00' },
      ],
      { confirm, coupons: coupon ? ['TEN'] : [] },
    );
    const refuse: OrderCommand = { type: 'refuse', code: 'insufficient_stock', detail: '' };
    const outcome = refused ? refuse : reserve(placing, coupon ? [{ code: 'TEN', terms }] : []);
    return [placing, ...early, outcome, ...late];
  });

interface Decided {
  readonly command: OrderCommand;
  readonly before: OrderState;
  readonly events: readonly OrderEvent[];
  readonly after: OrderState;
}

const run = (commands: readonly OrderCommand[], check: (one: Decided) => void = () => {}) => {
  let state = order.initialState;
  const log: OrderEvent[] = [];
  const accepted: OrderCommand[] = [];
  for (const command of commands) {
    const events = order.decide(command, state);
    if (isRejection(events)) continue;
    const before = state;
    for (const event of events) {
      log.push(asRecorded(event));
      state = order.evolve(state, event);
    }
    if (events.length > 0) accepted.push(command);
    check({ command, before, events, after: state });
  }
  return { state, log, accepted };
};
const RUNS = { numRuns: 1_000 };

test('never more is captured than authorised, nor more given back than captured without saying so', () => {
  const seen = { captures: 0, refunds: 0, excess: 0, full: 0 };
  fc.assert(
    fc.property(aHistory, (commands) => {
      run(commands, ({ after }) => {
        for (const payment of after.payments.values()) {
          const { captured, refunded, chargedBack, excess, captureRequested, refundRequested } =
            sumsOf(payment);
          if (payment.authorised !== undefined) {
            expect(captured + captureRequested <= payment.authorised).toBe(true);
          }
          expect(refunded + refundRequested <= captured).toBe(true);
          expect(refunded + chargedBack - excess <= captured).toBe(true);
          if (captured > 0n) seen.captures += 1;
          if (refunded > 0n) seen.refunds += 1;
          if (refunded > 0n && refunded === captured) seen.full += 1;
          if (excess > 0n) seen.excess += 1;
        }
      });
    }),
    RUNS,
  );
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(50);
});

test('an order that waits for its payment is never confirmed unpaid, and never waits when nothing is missing', () => {
  let confirmed = 0;
  fc.assert(
    fc.property(aHistory, (commands) => {
      run(commands, ({ events, before, after }) => {
        if (after.placed?.confirm !== 'payment') return;
        const at = events.findIndex(({ type }) => type === 'OrderConfirmed');
        if (at >= 0) {
          confirmed += 1;
          expect(isCovered(events.slice(0, at).reduce(order.evolve, before))).toBe(true);
        }
        const waits = after.status === 'reserved' && isCovered(after);
        if (waits) expect([...after.reviews.values()].some(({ resolution }) => !resolution)).toBe(true);
      });
    }),
    RUNS,
  );
  expect(confirmed).toBeGreaterThan(RUNS.numRuns / 10);
});

test('what is due back is always said, and nothing of an order that has ended empty stays authorised with a provider', () => {
  let due = 0;
  fc.assert(
    fc.property(aHistory, (commands) => {
      run(commands, ({ after }) => {
        const { overpaid } = balanceOfOrder(after);
        expect(after.refundDue).toBe(overpaid);
        if (overpaid > 0n) due += 1;
        if (!['rejected', 'expired', 'cancelled'].includes(after.status)) return;
        for (const payment of after.payments.values()) {
          if (payment.provider === undefined) continue;
          expect(sumsOf(payment).authorised).toBe(0n);
          if (payment.stage === 'started') expect(payment.voidRequested).toBe(true);
        }
      });
    }),
    RUNS,
  );
  expect(due).toBeGreaterThan(RUNS.numRuns / 10);
});

test('what was decided once yields nothing when it comes again, and replay gives the state that was decided on', () => {
  fc.assert(
    fc.property(aHistory, (commands) => {
      const { state, log, accepted } = run(commands);
      expect(run(commands.flatMap((command) => [command, command])).log).toEqual(log);
      expect(stateOf(order, log)).toEqual(state);
      for (const command of accepted) {
        // A failure or an authorisation is told again only while it is the last word.
        if (command.type === 'fail-payment' || command.type === 'authorise-payment') {
          const { stage } = state.payments.get(command.paymentId) ?? {};
          if (stage !== 'voided' && stage !== (command.type === 'fail-payment' ? 'failed' : 'authorised'))
            continue;
        }
        const again = order.decide(command, state);
        if (!isRejection(again)) expect([command.type, again]).toEqual([command.type, []]);
      }
    }),
    RUNS,
  );
});

test('the ledger owes what the order says: what was shipped and not credited, less what was paid and kept', () => {
  fc.assert(
    fc.property(aHistory, (commands) => {
      const { state, log } = run(commands);
      let receivable = 0n;
      let clearing = 0n;
      for (const event of log) {
        if (!CAUSE_TYPES.has(event.type)) continue;
        const { legs } = bookingOf(event as OrderEvent & Cause, 'web~1001');
        expect(legs.reduce((sum, { minor }) => sum + minor, 0n)).toBe(0n);
        for (const { account, minor } of legs) {
          if (account === 'receivable') receivable += minor;
          if (account === 'clearing:card') clearing += minor;
        }
      }
      const { cost, captured, refunded, chargedBack } = balanceOfOrder(state);
      expect(clearing).toBe(captured - refunded - chargedBack);
      // What is open is in the order's costs and not in the ledger: it is owed when it is shipped.
      if (state.status === 'completed' && cost > 0n) expect(receivable).toBe(cost - clearing);
    }),
    RUNS,
  );
});
