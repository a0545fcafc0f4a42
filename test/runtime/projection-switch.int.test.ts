import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Checkpoint, readCheckpoint } from '../../src/runtime/checkpoint.js';
import { type Database, DatabaseUnavailable, type Queryable } from '../../src/runtime/database.js';
import type { LogPosition } from '../../src/runtime/event-store.js';
import { holdSet } from '../../src/runtime/model-sets.js';
import { replayParked } from '../../src/runtime/parked.js';
import { createPositionWaiter } from '../../src/runtime/position-waiter.js';
import type { Projection } from '../../src/runtime/projection.js';
import { dropModelSet, rebuildProjections, switchBack } from '../../src/runtime/projection-rebuild.js';
import { installedVersions } from '../../src/runtime/projection-tables.js';
import { openRunnerHouse, type RunnerHouse, type RunningRunner, until } from '../support/runner-house.js';
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

const optionsOf = (projections: readonly Projection[], through = db) => ({
  db: through,
  store: log,
  codec: plainCodec,
  projections,
  holder: 'rebuild',
});

const live = async (): Promise<Checkpoint> => {
  const checkpoint = await readCheckpoint(db);
  if (checkpoint === undefined) throw new Error('nobody has run');
  return checkpoint;
};

const started = async (projections: readonly Projection[]): Promise<RunningRunner> => {
  const runner = house.start(projections);
  await until(async () => runner.status.state === 'live' && (await house.atEnd()));
  return runner;
};

interface Saboteur {
  /** Before a statement of a transaction. */
  before?(sql: string): Promise<void>;
  /** At the end of the transaction that switches, before its commit. */
  beforeCommit?(tx: Queryable): Promise<void>;
  afterCommit?(): Promise<void>;
}

/** The same database, with something in the way of a switch. */
const sabotaged = ({ before, beforeCommit, afterCommit }: Saboteur): Database => ({
  query: (sql, parameters, name) => db.query(sql, parameters, name),
  stream: (sql, parameters, options) => db.stream(sql, parameters, options),
  listen: (channel, onNotify) => db.listen(channel, onNotify),
  close: async () => undefined,
  transaction: async (work, options) => {
    let switches = false;
    const result = await db.transaction(async (tx) => {
      const done = await work({
        query: async (sql, parameters, name) => {
          switches ||= sql.startsWith('ALTER SCHEMA');
          await before?.(sql);
          return tx.query(sql, parameters, name);
        },
      });
      if (switches) await beforeCommit?.(tx);
      return done;
    }, options);
    if (switches) await afterCommit?.();
    return result;
  },
});

/** Readers that wait for what was written last, then look at two tables, for as long as writers write. */
const watched = async (
  work: (somePages: () => Promise<void>) => Promise<void>,
): Promise<{ written: number }> => {
  const waiter = await createPositionWaiter(db);
  const stop = new AbortController();
  let last: { readonly position: LogPosition; readonly written: number } | undefined;
  let written = 0;
  const write = (): void => {
    const [, second] = log.write(['a-0', 'Counted', { n: 1 }], ['b-0', 'Counted', { n: 1 }]);
    written += 1;
    if (second !== undefined) last = { position: second.position, written };
  };
  write();
  const writing = setInterval(write, 1);
  let pages = 0;
  const read = async (): Promise<void> => {
    for (let before = 0; !stop.signal.aborted; ) {
      if (last === undefined) return;
      const { position, written: least } = last;
      await waiter.waitForPosition(position, 10_000);
      // Prepared once per connection, like the queries of the product.
      const { rows } = await db.query<{ a: number; b: number }>(
        'SELECT (SELECT sum(events) FROM tally_a)::int AS a, (SELECT sum(events) FROM tally_b)::int AS b',
        [],
        'page',
      );
      const [{ a, b } = { a: 0, b: 0 }] = rows;
      expect([a >= least && a >= before, b]).toEqual([true, a]);
      before = a;
      pages += 1;
    }
  };
  const readers = Promise.all([read(), read(), read()]);
  const somePages = (): Promise<void> => {
    const enough = pages + 10;
    return until(() => pages >= enough);
  };
  try {
    await Promise.race([work(somePages), readers]);
  } finally {
    stop.abort();
    clearInterval(writing);
    await readers;
    await waiter.close();
  }
  return { written };
};

