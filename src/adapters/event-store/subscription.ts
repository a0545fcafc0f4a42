import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  ErrorType,
  type EventStoreDBClient,
  eventTypeFilter,
  streamNameFilter,
} from '@eventstore/db-client';
import {
  comparePositions,
  EventStoreRefused,
  LOG_START,
  type LogBatch,
  type LogPosition,
  type ReadAllOptions,
  type StoredEvent,
} from '../../runtime/event-store.js';
import { Bell } from './collector.js';
import { errorTypeOf, toStoredEvent, wantedEvents } from './convert.js';
import type { Lane } from './lane.js';
import {
  BATCH_EVENTS,
  CATCH_UP_LINGER_MS,
  CHECKPOINT_LINGER_MS,
  type ClientLimits,
  LIVE_LINGER_MS,
  retryPause,
  type Trouble,
} from './limits.js';
import { READ_AHEAD_EVENTS } from './reader.js';

/** Checkpoints come every so many times 32 events searched. */
const CHECKPOINT_INTERVAL = 8;
/** A subscription that is opened again and again for nothing waits longer each time, up to so many times as long. */
const SILENCE_FACTOR_MAX = 16;

type Wanted = Pick<ReadAllOptions, 'categories' | 'types'>;

/** Something the server said between two events. */
interface Mark {
  /** Applies once so many events of the session have been delivered. */
  after: number;
  readonly position?: LogPosition;
  readonly live?: boolean;
}

/**
 * One call at the server. Events and marks are delivered in the order the server sent them: the client announces a mark while
 * the events before it still wait in its buffer, so a mark remembers how many events were sent before it.
 */
class Session {
  readonly bell = new Bell();
  failure: { readonly error: unknown } | undefined;
  live = false;
  heardAtMs = performance.now();
  #events: StoredEvent[] = [];
  #marks: Mark[] = [];
  #received = 0;
  #delivered = 0;
  readonly #subscription: AllStreamSubscription;
  readonly #wanted: (event: StoredEvent) => boolean;

