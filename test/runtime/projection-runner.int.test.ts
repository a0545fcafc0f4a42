import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import type { Database, Queryable } from '../../src/runtime/database.js';
import { listParked, replayParked } from '../../src/runtime/parked.js';
import { createProjectionRunner } from '../../src/runtime/projection-runner.js';
import { openRunnerHouse, type RunnerHouse, until } from '../support/runner-house.js';
import { plainCodec, type ScriptedLog } from '../support/scripted-log.js';
import { tally, tallyRows } from '../support/tally.js';

let house: RunnerHouse;
let db: Database;
let log: ScriptedLog;
let start: RunnerHouse['start'];
let atEnd: RunnerHouse['atEnd'];
let fill: RunnerHouse['fill'];
beforeEach(async () => {
  house = await openRunnerHouse();
  ({ db, log, start, atEnd, fill } = house);
});
afterEach(() => house.close());

/** Runs `interfere` before the n-th commit of a transaction of this database. */
const beforeCommit = (base: Database, interfere: () => Promise<void>): Database => ({
  query: base.query.bind(base),
  stream: base.stream.bind(base),
  listen: base.listen.bind(base),
  close: () => base.close(),
  transaction: (work, options) =>
    base.transaction(async (tx: Queryable) => {
      const result = await work(tx);
      await interfere();
      return result;
    }, options),
});

describe('the projection runner', () => {
  test('feeds all projections of a batch in one transaction with the checkpoint', async () => {
    fill(5, 10, 'a');
    fill(5, 10, 'b');
    start([tally('a'), tally('b')]);
    await until(atEnd);
    for (const category of ['a', 'b']) {
      const rows = await tallyRows(db, category);
      expect(rows.map(({ events }) => events)).toEqual([10, 10, 10, 10, 10]);
      expect(rows[4]?.total).toBe(40n);
    }
    const [last] = log.write(['a-0', 'Counted', { n: 1 }], ['b-0', 'Counted', { n: 1 }]).slice(-1);
    await until(async () => (await readCheckpoint(db))?.position.commit === last?.position.commit);
    expect((await tallyRows(db, 'b'))[0]?.events).toBe(11);
  });

  test('moves the checkpoint over events that nobody handles', async () => {
    fill(1, 1);
    start([tally('a')]);
    await until(atEnd);
    log.write(['other-1', 'Ignored'], ['other-2', 'Ignored']);
    await until(atEnd);
    expect((await readCheckpoint(db))?.event).toEqual(log.events[0]?.position);
  });

  test('goes on where it stopped, each event once', async () => {
    fill(3, 40);
    log.batchEvents = 7;
    const first = start([tally('a')]);
    await until(() => first.status.appliedEvents > 20);
    await first.stop();
    fill(3, 5);
    const second = start([tally('a')]);
    await until(atEnd);
    await second.stop();
    const expected = Array.from({ length: 45 }, (_, revision) => BigInt(revision));
    for (const { revisions } of await tallyRows(db, 'a')) expect(revisions).toEqual(expected);
  });

  test('leaves tables and checkpoint as they were when it dies before the commit', async () => {
    fill(3, 3);
    const dying = beforeCommit(db, () => Promise.reject(new Error('killed')));
    const first = start([tally('a')]);
    await until(atEnd);
    await first.stop();
    const before = [await readCheckpoint(db), await tallyRows(db, 'a')];
    log.write(['a-0', 'Counted']);
    const second = createProjectionRunner({
      db: dying,
      store: log,
      codec: plainCodec,
      projections: [tally('a')],
      holder: 'dying',
      parkedStreamsMax: 0,
    });
    await expect(second.run(new AbortController().signal)).rejects.toThrow();
    const [checkpoint, rows] = [await readCheckpoint(db), await tallyRows(db, 'a')];
    expect([{ ...checkpoint, epoch: 0n }, rows]).toEqual([{ ...before[0], epoch: 0n }, before[1]]);
  });

  test('has no effect once another holds the lease, whenever it wakes', async () => {
    fill(2, 2);
    let asleep = false;
    let wake: () => void = () => undefined;
    const sleep = new Promise<void>((done) => {
      wake = done;
    });
    const warm = start([tally('a')]);
    await until(atEnd);
    await warm.stop();
    // The first holder sleeps inside its transaction, before the checkpoint row is touched.
    const retries: unknown[] = [];
    let slept = false;
    let holds = false;
    const sleepy: Database = {
      ...beforeCommit(db, async () => undefined),
      transaction: async (work, options) => {
        // Not its first transaction, which is the lease's own.
        if (holds && !slept) {
          slept = true;
          asleep = true;
          await sleep;
        }
        return db.transaction(work, options);
      },
    };
    const controller = new AbortController();
    const stale = createProjectionRunner({
      db: sleepy,
      store: log,
      codec: plainCodec,
      projections: [tally('a')],
      holder: 'stale',
      onState: (state) => {
        holds ||= state === 'catching_up';
      },
      onRetry: (error) => retries.push(error),
    });
    const done = stale.run(controller.signal);
    log.write(['a-0', 'Counted'], ['a-1', 'Counted']);
    await until(() => asleep);
    await db.query("UPDATE runtime.leases SET expires_at = now() - interval '1 second'");
    const second = start([tally('a')]);
    await until(atEnd);
    wake();
    await until(() => retries.length > 0);
    expect(retries[0]).toMatchObject({ code: 'stepped_down' });
    log.write(['a-0', 'Counted']);
    await until(atEnd);
    controller.abort();
    await done;
    await second.stop();
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([4, 3]);
  });

  test('two runners at once apply everything once, whoever wins', async () => {
    fill(4, 50);
    log.batchEvents = 10;
    const both = [start([tally('a')]), start([tally('a')])];
    await until(atEnd);
    expect(both.map(({ status }) => status.state).sort()).toEqual(['live', 'waiting']);
    const active = both.find(({ status }) => status.state === 'live');
    await active?.stop();
    fill(4, 1);
    await until(atEnd, 3_000);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([51, 51, 51, 51]);
  });

  test('rides out a database that goes away in the middle', async () => {
    fill(3, 300);
    log.batchEvents = 20;
    const runner = start([tally('a')]);
    await until(() => runner.status.appliedEvents > 50);
    for (let i = 0; i < 5; i++) {
      await db
        .query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        )
        .catch(() => undefined);
      await new Promise((done) => setTimeout(done, 20));
    }
    await until(atEnd, 20_000);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([300, 300, 300]);
  });

  test('reports what it applied and how far it is behind', async () => {
    fill(2, 5);
    const batches: number[] = [];
    const states: string[] = [];
    const runner = start([tally('a')], {
      onBatch: ({ events }) => batches.push(events),
      onState: (state) => states.push(state),
    });
    await until(() => runner.status.state === 'live');
    expect(batches.reduce((sum, n) => sum + n, 0)).toBe(10);
    expect(runner.status).toMatchObject({ pendingEvents: 0, lagSeconds: 0, appliedEvents: 10 });
    await runner.stop();
    expect(states).toEqual(['waiting', 'catching_up', 'live', 'stopped']);
  });
});

