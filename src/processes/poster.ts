import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelEvent } from '../domain/channel.js';
import { type CausePlace, type Entry, settlement } from '../domain/settlement.js';
import { bookingOf, CAUSE_CATEGORIES, CAUSE_TYPES, type Cause } from '../domain/settlement-entry.js';
import { dayIn, monthOf, settlementIdOf } from '../domain/settlement-period.js';
import type { EventCodec } from '../runtime/codec.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import { CommandBusClosed, CommandQueueFull, StreamContended } from '../runtime/command-errors.js';
import type { Queryable } from '../runtime/database.js';
import {
  comparePositions,
  type EventStore,
  EventStoreUnavailable,
  LOG_START,
  type LogBatch,
  type LogPosition,
  type RecordedEvent,
  type StoredEvent,
} from '../runtime/event-store.js';
import { PostChain } from './post-chain.js';
import { createPosterCheckpoint } from './poster-checkpoint.js';
import { TimeZones } from './time-zones.js';

/**
 * The one poster: turns shipments, returns, allowances, payments and credit-note lines into entries of the settlement streams, in log
 * order.
 *
 * Per batch of the log: decode what is a cause -> its entry -> `post` commands, all at once -> every one answered -> next.
 * Invariants
 * - What an entry says depends on the log up to its cause and on nothing else (the time zone too), so posting again from any
 *   earlier place yields the same entries in the same streams, which then know them: nothing is posted twice.
 * - A command names the cause before it in its stream and is refused without it, so a failure in the middle leaves no gap.
 * - The checkpoint is written after the entries and is only a hint. Two posters at a time are slow, not wrong.
 * - A cause that cannot be posted stops the poster ({@link PosterStopped}): a ledger with a hole is worse than a late one.
 * Limits: below. Memory is one batch of the log.
 */
const CHANNEL_TYPE: ChannelEvent['type'] = 'ChannelConfigured';
const CAUSES = {
  categories: [...CAUSE_CATEGORIES, 'channel'],
  types: [...CAUSE_TYPES, CHANNEL_TYPE],
};

export const POSTS_IN_FLIGHT_MAX = 512;
export const POST_ATTEMPTS_MAX = 8;
const RETRY_PAUSE_MS = 50;
export const RETRY_PAUSE_MS_MAX = 5_000;
/** At most this much of the log is gone through again after a crash. */
export const CHECKPOINT_PAUSE_MS = 1_000;

