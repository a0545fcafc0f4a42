import { claimCheckpoint, SteppedDown } from './checkpoint.js';
import type { LogPosition } from './event-store.js';
import { acquireLease, type Lease, tryAcquireLease } from './leases.js';
import { changeSet, LIVE_LEASE, REBUILD_LEASE, type StandbySet } from './model-sets.js';
import { type BuildOptions, dropSet, openSet, type SetBuilder } from './projection-build.js';
import { makeLive } from './projection-switch.js';
import {
  analyzeTables,
  changedSince,
  installedVersions,
  isUpgrade,
  projectionChanges,
} from './projection-tables.js';
import { LeaseHeld, NoSuchSet, PreviousOfAnotherVersion } from './rebuild-errors.js';

export interface RebuildOptions extends BuildOptions {
  /** Who holds the lease, for people: host and process. */
  readonly holder: string;
  /** For how long the live ones may stand still at a switch. */
  readonly standstillMs?: number;
}

export interface Rebuilt {
  /** Applied now; fewer than the log has where an earlier rebuild went on. */
  readonly events: number;
  readonly position: LogPosition;
  readonly seconds: number;
}

/** Under the lease; {@link SteppedDown} when it is lost on the way. */
const under = async <Result>(
  lease: Lease,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  try {
    return await work(outer === undefined ? lease.lost : AbortSignal.any([outer, lease.lost]));
  } catch (error) {
    if (lease.lost.aborted) throw new SteppedDown(lease.name);
    throw error;
  } finally {
    await lease.release();
  }
};

const withLease = async <Result>(
  { db, holder, signal }: Pick<RebuildOptions, 'db' | 'holder' | 'signal'>,
  name: string,
  work: (lease: Lease, signal: AbortSignal) => Promise<Result>,
): Promise<Result> => {
  const lease = await tryAcquireLease(db, { name, holder });
  if (lease === undefined) throw new LeaseHeld(name);
  return under(lease, signal, (either) => work(lease, either));
};

const measured = async (build: () => Promise<SetBuilder>): Promise<Rebuilt> => {
  const startedAt = performance.now();
  const { events, checkpoint } = await build();
  return { events, position: checkpoint.position, seconds: (performance.now() - startedAt) / 1_000 };
};

const buildBeside = async (
  options: RebuildOptions,
  lease: Lease,
  signal: AbortSignal,
  andSwitch: boolean,
): Promise<SetBuilder> => {
  const { db, projections, holder } = options;
  const builder = await openSet(options, { set: 'next', epoch: lease.epoch, signal });
  await builder.catchUp();
  await analyzeTables(db, projections, 'next');
  if (andSwitch)
    await makeLive({ ...options, db, from: 'next', builder, epoch: lease.epoch, holder, signal });
  return builder;
};

/**
 * Builds all read models anew beside the live ones, from the log, then makes them live; those that were live are kept as the
 * previous ones, and those that were kept are dropped at the start. Readers and the runner of the live ones go on. Killed
 * half-way, the next call goes on from there, or begins anew where it has other versions. Without `andSwitch` it leaves them as
 * the next ones, for the next call. Throws {@link LeaseHeld}, `ProjectionFailed` (a rebuild is strict), {@link SteppedDown}.
 */
export const rebuildProjections = (
  options: RebuildOptions,
  { andSwitch = true }: { readonly andSwitch?: boolean } = {},
): Promise<Rebuilt> =>
  withLease(options, REBUILD_LEASE, (lease, signal) =>
    measured(() => buildBeside(options, lease, signal, andSwitch)),
  );

/**
 * What a program does before it serves for the first time: where the live read models are of lower versions it builds its own and
 * switches; where another process is at it, it waits for that one. Throws as {@link rebuildProjections} does, but for the lease,
 * and `ProjectionsChanged` where a person must say what to do; see `isUpgrade`.
 */
export const upgradeProjections = async (
  options: RebuildOptions & { readonly signal: AbortSignal },
): Promise<void> => {
  const { db, projections, holder, signal } = options;
  const lease = await acquireLease(db, { name: REBUILD_LEASE, holder, signal });
  if (lease === undefined) return;
  await under(lease, signal, async (either) => {
    const changed = await changedSince(db, projections);
    if (changed === undefined) return;
    if (!(await isUpgrade(db, projections))) throw changed;
    await buildBeside(options, lease, either, true);
  });
};

export interface SwitchedBack extends Rebuilt {
  /** Streams that could not be applied on the way. */
  readonly parked: readonly string[];
}

/**
 * Brings the previous read models up to date and makes them live again; those that were live become the previous ones. Events that
 * they cannot apply are parked, as they would have been had they stayed live: a way back must not be barred.
 * Throws {@link LeaseHeld}, {@link NoSuchSet}, {@link PreviousOfAnotherVersion}, `TooManyParked`, {@link SteppedDown}.
 */
export const switchBack = (options: RebuildOptions): Promise<SwitchedBack> =>
  withLease(options, REBUILD_LEASE, async (lease, signal) => {
    const { db, projections, holder } = options;
    const changes = await projectionChanges(db, projections, 'previous');
    if (changes === undefined) throw new NoSuchSet('previous');
    if (changes.length > 0) {
      throw new PreviousOfAnotherVersion(await installedVersions(db, 'previous'), changes);
    }
    const parked: string[] = [];
    const { epoch } = lease;
    const rebuilt = await measured(async () => {
      const builder = await openSet(options, {
        set: 'previous',
        epoch,
        signal,
        onParked: ({ stored }) => parked.push(stored.stream),
      });
      await makeLive({ ...options, from: 'previous', builder, epoch, holder, signal });
      return builder;
    });
    return { ...rebuilt, parked };
  });

/** Frees the disk of a set. Throws {@link NoSuchSet}, {@link LeaseHeld}. */
export const dropModelSet = (
  options: Pick<RebuildOptions, 'db' | 'holder' | 'signal' | 'onRetry'>,
  set: StandbySet,
): Promise<void> =>
  withLease(options, REBUILD_LEASE, async ({ epoch }, signal) => {
    if ((await installedVersions(options.db, set)).length === 0) throw new NoSuchSet(set);
    await changeSet(options.db, set, { ...options, signal }, async (tx) => {
      // Not when somebody has begun to build it while we slept.
      await claimCheckpoint(tx, set, epoch);
      await dropSet(tx, set);
    });
  });

/**
 * For a disk without room for two: empties the live tables and fills them again. Nobody may run them meanwhile; whoever reads
 * finds what is there, and `?after=` waits. Killed half-way, a runner of the same versions goes on from there, or a second call
 * begins anew. Throws {@link LeaseHeld}, `ProjectionFailed`, {@link SteppedDown}.
 */
export const rebuildInPlace = (options: RebuildOptions): Promise<Rebuilt> =>
  withLease(options, REBUILD_LEASE, (_, outer) =>
    withLease({ ...options, signal: outer }, LIVE_LEASE, ({ epoch }, signal) =>
      measured(async () => {
        const builder = await openSet(options, { set: 'live', epoch, signal, fresh: true });
        await builder.catchUp();
        return builder;
      }),
    ),
  );
