import { FOLDED_CATEGORIES, LogFold } from '../src/audit/fold.js';
import { openPromises } from '../src/audit/open-promises.js';
import type { EventCodec } from '../src/runtime/codec.js';
import type { EventStore } from '../src/runtime/event-store.js';

export interface ReplayBenchOptions {
  /** A store with a log worth reading. */
  readonly store: Pick<EventStore, 'readAll'>;
  readonly codec: EventCodec;
  /** Reads and folds in turn, so that what else the machine does falls on both. */
  readonly rounds?: number;
}

export interface ReplayBenchResult {
  readonly events: number;
  /** What the client alone can read, and read with the audit's fold; events per second, the median round of each. */
  readonly readPerSecond: number;
  readonly foldPerSecond: number;
  /** Of the second in the first; design 10 says at least 0.7. */
  readonly share: number;
  /** Each fold saw every event, and found nothing wrong with the log. */
  readonly correct: boolean;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The audit's fold over the whole log, beside a read of the same log that does nothing with it. */
export const benchReplay = async (options: ReplayBenchOptions): Promise<ReplayBenchResult> => {
  const { store, codec, rounds = 3 } = options;
  const rate = async (take: (events: Parameters<LogFold['read']>[0]) => void): Promise<[number, number]> => {
    const began = performance.now();
    let count = 0;
    for await (const { events } of store.readAll({ categories: FOLDED_CATEGORIES })) {
      for (const stored of events) take(stored);
      count += events.length;
    }
    return [count, (count * 1_000) / (performance.now() - began)];
  };
  const reads: number[] = [];
  const folds: number[] = [];
  let events = 0;
  let correct = true;
  for (let round = 0; round < rounds; round += 1) {
    const [seen, readRate] = await rate(() => undefined);
    const fold = new LogFold();
    const [folded, foldRate] = await rate((stored) => void fold.read(stored, codec));
    openPromises(fold);
    correct &&= folded === seen && fold.events === seen && fold.violations.count === 0;
    events = seen;
    reads.push(readRate);
    folds.push(foldRate);
  }
  const [readPerSecond, foldPerSecond] = [median(reads), median(folds)];
  return { events, readPerSecond, foldPerSecond, share: foldPerSecond / readPerSecond, correct };
};