/** A cause that can never be posted as it is: a bug, or an event this build cannot read. `cause` says why. */
export class PosterStopped extends Error {
  readonly code = 'poster_stopped';
  constructor(
    readonly event: Pick<StoredEvent, 'stream' | 'revision' | 'type' | 'position'>,
    cause: unknown,
  ) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the poster stopped before ${event.type} at ${event.stream}@${event.revision}: ${reason}`, {
      cause,
    });
    this.name = 'PosterStopped';
  }
}

/** What an operator counts. Called synchronously; never throw. */
export interface PosterMetrics {
  /** Causes gone through, and how many of them were new entries. */
  posted?(causes: number, entries: number): void;
  /** Something was not available; it is tried again. */
  retried?(error: unknown): void;
  /** Nothing is posted any more until somebody acts. */
  stopped?(error: PosterStopped): void;
}

export interface PosterOptions {
  readonly store: EventStore;
  readonly bus: CommandBus;
  readonly codec: EventCodec;
  readonly db: Queryable;
  readonly metrics?: PosterMetrics;
  /** Everything that went wrong, fatal or not. */
  readonly onError?: (error: unknown, what: 'post' | 'follow' | 'checkpoint') => void;
  readonly checkpointPauseMs?: number;
}

export interface Poster {
  /** Follows the log until the signal aborts. Outages are waited out; rejects with {@link PosterStopped} only. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Posts everything up to the present end of the log and answers with how far that is. May be called while `run` runs.
   * Rejects with {@link PosterStopped}, or with what is not available after {@link POST_ATTEMPTS_MAX}.
   */
  drain(signal?: AbortSignal): Promise<LogPosition>;
  /** Everything up to here is posted, as far as this poster knows; undefined before its first start. */
  readonly position: LogPosition | undefined;
}

interface Post {
  readonly recorded: RecordedEvent<Cause>;
  readonly id: string;
  readonly after: CausePlace | null;
  readonly entry: Entry;
}

const isTransient = (error: unknown): boolean =>
  error instanceof EventStoreUnavailable ||
  error instanceof CommandQueueFull ||
  error instanceof StreamContended ||
  error instanceof CommandBusClosed;

export const createPoster = (options: PosterOptions): Poster => {
  const { store, bus, codec, metrics = {}, onError, checkpointPauseMs = CHECKPOINT_PAUSE_MS } = options;
  const checkpoint = createPosterCheckpoint(options.db);
  const zones = new TimeZones(bus);
  const chain = new PostChain();
  let position: LogPosition | undefined;
  let savedAtMs = Number.NEGATIVE_INFINITY;
  let turn: Promise<unknown> = Promise.resolve();

  /** One batch at a time, whoever brings it. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  };

  const save = async (): Promise<void> => {
    if (position === undefined) return;
    savedAtMs = performance.now();
    try {
      await checkpoint.save(position);
    } catch (error) {
      onError?.(error, 'checkpoint');
    }
  };

  const start = async (): Promise<LogPosition> => {
    if (position !== undefined) return position;
    try {
      const saved = await checkpoint.load();
      const end = (await store.readEnd()) ?? LOG_START;
      // A checkpoint of another log would skip causes of this one.
      position ??= comparePositions(saved, end) > 0 ? LOG_START : saved;
    } catch (error) {
      if (isTransient(error)) throw error;
      onError?.(error, 'checkpoint');
      position ??= LOG_START;
    }
    return position;
  };

  const learn = (stored: StoredEvent): void => {
    try {
      zones.learn(codec.decode(stored) as RecordedEvent<ChannelEvent>);
    } catch (error) {
      throw new PosterStopped(stored, error);
    }
  };

  const timeZoneOf = async (party: string, at: LogPosition): Promise<string> => {
    const timeZone = await zones.at(party, at);
    if (timeZone === undefined) throw new Error(`channel ${party} was never configured`);
    return timeZone;
  };

  const toPost = async (stored: StoredEvent): Promise<Post> => {
    try {
      const recorded = codec.decode(stored) as RecordedEvent<Cause>;
      const { event, streamId, position: at, metadata } = recorded;
      const booking = bookingOf(event, streamId);
      const effectiveDay = dayIn(await timeZoneOf(booking.party, at), metadata.effectiveAt);
      const month = monthOf(effectiveDay);
      const id = settlementIdOf(booking.party, month);
      const entry = { ...booking, month, effectiveAt: metadata.effectiveAt, effectiveDay };
      return { recorded, id, after: chain.link(id, at), entry };
    } catch (error) {
      throw isTransient(error) ? error : new PosterStopped(stored, error);
    }
  };

  const post = async ({ recorded, id, after, entry }: Post): Promise<number> => {
    const { id: eventId, stream, revision, position: at, metadata, event } = recorded;
    const commit = at.commit.toString();
    const prepare = at.prepare.toString();
    const cause = { id: eventId, type: event.type, stream, revision, commit, prepare };
    const context: CommandContext = {
      commandId: eventId,
      correlationId: metadata.$correlationId,
      causationId: eventId,
      actor: 'poster',
      channel: entry.party,
      effectiveAt: metadata.effectiveAt,
    };
    try {
      const result = await bus.execute(settlement, id, { type: 'post', cause, after, entry }, context);
      if (result.status === 'accepted') return result.events.length;
      throw new Error(`${result.rejection.code}: ${result.rejection.message}`);
    } catch (error) {
      throw isTransient(error) ? error : new PosterStopped({ ...recorded, type: event.type }, error);
    }
  };

  /** All or none counts: where one fails, the whole chunk is posted again, and what is there already yields nothing. */
  const postAll = async (posts: readonly Post[], signal: AbortSignal | undefined): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const results = await Promise.allSettled(posts.map(post));
      const failed = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      if (failed.length === 0) {
        const entries = results.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0);
        metrics.posted?.(posts.length, entries);
        return;
      }
      // Behind a cause that failed for a while, those after it are refused as skipped: only without one is it for good.
      const transient = failed.find(isTransient);
      if (transient === undefined) throw failed[0];
      metrics.retried?.(transient);
      onError?.(transient, 'post');
      if (attempt >= POST_ATTEMPTS_MAX) throw transient;
      await sleep(Math.min(RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS * 2 ** attempt), undefined, { signal });
    }
  };

  const isNew = (place: LogPosition): boolean =>
    position === undefined || comparePositions(place, position) > 0;

  const take = async (batch: LogBatch, signal: AbortSignal | undefined): Promise<void> => {
    let posts: Post[] = [];
    const flush = async (reached: LogPosition): Promise<void> => {
      if (posts.length > 0) await postAll(posts, signal);
      posts = [];
      chain.confirm();
      if (isNew(reached)) position = reached;
      if (performance.now() - savedAtMs >= checkpointPauseMs) await save();
    };
    try {
      for (const stored of batch.events) {
        if (!isNew(stored.position)) continue;
        if (stored.type === CHANNEL_TYPE) learn(stored);
        if (!CAUSE_TYPES.has(stored.type)) continue;
        posts.push(await toPost(stored));
        if (posts.length >= POSTS_IN_FLIGHT_MAX) await flush(stored.position);
      }
      await flush(batch.position);
    } catch (error) {
      // What came before a poisoned cause is posted, so that the ledger ends exactly there.
      if (error instanceof PosterStopped && posts.length > 0)
        await postAll(posts, signal).catch(() => undefined);
      chain.forget();
      throw error;
    }
  };

  const stopLoudly = (error: PosterStopped): void => {
    metrics.stopped?.(error);
    onError?.(error, 'post');
  };

  const follow = async (signal: AbortSignal): Promise<void> => {
    const after = await start();
    for await (const batch of store.subscribeAll({ after, ...CAUSES, signal })) {
      if (signal.aborted) return;
      await inTurn(() => take(batch, signal));
    }
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const before = position;
      try {
        await follow(signal);
        if (signal.aborted) break;
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof PosterStopped) {
          stopLoudly(error);
          await save();
          throw error;
        }
        metrics.retried?.(error);
        onError?.(error, 'follow');
      }
      failures = position === before ? failures + 1 : 0;
      const pauseMs = Math.min(RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS * 2 ** Math.min(failures, 10));
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    await save();
  };

  const drain = async (signal?: AbortSignal): Promise<LogPosition> => {
    const after = await start();
    const reading = { after, ...CAUSES, ...(signal === undefined ? {} : { signal }) };
    try {
      for await (const batch of store.readAll(reading)) await inTurn(() => take(batch, signal));
    } catch (error) {
      if (error instanceof PosterStopped) stopLoudly(error);
      throw error;
    }
    await save();
    return position ?? after;
  };

  return {
    run,
    drain,
    get position() {
      return position;
    },
  };
};
