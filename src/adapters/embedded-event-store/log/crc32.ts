import zlib from 'node:zlib';

const TABLE = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  TABLE[i] = c;
}

/** CRC-32 as zlib has it, byte by byte. */
export function tableCrc32(bytes: Buffer): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    c = (c >>> 8) ^ (TABLE[(c ^ (bytes[i] as number)) & 0xff] as number);
  }
  return (c ^ 0xffffffff) >>> 0;
}

/** node:zlib has it since 20.15; older versions of Node 20 use the table. */
export const crc32: (bytes: Buffer) => number =
  typeof zlib.crc32 === 'function' ? (bytes) => zlib.crc32(bytes) : tableCrc32;
