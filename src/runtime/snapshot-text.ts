import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { fromExactJson, toExactPieces } from './exact-json.js';
import type { FoundSnapshot, Snapshot } from './snapshots.js';

/** What is longer is not kept. A stock stream with 300,000 holds that have ended comes to that. */
export const SNAPSHOT_TEXT_MAX_BYTES = 8 * 1024 * 1024;
/** So long a snapshot is written at a time, before others have their turn. */
const SLICE_MS = 2;
/** Raised when the text below means something else. */
const FORMAT = 1;

const position = z.strictObject({ commit: z.bigint(), prepare: z.bigint() });
const revision = z.int().min(0);
const written = z.strictObject({
  format: z.literal(FORMAT),
  stream: z.string(),
  version: z.int(),
  revision,
  eventId: z.string().min(1),
  position,
  weight: z.number().min(0),
  commands: z.array(
    z.tuple([
      z.string(),
      z.strictObject({ requestHash: z.string(), first: revision, last: revision, position }),
    ]),
  ),
  state: z.unknown(),
});

const compress = promisify(gzip);
const expand = promisify(gunzip);

export class SnapshotTooLarge extends Error {
  readonly code = 'snapshot_too_large';
  constructor(readonly bytes: number) {
    super(`a snapshot of more than ${SNAPSHOT_TEXT_MAX_BYTES} bytes is not kept`);
    this.name = 'SnapshotTooLarge';
  }
}

/**
 * A snapshot as bytes to keep, made in slices between which others run, and the length of its text. Throws
 * {@link SnapshotTooLarge}, or a TypeError for a state that does not come back exactly.
 */
export const writeSnapshot = async (
  snapshot: Snapshot,
): Promise<{ readonly body: Buffer; readonly bytes: number }> => {
  const pieces: string[] = [];
  let bytes = 0;
  let turnEndsAt = performance.now() + SLICE_MS;
  for (const piece of toExactPieces({ format: FORMAT, ...snapshot })) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > SNAPSHOT_TEXT_MAX_BYTES) throw new SnapshotTooLarge(bytes);
    if (performance.now() < turnEndsAt) continue;
    await nextTurn();
    turnEndsAt = performance.now() + SLICE_MS;
  }
  const body = await compress(pieces.join(''), { level: constants.Z_BEST_SPEED });
  return { body, bytes };
};

/**
 * The inverse of {@link writeSnapshot}. Throws for a body that is damaged (gzip has a checksum), that another build wrote in
 * another way, or that is of another stream or decider.
 */
export const readSnapshot = async (body: Buffer, stream: string, version: number): Promise<FoundSnapshot> => {
  // The limit is on characters when written; in UTF-8 one is 3 bytes at most.
  const text = (await expand(body, { maxOutputLength: 3 * SNAPSHOT_TEXT_MAX_BYTES })).toString();
  const { format: _, state, ...rest } = written.parse(fromExactJson(text));
  if (rest.stream !== stream || rest.version !== version)
    throw new Error(`a snapshot of ${rest.stream}, version ${rest.version}`);
  return { snapshot: { ...rest, state }, bytes: text.length };
};
