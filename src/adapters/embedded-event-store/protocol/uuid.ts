/** UUIDs as 36 characters, the form in which clients send and get them; in the log they are 16 bytes. */
import { ID_BYTES } from '../log/record.js';

export const UUID_TEXT_BYTES = 36;

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const DASH = 0x2d;
const NIBBLE = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  NIBBLE[HEX[i] as number] = i;
  NIBBLE['0123456789ABCDEF'.charCodeAt(i)] = i;
}
/** Offsets of the 16 bytes within the 36 characters, dashes left out. */
const TEXT_OFFSETS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** Writes the 16 bytes of a UUID in its 36 character form; false when `text` is not one. */
export function parseUuid(text: Buffer, into: Buffer, at: number): boolean {
  if (text.length !== UUID_TEXT_BYTES) return false;
  for (let i = 0; i < ID_BYTES; i++) {
    const offset = TEXT_OFFSETS[i] as number;
    const high = NIBBLE[text[offset] as number] as number;
    const low = NIBBLE[text[offset + 1] as number] as number;
    if (high < 0 || low < 0) return false;
    into[at + i] = (high << 4) | low;
  }
  return text[8] === DASH && text[13] === DASH && text[18] === DASH && text[23] === DASH;
}

/** Writes 36 characters for the 16 bytes at `from` and returns the offset behind them. */
export function writeUuidText(bytes: Buffer, from: number, into: Buffer, at: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) into[at++] = DASH;
    const byte = bytes[from + i] as number;
    into[at++] = HEX[byte >> 4] as number;
    into[at++] = HEX[byte & 15] as number;
  }
  return at;
}