describe('while everybody goes on', () => {
  test('no reader finds a table missing, an older page, or two tables of different positions', async () => {
    const projections = [tally('a'), tally('b')];
    const runner = await started(projections);
    const { generation } = await live();
    const options = optionsOf(projections);
    const switches = [rebuildProjections, switchBack, switchBack, rebuildProjections, switchBack];
    const { written } = await watched(async (somePages) => {
      for (const next of switches) {
        await somePages();
        await next(options);
      }
      await somePages();
    });
    await until(house.atEnd);
    // The runner is the one that was there before, and did not have to be asked.
    expect(runner.status.state).toBe('live');
    expect((await live()).generation).toBe(generation + switches.length);
    const revisions = Array.from({ length: written }, (_, revision) => BigInt(revision));
    for (const category of ['a', 'b']) {
      expect((await tallyRows(db, category)).map((row) => row.revisions)).toEqual([revisions]);
    }
  });

  test('what the live ones get up to the last instant is brought up while they stand still', async () => {
    house.fill(2, 5);
    await started([tally('a')]);
    const late = sabotaged({
      // Nothing that the builder has seen: it comes after its last look at the log.
      before: async (sql) => {
        if (!sql.startsWith('LOCK TABLE runtime.projections IN ACCESS EXCLUSIVE')) return;
        if ((await readCheckpoint(db, 'next'))?.position.commit !== log.events.at(-1)?.position.commit)
          return;
        house.fill(2, 1);
        await until(house.atEnd);
      },
    });
    const before = await live();
    await rebuildProjections(optionsOf([tally('a')], late));
    expect((await live()).position.commit).toBeGreaterThan(before.position.commit);
    expect((await live()).position).toEqual(log.events.at(-1)?.position);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([6, 6]);
  });

  test('they stand still for a bounded time: then they go on, and it is tried again', async () => {
    house.fill(2, 5);
    await started([tally('a')]);
    let locked = false;
    let hanging = true;
    const late = sabotaged({
      before: async (sql) => {
        if (!sql.startsWith('LOCK TABLE') || !hanging) return;
        if ((await readCheckpoint(db, 'next'))?.position.commit !== log.events.at(-1)?.position.commit)
          return;
        house.fill(2, 1);
        await until(house.atEnd);
        locked = true;
      },
    });
    const store: Pick<ScriptedLog, 'readAll'> = {
      async *readAll(options) {
        if (locked && hanging) {
          hanging = false;
          await new Promise((done) => options.signal?.addEventListener('abort', done, { once: true }));
          return;
        }
        yield* log.readAll(options);
      },
    };
    const retried: unknown[] = [];
    await rebuildProjections({
      ...optionsOf([tally('a')], late),
      store,
      standstillMs: 50,
      onRetry: (error) => retried.push(error),
    });
    expect(retried).toMatchObject([{ code: 'too_far_behind' }]);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([6, 6]);
  });

  test('a log whose last events are not ours to see has nothing that is missing', async () => {
    house.fill(2, 5);
    const runner = await started([tally('a')]);
    log.write(['other-1', 'Ignored']);
    await until(house.atEnd);
    await runner.stop();
    const store: Pick<ScriptedLog, 'readAll'> = {
      async *readAll(options) {
        for await (const { events } of log.readAll(options)) {
          const last = events.at(-1);
          if (last !== undefined) yield { events, position: last.position, caughtUp: false };
        }
      },
    };
    const before = await live();
    await rebuildProjections({ ...optionsOf([tally('a')]), store });
    expect(await live()).toMatchObject({ position: before.position, event: before.event });
  });

  test('it waits for who holds the sets, such as an audit', async () => {
    house.fill(2, 5);
    await started([tally('a')]);
    await db.query('UPDATE tally_a SET total = -1');
    const totals = (tx: Queryable) => tx.query('SELECT DISTINCT total FROM tally_a');
    let rebuilt: Promise<unknown> = Promise.resolve();
    await db.transaction(
      async (tx) => {
        await holdSet(tx, 'live');
        await totals(tx);
        rebuilt = rebuildProjections(optionsOf([tally('a')]));
        await until(async () => {
          const { rows } = await db.query(
            `SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
             WHERE relname = 'projections' AND mode = 'AccessExclusiveLock' AND NOT granted`,
          );
          return rows.length > 0;
        });
        expect((await totals(tx)).rows).toEqual([{ total: -1n }]);
      },
      { isolation: 'repeatable read', readOnly: true },
    );
    await rebuilt;
    expect((await totals(db)).rows).not.toContainEqual({ total: -1n });
  });

  test('a position that the live ones have not reached is a step forward', async () => {
    house.fill(2, 5);
    const runner = await started([tally('a')]);
    await runner.stop();
    const waiter = await createPositionWaiter(db);
    house.fill(2, 5);
    const end = log.events.at(-1)?.position ?? { commit: 0n, prepare: 0n };
    await rebuildProjections(optionsOf([tally('a')]));
    await waiter.waitForPosition(end, 5_000);
    await waiter.close();
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([10, 10]);
  });
});

