import {
  type AppendOutcome,
  comparePositions,
  type EventStore,
  EventStoreUnavailable,
  type EventToAppend,
  LOG_START,
  type LogBatch,
  NO_STREAM,
  type ReadAllOptions,
  type Revision,
  type StoredEvent,
} from '../../src/runtime/event-store.js';

export interface MemoryEventStore extends EventStore {
  readonly log: readonly StoredEvent[];
  readonly counts: { appends: number; reads: number };
  /** Runs before every append and read; throw or wait in it to make trouble. */
  onAppend: (stream: string, events: readonly EventToAppend[]) => Promise<void>;
  onRead: (stream: string) => Promise<void>;
  /** Appends the next batch, then loses the answer: the caller gets `EventStoreUnavailable`. */
  loseNextAnswer: boolean;
  /** Another store with the same log, and no trouble. */
  fork(): MemoryEventStore;
}

/** Small, so that every log has borders between batches. */
const BATCH_EVENTS = 7;

const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));

/**
 * A unit double of the port, for fast tests of commands and processes: what a store does is tested against the real node. JSON goes
 * through text, as it would. Subscriptions look again every millisecond.
 */
export const createMemoryEventStore = (before: readonly StoredEvent[] = []): MemoryEventStore => {
  const log: StoredEvent[] = [...before];
  const streams = new Map<string, StoredEvent[]>();
  for (const event of before) streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);

  const write = (
    stream: string,
    events: readonly EventToAppend[],
    expected: Revision | 'any',
  ): AppendOutcome => {
    const stored = streams.get(stream) ?? [];
    const actual = stored.length - 1;
    if (expected !== 'any' && expected !== actual) {
      const before = stored.slice(expected + 1, expected + 1 + events.length);
      const resent = before.length === events.length && before.every(({ id }, i) => id === events[i]?.id);
      const last = before.at(-1);
      if (resent && last !== undefined) return { ok: true, revision: last.revision, position: last.position };
      return { ok: false, actual };
    }
    for (const event of events) {
      const place = BigInt(log.length + 1);
      const { data, metadata } = JSON.parse(JSON.stringify(event)) as EventToAppend;
      const recorded: StoredEvent = {
        ...event,
        data,
        metadata,
        stream,
        revision: stored.length,
        position: { commit: place, prepare: place },
        recordedAt: new Date(1_700_000_000_000 + log.length),
      };
      stored.push(recorded);
      log.push(recorded);
    }
    streams.set(stream, stored);
    const last = log.at(-1);
    if (last === undefined) throw new Error('an append of nothing');
    return { ok: true, revision: stored.length - 1, position: last.position };
  };

  const store: MemoryEventStore = {
    log,
    counts: { appends: 0, reads: 0 },
    onAppend: async () => undefined,
    onRead: async () => undefined,
    loseNextAnswer: false,

    async append(stream, events, expected) {
      store.counts.appends += 1;
      await store.onAppend(stream, events);
      const outcome = write(stream, events, expected);
      if (store.loseNextAnswer) {
        store.loseNextAnswer = false;
        throw new EventStoreUnavailable('the answer was lost');
      }
      return outcome;
    },
    async *readStream(stream, from) {
      store.counts.reads += 1;
      await store.onRead(stream);
      const events = (streams.get(stream) ?? []).slice(Math.max(0, from));
      for (let start = 0; start < events.length; start += 100) yield events.slice(start, start + 100);
    },
    async readLast(stream) {
      return streams.get(stream)?.at(-1);
    },
    async *readAll({ after = LOG_START, categories }: ReadAllOptions): AsyncGenerator<LogBatch> {
      let position = after;
      for (;;) {
        const next = log.findIndex((event) => comparePositions(event.position, position) > 0);
        const found = next < 0 ? [] : log.slice(next, next + BATCH_EVENTS);
        const last = found.at(-1);
        if (last === undefined) return;
        position = last.position;
        const events = found.filter(({ stream }) => categories.includes(categoryOf(stream)));
        yield { events, position, caughtUp: position === log.at(-1)?.position };
      }
    },
    async *subscribeAll(options: ReadAllOptions): AsyncGenerator<LogBatch> {
      let { after = LOG_START } = options;
      while (options.signal?.aborted !== true) {
        for await (const batch of store.readAll({ ...options, after })) {
          after = batch.position;
          yield batch;
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    fork: () => createMemoryEventStore(log),
    async readEnd() {
      return log.at(-1)?.position;
    },
    async close() {},
  };
  return store;
};

export const revisionOf = (store: MemoryEventStore, stream: string): Revision =>
  store.log.filter((event) => event.stream === stream).at(-1)?.revision ?? NO_STREAM;
