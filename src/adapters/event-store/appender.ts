import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorType, WrongExpectedVersionError } from '@eventstore/db-client';
import {
  type AppendOutcome,
  EventStoreRefused,
  EventStoreUnavailable,
  type EventToAppend,
  type LogPosition,
  NO_STREAM,
  type Revision,
} from '../../runtime/event-store.js';
import { errorTypeOf, isKnown } from './convert.js';
import type { Lane, Lease } from './lane.js';
import {
  APPEND_MAX_BYTES,
  APPEND_UNIT_BYTES,
  type ClientLimits,
  retryPause,
  type Trouble,
} from './limits.js';
import { type Carrier, encodeEvents } from './proposed-messages.js';
import { Slots } from './slots.js';

/** The server decided: it will say the same again. */
const REFUSALS: ReadonlySet<string> = new Set([
  ErrorType.ACCESS_DENIED,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
]);

interface FrozenBatch {
  readonly stream: string;
  readonly carrier: Carrier;
  readonly events: number;
  readonly expected: Revision | 'any';
  readonly bytes: number;
}

/** Throws for data that is no JSON: inside the client that would be an unhandled rejection. */
const freeze = (
  stream: string,
  events: readonly EventToAppend[],
  expected: Revision | 'any',
): FrozenBatch => {
  if (events.length === 0) throw new TypeError(`an append of no events to ${stream}`);
  const { carrier, bytes } = encodeEvents(events);
  if (bytes > APPEND_MAX_BYTES) {
    throw new EventStoreRefused(
      'append_too_large',
      `${bytes} bytes to ${stream}, ${APPEND_MAX_BYTES} at most`,
    );
  }
  return { stream, carrier, events: events.length, expected, bytes };
};

/**
 * Appends with an answer. One try is: sent -> success | wrong revision | refused (all final), or unknown (no answer in time,
 * a broken stream, any other error). Unknown is tried again with the same event ids at the same expected revision, for
 * which the server answers as it would have the first time, on a new connection once nothing else uses the old one.
 */
export class Appender {
  readonly #units: Slots;

  constructor(
    private readonly lane: Lane,
    private readonly limits: ClientLimits,
    private readonly readPosition: (stream: string, revision: Revision) => Promise<LogPosition>,
    private readonly onTrouble: (trouble: Trouble) => void,
  ) {
    this.#units = new Slots('appends', limits.appendUnits, limits.appendWaiters);
  }

  async append(
    stream: string,
    events: readonly EventToAppend[],
    expected: Revision | 'any',
  ): Promise<AppendOutcome> {
    const batch = freeze(stream, events, expected);
    const deadline = performance.now() + this.limits.appendTotalMs;
    const units = await this.#units.take(
      Math.ceil(batch.bytes / APPEND_UNIT_BYTES),
      this.limits.appendTotalMs,
    );
    try {
      return await this.#appendUntil(batch, deadline);
    } finally {
      this.#units.give(units);
    }
  }

  async #appendUntil(batch: FrozenBatch, deadline: number): Promise<AppendOutcome> {
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.lane.lease();
      const outcome = await this.#try(batch, lease, deadline - performance.now());
      if ('ok' in outcome) return outcome;
      const pause = retryPause(this.limits, attempt);
      this.onTrouble({ kind: 'append_retried', detail: `${batch.stream}: ${String(outcome.unknown)}` });
      if (performance.now() + pause >= deadline) {
        throw new EventStoreUnavailable(
          `append to ${batch.stream} has an unknown outcome after ${attempt} tries`,
          {
            cause: outcome.unknown,
          },
        );
      }
      await sleep(pause);
    }
  }

  async #try(
    batch: FrozenBatch,
    lease: Lease,
    leftMs: number,
  ): Promise<AppendOutcome | { readonly unknown: unknown }> {
    let suspect = false;
    try {
      const answer = await this.#send(batch, lease, Math.max(1, leftMs));
      const revision =
        batch.expected === 'any' ? Number(answer.nextExpectedRevision) : batch.expected + batch.events;
      const position = isKnown(answer.position)
        ? answer.position
        : await this.readPosition(batch.stream, revision);
      return { ok: true, revision, position };
    } catch (error) {
      const outcome = outcomeOf(error, batch);
      suspect = 'unknown' in outcome;
      return outcome;
    } finally {
      lease.giveBack(suspect);
    }
  }

  /**
   * Rejects when the server has been silent for an attempt's time, or after `leftMs` in all. As long as it answers others it is slow
   * and not gone, and to send the same again would make it slower.
   */
  #send({ stream, carrier, expected }: FrozenBatch, lease: Lease, leftMs: number) {
    const { appendAttemptMs } = this.limits;
    return new Promise<Awaited<ReturnType<Lease['client']['appendToStream']>>>((resolve, reject) => {
      const sentAtMs = performance.now();
      const look = (): void => {
        const nowMs = performance.now();
        const silentMs = nowMs - Math.max(sentAtMs, lease.heardAtMs());
        const patienceMs = Math.min(appendAttemptMs - silentMs, sentAtMs + leftMs - nowMs);
        if (patienceMs > 0) timer = setTimeout(look, patienceMs);
        // After a long turn of the event loop the timer comes first, although the answer waits in the socket.
        else
          setImmediate(() => setImmediate(() => fail(new Error(`no answer for ${Math.round(silentMs)} ms`))));
      };
      let timer = setTimeout(look, Math.min(leftMs, appendAttemptMs));
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        reject(error);
      };
      lease.onBroken(fail);
      lease.client
        .appendToStream(stream, carrier, {
          expectedRevision:
            expected === 'any' ? 'any' : expected === NO_STREAM ? 'no_stream' : BigInt(expected),
          deadline: leftMs,
        })
        .then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        }, fail);
    });
  }
}

/** Throws {@link EventStoreRefused} for what is final. */
const outcomeOf = (
  error: unknown,
  { stream, expected }: FrozenBatch,
): AppendOutcome | { unknown: unknown } => {
  if (error instanceof WrongExpectedVersionError) {
    const actual = typeof error.actualVersion === 'bigint' ? Number(error.actualVersion) : NO_STREAM;
    // "Wrong, it is what you expected" says nothing.
    return actual === expected ? { unknown: error } : { ok: false, actual };
  }
  const type = errorTypeOf(error);
  if (type === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED) {
    throw new EventStoreRefused('append_too_large', `the server takes no append of that size to ${stream}`, {
      cause: error,
    });
  }
  if (type !== undefined && REFUSALS.has(type)) {
    throw new EventStoreRefused('event_store_refused', `append to ${stream} was refused: ${type}`, {
      cause: error,
    });
  }
  return { unknown: error };
};
