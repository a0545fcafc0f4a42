/** Append, BatchAppend, Delete and Tombstone. */
import {
  EventStoreError,
  maximumAppendSizeExceeded,
  streamDeleted,
  writeFailed,
  wrongExpectedVersion,
} from './errors.js';
import type { GrpcCall } from './grpc-server.js';
import type { NewEvent } from './record.js';
import {
  type BatchChunk,
  type BatchOptions,
  decodeAppend,
  decodeBatchChunk,
  decodeTarget,
  type StreamTarget,
} from './requests.js';
import * as responses from './responses.js';
import { type AppendOutcome, isExpectation, type Store } from './store.js';

/** EventStoreDB's default for the bytes of one append: data, metadata and types of its events. */
export const APPEND_MAX_BYTES = 1_048_576;
/** Appends of one BatchAppend call whose last chunk has not come yet. */
export const OPEN_BATCHES_MAX = 10_000;

/** What an event counts against the limit; the type counts as UTF-16, as EventStoreDB has it. */
const sizeOf = (event: NewEvent): number => event.data.length + event.metadata.length + event.type.length * 2;

/** The unary form: one append per call, errors as statuses. */
export function append(store: Store, call: GrpcCall): void {
  let target: StreamTarget | undefined;
  let size = 0;
  const events: NewEvent[] = [];
  call.onMessages(
    (message) => {
      const part = decodeAppend(message);
      if ('target' in part) {
        target = part.target;
        return;
      }
      size += sizeOf(part.event);
      if (size > APPEND_MAX_BYTES) throw maximumAppendSizeExceeded(APPEND_MAX_BYTES);
      events.push(part.event);
    },
    () => {
      if (target === undefined) throw new EventStoreError('no_options', 3, 'the call has no options');
      const { expected } = target;
      const name = target.streamName.toString('utf8');
      store.append(name, expected, events, (outcome) => {
        if (outcome.kind === 'written' || outcome.kind === 'repeat') {
          call.send(responses.appendSuccess(outcome.last, outcome.position));
          call.finish();
        } else if (outcome.kind === 'wrong_version') {
          call.send(responses.appendWrongVersion(outcome.current, expected));
          call.finish();
        } else call.finish(failure(outcome, 'Append', name, expected));
      });
    },
  );
}

interface OpenBatch {
  readonly target: responses.BatchTarget;
  readonly options: BatchOptions;
  readonly events: NewEvent[];
  size: number;
  refusal: string | undefined;
}

/** One call for many appends, each in chunks until `is_final`; answers come in any order, told apart by correlation id. */
export function batchAppend(store: Store, call: GrpcCall): void {
  const open = new Map<string, OpenBatch>();
  let waiting = 0;
  let ended = false;
  let paused = false;

  const answer = (message: Buffer): void => call.send(message);

  const finishIfDone = (): void => {
    if (ended && waiting === 0) call.finish();
  };

  const begin = (chunk: BatchChunk, options: BatchOptions): OpenBatch | undefined => {
    const target = { correlation: Buffer.from(chunk.correlation), streamName: options.streamName };
    if (options.streamName === undefined) {
      answer(responses.batchBadRequest(target, 'Required field StreamIdentifier not set.'));
      return undefined;
    }
    if (!isExpectation(options.expected)) {
      answer(responses.batchBadRequest(target, 'the append has no expected revision'));
      return undefined;
    }
    if (options.deadlineMs <= store.now()) {
      answer(responses.batchTimeout(target));
      return undefined;
    }
    return { target, options, events: [], size: 0, refusal: undefined };
  };

  const submit = (batch: OpenBatch): void => {
    const { target, options, events } = batch;
    if (batch.refusal !== undefined) {
      answer(responses.batchBadRequest(target, batch.refusal));
      return;
    }
    const name = target.streamName?.toString('utf8') ?? '';
    waiting++;
    try {
      store.append(name, options.expected, events, (outcome) => {
        waiting--;
        answer(batchAnswer(target, options.expected, outcome));
        finishIfDone();
      });
    } catch (error) {
      waiting--;
      answer(responses.batchBadRequest(target, error instanceof Error ? error.message : String(error)));
    }
    if (store.busy && !paused) {
      paused = true;
      call.pause();
      void store.whenCalm().then(() => {
        paused = false;
        call.resume();
      });
    }
  };

  call.onMessages(
    (message) => {
      const chunk = decodeBatchChunk(message, store.now());
      const key = chunk.isFinal && open.size === 0 ? '' : chunk.correlation.toString('latin1');
      let batch = key === '' ? undefined : open.get(key);
      if (batch === undefined) {
        // A chunk of an append that was refused already, or one that never began.
        if (chunk.options === undefined) return;
        batch = begin(chunk, chunk.options);
        if (batch === undefined) return;
      }
      for (const event of chunk.events) {
        batch.events.push(event);
        batch.size += sizeOf(event);
      }
      batch.refusal ??= chunk.refusal;
      if (batch.size > APPEND_MAX_BYTES) {
        open.delete(key);
        answer(responses.batchTooLarge(batch.target, APPEND_MAX_BYTES));
        return;
      }
      if (chunk.isFinal) {
        open.delete(key);
        submit(batch);
      } else if (open.size >= OPEN_BATCHES_MAX && !open.has(key)) {
        answer(responses.batchBadRequest(batch.target, `more than ${OPEN_BATCHES_MAX} unfinished appends`));
      } else open.set(key, batch);
    },
    () => {
      ended = true;
      finishIfDone();
    },
  );
}

function batchAnswer(target: responses.BatchTarget, expected: number, outcome: AppendOutcome): Buffer {
  switch (outcome.kind) {
    case 'written':
    case 'repeat':
      return responses.batchSuccess(target, outcome.last, outcome.position);
    case 'wrong_version':
      return responses.batchWrongVersion(target, outcome.current, expected);
    case 'deleted':
      return responses.batchStreamDeleted(target);
    case 'failed':
      return responses.batchUnknown(target);
  }
}

/** Delete keeps the name usable; tombstone does not. */
export async function deleteStream(store: Store, call: GrpcCall, forGood: boolean): Promise<void> {
  const { streamName, expected } = decodeTarget(await call.message());
  const name = streamName.toString('utf8');
  const done = (outcome: AppendOutcome): void => {
    if (outcome.kind === 'written' || outcome.kind === 'repeat') {
      call.send(responses.deleted(outcome.position));
      call.finish();
    } else call.finish(failure(outcome, 'Delete', name, expected));
  };
  if (forGood) store.tombstone(name, expected, done);
  else store.delete(name, expected, done);
}

function failure(
  outcome: Exclude<AppendOutcome, { kind: 'written' | 'repeat' }>,
  operation: string,
  name: string,
  expected: number,
): EventStoreError {
  if (outcome.kind === 'deleted') return streamDeleted(name);
  if (outcome.kind === 'wrong_version')
    return wrongExpectedVersion(operation, name, expected, outcome.current);
  return writeFailed(outcome.reason);
}
