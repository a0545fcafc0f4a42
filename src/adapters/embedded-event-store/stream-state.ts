import { TOMBSTONE_REVISION } from './record.js';

/** What a stream's metadata says about reading it. Numbers are absent where nothing was said. */
export interface StreamLimits {
  readonly maxCount?: number;
  readonly maxAgeMs?: number;
  /** The first revision that may be read. */
  readonly truncateBefore?: number;
  /** Deleted, but not for good: it reads as absent and comes back, behind its old events, with the next append. */
  readonly softDeleted: boolean;
}

export const NO_LIMITS: StreamLimits = { softDeleted: false };
/** EventStoreDB keeps one event of a metadata stream. */
export const METASTREAM_LIMITS: StreamLimits = { maxCount: 1, softDeleted: false };

/**
 * What the store knows of one stream. `last`, `tombstoned` and `limits` include appends that are not on the disk yet,
 * because the next append is decided on them; whatever starts with `durable` is what a reader may see.
 */
export interface StreamState {
  readonly name: string;
  /** Its number in the index; 0 until the first event. */
  number: number;
  last: number;
  durableLast: number;
  tombstoned: boolean;
  durableTombstoned: boolean;
  /** Positions of the revisions from `base` on, which the index does not have yet. */
  positions: number[];
  base: number;
  /** Position of revision 0 once it is indexed, else -1. */
  first: number;
  /** Whether a metadata stream exists, so that the many streams without one cost no second lookup. */
  hasMetadata: boolean;
  /** Undefined until somebody asks. */
  limits: StreamLimits | undefined;
}

export const isMetastream = (name: string): boolean => name.startsWith('$$');
export const metastreamOf = (name: string): string => `$$${name}`;
export const originalOf = (metastream: string): string => metastream.slice(2);

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 ? value : undefined;

/** Reads the JSON of a `$metadata` event; what is not an object says nothing. */
export function parseMetadata(data: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(data.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    return {};
  }
}

export function limitsOf(metadata: Record<string, unknown>): StreamLimits {
  const maxCount = count(metadata.$maxCount);
  const maxAge = count(metadata.$maxAge);
  const truncateBefore = count(metadata.$tb);
  return {
    ...(maxCount === undefined ? {} : { maxCount }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge * 1000 }),
    ...(truncateBefore === undefined ? {} : { truncateBefore }),
    softDeleted: truncateBefore === Number(TOMBSTONE_REVISION),
  };
}

/** The metadata with another `$tb`, as JSON. The largest revision is not a JavaScript number and is written as text. */
export function withTruncateBefore(
  metadata: Record<string, unknown>,
  truncateBefore: number | bigint,
): Buffer {
  const { $tb: _, ...rest } = metadata;
  const others = JSON.stringify(rest).slice(1, -1);
  return Buffer.from(`{${others}${others === '' ? '' : ','}"$tb":${truncateBefore}}`);
}

/** The first revision a reader may see. */
export function firstReadable(limits: StreamLimits, last: number): number {
  const byCount = limits.maxCount === undefined ? 0 : last - limits.maxCount + 1;
  return Math.max(0, limits.truncateBefore ?? 0, byCount);
}
