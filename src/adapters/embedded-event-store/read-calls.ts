/**
 * Read: of a stream or `$all`, forwards or backwards, once or as a subscription.
 *
 * A subscription is a reader that waits at the end instead of finishing: there is no buffer between the writer and
 * it, so nothing can overflow, be missed or come twice. A slow consumer leaves its own reader waiting for room on its
 * connection; when it reads on, the reader continues where it was, from memory or from the file.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidArgument, streamDeleted } from './errors.js';
import { compileFilter, type EventFilter } from './event-filter.js';
import type { GrpcCall } from './grpc-server.js';
import { LOG_HEADER_BYTES } from './log-file.js';
import { isRecordStart, pieceBefore, pieceFrom, type RecordAt, recordsAt } from './log-reader.js';
import {
  RECORD_HEADER_BYTES,
  RECORD_TRAILER_BYTES,
  recordCreatedMs,
  recordData,
  recordLength,
  recordNameLength,
  recordTypeLength,
} from './record.js';
import { decodeRead, type ReadRequest, type StartPoint } from './requests.js';
import * as responses from './responses.js';
import type { Store } from './store.js';
import { firstReadable } from './stream-state.js';
import { Wakeup } from './wakeup.js';

/** Encoded events are sent in pieces of this size. */
export const SEND_BYTES = 64 * 1024;
/** Revisions looked up at once. */
export const STREAM_PAGE_EVENTS = 256;
/** Bytes of log that one reader may go through before others get their turn. */
const TURN_BYTES = 1024 * 1024;
const LINK_TYPE = Buffer.from('$>');

/** Serves one Read call to its end. */
export async function read(store: Store, call: GrpcCall): Promise<void> {
  const request = decodeRead(await call.message());
  const reader = new Reader(store, call, request);
  if (request.streamName === undefined) {
    if (request.subscription) await reader.subscribeToAll();
    else if (request.backwards) await reader.allBackwards();
    else await reader.allForwards();
  } else if (request.subscription) await reader.subscribeToStream(request.streamName);
  else await reader.stream(request.streamName);
}

class Reader {
  readonly #store: Store;
  readonly #call: GrpcCall;
  readonly #request: ReadRequest;
  readonly #filter: EventFilter | undefined;
  readonly #out: responses.FrameBuffer;
  #turnBytes = 0;

  constructor(store: Store, call: GrpcCall, request: ReadRequest) {
    this.#store = store;
    this.#call = call;
    this.#request = request;
    this.#filter = request.filter === undefined ? undefined : compileFilter(request.filter);
    // A read of one event must not cost 64 KiB.
    this.#out = new responses.FrameBuffer(request.count > 0 && request.count < 16 ? 4096 : SEND_BYTES);
  }

  // --- $all ---------------------------------------------------------------------------------------------------------