test('a runner refuses tables of other versions', async () => {
  fill(2, 3);
  const runner = start([tally('a')]);
  await until(atEnd);
  await runner.stop();
  const changed = [tally('a', { fixed: true }, 2), tally('b')];
  await expect(start(changed).done).rejects.toMatchObject({
    code: 'projections_changed',
    changes: ['tally_a was 1, is 2', 'tally_b is new'],
  });
});

describe('poison', () => {
  test('parks its stream with its event and error, and later events behind it; the rest goes on', async () => {
    const parked: string[] = [];
    fill(3, 2);
    log.write(['a-1', 'Poison']);
    fill(3, 2);
    const runner = start([tally('a'), tally('b')], { onParked: (stream) => parked.push(stream) });
    await until(atEnd);
    log.write(['a-1', 'Counted'], ['a-2', 'Counted'], ['b-1', 'Counted']);
    await until(atEnd);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([4, 2, 5]);
    expect(parked).toEqual(['a-1']);
    expect(await listParked(db)).toEqual([
      expect.objectContaining({
        stream: 'a-1',
        events: 4,
        revision: 2,
        type: 'Poison',
        error: 'poison in a-1',
      }),
    ]);
    await runner.stop();
  });

  test('does the same for an event that this build cannot read', async () => {
    log.write(
      ['a-1', 'Counted'],
      ['a-1', 'Unreadable', { odd: 'a\u0000b' }],
      ['a-1', 'Counted'],
      ['a-2', 'Counted'],
    );
    start([tally('a')]);
    await until(atEnd);
    expect((await tallyRows(db, 'a')).map(({ stream, events }) => [stream, events])).toEqual([
      ['a-1', 1],
      ['a-2', 1],
    ]);
    expect(await listParked(db)).toMatchObject([{ stream: 'a-1', events: 2, error: 'cannot be read' }]);
  });

  test('once cured is replayed in order, while the runner runs, and its stream goes on', async () => {
    const broken = { fixed: false };
    fill(2, 3);
    log.write(['a-1', 'Poison', { n: 5 }], ['a-1', 'Counted', { n: 7 }]);
    start([tally('a', broken)]);
    await until(atEnd);
    const replay = { db, codec: plainCodec, projections: [tally('a', broken)], stream: 'a-1' };
    await expect(replayParked(replay)).rejects.toMatchObject({ code: 'still_parked' });
    expect((await listParked(db))[0]?.events).toBe(2);
    broken.fixed = true;
    const writing = setInterval(() => log.write(['a-1', 'Counted', { n: 0 }]), 1);
    await until(async () => (await listParked(db))[0]?.events !== 2);
    expect(await replayParked(replay)).toBeGreaterThan(2);
    clearInterval(writing);
    log.write(['a-1', 'Counted', { n: 0 }]);
    await until(atEnd);
    expect(await listParked(db)).toEqual([]);
    const [, row] = await tallyRows(db, 'a');
    expect(row?.revisions).toEqual(row?.revisions.map((_, revision) => BigInt(revision)));
    expect(row?.total).toBe(15n);
    expect(await replayParked(replay)).toBe(0);
  });

  test('in every stream is a wrong program: it stops before all is parked', async () => {
    for (let i = 0; i < 10; i++) log.write([`a-${i}`, 'Poison']);
    const runner = start([tally('a')], { parkedStreamsMax: 3 });
    await expect(runner.done).rejects.toMatchObject({ code: 'too_many_parked' });
    expect(await listParked(db)).toHaveLength(3);
  }, 15_000);
});
