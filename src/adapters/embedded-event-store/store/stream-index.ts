/**
 * The index: which streams there are, where each of their revisions is, and up to where the log is indexed. It lives
 * in LMDB, trails the log by a bounded amount, and holds nothing that the log does not: deleted, it is built again.
 *
 *     streams    name                      -> number of the stream, last revision, position of revision 0, flags
 *     revisions  number of stream, revision -> position (from revision 1 on: most streams of most logs are short)
 *     state      'indexed' | 'next' | 'log' -> a number; the id of the log it belongs to
 *
 * Rows are written in transactions of their own, and the new `indexed` position after them. Crashing between the two
 * leaves rows that are ahead of it; they repeat what recovery reads from the log and are put again.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';
import { LOG_HEADER_BYTES, StorageError } from '../log/storage.js';

/** LMDB in one CommonJS file: as twenty modules it takes 20 ms longer to load, of a start of 100 (2026-11-22). */
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

/** LMDB's keys are short; longer names are found by a hash of them. */
const NAME_MAX_BYTES = 480;
const NUMBER_BYTES = 6;
const REVISION_KEY_BYTES = 12;
const STREAM_ROW_BYTES = 19;

const FLAG_METADATA = 1;
const FLAG_TOMBSTONED = 2;

export interface StreamRow {
  readonly number: number;
  /** -1: nothing was written to it (it may have metadata). */
  readonly last: number;
  /** Position of revision 0; -1 when there is none. */
  readonly first: number;
  readonly hasMetadata: boolean;
  readonly tombstoned: boolean;
}

/** A stream, or where one of its revisions is. */
export type IndexRow =
  | { readonly name: string; readonly row: StreamRow }
  | { readonly number: number; readonly revision: number; readonly position: number };

export class StreamIndex {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #streams: Database<Buffer, Buffer>;
  readonly #revisions: Database<Buffer, Buffer>;
  readonly #state: Database<Buffer, string>;

  private constructor(root: RootDatabase<Buffer, Buffer>) {
    this.#root = root;
    this.#streams = root.openDB({ name: 'streams', keyEncoding: 'binary', encoding: 'binary' });
    this.#revisions = root.openDB({ name: 'revisions', keyEncoding: 'binary', encoding: 'binary' });
    this.#state = root.openDB({ name: 'state', encoding: 'binary' });
  }

  /** Opens or creates the index of the log with this id. Throws StorageError `index_of_another_log`. */
  static async open(path: string, logId: Buffer): Promise<StreamIndex> {
    const index = new StreamIndex(
      open<Buffer, Buffer>({ path, keyEncoding: 'binary', encoding: 'binary', maxDbs: 4, noSubdir: false }),
    );
    const known = index.#state.getBinary('log');
    if (known === undefined) await index.#state.put('log', logId);
    else if (!known.equals(logId)) {
      await index.close();
      throw new StorageError('index_of_another_log', `${path} belongs to another log`);
    }
    return index;
  }

  /** Everything in the log before this position is indexed. */
  get indexedTo(): number {
    return this.#number('indexed') ?? LOG_HEADER_BYTES;
  }

  get nextStreamNumber(): number {
    return this.#number('next') ?? 1;
  }

  stream(name: string): StreamRow | undefined {
    const row = this.#streams.getBinaryFast(nameKey(name));
    if (row === undefined) return undefined;
    const flags = row[NUMBER_BYTES * 3] as number;
    return {
      number: row.readUIntLE(0, NUMBER_BYTES),
      last: row.readUIntLE(NUMBER_BYTES, NUMBER_BYTES) - 1,
      first: row.readUIntLE(NUMBER_BYTES * 2, NUMBER_BYTES) - 1,
      hasMetadata: (flags & FLAG_METADATA) !== 0,
      tombstoned: (flags & FLAG_TOMBSTONED) !== 0,
    };
  }

  /** Adds the positions of the revisions `from` to `to`, both included, in that order. */
  positions(streamNumber: number, from: number, to: number, found: number[]): void {
    for (const { value } of this.#revisions.getRange({
      start: revisionKey(streamNumber, from),
      end: revisionKey(streamNumber, to + 1),
      snapshot: false,
    })) {
      found.push(value.readUIntLE(0, NUMBER_BYTES));
    }
  }

  /**
   * Puts rows in one transaction, on the disk when it returns. Throws what the disk says, and then none of them is there.
   *
   * With them goes the first number that no stream has. Were it written with the mark only, a process killed between the two would
   * give the numbers of these rows to other streams after its next start, and two streams would share their positions: found by the
   * fault harness (seed 20261124, round 41), 2026-11-23.
   *
   * Synchronous on purpose. LMDB's asynchronous writes keep the event loop freer (a transaction of 512 rows holds it for
   * 4 ms, measured 2026-11-22), but when one fails for a full disk, lmdb 3.5 rejects promises that nobody else holds, and
   * the process ends; a failed synchronous transaction throws, and the next one works when there is room again.
   */
  write(rows: readonly IndexRow[], nextStreamNumber: number): void {
    this.#root.transactionSync(() => {
      void this.#state.put('next', numberValue(nextStreamNumber));
      for (const row of rows) {
        if ('name' in row) this.#putStream(row.name, row.row);
        else this.#putPosition(row.number, row.revision, row.position);
      }
    });
  }

  /** To be called when the rows up to `position` are written. */
  mark(position: number): void {
    this.#root.transactionSync(() => void this.#state.put('indexed', numberValue(position)));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #putStream(name: string, row: StreamRow): void {
    const value = Buffer.allocUnsafe(STREAM_ROW_BYTES);
    value.writeUIntLE(row.number, 0, NUMBER_BYTES);
    value.writeUIntLE(row.last + 1, NUMBER_BYTES, NUMBER_BYTES);
    value.writeUIntLE(row.first + 1, NUMBER_BYTES * 2, NUMBER_BYTES);
    value[NUMBER_BYTES * 3] = (row.hasMetadata ? FLAG_METADATA : 0) | (row.tombstoned ? FLAG_TOMBSTONED : 0);
    void this.#streams.put(nameKey(name), value);
  }

  #putPosition(streamNumber: number, revision: number, position: number): void {
    const value = Buffer.allocUnsafe(NUMBER_BYTES);
    value.writeUIntLE(position, 0, NUMBER_BYTES);
    void this.#revisions.put(revisionKey(streamNumber, revision), value);
  }

  #number(key: string): number | undefined {
    return this.#state.getBinary(key)?.readUIntLE(0, NUMBER_BYTES);
  }
}

function nameKey(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length <= NAME_MAX_BYTES) return bytes;
  // Nobody starts a name with a zero byte and a hash, so that hashes and names do not meet.
  return Buffer.concat([Buffer.from([0]), createHash('sha256').update(bytes).digest()]);
}

function revisionKey(streamNumber: number, revision: number): Buffer {
  const key = Buffer.allocUnsafe(REVISION_KEY_BYTES);
  key.writeUIntBE(streamNumber, 0, NUMBER_BYTES);
  key.writeUIntBE(revision, NUMBER_BYTES, NUMBER_BYTES);
  return key;
}

function numberValue(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES);
  bytes.writeUIntLE(value, 0, NUMBER_BYTES);
  return bytes;
}
