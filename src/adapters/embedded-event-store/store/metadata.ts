/** Stream metadata: which stream holds it, what it says about reading, and the events that the server itself writes. */

import { randomFillSync } from 'node:crypto';
import { ID_BYTES, type NewEvent, TOMBSTONE_REVISION } from '../log/record.js';

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

export const isMetastream = (name: string): boolean => name.startsWith('$$');
export const metastreamOf = (name: string): string => `$$${name}`;
export const originalOf = (metastream: string): string => metastream.slice(2);

/** Reads the JSON of a `$metadata` event; what is not an object says nothing. */
export function parseMetadata(data: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(data.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    return {};
  }
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 ? value : undefined;

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

/** The first revision a reader may see. */
export function firstReadable(limits: StreamLimits, last: number): number {
  const byCount = limits.maxCount === undefined ? 0 : last - limits.maxCount + 1;
  return Math.max(0, limits.truncateBefore ?? 0, byCount);
}

/** Whether `$maxAge` hides an event. */
export const isExpired = ({ maxAgeMs }: StreamLimits, createdMs: number, nowMs: number): boolean =>
  maxAgeMs !== undefined && createdMs < nowMs - maxAgeMs;

/** The metadata with another `$tb`, as JSON. The largest revision is not a JavaScript number and is written as text. */
export function withTruncateBefore(
  metadata: Record<string, unknown>,
  truncateBefore: number | bigint,
): Buffer {
  const { $tb: _, ...rest } = metadata;
  const others = JSON.stringify(rest).slice(1, -1);
  return Buffer.from(`{${others}${others === '' ? '' : ','}"$tb":${truncateBefore}}`);
}

const EMPTY = Buffer.alloc(0);
const METADATA_TYPE = Buffer.from('$metadata');
const DELETED_TYPE = Buffer.from('$streamDeleted');

export const metadataEvent = (data: Buffer): NewEvent => ({
  id: randomUuid(),
  type: METADATA_TYPE,
  isJson: true,
  metadata: EMPTY,
  data,
});

/** The event of a tombstone. */
export const deletionEvent = (): NewEvent => ({
  id: randomUuid(),
  type: DELETED_TYPE,
  isJson: false,
  metadata: EMPTY,
  data: EMPTY,
});

/** A random (version 4) UUID as bytes. */
export function randomUuid(): Buffer {
  const id = randomFillSync(Buffer.allocUnsafe(ID_BYTES));
  id[6] = ((id[6] as number) & 0x0f) | 0x40;
  id[8] = ((id[8] as number) & 0x3f) | 0x80;
  return id;
}
