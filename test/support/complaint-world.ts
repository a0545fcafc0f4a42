import { type OrderCommand, order, type PlaceOrder } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { type LineInput, place } from './orders.js';
import { context, done, processSpec, type Step } from './process-spec.js';

/** A shop in memory for complaints about orders: its steps, and looks at what came of them. */
export interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
}
const { given } = processSpec<World>(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));
export const receive = (location: string, sku: string, quantity: number, receiptId = 'r'): Step<World> =>
  done(stock, stockIdOf(location, sku), { type: 'receive', receiptId, quantity });
export const open =
  (id: string, lines: readonly LineInput[], more: Partial<PlaceOrder> = {}): Step<World> =>
  ({ orders }) =>
    orders.execute(
      orderIdOf('web', id),
      place(lines, { externalId: id, confirm: 'auto', contentHash: id, ...more }),
      context(),
    );
export const act =
  (id: string, command: OrderCommand): Step<World> =>
  ({ orders }) =>
    orders.execute(orderIdOf('web', id), command, context());
export const stateOf = async ({ bus }: World, id: string) =>
  (await bus.load(order, orderIdOf('web', id))).state;
export const levelOf = async ({ bus }: World, location: string, sku: string) => {
  const { onHand, holds } = (await bus.load(stock, stockIdOf(location, sku))).state;
  return { onHand, held: holds.held };
};
/** Whoever comes after these steps. */
export const worldAfter = (...steps: readonly Step<World>[]): Promise<World> =>
  given(...steps)
    .when(async () => undefined)
    .thenEvents({});
