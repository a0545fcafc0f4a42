/** Seven bytes of seven bits each: exact in a double, and more than any log has bytes. */
const NUMBER_BYTES_MAX = 7;

/** Thrown for bytes that have to be read by somebody who knows more. */
export const NOT_PLAIN = new Error('not a plain event');

/** Goes through a message of protocol buffers, as far as `recorded-events.ts` needs it. Throws {@link NOT_PLAIN}. */
export class ProtoCursor {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  number(): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    for (let read = 0; read < NUMBER_BYTES_MAX; read += 1) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw NOT_PLAIN;
      if (byte < 0x80) return value + byte * scale;
      value += (byte - 0x80) * scale;
      scale *= 0x80;
    }
    throw NOT_PLAIN;
  }

  /** Where the value that begins here ends. */
  end(within: number): number {
    const length = this.number();
    const end = this.at + length;
    if (end > within) throw NOT_PLAIN;
    return end;
  }

  /** Steps over the head of a field whose value is all there is up to `end`. */
  only(field: number, end: number): void {
    if (this.bytes[this.at++] !== field || this.end(end) !== end) throw NOT_PLAIN;
  }

  /** Enters a message that has this field and no other; where the value ends. */
  inside(field: number, within: number): number {
    const end = this.end(within);
    this.only(field, end);
    return end;
  }

  /** Text up to `end`. */
  text(end: number): string {
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  /** Bytes up to `end`, not copied. */
  rest(end: number): Uint8Array {
    const { buffer, byteOffset } = this.bytes;
    const rest = new Uint8Array(buffer, byteOffset + this.at, end - this.at);
    this.at = end;
    return rest;
  }
}
