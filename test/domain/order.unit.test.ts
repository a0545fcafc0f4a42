import { describe, expect, test } from '@jest/globals';
import type { CouponTerms } from '../../src/domain/coupon.js';
import { isRejection } from '../../src/domain/decider.js';
import { LINES_MAX, type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import type { OrderEvent, OrderUnits } from '../../src/domain/order-events.js';
import { given, stateOf } from '../support/decider-spec.js';
import { allocationsFor, DUE_AT, type LineInput, place, reserve } from '../support/orders.js';

/** The events that these commands come to; a rejection on the way is a mistake in the test. */
const history = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};

const confirm: OrderCommand = { type: 'confirm' };
const refuse: OrderCommand = {
  type: 'refuse',
  code: 'insufficient_stock',
  detail: 'none left',
  sku: 'sku-1',
};
const expire: OrderCommand = { type: 'expire', dueAt: DUE_AT };
type Asked = readonly { readonly lineId: string; readonly quantity: number }[];
const cancel = (cancellationId: string, lines?: Asked): OrderCommand => ({
  type: 'cancel',
  cancellationId,
  reason: 'changed',
  ...(lines === undefined ? {} : { lines }),
});
const ship = (shipmentId: string, lines?: Asked, location?: string): OrderCommand => ({
  type: 'ship',
  shipmentId,
  ...(lines === undefined ? {} : { lines }),
  ...(location === undefined ? {} : { location }),
});
const back = (
  returnId: string,
  lines: Asked,
  more: { credited?: string; note?: string; location?: string } = {},
): OrderCommand => ({ type: 'return', returnId, reason: 'too small', lines, ...more });
const of = (lineId: string, quantity: number) => ({ lineId, quantity });

const TWO: readonly LineInput[] = [
  { lineId: '1', quantity: 3, unitPrice: '10.00', tax: '2.00' },
  { lineId: '2', quantity: 1, unitPrice: '5.00' },
];
const POST: LineInput = { lineId: 'p', kind: 'charge', sku: 'POST', account: 'postage', unitPrice: '4.95' };
const two = place(TWO);
const placed = history(two);
const reserved = history(two, reserve(two));
const confirmed = history(two, reserve(two), confirm);
const withPost = place([...TWO, POST]);
const confirmedWithPost = history(withPost, reserve(withPost), confirm);

/** What the customer pays, or gets back, for these units, in pence. */
const paidFor = (lines: readonly OrderUnits[]): number =>
  Math.round(
    lines.reduce(
      (sum, { amount, discount, tax }) => sum + Number(amount) - Number(discount) + Number(tax),
      0,
    ) * 100,
  );
const decided = (command: OrderCommand, events: readonly OrderEvent[]): readonly OrderEvent[] => {
  const decision = order.decide(command, stateOf(order, events));
  if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
  return decision;
};

