import type { OrderCommand } from '../../src/domain/order.js';
import { orderIdOf } from '../../src/domain/stream-id.js';
import {
  type ConsignmentProcess,
  createConsignmentProcess,
} from '../../src/processes/consignment-process.js';
import { createOrderProcess, type OrderProcess } from '../../src/processes/order-process.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { context, processSpec, type Step } from './process-spec.js';

/** A shop in memory whose orders leave alone or together. */
export interface World {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly consignments: ConsignmentProcess;
}
export const { given } = processSpec<World>(({ bus }) => {
  const orders = createOrderProcess(bus);
  return { bus, orders, consignments: createConsignmentProcess(bus, orders) };
});

export const run =
  (id: string, command: OrderCommand): Step<World> =>
  ({ orders }) =>
    orders.execute(orderIdOf('web', id), command, context());
