import { LRUCache } from 'lru-cache';
import type { Decider, DomainEvent } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import type { CommandBus, CommandContext, CommandResult, Loaded } from './command-bus.js';
import { CommandBusClosed, CommandQueueFull } from './command-errors.js';
import type { EventStore, RecordedEvent } from './event-store.js';
import { SlabMap } from './slab.js';
import type { Snapshots } from './snapshots.js';
import { type LoadSource, StreamCache, type Ticks } from './stream-cache.js';
import { type Result, StreamWriter } from './stream-writer.js';

export interface RunnerLimits {
  /** Commands decided and appended together (bounded by bytes too, see batch-plan.ts). */
  readonly batchCommands: number;
  /** Commands waiting for one stream. */
  readonly streamCommands: number;
  /** Commands accepted and not yet answered, over all streams. */
  readonly openCommands: number;
  /** Appends of one batch that may find the stream changed before its commands fail with `stream_contended`. */
  readonly conflicts: number;
  /** The longest random pause between two such appends. */
  readonly conflictPauseMs: number;
  /**
   * How often one that keeps writing to a stream looks whether another process asks for a turn; a look is a read. With Infinity it
   * neither looks nor asks: who loses waits until it wins by itself.
   */
  readonly lookEveryMs: number;
  /** Streams whose state is kept when nobody writes to them. */
  readonly cachedStreams: number;
  /** The same in bytes of memory, by the size of the events they are made of. */
  readonly cachedBytes: number;
}

export const RUNNER_LIMITS: RunnerLimits = {
  batchCommands: 256,
  streamCommands: 1_024,
  openCommands: 8_192,
  conflicts: 200,
  conflictPauseMs: 4,
  lookEveryMs: 250,
  // Hot streams stay, an order that has its outcome goes. `bench full --only place` (2026-11-27, 2 cores), 5,000 / 50,000 / 5,000 in turn:
  // 663 / 560 / 774 orders a second, p99 at half load 181 / 479 / 358 ms, 423 / 642 / 436 MiB. Few runs, and they differ much.
  cachedStreams: 5_000,
  cachedBytes: 192 * 1024 * 1024,
};

export type CommandOutcome = 'accepted' | 'replayed' | 'rejected' | 'failed';

/** What an operator counts. Called synchronously on the hot path: keep it cheap, never throw. */
export interface CommandMetrics {
  command?(category: string, outcome: CommandOutcome, durationMs: number): void;
  /** `bytes` is an upper bound. */
  append?(category: string, commands: number, events: number, bytes: number, durationMs: number): void;
  conflict?(category: string): void;
  /** A stream that was not in memory has been read, from its start or from a snapshot. */
  load?(category: string, source: LoadSource, foldedEvents: number): void;
  /** Commands accepted and not yet answered. */
  open?(commands: number): void;
}

export interface CommandRunnerOptions {
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly limits?: Partial<RunnerLimits>;
  readonly metrics?: CommandMetrics;
  /** Spares long streams to be read from their start; none when absent. */
  readonly snapshots?: Snapshots;
  /** Monotonic milliseconds, for durations and `maxAgeMs`. */
  readonly nowMs?: () => number;
}

interface Stream {
  readonly cache: StreamCache;
  readonly writer: StreamWriter;
  /** Loads under way. */
  loads: number;
}

type AnyDecider = Decider<unknown, DomainEvent, unknown>;

/**
 * The write path of one process (design 4). A stream is either busy (a writer runs or somebody loads it; held strongly) or
 * idle (its state waits in a bounded LRU cache and may be dropped at any time, since it can be read again). Moving between
 * the two is synchronous, so there is never a second state of one stream.
 */
