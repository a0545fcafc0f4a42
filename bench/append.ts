import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startEventStore } from '../src/adapters/embedded-event-store/start.js';
import type { EventStore, EventToAppend } from '../src/runtime/event-store.js';
import { type BenchOutcome, check, figure } from './report.js';
import { cpuOfAll, DURABILITY, type Preset, withStore } from './support.js';

export interface AppendBenchOptions {
  /** A store with a namespace of its own, since the check counts what is in the log. */
  readonly store: EventStore;
  readonly durationMs: number;
  /** Appends under way at once; design 10 says 64. */
  readonly inFlight?: number;
  /** Size of data and metadata together; design 10 says about 300. */
  readonly eventBytes?: number;
}

export interface AppendBenchResult {
  readonly appends: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Every acknowledged append is in the log exactly once. */
  readonly correct: boolean;
}

/** Appends while others are warming caches, connections and compilers; not measured. */
const WARM_UP_MS = 500;

const eventOf = (bytes: number): EventToAppend => {
  const commandId = randomUUID();
  const metadata = {
    commandId,
    $correlationId: commandId,
    $causationId: commandId,
    actor: 'bench',
    effectiveAt: '2026-01-01T00:00:00Z',
    schemaVersion: 1,
  };
  const filler = 'x'.repeat(Math.max(0, bytes - JSON.stringify(metadata).length - 20));
  return { id: randomUUID(), type: 'Benched', data: { filler }, metadata };
};

/** One event to a new stream each, `inFlight` at once, in a closed loop: the ceiling that the other benches are measured against. */
export const benchAppend = async (options: AppendBenchOptions): Promise<AppendBenchResult> => {
  const { store, durationMs, inFlight = 64, eventBytes = 300 } = options;
  const acknowledged = new Set<string>();
  const latencies: number[] = [];
  const startedAt = performance.now() + WARM_UP_MS;
  const endsAt = startedAt + durationMs;
  const worker = async (): Promise<void> => {
    for (;;) {
      const sentAt = performance.now();
      if (sentAt >= endsAt) return;
      const event = eventOf(eventBytes);
      const outcome = await store.append(`bench-${event.id}`, [event], -1);
      if (!outcome.ok) throw new Error('a new stream existed already');
      acknowledged.add(event.id);
      if (sentAt >= startedAt) latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - startedAt) / 1_000;

  let found = 0;
  for await (const { events } of store.readAll({ categories: ['bench'] })) {
    for (const { id } of events) if (acknowledged.delete(id)) found += 1;
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    appends: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    correct: acknowledged.size === 0 && found >= latencies.length,
  };
};

/** Appends per second on this very node: the ceiling of what is measured beside it. Its events have a namespace of their own. */
export const ceilingOf = (connectionString: string, durationMs: number): Promise<AppendBenchResult> =>
  withStore(connectionString, 'ceiling.', (store) => benchAppend({ store, durationMs }));

/** The ceiling by itself, and what it costs. */
export const benchCeiling = async (dir: string, { appendMs }: Preset): Promise<BenchOutcome> => {
  const node = await startEventStore({ dir: join(dir, 'append') });
  try {
    const before = cpuOfAll([node.pid]);
    const got = await ceilingOf(node.connectionString, appendMs);
    const cpu = cpuOfAll([node.pid]) - before;
    return {
      conditions: `1 event of 300 B to a new stream, 64 in flight, through the client; ${DURABILITY}`,
      figures: [
        figure('appends per second', got.perSecond),
        figure('p50', got.p50Ms, 'ms'),
        figure('p99', got.p99Ms, 'ms'),
        figure('CPU per append, client and store, warm-up and check included', cpu / got.appends, 'ms'),
      ],
      reaches: [],
      checks: [check(`${got.appends} acknowledged appends are in the log, each once`, got.correct)],
    };
  } finally {
    await node.stop();
  }
};
