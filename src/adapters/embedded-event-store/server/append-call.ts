/** The unary forms: Append, Delete and Tombstone, one per call, with errors as statuses. */
import {
  type EventStoreError,
  invalidArgument,
  maximumAppendSizeExceeded,
  streamDeleted,
  writeFailed,
  wrongExpectedVersion,
} from '../errors.js';
import type { NewEvent } from '../log/record.js';
import * as answers from '../protocol/append-answers.js';
import { decodeAppend, decodeTarget, type StreamTarget } from '../protocol/append-request.js';
import type { AppendOutcome } from '../store/append-outcome.js';
import type { Store } from '../store/store.js';
import type { GrpcCall } from './grpc-call.js';

/** EventStoreDB's default for the bytes of one append: data, metadata and types of its events. */
export const APPEND_MAX_BYTES = 1_048_576;

/** What an event counts against the limit. EventStoreDB counts its type as UTF-16; for ASCII that is this. */
export const sizeOf = (event: NewEvent): number =>
  event.data.length + event.metadata.length + event.type.length * 2;

/** First the target, then the events, then the end. */
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
      if (target === undefined) throw invalidArgument('the call has no options');
      const { expected } = target;
      const name = target.streamName.toString('utf8');
      store.append(name, expected, events, (outcome) => {
        if (outcome.kind === 'written' || outcome.kind === 'repeat') {
          call.send(answers.appendSuccess(outcome.last, outcome.position));
          call.finish();
        } else if (outcome.kind === 'wrong_version') {
          call.send(answers.appendWrongVersion(outcome.current, expected));
          call.finish();
        } else call.finish(failure(outcome, 'Append', name, expected));
      });
    },
  );
}

/** Delete keeps the name usable; tombstone does not. */
export async function deleteStream(store: Store, call: GrpcCall, forGood: boolean): Promise<void> {
  const { streamName, expected } = decodeTarget(await call.message());
  const name = streamName.toString('utf8');
  const done = (outcome: AppendOutcome): void => {
    if (outcome.kind === 'written' || outcome.kind === 'repeat') {
      call.send(answers.deleted(outcome.position));
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
  if (outcome.kind === 'wrong_version') {
    return wrongExpectedVersion(operation, name, expected, outcome.current);
  }
  return writeFailed(outcome.reason);
}
