import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import type { Database } from '../../src/runtime/database.js';
import { listParked } from '../../src/runtime/parked.js';
import type { Projection } from '../../src/runtime/projection.js';
import {
  dropModelSet,
  type RebuildOptions,
  rebuildInPlace,
  rebuildProjections,
  switchBack,
} from '../../src/runtime/projection-rebuild.js';
import { installedVersions } from '../../src/runtime/projection-tables.js';
import { openRunnerHouse, type RunnerHouse, until } from '../support/runner-house.js';
import { plainCodec, type ScriptedLog } from '../support/scripted-log.js';
import { tally, tallyRows } from '../support/tally.js';

let house: RunnerHouse;
let db: Database;
let log: ScriptedLog;
beforeEach(async () => {
  house = await openRunnerHouse();
  ({ db, log } = house);
});
afterEach(() => house.close());

const optionsOf = (
  projections: readonly Projection[] = [tally('a')],
  more: Partial<RebuildOptions> = {},
): RebuildOptions => ({ db, store: log, codec: plainCodec, projections, holder: 'rebuild', ...more });

const rebuild = (...given: Parameters<typeof optionsOf>) => rebuildProjections(optionsOf(...given));

const aborted = (signal?: AbortSignal): Promise<void> =>
  new Promise((done) => signal?.addEventListener('abort', () => done(), { once: true }));

/** A log whose reader stands still after some events, until it is let go. */
const gated = (afterEvents: number) => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((done) => {
    open = done;
  });
  let reached: () => void = () => undefined;
  const atGate = new Promise<void>((done) => {
    reached = done;
  });
  const store: Pick<ScriptedLog, 'readAll' | 'subscribeAll'> = {
    subscribeAll: (options) => log.subscribeAll(options),
    async *readAll(options) {
      let events = 0;
      for await (const batch of log.readAll(options)) {
        if (events >= afterEvents) {
          reached();
          await Promise.race([gate, aborted(options.signal)]);
        }
        events += batch.events.length;
        yield batch;
      }
    },
  };
  return { store, atGate, open };
};

/** Runs the live read models up to the end of the log, and stops. */
const runOnce = async (projections: readonly Projection[]): Promise<void> => {
  const runner = house.start(projections);
  await until(async () => runner.status.state === 'live' && (await house.atEnd()));
  await runner.stop();
};

const eventsOf = async (set = 'read_model'): Promise<number[]> =>
  (await db.query<{ events: number }>(`SELECT events FROM ${set}.tally_a ORDER BY stream`)).rows.map(
    ({ events }) => events,
  );

const schemas = async (): Promise<string[]> =>
  (
    await db.query<{ name: string }>(
      `SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'read\\_model%' ORDER BY 1`,
    )
  ).rows.map(({ name }) => name);

