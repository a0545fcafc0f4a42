import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import { chargedOf, leftToCredit } from '../../src/domain/order-charge.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { RETURN_REQUESTS_MAX } from '../../src/domain/return-events.js';
import { given, stateOf } from '../support/decider-spec.js';
import { type LineInput, place, reserve } from '../support/orders.js';
import {
  allowance,
  authorise,
  back,
  creditReturn,
  inspect,
  receiveReturn,
  refuseReturn,
  requestReturn,
  units,
  wholeReturn,
} from '../support/returns.js';

const LINES: readonly LineInput[] = [
  { lineId: '1', quantity: 3, unitPrice: '10.00', tax: '2.00' },
  { lineId: '2', quantity: 1, unitPrice: '5.00' },
  { lineId: 'p', kind: 'charge', sku: 'POST', account: 'postage', unitPrice: '4.95' },
];
const placed = place(LINES);
const ship: OrderCommand = { type: 'ship', shipmentId: 's' };
const SENT: readonly OrderCommand[] = [placed, reserve(placed), { type: 'confirm' }, ship];

/** The events that these commands come to after the order was shipped; a rejection is a mistake in the test. */
const sent = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of [...SENT, ...commands]) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};
const after = (...commands: readonly OrderCommand[]) => stateOf(order, sent(...commands));

const goods = (quantity: number, amount: string, tax: string, location?: string) => ({
  lineId: '1',
  kind: 'goods' as const,
  sku: 'sku-1',
  quantity,
  amount,
  discount: '0.00',
  tax,
  ...(location === undefined ? {} : { location }),
});
const returned = (
  returnId: string,
  lines: ReturnType<typeof goods>[],
  allowanceText = '0.00',
): OrderEvent => ({
  type: 'OrderReturned',
  data: { returnId, channel: 'web', currency: 'GBP', reason: 'too small', lines, allowance: allowanceText },
});

