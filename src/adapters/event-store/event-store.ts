import type { EventStore, LogPosition, Revision } from '../../runtime/event-store.js';
import { LOG_START } from '../../runtime/event-store.js';
import { Appender } from './appender.js';
import { Lane } from './lane.js';
import { CLIENT_LIMITS, type ClientLimits, type Trouble } from './limits.js';
import { Reader } from './reader.js';
import { followAll } from './subscription.js';

export interface EventStoreOptions {
  /** `esdb://[user:password@]host:port[,...]?tls=...`; credentials must be here, per-call ones would end batching. */
  readonly connectionString: string;
  /** Put before every stream name, so that many can share a server. No dash. */
  readonly namespace?: string;
  readonly limits?: Partial<ClientLimits>;
  /** Called for what is retried and survives, for logs and metrics. Must not throw. */
  readonly onTrouble?: (trouble: Trouble) => void;
}

/**
 * The port over `@eventstore/db-client`. One connection for appends, one for reads, one for each subscription, so that a
 * long read never waits before an append. Use one per process: the client keeps pending appends of all instances together.
 * Connects when first used.
 */
export const createEventStore = (options: EventStoreOptions): EventStore => {
  const { connectionString, namespace = '', onTrouble = () => undefined } = options;
  if (namespace.includes('-')) throw new TypeError(`a namespace has no dash: ${namespace}`);
  const limits: ClientLimits = { ...CLIENT_LIMITS, ...options.limits };
  const laneOf = (name: string, drain: boolean): Lane =>
    new Lane(connectionString, { name, drain, onTrouble });
  const appends = laneOf('appends', true);
  const reads = laneOf('reads', false);
  const subscriptions = new Set<Lane>();
  const closing = new AbortController();
  const reader = new Reader(reads, namespace, limits, onTrouble);

  const positionAt = async (name: string, revision: Revision): Promise<LogPosition> => {
    for await (const [event] of reader.readStream(name.slice(namespace.length), revision)) {
      if (event !== undefined) return event.position;
    }
    return LOG_START;
  };
  const appender = new Appender(appends, limits, positionAt, onTrouble);

  return {
    append: (stream, events, expected) => appender.append(namespace + stream, events, expected),
    readStream: (stream, from) => reader.readStream(stream, from),
    readLast: (stream) => reader.readLast(stream),
    readAll: (reading) => reader.readAll(reading),
    async *subscribeAll({ signal, ...following }) {
      const lane = laneOf('subscription', false);
      subscriptions.add(lane);
      const either = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);
      try {
        const readEnd = () => reader.readEnd();
        yield* followAll({ lane, namespace, limits, readEnd, onTrouble }, { ...following, signal: either });
      } finally {
        subscriptions.delete(lane);
        await lane.close();
      }
    },
    readEnd: () => reader.readEnd(),
    async close() {
      closing.abort();
      await Promise.all([appends, reads, ...subscriptions].map((lane) => lane.close()));
    },
  };
};
