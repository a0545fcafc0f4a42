import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemLogEvents } from '../../src/domain/system-log.js';
import { advanceCheckpoint, claimCheckpoint } from '../../src/runtime/checkpoint.js';
import { createCodec } from '../../src/runtime/codec.js';
import { ensureLogIdentity } from '../../src/runtime/log-identity.js';
import { type TestDatabase, testDatabase } from '../support/postgres.js';
import { scriptedLog } from '../support/scripted-log.js';

const codec = createCodec(systemLogEvents);
let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.drop());

/** What the database has read of the log, up to its present end. */
const readUpTo = async (log: ReturnType<typeof scriptedLog>): Promise<void> => {
  const position = log.events.at(-1)?.position ?? { commit: 0n, prepare: 0n };
  const checkpoint = await claimCheckpoint(database.db, 'live', 1n);
  await advanceCheckpoint(database.db, checkpoint, {
    position,
    event: position,
    eventRecordedAt: new Date(),
  });
};

describe('the identity of the log', () => {
  test('is made once and remembered', async () => {
    const log = scriptedLog();
    const logId = await ensureLogIdentity(log, database.db, codec);
    expect(await ensureLogIdentity(log, database.db, codec)).toBe(logId);
    expect(log.events.map(({ stream, type }) => [stream, type])).toEqual([['system-log', 'LogCreated']]);
  });

  test('is taken over by a new database', async () => {
    const log = scriptedLog();
    const logId = await ensureLogIdentity(log, database.db, codec);
    await database.db.query('DELETE FROM runtime.log_identity');
    expect(await ensureLogIdentity(log, database.db, codec)).toBe(logId);
  });

  test('of another or of an empty log is refused', async () => {
    await ensureLogIdentity(scriptedLog(), database.db, codec);
    const empty = scriptedLog();
    await expect(ensureLogIdentity(empty, database.db, codec)).rejects.toMatchObject({
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
    await expect(ensureLogIdentity(other, database.db, codec)).rejects.toMatchObject({
      code: 'log_mismatch',
    });
  });

  test('does not help a log whose last events are gone', async () => {
    const log = scriptedLog();
    await ensureLogIdentity(log, database.db, codec);
    log.write(['a-1', 'Counted'], ['a-1', 'Counted']);
    await readUpTo(log);
    await ensureLogIdentity(log, database.db, codec);
    log.events.pop();
    await expect(ensureLogIdentity(log, database.db, codec)).rejects.toMatchObject({ code: 'log_mismatch' });
  });
});
