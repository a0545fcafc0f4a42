import fc from 'fast-check';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderEvent, OrderReturned, OrderShipped } from '../../src/domain/order-events.js';
import type { OrderState } from '../../src/domain/order-state.js';
import { place, reserve } from '../support/orders.js';

/** What an order went through: shipments and returns in any order and size, allowed or not. */
export interface OrderLife {
  readonly placed: ReturnType<typeof place>;
  readonly percent: string | undefined;
  readonly moves: readonly {
    readonly type: 'ship' | 'return';
    readonly line: number;
    readonly quantity: number;
    readonly credited?: string | undefined;
  }[];
}

const cents = fc
  .integer({ min: 0, max: 99_999 })
  .map((n) => `${Math.trunc(n / 100)}.${`${n % 100}`.padStart(2, '0')}`);

const line = fc.record({
  kind: fc.constantFrom('goods' as const, 'goods' as const, 'charge' as const, 'voucher' as const),
  quantity: fc.integer({ min: 1, max: 6 }),
  unitPrice: fc
    .integer({ min: 0, max: 9_999_999 })
    .map((n) => `${Math.trunc(n / 1000)}.${`${n % 1000}`.padStart(3, '0')}`),
  tax: cents,
});

export const orderLife = (options: { readonly credited: boolean }): fc.Arbitrary<OrderLife> =>
  fc.record({
    placed: fc
      .array(line, { minLength: 1, maxLength: 4 })
      .map((lines) => place(lines.map((one, index) => ({ lineId: `${index + 1}`, ...one })))),
    percent: fc.option(fc.constantFrom('10', '33.3333', '100'), { nil: undefined }),
    moves: fc.array(
      fc.record({
        type: fc.constantFrom('ship' as const, 'ship' as const, 'return' as const),
        line: fc.integer({ min: 1, max: 4 }),
        quantity: fc.integer({ min: 1, max: 6 }),
        credited: options.credited ? fc.option(cents, { nil: undefined }) : fc.constant(undefined),
      }),
      { maxLength: 12 },
    ),
  });

/** Lives the life against the decider; what is refused did not happen. */
export const live = ({ placed, percent, moves }: OrderLife): { state: OrderState; events: OrderEvent[] } => {
  let state = order.initialState;
  const events: OrderEvent[] = [];
  const run = (command: OrderCommand): void => {
    const decision = order.decide(command, state);
    if (isRejection(decision)) return;
    for (const event of decision) state = order.evolve(state, event);
    events.push(...decision);
  };
  const terms = { discount: { kind: 'percent', percent: percent ?? '0' }, limit: 1 } as const;
  run(placed);
  run(reserve(placed, percent === undefined ? [] : [{ code: 'C', terms }]));
  run({ type: 'confirm' });
  moves.forEach(({ type, line: lineNo, quantity, credited }, index) => {
    const lines = [{ lineId: `${lineNo}`, quantity }];
    if (type === 'ship') run({ type, shipmentId: `s${index}`, lines });
    else {
      const more = credited === undefined ? {} : { credited };
      run({ type, returnId: `r${index}`, reason: 'no longer wanted', lines, ...more });
    }
  });
  return { state, events };
};

/** Ships what is open and takes everything back. */
export const undo = (life: { state: OrderState; events: OrderEvent[] }): OrderEvent[] => {
  let { state } = life;
  const events = [...life.events];
  const run = (command: OrderCommand): void => {
    const decision = order.decide(command, state);
    if (isRejection(decision)) return;
    for (const event of decision) state = order.evolve(state, event);
    events.push(...decision);
  };
  run({ type: 'ship', shipmentId: 'rest' });
  const lines = [...state.lines.values()]
    .filter(({ shipped, returned }) => shipped > returned)
    .map(({ lineId, shipped, returned }) => ({ lineId, quantity: shipped - returned }));
  run({ type: 'return', returnId: 'all', reason: 'no longer wanted', lines });
  return events;
};

export const isCause = (event: OrderEvent): event is OrderShipped | OrderReturned =>
  event.type === 'OrderShipped' || event.type === 'OrderReturned';
