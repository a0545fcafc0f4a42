/** Reading `$all`: the log from one end to the other, or as a subscription that waits at its end. */
import { invalidArgument } from '../errors.js';
import { pieceBefore, pieceFrom } from '../log/read-pieces.js';
import { isRecordStart } from '../log/read-records.js';
import { RECORD_TRAILER_BYTES, recordLength } from '../log/record.js';
import { LOG_HEADER_BYTES } from '../log/storage.js';
import * as answers from '../protocol/read-answers.js';
import type { ReadRequest, StartPoint } from '../protocol/read-request.js';
import type { Store } from '../store/store.js';
import { compileFilter, type EventFilter } from './event-filter.js';
import { EventOutput } from './event-output.js';
import type { GrpcCall } from './grpc-call.js';
import { confirm, wakeOn } from './subscription.js';

const everything: EventFilter = () => true;
const filterOf = ({ filter }: ReadRequest): EventFilter =>
  filter === undefined ? everything : compileFilter(filter);

/** Reads up to `count` events, the one at the start included. */
export async function readAllForwards(store: Store, call: GrpcCall, request: ReadRequest): Promise<void> {
  const out = new EventOutput(store, call, request);
  const wanted = filterOf(request);
  let left = request.count;
  let position = await startOf(store, request.from);
  while (left > 0 && !call.closed) {
    const piece = await pieceFrom(store.log, position);
    if (piece === undefined) break;
    const { bytes, start, end } = piece;
    for (let at = 0; at < bytes.length && left > 0; at += recordLength(bytes, at)) {
      if (!wanted(bytes, at)) continue;
      left--;
      const full = out.event({ bytes, at, position: start + at });
      if (full !== undefined) await full;
    }
    position = end;
    await out.giveTurn(bytes.length);
  }
  call.finish();
}

/** Backwards, a position stands for the gap before its event: what is returned lies before it. */
export async function readAllBackwards(store: Store, call: GrpcCall, request: ReadRequest): Promise<void> {
  const out = new EventOutput(store, call, request);
  const wanted = filterOf(request);
  let left = request.count;
  let position = await startOf(store, request.from);
  while (left > 0 && !call.closed) {
    const piece = await pieceBefore(store.log, position);
    if (piece === undefined) break;
    const { bytes, start } = piece;
    for (let end = bytes.length; end > 0 && left > 0; ) {
      const at = end - bytes.readUInt32LE(end - RECORD_TRAILER_BYTES);
      end = at;
      if (!wanted(bytes, at)) continue;
      left--;
      const full = out.event({ bytes, at, position: start + at });
      if (full !== undefined) await full;
    }
    position = start;
    await out.giveTurn(bytes.length);
  }
  call.finish();
}

/** Begins behind the position it names; one beyond the end gets nothing until the log is past it. */
export async function subscribeToAll(store: Store, call: GrpcCall, request: ReadRequest): Promise<void> {
  const { from, filter, checkpointInterval } = request;
  const out = new EventOutput(store, call, request);
  const wanted = filterOf(request);
  let position = await startOf(store, from);
  const after = from.kind === 'at' ? from.position : 0;
  confirm(call);
  const wakeup = wakeOn(call, (listener) => store.watchers.onAll(listener));
  let caughtUp = false;
  let considered = 0;
  while (!call.closed) {
    wakeup.reset();
    const piece = await pieceFrom(store.log, position);
    if (piece === undefined) {
      if (!caughtUp) out.message(answers.CAUGHT_UP);
      caughtUp = true;
      await out.flush();
      await wakeup.wait();
      continue;
    }
    const { bytes, start, end } = piece;
    for (let at = 0; at < bytes.length && !call.closed; at += recordLength(bytes, at)) {
      const eventPosition = start + at;
      if (eventPosition <= after) continue;
      if (wanted(bytes, at)) {
        const full = out.event({ bytes, at, position: eventPosition });
        if (full !== undefined) await full;
      }
      if (filter !== undefined && ++considered >= checkpointInterval) {
        considered = 0;
        out.message(answers.checkpoint(eventPosition));
      }
    }
    position = end;
    await out.giveTurn(bytes.length);
  }
}

/** Where the log is read from. Throws EventStoreError `invalid_argument` for a position that no event has. */
async function startOf({ log }: Store, from: StartPoint): Promise<number> {
  if (from.kind === 'start') return LOG_HEADER_BYTES;
  if (from.kind === 'end' || from.position >= log.end) return log.end;
  if (from.position <= LOG_HEADER_BYTES) return LOG_HEADER_BYTES;
  if (!(await isRecordStart(log, from.position))) {
    throw invalidArgument(`no event of this log has the position ${from.position}`);
  }
  return from.position;
}