describe('placing', () => {
  test('records the order with the amount of each line, rounded once', () => {
    const command = place([{ lineId: '1', quantity: 3, unitPrice: '3.335', tax: '2' }]);
    const { type: _, ...data } = command;
    given(order)
      .when(command)
      .thenEvents({
        type: 'OrderPlaced',
        data: { ...data, lines: command.lines.map((line) => ({ ...line, amount: '10.00', tax: '2.00' })) },
      });
  });

  test('the same order sent twice is one order, whatever became of it', () => {
    given(order, ...placed)
      .when(two)
      .thenNothing();
    given(order, ...confirmed)
      .when(two)
      .thenNothing();
    given(order, ...history(two, refuse))
      .when(two)
      .thenNothing();
  });

  test('another order under the same id is refused', () => {
    given(order, ...placed)
      .when(place(TWO, { contentHash: 'other' }))
      .thenRejected('order_exists');
  });

  test('two lines of one id, or a coupon given twice, are refused', () => {
    given(order)
      .when(place([{ lineId: '1' }, { lineId: '1' }]))
      .thenRejected('duplicate_line');
    given(order)
      .when(place(TWO, { coupons: ['A', 'A'] }))
      .thenRejected('duplicate_coupon');
  });

  test('an order has a limited number of lines', () => {
    const lines = Array.from({ length: LINES_MAX + 1 }, (_, index) => ({ lineId: String(index) }));
    given(order).when(place(lines)).thenRejected('too_many_lines');
    expect(order.decide(place(lines.slice(1)), order.initialState)).toHaveLength(1);
  });

  test('an amount that its currency does not have is refused', () => {
    given(order)
      .when(place([{ lineId: '1', tax: '0.001' }]))
      .thenRejected('invalid_amount', { lineId: '1' });
    given(order)
      .when(place([{ lineId: '1', unitPrice: '0.1234567' }]))
      .thenRejected('invalid_amount', { lineId: '1' });
    given(order)
      .when(place([{ lineId: '1', tax: '0.50' }], { currency: 'JPY' }))
      .thenRejected('invalid_amount', { lineId: '1' });
  });

  test('a total too large to be kept is refused, before any hold is made for it', () => {
    const largest = { unitPrice: '999999999999.99' };
    given(order)
      .when(place([{ lineId: '1', ...largest, quantity: 2 }]))
      .thenRejected('amount_too_large');
    given(order)
      .when(
        place([
          { lineId: '1', ...largest },
          { lineId: '2', ...largest },
        ]),
      )
      .thenRejected('amount_too_large');
    const fits = place([{ lineId: '1', ...largest }]);
    given(order, ...history(fits))
      .when(
        reserve(fits, [{ code: 'ALL', terms: { limit: 1, discount: { kind: 'percent', percent: '100' } } }]),
      )
      .thenEvents({
        type: 'OrderReserved',
        data: {
          allocations: allocationsFor(fits),
          discounts: [
            {
              code: 'ALL',
              amount: '999999999999.99',
              shares: [{ lineId: '1', amount: '999999999999.99' }],
            },
          ],
        },
      });
  });

  test('Medusa #16502: lines of one SKU count together, for the largest hold too', () => {
    const many = { sku: 'A', quantity: 6_000_000 };
    given(order)
      .when(
        place([
          { lineId: '1', ...many },
          { lineId: '2', ...many },
        ]),
      )
      .thenRejected('too_many_units', { sku: 'A' });
  });
});

test('nothing can be done with an order that does not exist', () => {
  const none: OrderCommand[] = [
    reserve(two),
    refuse,
    confirm,
    expire,
    cancel('c'),
    ship('s'),
    back('r', [of('1', 1)]),
  ];
  for (const command of none) given(order).when(command).thenRejected('unknown_order');
});

describe('reserving', () => {
  test('freezes where the goods come from, and waits for a confirmation where the policy says so', () => {
    given(order, ...placed)
      .when(reserve(two))
      .thenEvents({ type: 'OrderReserved', data: { allocations: allocationsFor(two), discounts: [] } });
  });

  test('confirms at once where the policy says so', () => {
    const auto = place(TWO, { confirm: 'auto' });
    const state = given(order, ...history(auto))
      .when(reserve(auto))
      .thenEvents(
        { type: 'OrderReserved', data: { allocations: allocationsFor(auto), discounts: [] } },
        { type: 'OrderConfirmed', data: {} },
      );
    expect(state.status).toBe('confirmed');
  });

  test('comes too late for an order that has an outcome', () => {
    for (const outcome of [history(two, refuse), confirmed, history(two, reserve(two), expire)]) {
      given(order, ...outcome)
        .when(reserve(two))
        .thenNothing();
    }
  });
});

describe('refusing', () => {
  test('rejects the order, and it stays rejected under its id', () => {
    const state = given(order, ...placed)
      .when(refuse)
      .thenEvents({
        type: 'OrderRejected',
        data: { code: 'insufficient_stock', detail: 'none left', sku: 'sku-1' },
      });
    expect(state.rejection?.code).toBe('insufficient_stock');
    given(order, ...history(two, refuse))
      .when(confirm)
      .thenRejected('wrong_status', { status: 'rejected' });
  });

  test('comes too late for an order that is reserved', () => {
    given(order, ...reserved)
      .when(refuse)
      .thenNothing();
  });
});

