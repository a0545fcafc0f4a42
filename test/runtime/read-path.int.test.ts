import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import { readCheckpoint } from '../../src/runtime/checkpoint.js';
import {
  comparePositions,
  type EventStore,
  type LogPosition,
  NO_STREAM,
} from '../../src/runtime/event-store.js';
import { createPositionWaiter } from '../../src/runtime/position-waiter.js';
import { rebuildProjections } from '../../src/runtime/projection-rebuild.js';
import { createProjectionRunner } from '../../src/runtime/projection-runner.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { plainCodec } from '../support/scripted-log.js';
import { tally, tallyRows } from '../support/tally.js';

let node: RunningEventStore;
let store: EventStore;
let database: TestDatabase;
beforeAll(async () => {
  [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  store = createEventStore({ connectionString: node.connectionString, namespace: 'rp' });
});
afterAll(async () => {
  await store.close();
  await Promise.all([node.stop(), database.drop()]);
});

const metadata = { effectiveAt: '2011-01-01T00:00:00.000Z', schemaVersion: 1 };
const write = async (stream: string, events: number): Promise<LogPosition> => {
  const batch = Array.from({ length: events }, (_, n) => ({
    id: randomUUID(),
    type: 'Counted',
    data: { n },
    metadata,
  }));
  const outcome = await store.append(stream, batch, NO_STREAM);
  if (!outcome.ok) throw new Error('written before');
  return outcome.position;
};

describe('the read path over the real event store', () => {
  test('catches up, follows, moves over what nobody handles, and rebuilds to the same rows', async () => {
    const { db } = database;
    const projections = [tally('a'), tally('b')];
    for (let i = 0; i < 20; i++) await write(`${i % 2 === 0 ? 'a' : 'b'}-${i}`, 200);
    const shared = { db, store, codec: plainCodec, projections, holder: 'test' };
    const runner = createProjectionRunner(shared);
    const controller = new AbortController();
    const running = runner.run(controller.signal);
    const waiter = await createPositionWaiter(db);

    await waiter.waitForPosition(await write('a-live', 3), 10_000);
    expect((await tallyRows(db, 'a')).map(({ events }) => events)).toEqual([...Array(10).fill(200), 3]);
    // Two appends beyond what is projected: the first is searched over when the second, handled one arrives.
    await write('other-1', 5);
    const last = await write('b-live', 1);
    await waiter.waitForPosition(last, 10_000);
    const checkpoint = await readCheckpoint(db);
    expect(comparePositions(checkpoint?.position ?? last, last)).toBeGreaterThanOrEqual(0);
    controller.abort();
    await running;
    await waiter.close();

    const live = [await tallyRows(db, 'a'), await tallyRows(db, 'b')];
    const rebuilt = await rebuildProjections(shared);
    expect(rebuilt.events).toBe(20 * 200 + 4);
    expect([await tallyRows(db, 'a'), await tallyRows(db, 'b')]).toEqual(live);
  }, 30_000);
});