describe('a rebuild', () => {
  test('makes the rows that the live run made, and keeps the tables that were live', async () => {
    house.fill(7, 30);
    await runOnce([tally('a')]);
    const rows = await tallyRows(db, 'a');
    await db.query('UPDATE tally_a SET total = -1');
    log.batchEvents = 64;
    const progress: number[] = [];
    const result = await rebuild([tally('a')], { onProgress: ({ events }) => progress.push(events) });
    expect(result).toMatchObject({ events: 210, position: log.events.at(-1)?.position });
    expect(progress.at(-1)).toBe(210);
    expect(await tallyRows(db, 'a')).toEqual(rows);
    expect(await schemas()).toEqual(['read_model', 'read_model_previous']);
    const kept = await db.query('SELECT DISTINCT total FROM read_model_previous.tally_a');
    expect(kept.rows).toEqual([{ total: -1n }]);
    // Queries of the new tables are planned with their sizes; autovacuum would come in a minute.
    const sizes = await db.query(
      "SELECT reltuples::int AS rows FROM pg_class WHERE oid = 'tally_a'::regclass",
    );
    expect(sizes.rows).toEqual([{ rows: 7 }]);
  });

  test('serves where nobody has run yet, and a runner goes on from it', async () => {
    house.fill(2, 3);
    await rebuild();
    expect(await eventsOf()).toEqual([3, 3]);
    house.fill(2, 1);
    await runOnce([tally('a')]);
    expect((await tallyRows(db, 'a')).map(({ revisions }) => revisions)).toEqual(
      Array(2).fill([0n, 1n, 2n, 3n]),
    );
  });

  test('killed half-way goes on where it was; of another version it begins anew', async () => {
    house.fill(10, 40);
    await runOnce([tally('a')]);
    log.batchEvents = 10;
    const killedAfter = async (events: number): Promise<void> => {
      const dying = new AbortController();
      const { store } = gated(events);
      const onProgress = (progress: { events: number }) => {
        if (progress.events === events) dying.abort(new Error('killed'));
      };
      await expect(rebuild([tally('a')], { store, onProgress, signal: dying.signal })).rejects.toThrow(
        'killed',
      );
    };
    await killedAfter(100);
    expect(await eventsOf()).toEqual(Array(10).fill(40));
    expect((await readCheckpoint(db, 'next'))?.position).toEqual(log.events[99]?.position);
    await killedAfter(50);
    expect((await rebuild()).events).toBe(250);
    expect((await tallyRows(db, 'a')).map(({ revisions }) => revisions.length)).toEqual(Array(10).fill(40));
    expect(await readCheckpoint(db, 'next')).toBeUndefined();

    await killedAfter(100);
    expect((await rebuild([tally('a', { fixed: true }, 2)])).events).toBe(400);
    expect(await eventsOf()).toEqual(Array(10).fill(40));
  });

  test('can be left beside the live ones, to be looked at, and made live later', async () => {
    house.fill(2, 2);
    await runOnce([tally('a')]);
    await rebuildProjections(optionsOf(), { andSwitch: false });
    expect(await schemas()).toEqual(['read_model', 'read_model_next']);
    expect(await installedVersions(db, 'next')).toEqual(['tally_a@1']);
    house.fill(2, 1);
    expect((await rebuild()).events).toBe(2);
    expect([await eventsOf(), await eventsOf('read_model_previous')]).toEqual([
      [3, 3],
      [2, 2],
    ]);
  });

  test('excludes a second one, a switch back and a drop', async () => {
    house.fill(4, 5);
    log.batchEvents = 5;
    await rebuild();
    const { store, atGate, open } = gated(5);
    const first = rebuild([tally('a')], { store });
    await atGate;
    const held = { code: 'lease_held' };
    await expect(rebuild()).rejects.toMatchObject(held);
    await expect(switchBack(optionsOf())).rejects.toMatchObject(held);
    await expect(dropModelSet(optionsOf(), 'next')).rejects.toMatchObject(held);
    open();
    expect((await first).events).toBe(20);
  });

  test('is strict: it names the first event that cannot be applied, and the live ones go on', async () => {
    house.fill(2, 2);
    log.write(['a-1', 'Poison']);
    house.fill(2, 2);
    const runner = house.start([tally('a')]);
    await until(house.atEnd);
    await expect(rebuild()).rejects.toMatchObject({
      code: 'projection_failed',
      stream: 'a-1',
      revision: 2,
      type: 'Poison',
    });
    house.fill(2, 1);
    await until(house.atEnd);
    expect(runner.status.state).toBe('live');
    expect(await eventsOf()).toEqual([5, 2]);
    expect(await listParked(db)).toMatchObject([{ stream: 'a-1', events: 4 }]);
  });

  test('of a cured program has nothing parked; the previous ones keep what they have parked', async () => {
    house.fill(2, 2);
    log.write(['a-1', 'Poison']);
    const broken = { fixed: false };
    const runner = house.start([tally('a', broken)]);
    await until(house.atEnd);
    broken.fixed = true;
    await rebuild([tally('a', broken)]);
    house.fill(2, 1);
    await until(house.atEnd);
    expect(await eventsOf()).toEqual([3, 4]);
    expect(await listParked(db)).toEqual([]);

    // What has been parked stays parked until it is replayed, and later events of its stream behind it.
    expect(await switchBack(optionsOf([tally('a', broken)]))).toMatchObject({ events: 2, parked: [] });
    house.fill(2, 1);
    await until(house.atEnd);
    expect(await eventsOf()).toEqual([4, 2]);
    expect(await listParked(db)).toMatchObject([{ stream: 'a-1', events: 3, error: 'poison in a-1' }]);
    expect(runner.status.state).toBe('live');
  });

  test('makes room for two: what was kept is dropped when it begins', async () => {
    house.fill(4, 5);
    log.batchEvents = 5;
    await rebuild();
    await rebuild();
    const { store, atGate, open } = gated(5);
    const third = rebuild([tally('a')], { store });
    await atGate;
    expect(await schemas()).toEqual(['read_model', 'read_model_next']);
    open();
    await third;
    expect(await schemas()).toEqual(['read_model', 'read_model_previous']);
  });
});