  async allForwards(): Promise<void> {
    let left = this.#request.count;
    let position = await this.#startForwards(this.#request.from);
    while (left > 0 && !this.#call.closed) {
      const piece = await pieceFrom(this.#store, position);
      if (piece === undefined) break;
      for (let at = 0; at < piece.bytes.length && left > 0; ) {
        if (this.#filter === undefined || this.#filter(piece.bytes, at)) {
          left--;
          await this.#event({ bytes: piece.bytes, at, position: piece.start + at });
        }
        at += recordLength(piece.bytes, at);
      }
      position = piece.end;
      await this.#giveTurn(piece.bytes.length);
    }
    await this.#finish();
  }

  async allBackwards(): Promise<void> {
    let left = this.#request.count;
    let position = await this.#startBackwards(this.#request.from);
    while (left > 0 && !this.#call.closed) {
      const piece = await pieceBefore(this.#store, position);
      if (piece === undefined) break;
      for (let end = piece.bytes.length; end > 0 && left > 0; ) {
        const at = end - piece.bytes.readUInt32LE(end - RECORD_TRAILER_BYTES);
        if (this.#filter === undefined || this.#filter(piece.bytes, at)) {
          left--;
          await this.#event({ bytes: piece.bytes, at, position: piece.start + at });
        }
        end = at;
      }
      position = piece.start;
      await this.#giveTurn(piece.bytes.length);
    }
    await this.#finish();
  }

  async subscribeToAll(): Promise<void> {
    const { checkpointInterval } = this.#request;
    const start = await this.#startAfter(this.#request.from);
    let { position } = start;
    this.#confirm();
    const wakeup = this.#wakeOn((listener) => this.#store.onWritten(listener));
    let caughtUp = false;
    let considered = 0;
    while (!this.#call.closed) {
      wakeup.reset();
      const piece = await pieceFrom(this.#store, position);
      if (piece === undefined) {
        if (!caughtUp) this.#out.message(responses.CAUGHT_UP);
        caughtUp = true;
        await this.#send();
        await wakeup.wait();
        continue;
      }
      for (let at = 0; at < piece.bytes.length && !this.#call.closed; ) {
        const eventPosition = piece.start + at;
        if (eventPosition > start.after) {
          const wanted = this.#filter === undefined || this.#filter(piece.bytes, at);
          if (wanted) await this.#event({ bytes: piece.bytes, at, position: eventPosition });
          if (this.#filter !== undefined && ++considered >= checkpointInterval) {
            considered = 0;
            this.#out.message(responses.checkpoint(eventPosition));
          }
        }
        at += recordLength(piece.bytes, at);
      }
      position = piece.end;
      await this.#giveTurn(piece.bytes.length);
    }
  }

  // --- streams ------------------------------------------------------------------------------------------------------

  async stream(name: string): Promise<void> {
    const { backwards, from, compatibility } = this.#request;
    const range = this.#readable(name);
    if (range === undefined) {
      this.#call.send(responses.streamNotFound(Buffer.from(name, 'utf8')));
      this.#call.finish();
      return;
    }
    const { first, last } = range;
    let left = this.#request.count;
    let next = startRevision(from, backwards, first, last);
    const beforeFirst = !backwards && from.kind === 'at' && from.position < first;
    if (compatibility >= 1 && (next > last || first > last) && beforeFirst) {
      this.#out.message(responses.firstStreamPosition(first));
    }
    while (left > 0 && next >= first && next <= last && !this.#call.closed) {
      const page = Math.min(STREAM_PAGE_EVENTS, left);
      const low = backwards ? Math.max(first, next - page + 1) : next;
      const high = backwards ? next : Math.min(last, next + page - 1);
      const records = await this.#records(name, low, high);
      if (backwards) records.reverse();
      for (const record of records) {
        if (left === 0) break;
        if (this.#expired(name, record)) continue;
        left--;
        await this.#event(record);
      }
      next = backwards ? low - 1 : high + 1;
      await this.#giveTurn(0);
    }
    if (compatibility >= 1) this.#out.message(responses.lastStreamPosition(last));
    await this.#finish();
  }

  async subscribeToStream(name: string): Promise<void> {
    const { from } = this.#request;
    const known = this.#readable(name);
    let next =
      from.kind === 'start'
        ? 0
        : from.kind === 'end'
          ? this.#store.stream(name).durableLast + 1
          : from.position + 1;
    this.#confirm();
    const wakeup = this.#wakeOn((listener) => this.#store.onStreamWritten(name, listener));
    // A stream that does not exist is not caught up with, unless only what is new was asked for.
    let caughtUp = false;
    let exists = known !== undefined || from.kind === 'end';
    while (!this.#call.closed) {
      wakeup.reset();
      const range = this.#readable(name);
      exists ||= range !== undefined;
      next = Math.max(next, range?.first ?? 0);
      if (range === undefined || next > range.last) {
        if (exists && !caughtUp) {
          caughtUp = true;
          this.#out.message(responses.CAUGHT_UP);
        }
        await this.#send();
        await wakeup.wait();
        continue;
      }
      const high = Math.min(range.last, next + STREAM_PAGE_EVENTS - 1);
      for (const record of await this.#records(name, next, high)) {
        if (!this.#expired(name, record)) await this.#event(record);
      }
      next = high + 1;
      await this.#giveTurn(0);
    }
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  /** The revisions that may be read; undefined for a stream that is not there. Throws for one deleted for good. */
  #readable(name: string): { first: number; last: number } | undefined {
    const state = this.#store.stream(name);
    if (this.#store.isTombstoned(state)) throw streamDeleted(name);
    const limits = this.#store.limits(state);
    if (state.durableLast < 0 || limits.softDeleted) return undefined;
    return { first: firstReadable(limits, state.durableLast), last: state.durableLast };
  }

  async #records(name: string, low: number, high: number): Promise<RecordAt[]> {
    return recordsAt(this.#store, this.#store.positions(this.#store.stream(name), low, high));
  }

  #expired(name: string, record: RecordAt): boolean {
    const { maxAgeMs } = this.#store.limits(this.#store.stream(name));
    return maxAgeMs !== undefined && recordCreatedMs(record.bytes, record.at) < this.#store.now() - maxAgeMs;
  }

  /** The position of the first event to read, for reads that include where they start. */
  async #startForwards(from: StartPoint): Promise<number> {
    if (from.kind === 'start') return LOG_HEADER_BYTES;
    if (from.kind === 'end' || from.position >= this.#store.end) return this.#store.end;
    if (from.position <= LOG_HEADER_BYTES) return LOG_HEADER_BYTES;
    await this.#checkPosition(from.position);
    return from.position;
  }

  /** Backwards, a position stands for the gap before its event: what is returned lies before it. */
  async #startBackwards(from: StartPoint): Promise<number> {
    if (from.kind === 'start') return LOG_HEADER_BYTES;
    if (from.kind === 'end' || from.position >= this.#store.end) return this.#store.end;
    if (from.position <= LOG_HEADER_BYTES) return LOG_HEADER_BYTES;
    await this.#checkPosition(from.position);
    return from.position;
  }

  /** Subscriptions begin behind the position they name; one beyond the end gets nothing until the log is past it. */
  async #startAfter(from: StartPoint): Promise<{ position: number; after: number }> {
    if (from.kind === 'start') return { position: LOG_HEADER_BYTES, after: 0 };
    if (from.kind === 'end') return { position: this.#store.end, after: 0 };
    if (from.position < LOG_HEADER_BYTES) return { position: LOG_HEADER_BYTES, after: 0 };
    if (from.position >= this.#store.end) return { position: this.#store.end, after: from.position };
    await this.#checkPosition(from.position);
    return { position: from.position, after: from.position };
  }

  async #checkPosition(position: number): Promise<void> {
    if (!(await isRecordStart(this.#store, position))) {
      throw invalidArgument(`no event of this log has the position ${position}`);
    }
  }

  #confirm(): void {
    this.#call.send(responses.confirmation(randomUUID()));
  }

  #wakeOn(subscribe: (listener: () => void) => () => void): Wakeup {
    const wakeup = new Wakeup();
    const unsubscribe = subscribe(() => wakeup.signal());
    this.#call.onClose(() => {
      unsubscribe();
      wakeup.signal();
    });
    return wakeup;
  }

  /** Encodes one event; returns a promise only when there is something to wait for. */
  #event(record: RecordAt): Promise<void> | undefined {
    if (this.#request.resolveLinks && isLink(record.bytes, record.at)) return this.#linked(record);
    this.#out.event(record, undefined, this.#request.structuredUuid);
    return this.#out.length >= SEND_BYTES ? this.#send() : undefined;
  }

  async #linked(link: RecordAt): Promise<void> {
    this.#out.event(await this.#target(link), link, this.#request.structuredUuid);
    if (this.#out.length >= SEND_BYTES) await this.#send();
  }

  /** The event that a link (`revision@stream`) points to; undefined when it is gone. */
  async #target(link: RecordAt): Promise<RecordAt | undefined> {
    const text = recordData(link.bytes, link.at).toString('utf8');
    const at = text.indexOf('@');
    const revision = at <= 0 ? Number.NaN : Number(text.slice(0, at));
    if (!Number.isSafeInteger(revision)) return undefined;
    const state = this.#store.stream(text.slice(at + 1));
    const limits = this.#store.limits(state);
    if (this.#store.isTombstoned(state) || limits.softDeleted) return undefined;
    if (revision < firstReadable(limits, state.durableLast) || revision > state.durableLast) return undefined;
    const [record] = await recordsAt(this.#store, this.#store.positions(state, revision, revision));
    return record;
  }

  async #send(): Promise<void> {
    if (this.#out.length > 0) await this.#call.sendFrames(this.#out.take());
  }

  async #finish(): Promise<void> {
    await this.#send();
    this.#call.finish();
  }

  async #giveTurn(bytes: number): Promise<void> {
    this.#turnBytes += bytes;
    if (this.#turnBytes < TURN_BYTES) return;
    this.#turnBytes = 0;
    await nextTurn();
  }
}

function startRevision(from: StartPoint, backwards: boolean, first: number, last: number): number {
  if (from.kind === 'start') return backwards ? (first === 0 ? 0 : -1) : first;
  if (from.kind === 'end') return backwards ? last : last + 1;
  return backwards ? Math.min(from.position, last) : Math.max(from.position, first);
}

function isLink(bytes: Buffer, at: number): boolean {
  const from = at + RECORD_HEADER_BYTES + recordNameLength(bytes, at);
  return (
    recordTypeLength(bytes, at) === LINK_TYPE.length &&
    bytes[from] === LINK_TYPE[0] &&
    bytes[from + 1] === LINK_TYPE[1]
  );
}
