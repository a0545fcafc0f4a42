import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import {
  CHANGES_MAX,
  type ChangeAction,
  type OrderChangeConfirmed,
} from '../../src/domain/order-change-events.js';
import type { Allocation, OrderEvent } from '../../src/domain/order-events.js';
import { given, stateOf } from '../support/decider-spec.js';
import { place, reserve } from '../support/orders.js';
import { review } from '../support/reviews.js';

const history = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};
const propose = (...actions: ChangeAction[]): OrderCommand => ({
  type: 'propose-change',
  changeId: 'c1',
  reason: 'customer called',
  actions,
});
const confirm = (...allocations: Allocation[]): OrderCommand =>
  allocations.length === 0
    ? { type: 'confirm-change', changeId: 'c1' }
    : { type: 'confirm-change', changeId: 'c1', round: 2, allocations };
const add = (lineId: string, sku: string, quantity: number, unitPrice: string): ChangeAction => ({
  kind: 'add',
  line: { lineId, kind: 'goods', sku, quantity, unitPrice, tax: '0.00' },
});
const reduce = (lineId: string, quantity: number): ChangeAction => ({ kind: 'reduce', lineId, quantity });
const reprice = (lineId: string, newLineId: string, unitPrice: string): ChangeAction => ({
  kind: 'reprice',
  lineId,
  newLineId,
  unitPrice,
  tax: '0.00',
  reason: 'shelf price',
});
/** Three of A for 10.00 with 1.00 off, one of B for 5.00. */
const placed = place(
  [
    { lineId: '1', sku: 'A', quantity: 3, unitPrice: '3.333' },
    { lineId: '2', sku: 'B', unitPrice: '5.00' },
  ],
  { coupons: ['ONE'], confirm: 'auto' },
);
const terms = { discount: { kind: 'amount', amount: '1.00', currency: 'GBP' }, limit: 1 } as const;
const reserved = reserve(placed, [{ code: 'ONE', terms }]);
const confirmed = history(placed, reserved);
const nothing = { cancelled: [], added: [], released: [], short: [], lacking: [] };
const changed = { changeId: 'c1', version: 2, channel: 'web', currency: 'GBP' };
type Changed = OrderChangeConfirmed['data'];
/** What the first change of an order came to. */
const changedBy = (what: Pick<Changed, 'difference'> & Partial<Changed>): OrderChangeConfirmed => ({
  type: 'OrderChangeConfirmed',
  data: { ...changed, ...nothing, ...what },
});
/** A line of goods that a change made. */
const newLine = (
  lineId: string,
  sku: string,
  quantity: number,
  unitPrice: string,
  more: { readonly lineNo: number; readonly amount: string; readonly discount: string },
) => ({ lineId, kind: 'goods' as const, sku, quantity, unitPrice, tax: '0.00', ...more });

