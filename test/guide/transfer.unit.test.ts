import { expect, test } from '@jest/globals';
import { allEventDefinitions } from '../../src/domain/events.js';
import { stock } from '../../src/domain/stock.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { deciderSpec } from '../support/decider-spec.js';
import { context, done, processSpec, type Step } from '../support/process-spec.js';
import { transfer, transferEvents } from './transfer.js';
import { createTransferProcess, type TransferProcess } from './transfer-process.js';

/** The examples of docs/guides/writing-a-decider.md. */
const { given } = deciderSpec(transferEvents);
const asked = { from: 'east', to: 'west', sku: 'MUG', quantity: 3 };
const request = { type: 'request', transfer: asked } as const;
const requested = { type: 'TransferRequested', data: asked } as const;
const dispatched = { type: 'TransferDispatched', data: {} } as const;

test('a transfer is requested once', () => {
  given(transfer).when(request).thenEvents(requested);
  given(transfer, requested, dispatched).when(request).thenNothing();
  given(transfer, requested)
    .when({ type: 'request', transfer: { ...asked, quantity: 4 } })
    .thenRejected('id_reused');
  given(transfer)
    .when({ type: 'request', transfer: { ...asked, to: 'east' } })
    .thenRejected('same_location');
});

test('it is dispatched, then arrives; refused, it does neither', () => {
  const after = given(transfer, requested).when({ type: 'dispatch' }).thenEvents(dispatched);
  expect(after.status).toBe('dispatched');
  given(transfer, requested).when({ type: 'arrive' }).thenNothing();
  const refused = { type: 'TransferRefused', data: { code: 'below_held' } } as const;
  given(transfer, requested, refused).when({ type: 'dispatch' }).thenNothing();
});

interface World {
  readonly bus: CommandBus;
  readonly transfers: TransferProcess;
}
const world = processSpec<World>(
  ({ bus }) => ({ bus, transfers: createTransferProcess(bus) }),
  [...allEventDefinitions, ...transferEvents],
);
const stocked = done(stock, 'east~MUG', { type: 'receive', receiptId: 'r', quantity: 5 });
const transferring = world.given(stocked).when(({ transfers }) => transfers.request('t1', asked, context()));

test('the units leave one stock and reach the other', async () => {
  await transferring.thenEvents({
    'transfer-t1': [requested, 'TransferDispatched', 'TransferArrived'],
    'stock-east~MUG': [
      { type: 'StockAdjusted', data: { adjustmentId: 'transfer-t1', delta: -3, reason: 'transfer' } },
    ],
    'stock-west~MUG': ['StockReceived'],
  });
});

test('whatever dies, wherever, and whoever takes the rest meanwhile: no unit is lost or made', async () => {
  const advance: Step<World> = ({ transfers }) => transfers.advance('t1', context());
  const always: Step<World> = async ({ bus }) => {
    const units = async (id: string) => (await bus.load(stock, id)).state.onHand;
    expect((await units('east~MUG')) + (await units('west~MUG'))).toBe(5);
  };
  expect(await transferring.thenCutAnywhere({ advance, always })).toBe(5 + 1);
  await transferring.thenCutAnywhere({
    advance,
    always,
    meanwhile: async ({ bus }) => {
      const { onHand } = (await bus.load(stock, 'east~MUG')).state;
      const hold = { type: 'hold', holdId: 'somebody', quantity: onHand } as const;
      await done(stock, 'east~MUG', hold)({ bus });
    },
  });
  await transferring.thenTwoAtOnce({ advance, always });
});
