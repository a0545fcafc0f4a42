import { EventStoreError } from '../errors.js';
import type { NewEvent } from '../log/record.js';
import * as answers from '../protocol/batch-answers.js';
import { type BatchChunk, type BatchOptions, decodeBatchChunk } from '../protocol/batch-request.js';
import type { AppendOutcome } from '../store/append-outcome.js';
import { isExpectation } from '../store/expected.js';
import type { Store } from '../store/store.js';
import { APPEND_MAX_BYTES, sizeOf } from './append-call.js';
import type { GrpcCall } from './grpc-call.js';

/** Appends of one call whose last chunk has not come yet. */
export const OPEN_BATCHES_MAX = 10_000;
/** Longer ones are none to Node. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** One append whose chunks are coming. */
interface OpenBatch {
  readonly target: answers.BatchTarget;
  readonly options: BatchOptions;
  readonly events: NewEvent[];
  size: number;
  timer: NodeJS.Timeout | undefined;
  /** Why it cannot be stored; said when its last chunk is here. */
  refusal: string | undefined;
}

/**
 * One call for many appends, each in chunks until one `is_final`; answers come in any order, told apart by correlation
 * id. What is wrong with one append is answered to that one and leaves the others alone.
 */
export function batchAppend(store: Store, call: GrpcCall): void {
  const session = new BatchSession(store, call);
  call.onMessages(
    (message) => session.take(decodeBatchChunk(message, store.now())),
    () => session.end(),
  );
}

class BatchSession {
  readonly #store: Store;
  readonly #call: GrpcCall;
  readonly #open = new Map<string, OpenBatch>();
  #waiting = 0;
  #ended = false;
  #paused = false;

  constructor(store: Store, call: GrpcCall) {
    this.#store = store;
    this.#call = call;
    call.onClose(() => {
      for (const { timer } of this.#open.values()) clearTimeout(timer);
    });
  }

  take(chunk: BatchChunk): void {
    // Most appends are one chunk; those need no place among the open ones.
    const key = chunk.isFinal && this.#open.size === 0 ? '' : chunk.correlation.toString('latin1');
    const batch = this.#open.get(key) ?? this.#begin(chunk);
    if (batch === undefined) return;
    for (const event of chunk.events) {
      batch.events.push(event);
      batch.size += sizeOf(event);
    }
    batch.refusal ??= chunk.refusal;
    if (batch.size > APPEND_MAX_BYTES) {
      this.#close(key, batch);
      this.#call.send(answers.batchTooLarge(batch.target, APPEND_MAX_BYTES));
    } else if (chunk.isFinal) {
      this.#close(key, batch);
      this.#submit(batch);
    } else if (this.#open.size >= OPEN_BATCHES_MAX && !this.#open.has(key)) {
      const refusal = `more than ${OPEN_BATCHES_MAX} unfinished appends`;
      this.#call.send(answers.batchBadRequest(batch.target, refusal));
    } else this.#keep(key, batch);
  }

  /** The client sends nothing more. */
  end(): void {
    this.#ended = true;
    this.#finishIfDone();
  }

  /** The append that a chunk begins; undefined for a chunk of one that was refused already, or that never began. */
  #begin({ options, correlation }: BatchChunk): OpenBatch | undefined {
    if (options === undefined) return undefined;
    const target = { correlation, streamName: options.streamName };
    const refusal =
      options.streamName === undefined
        ? 'Required field StreamIdentifier not set.'
        : isExpectation(options.expected)
          ? undefined
          : 'the append has no expected revision';
    if (refusal !== undefined) this.#call.send(answers.batchBadRequest(target, refusal));
    else if (options.deadlineMs <= this.#store.now()) this.#call.send(answers.batchTimeout(target));
    else return { target, options, events: [], size: 0, timer: undefined, refusal: undefined };
    return undefined;
  }

  /** Keeps an append until its next chunk comes, or its deadline. */
  #keep(key: string, batch: OpenBatch): void {
    if (this.#open.has(key)) return;
    this.#open.set(key, batch);
    const { deadlineMs } = batch.options;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const expire = (): void => {
      this.#open.delete(key);
      this.#call.send(answers.batchTimeout(batch.target));
    };
    const leftMs = Math.max(0, deadlineMs - this.#store.now());
    batch.timer = setTimeout(expire, Math.min(leftMs, TIMER_MAX_MS)).unref();
  }

  #close(key: string, { timer }: OpenBatch): void {
    clearTimeout(timer);
    this.#open.delete(key);
  }

  #submit({ target, options, events, refusal }: OpenBatch): void {
    if (refusal !== undefined) this.#call.send(answers.batchBadRequest(target, refusal));
    else this.#append(target, options.expected, events);
  }

  #append(target: answers.BatchTarget, expected: number, events: readonly NewEvent[]): void {
    const name = target.streamName?.toString('utf8') ?? '';
    this.#waiting++;
    try {
      this.#store.append(name, expected, events, (outcome) => {
        this.#waiting--;
        this.#answer(target, expected, outcome);
        this.#finishIfDone();
      });
    } catch (error) {
      this.#waiting--;
      if (!(error instanceof EventStoreError)) throw error;
      this.#call.send(answers.batchBadRequest(target, error.message));
    }
    if (this.#store.writer.busy) this.#waitUntilCalm();
  }

  #answer(target: answers.BatchTarget, expected: number, outcome: AppendOutcome): void {
    const written = outcome.kind === 'written' || outcome.kind === 'repeat';
    if (!written || outcome.last < 0 || outcome.position < 0) {
      this.#call.send(unusual(target, expected, outcome));
    } else if (!this.#call.closed) {
      answers.writeBatchSuccess(this.#call.frames, target, outcome.last, outcome.position);
      this.#call.flushSoon();
    }
  }

  /** The client notices through HTTP/2's flow control that the disk does not keep up. */
  #waitUntilCalm(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#call.pause();
    void this.#store.writer.whenCalm().then(() => {
      this.#paused = false;
      this.#call.resume();
    });
  }

  #finishIfDone(): void {
    if (this.#ended && this.#waiting === 0) this.#call.finish();
  }
}

/** An answer that few appends get. */
function unusual(target: answers.BatchTarget, expected: number, outcome: AppendOutcome): Buffer {
  switch (outcome.kind) {
    case 'written':
    case 'repeat':
      return answers.batchSuccess(target, outcome.last, outcome.position);
    case 'wrong_version':
      return answers.batchWrongVersion(target, outcome.current, expected);
    case 'deleted':
      return answers.batchStreamDeleted(target);
    case 'failed':
      return answers.batchUnknown(target);
  }
}
