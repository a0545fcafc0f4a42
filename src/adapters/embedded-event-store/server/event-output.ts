import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordAt } from '../log/log.js';
import { copyOf, readRecord } from '../log/read-records.js';
import { RECORD_HEADER_BYTES, recordData, recordNameLength, recordTypeLength } from '../log/record.js';
import { writeReadEvent } from '../protocol/event-message.js';
import type { Store } from '../store/store.js';
import type { GrpcCall } from './grpc-call.js';

/** Encoded events are sent in pieces of this size. */
export const SEND_BYTES = 64 * 1024;
/** Bytes of log that one reader may go through before others get their turn. */
const TURN_BYTES = 1024 * 1024;
const LINK_TYPE = Buffer.from('$>');

/** How a client wants its events. */
export interface OutputOptions {
  readonly resolveLinks: boolean;
  readonly structuredUuid: boolean;
}

/** Where a reader puts events and what it says besides: encoded, in pieces, no faster than the client takes them. */
export class EventOutput {
  readonly #store: Store;
  readonly #call: GrpcCall;
  readonly #options: OutputOptions;
  #turnBytes = 0;

  constructor(store: Store, call: GrpcCall, options: OutputOptions) {
    this.#store = store;
    this.#call = call;
    this.#options = options;
  }

  /** Adds one event, which is valid until this returns. Returns a promise only when there is something to wait for. */
  event(record: RecordAt): Promise<void> | undefined {
    const { resolveLinks, structuredUuid } = this.#options;
    if (resolveLinks && isLink(record)) return this.#linked(copyOf(record));
    writeReadEvent(this.#call.frames, record, undefined, structuredUuid);
    return this.#call.frames.length >= SEND_BYTES ? this.#call.drained() : undefined;
  }

  message(message: Buffer): void {
    this.#call.frames.message(message);
  }

  /** Sends what there is. */
  async flush(): Promise<void> {
    await this.#call.drained();
  }

  /** To be called after going through so many bytes of log, so that a long scan leaves others their turn. */
  giveTurn(bytes: number): Promise<void> | undefined {
    this.#turnBytes += bytes;
    if (this.#turnBytes < TURN_BYTES) return undefined;
    this.#turnBytes = 0;
    return nextTurn();
  }

  async #linked(link: RecordAt): Promise<void> {
    const target = await this.#target(link);
    writeReadEvent(this.#call.frames, target, link, this.#options.structuredUuid);
    if (this.#call.frames.length >= SEND_BYTES) await this.#call.drained();
  }

  /** The event that a link (`revision@stream`) points to; undefined when it is gone. */
  async #target(link: RecordAt): Promise<RecordAt | undefined> {
    const { streams, log } = this.#store;
    const text = recordData(link.bytes, link.at).toString('utf8');
    const at = text.indexOf('@');
    const revision = at <= 0 ? Number.NaN : Number(text.slice(0, at));
    if (!Number.isSafeInteger(revision)) return undefined;
    const state = streams.get(text.slice(at + 1));
    const range = streams.isTombstoned(state) ? undefined : streams.readable(state);
    if (range === undefined || revision < range.first || revision > range.last) return undefined;
    const [position] = streams.positions(state, revision, revision);
    return position === undefined ? undefined : readRecord(log, position);
  }
}

function isLink({ bytes, at }: RecordAt): boolean {
  const from = at + RECORD_HEADER_BYTES + recordNameLength(bytes, at);
  return (
    recordTypeLength(bytes, at) === LINK_TYPE.length &&
    bytes[from] === LINK_TYPE[0] &&
    bytes[from + 1] === LINK_TYPE[1]
  );
}