describe('confirming', () => {
  test('happens once', () => {
    given(order, ...reserved)
      .when(confirm)
      .thenEvents({ type: 'OrderConfirmed', data: {} });
    given(order, ...history(two, reserve(two), confirm, ship('s')))
      .when(confirm)
      .thenNothing();
  });

  test.each([
    ['placed', placed],
    ['expired', history(two, reserve(two), expire)],
    ['cancelled', history(two, reserve(two), cancel('c'))],
    ['rejected', history(two, refuse)],
  ])('is refused when the order is %s', (status, events) => {
    given(order, ...events)
      .when(confirm)
      .thenRejected('wrong_status', { status });
  });
});

describe('expiring', () => {
  test('ends an order that nobody confirmed in time', () => {
    given(order, ...reserved)
      .when(expire)
      .thenEvents({ type: 'OrderExpired', data: { dueAt: DUE_AT } });
  });

  test('comes to nothing before the deadline, or without one', () => {
    given(order, ...reserved)
      .when({ type: 'expire', dueAt: '2026-01-15T12:14:59.999Z' })
      .thenNothing();
    const { expiresAt: _, ...forEver } = two;
    given(order, ...history(forEver, reserve(two)))
      .when(expire)
      .thenNothing();
  });

  test('the order decides between a confirmation and a deadline: the first one recorded wins', () => {
    given(order, ...confirmed)
      .when(expire)
      .thenNothing();
    given(order, ...placed)
      .when(expire)
      .thenNothing();
    given(order, ...history(two, refuse))
      .when(expire)
      .thenNothing();
  });
});

describe('cancelling', () => {
  test('takes back all that is open when no lines are named', () => {
    const state = given(order, ...reserved)
      .when(cancel('c'))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('1', 3), of('2', 1)] },
      });
    expect(state.status).toBe('cancelled');
  });

  test('takes back some units and leaves the order as it is', () => {
    const state = given(order, ...confirmed)
      .when(cancel('c', [of('1', 2)]))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('1', 2)] },
      });
    expect(state.status).toBe('confirmed');
  });

  test('completes an order of which the rest was shipped', () => {
    const state = given(order, ...history(two, reserve(two), confirm, ship('s', [of('1', 3)])))
      .when(cancel('c'))
      .thenEvents(
        {
          type: 'OrderLinesCancelled',
          data: { cancellationId: 'c', reason: 'changed', lines: [of('2', 1)] },
        },
        { type: 'OrderCompleted', data: {} },
      );
    expect(state.status).toBe('completed');
  });

  test('a line named twice is summed before the check', () => {
    given(order, ...confirmed)
      .when(cancel('c', [of('1', 2), of('1', 2)]))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 3 });
  });

  test('the same cancellation twice is one, though a line was named twice in it', () => {
    const twice = cancel('c', [of('1', 1), of('1', 1)]);
    given(order, ...confirmed)
      .when(twice)
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('1', 2)] },
      });
  });

  test('other lines under the same id are refused: more, fewer, or others', () => {
    const done = history(two, reserve(two), cancel('c', [of('1', 1), of('2', 1)]));
    for (const other of [
      [of('1', 2), of('2', 1)],
      [of('1', 1)],
      [of('2', 1)],
      [of('1', 1), of('2', 1), of('3', 1)],
    ]) {
      given(order, ...done)
        .when(cancel('c', other))
        .thenRejected('id_reused', { id: 'cancellation:c' });
    }
    given(order, ...done)
      .when(cancel('c', [of('2', 1), of('1', 1)]))
      .thenNothing();
  });

  test('unknown lines, nothing, and more than is open are refused', () => {
    given(order, ...confirmed)
      .when(cancel('c', [of('x', 1)]))
      .thenRejected('unknown_line', { lineId: 'x' });
    given(order, ...confirmed)
      .when(cancel('c', []))
      .thenRejected('nothing_open');
    given(order, ...history(two, reserve(two), confirm, ship('s', [of('1', 2)])))
      .when(cancel('c', [of('1', 2)]))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 1 });
  });

  test.each([
    ['placed', placed],
    ['rejected', history(two, refuse)],
    ['expired', history(two, reserve(two), expire)],
    ['cancelled', history(two, reserve(two), cancel('first'))],
    ['completed', history(two, reserve(two), confirm, ship('s'))],
  ])('is refused when the order is %s', (status, events) => {
    given(order, ...events)
      .when(cancel('c'))
      .thenRejected('wrong_status', { status });
  });

  test('postage goes with the last goods, when none of them was shipped', () => {
    const state = given(order, ...confirmedWithPost)
      .when(cancel('c', [of('1', 3), of('2', 1)]))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('1', 3), of('2', 1), of('p', 1)] },
      });
    expect(state.status).toBe('cancelled');
  });

  test('a charge named in part goes whole with the last goods, and the repeat is still a repeat', () => {
    const wrapped = place([{ lineId: '1' }, { ...POST, quantity: 2 }]);
    given(order, ...history(wrapped, reserve(wrapped), confirm))
      .when(cancel('c', [of('1', 1), of('p', 1)]))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('1', 1), of('p', 2)] },
      });
  });

  test('of one of two charges leaves the other, in an order without goods', () => {
    const charges = place([POST, { ...POST, lineId: 'q' }]);
    given(order, ...history(charges, reserve(charges), confirm))
      .when(cancel('c', [of('p', 1)]))
      .thenEvents({
        type: 'OrderLinesCancelled',
        data: { cancellationId: 'c', reason: 'changed', lines: [of('p', 1)] },
      });
    given(order, ...history(charges, reserve(charges), confirm))
      .when(cancel('c', []))
      .thenRejected('nothing_open');
  });
});

