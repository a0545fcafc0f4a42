import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStore } from '../../src/runtime/event-store.js';
import { readSnapshot, writeSnapshot } from '../../src/runtime/snapshot-text.js';
import { SNAPSHOT_LIMITS, type Snapshots } from '../../src/runtime/snapshots.js';

export interface MemorySnapshots extends Snapshots {
  /** What the table would keep, by stream and version. */
  readonly bodies: Map<string, Buffer>;
  readonly counts: { found: number; taken: number; discarded: number };
  /** Resolves when nothing is being looked for or written. */
  quiet(): Promise<void>;
}

/** A double of the snapshots' table alone: what is kept is the real text, so nothing passes that a table would lose. */
export const createMemorySnapshots = (limits: Partial<Snapshots['limits']> = {}): MemorySnapshots => {
  const bodies = new Map<string, Buffer>();
  const counts = { found: 0, taken: 0, discarded: 0 };
  const open = new Set<Promise<unknown>>();
  const track = <Result>(work: Promise<Result>): Promise<Result> => {
    open.add(work);
    return work.finally(() => open.delete(work));
  };
  const key = (stream: string, version: number): string => `${stream} ${version}`;
  return {
    limits: { ...SNAPSHOT_LIMITS, ...limits },
    bodies,
    counts,
    find: (stream, version) =>
      track(
        (async () => {
          const body = bodies.get(key(stream, version));
          if (body === undefined) return undefined;
          counts.found += 1;
          return readSnapshot(body, stream, version);
        })(),
      ),
    take: (snapshot) =>
      track(
        (async () => {
          const { body, bytes } = await writeSnapshot(snapshot);
          bodies.set(key(snapshot.stream, snapshot.version), body);
          counts.taken += 1;
          return bytes;
        })(),
      ),
    discard({ stream, version }) {
      counts.discarded += 1;
      bodies.delete(key(stream, version));
    },
    async quiet() {
      while (open.size > 0) await Promise.all(open);
      // Whoever asked has the answer then.
      await nextTurn();
    },
    async close() {},
  };
};

/** Every event counts, so that a short history does for all there is to show. */
export const EAGER = { lookAfterEvents: 1, distanceEvents: 1, bytesPerEvent: Number.POSITIVE_INFINITY };

/** The store with reads that bring one event at a time. */
export const singly = (store: EventStore): EventStore => ({
  ...store,
  async *readStream(stream, from) {
    for await (const batch of store.readStream(stream, from)) for (const event of batch) yield [event];
  },
});
