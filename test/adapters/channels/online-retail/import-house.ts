import { importOnlineRetail } from '../../../../src/adapters/channels/online-retail/import.js';
import type {
  ImportOptions,
  ImportReport,
} from '../../../../src/adapters/channels/online-retail/import-types.js';
import type { Plan } from '../../../../src/adapters/channels/online-retail/plan-types.js';
import { allEventDefinitions } from '../../../../src/domain/events.js';
import { createLedger } from '../../../../src/processes/ledger.js';
import { createOrderProcess } from '../../../../src/processes/order-process.js';
import { createReturnProcess } from '../../../../src/processes/return-process.js';
import { createCodec } from '../../../../src/runtime/codec.js';
import type { CommandBus } from '../../../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../../../src/runtime/command-runner.js';
import type { EventStore } from '../../../../src/runtime/event-store.js';

export interface Import {
  readonly report: ImportReport;
  readonly bus: CommandBus;
}

const codec = createCodec(allEventDefinitions);

/** One process that imports a plan into a store and is gone. */
export async function runImport(
  store: EventStore,
  plan: Plan,
  options: Partial<ImportOptions> = {},
): Promise<Import> {
  const bus = createCommandRunner({ store, codec });
  const report = await importOnlineRetail({
    plan,
    bus,
    orders: createOrderProcess(bus),
    returns: createReturnProcess(bus),
    ledger: createLedger(bus),
    ...options,
  });
  return { report, bus };
}
