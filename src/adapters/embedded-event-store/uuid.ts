import { randomFillSync } from 'node:crypto';

/** Length of a UUID in the log. */
export const UUID_BYTES = 16;

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const NIBBLE = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  NIBBLE[HEX[i] as number] = i;
  NIBBLE['0123456789ABCDEF'.charCodeAt(i)] = i;
}
/** Offsets of the 16 bytes within the 36 characters, dashes left out. */
const TEXT_OFFSETS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** Writes the 16 bytes of a UUID in its 36 character form; false when `text` is not one. */
export function parseUuid(text: Buffer, into: Buffer, at: number): boolean {
  if (text.length !== 36) return false;
  for (let i = 0; i < UUID_BYTES; i++) {
    const offset = TEXT_OFFSETS[i] as number;
    const high = NIBBLE[text[offset] as number] as number;
    const low = NIBBLE[text[offset + 1] as number] as number;
    if (high < 0 || low < 0) return false;
    into[at + i] = (high << 4) | low;
  }
  return text[8] === 0x2d && text[13] === 0x2d && text[18] === 0x2d && text[23] === 0x2d;
}

/** Writes 36 characters for the 16 bytes at `from` and returns the offset behind them. */
export function writeUuidText(bytes: Buffer, from: number, into: Buffer, at: number): number {
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) into[at++] = 0x2d;
    const byte = bytes[from + i] as number;
    into[at++] = HEX[byte >> 4] as number;
    into[at++] = HEX[byte & 15] as number;
  }
  return at;
}

/** A random (version 4) UUID as bytes. */
export function randomUuid(): Buffer {
  const id = randomFillSync(Buffer.allocUnsafe(UUID_BYTES));
  id[6] = ((id[6] as number) & 0x0f) | 0x40;
  id[8] = ((id[8] as number) & 0x3f) | 0x80;
  return id;
}