describe('cut at the switch', () => {
  test('before the commit everything is as it was, and the next call does what is left', async () => {
    house.fill(2, 5);
    const runner = await started([tally('a')]);
    const before = await live();
    const dying = sabotaged({ beforeCommit: () => Promise.reject(new Error('killed')) });
    await expect(rebuildProjections(optionsOf([tally('a')], dying))).rejects.toThrow('killed');
    expect(await live()).toEqual(before);
    house.fill(2, 1);
    await until(house.atEnd);
    expect(runner.status.state).toBe('live');
    expect(await installedVersions(db, 'next')).toEqual(['tally_a@1']);
    expect((await rebuildProjections(optionsOf([tally('a')]))).events).toBe(2);
    expect((await live()).generation).toBe(before.generation + 1);
  });

  test('a connection that breaks in it, or an answer of its commit that is lost, is no second switch', async () => {
    house.fill(2, 5);
    await started([tally('a')]);
    const before = await live();
    let cuts = 0;
    const cut = sabotaged({
      beforeCommit: async (tx) => {
        cuts += 1;
        if (cuts === 1) await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
      },
      afterCommit: () => Promise.reject(new DatabaseUnavailable('connection', 'the answer is lost')),
    });
    await rebuildProjections(optionsOf([tally('a')], cut));
    expect(cuts).toBe(2);
    expect((await live()).generation).toBe(before.generation + 1);
    expect(await installedVersions(db, 'previous')).toEqual(['tally_a@1']);
    house.fill(2, 1);
    await until(house.atEnd);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([6, 6]);
  });
});

describe('two versions of the program', () => {
  const first = [tally('a')];
  const second = [tally('a', { fixed: true }, 2), tally('b')];
  const upgrading = { whenChanged: 'rebuild' } as const;
  const changed = { code: 'projections_changed' };

  test('the newer builds beside while the older serves, then the older writes nothing more', async () => {
    house.fill(2, 5);
    const older = house.start(first, upgrading);
    await until(async () => older.status.state === 'live' && (await house.atEnd()));
    let open: () => void = () => undefined;
    const gate = new Promise<void>((done) => {
      open = done;
    });
    const slow: Pick<ScriptedLog, 'readAll' | 'subscribeAll'> = {
      subscribeAll: (options) => log.subscribeAll(options),
      async *readAll(options) {
        await gate;
        yield* log.readAll(options);
      },
    };
    // Two at once: one builds, the other finds it done.
    const newer = [house.start(second, { ...upgrading, store: slow }), house.start(second, upgrading)];
    const { generation } = await live();
    await until(() => newer.every(({ status }) => status.state === 'rebuilding'));
    house.fill(2, 1);
    await until(house.atEnd);
    open();
    await expect(older.done).rejects.toMatchObject(changed);
    await until(() => newer.some(({ status }) => status.state === 'live'));
    expect((await live()).generation).toBe(generation + 1);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([6, 6]);
    expect(await installedVersions(db, 'previous')).toEqual(['tally_a@1']);
  });

  test('switched back, none of the two takes it upon itself to switch again', async () => {
    house.fill(2, 5);
    await (await started(first)).stop();
    const newer = house.start(second, upgrading);
    await until(() => newer.status.state === 'live');
    // The older one is started again by its supervisor.
    await expect(house.start(first, upgrading).done).rejects.toMatchObject({
      ...changed,
      message: expect.stringContaining('rebuild --back'),
    });
    await switchBack(optionsOf(first));
    const older = house.start(first, upgrading);
    house.fill(2, 1);
    await expect(newer.done).rejects.toMatchObject(changed);
    const replay = { db, codec: plainCodec, projections: second, stream: 'a-0' };
    await expect(replayParked(replay)).rejects.toMatchObject(changed);
    await expect(house.start(second, upgrading).done).rejects.toMatchObject(changed);
    await until(house.atEnd);
    expect(older.status.state).toBe('live');
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([6, 6]);
  });

  test('the older never builds over the newer by itself, even where nothing is kept; a person may', async () => {
    house.fill(2, 5);
    await rebuildProjections(optionsOf(first));
    await rebuildProjections(optionsOf(second));
    await dropModelSet(optionsOf(second), 'previous');
    await expect(house.start(first, upgrading).done).rejects.toMatchObject(changed);
    await rebuildProjections(optionsOf(first));
    expect(await installedVersions(db, 'live')).toEqual(['tally_a@1']);
  });
});
