/**
 * Reading protocol buffers, as far as this server needs it.
 *
 * Requests are decoded and answers encoded by hand instead of through compiled message classes. Measured 2026-11-22 for
 * an event of 300 bytes, on a machine with other work: a BatchAppend request is decoded in 5 µs this way and in 28 µs
 * through google-protobuf, an event encoded in 4 and 33 µs. The store shares its processors with the application that
 * it serves.
 */

import { WIRE_BYTES, WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT } from './wire.js';

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
