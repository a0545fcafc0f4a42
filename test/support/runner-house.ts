import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import type { Database } from '../../src/runtime/database.js';
import type { Projection } from '../../src/runtime/projection.js';
import {
  createProjectionRunner,
  type ProjectionRunner,
  type ProjectionRunnerOptions,
} from '../../src/runtime/projection-runner.js';
import { testDatabase } from './postgres.js';
import { plainCodec, type ScriptedLog, scriptedLog } from './scripted-log.js';

export interface RunningRunner extends ProjectionRunner {
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

/** A scripted log, a database, and the projection runners of a test. */
export interface RunnerHouse {
  readonly db: Database;
  readonly log: ScriptedLog;
  /** Runs from now on, until stopped or the house closes. */
  start(projections: readonly Projection[], more?: Partial<ProjectionRunnerOptions>): RunningRunner;
  /** Whether the live read models have the whole log. */
  atEnd(): Promise<boolean>;
  /** Appends `eventsEach` events to each of `streams` streams of the category, in turn. */
  fill(streams: number, eventsEach: number, category?: string): void;
  close(): Promise<void>;
}

export const until = async (
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 10_000,
): Promise<void> => {
  for (const end = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 5));
  }
};

export const openRunnerHouse = async (): Promise<RunnerHouse> => {
  const database = await testDatabase({ poolSize: 8 });
  const { db } = database;
  const log = scriptedLog();
  const stops: (() => Promise<void>)[] = [];
  return {
    db,
    log,
    start: (projections, more = {}) => {
      const runner = createProjectionRunner({
        db,
        store: log,
        codec: plainCodec,
        projections,
        holder: 'test',
        ...more,
      });
      const controller = new AbortController();
      const done = runner.run(controller.signal);
      const stop = (): Promise<void> => {
        controller.abort();
        return done;
      };
      done.catch(() => undefined);
      stops.push(stop);
      return {
        done,
        stop,
        run: () => done,
        get status() {
          return runner.status;
        },
      };
    },
    atEnd: async () =>
      (await readCheckpoint(db))?.position.commit === (log.events.at(-1)?.position.commit ?? 0n),
    fill: (streams, eventsEach, category = 'a') => {
      for (let revision = 0; revision < eventsEach; revision++) {
        for (let i = 0; i < streams; i++) log.write([`${category}-${i}`, 'Counted', { n: i }]);
      }
    },
    close: async () => {
      await Promise.allSettled(stops.map((stop) => stop()));
      await database.drop();
    },
  };
};
