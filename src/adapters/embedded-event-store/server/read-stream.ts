/** Reading a stream: its revisions from one end to the other, or as a subscription that waits for the next one. */
import { streamDeleted } from '../errors.js';
import type { RecordAt } from '../log/log.js';
import { visitRecords } from '../log/read-records.js';
import { recordCreatedMs } from '../log/record.js';
import * as answers from '../protocol/read-answers.js';
import type { ReadRequest, StartPoint } from '../protocol/read-request.js';
import { isExpired } from '../store/metadata.js';
import type { Store } from '../store/store.js';
import { EventOutput } from './event-output.js';
import type { GrpcCall } from './grpc-call.js';
import { confirm, wakeOn } from './subscription.js';

/** Revisions looked up at once. */
export const STREAM_PAGE_EVENTS = 256;

export async function readStream(
  store: Store,
  call: GrpcCall,
  name: string,
  request: ReadRequest,
): Promise<void> {
  const { backwards, from, compatibility } = request;
  const range = readable(store, name);
  if (range === undefined) {
    call.send(answers.streamNotFound(Buffer.from(name, 'utf8')));
    call.finish();
    return;
  }
  const out = new EventOutput(store, call, request);
  const { first, last } = range;
  let left = request.count;
  let next = startRevision(from, backwards, first, last);
  const beforeFirst = !backwards && from.kind === 'at' && from.position < first;
  if (compatibility >= 1 && (next > last || first > last) && beforeFirst) {
    out.message(answers.firstStreamPosition(first));
  }
  while (left > 0 && next >= first && next <= last && !call.closed) {
    const page = Math.min(STREAM_PAGE_EVENTS, left);
    const low = backwards ? Math.max(first, next - page + 1) : next;
    const high = backwards ? next : Math.min(last, next + page - 1);
    const positions = store.streams.positions(store.streams.get(name), low, high);
    if (backwards) positions.reverse();
    await visitRecords(store.log, positions, (record) => {
      if (isHidden(store, name, record)) return undefined;
      left--;
      return out.event(record);
    });
    next = backwards ? low - 1 : high + 1;
    await out.giveTurn(PAGE_TURN_BYTES);
  }
  if (compatibility >= 1) out.message(answers.lastStreamPosition(last));
  call.finish();
}

export async function subscribeToStream(
  store: Store,
  call: GrpcCall,
  name: string,
  request: ReadRequest,
): Promise<void> {
  const { from } = request;
  const out = new EventOutput(store, call, request);
  const known = readable(store, name);
  let next =
    from.kind === 'start'
      ? 0
      : from.kind === 'at'
        ? from.position + 1
        : store.streams.get(name).durableLast + 1;
  confirm(call);
  const wakeup = wakeOn(call, (listener) => store.watchers.onStream(name, listener));
  // A stream that does not exist is not caught up with, unless only what is new was asked for.
  let caughtUp = false;
  let exists = known !== undefined || from.kind === 'end';
  while (!call.closed) {
    wakeup.reset();
    const range = readable(store, name);
    exists ||= range !== undefined;
    next = Math.max(next, range?.first ?? 0);
    if (range === undefined || next > range.last) {
      if (exists && !caughtUp) {
        caughtUp = true;
        out.message(answers.CAUGHT_UP);
      }
      await out.flush();
      await wakeup.wait();
      continue;
    }
    const high = Math.min(range.last, next + STREAM_PAGE_EVENTS - 1);
    const positions = store.streams.positions(store.streams.get(name), next, high);
    await visitRecords(store.log, positions, (record) =>
      isHidden(store, name, record) ? undefined : out.event(record),
    );
    next = high + 1;
    await out.giveTurn(PAGE_TURN_BYTES);
  }
}

/** What a page counts against the turn of its reader, whatever the size of its events. */
const PAGE_TURN_BYTES = 64 * 1024;

/** The revisions that may be read; undefined for a stream that is not there. Throws for one deleted for good. */
function readable({ streams }: Store, name: string) {
  const state = streams.get(name);
  if (streams.isTombstoned(state)) throw streamDeleted(name);
  return streams.readable(state);
}

function isHidden({ streams, now }: Store, name: string, { bytes, at }: RecordAt): boolean {
  return isExpired(streams.limits(streams.get(name)), recordCreatedMs(bytes, at), now());
}

function startRevision(from: StartPoint, backwards: boolean, first: number, last: number): number {
  if (from.kind === 'start') return backwards ? (first === 0 ? 0 : -1) : first;
  if (from.kind === 'end') return backwards ? last : last + 1;
  return backwards ? Math.min(from.position, last) : Math.max(from.position, first);
}
