/** gRPC puts a flag and a length before every message. */
export const FRAME_HEAD_BYTES = 5;

const EMPTY: Buffer = Buffer.alloc(0);
const FIRST_BYTES = 1024;
/** A buffer of a whole send, with room for the event that goes over it. */
const NEXT_MAX_BYTES = 80 * 1024;

/**
 * Collects framed messages for one write. Its buffer grows with what is put into it, and the next one begins as large
 * as the last became: reading five events costs 4 KiB, and a long scan does not double its way up again and again.
 */
export class FrameBuffer {
  /** To be written at what `message` or `reserve` returned. It is another one after either. */
  bytes: Buffer = EMPTY;
  #used = 0;
  #next = FIRST_BYTES;

  /** Bytes of the frames so far. */
  get length(): number {
    return this.#used;
  }

  /** The frames so far; the buffer starts anew. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.#used);
    this.#next = Math.min(NEXT_MAX_BYTES, Math.max(FIRST_BYTES, this.#used + (this.#used >> 2)));
    this.bytes = EMPTY;
    this.#used = 0;
    return taken;
  }

  message(message: Buffer): void {
    const at = this.reserve(message.length);
    this.bytes.set(message, at);
  }

  /** Makes room for a message of exactly so many bytes, and returns where in `bytes` it has to be written. */
  reserve(length: number): number {
    const at = this.#used + FRAME_HEAD_BYTES;
    if (this.bytes.length < at + length) this.#grow(at + length);
    this.bytes[this.#used] = 0;
    this.bytes.writeUInt32BE(length, this.#used + 1);
    this.#used = at + length;
    return at;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#next, this.bytes.length * 2, needed));
    this.bytes.copy(larger, 0, 0, this.#used);
    this.bytes = larger;
  }
}
