import {
  comparePositions,
  LOG_START,
  type LogBatch,
  type ReadAllOptions,
} from '../../src/runtime/event-store.js';
import { createMemoryEventStore, type MemoryEventStore } from '../support/memory-event-store.js';

const BATCH = 7;

const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));

/** The unit double of the store with its read half: small batches, and a subscription that looks again every millisecond. */
export const createReadableLog = (): MemoryEventStore => {
  const store = createMemoryEventStore();

  async function* readAll({ after = LOG_START, categories }: ReadAllOptions): AsyncGenerator<LogBatch> {
    let position = after;
    for (;;) {
      const found = store.log
        .filter((event) => comparePositions(event.position, position) > 0)
        .slice(0, BATCH);
      const last = found.at(-1);
      if (last === undefined) return;
      position = last.position;
      const events = found.filter(({ stream }) => categories.includes(categoryOf(stream)));
      yield { events, position, caughtUp: position === store.log.at(-1)?.position };
    }
  }

  async function* subscribeAll(options: ReadAllOptions): AsyncGenerator<LogBatch> {
    let { after = LOG_START } = options;
    while (options.signal?.aborted !== true) {
      for await (const batch of readAll({ ...options, after })) {
        after = batch.position;
        yield batch;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  // In place: the double counts and looks for trouble on itself.
  return Object.assign(store, { readAll, subscribeAll });
};
