import { readCheckpoint } from '../runtime/checkpoint.js';
import type { Database } from '../runtime/database.js';
import { holdSet, MODEL_SETS, type StandbySet, schemaOf } from '../runtime/model-sets.js';
import type { Projection } from '../runtime/projection.js';
import { installedVersions, projectionChanges } from '../runtime/projection-tables.js';

/** Read models beside the live ones. */
export interface StandbyStatus {
  readonly set: StandbySet;
  readonly position: string;
  readonly lastEventRecordedAt: string | null;
  /** From its last event to that of the live ones, by when they were recorded; 0 where it has all of them. */
  readonly behindLiveSeconds: number;
  readonly parkedStreams: number;
  readonly readModels: readonly string[];
  /** What this program would do otherwise; a program can only build and bring up what is its own. */
  readonly changes: readonly string[];
}

/** Those that there are: the next or the previous ones. */
export const readStandbySets = (
  db: Database,
  projections: readonly Projection[],
): Promise<readonly StandbyStatus[]> =>
  db.transaction(
    async (tx) => {
      await holdSet(tx, 'next');
      const liveAt = (await readCheckpoint(tx))?.eventRecordedAt?.getTime() ?? 0;
      const found: StandbyStatus[] = [];
      for (const set of MODEL_SETS) {
        if (set === 'live') continue;
        const [checkpoint, readModels] = [await readCheckpoint(tx, set), await installedVersions(tx, set)];
        if (checkpoint === undefined || readModels.length === 0) continue;
        const { rows } = await tx.query<{ streams: number }>(
          `SELECT count(DISTINCT stream)::int AS streams FROM ${schemaOf(set)}.parked_events`,
        );
        const at = checkpoint.eventRecordedAt;
        found.push({
          set,
          position: checkpoint.position.commit.toString(),
          lastEventRecordedAt: at?.toISOString() ?? null,
          behindLiveSeconds: Math.max(0, liveAt - (at?.getTime() ?? 0)) / 1_000,
          parkedStreams: rows[0]?.streams ?? 0,
          readModels,
          changes: (await projectionChanges(tx, projections, set)) ?? [],
        });
      }
      return found;
    },
    { readOnly: true },
  );

export const standbyLine = (one: StandbyStatus): string => {
  const { set, position, behindLiveSeconds, lastEventRecordedAt, parkedStreams, changes } = one;
  const lag = lastEventRecordedAt === null ? 'empty' : `${behindLiveSeconds} s behind the live ones`;
  const whose = changes.length === 0 ? 'of this version' : `of another version (${changes.join(', ')})`;
  return `${set.padEnd(14)} at ${position}, ${lag}, ${parkedStreams} streams parked, ${whose}`;
};
