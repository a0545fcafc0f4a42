import { EventStoreError, Status } from '../errors.js';
import { FRAME_HEAD_BYTES } from '../protocol/frame-buffer.js';

/** Longest message taken from a client. */
export const RECEIVE_MAX_BYTES = 17 * 1024 * 1024;

/** Makes messages of the bytes of a call, however they were cut on their way. */
export class MessageSplitter {
  #rest: Buffer | undefined;

  /**
   * Hands over the messages that `chunk` completes, as views on it. Throws EventStoreError for a compressed message,
   * which nobody asked for, and for one that is too long.
   */
  take(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      if (bytes[at] !== 0) {
        throw new EventStoreError('compressed', Status.unimplemented, 'messages must not be compressed');
      }
      const length = bytes.readUInt32BE(at + 1);
      if (length > RECEIVE_MAX_BYTES) {
        throw new EventStoreError(
          'message_too_large',
          Status.resourceExhausted,
          `a message has ${length} bytes, the limit is ${RECEIVE_MAX_BYTES}`,
        );
      }
      const from = at + FRAME_HEAD_BYTES;
      if (bytes.length - from < length) break;
      at = from + length;
      onMessage(bytes.subarray(from, at));
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at);
  }
}