export const createCommandRunner = (options: CommandRunnerOptions): CommandBus => {
  const { store, codec, metrics = {}, snapshots, nowMs = () => performance.now() } = options;
  const limits: RunnerLimits = { ...RUNNER_LIMITS, ...options.limits };
  const ticks: Ticks = { now: 0 };
  const busy = new SlabMap<Stream>();
  const idle = new LRUCache<string, Stream>({
    max: limits.cachedStreams,
    maxSize: limits.cachedBytes,
    sizeCalculation: ({ cache }) => Math.min(cache.weight, Math.ceil(limits.cachedBytes / 4)),
  });
  let open = 0;
  let closing = false;
  let onDrained: (() => void) | undefined;

  const settle = (): void => {
    open -= 1;
    metrics.open?.(open);
    if (open === 0) onDrained?.();
  };

  const rest = (name: string, stream: Stream): void => {
    if (stream.loads > 0 || !stream.writer.idle) return;
    busy.delete(name);
    // A guess about a stream nobody has ever written or read is not worth keeping.
    if (stream.cache.revision >= 0) idle.set(name, stream);
  };

  const wake = (decider: AnyDecider, id: string): Stream => {
    const name = `${decider.category}-${id}`;
    let stream = busy.get(name);
    if (stream === undefined) {
      stream = idle.get(name);
      if (stream === undefined) {
        const cache = new StreamCache(name, decider, {
          store,
          codec,
          ticks,
          nowMs,
          snapshots,
          onLoad: metrics.load,
        });
        const parts = { store, codec, ticks, limits, metrics, nowMs };
        const created: Stream = {
          cache,
          writer: new StreamWriter(cache, parts, () => rest(name, created)),
          loads: 0,
        };
        stream = created;
      } else {
        idle.delete(name);
      }
      busy.add(name, stream);
    }
    if (stream.cache.decider !== decider) throw new TypeError(`two deciders write to ${name}`);
    return stream;
  };

  const execute = (
    decider: AnyDecider,
    id: string,
    command: unknown,
    context: CommandContext,
  ): Promise<Result> =>
    new Promise((resolve, reject) => {
      if (closing) throw new CommandBusClosed();
      if (open >= limits.openCommands) throw new CommandQueueFull('this process', limits.openCommands);
      const { writer } = wake(decider, id);
      ticks.now += 1;
      writer.enqueue({
        command,
        context,
        arrival: ticks.now,
        startedAtMs: nowMs(),
        resolve(result) {
          settle();
          resolve(result);
        },
        reject(error) {
          settle();
          reject(error);
        },
      });
      open += 1;
      metrics.open?.(open);
    });

  const load = async (decider: AnyDecider, id: string, maxAgeMs: number): Promise<Loaded<unknown>> => {
    if (closing) throw new CommandBusClosed();
    const stream = wake(decider, id);
    const { cache } = stream;
    stream.loads += 1;
    try {
      if (maxAgeMs <= 0 || nowMs() - cache.verifiedAtMs > maxAgeMs) {
        ticks.now += 1;
        await cache.refresh();
      }
      return { state: cache.state, revision: cache.revision, position: cache.position };
    } finally {
      stream.loads -= 1;
      rest(cache.stream, stream);
    }
  };

  return {
    execute: <Command, Event extends DomainEvent, State>(
      decider: Decider<Command, Event, State>,
      id: string,
      command: Command,
      context: CommandContext,
    ) => execute(decider, id, command, context) as Promise<CommandResult<Event, State>>,

    load: <Command, Event extends DomainEvent, State>(
      decider: Decider<Command, Event, State>,
      id: string,
      loading: { readonly maxAgeMs?: number } = {},
    ) => load(decider, id, loading.maxAgeMs ?? 0) as Promise<Loaded<State>>,

    async *history<Event extends DomainEvent>(category: string, id: string) {
      for await (const batch of store.readStream(`${category}-${id}`, 0)) {
        for (const stored of batch) yield codec.decode(stored) as RecordedEvent<Event>;
      }
    },

    async close() {
      closing = true;
      if (open === 0) return;
      await new Promise<void>((resolve) => {
        onDrained = resolve;
      });
    },
  };
};
