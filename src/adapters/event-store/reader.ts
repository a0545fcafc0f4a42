import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AllStreamResolvedEvent,
  ErrorType,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import {
  comparePositions,
  EventStoreRefused,
  EventStoreUnavailable,
  LOG_START,
  type LogBatch,
  type LogPosition,
  type ReadAllOptions,
  type Revision,
  type StoredEvent,
} from '../../runtime/event-store.js';
import { collect } from './collector.js';
import { errorTypeOf, toStoredEvent, wantedEvents } from './convert.js';
import type { Lane, Lease } from './lane.js';
import { BATCH_EVENTS, CATCH_UP_LINGER_MS, type ClientLimits, retryPause, type Trouble } from './limits.js';
import { Slots } from './slots.js';

/** Events the client converts ahead of us. */
export const READ_AHEAD_EVENTS = 256;

type Read = StreamingRead<ResolvedEvent> | StreamingRead<AllStreamResolvedEvent>;

/**
 * Reads of streams and of the log. A read that fails goes on after the last event it delivered, on a new connection, as long
 * as it makes progress. At most `openReads` are open; a read counts until its consumer has finished.
 */
export class Reader {
  readonly #slots: Slots;

  constructor(
    private readonly lane: Lane,
    private readonly namespace: string,
    private readonly limits: ClientLimits,
    private readonly onTrouble: (trouble: Trouble) => void,
  ) {
    this.#slots = new Slots('reads', limits.openReads, limits.readWaiters);
  }

  async *readStream(stream: string, from: Revision): AsyncGenerator<StoredEvent[]> {
    let next = Math.max(0, from);
    const name = this.namespace + stream;
    const open = ({ client }: Lease): Read =>
      client.readStream(name, { fromRevision: BigInt(next) }, { highWaterMark: READ_AHEAD_EVENTS });
    const map = (chunk: unknown) => toStoredEvent(chunk as ResolvedEvent, this.namespace);
    for await (const batch of this.#resumed(stream, open, map, 0)) {
      next = (batch.at(-1)?.revision ?? next - 1) + 1;
      yield batch;
    }
  }

  async readLast(stream: string): Promise<StoredEvent | undefined> {
    const name = this.namespace + stream;
    const open = ({ client }: Lease): Read =>
      client.readStream(name, { fromRevision: 'end', direction: 'backwards', maxCount: 1 });
    const map = (chunk: unknown) => toStoredEvent(chunk as ResolvedEvent, this.namespace);
    for await (const [event] of this.#resumed(stream, open, map, 0)) return event;
    return undefined;
  }

  async readEnd(): Promise<LogPosition | undefined> {
    const open = ({ client }: Lease): Read =>
      client.readAll({ fromPosition: 'end', direction: 'backwards', maxCount: 1 });
    const map = (chunk: unknown) => toStoredEvent(chunk as AllStreamResolvedEvent, '');
    for await (const [event] of this.#resumed('$all', open, map, 0)) return event?.position;
    return undefined;
  }

  /** The client cannot filter a read at the server, so events of others are skipped here. */
  async *readAll({ after, signal, ...options }: ReadAllOptions): AsyncGenerator<LogBatch> {
    const wanted = wantedEvents(options);
    let position = after ?? LOG_START;
    const open = ({ client }: Lease): Read =>
      client.readAll(
        { fromPosition: position === LOG_START ? 'start' : { ...position } },
        { highWaterMark: READ_AHEAD_EVENTS },
      );
    const map = (chunk: unknown) => {
      const event = toStoredEvent(chunk as AllStreamResolvedEvent, '');
      // A read starts at its position, which was delivered before.
      return event !== undefined && comparePositions(event.position, position) > 0 ? event : undefined;
    };
    for await (const batch of this.#resumed('$all', open, map, CATCH_UP_LINGER_MS, signal)) {
      position = batch.at(-1)?.position ?? position;
      yield { events: this.#ours(batch, wanted), position, caughtUp: false };
    }
    if (signal?.aborted !== true) yield { events: [], position, caughtUp: true };
  }

  #ours(batch: readonly StoredEvent[], wanted: (event: StoredEvent) => boolean): StoredEvent[] {
    const { namespace } = this;
    const ours: StoredEvent[] = [];
    for (const event of batch) {
      if (!event.stream.startsWith(namespace)) continue;
      const own = namespace === '' ? event : { ...event, stream: event.stream.slice(namespace.length) };
      if (wanted(own)) ours.push(own);
    }
    return ours;
  }

  async *#resumed(
    what: string,
    open: (lease: Lease) => Read,
    map: (chunk: unknown) => StoredEvent | undefined,
    lingerMs: number,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredEvent[]> {
    const { readTotalMs, readSilentMs } = this.limits;
    const slot = await this.#slots.take(1, readTotalMs);
    try {
      let deadline = performance.now() + readTotalMs;
      for (let attempt = 1; ; attempt += 1) {
        const lease = await this.lane.lease();
        let suspect = true;
        try {
          const read = open(lease);
          const how = {
            batchItems: BATCH_EVENTS,
            lingerMs,
            silentMs: readSilentMs,
            signal,
            cancel: () => read.cancel(),
            map,
          };
          for await (const batch of collect(read, how)) {
            suspect = false;
            yield batch;
            suspect = true;
            attempt = 1;
            deadline = performance.now() + readTotalMs;
          }
          suspect = false;
          return;
        } catch (error) {
          const type = errorTypeOf(error);
          suspect = type === undefined || !FINAL.has(type);
          if (type === ErrorType.STREAM_NOT_FOUND) return;
          if (!suspect) {
            throw new EventStoreRefused('event_store_refused', `read of ${what} was refused: ${type}`, {
              cause: error,
            });
          }
          const pause = retryPause(this.limits, attempt);
          this.onTrouble({ kind: 'read_retried', detail: `${what}: ${String(error)}` });
          if (performance.now() + pause >= deadline) {
            throw new EventStoreUnavailable(`read of ${what} failed ${attempt} times`, { cause: error });
          }
          await sleep(pause);
        } finally {
          lease.giveBack(suspect);
        }
      }
    } finally {
      this.#slots.give(slot);
    }
  }
}

const FINAL: ReadonlySet<string> = new Set([
  ErrorType.STREAM_NOT_FOUND,
  ErrorType.ACCESS_DENIED,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
]);
