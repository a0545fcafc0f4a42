import { describe, expect, test } from '@jest/globals';
import {
  CONSIGNMENT_ORDERS_MAX,
  type ConsignmentCommand,
  type ConsignmentEvent,
  consignment,
} from '../../src/domain/consignment.js';
import { refusalToMerge } from '../../src/domain/consignment-order.js';
import { order } from '../../src/domain/order.js';
import type { OrderCommand, PlaceOrder } from '../../src/domain/order-commands.js';
import { given } from '../support/decider-spec.js';
import { place, reserve } from '../support/orders.js';
import { review } from '../support/reviews.js';

const PLAN = {
  channel: 'web',
  consignmentId: 'k',
  location: 'main',
  customerId: 'c1',
  orders: ['web~1', 'web~2'],
};
const plan = (more: Partial<typeof PLAN> = {}): ConsignmentCommand => ({
  type: 'plan',
  plan: { ...PLAN, ...more },
});
const planned: ConsignmentEvent = { type: 'ConsignmentPlanned', data: PLAN };
const shipped = (orderId: string, units = 3): ConsignmentEvent => ({
  type: 'ConsignmentOrderShipped',
  data: { orderId, units },
});
const record = (orderId: string, units = 3): ConsignmentCommand => ({
  type: 'record-shipped',
  orderId,
  units,
});
const no = { orderId: 'web~2', code: 'order_held', detail: 'waits for fraud' };

describe('a consignment', () => {
  test('is planned once; the same again is nothing, another one under its id a conflict', () => {
    given(consignment).when(plan()).thenEvents(planned);
    given(consignment, planned).when(plan()).thenNothing();
    given(consignment, planned)
      .when(plan({ location: 'shop' }))
      .thenRejected('id_reused');
    given(consignment, planned)
      .when(plan({ orders: ['web~2', 'web~1'] }))
      .thenRejected('id_reused');
  });

  test('has two orders or more, each once, and not too many', () => {
    given(consignment)
      .when(plan({ orders: ['web~1', 'web~1'] }))
      .thenRejected('duplicate_order');
    given(consignment)
      .when(plan({ orders: ['web~1'] }))
      .thenRejected('too_few_orders');
    const many = Array.from({ length: CONSIGNMENT_ORDERS_MAX + 1 }, (_, n) => `web~${n}`);
    given(consignment)
      .when(plan({ orders: many }))
      .thenRejected('too_many_orders');
  });

  test('records each outcome once, and closes with the last', () => {
    given(consignment, planned).when(record('web~1')).thenEvents(shipped('web~1'));
    const state = given(consignment, planned, shipped('web~1'))
      .when({ type: 'drop', ...no })
      .thenEvents(
        { type: 'ConsignmentOrderDropped', data: no },
        { type: 'ConsignmentClosed', data: { shipped: 1, dropped: 1 } },
      );
    expect(state.status).toBe('closed');
    given(consignment, planned, shipped('web~1'))
      .when({ type: 'drop', ...no, orderId: 'web~1' })
      .thenNothing();
  });

  test('knows no order that is not of it, and none before it is planned', () => {
    given(consignment, planned).when(record('web~3')).thenRejected('unknown_order');
    given(consignment).when(record('web~1')).thenRejected('unknown_consignment');
  });
});

describe('an order can leave with another', () => {
  const GB = { country: 'GB', postalCode: 'TN1' };
  const stateOf = (more: Partial<PlaceOrder> = {}, ...then: readonly OrderCommand[]) => {
    const command = place([{ lineId: '1', sku: 'A', quantity: 2 }], {
      customerId: 'c1',
      destination: GB,
      ...more,
    });
    const elsewhere = command.sources[0] === 'shop' ? { A: 'shop' } : {};
    let state = order.initialState;
    const reserved = then[0]?.type === 'reserve' ? [] : [reserve(command, [], elsewhere)];
    for (const one of [command, ...reserved, ...then]) {
      const decision = order.decide(one, state);
      if ('code' in decision) throw new Error(decision.code);
      state = decision.reduce(order.evolve, state);
    }
    return state;
  };
  /** Of its two units these are held, the rest waits. */
  const heldAt = (...places: readonly string[]) => {
    const allocations = places.map((location) => ({ sku: 'A', location, quantity: 1, refused: [] }));
    return [
      { shortage: 'backorder', confirm: 'auto' },
      { type: 'reserve', allocations, coupons: [] },
    ] as const;
  };
  const CONFIRM: OrderCommand = { type: 'confirm' };
  const first = stateOf({}, CONFIRM);
  const at = { channel: 'web', location: 'main' };
  const apart: OrderCommand = { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 2 }] };

  test('when it is confirmed, of the same customer and destination, and all of it is there', () => {
    expect(refusalToMerge(stateOf({ externalId: '2' }, CONFIRM), first, at)).toBeUndefined();
    // What is elsewhere ships apart.
    const half: OrderCommand = { type: 'split', splitId: 's', lines: [{ lineId: '1', quantity: 1 }] };
    expect(refusalToMerge(stateOf(...heldAt('main', 'shop'), half), first, at)).toBeUndefined();
    const home = { destination: { ...GB, deliveryAddressId: 'home' } };
    const two = [stateOf(home, CONFIRM), stateOf({ ...home, externalId: '2' }, CONFIRM)] as const;
    expect(refusalToMerge(two[1], two[0], at)).toBeUndefined();
  });

  test.each([
    ['was never placed', order.initialState, 'unknown_order'],
    ['is not confirmed', stateOf(), 'wrong_status'],
    ['has no customer', stateOf({ customerId: undefined } as object, CONFIRM), 'no_customer'],
    ['goes nowhere', stateOf({ destination: undefined } as object, CONFIRM), 'no_destination'],
    ['is of another channel', stateOf({ channel: 'jp' }, CONFIRM), 'other_channel'],
    ['is of another customer', stateOf({ customerId: 'c2' }, CONFIRM), 'other_customer'],
    ['goes elsewhere', stateOf({ destination: { country: 'GB' } }, CONFIRM), 'other_destination'],
    [
      'goes to another address of the customer',
      stateOf({ destination: { ...GB, deliveryAddressId: 'office' } }, CONFIRM),
      'other_destination',
    ],
    ['is held', stateOf({}, CONFIRM, review('h', { blocks: ['ship'] })), 'order_held'],
    ['is held in part', stateOf({}, CONFIRM, review('h', { blocks: ['ship'], lines: ['1'] })), 'order_held'],
    ['is at another place', stateOf({ sources: ['shop'] }, CONFIRM), 'wrong_location'],
    ['is at another place in part', stateOf(...heldAt('main', 'shop')), 'wrong_location'],
    ['waits for stock in part', stateOf(...heldAt('main')), 'not_allocated'],
    ['ships apart', stateOf({}, CONFIRM, apart), 'nothing_open'],
    ['is gone', stateOf({}, CONFIRM, { type: 'ship', shipmentId: 's' }), 'wrong_status'],
  ])('but not when it %s', (_, state, code) => {
    expect(refusalToMerge(state, first, at)).toBe(code);
  });
});