describe('shipping', () => {
  const units = (
    line: LineInput & { lineId: string },
    quantity: number,
    amount: string,
    tax = '0.00',
  ): OrderUnits => ({
    lineId: line.lineId,
    kind: 'goods',
    sku: `sku-${line.lineId}`,
    quantity,
    amount,
    discount: '0.00',
    tax,
    location: 'main',
  });
  const shipped = (shipmentId: string, ...lines: OrderUnits[]): OrderEvent => ({
    type: 'OrderShipped',
    data: { shipmentId, channel: 'web', currency: 'GBP', lines },
  });
  const post: OrderUnits = {
    lineId: 'p',
    kind: 'charge',
    sku: 'POST',
    account: 'postage',
    quantity: 1,
    amount: '4.95',
    discount: '0.00',
    tax: '0.00',
  };

  test('sends everything that is open, and the order is complete', () => {
    const state = given(order, ...confirmed)
      .when(ship('s'))
      .thenEvents(
        shipped('s', units({ lineId: '1' }, 3, '30.00', '2.00'), units({ lineId: '2' }, 1, '5.00')),
        {
          type: 'OrderCompleted',
          data: {},
        },
      );
    expect(state.status).toBe('completed');
  });

  test('sends the units from the front, with their frozen shares', () => {
    given(order, ...confirmed)
      .when(ship('s1', [of('1', 1)]))
      .thenEvents(shipped('s1', units({ lineId: '1' }, 1, '10.00', '0.67')));
    given(order, ...history(two, reserve(two), confirm, ship('s1', [of('1', 1)])))
      .when(ship('s2', [of('1', 2)]))
      .thenEvents(shipped('s2', units({ lineId: '1' }, 2, '20.00', '1.33')));
  });

  test('postage goes out with the first shipment, and only then', () => {
    given(order, ...confirmedWithPost)
      .when(ship('s1', [of('1', 1)]))
      .thenEvents(shipped('s1', units({ lineId: '1' }, 1, '10.00', '0.67'), post));
    const first = history(withPost, reserve(withPost), confirm, ship('s1', [of('1', 1)]));
    given(order, ...first)
      .when(ship('s2', [of('2', 1)]))
      .thenEvents(shipped('s2', units({ lineId: '2' }, 1, '5.00')));
    given(order, ...first)
      .when(ship('s1', [of('1', 1)]))
      .thenNothing();
  });

  test('the same shipment twice is one; other lines under its id are refused', () => {
    const done = history(two, reserve(two), confirm, ship('s', [of('1', 1), of('1', 1)]));
    for (const repeat of [ship('s', [of('1', 1), of('1', 1)]), ship('s', [of('1', 2)]), ship('s')]) {
      given(order, ...done)
        .when(repeat)
        .thenNothing();
    }
    for (const other of [[of('1', 1)], [of('1', 2), of('2', 1)], []]) {
      given(order, ...done)
        .when(ship('s', other))
        .thenRejected('id_reused', { id: 'shipment:s' });
    }
  });

  test('a line whose id looks like two is still one line', () => {
    const odd = place([{ lineId: 'a=1&b', quantity: 2 }, { lineId: 'b' }]);
    const done = history(odd, reserve(odd), confirm, ship('s', [of('a=1&b', 1)]));
    given(order, ...done)
      .when(ship('s', [of('a=1&b', 1)]))
      .thenNothing();
    given(order, ...done)
      .when(ship('s', [of('b', 1)]))
      .thenRejected('id_reused');
  });

  test('unknown lines, nothing, and more than is open are refused', () => {
    given(order, ...confirmed)
      .when(ship('s', [of('x', 1)]))
      .thenRejected('unknown_line', { lineId: 'x' });
    given(order, ...confirmed)
      .when(ship('s', []))
      .thenRejected('nothing_open');
    given(order, ...confirmed)
      .when(ship('s', [of('1', 2), of('1', 2)]))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 3 });
    given(order, ...history(two, reserve(two), confirm, cancel('c', [of('1', 2)])))
      .when(ship('s', [of('1', 2)]))
      .thenRejected('exceeds_open_quantity', { lineId: '1', left: 1 });
  });

  test.each([
    ['placed', placed],
    ['reserved', reserved],
    ['rejected', history(two, refuse)],
    ['expired', history(two, reserve(two), expire)],
    ['cancelled', history(two, reserve(two), cancel('c'))],
    ['completed', history(two, reserve(two), confirm, ship('first'))],
  ])('is refused when the order is %s', (status, events) => {
    given(order, ...events)
      .when(ship('s'))
      .thenRejected('wrong_status', { status });
  });

  describe('from one of two locations', () => {
    const split = history(withPost, reserve(withPost, [], { 'sku-2': 'shop' }), confirm);

    test('sends what is open there, and the postage with the first', () => {
      given(order, ...split)
        .when(ship('s1', undefined, 'shop'))
        .thenEvents(shipped('s1', { ...units({ lineId: '2' }, 1, '5.00'), location: 'shop' }, post));
    });

    test('refuses a line that lies elsewhere', () => {
      given(order, ...split)
        .when(ship('s1', [of('1', 1)], 'shop'))
        .thenRejected('wrong_location', { lineId: '1' });
    });

    test('a location that has none of the goods sends nothing, not even the postage', () => {
      given(order, ...split)
        .when(ship('s1', undefined, 'nowhere'))
        .thenRejected('nothing_open');
    });
  });

  test('an order of charges alone is shipped from anywhere', () => {
    const charges = place([POST]);
    given(order, ...history(charges, reserve(charges), confirm))
      .when(ship('s', undefined, 'main'))
      .thenEvents(shipped('s', post), { type: 'OrderCompleted', data: {} });
  });
});

