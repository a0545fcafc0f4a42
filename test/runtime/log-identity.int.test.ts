import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemLogEvents } from '../../src/domain/system-log.js';
import { advanceCheckpoint, claimCheckpoint } from '../../src/runtime/checkpoint.js';
import { createCodec } from '../../src/runtime/codec.js';
import { LOG_START } from '../../src/runtime/event-store.js';
import { ensureLogIdentity } from '../../src/runtime/log-identity.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { scriptedLog } from '../support/scripted-log.js';

const codec = createCodec(systemLogEvents);
let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.drop());

const ensure = (log: ReturnType<typeof scriptedLog>): Promise<string> =>
  ensureLogIdentity(log, database.db, codec, ['a']);

/** What the database has read of the log, up to its present end. */
const readUpTo = async (log: ReturnType<typeof scriptedLog>, set = 'live'): Promise<void> => {
  const { position = LOG_START, recordedAt = new Date() } = log.events.at(-1) ?? {};
  const checkpoint = await claimCheckpoint(database.db, set, 1n);
  await advanceCheckpoint(database.db, checkpoint, {
    position,
    event: position,
    eventRecordedAt: recordedAt,
  });
};

describe('the identity of the log', () => {
  test('is made once and remembered', async () => {
    const log = scriptedLog();
    const logId = await ensure(log);
    expect(await ensure(log)).toBe(logId);
    expect(log.events.map(({ stream, type }) => [stream, type])).toEqual([['system-log', 'LogCreated']]);
  });

  test('is taken over by a new database', async () => {
    const log = scriptedLog();
    const logId = await ensure(log);
    await database.db.query('DELETE FROM runtime.log_identity');
    expect(await ensure(log)).toBe(logId);
  });

  test('of another or of an empty log is refused', async () => {
    await ensure(scriptedLog());
    const empty = scriptedLog();
    await expect(ensure(empty)).rejects.toMatchObject({
      code: 'log_mismatch',
    });
    expect(empty.events).toEqual([]);
    const other = scriptedLog();
    await other.append(
      'system-log',
      [
        codec.encode(
          { type: 'LogCreated', data: { logId: crypto.randomUUID() } },
          {
            commandId: 'c',
            $correlationId: 'c',
            $causationId: 'c',
            actor: 'test',
            effectiveAt: '2011-01-01T00:00:00Z',
          },
        ),
      ],
      -1,
    );
    await expect(ensure(other)).rejects.toMatchObject({
      code: 'log_mismatch',
    });
  });

  test.each(['live', 'next'])(
    'does not help a log whose last events, read by the %s set, are gone',
    async (set) => {
      const log = scriptedLog();
      await ensure(log);
      log.write(['a-1', 'Counted'], ['a-1', 'Counted']);
      await readUpTo(log, set);
      await ensure(log);
      log.events.pop();
      await expect(ensure(log)).rejects.toMatchObject({ code: 'log_mismatch' });
    },
  );

  test('does not help a log that was restored and written to since, however long it is', async () => {
    const log = scriptedLog();
    await ensure(log);
    log.write(['a-1', 'Counted'], ['a-1', 'Counted']);
    await readUpTo(log);
    log.write(['a-1', 'Counted']);
    await ensure(log);
    const [, , second] = log.events;
    if (second === undefined) throw new Error('nothing was written');
    const elsewhen = { ...second, recordedAt: new Date(second.recordedAt.getTime() + 60_000) };
    const elsewhere = {
      ...second,
      position: { commit: second.position.commit + 1n, prepare: second.position.prepare },
    };
    for (const other of [elsewhen, elsewhere]) {
      log.events[2] = other;
      await expect(ensure(log)).rejects.toMatchObject({
        code: 'log_mismatch',
        message: expect.stringContaining('give this log an empty database'),
      });
    }
    log.events[2] = second;
    await ensure(log);
  });
});
