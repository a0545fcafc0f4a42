import { randomUUID } from 'node:crypto';
import { availableToSell, stock, stockEvents } from '../src/domain/stock.js';
import { stockIdOf } from '../src/domain/stream-id.js';
import { createCodec } from '../src/runtime/codec.js';
import type { CommandContext } from '../src/runtime/command-bus.js';
import { createCommandRunner } from '../src/runtime/command-runner.js';
import type { EventStore } from '../src/runtime/event-store.js';

export interface HotBenchOptions {
  readonly store: EventStore;
  /** Units on hand: more are asked for than there are, so that the last ones are fought for. */
  readonly units: number;
  /** Commands under way at once; design 10 says 256. */
  readonly inFlight?: number;
  /** The SKU, to let two processes run on one; a new one when absent. */
  readonly sku?: string;
  /** Whether this process puts the units on hand and checks the end (one of several does). */
  readonly lead?: boolean;
}

export interface HotBenchResult {
  readonly commands: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly appends: number;
  readonly commandsPerAppend: number;
  readonly conflicts: number;
  /** Exactly the units on hand were promised, none twice, and the state read back from the log agrees. */
  readonly correct: boolean;
}

const LOCATION = 'main';

/** As the order process sends holds: protected by the hold's id, so without an idempotency key. */
const contextOf = (): CommandContext => {
  const commandId = randomUUID();
  return {
    commandId,
    correlationId: commandId,
    actor: 'bench',
    channel: 'web',
    effectiveAt: '2026-01-01T00:00:00Z',
  };
};

/** Reservations of one unit of one SKU by commands in process, `inFlight` at once, until each buyer was refused ten times. */
export const benchHot = async (options: HotBenchOptions): Promise<HotBenchResult> => {
  const { store, units, inFlight = 256, sku = randomUUID(), lead = true } = options;
  const codec = createCodec(stockEvents);
  let appends = 0;
  let appended = 0;
  let conflicts = 0;
  const metrics = {
    append: (_category: string, commands: number) => {
      appends += 1;
      appended += commands;
    },
    conflict: () => {
      conflicts += 1;
    },
  };
  const bus = createCommandRunner({ store, codec, metrics });
  const id = stockIdOf(LOCATION, sku);
  if (lead) await bus.execute(stock, id, { type: 'receive', receiptId: 'all', quantity: units }, contextOf());

  let accepted = 0;
  let rejected = 0;
  const startedAt = performance.now();
  let endedAt = startedAt;
  const worker = async (): Promise<void> => {
    for (let refused = 0; refused < 10; ) {
      const holdId = randomUUID();
      const result = await bus.execute(stock, id, { type: 'hold', holdId, quantity: 1 }, contextOf());
      if (result.status === 'accepted') {
        accepted += 1;
        endedAt = performance.now();
      } else {
        rejected += 1;
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (endedAt - startedAt) / 1_000;
  await bus.close();

  const replay = createCommandRunner({ store, codec });
  const { state, revision } = await replay.load(stock, id);
  const allHeld = state.holds.held === units && availableToSell(state) === 0 && revision === units;
  return {
    commands: accepted + rejected,
    accepted,
    rejected,
    seconds,
    perSecond: accepted / seconds,
    appends,
    commandsPerAppend: appended / Math.max(1, appends),
    conflicts,
    correct: allHeld && (!lead || accepted <= units),
  };
};
