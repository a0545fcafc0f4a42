import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startEventStore } from '../src/adapters/embedded-event-store/start.js';
import { availableToSell, stock, stockEvents } from '../src/domain/stock.js';
import { stockIdOf } from '../src/domain/stream-id.js';
import { createCodec } from '../src/runtime/codec.js';
import type { CommandContext } from '../src/runtime/command-bus.js';
import { createCommandRunner } from '../src/runtime/command-runner.js';
import type { EventStore } from '../src/runtime/event-store.js';
import { ceilingOf } from './append.js';
import type { HotWorkerOrder } from './hot-worker.js';
import { type BenchOutcome, check, figure } from './report.js';
import { DURABILITY, type Helper, type Preset, startHelper, withStore } from './support.js';

/** Commands under way at once in each process; design 10. */
const IN_FLIGHT = 256;
const CEILING_MS = 3_000;
/** A process sells out so many units before it is measured. */
const WARM_UP_UNITS = 3_000;

export interface HotResult {
  readonly accepted: number;
  readonly rejected: number;
  /** Milliseconds since the epoch, so that two processes can be laid beside each other. */
  readonly beganAt: number;
  readonly lastSoldAt: number;
  readonly appends: number;
  readonly appended: number;
  readonly conflicts: number;
}

const contextOf = (): CommandContext => {
  const commandId = randomUUID();
  return {
    commandId,
    correlationId: commandId,
    actor: 'bench',
    channel: 'web',
    effectiveAt: '2026-01-01T00:00:00Z',
    requestHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  };
};

const idOf = (sku: string): string => stockIdOf('main', sku);
const codec = createCodec(stockEvents);

const receive = async (store: EventStore, sku: string, units: number): Promise<void> => {
  const bus = createCommandRunner({ store, codec });
  await bus.execute(stock, idOf(sku), { type: 'receive', receiptId: 'all', quantity: units }, contextOf());
  await bus.close();
};

/** Reserves one unit by one command again and again, 256 at once, until each of them was refused ten times running. */
export const sellOut = async (store: EventStore, sku: string): Promise<HotResult> => {
  let [accepted, rejected, appends, appended, conflicts] = [0, 0, 0, 0, 0];
  const bus = createCommandRunner({
    store,
    codec,
    metrics: {
      append: (_category, commands) => {
        appends += 1;
        appended += commands;
      },
      conflict: () => {
        conflicts += 1;
      },
    },
  });
  const now = (): number => performance.timeOrigin + performance.now();
  const beganAt = now();
  let lastSoldAt = beganAt;
  const worker = async (): Promise<void> => {
    for (let refused = 0; refused < 10; ) {
      const hold = { type: 'hold', holdId: randomUUID(), quantity: 1 } as const;
      const { status } = await bus.execute(stock, idOf(sku), hold, contextOf());
      if (status === 'accepted') {
        accepted += 1;
        lastSoldAt = now();
      } else {
        rejected += 1;
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  await bus.close();
  return { accepted, rejected, beganAt, lastSoldAt, appends, appended, conflicts };
};

/** Whether the log itself says that exactly the units on hand are promised, one event each. */
const isSoldOutOnce = async (store: EventStore, sku: string, units: number): Promise<boolean> => {
  const { state, revision } = await createCommandRunner({ store, codec }).load(stock, idOf(sku));
  const each = [...state.holds.open.keys()].length;
  return state.holds.held === units && each === units && availableToSell(state) === 0 && revision === units;
};

const total = (results: readonly HotResult[], of: (one: HotResult) => number): number =>
  results.reduce((sum, one) => sum + of(one), 0);

const perSecond = (results: readonly HotResult[]): number => {
  const began = Math.min(...results.map(({ beganAt }) => beganAt));
  const ended = Math.max(...results.map(({ lastSoldAt }) => lastSoldAt));
  return total(results, ({ accepted }) => accepted) / ((ended - began) / 1_000);
};

/** Reservations of one SKU by commands in process: one process alone, then two on one SKU together. */
export const benchHot = async (dir: string, { hotUnits: units, appendMs }: Preset): Promise<BenchOutcome> => {
  const node = await startEventStore({ dir: join(dir, 'hot') });
  const workers: Helper[] = [];
  try {
    return await withStore(node.connectionString, '', async (store) => {
      const { connectionString } = node;
      const ceiling = await ceilingOf(connectionString, Math.min(CEILING_MS, appendMs));
      workers.push(startHelper('hot-worker.js'), startHelper('hot-worker.js'));
      const race = async (sku: string, of: number, racers: readonly Helper[]) => {
        await receive(store, sku, of);
        const order: HotWorkerOrder = { connectionString, sku };
        const results = await Promise.all(racers.map((worker) => worker.talk<HotResult>(order)));
        const exact = total(results, ({ accepted }) => accepted) === of;
        return { results, correct: exact && (await isSoldOutOnce(store, sku, of)) };
      };
      for (const [i, worker] of workers.entries())
        await race(`warm-${i}`, Math.min(units, WARM_UP_UNITS), [worker]);
      const alone = await race('one', units, workers.slice(0, 1));
      const both = await race('both', units, workers);
      const rate = perSecond(alone.results);
      return {
        conditions: `one unit of one SKU per command, ${IN_FLIGHT} in flight per process, ${units} units; ${DURABILITY}`,
        figures: [
          figure('reservations per second, one process', rate),
          figure('reservations per second, two processes together', perSecond(both.results)),
          figure('appends per second on the same node just before', ceiling.perSecond),
          figure(
            'commands per append, one process',
            total(alone.results, (one) => one.appended) / total(alone.results, (one) => one.appends),
          ),
          figure(
            'conflicts of the two',
            total(both.results, (one) => one.conflicts),
          ),
        ],
        reaches: [
          {
            what: 'hot: reservations/s of append/s',
            limit: 3,
            direction: 'at least',
            got: rate / ceiling.perSecond,
            unit: 'x',
          },
          {
            what: 'hot: two processes of one',
            limit: 60,
            direction: 'at least',
            got: (100 * perSecond(both.results)) / rate,
            unit: '%',
          },
          {
            what: 'hot: smaller share of the two',
            limit: 25,
            direction: 'at least',
            got: (100 * Math.min(...both.results.map(({ accepted }) => accepted))) / units,
            unit: '%',
          },
        ],
        checks: [
          check(`one process: exactly ${units} units promised, each once, by the log`, alone.correct),
          check(`two processes: exactly ${units} units promised, each once, by the log`, both.correct),
          check('every append is in the log once', ceiling.correct),
        ],
      };
    });
  } finally {
    for (const worker of workers) await worker.stop();
    await node.stop();
  }
};
