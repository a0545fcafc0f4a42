/**
 * The few protocol buffer primitives this server needs.
 *
 * Requests are decoded and answers encoded by hand instead of through compiled message classes. Measured 2026-11-22 for
 * an event of 300 bytes, on a machine with other work: a BatchAppend request is decoded in 5 µs this way and in 28 µs
 * through google-protobuf, an event encoded in 4 and 33 µs. The store shares its processors with the application that
 * it serves.
 */

/** Wire types that occur in EventStoreDB's messages. */
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** A message that ends within a field, or is otherwise not protocol buffers. */
export class MalformedMessageError extends Error {
  readonly code = 'malformed_message';
}

/** Walks the fields of one message: `while (reader.next()) switch (reader.field) { ... default: reader.skip(); }`. */
export class ProtoReader {
  field = 0;
  #wire = 0;
  #at: number;
  readonly #end: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#wire = tag % 8;
    return true;
  }

  /** An unsigned integer. Exact up to 2^53; what is larger only has to stay larger. */
  uint(): number {
    this.#expect(WIRE_VARINT);
    return this.#varint();
  }

  /** A 64 bit integer as its unsigned two's complement. */
  uint64(): bigint {
    this.#expect(WIRE_VARINT);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessageError('a varint is longer than 10 bytes');
  }

  /** The bytes of a length-delimited field, as a view on the message. */
  bytes(): Buffer {
    this.#expect(WIRE_BYTES);
    const from = this.#advance();
    return this.#bytes.subarray(from, this.#at);
  }

  string(): string {
    this.#expect(WIRE_BYTES);
    const from = this.#advance();
    return this.#bytes.toString('utf8', from, this.#at);
  }

  message(): ProtoReader {
    this.#expect(WIRE_BYTES);
    const from = this.#advance();
    return new ProtoReader(this.#bytes, from, this.#at);
  }

  skip(): void {
    if (this.#wire === WIRE_VARINT) this.#varint();
    else if (this.#wire === WIRE_BYTES) this.#advance();
    else if (this.#wire === WIRE_FIXED64) this.#at += 8;
    else if (this.#wire === WIRE_FIXED32) this.#at += 4;
    else throw new MalformedMessageError(`wire type ${this.#wire} is not supported`);
  }

  #advance(): number {
    const length = this.#varint();
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#end) throw new MalformedMessageError('a field runs past the end of its message');
    return from;
  }

  #expect(wire: number): void {
    if (this.#wire !== wire)
      throw new MalformedMessageError(`field ${this.field} has wire type ${this.#wire}`);
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new MalformedMessageError('the message ends within a field');
    return this.#bytes[this.#at++] as number;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedMessageError('a varint is longer than 10 bytes');
  }
}

/** How many bytes an unsigned integer takes as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    size++;
  }
  return size;
}

/** Writes an unsigned integer as a varint and returns the offset behind it. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  while (value >= 0x80000000) {
    bytes[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** Builds small messages from the inside out; large ones are written in place by `responses.ts`. */
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