describe('a switch back', () => {
  test('brings the previous ones up to date first', async () => {
    house.fill(3, 3);
    await rebuild();
    await rebuild();
    house.fill(3, 2);
    await runOnce([tally('a')]);
    expect(await eventsOf('read_model_previous')).toEqual([3, 3, 3]);
    const before = await readCheckpoint(db);
    expect((await switchBack(optionsOf())).events).toBe(6);
    expect(await eventsOf()).toEqual([5, 5, 5]);
    const after = await readCheckpoint(db);
    expect(after?.position).toEqual(before?.position);
    expect(after?.generation).toBe((before?.generation ?? 0) + 1);
    // And forth again.
    await switchBack(optionsOf());
    await runOnce([tally('a')]);
    expect(await eventsOf()).toEqual([5, 5, 5]);
  });

  test('is not barred by an event that cannot be applied: it is parked', async () => {
    house.fill(2, 1);
    await rebuild();
    await rebuild();
    log.write(['a-0', 'Poison'], ['a-1', 'Counted'], ['a-0', 'Counted']);
    expect(await switchBack(optionsOf())).toMatchObject({ parked: ['a-0'] });
    expect(await eventsOf()).toEqual([1, 2]);
    expect(await listParked(db)).toMatchObject([{ stream: 'a-0', events: 2 }]);
  });

  test('belongs to the program that built them, and names its versions', async () => {
    house.fill(2, 2);
    const second = [tally('a', { fixed: true }, 2), tally('b')];
    await rebuild();
    await rebuild(second);
    await expect(switchBack(optionsOf(second))).rejects.toMatchObject({
      code: 'previous_of_another_version',
      versions: ['tally_a@1'],
      message: expect.stringContaining('tally_a was 1, is 2'),
    });
    expect(await installedVersions(db, 'live')).toEqual(['tally_a@2', 'tally_b@1']);
    await switchBack(optionsOf());
    expect(await installedVersions(db, 'live')).toEqual(['tally_a@1']);
  });

  test('needs previous ones, and they can be dropped', async () => {
    house.fill(1, 1);
    await rebuild();
    await rebuild();
    await dropModelSet(optionsOf(), 'previous');
    expect(await schemas()).toEqual(['read_model']);
    await expect(switchBack(optionsOf())).rejects.toMatchObject({ code: 'no_such_set' });
    await expect(dropModelSet(optionsOf(), 'previous')).rejects.toMatchObject({ code: 'no_such_set' });
    expect(await eventsOf()).toEqual([1]);
  });

  test('and a drop does not take what others have made of the tables', async () => {
    house.fill(1, 1);
    await rebuild();
    await db.query('CREATE VIEW public.theirs AS SELECT * FROM read_model.tally_a');
    await rebuild();
    await expect(dropModelSet(optionsOf(), 'previous')).rejects.toMatchObject({ code: '2BP01' });
    expect(await eventsOf('read_model_previous')).toEqual([1]);
    await db.query('DROP VIEW public.theirs');
    await dropModelSet(optionsOf(), 'previous');
  });
});

describe('in place', () => {
  test('a rebuild needs the lease of the live ones, and no other room', async () => {
    house.fill(3, 4);
    const runner = house.start([tally('a')]);
    await until(async () => runner.status.state === 'live' && (await house.atEnd()));
    await expect(rebuildInPlace(optionsOf())).rejects.toMatchObject({ code: 'lease_held' });
    await runner.stop();
    await db.query('UPDATE tally_a SET total = -1');
    const { generation = 0 } = (await readCheckpoint(db)) ?? {};
    expect((await rebuildInPlace(optionsOf())).events).toBe(12);
    expect((await readCheckpoint(db))?.generation).toBe(generation + 1);
    expect((await tallyRows(db, 'a')).map(({ total }) => total)).toEqual([0n, 4n, 8n]);
    expect(await schemas()).toEqual(['read_model']);
  });

  test('is strict too, and a runner of the same version goes on from where it stopped', async () => {
    house.fill(2, 2);
    log.write(['a-1', 'Poison']);
    house.fill(2, 2);
    await expect(rebuildInPlace(optionsOf())).rejects.toMatchObject({ code: 'projection_failed' });
    expect(await eventsOf()).toEqual([2, 2]);
    expect(await listParked(db)).toEqual([]);
    await runOnce([tally('a')]);
    expect(await eventsOf()).toEqual([4, 2]);
  });
});
