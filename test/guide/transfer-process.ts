import type { DomainEvent } from '../../src/domain/decider.js';
import { stock } from '../../src/domain/stock.js';
import { stockIdOf } from '../../src/domain/stream-id.js';
import type { CommandBus, CommandContext, CommandResult } from '../../src/runtime/command-bus.js';
import { type Requested, type TransferEvent, type TransferState, transfer } from './transfer.js';

type Answer = CommandResult<TransferEvent, TransferState>;

/** Takes the units out of one stock and puts them into the other. No memory of its own: `advance` reads the stream and goes on. */
export interface TransferProcess {
  request(id: string, asked: Requested, context: CommandContext): Promise<Answer>;
  /** Does what is left to do. Idempotent, by whoever, whenever. */
  advance(id: string, context: CommandContext): Promise<void>;
}

export const createTransferProcess = (bus: CommandBus): TransferProcess => {
  const advance: TransferProcess['advance'] = async (id, { requestHash: _, ...context }) => {
    const { status, transfer: asked } = (await bus.load(transfer, id)).state;
    if (asked === undefined) return;
    const { from, to, sku, quantity } = asked;
    const moveId = `transfer-${id}`;
    if (status === 'requested') {
      const leave = { type: 'adjust', adjustmentId: moveId, delta: -quantity, reason: 'transfer' } as const;
      const left = await bus.execute(stock, stockIdOf(from, sku), leave, context);
      if (left.status === 'rejected') {
        await bus.execute(transfer, id, { type: 'refuse', code: left.rejection.code }, context);
        return;
      }
      await bus.execute(transfer, id, { type: 'dispatch' }, context);
      return advance(id, context);
    }
    if (status === 'dispatched') {
      const arrive = { type: 'receive', receiptId: moveId, quantity } as const;
      await expectAccepted(bus.execute(stock, stockIdOf(to, sku), arrive, context));
      await bus.execute(transfer, id, { type: 'arrive' }, context);
    }
  };

  return {
    request: async (id, asked, context) => {
      const answer = await bus.execute(transfer, id, { type: 'request', transfer: asked }, context);
      if (answer.status === 'accepted') await advance(id, context);
      return answer;
    },
    advance,
  };
};

/** What must not be refused: a bug or a hand in the log. */
const expectAccepted = async (asked: Promise<CommandResult<DomainEvent, unknown>>): Promise<void> => {
  const result = await asked;
  if (result.status === 'rejected') throw new Error(result.rejection.message);
};