describe('a change is proposed', () => {
  test('once, and changes nothing yet', () => {
    const asked = propose(reduce('1', 1));
    const state = given(order, ...confirmed)
      .when(asked)
      .thenEvents({
        type: 'OrderChangeProposed',
        data: { changeId: 'c1', reason: 'customer called', actions: [reduce('1', 1)] },
      });
    expect(state.version).toBe(1);
    expect(state.lines.get('1')?.cancelled).toBe(0);
    given(order, ...confirmed)
      .when(propose(reduce('1', 4)))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 3 });
    given(order, ...history(placed, reserved, asked))
      .when(propose(reduce('1', 2)))
      .thenRejected('id_reused');
  });

  test.each([
    ['a line that is not there', propose(reduce('9', 1)), 'unknown_line'],
    ['more than is open, in two steps', propose(reduce('1', 2), reduce('1', 2)), 'exceeds_open_quantity'],
    ['a line id twice', propose(add('1', 'C', 1, '1.00')), 'duplicate_line'],
    [
      'a line id twice in one change',
      propose(add('3', 'C', 1, '1.00'), add('3', 'D', 1, '1.00')),
      'duplicate_line',
    ],
    ['an amount that is none', propose(add('3', 'C', 1, '1.0000001')), 'invalid_amount'],
    ['nothing left', propose(reduce('1', 3), reduce('2', 1)), 'nothing_open'],
    ['too many units', propose(add('3', 'A', 10_000_000, '1.00')), 'too_many_units'],
  ])('and refused at once: %s', (_case, command, code) => {
    given(order, ...confirmed)
      .when(command)
      .thenRejected(code);
  });

  test.each(['CLF', 'GBP'])(
    'and refused for more than an order of %s may come to, proposed or confirmed',
    (currency) => {
      const small = place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '1.00' }], { currency });
      const base = history(small, reserve(small), { type: 'confirm' });
      const most = add('2', 'C', 1, '999999999998.00');
      const [reached] = history(small, reserve(small), { type: 'confirm' }, propose(most)).slice(-1);
      expect(reached?.type).toBe('OrderChangeProposed');
      const beyond = [add('2', 'C', 999, '999999999999'), add('2', 'C', 1, '999999999998.01')];
      for (const one of [...beyond, reprice('1', '2', '999999999999')]) {
        given(order, ...base)
          .when(propose(one))
          .thenRejected('amount_too_large');
        const proposed: OrderEvent = {
          type: 'OrderChangeProposed',
          data: { changeId: 'c1', reason: 'customer called', actions: [one] },
        };
        given(order, ...base, proposed)
          .when(confirm())
          .thenRejected('amount_too_large');
      }
    },
  );

  test('to less, whatever an order has come to', () => {
    const small = place([{ lineId: '1', sku: 'A', quantity: 2, unitPrice: '1.00' }]);
    const [first, ...rest] = history(small, reserve(small), { type: 'confirm' });
    if (first?.type !== 'OrderPlaced') throw new Error('not placed');
    const lines = first.data.lines.map((line) => ({ ...line, amount: '2000000000000.00' }));
    given(order, { ...first, data: { ...first.data, lines } }, ...rest)
      .when(propose(reduce('1', 1)))
      .thenEvents({
        type: 'OrderChangeProposed',
        data: { changeId: 'c1', reason: 'customer called', actions: [reduce('1', 1)] },
      });
  });

  test('not where it takes the last goods: postage alone would be shipped and charged for nothing', () => {
    const posted = place(
      [
        { lineId: '1', sku: 'A', quantity: 2, unitPrice: '10.00' },
        { lineId: 'p', kind: 'charge', sku: 'POST', unitPrice: '5.00' },
      ],
      { confirm: 'auto' },
    );
    const log = history(posted, reserve(posted));
    const fee: ChangeAction = {
      kind: 'add',
      line: { lineId: 'f', kind: 'charge', sku: 'FEE', quantity: 1, unitPrice: '1.00', tax: '0.00' },
    };
    for (const actions of [[reduce('1', 2)], [reduce('1', 1), reduce('1', 1), fee]]) {
      given(order, ...log)
        .when(propose(...actions))
        .thenRejected('nothing_open');
    }
    const last = history(posted, reserve(posted), propose(reduce('1', 1)), {
      type: 'cancel',
      cancellationId: 'x',
      reason: 'one less',
      lines: [{ lineId: '1', quantity: 1 }],
    });
    given(order, ...last)
      .when(confirm())
      .thenRejected('nothing_open');
    const isPlanned = (...actions: ChangeAction[]): boolean =>
      !isRejection(order.decide(propose(...actions), stateOf(order, log)));
    expect(isPlanned(reduce('1', 2), add('2', 'B', 1, '8.00'))).toBe(true);
    expect(isPlanned(reduce('p', 1))).toBe(true);
    const sent = [
      ...log,
      ...(order.decide(
        { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 1 }] },
        stateOf(order, log),
      ) as OrderEvent[]),
    ];
    expect(isRejection(order.decide(propose(reduce('1', 1)), stateOf(order, sent)))).toBe(false);
  });

  test('of an order that never had goods leaves one line of it at least', () => {
    const fees = ['1', '2'].map((lineId) => ({ lineId, kind: 'charge' as const, unitPrice: '5.00' }));
    const service = place(fees, { confirm: 'auto' });
    const log = history(service, reserve(service));
    expect(isRejection(order.decide(propose(reduce('1', 1)), stateOf(order, log)))).toBe(false);
    given(order, ...log)
      .when(propose(reduce('1', 1), reduce('2', 1)))
      .thenRejected('nothing_open');
  });

  test('not for a line that somebody reviews: a corrected price would slip away from it', () => {
    const held = [
      ...confirmed,
      ...(order.decide(
        review('h', { blocks: ['ship'], lines: ['1'] }),
        stateOf(order, confirmed),
      ) as OrderEvent[]),
    ];
    given(order, ...held)
      .when(propose(reprice('1', '3', '1.00')))
      .thenRejected('order_held');
    given(order, ...held)
      .when(propose(reprice('2', '3', '1.00')))
      .thenEvents({
        type: 'OrderChangeProposed',
        data: { changeId: 'c1', reason: 'customer called', actions: [reprice('2', '3', '1.00')] },
      });
  });

  test(`${CHANGES_MAX} times at most`, () => {
    const many = Array.from(
      { length: CHANGES_MAX },
      (_, n) => ({ ...propose(reduce('1', 1)), changeId: `c${n + 2}` }) as OrderCommand,
    );
    const state = history(placed, reserved, ...many);
    given(order, ...state)
      .when(propose(reduce('1', 1)))
      .thenRejected('too_many_changes');
  });
});