  constructor(
    client: EventStoreDBClient,
    private readonly namespace: string,
    public position: LogPosition,
    wanted: Wanted,
    /** The log's end before the session began. */
    private readonly end: LogPosition | undefined,
  ) {
    const marks = {
      checkpointInterval: CHECKPOINT_INTERVAL,
      // Called by the client in a promise it does not guard: must not throw.
      checkpointReached: (subscription: AllStreamSubscription, reached: LogPosition) =>
        this.#mark(subscription, { position: reached }),
    };
    const { categories, types } = wanted;
    const filter =
      types === undefined
        ? streamNameFilter({ prefixes: categories.map((category) => `${namespace}${category}-`), ...marks })
        : eventTypeFilter({ prefixes: [...types], ...marks });
    this.#wanted = wantedEvents(wanted);
    this.#subscription = client.subscribeToAll(
      { fromPosition: position.commit === 0n ? 'start' : { ...position }, filter },
      { highWaterMark: READ_AHEAD_EVENTS },
    );
    this.#listen(this.#subscription);
  }

  get events(): number {
    return this.#events.length;
  }

  /** Whether `take` would say anything new. */
  get news(): 'events' | 'live' | 'position' | undefined {
    if (this.#events.length > 0) return 'events';
    const due = this.#marks.filter(({ after }) => after <= this.#delivered);
    if (due.some(({ live }) => live !== undefined && live !== this.live)) return 'live';
    return due.length > 0 ? 'position' : undefined;
  }

  take(): LogBatch {
    const all = this.#events.length <= BATCH_EVENTS;
    const events = all ? this.#events : this.#events.slice(0, BATCH_EVENTS);
    this.#events = all ? [] : this.#events.slice(BATCH_EVENTS);
    this.#delivered += events.length;
    const last = events.at(-1);
    if (last !== undefined) this.#reach(last.position);
    while (this.#marks[0] !== undefined && this.#marks[0].after <= this.#delivered)
      this.#apply(this.#marks.shift());
    if (this.#subscription.isPaused() && this.#events.length < BATCH_EVENTS) this.#subscription.resume();
    return { events, position: this.position, caughtUp: this.live && this.#events.length === 0 };
  }

  async close(): Promise<void> {
    this.#subscription.resume();
    await this.#subscription.unsubscribe().catch(() => undefined);
  }

  #listen(subscription: AllStreamSubscription): void {
    subscription.on('data', (chunk: AllStreamResolvedEvent) => this.#onEvent(subscription, chunk));
    // "Caught up" is about a time after `end` was read: everything up to there has been delivered or does not match.
    subscription.on('caughtUp', () => {
      this.#mark(subscription, this.end === undefined ? { live: true } : { live: true, position: this.end });
    });
    subscription.on('fellBehind', () => this.#mark(subscription, { live: false }));
    subscription.on('confirmation', () => this.#hear());
    // Stays on for ever, see collector.ts.
    subscription.on('error', (error) => this.#fail(error));
    subscription.on('end', () => this.#fail(new Error('the server ended the subscription')));
    subscription.on('close', () => this.#fail(new Error('the subscription was closed')));
  }

  #onEvent(subscription: AllStreamSubscription, chunk: AllStreamResolvedEvent): void {
    const event = toStoredEvent(chunk, this.namespace);
    const last = this.#events.at(-1)?.position ?? this.position;
    if (event !== undefined && comparePositions(event.position, last) > 0 && this.#wanted(event)) {
      this.#received += 1;
      this.#events.push(event);
    } else {
      // Marks behind it counted it as one to come.
      for (const mark of this.#marks) if (mark.after > this.#received) mark.after -= 1;
    }
    if (this.#events.length >= 2 * BATCH_EVENTS) subscription.pause();
    this.#hear();
  }

  #mark(subscription: AllStreamSubscription, mark: Omit<Mark, 'after'>): void {
    const after = this.#received + subscription.readableLength;
    const last = this.#marks.at(-1);
    // Nothing but checkpoints for a while: the last one is enough.
    if (last?.after === after && last.live === undefined && mark.live === undefined) this.#marks.pop();
    this.#marks.push({ ...mark, after });
    this.#hear();
  }

  #apply(mark: Mark | undefined): void {
    if (mark?.live !== undefined) this.live = mark.live;
    if (mark?.position !== undefined) this.#reach(mark.position);
  }

  #reach(position: LogPosition): void {
    if (comparePositions(position, this.position) > 0) this.position = position;
  }

  #hear(): void {
    this.heardAtMs = performance.now();
    this.bell.ring();
  }

  #fail(error: unknown): void {
    this.failure ??= { error };
    this.bell.ring();
  }
}

export interface SubscriptionParts {
  readonly lane: Lane;
  readonly namespace: string;
  readonly limits: ClientLimits;
  readonly readEnd: () => Promise<LogPosition | undefined>;
  readonly onTrouble: (trouble: Trouble) => void;
}

/**
 * Follows the log for ever. States: opening -> behind -> live -> (broken, or silent although the log goes on) -> pause ->
 * opening at the position delivered last. Invariants: the position never goes back, no event is delivered twice or left out,
 * one session at a time is open and it is cancelled at the server before the next one opens. Ends only by the signal or by
 * its consumer; throws only what no retry can cure.
 */
export async function* followAll(
  parts: SubscriptionParts,
  { after = LOG_START, signal, ...wanted }: ReadAllOptions,
): AsyncGenerator<LogBatch> {
  const { lane, limits, onTrouble } = parts;
  let position = after;
  let silence = 1;
  const aborted = (): boolean => signal?.aborted === true;
  for (let attempt = 1; !aborted(); attempt += 1) {
    const lease = await lane.lease();
    let session: Session | undefined;
    let onAbort: (() => void) | undefined;
    let reason: unknown = 'the consumer left';
    let suspect = false;
    try {
      const end = await parts.readEnd();
      const current = new Session(lease.client, parts.namespace, position, wanted, end);
      session = current;
      onAbort = () => current.bell.ring();
      signal?.addEventListener('abort', onAbort);
      let deliveredAtMs = performance.now();
      for (;;) {
        const state = await untilNews(current, parts, { deliveredAtMs, silence, aborted });
        if (state !== 'news') {
          reason = state === 'broken' ? current.failure?.error : state;
          break;
        }
        const batch = current.take();
        position = batch.position;
        deliveredAtMs = performance.now();
        if (batch.events.length > 0) silence = 1;
        attempt = 1;
        yield batch;
      }
      suspect = !aborted();
    } catch (error) {
      reason = error;
      suspect = true;
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      await session?.close();
      lease.giveBack(suspect);
    }
    if (aborted()) return;
    if (errorTypeOf(reason) === ErrorType.ACCESS_DENIED) {
      throw new EventStoreRefused('event_store_refused', 'the subscription was refused', { cause: reason });
    }
    onTrouble({ kind: 'subscription_resumed', detail: `from ${position.commit}: ${String(reason)}` });
    if (reason === 'silent') silence = Math.min(silence * 2, SILENCE_FACTOR_MAX);
    else
      await sleep(retryPause(limits, attempt), undefined, signal === undefined ? {} : { signal }).catch(
        () => undefined,
      );
  }
}

/** Waits until a batch is worth delivering: full, lingered long enough, or the first after a pause. */
const untilNews = async (
  session: Session,
  { limits, readEnd }: SubscriptionParts,
  now: { readonly deliveredAtMs: number; readonly silence: number; readonly aborted: () => boolean },
): Promise<'news' | 'broken' | 'silent' | 'aborted'> => {
  const sinceMs = performance.now();
  for (;;) {
    if (now.aborted()) return 'aborted';
    if (session.events >= BATCH_EVENTS) return 'news';
    const { news } = session;
    if (session.failure !== undefined) return news === undefined ? 'broken' : 'news';
    if (news !== undefined) {
      const dueMs =
        news === 'events'
          ? session.live
            ? now.deliveredAtMs + LIVE_LINGER_MS
            : sinceMs + CATCH_UP_LINGER_MS
          : news === 'live'
            ? 0
            : sinceMs + CHECKPOINT_LINGER_MS;
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0) {
        await nextTurn();
        return 'news';
      }
      await session.bell.wait(leftMs);
      continue;
    }
    const rang = await session.bell.wait(limits.subscriptionSilentMs * now.silence);
    if (rang) continue;
    const end = await readEnd();
    if (end === undefined || comparePositions(end, session.position) <= 0) continue;
    await session.bell.wait(limits.subscriptionGraceMs);
    if (session.news === undefined && session.failure === undefined && !now.aborted()) return 'silent';
  }
};