describe('returning', () => {
  const sent = history(two, reserve(two), confirm, ship('s'));
  const returned = (events: readonly OrderEvent[]) => {
    const [event] = events;
    if (event?.type !== 'OrderReturned') throw new Error('nothing was returned');
    return event.data;
  };

  test('gives back the frozen shares of the units, and the goods to where they came from', () => {
    given(order, ...sent)
      .when(back('r', [of('1', 1)], { note: 'C1' }))
      .thenEvents({
        type: 'OrderReturned',
        data: {
          returnId: 'r',
          channel: 'web',
          currency: 'GBP',
          reason: 'too small',
          note: 'C1',
          lines: [
            {
              lineId: '1',
              kind: 'goods',
              sku: 'sku-1',
              quantity: 1,
              amount: '10.00',
              discount: '0.00',
              tax: '0.67',
              location: 'main',
            },
          ],
          allowance: '0.00',
        },
      });
  });

  test('what was agreed beyond or below the shares is an allowance of its own', () => {
    const allowance = (credited: string) =>
      returned(decided(back('r', [of('2', 1)], { credited }), sent)).allowance;
    expect(allowance('6.50')).toBe('1.50');
    expect(allowance('4')).toBe('-1.00');
    expect(allowance('0')).toBe('-5.00');
    for (const credited of ['-1.00', '1.001', 'all']) {
      given(order, ...sent)
        .when(back('r', [of('2', 1)], { credited }))
        .thenRejected('invalid_amount');
    }
  });

  test('goods may come back to another location, charges to none', () => {
    const all = history(withPost, reserve(withPost), confirm, ship('s'));
    const { lines } = returned(decided(back('r', [of('2', 1), of('p', 1)], { location: 'shop' }), all));
    expect(lines.map(({ location }) => location)).toEqual(['shop', undefined]);
    const state = stateOf(order, [...all, ...decided(back('r', [of('2', 1), of('p', 1)]), all)]);
    expect(state.returns).toEqual([
      { returnId: 'r', lines: [{ sku: 'sku-2', location: 'main', quantity: 1 }] },
    ]);
  });

  test('never takes more back than was shipped', () => {
    given(order, ...confirmed)
      .when(back('r', [of('1', 1)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 0 });
    given(order, ...sent)
      .when(back('r', [of('1', 2), of('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 3 });
    given(order, ...[...sent, ...decided(back('r1', [of('1', 2)]), sent)])
      .when(back('r2', [of('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
  });

  test('unknown lines and nothing are refused', () => {
    given(order, ...sent)
      .when(back('r', [of('x', 1)]))
      .thenRejected('unknown_line', { lineId: 'x' });
    given(order, ...sent)
      .when(back('r', []))
      .thenRejected('nothing_open');
  });

  test('the same return twice is one; other lines under its id are refused', () => {
    const done = [...sent, ...decided(back('r', [of('1', 1), of('1', 1)]), sent)];
    given(order, ...done)
      .when(back('r', [of('1', 1), of('1', 1)]))
      .thenNothing();
    given(order, ...done)
      .when(back('r', [of('1', 1)]))
      .thenRejected('id_reused', { id: 'return:r' });
  });

  test('is possible while the order is still on its way, and leaves its status alone', () => {
    const part = history(two, reserve(two), confirm, ship('s', [of('1', 1)]));
    expect(stateOf(order, [...part, ...decided(back('r', [of('1', 1)]), part)]).status).toBe('confirmed');
    expect(stateOf(order, [...sent, ...decided(back('r', [of('1', 1)]), sent)]).status).toBe('completed');
  });
});

describe('money that others got wrong', () => {
  const percent = (text: string): CouponTerms => ({ limit: 1, discount: { kind: 'percent', percent: text } });
  const off = (amount: string): CouponTerms => ({
    limit: 1,
    discount: { kind: 'amount', amount, currency: 'GBP' },
  });
  const sold = (lines: readonly LineInput[], ...terms: CouponTerms[]) => {
    const command: PlaceOrder = place(lines, { coupons: terms.map((_, index) => `C${index}`) });
    const coupons = terms.map((one, index) => ({ code: `C${index}`, terms: one }));
    return history(command, reserve(command, coupons), confirm, ship('s'));
  };
  const charged = (events: readonly OrderEvent[]): number =>
    events.reduce((sum, event) => sum + (event.type === 'OrderShipped' ? paidFor(event.data.lines) : 0), 0);
  const refund = (events: OrderEvent[], returnId: string, lines: Asked): number => {
    const next = decided(back(returnId, lines), events);
    events.push(...next);
    return next.reduce(
      (sum, event) => sum + (event.type === 'OrderReturned' ? paidFor(event.data.lines) : 0),
      0,
    );
  };

  test('WooCommerce: a full refund of an order of 179.25 is 179.25, not 179.26', () => {
    const events = sold([
      { lineId: '1', quantity: 3, unitPrice: '49.7917' },
      { lineId: '2', quantity: 7, unitPrice: '4.2666' },
    ]);
    expect(charged(events)).toBe(17_925);
    expect(refund([...events], 'r', [of('1', 3), of('2', 7)])).toBe(17_925);
    const ones = [...Array(3).fill(of('1', 1)), ...Array(7).fill(of('2', 1))];
    const parts = ones.map((unit, index) => refund(events, `r${index}`, [unit]));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(17_925);
  });

  test('Vendure #3091: a discount over many units of one line does not drift by 0.11', () => {
    const events = sold([{ lineId: '1', quantity: 111, unitPrice: '1.00' }], off('10.00'));
    expect(charged(events)).toBe(10_100);
    let back = 0;
    for (let unit = 0; unit < 111; unit += 1) back += refund(events, `r${unit}`, [of('1', 1)]);
    expect(back).toBe(10_100);
  });

  test('Saleor #17024: an order voucher over three lines gives back to the penny, line by line', () => {
    const events = sold(
      ['1', '2', '3'].map((lineId) => ({ lineId, unitPrice: '9.99' })),
      off('10.00'),
    );
    const refunds = ['1', '2', '3'].map((lineId) => refund(events, `r${lineId}`, [of(lineId, 1)]));
    expect(refunds).toEqual([665, 666, 666]);
    expect(charged(events)).toBe(1997);
  });

  test('Vendure #4811: cancelling one line does not give its part of the discount to the others', () => {
    const command = place(
      [
        { lineId: '1', unitPrice: '60.00' },
        { lineId: '2', unitPrice: '40.00' },
      ],
      { coupons: ['C0'] },
    );
    const events = history(
      command,
      reserve(command, [{ code: 'C0', terms: off('10.00') }]),
      confirm,
      cancel('c', [of('2', 1)]),
      ship('s'),
    );
    expect(charged(events)).toBe(5_400);
    expect(refund(events, 'r', [of('1', 1)])).toBe(5_400);
  });

  test('Medusa #13433, #13972: many returns add up to what was paid and leave no 0.01 behind', () => {
    const events = sold(
      [
        { lineId: '1', quantity: 7, unitPrice: '3.335', tax: '1.01' },
        { lineId: '2', quantity: 3, unitPrice: '0.99', tax: '0.02' },
      ],
      percent('12.5'),
      percent('3.3333'),
    );
    const paid = charged(events);
    const parts = [[of('1', 2)], [of('2', 1), of('1', 1)], [of('1', 3)], [of('2', 2)], [of('1', 1)]] as const;
    const back = parts.reduce((sum, lines, index) => sum + refund(events, `r${index}`, lines), 0);
    expect(back).toBe(paid);
  });

  test('Medusa #12226: an order at 100 % off charges nothing and refunds nothing', () => {
    const events = sold([{ lineId: '1', quantity: 3, unitPrice: '3.333' }], percent('100'));
    expect(charged(events)).toBe(0);
    expect(refund(events, 'r', [of('1', 2)])).toBe(0);
    given(order, ...events)
      .when(back('r', [of('1', 2)]))
      .thenNothing();
  });
});
