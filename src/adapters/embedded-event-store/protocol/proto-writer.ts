import { varintSize, WIRE_BYTES, WIRE_VARINT, writeVarint } from './wire.js';

/** Builds small messages from the inside out; what goes out by the ten thousand is written in place instead. */
export class ProtoWriter {
  readonly #parts: Buffer[] = [];

  /** Writes the field even when it is zero: members of a oneof must be present to be seen. */
  uint(field: number, value: number): this {
    const part = Buffer.allocUnsafe(varintSize(field * 8) + varintSize(value));
    writeVarint(part, writeVarint(part, 0, field * 8 + WIRE_VARINT), value);
    this.#parts.push(part);
    return this;
  }

  /** Two's complement of a negative or large integer. */
  int64(field: number, value: bigint): this {
    const bytes: number[] = [field * 8 + WIRE_VARINT];
    let rest = BigInt.asUintN(64, value);
    while (rest >= 128n) {
      bytes.push(Number(rest & 127n) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  bytes(field: number, value: Buffer): this {
    const head = Buffer.allocUnsafe(varintSize(field * 8) + varintSize(value.length));
    writeVarint(head, writeVarint(head, 0, field * 8 + WIRE_BYTES), value.length);
    this.#parts.push(head, value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