describe('a change is confirmed', () => {
  const proposed = (...actions: ChangeAction[]) => history(placed, reserved, propose(...actions));

  test('fewer units: cancelled from the back with their frozen shares, and let go', () => {
    const state = given(order, ...proposed(reduce('1', 1)))
      .when(confirm())
      .thenEvents(
        changedBy({
          cancelled: [{ lineId: '1', quantity: 1 }],
          // 3.33 less 0.22 of the 0.67 that the coupon takes off the line.
          difference: '-3.11',
          released: [{ round: 1, sku: 'A', location: 'main', quantity: 1 }],
        }),
      );
    expect(state.version).toBe(2);
    given(order, ...proposed(reduce('1', 1)))
      .when({ type: 'confirm-change', changeId: 'no' })
      .thenRejected('unknown_change');
  });

  test('a corrected price: a new line for the open units, which keeps their discount and their stock', () => {
    given(order, ...proposed(reprice('1', '3', '3.00')))
      .when(confirm())
      .thenEvents(
        changedBy({
          cancelled: [{ lineId: '1', quantity: 3 }],
          added: [newLine('3', 'A', 3, '3.00', { lineNo: 2, amount: '9.00', discount: '0.67' })],
          difference: '-1.00',
        }),
      );
  });

  test('a corrected price never leaves more discount than there is to pay', () => {
    const state = given(order, ...proposed(reprice('1', '3', '0.10')))
      .when(confirm())
      .thenEvents(
        changedBy({
          cancelled: [{ lineId: '1', quantity: 3 }],
          added: [newLine('3', 'A', 3, '0.10', { lineNo: 2, amount: '0.30', discount: '0.30' })],
          difference: '-9.33',
        }),
      );
    expect(state.lines.get('3')?.discount).toBe(30n);
  });

  test('more units: a line of their own, held before it is confirmed', () => {
    const wanting = proposed(add('3', 'A', 2, '3.00'), reduce('2', 1));
    given(order, ...wanting)
      .when(confirm())
      .thenRejected('insufficient_stock', { sku: 'A' });
    const one = { sku: 'A', location: 'shop', quantity: 1, refused: [] };
    given(order, ...wanting)
      .when(confirm(one))
      .thenRejected('insufficient_stock');
    given(order, ...wanting)
      .when(confirm({ ...one, quantity: 3 }))
      .thenRejected('allocation_changed');
    const two = { ...one, quantity: 2 };
    given(order, ...wanting)
      .when(confirm(two))
      .thenEvents(
        changedBy({
          cancelled: [{ lineId: '2', quantity: 1 }],
          added: [newLine('3', 'A', 2, '3.00', { lineNo: 2, amount: '6.00', discount: '0.00' })],
          // 6.00 more; 5.00 less 0.33 of discount not wanted any more.
          difference: '1.33',
          released: [{ round: 1, sku: 'B', location: 'main', quantity: 1 }],
          lacking: [{ sku: 'A', quantity: 2, code: 'insufficient_stock', asked: [] }],
        }),
        { type: 'OrderAllocated', data: { round: 2, allocations: [two] } },
      );
  });

  test('an order that may wait is changed without stock, and lacks it', () => {
    const waiting = place([{ lineId: '1', sku: 'A' }], { confirm: 'auto', shortage: 'backorder' });
    const events = history(waiting, reserve(waiting), propose(add('2', 'C', 4, '1.00')));
    given(order, ...events)
      .when(confirm())
      .thenEvents(
        changedBy({
          added: [newLine('2', 'C', 4, '1.00', { lineNo: 1, amount: '4.00', discount: '0.00' })],
          difference: '4.00',
          lacking: [{ sku: 'C', quantity: 4, code: 'insufficient_stock', asked: [] }],
        }),
      );
  });

  test('the address: said again whole', () => {
    const destination = { country: 'FR', postalCode: '75001' };
    const state = given(order, ...proposed({ kind: 'address', destination }))
      .when(confirm())
      .thenEvents(changedBy({ destination, difference: '0.00' }));
    expect(state.placed?.destination).toEqual(destination);
  });

  test('on the order as it is now: what was shipped meanwhile stays shipped', () => {
    const ship = { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 2 }] } as const;
    const shipped = history(placed, reserved, propose(reduce('1', 2)), ship);
    given(order, ...shipped)
      .when(confirm())
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 1 });
  });

  test('the last open unit gone: the order is complete', () => {
    const ship = { type: 'ship', shipmentId: 's', lines: [{ lineId: '1', quantity: 3 }] } as const;
    const shipped = history(placed, reserved, ship, propose(reprice('2', '3', '4.00')));
    const then = [...shipped, ...(order.decide(confirm(), stateOf(order, shipped)) as OrderEvent[])];
    expect(stateOf(order, then).status).toBe('confirmed');
    const last = history(placed, reserved, propose(reduce('2', 1)), ship);
    expect(
      stateOf(order, [...last, ...(order.decide(confirm(), stateOf(order, last)) as OrderEvent[])]).status,
    ).toBe('completed');
  });

  test('once; declined it stays declined', () => {
    const done = history(placed, reserved, propose(reduce('1', 1)), confirm());
    given(order, ...done)
      .when(confirm())
      .thenNothing();
    const decline = { type: 'decline-change', changeId: 'c1', reason: 'too late' } as const;
    given(order, ...done)
      .when(decline)
      .thenRejected('change_resolved');
    given(order, ...proposed(reduce('1', 1)))
      .when(decline)
      .thenEvents({ type: 'OrderChangeDeclined', data: { changeId: 'c1', reason: 'too late' } });
    const declined = history(placed, reserved, propose(reduce('1', 1)), decline);
    given(order, ...declined)
      .when(decline)
      .thenNothing();
    given(order, ...declined)
      .when(confirm())
      .thenRejected('change_resolved');
  });
});
