import {
  type AppendOutcome,
  comparePositions,
  type EventStore,
  type EventToAppend,
  LOG_START,
  type LogBatch,
  type ReadAllOptions,
  type RecordedEvent,
  type StoredEvent,
} from '../../src/runtime/event-store.js';
import type { EventDecoder } from '../../src/runtime/parked.js';

export interface ScriptedLog extends EventStore {
  readonly events: StoredEvent[];
  /** Appends one event per entry, `category-id` first, and wakes the subscriptions. */
  write(...events: readonly (readonly [stream: string, type: string, data?: unknown])[]): StoredEvent[];
  /** How many events a read or subscription hands over at once. */
  batchEvents: number;
}

/**
 * A log of plain events, to feed the read path with exactly what a test wants, poison included. Positions have gaps, as real ones
 * do. Subscriptions filter like the server's and report how far they have searched.
 */
export const scriptedLog = (): ScriptedLog => {
  const events: StoredEvent[] = [];
  const revisions = new Map<string, number>();
  let wakers: (() => void)[] = [];
  const matches = (stream: string, categories: readonly string[]) =>
    categories.includes(stream.slice(0, stream.indexOf('-')));

  const log: ScriptedLog = {
    events,
    batchEvents: 100,
    write(...entries) {
      const written = entries.map(([stream, type, data = {}]): StoredEvent => {
        const revision = (revisions.get(stream) ?? -1) + 1;
        revisions.set(stream, revision);
        const place = BigInt(events.length + 1) * 7n;
        const event: StoredEvent = {
          id: `00000000-0000-4000-8000-${String(events.length).padStart(12, '0')}`,
          type,
          data,
          metadata: {
            commandId: 'c',
            $correlationId: 'c',
            $causationId: 'c',
            actor: 'test',
            effectiveAt: '2011-01-01T00:00:00.000Z',
            schemaVersion: 1,
          },
          stream,
          revision,
          position: { commit: place, prepare: place },
          recordedAt: new Date(),
        };
        events.push(event);
        return event;
      });
      const waking = wakers;
      wakers = [];
      for (const wake of waking) wake();
      return written;
    },
    async append(stream, toAppend: readonly EventToAppend[]): Promise<AppendOutcome> {
      const written = log.write(...toAppend.map(({ type, data }) => [stream, type, data] as const));
      const last = written.at(-1);
      if (last === undefined) throw new Error('nothing to append');
      return { ok: true, revision: last.revision, position: last.position };
    },
    async *readStream(stream, from) {
      yield events.filter((event) => event.stream === stream && event.revision >= from);
    },
    async readLast(stream) {
      return events.filter((event) => event.stream === stream).at(-1);
    },
    async *readAll(options: ReadAllOptions) {
      const end = events.length;
      for await (const batch of log.subscribeAll(options)) {
        yield batch;
        const last = events[end - 1];
        if (last === undefined || comparePositions(batch.position, last.position) >= 0) return;
      }
    },
    async *subscribeAll({ after = LOG_START, categories, signal }: ReadAllOptions): AsyncGenerator<LogBatch> {
      let next = events.findIndex(({ position }) => comparePositions(position, after) > 0);
      if (next < 0) next = events.length;
      let position = after;
      while (!signal?.aborted) {
        const slice = events.slice(next, next + log.batchEvents);
        next += slice.length;
        position = slice.at(-1)?.position ?? position;
        yield {
          events: slice.filter(({ stream }) => matches(stream, categories)),
          position,
          caughtUp: next === events.length,
        };
        if (next < events.length) continue;
        await new Promise<void>((done) => {
          wakers.push(done);
          signal?.addEventListener('abort', () => done(), { once: true });
        });
      }
    },
    async readEnd() {
      return events.at(-1)?.position;
    },
    async close() {},
  };
  return log;
};

/** Decodes everything but the type `Unreadable`. */
export const plainCodec: EventDecoder = {
  decode(stored) {
    if (stored.type === 'Unreadable') throw new Error('cannot be read');
    const dash = stored.stream.indexOf('-');
    return {
      event: { type: stored.type, data: stored.data },
      id: stored.id,
      stream: stored.stream,
      category: stored.stream.slice(0, dash),
      streamId: stored.stream.slice(dash + 1),
      revision: stored.revision,
      position: stored.position,
      recordedAt: stored.recordedAt,
      // The scripted log writes all of it.
      metadata: stored.metadata as unknown as RecordedEvent['metadata'],
    };
  },
};