describe('a return by request', () => {
  test('is requested with reason and SKUs, and authorised', () => {
    given(order, ...sent())
      .when(requestReturn('r', [units('1', 2)]))
      .thenEvents({
        type: 'OrderReturnRequested',
        data: { returnId: 'r', reason: 'too small', lines: [{ lineId: '1', sku: 'sku-1', quantity: 2 }] },
      });
    given(order, ...sent(requestReturn('r', [units('1', 2)])))
      .when(authorise('r', { note: 'with its box' }))
      .thenEvents({
        type: 'OrderReturnAuthorised',
        data: { returnId: 'r', note: 'with its box', creditOn: 'inspection' },
      });
  });

  test('takes its units: no other request and no direct return can have them while it is open', () => {
    const open = sent(requestReturn('r', [units('1', 2)]));
    given(order, ...open)
      .when(requestReturn('r2', [units('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
    given(order, ...open)
      .when(back('r2', [units('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
    expect(isRejection(order.decide(back('r2', [units('1', 1)]), stateOf(order, open)))).toBe(false);
  });

  test('counts what was returned over the counter before', () => {
    given(order, ...sent(back('d', [units('1', 2)])))
      .when(requestReturn('r', [units('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
  });

  test('may come to another location, and fewer than requested: the rest is free again', () => {
    const coming = sent(requestReturn('r', [units('1', 3)]), authorise('r'));
    given(order, ...coming)
      .when(receiveReturn('r', [units('1', 2)], 'shop'))
      .thenEvents({
        type: 'OrderReturnReceived',
        data: { returnId: 'r', location: 'shop', lines: [{ lineId: '1', quantity: 2 }] },
      });
    given(order, ...coming)
      .when(receiveReturn('r', [units('1', 4)]))
      .thenRejected('exceeds_requested_quantity', { lineId: '1', left: 3 });
    given(order, ...coming)
      .when(receiveReturn('r', [units('2')]))
      .thenRejected('exceeds_requested_quantity');
    const came = sent(
      requestReturn('r', [units('1', 3)]),
      authorise('r'),
      receiveReturn('r', [units('1', 2)]),
    );
    given(order, ...came)
      .when(requestReturn('r2', [units('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
  });

  test('inspected: resaleable and damaged units are credited by their shares in the same append, only the former go into stock', () => {
    const came = sent(
      requestReturn('r', [units('1', 3)]),
      authorise('r'),
      receiveReturn('r', [units('1', 3)], 'shop'),
    );
    const state = given(order, ...came)
      .when(inspect('r', ['1', 1, 'damaged'], ['1', 2, 'resaleable']))
      .thenEvents(
        {
          type: 'OrderReturnInspected',
          data: {
            returnId: 'r',
            lines: [
              { lineId: '1', quantity: 2, outcome: 'resaleable' },
              { lineId: '1', quantity: 1, outcome: 'damaged' },
            ],
          },
        },
        returned('r', [goods(2, '20.00', '1.34', 'shop'), goods(1, '10.00', '0.66')]),
      );
    expect(state.returns).toEqual([
      { returnId: 'r', lines: [{ sku: 'sku-1', location: 'shop', quantity: 2 }] },
    ]);
    expect(state.afterSales.requests.get('r')?.status).toBe('credited');
    expect(state.lines.get('1')?.returned).toBe(3);
  });

  test('missing units are not credited and may be requested again, refused ones never', () => {
    const looked = sent(
      requestReturn('r', [units('1', 3)]),
      authorise('r'),
      receiveReturn('r', [units('1', 3)]),
      inspect('r', ['1', 1, 'resaleable'], ['1', 1, 'missing'], ['1', 1, 'refused']),
    );
    expect(looked.at(-1)).toEqual(returned('r', [goods(1, '10.00', '0.67', 'main')]));
    for (const command of [requestReturn('r2', [units('1', 2)]), back('r2', [units('1', 2)])]) {
      given(order, ...looked)
        .when(command)
        .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
    }
  });

  test('of which nothing is accepted is closed, and credits nothing', () => {
    const came = sent(requestReturn('r', [units('1')]), authorise('r'), receiveReturn('r', [units('1')]));
    const state = given(order, ...came)
      .when(inspect('r', ['1', 1, 'missing']))
      .thenEvents({
        type: 'OrderReturnInspected',
        data: { returnId: 'r', lines: [{ lineId: '1', quantity: 1, outcome: 'missing' }] },
      });
    expect(state.afterSales.requests.get('r')?.status).toBe('closed');
    expect(leftToCredit(state)).toBe(chargedOf(state));
  });

  test('an inspection accounts for every unit that was received', () => {
    const came = sent(
      requestReturn('r', [units('1', 2)]),
      authorise('r'),
      receiveReturn('r', [units('1', 2)]),
    );
    given(order, ...came)
      .when(inspect('r', ['1', 1, 'resaleable']))
      .thenRejected('inspection_incomplete', { lineId: '1', received: 2, inspected: 1 });
    given(order, ...came)
      .when(inspect('r', ['1', 2, 'resaleable'], ['1', 1, 'missing']))
      .thenRejected('inspection_incomplete', { lineId: '1', received: 2, inspected: 3 });
    given(order, ...came)
      .when(inspect('r', ['1', 2, 'resaleable'], ['2', 1, 'missing']))
      .thenRejected('unknown_line', { lineId: '2' });
  });

  test('charges named with goods are credited along as soon as any of the goods are accepted', () => {
    const came = sent(
      requestReturn('r', [units('2'), units('p')]),
      authorise('r'),
      receiveReturn('r', [units('2')]),
    );
    const decision = order.decide(inspect('r', ['2', 1, 'damaged']), stateOf(order, came));
    expect(decision).toMatchObject([
      { data: { lines: [{ lineId: '2' }, { lineId: 'p', quantity: 1, outcome: 'credited' }] } },
      {
        data: {
          lines: [
            { lineId: '2', amount: '5.00' },
            { lineId: 'p', amount: '4.95' },
          ],
        },
      },
    ]);
    const missing = order.decide(inspect('r', ['2', 1, 'missing']), stateOf(order, came));
    expect(missing).toMatchObject([{ data: { lines: [{ lineId: '2', outcome: 'missing' }] } }]);
    given(order, ...sent())
      .when(requestReturn('r', [units('p')]))
      .thenRejected('nothing_open');
  });

  test('is credited when somebody says so, where the authorisation left it to them', () => {
    const looked = sent(
      requestReturn('r', [units('2')]),
      authorise('r', { creditOn: 'command' }),
      receiveReturn('r', [units('2')]),
      inspect('r', ['2', 1, 'resaleable']),
    );
    expect(looked.at(-1)?.type).toBe('OrderReturnInspected');
    given(order, ...looked)
      .when(back('d', [units('2')]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '2', left: 0 });
    given(order, ...looked)
      .when(creditReturn('r', { note: 'C1', credited: '4.00' }))
      .thenEvents({
        type: 'OrderReturned',
        data: {
          returnId: 'r',
          channel: 'web',
          currency: 'GBP',
          reason: 'too small',
          note: 'C1',
          lines: [{ ...goods(1, '5.00', '0.00', 'main'), lineId: '2', sku: 'sku-2' }],
          allowance: '-1.00',
        },
      });
    for (const [credited, code] of [
      ['1.001', 'invalid_amount'],
      ['41.96', 'exceeds_paid'],
    ] as const) {
      given(order, ...looked)
        .when(creditReturn('r', { credited }))
        .thenRejected(code);
    }
  });

  test('declined before anything came, its units are free; refused after, they are gone for good', () => {
    const free = after(requestReturn('r', [units('1', 3)]), refuseReturn('r'));
    expect(isRejection(order.decide(requestReturn('r2', [units('1', 3)]), free))).toBe(false);
    const came = [requestReturn('r', [units('1', 3)]), authorise('r'), receiveReturn('r', [units('1', 2)])];
    given(order, ...sent(...came, refuseReturn('r', 'worn')))
      .when(requestReturn('r2', [units('1', 2)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 1 });
    const looked = [
      requestReturn('r', [units('1', 2)]),
      authorise('r', { creditOn: 'command' }),
      receiveReturn('r', [units('1', 2)]),
      inspect('r', ['1', 1, 'damaged'], ['1', 1, 'missing']),
    ];
    given(order, ...sent(...looked, refuseReturn('r', 'broken by them')))
      .when(requestReturn('r2', [units('1', 3)]))
      .thenRejected('exceeds_shipped_quantity', { lineId: '1', left: 2 });
  });

  test.each<[string, OrderCommand[], OrderCommand, string]>([
    ['received before it was authorised', [], receiveReturn('r', [units('1')]), 'wrong_return_status'],
    [
      'inspected before it was received',
      [authorise('r')],
      inspect('r', ['1', 1, 'damaged']),
      'wrong_return_status',
    ],
    ['credited before it was inspected', [authorise('r')], creditReturn('r'), 'wrong_return_status'],
    ['authorised after it was refused', [refuseReturn('r')], authorise('r'), 'wrong_return_status'],
    ['that nobody requested', [], authorise('x'), 'unknown_return'],
  ])('%s is refused', (_, before, command, code) => {
    given(order, ...sent(requestReturn('r', [units('1')]), ...before))
      .when(command)
      .thenRejected(code);
  });

  test('what was credited cannot be refused any more', () => {
    given(order, ...sent(...wholeReturn('r', [units('1')])))
      .when(refuseReturn('r'))
      .thenRejected('wrong_return_status', { status: 'credited' });
  });

  test('each step again is nothing, at any later time; with other content it is refused', () => {
    const steps = wholeReturn('r', [units('1', 2)], 'shop');
    const done = sent(...steps);
    for (const step of steps) {
      given(order, ...done)
        .when(step)
        .thenNothing();
    }
    const others: OrderCommand[] = [
      requestReturn('r', [units('1', 1)]),
      requestReturn('r', [units('1', 2)], 'other'),
      authorise('r', { note: 'other' }),
      authorise('r', { creditOn: 'command' }),
      receiveReturn('r', [units('1', 2)], 'main'),
      receiveReturn('r', [units('1', 1)], 'shop'),
      inspect('r', ['1', 2, 'damaged']),
      back('r', [units('1', 2)]),
      creditReturn('r', { note: 'C9' }),
      creditReturn('r', { credited: '1.00' }),
    ];
    for (const other of others) {
      given(order, ...done)
        .when(other)
        .thenRejected('id_reused');
    }
    given(order, ...done)
      .when(creditReturn('r'))
      .thenNothing();
    given(order, ...sent(requestReturn('r', [units('1')]), refuseReturn('r')))
      .when(refuseReturn('r', 'other'))
      .thenRejected('id_reused');
    given(order, ...sent(back('d', [units('1')])))
      .when(requestReturn('d', [units('1')]))
      .thenRejected('id_reused');
  });

  test('an order has so many requests and no more', () => {
    const many = Array.from({ length: RETURN_REQUESTS_MAX }, (_, index) => [
      requestReturn(`r${index}`, [units('1')]),
      refuseReturn(`r${index}`),
    ]).flat();
    given(order, ...sent(...many))
      .when(requestReturn('one more', [units('1')]))
      .thenRejected('too_many_returns');
  });
});

describe('a return over the counter', () => {
  const done = sent(back('r', [units('1', 2)], { note: 'C1', credited: '25.00' }));

  test('again under its id with another amount, note or place is not the same return', () => {
    const again = (more: object) => back('r', [units('1', 2)], { note: 'C1', credited: '25.00', ...more });
    for (const same of [{}, { credited: '25' }, { location: 'main' }]) {
      given(order, ...done)
        .when(again(same))
        .thenNothing();
    }
    for (const other of [{ credited: '24.00' }, { note: 'C2' }, { location: 'shop' }]) {
      given(order, ...done)
        .when(again(other))
        .thenRejected('id_reused', { id: 'return:r' });
    }
    const { credited: _, ...withoutAmount } = again({});
    given(order, ...done)
      .when(withoutAmount)
      .thenRejected('id_reused');
    const { note: __, ...withoutNote } = again({});
    given(order, ...done)
      .when(withoutNote)
      .thenRejected('id_reused');
  });

  test('credits no more than was charged, unless somebody says why, and then the event does', () => {
    // 30.00 + 2.00 + 5.00 + 4.95
    given(order, ...sent())
      .when(back('r', [units('1')], { credited: '41.96' }))
      .thenRejected('exceeds_paid', { left: '41.95' });
    const { allowance: given50 } = creditOf(
      back('r', [units('1')], { credited: '50.00', goodwill: 'a year late' }),
    );
    expect(given50).toBe('39.33');
    expect(creditOf(back('r', [units('1')], { credited: '50.00', goodwill: 'a year late' })).goodwill).toBe(
      'a year late',
    );
    expect(creditOf(back('r', [units('1')], { goodwill: 'not needed' })).goodwill).toBeUndefined();
  });

  test('without an amount is cut to what is left of what was charged', () => {
    const { allowance: cut } = creditOf(
      back('r', [units('1', 3), units('2'), units('p')]),
      allowance('a', '1.95'),
    );
    expect(cut).toBe('-1.95');
    const over = [back('g', [units('2')], { credited: '60.00', goodwill: 'why' })];
    expect(creditOf(back('r', [units('1')]), ...over).allowance).toBe('-10.67');
  });
});

const creditOf = (command: OrderCommand, ...before: OrderCommand[]) => {
  const decision = order.decide(command, after(...before));
  const event = isRejection(decision) ? undefined : decision[0];
  if (event?.type !== 'OrderReturned') throw new Error('nothing was credited');
  return event.data;
};
