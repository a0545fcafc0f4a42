import type { Queryable } from './database.js';
import { readSnapshot, SnapshotTooLarge, writeSnapshot } from './snapshot-text.js';
import { type FoundSnapshot, SNAPSHOT_LIMITS, type Snapshot, type Snapshots } from './snapshots.js';

/** Snapshots that wait to be written; one more is dropped, its stream offers another later. */
const WAITING_MAX = 32;
/** Looks for a snapshot under way; beyond that a stream is read from its start. Each belongs to a read, and those are bounded too. */
const LOOKING_MAX = 64;
/** PostgreSQL failed: so long it is left alone. */
const PAUSE_MS = 5_000;
/** How long a stop waits for the snapshot that is being written. */
const CLOSE_MAX_MS = 2_000;

const FIND = 'SELECT body FROM runtime.snapshots WHERE stream = $1 AND decider_version = $2';
/** Those of older versions of the decider go with it. */
const KEEP = `
WITH outdated AS (DELETE FROM runtime.snapshots WHERE stream = $1 AND decider_version < $2)
INSERT INTO runtime.snapshots AS kept (stream, decider_version, revision, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (stream, decider_version) DO UPDATE
SET revision = excluded.revision, body = excluded.body, taken_at = now()
WHERE kept.revision < excluded.revision`;
const DISCARD = 'DELETE FROM runtime.snapshots WHERE stream = $1 AND decider_version = $2';

/** `dropped`: not written, for want of PostgreSQL or room. `ignored`: damaged, or of another log. */
export type SnapshotOutcome = 'written' | 'dropped' | 'ignored';

export interface SnapshotTableOptions {
  readonly db: Queryable;
  readonly limits?: Partial<Snapshots['limits']>;
  readonly onOutcome?: (outcome: SnapshotOutcome) => void;
  /** For a log line: what was survived, once in {@link PAUSE_MS} while PostgreSQL is away. */
  readonly onError?: (error: unknown, stream: string) => void;
  readonly nowMs?: () => number;
}

interface Waiting {
  readonly snapshot: Snapshot;
  readonly done: (bytes: number) => void;
}

/** Snapshots in `runtime.snapshots`: found by one statement, written one after the other behind everything else. */
export class SnapshotTable implements Snapshots {
  readonly limits: Snapshots['limits'];
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #looking = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  readonly #nowMs: () => number;

  constructor(private readonly options: SnapshotTableOptions) {
    this.limits = { ...SNAPSHOT_LIMITS, ...options.limits };
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  async find(stream: string, version: number): Promise<FoundSnapshot | undefined> {
    if (this.#unavailable || this.#looking >= LOOKING_MAX) return undefined;
    this.#looking += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.#pause(new Error(`no answer within ${this.limits.lookMs} ms`), stream);
        resolve(undefined);
      }, this.limits.lookMs);
    });
    const found = this.#find(stream, version).finally(() => {
      clearTimeout(timer);
      this.#looking -= 1;
    });
    return Promise.race([found, late]);
  }

  take(snapshot: Snapshot): Promise<number> {
    if (this.#unavailable || this.#waiting.length >= WAITING_MAX) {
      this.options.onOutcome?.('dropped');
      return Promise.resolve(0);
    }
    return new Promise((done) => {
      this.#waiting.push({ snapshot, done });
      this.#writing ??= this.#writeAll();
    });
  }

  discard({ stream, version }: Snapshot): void {
    this.#drop(stream, version);
  }

  async close(): Promise<void> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MAX_MS);
    });
    await Promise.race([this.#writing, patience]);
    clearTimeout(timer);
  }

  get #unavailable(): boolean {
    return this.#closed || this.#nowMs() < this.#pausedUntilMs;
  }

  async #find(stream: string, version: number): Promise<FoundSnapshot | undefined> {
    const rows = await this.#query<{ body: Buffer }>(stream, FIND, [stream, version], 'snapshots.find');
    const body = rows?.[0]?.body;
    if (body === undefined) return undefined;
    try {
      return await readSnapshot(body, stream, version);
    } catch (error) {
      this.options.onError?.(error, stream);
      this.#drop(stream, version);
      return undefined;
    }
  }

  async #writeAll(): Promise<void> {
    // Whoever is answered may offer the next one at once, and must find either this loop or none.
    await undefined;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.done(await this.#write(next.snapshot));
    this.#writing = undefined;
  }

  async #write(snapshot: Snapshot): Promise<number> {
    const { stream, version, revision } = snapshot;
    let bytes = 0;
    try {
      if (!this.#unavailable) {
        const text = await writeSnapshot(snapshot);
        bytes = text.bytes;
        const parameters = [stream, version, revision, text.body];
        if ((await this.#query(stream, KEEP, parameters, 'snapshots.keep')) !== undefined) {
          this.options.onOutcome?.('written');
          return bytes;
        }
      }
    } catch (error) {
      this.options.onError?.(error, stream);
      // As if it had been kept: the next try comes when the stream has grown by as much as this one has cost.
      if (error instanceof SnapshotTooLarge) bytes = error.bytes;
    }
    this.options.onOutcome?.('dropped');
    return bytes;
  }

  #drop(stream: string, version: number): void {
    this.options.onOutcome?.('ignored');
    if (!this.#unavailable) void this.#query(stream, DISCARD, [stream, version], 'snapshots.discard');
  }

  /** Undefined when PostgreSQL cannot: then it is left alone for a while. */
  async #query<Row>(
    stream: string,
    sql: string,
    parameters: readonly unknown[],
    name: string,
  ): Promise<Row[] | undefined> {
    try {
      return (await this.options.db.query<Row>(sql, parameters, name)).rows;
    } catch (error) {
      this.#pause(error, stream);
      return undefined;
    }
  }

  #pause(error: unknown, stream: string): void {
    if (!this.#unavailable) this.options.onError?.(error, stream);
    this.#pausedUntilMs = this.#nowMs() + PAUSE_MS;
  }
}
