/**
 * One call of one client.
 *
 * States: open -> (headers sent) -> finished, by `finish` here or by the client's cancellation. After that nothing is
 * sent any more and `closed` is true.
 *
 * A client that does not read its answers is not listened to any more (UNREAD_MAX_BYTES); a reader that sends it much
 * waits in `drained`.
 */
import type http2 from 'node:http2';
import { EventStoreError, Status } from '../errors.js';
import { FrameBuffer } from '../protocol/frame-buffer.js';
import { MalformedMessageError } from '../protocol/proto-reader.js';
import { OK_TRAILERS, RESPONSE_HEADERS, trailersOf } from './grpc-status.js';
import { MessageSplitter } from './message-splitter.js';

/** Answers that a client has not read; above it, its next messages wait. */
const UNREAD_MAX_BYTES = 4 * 1024 * 1024;

export class GrpcCall {
  /** Messages on their way out. Whoever writes here calls `flushSoon`, or waits for `drained`. */
  readonly frames = new FrameBuffer();
  readonly #onFailure: (error: unknown) => void;
  readonly #stream: http2.ServerHttp2Stream;
  readonly #closeListeners: (() => void)[] = [];
  #flushScheduled = false;
  #pauses = 0;
  #choked = false;
  #finished = false;
  #closed = false;

  /** `onFailure` is told what a listener of messages throws; it should finish the call. */
  constructor(stream: http2.ServerHttp2Stream, onFailure: (error: unknown) => void) {
    this.#stream = stream;
    this.#onFailure = onFailure;
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#closed = true;
      for (const listener of this.#closeListeners.splice(0)) listener();
    });
  }

  /** Whether nobody listens any more. */
  get closed(): boolean {
    return this.#closed || this.#finished || this.#stream.destroyed;
  }

  /** Calls `listener` once, when the call is over for whatever reason. */
  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#closeListeners.push(listener);
  }

  // --- the client's messages ----------------------------------------------------------------------------------------

  /** Delivers the client's messages. */
  onMessages(onMessage: (message: Buffer) => void, onEnd: () => void): void {
    const splitter = new MessageSplitter();
    const deliver = (message: Buffer): void => {
      if (!this.#finished) onMessage(message);
    };
    this.#stream.on('data', (chunk: Buffer) => this.#guard(() => splitter.take(chunk, deliver)));
    this.#stream.on('end', () => this.#guard(onEnd));
  }

  /** The only message of a call that has one. */
  async message(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let only: Buffer | undefined;
      let ended = false;
      this.onMessages(
        (message) => {
          only ??= message;
        },
        () => {
          ended = true;
          if (only === undefined) reject(new MalformedMessageError('the request has no message'));
          else resolve(only);
        },
      );
      this.onClose(() => {
        if (!ended) reject(new EventStoreError('cancelled', Status.cancelled, 'the client went away'));
      });
    });
  }

  /** Stops and resumes taking messages, so that the client notices through HTTP/2's flow control. */
  pause(): void {
    if (this.#pauses++ === 0) this.#stream.pause();
  }

  resume(): void {
    if (--this.#pauses === 0 && !this.#closed) this.#stream.resume();
  }

  // --- our answers --------------------------------------------------------------------------------------------------

  send(message: Buffer): void {
    if (this.closed) return;
    this.frames.message(message);
    this.flushSoon();
  }

  /** What is in `frames` at the end of this turn leaves together. */
  flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => this.#flush());
  }

  /** Sends what there is; resolves when the client has room for more. */
  async drained(): Promise<void> {
    if (this.closed || this.frames.length === 0 || this.#write()) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off('drain', done);
        this.#stream.off('close', done);
        resolve();
      };
      this.#stream.on('drain', done);
      this.#stream.on('close', done);
    });
  }

  /** Ends the call. Without an error the status is OK. */
  finish(error?: unknown): void {
    if (this.closed) return;
    this.#finished = true;
    const trailers = error === undefined ? OK_TRAILERS : trailersOf(error);
    if (this.frames.length === 0 && !this.#stream.headersSent) {
      this.#stream.respond({ ...RESPONSE_HEADERS, ...trailers }, { endStream: true });
    } else {
      this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(trailers));
      this.#respond();
      if (this.frames.length > 0) this.#stream.end(this.frames.take());
      else this.#stream.end();
    }
    // A client that is still sending would otherwise keep the stream, and its window, half open.
    this.#stream.resume();
  }

  #guard(action: () => void): void {
    try {
      if (!this.#finished) action();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.frames.length === 0 || this.closed) return;
    this.#write();
    if (this.#stream.writableLength <= UNREAD_MAX_BYTES || this.#choked) return;
    this.#choked = true;
    this.pause();
    this.#stream.once('drain', () => {
      this.#choked = false;
      this.resume();
    });
  }

  #write(): boolean {
    this.#respond();
    return this.#stream.write(this.frames.take());
  }

  #respond(): void {
    if (!this.#stream.headersSent) this.#stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
  }
}
