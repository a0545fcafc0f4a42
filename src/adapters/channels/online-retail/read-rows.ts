// Reads the file a block of whole lines at a time. A record is one line: nothing in this format spans lines, and only
// so can a quote that is never closed cost one row instead of swallowing all rows behind it. A block is parsed in one
// go, and line by line only when it does not have exactly one record per line. Blank lines are not rows.

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { createRowParser } from './parse-row.js';
import { type BadRow, badRow, COLUMNS, type Row } from './row.js';

export const MAX_LINE_BYTES = 65_536;
const READ_CHUNK_BYTES = 262_144;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** The file as a whole cannot be read: `unknown_header`, `unreadable_file` (missing, truncated or broken gzip). */
export class ImportFileError extends Error {
  constructor(
    readonly code: 'unknown_header' | 'unreadable_file',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ImportFileError';
  }
}

export interface ReadOptions {
  /** Stop after this many data rows; all rows when absent. */
  readonly limitRows?: number;
}

const CSV = {
  relax_column_count: true,
  relax_quotes: true,
  skip_empty_lines: true,
  record_delimiter: '\n',
};
const CSV_WITH_RETURNS = { ...CSV, record_delimiter: ['\n', '\r\n'] };

/** A record's fields, the parser's complaint about it, or `null` for a line over the limit. */
type Fields = string[] | string | null;

/** The bytes of a file, unzipped when it starts like gzip whatever its name. */
async function openBytes(path: string): Promise<Readable> {
  const file = await open(path);
  try {
    const magic = Buffer.alloc(2);
    await file.read(magic, 0, 2, 0);
    const bytes = file.createReadStream({ start: 0, highWaterMark: READ_CHUNK_BYTES });
    if (magic[0] !== 0x1f || magic[1] !== 0x8b) return bytes;
    // the reader sees a failure of either stream on the last one
    return pipeline(bytes, createGunzip({ chunkSize: READ_CHUNK_BYTES }), () => {});
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Blocks of whole lines; a line over the limit is `null`, in a block of its own. */
async function* blocksOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let carry: Buffer[] = [];
  let carryBytes = 0;
  for await (const chunk of bytes) {
    let start = 0;
    if (carryBytes > 0) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        // past the limit the content no longer matters, only that the line goes on
        if (carryBytes <= MAX_LINE_BYTES) carry.push(chunk);
        carryBytes += chunk.length;
        continue;
      }
      carry.push(chunk.subarray(0, end));
      yield carryBytes + end > MAX_LINE_BYTES ? null : Buffer.concat(carry);
      start = end + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > start) yield chunk.subarray(start, end);
    const rest = chunk.subarray(Math.max(start, end));
    carry = [rest];
    carryBytes = rest.length;
  }
  if (carryBytes > 0) yield carryBytes > MAX_LINE_BYTES ? null : Buffer.concat(carry);
}

/** The lines of a block without their ends; blank ones are left out. */
function linesOf(block: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < block.length; ) {
    const found = block.indexOf(NEWLINE, start);
    const next = found < 0 ? block.length : found + 1;
    let end = found < 0 ? block.length : found;
    if (end > start && block[end - 1] === RETURN) end -= 1;
    if (end > start) lines.push(block.subarray(start, end));
    start = next;
  }
  return lines;
}

function parseLine(line: Buffer): Fields {
  if (line.length > MAX_LINE_BYTES) return null;
  try {
    return parse(line, CSV)[0] ?? [];
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function recordsOf(block: Buffer): Fields[] {
  const lines = linesOf(block);
  if (lines.every((line) => line.length <= MAX_LINE_BYTES)) {
    try {
      const records = parse(block, block.includes(RETURN) ? CSV_WITH_RETURNS : CSV);
      if (records.length === lines.length) return records;
    } catch {
      // one of the lines is broken: below they are parsed one by one
    }
  }
  return lines.map(parseLine);
}

function checkHeader(fields: Fields): undefined {
  const found = Array.isArray(fields) ? fields.join(',').replace(/^\uFEFF/, '') : '';
  if (found === COLUMNS.join(',')) return;
  const expected = COLUMNS.join(',');
  throw new ImportFileError(
    'unknown_header',
    `expected the columns ${expected}, found ${found.slice(0, 200)}`,
  );
}

async function* readBlocks(path: string): AsyncGenerator<(Row | BadRow)[]> {
  const parseRow = createRowParser();
  const bytes = await openBytes(path);
  let row = -1;
  const take = (fields: Fields): Row | BadRow | undefined => {
    row += 1;
    if (row === 0) return checkHeader(fields);
    if (fields === null) return badRow(row, 'line_too_long', `more than ${MAX_LINE_BYTES} bytes`);
    return typeof fields === 'string' ? badRow(row, 'unreadable_record', fields) : parseRow(row, fields);
  };
  for await (const block of blocksOf(bytes)) {
    const rows: (Row | BadRow)[] = [];
    for (const fields of block === null ? [null] : recordsOf(block)) {
      const taken = take(fields);
      if (taken !== undefined) rows.push(taken);
    }
    yield rows;
  }
  if (row < 0) checkHeader(null);
}

/**
 * What `readRows` gives, in arrays of some thousand rows (perhaps empty): for whoever takes a whole file, an await per
 * row costs more than the work on it.
 */
export async function* readRowBlocks(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<(Row | BadRow)[]> {
  const limitRows = options.limitRows ?? Number.POSITIVE_INFINITY;
  try {
    for await (const rows of readBlocks(path)) {
      const last = rows.at(-1)?.row ?? 0;
      yield last > limitRows ? rows.filter(({ row }) => row <= limitRows) : rows;
      if (last >= limitRows) return;
    }
  } catch (error) {
    if (error instanceof ImportFileError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ImportFileError('unreadable_file', `${path}: ${message}`, { cause: error });
  }
}

/**
 * Every data row of a file (gzip or plain), in its order and numbered from 1: a `Row`, or a `BadRow` that says why
 * not. Nothing is left out. Throws `ImportFileError` when the file itself cannot be read or is another one; leaving
 * the loop early closes the file.
 */
export async function* readRows(path: string, options: ReadOptions = {}): AsyncGenerator<Row | BadRow> {
  for await (const rows of readRowBlocks(path, options)) yield* rows;
}
