import { afterAll, beforeAll, test } from '@jest/globals';
import fc from 'fast-check';
import { allEventDefinitions } from '../../src/domain/events.js';
import { stock } from '../../src/domain/stock.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';
import { batchSizes, type ProjectionSpec, projectionSpec } from '../support/projection-spec.js';
import { transferEvents } from './transfer.js';
import { createTransferProcess, type TransferProcess } from './transfer-process.js';
import { transfers } from './transfers.js';

/** The examples of docs/guides/writing-a-decider.md. */
const definitions = [...allEventDefinitions, ...transferEvents];
interface World {
  readonly bus: CommandBus;
  readonly transfers: TransferProcess;
}
const world = processSpec<World>(({ bus }) => ({ bus, transfers: createTransferProcess(bus) }), definitions);
const asked = { from: 'east', to: 'west', sku: 'MUG', quantity: 3 };
const requested = { type: 'TransferRequested', data: asked } as const;

let database: TestDatabase;
let spec: ProjectionSpec;
beforeAll(async () => {
  database = await testDatabase();
  spec = await projectionSpec(database.db, [transfers], definitions);
});
afterAll(() => database.drop());

test('a transfer is a row, wherever its events are cut into batches', async () => {
  await spec
    .given(
      ['transfer-t1', requested],
      ['transfer-t2', requested],
      ['transfer-t1', { type: 'TransferDispatched', data: {} }],
      ['transfer-t2', { type: 'TransferRefused', data: { code: 'below_held' } }],
      ['transfer-t1', { type: 'TransferArrived', data: {} }],
    )
    .thenRows('transfers', [
      { transfer_id: 't1', status: 'arrived', quantity: 3n },
      { transfer_id: 't2', status: 'refused' },
    ]);
});

test('so are those of a busy day', async () => {
  const aTransfer = fc.record({
    id: fc.constantFrom('t1', 't2', 't3', 't4'),
    from: fc.constantFrom('east', 'west'),
    quantity: fc.integer({ min: 1, max: 4 }),
  });
  type Asked = typeof aTransfer extends fc.Arbitrary<infer One> ? One : never;
  const doing =
    ({ id, from, quantity }: Asked): Step<World> =>
    ({ transfers: process }) =>
      process.request(id, { from, to: from === 'east' ? 'west' : 'east', sku: 'MUG', quantity }, context());
  const stocked = done(stock, 'east~MUG', { type: 'receive', receiptId: 'r', quantity: 5 });

  await fc.assert(
    fc.asyncProperty(fc.array(aTransfer, { maxLength: 12 }), batchSizes, async (day, sizes) => {
      await spec.expectSame(await world.given(stocked, ...day.map(doing)).recorded(), sizes);
    }),
    { numRuns: 20 },
  );
});
